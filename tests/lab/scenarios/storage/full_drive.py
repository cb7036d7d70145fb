"""The drive is too small: the run says by how much, keeps what fits, and never a short file under a final name."""

from harness.errors import expect

USUAL = ("exfat",)
MORE = ("vfat", "ntfs3", "ntfs-3g", "ext4")


def run(lab):
    lab.boot_with_card_and_drive(size=40 << 20)
    ran = lab.piback("backup SD32GB-03 --source /mnt/card --dest /mnt/drive")
    expect(ran.status in (1, 5), f"70 MB do not fit on 40 and the run ended with {ran.status}:\n{ran.output}")
    lab.published_whole()
    answer = lab.piback("safe-to-format SD32GB-03 --source /mnt/card --dest /mnt/drive")
    expect(answer.status == 5, f"safe-to-format ended with {answer.status}:\n{answer.output}")
