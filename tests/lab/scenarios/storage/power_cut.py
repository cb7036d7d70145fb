"""The power is cut in the middle: what was called verified is there, what has its final name is whole, and a second run ends well."""

from harness.errors import expect
from harness.storage import FILESYSTEMS

USUAL = FILESYSTEMS
MORE = ()


def run(lab):
    lab.boot()
    lab.make_card()
    lab.make_drive(write_speed=6_000_000)
    lab.start_backup()
    acknowledged = lab.wait_until_verified(files=4)
    lab.cut_power()

    lab.boot()
    lab.plug("card")
    lab.plug("drive")
    lab.mend_drive()
    lab.mount_card()
    lab.mount_drive()
    whole = lab.published_whole()
    expect(whole >= acknowledged, f"{acknowledged} files were called verified; after the cut {whole} are there")
    lab.backup()
    lab.sh("diff -r /run/lab/card /mnt/drive/SD32GB-03")
    expect(not lab.leftovers(), f"left over: {lab.leftovers()}")
    lab.prove()
