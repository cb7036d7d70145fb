"""Cards and drives that a scenario plugs into a guest, and waiting for what comes of it."""

import shutil
import subprocess
import time

from .errors import LabError, expect

MIB = 1 << 20
# As the lab's profile and scenarios call them.
ROOT = "/media/piback"
CARD, DRIVE = "SD32GB-03", "PDRIVE128GB"
CARD_AT, DRIVE_AT = f"{ROOT}/{CARD}", f"{ROOT}/{DRIVE}"


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
