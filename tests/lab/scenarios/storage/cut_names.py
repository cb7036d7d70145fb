"""Names whose end a drive's driver drops, or that it refuses: the name on record is the one that the drive has."""

from harness.errors import expect
from harness.storage import MIB

USUAL = ("exfat",)
MORE = ("vfat", "ntfs3", "ntfs-3g", "ext4")

ENDS = "SD32GB-03 --source /mnt/card --dest /mnt/drive"


def run(lab):
    lab.boot()
    # ext4 keeps every name, as a camera's own Linux may.
    lab.new_disk("card", 32 * MIB)
    lab.sh("""
        make ext4 $(disk card) SD32GB-03
        attach ext4 $(disk card) /mnt/card
        mkdir -p "/mnt/card/trip./day..."
        for name in "ends." "ends " "a:b.JPG" "who?.JPG" "trip./IMG_0001.JPG" "trip./day.../IMG_0002.JPG"; do
            echo "$name" >"/mnt/card/$name"
        done
        umount /mnt/card
        attach ext4 $(disk card) /mnt/card ro
    """)
    lab.make_drive(size=128 * MIB)
    lab.backup()
    lab.prove()
    if lab.filesystem != "ext4":
        kept = lab.sh("cd /mnt/drive/SD32GB-03; find . -type f").splitlines()
        bad = [name for name in kept if any(part.endswith((".", " ")) for part in name[2:].split("/"))]
        expect(not bad and "./ends%2E" in kept, f"names that other systems can't open: {kept}")
    lab.sh("umount /mnt/drive")
    lab.mount_drive()
    lab.prove()
    ran = lab.piback(f"backup {ENDS} --json")
    expect(ran.ok() and '"copied":{"files":0' in ran.output, f"copied again:\n{ran.output}")
