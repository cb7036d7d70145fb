"""A card and a drive appear by themselves, the card is backed up, and both are taken off before they are unplugged."""

import json
import subprocess
import time

from harness import checks, plugged
from harness.errors import expect
from harness.plugged import CARD, CARD_AT, DRIVE, DRIVE_AT, MIB, ROOT, partitioned_fat, until

USUAL = ("trixie",)
MORE = ("bookworm", "bullseye")

# Neither the unit that waits for a card to be quiet, nor the job that comes of it.
NOTHING_RUNS = "! systemctl is-active -q 'piback-insert@*' && ! piback status --json 2>/dev/null | grep -Eq '\"state\":\"(running|queued)\"'"
SHARE = f"in_ipad smbclient -t 60 -A /tmp/share --option='client min protocol=SMB3_00' //{checks.HOME.address}/Drives"


def run(lab):
    plugged.set_up(lab, on_insert="start")
    checks.sign_in(lab)

    a_drive_appears_and_is_enrolled(lab)
    a_card_appears_and_is_backed_up(lab)
    a_pulled_card_leaves_nothing(lab)
    they_are_taken_off(lab)
    at_power_on_they_are_there(lab)
    the_power_goes_off(lab)


def a_drive_appears_and_is_enrolled(lab):
    """Nobody knows it yet: it can be looked at. Enrolled, it can be written."""
    lab.make_disk("drive", 96 * MIB, "mkfs.exfat", "-L", DRIVE)
    lab.plug("drive")
    until(lab, f"grep -q ' {DRIVE_AT} exfat ro,' /proc/mounts")
    until(lab, f"{SHARE} -c ls | grep -q {DRIVE}")
    lab.sh(f"piback enroll {DRIVE} --yes")
    until(lab, f"grep -q ' {DRIVE_AT} exfat rw,' /proc/mounts")
    flags = lab.sh(f"grep ' {DRIVE_AT} ' /proc/mounts")
    for flag in ("nosuid", "nodev", "noexec"):
        expect(flag in flags, f"the drive is mounted without {flag}: {flags}")
    expect(lab.sh(f"stat -c %U {DRIVE_AT}") == checks.SHARE_USER, "the drive is not the share's user's")


def a_card_appears_and_is_backed_up(lab):
    """A FAT card in its one partition, as cameras format; its photos come from the guest, as a camera's would."""
    partitioned_fat(lab, "card", 64 * MIB)
    lab.plug("card")
    until(lab, f"mountpoint -q {CARD_AT}")
    # No photos yet: nothing is backed up.
    expect(not lab.run("systemctl is-active 'piback-insert@*'").ok(), "an empty card is backed up")
    plugged.shoot(lab, "0001 0002 0003 0004 0005", 1_000_000)
    lab.pull("card")
    lab.plug("card")
    until(lab, f"grep -q ' {CARD_AT} vfat ro,' /proc/mounts")
    expect(lab.sh(f"stat -c %U {CARD_AT}/DCIM") == checks.SHARE_USER, "the card is not the share's user's")
    lab.sh(f"{SHARE} -c 'get {CARD}/DCIM/100CANON/IMG_0001.JPG /tmp/seen'; cmp /run/world/tmp/seen /run/shot/100CANON/IMG_0001.JPG")
    # Nobody typed a command.
    until(lab, f"diff -r /run/shot {DRIVE_AT}/{CARD}/DCIM", 180)
    until(lab, NOTHING_RUNS, 120)
    expect(lab.run(f"piback safe-to-format {CARD}").ok(), "the card is not safe")
    ran = lab.run(f"piback backup {CARD}")
    expect(ran.ok() and "piback eject --all" in ran.output, f"backup by hand: {ran.status}\n{ran.output}")


