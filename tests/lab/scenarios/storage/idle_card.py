"""Nothing to do on an exFAT card of 3,000 photos: at most three times rsync's wall time, in a quick reader and in a slow one."""

import shutil
import statistics
import subprocess

from harness import images
from harness.errors import LabError, expect
from harness.storage import MIB

USUAL = ()
MORE = ("ext4",)

FILES, SIZE, ROUNDS = 3000, 40_000, 5
# Milliseconds that every request waits: as good as none on the emulated bus, and what a reader of SD cards takes.
READERS = (0, 1)

RSYNC = "LD_LIBRARY_PATH=/run/lab/lib /run/lab/lib/ld-linux-x86-64.so.2 /run/lab/rsync -a /mnt/card/ /mnt/drive/RSYNC/"
PIBACK = "/run/lab/piback backup SD32GB-03 --source /mnt/card --dest /mnt/drive"

FILL = f"""
    set -e
    make exfat $(disk card) SD32GB-03 >/dev/null
    attach exfat $(disk card) /mnt/card
    head -c {SIZE} /dev/urandom >/tmp/photo
    n=0
    while [ $n -lt {FILES} ]; do
        folder=/mnt/card/DCIM/$((100 + n / 1000))CANON
        [ -d $folder ] || mkdir -p $folder
        {{ echo $n; cat /tmp/photo; }} >$folder/IMG_$n.JPG
        n=$((n + 1))
    done
    umount /mnt/card
    modprobe dm_delay
"""


def run(lab):
    bring_rsync(lab)
    lab.boot()
    lab.new_disk("card", FILES * 2 * SIZE)
    lab.sh(FILL, timeout=900)
    lab.make_drive(size=FILES * 4 * SIZE + 64 * MIB)
    for wait in READERS:
        lab.sh(f'dmsetup create card{wait} --noudevsync --table "0 $(blockdev --getsz $(disk card)) delay $(disk card) 0 {wait}"')
        lab.sh("dmsetup mknodes")
        ratios, told = measured(lab, f"/dev/mapper/card{wait}")
        lab.sh(f"dmsetup remove --noudevsync card{wait}")
        lab.say(f"{wait} ms a request: {told}, ratios {' '.join(f'{ratio:.2f}' for ratio in ratios)}")
        expect(statistics.median(ratios) <= 3, f"{wait} ms a request: {statistics.median(ratios):.2f} times rsync")


def measured(lab, card):
    """What piback took of rsync's time in each round, and both medians in words."""
    attach = f"attach exfat {card} /mnt/card ro"
    lab.sh(f"{attach}; set -e; {RSYNC}; {PIBACK}; umount /mnt/card", timeout=900)
    times = {RSYNC: [], PIBACK: []}
    asked = {}
    for _ in range(ROUNDS):
        for tool in times:
            took, asked[tool] = map(int, lab.sh(f"""
                sync; echo 3 >/proc/sys/vm/drop_caches
                {attach}
                requests() {{ awk '{{print $1}}' /sys/block/$(basename $(disk card))/stat; }}
                before=$(requests); from=$(date +%s%N)
                {tool} >/tmp/said 2>&1 || {{ cat /tmp/said; exit 1; }}
                echo $((($(date +%s%N) - from) / 1000)) $(($(requests) - before))
                umount /mnt/card
            """, timeout=300).split())
            times[tool].append(took)
    ratios = [ours / theirs for ours, theirs in zip(times[PIBACK], times[RSYNC])]
    words = (f"{name} {statistics.median(times[tool]) / 1e6:.2f} s in {asked[tool]} requests" for name, tool in (("rsync", RSYNC), ("piback", PIBACK)))
    return ratios, ", ".join(words)


def bring_rsync(lab):
    """Puts this machine's rsync and its libraries into the guest."""
    rsync = shutil.which("rsync")
    if not rsync:
        raise LabError("rsync is missing here: apt-get install rsync")
    tree = lab.work / "payload"
    (tree / "lib").mkdir()
    shutil.copy2(rsync, tree / "rsync")
    for word in subprocess.run(["ldd", rsync], capture_output=True, text=True, check=True).stdout.split():
        if word.startswith("/"):
            shutil.copy2(word, tree / "lib")
    images.read_only_disk(tree, lab.payload, "192M")
