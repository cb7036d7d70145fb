"""Nothing to do on an exFAT card: a request for a small file, two for a large one; a twin of the same size and times is found."""

from harness.errors import expect
from harness.storage import MIB

USUAL = ("ext4",)
MORE = ()

SMALL, LARGE = 300, 60

FILL = f"""
    set -e
    attach exfat $(disk card) /mnt/card
    mkdir -p /mnt/card/DCIM/100CANON
    cd /mnt/card/DCIM/100CANON
    head -c 40000 /dev/urandom >/tmp/small
    head -c 300000 /dev/urandom >/tmp/large
    n=0
    while [ $n -lt {SMALL} ]; do n=$((n + 1)); {{ echo $n; cat /tmp/small; }} >IMG_$n.JPG; done
    while [ $n -lt {SMALL + LARGE} ]; do n=$((n + 1)); {{ echo $n; cat /tmp/large; }} >IMG_$n.CR3; done
    touch -d '2026-05-01 12:00:00' *
    cd /
    umount /mnt/card
"""

# The last byte of one and the first of another change, and no time.
TWINS = f"""
    set -e
    attach exfat $(disk card) /mnt/card
    cd /mnt/card/DCIM/100CANON
    printf X | dd of=IMG_{SMALL + 1}.CR3 bs=1 seek=$(( $(wc -c <IMG_{SMALL + 1}.CR3) - 1 )) conv=notrunc 2>/dev/null
    printf X | dd of=IMG_{SMALL + 2}.CR3 bs=1 conv=notrunc 2>/dev/null
    printf X | dd of=IMG_1.JPG bs=1 seek=39000 conv=notrunc 2>/dev/null
    touch -d '2026-05-01 12:00:00' *
    cd /
    umount /mnt/card
"""


def run(lab):
    lab.boot()
    lab.new_disk("card", 64 * MIB)
    lab.sh("make exfat $(disk card) SD32GB-03" + FILL)
    lab.make_drive(size=128 * MIB)
    lab.mount_card()
    lab.backup()
    requests = asked(lab)
    lab.say(f"{requests} requests for {SMALL} small and {LARGE} large files")
    expect(requests < 1.15 * (SMALL + 2 * LARGE) + 60, f"{requests} requests to find nothing to do")
    lab.sh("umount /mnt/card" + TWINS)
    lab.mount_card()
    ran = lab.piback("backup SD32GB-03 --source /mnt/card --dest /mnt/drive --json")
    # 39,000 bytes in is within the last 4 KiB of 40,002.
    expect(ran.ok() and '"copied":{"files":3,' in ran.output, ran.output[-600:])
    lab.prove()


def asked(lab):
    """Requests that reached the card in a run with nothing to do, from a cold cache."""
    lab.sh("umount /mnt/card")
    lab.mount_card()
    read = "awk '{print $1}' /sys/block/$(basename $(disk card))/stat"
    before = int(lab.sh(f"echo 3 >/proc/sys/vm/drop_caches; {read}"))
    ran = lab.piback("backup SD32GB-03 --source /mnt/card --dest /mnt/drive --json")
    expect(ran.ok() and '"copied":{"files":0,' in ran.output, ran.output[-600:])
    return int(lab.sh(read)) - before
