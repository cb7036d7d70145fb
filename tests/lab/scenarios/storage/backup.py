"""A card is backed up, proven, and backed up again: every file arrives, nothing is copied twice, nothing is left over."""

from harness.errors import expect
from harness.storage import FILESYSTEMS

USUAL = FILESYSTEMS
MORE = ()


def run(lab):
    lab.boot_with_card_and_drive()
    lab.backup()
    lab.sh("diff -r /run/lab/card /mnt/drive/SD32GB-03")
    expect(not lab.leftovers(), f"left over: {lab.leftovers()}")
    lab.prove()

    before = lab.times()
    lab.backup()
    expect(lab.times() == before, "a second run with nothing to do touched published files")
    lab.sh("umount /mnt/drive")
    lab.check_filesystem()
