"""A card that is copied when it goes in: pulled and put back, its drive pulled and put back, another card of the same label."""

import time

from harness import checks, plugged
from harness.errors import expect
from harness.plugged import CARD, CARD_AT, DRIVE_AT, MIB, jobs, partitioned_fat, until

USUAL = ("trixie",)
MORE = ("bookworm", "bullseye")
LONG = True

SHOTS = 16
SLOW = {"bps-total": 700_000}
SHARE = f"in_ipad smbclient -t 60 -A /tmp/share --option='client min protocol=SMB3_00' //{checks.HOME.address}/Drives"
SHOWN = f"{DRIVE_AT}/{CARD}/DCIM/100CANON"


def run(lab):
    plugged.set_up(lab, on_insert="start")
    checks.sign_in(lab)
    plugged.enrolled_drive(lab)

    a_card_pulled_at_half_goes_on_when_it_is_back(lab)
    a_drive_pulled_at_half_too(lab)
    it_is_in_the_share_at_once(lab)
    another_card_of_that_label(lab)
    a_file_open_over_the_network_is_named_and_closed(lab)


def a_card_pulled_at_half_goes_on_when_it_is_back(lab):
    shoot(lab, "card", "first")
    lab.plug("card", SLOW)
    half(lab)
    lab.pull("card")
    over(lab)
    last = jobs(lab)[0]
    expect(last["state"] == "not-safe" and last["result"]["not_safe"]["files"] > 0, f"a pulled card ended as {last}")
    until(lab, f"! test -e {CARD_AT}")
    lab.plug("card", SLOW)
    until(lab, f"diff -r /run/first {SHOWN}", 240)
    over(lab)
    good(lab)
    twice = lab.sh(f"find {DRIVE_AT} -name '*~*' | wc -l")
    expect(twice == "0", f"{twice} photos are there twice")


def a_drive_pulled_at_half_too(lab):
    """The card stays in. The drive's return is what goes on with it."""
    over(lab)
    lab.sh(f"rm -rf {DRIVE_AT}/{CARD} {DRIVE_AT}/.piback/manifests/{CARD} {DRIVE_AT}/.piback/mhl/{CARD}; sync")
    lab.pull("card")
    lab.plug("card", SLOW)
    half(lab)
    lab.pull("drive")
    over(lab)
    last = jobs(lab)[0]
    expect(last["state"] in ("not-safe", "failed"), f"a pulled drive ended as {last}")
    until(lab, f"! mountpoint -q {DRIVE_AT}")
    lab.plug("drive")
    until(lab, f"grep -q ' {DRIVE_AT} exfat rw,' /proc/mounts")
    until(lab, f"diff -r /run/first {SHOWN}", 240)
    over(lab)
    good(lab)


def it_is_in_the_share_at_once(lab):
    """From the plug to a photo read over SMB; told, not asserted: the machine is emulated."""
    lab.pull("card")
    until(lab, f"! test -e {CARD_AT}")
    began = time.monotonic()
    lab.plug("card")
    until(lab, f"{SHARE} -c 'get {CARD}/DCIM/100CANON/IMG_1.JPG /tmp/seen' && cmp /run/world/tmp/seen /run/first/IMG_1.JPG")
    lab.say(f"a photo was read over SMB {time.monotonic() - began:.1f} s after its card went in")
    over(lab)


def another_card_of_that_label(lab):
    """Other photos of the same names: both are kept, and each card is told to be safe for itself."""
    lab.pull("card")
    until(lab, f"! test -e {CARD_AT}")
    shoot(lab, "other", "second")
    lab.plug("other")
    until(lab, f"test $(ls {SHOWN} | wc -l) = {2 * SHOTS}", 240)
    over(lab)
    good(lab)
    lab.sh(f"for n in $(seq {SHOTS}); do cmp /run/first/IMG_$n.JPG {SHOWN}/IMG_$n.JPG && cmp /run/second/IMG_$n.JPG {SHOWN}/IMG_$n~2.JPG || exit 1; done")


def a_file_open_over_the_network_is_named_and_closed(lab):
    # smbclient does what it reads, and has the file open until there is no more to read.
    lab.sh(f"((echo 'open {CARD}/DCIM/100CANON/IMG_2.JPG'; exec sleep 300) | {SHARE} >/run/open 2>&1 & echo $! >/run/opener)")
    until(lab, "smbstatus --locks | grep -q IMG_2.JPG")
    ran = lab.run("piback eject --all")
    lab.run("kill $(cat /run/opener)")
    expect(ran.ok(), f"eject ended with {ran.status}:\n{ran.output}")
    expect("IMG_2.JPG open over the network" in ran.output, f"nobody was told of the open file:\n{ran.output}")
    expect("/media/piback" not in lab.sh("cat /proc/mounts"), "something is still mounted")


def shoot(lab, name, shots):
    """A card with photos, made by the guest as by a camera, out of piback's sight."""
    partitioned_fat(lab, name, 64 * MIB)
    lab.sh("systemctl stop piback-volumes.service; mv /etc/udev/rules.d/90-piback-volumes.rules /run/; udevadm control --reload")
    lab.plug(name)
    until(lab, f"test -b /dev/disk/by-label/{CARD}")
    lab.sh(f"""
        mkdir -p /run/camera; mount -t vfat -o utf8 /dev/disk/by-label/{CARD} /run/camera
        mkdir -p /run/camera/DCIM/100CANON /run/{shots}
        for n in $(seq {SHOTS}); do head -c 1500000 /dev/urandom >/run/{shots}/IMG_$n.JPG; done
        cp /run/{shots}/* /run/camera/DCIM/100CANON/
        umount /run/camera
    """)
    lab.pull(name)
    until(lab, f"! test -e /dev/disk/by-label/{CARD}")
    lab.sh("mv /run/90-piback-volumes.rules /etc/udev/rules.d/; udevadm control --reload; systemctl start piback-volumes.service")
    until(lab, f"grep -q ' {DRIVE_AT} exfat rw,' /proc/mounts")


def half(lab):
    until(lab, f"test $(ls {SHOWN} 2>/dev/null | wc -l) -ge {SHOTS // 4}", 240)
    last = jobs(lab)[0]
    expect(last["state"] == "running", f"it was over before it was at half: {last}")


def over(lab):
    """Neither the unit that waits for a card to be quiet, nor a job."""
    deadline = time.monotonic() + 300
    while lab.run("systemctl is-active -q 'piback-insert@*'").ok() or any(one["state"] in ("queued", "running", "stopping") for one in jobs(lab)):
        expect(time.monotonic() < deadline, f"the job does not end: {jobs(lab)[:1]}")
        time.sleep(1)


def good(lab):
    expect(jobs(lab)[0]["state"] == "done", f"it ended as {jobs(lab)[0]}")
    ran = lab.run(f"piback safe-to-format {CARD}", timeout=400)
    expect(ran.ok(), f"the card is not safe:\n{ran.output}")


