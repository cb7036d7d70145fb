"""A sector of the card cannot be read: that photo is named, its good parts are no photo, and all others are safe."""

from harness.errors import expect

USUAL = ("exfat",)
MORE = ("vfat", "ntfs3", "ntfs-3g", "ext4")

HURT = "DCIM/100CANON/IMG_0003.CR3"


def run(lab):
    lab.boot()
    lab.make_card()
    sector = lab.sector_of(HURT, offset=2 << 20)
    lab.sh("umount /mnt/card")
    lab.pull("card")
    lab.plug("card", bad_sectors=[sector])
    lab.mount_card()
    hurt = lab.run(f"cat /mnt/card/{HURT} >/dev/null")
    expect(not hurt.ok(), "the sector can be read: the fault was not injected")

    lab.make_drive()
    ran = lab.piback("backup SD32GB-03 --source /mnt/card --dest /mnt/drive")
    expect(ran.status == 5, f"a photo could not be read and the run ended with {ran.status}:\n{ran.output}")
    expect("IMG_0003.CR3" in ran.output, f"the photo is not named:\n{ran.output}")
    lab.sh(f"test ! -e /mnt/drive/SD32GB-03/{HURT}")
    expect(lab.published_whole() == lab.card_files() - 1, f"not all the others are there:\n{ran.output}")
    answer = lab.piback("safe-to-format SD32GB-03 --source /mnt/card --dest /mnt/drive")
    expect(answer.status == 5, f"safe-to-format ended with {answer.status}:\n{answer.output}")
