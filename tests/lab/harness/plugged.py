"""Cards and drives that a scenario plugs into a guest, and waiting for what comes of it."""

import json
import shutil
import subprocess
import time

from . import checks
from .errors import LabError, expect

MIB = 1 << 20
# As the lab's profile and scenarios call them.
ROOT = "/media/piback"
CARD, DRIVE = "SD32GB-03", "PDRIVE128GB"
CARD_AT, DRIVE_AT = f"{ROOT}/{CARD}", f"{ROOT}/{DRIVE}"


def set_up(lab, **lines):
    """An appliance with piback installed, a USB bus, and the iPad on its Wi-Fi; the profile's keys have these values."""
    lab.has_usb = True
    lab.boot()
    lab.mount_binary()
    lab.sh("install -m 755 /mnt/piback /usr/local/bin/piback")
    checks.init(lab, "piback")
    checks.edit(lab, **lines)
    checks.apply(lab, "piback")
    checks.joins(lab)


def enrolled_drive(lab):
    """The drive: plugged in, enrolled, and mounted writable."""
    lab.make_disk("drive", 128 * MIB, "mkfs.exfat", "-L", DRIVE)
    lab.plug("drive")
    until(lab, f"mountpoint -q {DRIVE_AT}")
    lab.sh(f"piback enroll {DRIVE} --yes")
    until(lab, f"grep -q ' {DRIVE_AT} exfat rw,' /proc/mounts")


def shoot(lab, names, size=1_500_000):
    """Photos on the card that is plugged in, as a camera would put them there; what they are stays in /run/shot. `names` is a
    shell's word for several. The card is to be pulled and plugged in again."""
    lab.sh(f"""
        device=$(findmnt -no SOURCE {CARD_AT})
        systemctl stop "piback-volume@${{device#/dev/}}"
        mkdir -p /run/camera; mount -t vfat -o utf8 $device /run/camera
        mkdir -p /run/camera/DCIM/100CANON
        for n in {names}; do head -c {size} /dev/urandom >/run/camera/DCIM/100CANON/IMG_$n.JPG; done
        cp -r /run/camera/DCIM /run/shot
        umount /run/camera
    """)


def jobs(lab):
    """The jobs that wait, run, or are over, the newest first."""
    return json.loads(lab.sh("piback status --json 2>/dev/null"))["jobs"]


def until(lab, condition, seconds=120):
    """Until the guest's shell calls `condition` true."""
    deadline = time.monotonic() + seconds
    while not lab.run(condition).ok():
        expect(time.monotonic() < deadline, f"not within {seconds} s: {condition}\n{words(lab)}")
        time.sleep(0.5)


def words(lab):
    return lab.machine.diagnose("""
        lsblk -o NAME,FSTYPE,LABEL,MOUNTPOINT; systemctl list-units --all --no-legend --plain 'piback-*'
        journalctl -b --no-pager -o cat -u 'piback-volume@*' -u 'piback-insert@*' -u piback-volumes -u piback-control -u 'piback-job@*' -u piback-web | tail -n 40
    """)


def partitioned_fat(lab, name, size):
    """A disk with one partition, from 1 MiB on."""
    if shutil.which("sfdisk") is None:
        raise LabError("sfdisk is missing: apt-get install fdisk")
    inside = lab.make_disk(f"{name}-fat", size, "mkfs.vfat", "-F", "32", "-s", "1", "-n", CARD)
    whole = lab.work / f"{name}.img"
    with whole.open("wb") as image:
        image.truncate(size + 2 * MIB)
    table = f"label: dos\nstart=2048, size={size // 512}, type=c\n"
    subprocess.run(["sfdisk", "-q", "--wipe", "never", str(whole)], input=table, text=True, check=True)
    with whole.open("r+b") as image:
        image.seek(MIB)
        image.write(inside.read_bytes())
