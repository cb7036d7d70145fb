"""Card and drive are two partitions of one disk, as on a drive with a partition for the laptop: never safe to format."""

import struct

from harness.errors import expect
from harness.storage import MIB

USUAL = ("ext4",)
MORE = ("vfat", "exfat")

ENDS = "SD32GB-03 --source /mnt/card --dest /mnt/drive"


def run(lab):
    lab.boot()
    lab.new_disk("card", 200 * MIB)
    lab.pull("card")
    halves(lab.file("card"), MIB, 72 * MIB, 192 * MIB)
    lab.plug("card")
    lab.sh(f"""
        set -e
        make exfat $(disk card)1 SD32GB-03
        make {lab.filesystem} $(disk card)2 PDRIVE128GB
        attach exfat $(disk card)1 /mnt/card
        cp -r /run/lab/card/DCIM /mnt/card/
        umount /mnt/card
        attach exfat $(disk card)1 /mnt/card ro
        attach {lab.filesystem} $(disk card)2 /mnt/drive
    """)
    ran = lab.piback(f"backup {ENDS}")
    expect(ran.ok() and "THIS IS NO BACKUP: card and drive are parts of one disk" in ran.output, ran.output)
    ran = lab.piback(f"safe-to-format {ENDS}")
    expect(ran.status == 5 and "NO: card and drive are parts of one disk" in ran.output, ran.output)


def halves(image, first, second, end):
    """Writes a table of two partitions, the classic way: sector 0 has them at byte 446, of 16 bytes each."""
    with image.open("r+b") as disk:
        disk.seek(446)
        for start, stop in ((first, second), (second, end)):
            disk.write(struct.pack("<B3sB3sII", 0, bytes(3), 0x83, bytes(3), start // 512, (stop - start) // 512))
        disk.seek(510)
        disk.write(b"\x55\xaa")
