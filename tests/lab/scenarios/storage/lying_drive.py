"""The drive keeps other bytes than it was given: only reading back from the medium can tell, and it must."""

from harness.errors import expect

USUAL = ("exfat",)
MORE = ("vfat", "ntfs3", "ntfs-3g", "ext4")

# dm-flakey (the kernel's admin-guide/device-mapper/dm-flakey.rst), always down: byte 30000 of every write that is so
# long becomes 77. Photos are written in longer pieces, the file system's own tables in shorter ones.
LIAR = "0 $(blockdev --getsz $(disk drive)) flakey $(disk drive) 0 0 1 5 corrupt_bio_byte 30000 w 77 0"


def run(lab):
    lab.boot_with_card_and_drive()
    lab.sh("umount /mnt/drive")
    lab.sh(f'dmsetup create liar --table "{LIAR}" && dmsetup mknodes')
    lab.sh(f"attach {lab.filesystem} /dev/mapper/liar /mnt/drive")
    ran = lab.piback("backup SD32GB-03 --source /mnt/card --dest /mnt/drive")
    lab.sh("umount /mnt/drive; dmsetup remove liar")
    expect(ran.status == 5, f"the drive lied and the run ended with {ran.status}:\n{ran.output}")
    lab.mount_drive()
    lab.published_whole()
