"""The image lab: the image as it is flashed, in a board for ARM's kernels, with a radio, an iPad and a hotel around it.

The image stays as it ships: the lab's own unit is a credential on the kernel's command line (systemd.system-credentials(7)).
"""

import base64
import re

from . import flash, images, qemu, usb
from .appliance import EVIDENCE, PRELUDE, Appliance
from .errors import LabError
from .network import NetworkLab
from .paths import GUEST

UNIT = """[Unit]
DefaultDependencies=no
After=local-fs.target systemd-udev-trigger.service
Before=sysinit.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh -c 'mkdir -p /run/lab && mount -o ro /dev/vdb /run/lab && exec sh /run/lab/image-start.sh'
"""
IMAGE_UNITS = ("piback-boot", "piback-image-grow", "piback-image-keys", "piback-image-clock")
# An emulated ARM has a third of an emulated PC's speed, and less on a busy machine; its own time does not tell.
PATIENCE = 12


class ImageLab(Appliance):
    """What an image scenario is given. The card lives as long as the scenario, through every power cut."""

    JOIN = NetworkLab.JOIN
    CONNECTED = NetworkLab.CONNECTED
    make_disk = NetworkLab.make_disk
    plug = NetworkLab.plug
    pull = NetworkLab.pull
    cut_power = NetworkLab.cut_power
    close = NetworkLab.close

    def __init__(self, variant, work, package, say):
        self.variant = variant
        self.work = work
        self.say = say
        self.machine = None
        self.boots = 0
        self.image = flash.built(package, say)
        self.world = images.build(images.WORLD_ARM, say).disk("world.img")
        self.card = flash.Card(self.image, work / "card.img")
        self.lab_disk = work / "lab.img"
        images.read_only_disk(GUEST, self.lab_disk, "8M")
        # world.sh wants packages for an apt without network; the image needs none.
        self.nothing = work / "nothing.img"
        (work / "nothing").mkdir()
        images.read_only_disk(work / "nothing", self.nothing, "8M")

    # Power

    def boot(self):
        """Starts the card's system; gives the seconds until systemd has nothing left to start."""
        self.start()
        self.machine.wait_for_boot()
        self.open_hotel()
        return self.settle()

    def start(self):
        self.boots += 1
        kernel, initrd, words = self.boot_files()
        unit = base64.b64encode(UNIT.encode()).decode()
        disks = [(self.card.path, "raw", False), *((disk, "raw", True) for disk in (self.lab_disk, self.world, self.nothing))]
        hardware = qemu.Hardware(
            kernel=kernel, initrd=initrd, disks=disks, board=qemu.VIRT, memory="1024M",
            append=f"{words} systemd.set_credential_binary=systemd.extra-unit.lab-world.service:{unit} systemd.wants=lab-world.service",
            devices=[
                "-netdev", "hubport,id=cable,hubid=0", "-device", "virtio-net-pci,netdev=cable,id=eth0,mac=b8:27:eb:00:00:01",
                "-netdev", "hubport,id=wall,hubid=0", "-device", "virtio-net-pci,netdev=wall,id=eth1,mac=52:54:00:00:00:02",
                *usb.BUS,
            ],
        )
        self.machine = qemu.Machine(hardware, self.work / f"boot{self.boots}", PRELUDE)

    def boot_files(self):
        """Kernel, initramfs and command line, those that config.txt names to a Pi's firmware."""
        config = self.card.text("config.txt")
        names = [re.search(rf"^{key}[= ](\S+)", config, re.MULTILINE) for key in ("kernel", "initramfs")]
        if not all(names):
            raise LabError(f"config.txt names no kernel or no initramfs:\n{config}")
        kernel, initrd = (self.card.copy_out(name[1], self.work / name[1]) for name in names)
        # The screen's console goes; what else it says holds.
        words = [word for word in self.card.text("cmdline.txt").split() if not word.startswith("console=")]
        return kernel, initrd, " ".join(words)

    def switch_off(self):
        """A clean shutdown; the boot partition is as a laptop finds it then."""
        self.machine.agents["agent"].channel.settimeout(5)
        self.machine.run("systemctl --no-block poweroff")
        self.machine.wait_for_end(1200)

    # The appliance, the iPad, the hotel

    def sh(self, script, timeout=300):
        return self.machine.sh(script, timeout * PATIENCE)

    def run(self, script, timeout=300):
        return self.machine.run(script, timeout * PATIENCE)

    def evidence(self):
        """What the daemons said."""
        if not self.machine:
            return ""
        units = " ".join(f"-u {unit}" for unit in IMAGE_UNITS)
        said = self.machine.diagnose(f"{EVIDENCE}\njournalctl -b --no-pager -o short-monotonic {units} | tail -n 60")
        return said or self.machine.console(60)
