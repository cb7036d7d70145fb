"""Healthy cards, written by mkfs, by the kernel and by long use: none of them is said to hide anything."""

from harness.errors import expect
from harness.storage import MIB

USUAL = ()
MORE = ("ext4",)

# Megabytes, the file system, and mkfs's options: all widths of FAT, and clusters from the smallest to the largest.
SHAPES = [
    (4, "vfat", "-F 12"), (30, "vfat", "-F 16"), (120, "vfat", "-F 16 -s 8"), (40, "vfat", "-F 32 -s 1"),
    (120, "vfat", "-F 32"), (120, "vfat", "-F 32 -s 4 -S 4096"), (120, "vfat", "-F 32 -s 8"), (120, "vfat", "-F 32 -s 64"),
    (16, "exfat", ""), (120, "exfat", "-c 512"), (120, "exfat", "-c 4K"), (120, "exfat", "-c 32K"), (120, "exfat", "-c 128K"),
    (120, "exfat", "-c 1M"),
]

# Files of all sizes come, grow, shrink, change their names and go, in folders that do the same; some in the clutter.
USE = r"""
use_card() {
    cd /mnt/card
    mkdir -p DCIM/100CANON DCIM/101CANON 'System Volume Information' .Trashes/501
    echo x >'System Volume Information/IndexerVolumeGuid'
    n=0
    while [ $n -lt $1 ]; do
        n=$((n + 1))
        r=$(( (n * 7919 + 13) % 97 ))
        f=DCIM/100CANON/IMG_$(( r % 40 )).JPG
        case $(( r % 8 )) in
            0|1|2) head -c $(( r * r * 37 % 90000 )) /dev/zero >"$f" ;;
            3) [ ! -e "$f" ] || head -c $(( r * 311 )) /dev/zero >>"$f" ;;
            4) [ ! -e "$f" ] || truncate -s $(( r * 50 )) "$f" ;;
            5) rm -f "$f" ;;
            6) [ ! -e "$f" ] || mv "$f" "DCIM/101CANON/a rather long name for a photo $r.JPG" ;;
            7) : >"$f"; mkdir -p "DCIM/folder $r"; head -c $r /dev/zero >.Trashes/501/$r ;;
        esac
        [ $(( n % 50 )) -ne 0 ] || rm -rf "DCIM/folder $r"
    done
    cd /
}
"""


def run(lab):
    lab.boot()
    lab.make_drive(size=64 * MIB)
    lab.sh("modprobe loop")
    cards = alarms = 0
    said = []
    for megabytes, filesystem, options in SHAPES:
        for steps in (0, 60, 400):
            cards += 1
            lab.sh("rm -rf /mnt/drive/CARD /mnt/drive/.piback; mkdir -p /tmp/cards")
            ran = lab.run(USE + f"""
                set -e
                truncate -s {megabytes}M /tmp/cards/x.img
                mkfs.{filesystem} {options} /tmp/cards/x.img >/dev/null
                mount -t {filesystem} -o loop /tmp/cards/x.img /mnt/card
                mkdir -p /mnt/card/DCIM; echo one >/mnt/card/DCIM/ONE.JPG
                use_card {steps} 2>/dev/null
                umount /mnt/card
                mount -t {filesystem} -o loop,ro /tmp/cards/x.img /mnt/card
                /run/lab/piback backup CARD --source /mnt/card --dest /mnt/drive --json | grep account
                umount /mnt/card; rm /tmp/cards/x.img
            """)
            expect(ran.ok(), f"{filesystem} {options} {steps}: {ran.output}")
            if '"unseen_bytes":0' not in ran.output:
                alarms += 1
                said.append(f"{filesystem} {options} after {steps} steps: {ran.output[-300:]}")
    lab.say(f"{alarms} false alarms on {cards} cards")
    expect(not alarms, "\n".join(said))
