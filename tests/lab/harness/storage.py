"""The storage lab: a guest without services, a card and a drive on its USB bus, and the ways to mistreat them."""

import json
import random
import shutil
import time

from . import images, qemu, usb
from .errors import Failed, LabError, expect
from .paths import GUEST

FILESYSTEMS = ("vfat", "exfat", "ntfs3", "ntfs-3g", "ext4")
# Those that Linux can put in order after a power cut.
REPAIRABLE = ("vfat", "exfat", "ext4")
MIB = 1 << 20
CARD_SIZE = 160 * MIB
DRIVE_SIZE = 256 * MIB
# A drive has a cache that a power cut empties. qcow2 makes one: QEMU keeps the whereabouts of newly written clusters
# in memory until the guest asks for a flush, so that a killed QEMU leaves some unflushed writes behind and not others.
FORMATS = {"card": "raw", "drive": "qcow2", "other": "qcow2"}
# How piback names what it has not verified yet.
TEMPORARY = ".piback-*.tmp"
PRELUDE = "exec 2>&1; . /run/lab/storage-lib.sh\n"


class StorageLab:
    """What a storage scenario is given. `filesystem` is the drive's; the card is always exFAT, as cameras format."""

    def __init__(self, filesystem, work, piback, say):
        self.filesystem = filesystem
        self.work = work
        self.say = say
        self.image = images.build(images.STORAGE, say)
        self.payload = payload(work, piback)
        self.machine = None
        self.formats = dict(FORMATS)
        self.boots = 0
        self.plugged = set()

    def boot(self):
        """A freshly started guest, with nothing on its USB bus."""
        self.boots += 1
        hardware = qemu.Hardware(
            kernel=self.image.kernel,
            initrd=self.image.initrd(),
            disks=[(self.image.disk("root.img"), "raw", True), (self.payload, "raw", True)],
            append="lab.root=ro lab.init=/run/lab/storage-init.sh",
            devices=usb.BUS,
        )
        self.machine = qemu.Machine(hardware, self.work / f"boot{self.boots}", PRELUDE)
        self.plugged.clear()
        return self.machine.wait_for_boot()

    def boot_with_card_and_drive(self, **drive):
        """A guest with a card full of photos and an empty drive, both mounted."""
        self.boot()
        self.make_card()
        self.make_drive(**drive)

    def boot_after_cut(self):
        """The guest that comes up when the power is back, with the same card and drive."""
        self.boot()
        self.plug("card")
        self.plug("drive")
        self.mend_drive()
        self.mount_card()
        self.mount_drive()

    def sh(self, script, timeout=300):
        return self.machine.sh(script, timeout)

    def run(self, script, timeout=300):
        return self.machine.run(script, timeout)

    def plug(self, name, write_speed=0, read_speed=0, bad_sectors=()):
        """Puts disk `name` on the bus and waits for it. Speeds in bytes a second; reads of `bad_sectors` fail."""
        limits = {"bps-write": write_speed, "bps-read": read_speed}
        usb.plug(self.machine.qmp.ask, name, self.file(name), self.formats[name], limits, bad_sectors)
        self.plugged.add(name)
        return self.sh(f"disk {name}")

    def pull(self, name):
        """The disk leaves the bus in this moment, whatever is under way."""
        usb.pull(self.machine.qmp.ask, name)
        self.plugged.discard(name)

    def cut_power(self):
        """Everything stops at once; what was not on a medium is gone. Boot again to look."""
        self.machine.kill()

    def cut_power_at_exit(self, seconds=300):
        """Cuts the power in the moment in which the run in the background ends; gives its exit status."""
        deadline = time.monotonic() + seconds
        while not (ends := self.events("exit")):
            expect(time.monotonic() < deadline, f"the run did not end within {seconds} s:\n{self.said()}")
            time.sleep(0.001)
        self.cut_power()
        return ends[0]["status"]

    def file(self, name):
        return self.work / f"{name}.img"

    def make_card(self):
        """A card with photos, as in /run/lab/card; stays plugged in, and mounted read-only on /mnt/card."""
        self.new_disk("card", CARD_SIZE)
        self.sh("""
            make exfat $(disk card) SD32GB-03
            attach exfat $(disk card) /mnt/card
            cp -r /run/lab/card/. /mnt/card/
            umount /mnt/card
            attach exfat $(disk card) /mnt/card ro
        """)

    def make_drive(self, size=DRIVE_SIZE, name="drive", label="PDRIVE128GB", **speeds):
        """An empty drive, plugged in and mounted on /mnt/drive, or /mnt/other."""
        self.new_disk(name, size, **speeds)
        self.sh(f"make {self.filesystem} $(disk {name}) {label}")
        self.mount_drive(name)

    def new_disk(self, name, size, **speeds):
        images.qemu_img("create", "-q", "-f", self.formats[name], self.file(name), size)
        self.plug(name, **speeds)

    def make_raw(self, name):
        """Lays a disk that is not plugged in out plainly, so that its sectors are at their own places."""
        plain = self.work / f"{name}.raw"
        images.qemu_img("convert", "-f", self.formats[name], "-O", "raw", self.file(name), plain)
        plain.replace(self.file(name))
        self.formats[name] = "raw"

    def mount_card(self):
        self.sh("attach exfat $(disk card) /mnt/card ro")

    def mount_drive(self, name="drive"):
        self.sh(f"attach {self.filesystem} $(disk {name}) /mnt/{name}")

    def mend_drive(self, name="drive"):
        """Lets the file system's own tool repair what a cut left behind, as the next boot of a Pi would."""
        self.sh(f"mend {self.filesystem} $(disk {name})")

    # piback, and what is true whatever happened

    def piback(self, arguments):
        return self.run(f"/run/lab/piback {arguments}", timeout=600)

    def backup(self):
        """A run that must end with every file safe."""
        ran = self.piback("backup SD32GB-03 --source /mnt/card --dest /mnt/drive")
        expect(ran.ok(), f"backup ended with {ran.status}:\n{ran.output}")

    def prove(self):
        """What piback itself says of a finished backup."""
        for command in ("safe-to-format SD32GB-03 --source /mnt/card", "verify SD32GB-03"):
            ran = self.piback(f"{command} --dest /mnt/drive")
            expect(ran.ok(), f"{command} ended with {ran.status}:\n{ran.output}")

    def start_backup(self):
        self.start("backup SD32GB-03 --source /mnt/card --dest /mnt/drive")

    def start(self, arguments):
        """A run in the background, whose JSON lines reach the host as they are written."""
        self.sh(f"""
            rm -f /run/status
            (
                /run/lab/piback {arguments} --json >/run/port-events 2>/run/said
                status=$?
                printf '{{"event": "exit", "status": %d}}\\n' $status >/run/port-events
                echo $status >/run/status.new; mv /run/status.new /run/status
            ) </dev/null >/dev/null 2>&1 &
        """)

    def wait_until_verified(self, files):
        """Until the run called so many files verified; gives how many it was by then."""
        return self.wait_until_progress("files", files)

    def wait_until_written(self, size):
        """Until the run has written so many bytes, verified or not."""
        return self.wait_until_progress("written_bytes", size)

    def wait_until_progress(self, field, least, seconds=120):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            reached = self.progress(field)
            if reached >= least:
                return reached
            expect(not self.events("account"), f"the run ended before it could be disturbed:\n{self.said()}")
            time.sleep(0.05)
        raise Failed(f"{field} did not reach {least} within {seconds} s:\n{self.said()}")

    def of_bytes(self, seconds=60):
        """How much the run in the background has to do, as soon as it says so."""
        deadline = time.monotonic() + seconds
        while not (total := self.progress("of_bytes")):
            expect(time.monotonic() < deadline, f"no total within {seconds} s:\n{self.said()}")
            time.sleep(0.05)
        return total

    def progress(self, field):
        """How far the run in the background says that it is."""
        return max((event[field] for event in self.events("progress")), default=0)

    def events(self, kind):
        lines = [line for line in self.machine.events().splitlines() if line.startswith("{") and line.endswith("}")]
        return [event for event in map(json.loads, lines) if event.get("event") == kind]

    def wait_for_backup(self):
        """The exit status of the run in the background."""
        self.wait_for("test -e /run/status", seconds=120)
        return int(self.sh("cat /run/status"))

    def said(self):
        """What the run in the background told: JSON lines, and the words for people."""
        return self.machine.events() + self.machine.diagnose("cat /run/said")

    def published_whole(self, name="drive"):
        """Holds every file with a final name against its original; gives how many there are. The readable parts of a
        hurt photo may lie beside them under a name that says so."""
        listed = self.sh(f"""
            cd /mnt/{name}/SD32GB-03 2>/dev/null || exit 0
            find . -type f ! -name '{TEMPORARY}' ! -name '*.partial' 2>/dev/null | while read -r name; do
                if cmp -s "$name" "/run/lab/card/$name"; then echo "whole $name"; else echo "BROKEN $name $(wc -c <"$name")"; fi
            done
        """).splitlines()
        broken = [line for line in listed if not line.startswith("whole")]
        expect(not broken, "final names with another content than the card's:\n" + "\n".join(broken))
        return len(listed)

    def card_files(self):
        return int(self.sh("find /run/lab/card -type f | wc -l"))

    def leftovers(self):
        return self.sh(f"find /mnt/drive -name '{TEMPORARY}'")

    def times(self):
        return self.sh("find /mnt/drive/SD32GB-03 -type f -exec stat -c '%n %s %Y %Z' {} +")

    def check_filesystem(self):
        """The file system's own tool finds nothing wrong."""
        self.sh(f"check {self.filesystem} $(disk drive)")

    def sector_of(self, photo, offset, name="card"):
        """The sector on the disk, a raw one, that holds the byte of `photo` at `offset`, found by its content."""
        sign = (self.work / "payload/card" / photo).read_bytes()[offset : offset + 512]
        found = self.file(name).read_bytes().find(sign)
        if found < 0 or found % 512:
            raise LabError(f"{photo} is not where it should be on disk {name}")
        return found // 512

    def wait_for(self, condition, seconds=60):
        """Until the guest's shell calls `condition` true."""
        deadline = time.monotonic() + seconds
        while not self.run(condition).ok():
            expect(time.monotonic() < deadline, f"not within {seconds} s: {condition}")
            time.sleep(0.1)

    def evidence(self):
        return self.machine.diagnose("dmesg | tail -n 30") if self.machine else ""

    def close(self):
        if self.machine:
            self.machine.kill()


def payload(work, piback):
    """The read-only disk with the lab's own files: what guests run, the binary, and the photos of the card."""
    tree = work / "payload"
    shutil.copytree(GUEST, tree)
    photos(tree / "card")
    if piback:
        shutil.copy2(piback, tree / "piback")
    return images.read_only_disk(tree, work / "payload.img", "192M")


def photos(card):
    """A card's tree: RAW and JPG pairs, a clip, a sidecar, names that a camera or a traveller gives. The same each time."""
    source = random.Random(2016)
    sizes = {"MISC/README.TXT": 37, "DCIM/101CANON/Fähre nach Ærø.JPG": MIB // 2, "DCIM/101CANON/EMPTY.XMP": 0}
    for number in range(1, 9):
        sizes[f"DCIM/100CANON/IMG_{number:04}.CR3"] = 4 * MIB + number * 1013
        sizes[f"DCIM/100CANON/IMG_{number:04}.JPG"] = MIB + number * 511
    for number in range(9, 49):
        sizes[f"DCIM/101CANON/IMG_{number:04}.XMP"] = 3000 + number
    sizes["DCIM/101CANON/MVI_0049.MP4"] = 16 * MIB
    for name, size in sizes.items():
        path = card / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(source.randbytes(size))