def a_pulled_card_leaves_nothing(lab):
    """Out of the reader without a word: no dead mount, no folder, and in again it is there again."""
    before = len(plugged.jobs(lab))
    lab.pull("card")
    until(lab, f"! test -e {CARD_AT}")
    expect(CARD not in lab.sh("cat /proc/mounts"), "a dead mount is left")
    expect(CARD not in lab.sh(f"{SHARE} -c ls"), "the share still shows the card")
    lab.plug("card")
    until(lab, f"mountpoint -q {CARD_AT}")
    its_backup_is_over(lab, before)
    failed = lab.sh("systemctl --failed --no-legend --plain | grep piback || true")
    expect(not failed, f"units failed: {failed}")


def they_are_taken_off(lab):
    """Not while somebody uses them; then both, and nothing is left."""
    lab.sh(f"cd {DRIVE_AT} && (sleep 600 </dev/null >/dev/null 2>&1 & echo $! >/run/holds)")
    ran = lab.run(f"piback eject {DRIVE}")
    expect(ran.status == 1 and "still mounted" in ran.output, f"a drive in use: {ran.status}\n{ran.output}")
    lab.sh(f"kill $(cat /run/holds); touch {DRIVE_AT}/last.txt")
    ran = lab.run("piback eject --all --json 2>/dev/null")
    expect(ran.ok(), f"eject ended with {ran.status}:\n{ran.output}")
    volumes = json.loads(ran.output.splitlines()[-1])["volumes"]
    expect({v["label"] for v in volumes} == {CARD, DRIVE}, f"not both: {ran.output}")
    expect(lab.sh(f"ls {ROOT}") == "", "a folder is left")
    expect(ROOT not in lab.sh("cat /proc/mounts"), "something is still mounted")
    # What was written last is on the medium: the drive may be pulled at once.
    lab.pull("drive")
    checked = subprocess.run(["fsck.exfat", "-n", str(lab.work / "drive.img")], capture_output=True, text=True)
    expect(checked.returncode == 0, f"the drive is not clean:\n{checked.stdout}{checked.stderr}")
    lab.plug("drive")
    until(lab, f"test -e {DRIVE_AT}/last.txt")
    replug(lab, "card", CARD_AT)


def at_power_on_they_are_there(lab):
    """Plugged in before the power comes: mounted, with the drive writable, and nothing failed."""
    before = len(plugged.jobs(lab))
    lab.sh("piback eject --all; sync; ! mountpoint -q /mnt || umount /mnt")
    lab.cut_power()
    lab.start()
    lab.plug("card")
    lab.plug("drive")
    lab.machine.wait_for_boot()
    until(lab, f"mountpoint -q {CARD_AT} && grep -q ' {DRIVE_AT} exfat rw,' /proc/mounts", 240)
    lab.settle()
    its_backup_is_over(lab, before)
    failed = lab.sh("systemctl --failed --no-legend --plain | grep piback || true")
    expect(not failed, f"units failed: {failed}")


def the_power_goes_off(lab):
    """Both are off before the system is."""
    lab.sh(f"touch {DRIVE_AT}/at-the-end.txt")
    lab.run("(piback poweroff </dev/null >/run/off 2>&1 &); sleep 1")
    deadline = time.monotonic() + 240
    while lab.machine.process.poll() is None:
        expect(time.monotonic() < deadline, f"it does not go off:\n{lab.machine.console()}")
        time.sleep(0.5)
    checked = subprocess.run(["fsck.exfat", "-n", str(lab.work / "drive.img")], capture_output=True, text=True)
    expect(checked.returncode == 0, f"the drive is not clean:\n{checked.stdout}{checked.stderr}")


def its_backup_is_over(lab, before, seconds=240):
    """The card's that went in: it begins some seconds after the mount, so there has to be one job more than before."""
    deadline = time.monotonic() + seconds
    while len(plugged.jobs(lab)) <= before or not lab.run(NOTHING_RUNS).ok():
        expect(time.monotonic() < deadline, f"not backed up within {seconds} s\n{plugged.words(lab)}")
        time.sleep(0.5)


def replug(lab, name, at):
    lab.pull(name)
    lab.plug(name)
    until(lab, f"mountpoint -q {at}")
