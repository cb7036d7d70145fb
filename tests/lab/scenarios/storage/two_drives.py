"""Two drives: one is pulled, and catches up from the other without the card; bad sectors and a power cut are repaired."""

import random
import time

from harness.errors import expect
from harness.storage import MIB, TEMPORARY

USUAL = ("exfat",)
MORE = ("ext4", "vfat")

BOTH = "--dest /mnt/drive --dest /mnt/other"
HURT = "DCIM/100CANON/IMG_0003.CR3"
ROTTEN = ("DCIM/100CANON/IMG_0005.CR3", "DCIM/101CANON/MVI_0049.MP4")
SLOW = {"write_speed": 6_000_000, "read_speed": 12_000_000}


def run(lab):
    lab.boot_with_card_and_drive(**SLOW)
    lab.make_drive(name="other", label="TRAVEL2", **SLOW)
    one_is_pulled_and_the_other_finishes(lab)
    it_catches_up_without_the_card(lab)
    its_bad_sector_is_repaired(lab)
    the_power_is_cut_in_a_repair(lab)


def one_is_pulled_and_the_other_finishes(lab):
    lab.start(f"backup SD32GB-03 --source /mnt/card {BOTH}")
    lab.wait_until_progress("position_bytes", lab.of_bytes() // 2)
    lab.pull("drive")
    status = lab.wait_for_backup()
    expect(status == 5 and "safe on 1 of 2" in lab.said(), f"{status}:\n{lab.said()}")
    lab.sh("umount -l /mnt/drive")
    whole = lab.published_whole("other")
    expect(whole == lab.card_files(), f"{whole} of {lab.card_files()} files are on the drive that stayed:\n{lab.said()}")
    lab.sh("umount /mnt/card")
    lab.pull("card")


def it_catches_up_without_the_card(lab):
    lab.plug("drive")
    lab.mend_drive()
    lab.mount_drive()
    before = lab.published_whole()
    expect(before < lab.card_files(), "the drive was pulled too late: it has everything")
    good(lab, "--repair --catch-up")
    whole = lab.published_whole()
    expect(whole == lab.card_files(), f"{before} files were there, {whole} are after it caught up")


def its_bad_sector_is_repaired(lab):
    """A sector under a photo can't be read any more: the other drive's copy takes its name."""
    lab.sh("umount /mnt/drive")
    lab.pull("drive")
    lab.make_raw("drive")
    lab.plug("drive", bad_sectors=[lab.sector_of(HURT, 2 * MIB, "drive")])
    lab.mount_drive()
    expect(not lab.run(f"cat /mnt/drive/SD32GB-03/{HURT} >/dev/null").ok(), "the sector can be read: no fault was injected")
    ran = lab.piback(f"verify SD32GB-03 {BOTH}")
    expect(ran.status == 5 and "IMG_0003.CR3" in ran.output, f"verify ended with {ran.status}:\n{ran.output}")
    good(lab, "--repair")
    expect(lab.published_whole() == lab.card_files(), "the photo is not back")
    kept = lab.sh("find /mnt/drive/.piback/damaged -type f").split()
    expect(len(kept) == 1 and kept[0].endswith("IMG_0003.CR3"), f"not put aside: {kept}")


def the_power_is_cut_in_a_repair(lab):
    """Rot on one drive is repaired when the power goes: what was there is there, and the next repair ends well."""
    lab.sh("umount /mnt/drive")
    lab.pull("drive")
    lab.plug("drive", **SLOW)
    lab.mount_drive()
    for photo in ROTTEN:
        lab.sh(f"""
            at=/mnt/drive/SD32GB-03/{photo}
            touch -r $at /run/times
            printf rot | dd of=$at bs=1 seek=70000 conv=notrunc status=none
            touch -r /run/times $at
        """)
    lab.sh("sync")
    rotten = {sum_of(lab, f"/mnt/drive/SD32GB-03/{photo}") for photo in ROTTEN}
    lab.start(f"verify SD32GB-03 {BOTH} --repair")
    # Moments in which something is half-done: a good copy is being written, or what was damaged has just been put aside.
    writing = f"find /mnt/drive -name '{TEMPORARY}' | grep -q ."
    aside = "test $(find /mnt/drive/.piback/damaged -type f | wc -l) -ge 2"
    lab.wait_for(random.choice((writing, aside)), seconds=240)
    time.sleep(random.choice((0, 0, random.random())))
    lab.cut_power()

    lab.boot()
    for name in ("drive", "other"):
        lab.plug(name)
        lab.mend_drive(name)
        lab.mount_drive(name)
    whole = lab.published_whole("other")
    expect(whole == lab.card_files(), f"{whole} of {lab.card_files()} files are whole on the drive that was good")
    mended = [photo for photo in ROTTEN if lab.run(f"cmp /mnt/drive/SD32GB-03/{photo} /run/lab/card/{photo}").ok()]
    for photo in set(ROTTEN) - set(mended):
        rest = lab.run(f"test ! -e /mnt/drive/SD32GB-03/{photo}").ok() or sum_of(lab, f"/mnt/drive/SD32GB-03/{photo}") in rotten
        expect(rest, f"{photo} is neither mended nor what it was")
    here = {line.split()[0] for line in lab.sh("find /mnt/drive -type f -size +1000k -exec sha256sum {} +").splitlines()}
    expect(rotten <= here, "what was damaged is gone: a repair deletes nothing")
    lab.say(f"cut when {len(mended)} of {len(ROTTEN)} were mended")
    good(lab, "--repair")
    expect(lab.published_whole() == lab.card_files(), "not all is back")
    expect(not lab.leftovers(), f"left over: {lab.leftovers()}")


def sum_of(lab, path):
    return lab.sh(f"sha256sum '{path}'").split()[0]


def good(lab, how):
    """A repair that ends well, and that the next look at both drives confirms."""
    for more in (how, ""):
        ran = lab.piback(f"verify SD32GB-03 {BOTH} {more}")
        expect(ran.ok(), f"verify {more} ended with {ran.status}:\n{ran.output}")
