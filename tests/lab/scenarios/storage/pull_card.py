"""The card is pulled in the middle: the run ends, names what is missing, and no half photo has a final name."""

from harness.errors import expect

USUAL = ("exfat",)
MORE = ("vfat", "ntfs3", "ntfs-3g", "ext4")


def run(lab):
    lab.boot_with_card_and_drive(write_speed=6_000_000)
    lab.start_backup()
    # Early, while most of the card is unread: the reader is some files ahead of what is verified.
    lab.wait_until_written(10_000_000)
    lab.pull("card")
    status = lab.wait_for_backup()
    expect(status in (1, 5), f"the card went away and the run ended with {status}:\n{lab.said()}")
    expect("card" in lab.said(), f"the run does not say that it was the card:\n{lab.said()}")
    whole = lab.published_whole()
    expect(whole < lab.card_files(), "every file is there: the card was pulled too late")

    lab.sh("umount -l /mnt/card")
    lab.plug("card")
    lab.mount_card()
    answer = lab.piback("safe-to-format SD32GB-03 --source /mnt/card --dest /mnt/drive")
    expect(answer.status == 5, f"half a card is on the drive and safe-to-format ended with {answer.status}:\n{answer.output}")
    lab.backup()
    lab.prove()
