"""The power is cut at a random moment: what was called verified is there, final names are whole, a second run ends well."""

import random
import time

from harness.errors import expect
from harness.storage import FILESYSTEMS, REPAIRABLE

USUAL = FILESYSTEMS
MORE = ()


def run(lab):
    lab.boot_with_card_and_drive(write_speed=6_000_000)
    lab.start_backup()
    # From the first file's beginning to the last batch; 60 MB are on the card.
    lab.wait_until_written(random.randrange(1, 50_000_000))
    time.sleep(random.random())
    acknowledged, written = lab.progress("files"), lab.progress("written_bytes")
    lab.cut_power()
    lab.say(f"cut after {written} bytes, {acknowledged} files verified")

    lab.boot_after_cut()
    whole = lab.published_whole()
    expect(whole >= acknowledged, f"{acknowledged} files were called verified; after the cut {whole} are there")
    ran = lab.piback("backup SD32GB-03 --source /mnt/card --dest /mnt/drive")
    expect(ran.ok() or lab.filesystem not in REPAIRABLE, f"the second run ended with {ran.status}:\n{ran.output}")
    if ran.ok():
        lab.sh("diff -r /run/lab/card /mnt/drive/SD32GB-03")
        expect(not lab.leftovers(), f"left over: {lab.leftovers()}")
        lab.prove()
        return
    # Linux can't repair NTFS: a folder may stay unreadable until Windows has checked the drive. Then piback must say so,
    # keep what is whole, and never call the card safe.
    expect(ran.status in (1, 5), f"the second run ended with {ran.status}:\n{ran.output}")
    kept = lab.published_whole()
    expect(kept >= whole, f"{whole} whole files before the second run, {kept} after it")
    answer = lab.piback("safe-to-format SD32GB-03 --source /mnt/card --dest /mnt/drive")
    expect(answer.status in (1, 5), f"safe-to-format ended with {answer.status}:\n{answer.output}")
    lab.say(f"the drive needs Windows' chkdsk; all {acknowledged} verified files are whole")
