"""The drive is pulled in the middle: the run ends by itself and says so, and what it published is whole."""

from harness.errors import expect
from harness.storage import FILESYSTEMS

USUAL = FILESYSTEMS
MORE = ()


def run(lab):
    # So slow that the second batch is far from done when the first one is verified: it may be written by then, but its
    # 20 MB are still to be read back.
    lab.boot_with_card_and_drive(write_speed=3_000_000, read_speed=3_000_000)
    lab.start_backup()
    acknowledged = lab.wait_until_verified(files=4)
    lab.pull("drive")
    status = lab.wait_for_backup()
    expect(status in (1, 5), f"the drive went away and the run ended with {status}:\n{lab.said()}")
    expect("drive" in lab.said(), f"the run does not say that it was the drive:\n{lab.said()}")

    lab.sh("umount -l /mnt/drive")
    lab.plug("drive")
    lab.mend_drive()
    lab.mount_drive()
    whole = lab.published_whole()
    expect(whole >= acknowledged, f"{acknowledged} files were called verified; after the pull {whole} are there")
    lab.backup()
    expect(not lab.leftovers(), f"left over: {lab.leftovers()}")
    lab.prove()
