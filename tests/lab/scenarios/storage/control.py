"""The control: the same faults strike cp, and it must be seen to lose photos. A lab that cannot hurt proves nothing."""

from harness.errors import expect

USUAL = ("exfat",)
MORE = ("vfat", "ntfs3", "ntfs-3g", "ext4")


def run(lab):
    lab.boot_with_card_and_drive(write_speed=20_000_000)
    lab.sh("cp -r /mnt/card /mnt/drive/SD32GB-03")
    lab.cut_power()

    lab.boot()
    lab.plug("drive")
    lab.mend_drive()
    lab.mount_drive()
    lost = lab.run("diff -rq /run/lab/card /mnt/drive/SD32GB-03")
    expect(not lost.ok(), "cp ended well, the power was cut, and every photo is there: the cut is too gentle")
