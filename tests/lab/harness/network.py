"""The network lab: a Pi-like appliance with a virtual radio, an iPad that joins it, and a hotel behind its cable."""

import shutil
import subprocess
import time

from . import cache, checks, images, qemu, usb
from .appliance import EVIDENCE, PRELUDE, Appliance
from .errors import LabError
from .paths import CACHE, GUEST

# Names in the order in which the guest's disks appear: vda and so on.
DISKS = ("root", "lab", "world", "repository", "binary")


class NetworkLab(Appliance):
    """What a network scenario is given. Its root disk lives as long as the scenario, through every power cut."""

    JOIN = "/run/lab/ipad-join"
    CONNECTED = "in_ipad iw dev wlan1 link | grep -o 'Connected to .*'"
    # A bus that the snapshots of machines without one know nothing of: such a scenario boots by itself.
    has_usb = False

    def __init__(self, release, work, piback, say):
        self.work = work
        self.piback = piback
        self.say = say
        self.release = release
        self.image = images.build(images.APPLIANCES[release], say)
        self.world = images.build(images.WORLD, say).disk("world.img")
        self.machine = None
        self.boots = 0
        self.root = work / "root.qcow2"

    # Power

    def boot(self, image="packages", cable=True, dhcp=True):
        """Starts the appliance; the first time from `image`. Gives the seconds until systemd has nothing left to start."""
        if not self.root.exists():
            images.overlay(self.image.disk(f"{image}.img"), self.root)
        self.start()
        self.link(cable)
        self.machine.wait_for_boot()
        self.open_hotel(dhcp=dhcp)
        return self.settle()

    def boot_to_serve(self, cable):
        """Starts the appliance as in a bag on the road: no cable, or one that nobody answers on. Does not wait."""
        self.start()
        self.link(cable)
        self.machine.wait_for_boot()
        self.mount_binary()

    def move_to(self, release):
        """The card of another release goes into the same Pi."""
        self.root.unlink()
        self.release = release
        self.image = images.build(images.APPLIANCES[release], self.say)

    def boot_fast(self, image="packages"):
        """The first boot of `image` with the cable in, from a snapshot that is made once."""
        self.resume(self.snapshot(image, lambda: self.boot(image)))

    def boot_applied(self):
        """An appliance: init and apply are done, nothing has rebooted since. From a snapshot for this very binary."""
        self.resume(self.snapshot("applied", self.first_apply, images.tree_digest(self.piback)))

    def first_apply(self):
        self.boot_fast()
        checks.init(self)
        checks.apply(self)

    def resume(self, snapshot):
        shutil.copy2(snapshot, self.root)
        # It was made where the cache was then.
        images.find_backing(self.root, self.image.folder)
        self.start(snapshot="ready")
        self.machine.wait_for_boot()
        self.mount_binary()

    def remember(self, name):
        """Keeps the machine as it is in this moment; it goes on only by `recall`, which can be done many times."""
        self.machine.qmp.monitor(f"savevm {name}")
        self.machine.kill()
        self.root.rename(self.work / f"{name}.qcow2")

    def recall(self, name, writes_a_second=0):
        """It goes on at once, so that a limit has to be there from the start."""
        shutil.copy2(self.work / f"{name}.qcow2", self.root)
        self.start(snapshot=name, writes_a_second=writes_a_second)
        self.machine.wait_for_boot()

    def mount_binary(self):
        # The guest may have looked at this disk before the snapshot, when there was another binary on it.
        self.sh("sync; echo 3 >/proc/sys/vm/drop_caches; mount -o ro /dev/vde /mnt")

    def snapshot(self, name, make, *identity):
        """A root disk with a snapshot `ready` in it: what `make` leaves behind."""
        base = (self.image.folder.name, self.world.parent.name, images.tree_digest(GUEST), qemu.version())
        cached = CACHE / "snapshots" / f"{self.release}-{name}-{images.digest(*base, *identity)}.qcow2"
        cached.parent.mkdir(parents=True, exist_ok=True)
        with cache.alone(f"{self.release}-{name}"):
            if not cached.exists():
                self.make_snapshot(name, cached, make)
        return cached

    def make_snapshot(self, name, cached, make):
        began = time.monotonic()
        make()
        self.sh("! mountpoint -q /mnt || umount /mnt")
        self.machine.qmp.monitor("savevm ready")
        self.machine.kill()
        for old in cached.parent.glob(f"{self.release}-{name}-*"):
            old.unlink()
        # The work folder may be on another file system than the cache.
        shutil.move(self.root, cached.with_suffix(".new"))
        cached.with_suffix(".new").rename(cached)
        self.say(f"made the snapshot {self.release} {name} in {time.monotonic() - began:.0f} s (cached)")

    def start(self, snapshot=None, writes_a_second=0):
        self.boots += 1
        disks = {
            "root": (self.root, "qcow2", False),
            "lab": (self.lab_disk(), "raw", True),
            "world": (self.world, "raw", True),
            "repository": (self.image.disk("repository.img"), "raw", True),
            "binary": (self.binary_disk(), "raw", True),
        }
        hardware = qemu.Hardware(
            kernel=self.image.kernel,
            initrd=self.image.initrd(),
            disks=[disks[name] for name in DISKS],
            append="lab.root=rw lab.before=before-init.sh",
            memory="1024M",
            writes_a_second=writes_a_second,
            # Two ports of one hub are the two ends of the cable. NetworkManager would leave a veth alone.
            devices=[
                "-netdev", "hubport,id=cable,hubid=0", "-device", "virtio-net-pci,netdev=cable,id=eth0,mac=b8:27:eb:00:00:01",
                "-netdev", "hubport,id=wall,hubid=0", "-device", "virtio-net-pci,netdev=wall,id=eth1,mac=52:54:00:00:00:02",
                *(usb.BUS if self.has_usb else []),
            ],
        )
        self.machine = qemu.Machine(hardware, self.work / f"boot{self.boots}", PRELUDE, snapshot)

    def lab_disk(self):
        """What guests run. Always the same bytes for the same files: a snapshot has parts of it in its memory."""
        disk = CACHE / "snapshots" / f"lab-{images.digest(images.tree_digest(GUEST))}.img"
        with cache.alone("lab"):
            if not disk.exists():
                disk.parent.mkdir(parents=True, exist_ok=True)
                images.read_only_disk(GUEST, disk.with_suffix(".new"), "8M")
                disk.with_suffix(".new").rename(disk)
        return disk

    def binary_disk(self):
        disk = self.work / "binary.img"
        if not disk.exists():
            tree = self.work / "binary"
            tree.mkdir()
            if self.piback:
                shutil.copy2(self.piback, tree / "piback")
            images.read_only_disk(tree, disk, "64M")
        return disk

    def slow_down_disk(self, writes_a_second):
        """The appliance's own card takes no more than so many writes, until the power is cut."""
        none = dict.fromkeys(("bps", "bps_rd", "bps_wr", "iops", "iops_rd"), 0)
        self.machine.qmp.ask("block_set_io_throttle", device="disk0", **none, iops_wr=writes_a_second)

    def cut_power(self):
        self.machine.kill()

    # Cards and drives

    def make_disk(self, name, size, *mkfs):
        """A disk image that the command makes a file system on."""
        file = self.work / f"{name}.img"
        with file.open("wb") as image:
            image.truncate(size)
        done = subprocess.run([*mkfs, str(file)], capture_output=True, text=True)
        if done.returncode != 0:
            raise LabError(f"{mkfs[0]}: {done.stderr.strip()}")
        return file

    def plug(self, name, limits=None):
        """Puts the disk of that name on the USB bus, as slow as QEMU's throttle says."""
        usb.plug(self.machine.qmp.ask, name, self.work / f"{name}.img", "raw", limits)

    def pull(self, name):
        usb.pull(self.machine.qmp.ask, name)

    # The cable

    def link(self, up):
        self.machine.qmp.ask("set_link", name="cable", up=up)

    # The appliance, the iPad, the hotel

    def sh(self, script, timeout=300):
        return self.machine.sh(script, timeout)

    def run(self, script, timeout=300):
        return self.machine.run(script, timeout)

    def evidence(self):
        """What the daemons said."""
        if not self.machine:
            return ""
        return self.machine.diagnose(EVIDENCE) or self.machine.console()

    def close(self):
        if self.machine:
            self.machine.kill()
