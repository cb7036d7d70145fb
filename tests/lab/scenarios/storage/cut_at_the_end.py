"""The power is cut in the moment in which `backup` ends with 0: "done" means that every file is on the medium."""

from harness.errors import expect
from harness.storage import FILESYSTEMS

USUAL = FILESYSTEMS
MORE = ()


def run(lab):
    lab.boot_with_card_and_drive()
    lab.start_backup()
    status = lab.cut_power_at_exit()
    expect(status == 0, f"backup ended with {status}:\n{lab.said()}")

    lab.boot_after_cut()
    lab.sh("diff -r /run/lab/card /mnt/drive/SD32GB-03")
    expect(not lab.leftovers(), f"left over: {lab.leftovers()}")
    lab.prove()
