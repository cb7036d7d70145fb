"""The drive keeps other bytes than it was given: only reading back from the medium can tell, and it must."""

from harness.errors import expect

USUAL = ("exfat",)
MORE = ("vfat", "ntfs3", "ntfs-3g", "ext4")

# dm-flakey (the kernel's admin-guide/device-mapper/dm-flakey.rst): one second in two, byte 300 of every write of
# 64 KiB or so becomes 77. Small writes, which hold the file system's own tables, are left alone by bio flags.
TABLE = "0 $(blockdev --getsz $(disk drive)) flakey $(disk drive) 0 0 {seconds} corrupt_bio_byte 30000 w 77 0"


def run(lab):
    lab.boot()
    lab.make_card()
    lab.make_drive()
    lab.sh("umount /mnt/drive")
    lab.sh(f"dmsetup create liar --table \"{TABLE.format(seconds='1')}\"")
    lab.sh(f"attach {lab.filesystem} /dev/mapper/liar /mnt/drive")
    ran = lab.piback("backup SD32GB-03 --source /mnt/card --dest /mnt/drive")
    lab.sh("umount /mnt/drive; dmsetup remove liar")
    expect(ran.status == 5, f"the drive lied and the run ended with {ran.status}:\n{ran.output}")
    lab.mount_drive()
    lab.published_whole()
