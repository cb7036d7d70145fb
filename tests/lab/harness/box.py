"""The box: a Debian with its real systemd in namespaces of this machine. It boots in seconds, and has no radio, no udev and no kernel of its own.

A scenario is given a `BoxLab`, which knows all words of a network scenario (appliance.py), and more:

    lab.up(uplink="end0")              boots it; `lab.applied()` has init and apply behind it
    lab.box.run(script)                runs a script inside as root, and says how it ended; `sh` must end well
    lab.ipad.run(script)               in the network behind the Wi-Fi; `lab.hotel.run` in the one behind the cable
    phone = lab.plug("usb0", "172.20.10")   one more network: its /24, .1 is the other end, .2 the box; `phone.run`
    lab.hotel.reaches(address, port)   whether that TCP port answers there

Nothing outlives a box: its processes end with its first one, which ends with the lab; mounts and networks are its own.
"""

import contextlib
import itertools
import os
import shlex
import shutil
import signal
import subprocess
import time
from pathlib import Path

from . import checks, images
from .appliance import EVIDENCE, PRELUDE, Appliance
from .errors import Failed, LabError
from .paths import BOX, LAB
from .qemu import Ran

# A box that says nothing for so long hangs; on two free cores it is there after 3 seconds.
BOOT_TIMEOUT = 180
# What root must not do to the machine that the box runs on. start.sh says the same of the box's own processes.
BOUNDED = "--bounding-set=-sys_time,-sys_module,-sys_rawio,-syslog,-wake_alarm"
CLEAN = ("env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root", "TERM=dumb", "LANG=C.UTF-8")
# Bullseye's systemd looks at devices that were there before it only when it is told of something new.
DEVICES = "systemctl is-active -q sys-subsystem-net-devices-wlan0.device || systemctl daemon-reload"
# An index that no device of a fresh box has: 2 is the cable, 3 the radio.
FIRST_PLUG = 20


class Box:
    """One Debian in namespaces. `up` boots it, `down` is the power cut; what it wrote stays, for the next `up`."""

    numbers = itertools.count(1)

    def __init__(self, image, world, folder, binary):
        self.image = image
        self.world = world
        self.folder = folder
        self.binary = binary
        self.init = None
        self.outer = None
        self.group = None
        self.scripts = itertools.count(1)
        (folder / "work").mkdir(parents=True)

    def up(self, uplink, stock=False):
        """Starts it: `stock` as flashed, otherwise with the packages that apply installs. The cable is not in yet."""
        if not (self.folder / "root").exists():
            tree = self.image.disk("stock" if stock else "packages")
            subprocess.run(["cp", "-a", "--reflink=auto", tree, self.folder / "root"], check=True)
        # The scenario's folder has a name of its own, whatever process numbers mean here.
        self.group = cgroups() / f"{self.folder.parent.name}-{next(self.numbers)}"
        self.group.mkdir()
        words = [self.folder, uplink, LAB, self.world, self.image.disk("repository"), self.binary]
        # The shell that goes into the group becomes unshare, and unshare's only child the box's init. It ends with this process.
        command = [
            "setpriv", "--pdeathsig", "KILL", "sh", "-c", 'echo $$ >"$1/cgroup.procs"; shift; exec "$@"', "sh", self.group,
            "unshare", "--mount", "--net", "--uts", "--ipc", "--cgroup", "--pid", "--fork", "--kill-child=KILL",
            "sh", BOX / "start.sh", *words,
        ]
        with (self.folder / "console").open("ab") as console:
            self.outer = subprocess.Popen(
                list(map(str, command)), stdin=subprocess.DEVNULL, stdout=console, stderr=console, start_new_session=True
            )
        self.wait_for_boot()

    def wait_for_boot(self):
        deadline = time.monotonic() + BOOT_TIMEOUT
        children = Path(f"/proc/{self.outer.pid}/task/{self.outer.pid}/children")
        while time.monotonic() < deadline:
            if self.outer.poll() is not None:
                raise LabError(f"the box did not start:\n{self.console()}")
            # Until setpriv and sh have become unshare, there is no child.
            with contextlib.suppress(OSError):
                self.init = int((children.read_text().split() or [0])[0]) or None
            if self.init and is_systemd(self.init) and self.run("systemctl is-active -q basic.target", 30).ok():
                self.sh(DEVICES)
                return
            time.sleep(0.1)
        raise LabError(f"the box did not come up within {BOOT_TIMEOUT} s:\n{self.console()}")

    def run(self, script, timeout=300):
        """Runs a script inside as root, with nothing on its standard input."""
        if self.outer is None or self.outer.poll() is not None:
            raise LabError(f"the box is down:\n{self.console()}")
        number = next(self.scripts)
        file = self.folder / "work" / f"{number}.sh"
        file.write_text(PRELUDE + script)
        said = file.with_suffix(".said")
        command = [
            "nsenter", f"--target={self.init}", "--mount", "--net", "--uts", "--ipc", "--cgroup", "--pid", "--root", "--wd",
            "setpriv", BOUNDED, *CLEAN, "sh", f"/run/work/{number}.sh",
        ]
        # A file, not a pipe: what a script leaves running in the background may hold it.
        with said.open("wb") as output:
            child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)
            try:
                status = child.wait(timeout)
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
                raise Failed(f"not done within {timeout} s:\n{script}\n{said.read_text(errors='replace')}") from None
        return Ran(status, said.read_text(errors="replace").strip())

    def sh(self, script, timeout=300):
        """The same for a script that must end well; gives what it said."""
        ran = self.run(script, timeout)
        if not ran.ok():
            raise Failed(f"exit status {ran.status} of\n{script}\n{ran.output}")
        return ran.output

    def down(self):
        """Its power is cut."""
        if self.outer is None:
            return
        # unshare takes the init with it, and the kernel everything else of the box.
        self.outer.kill()
        self.outer.wait()
        self.outer = self.init = None
        remove_group(self.group)

    def console(self):
        return images.tail(self.folder / "console") if (self.folder / "console").exists() else ""


class Place:
    """A network around the box, named by its namespace; scripts run there with the world's tools."""

    def __init__(self, box, name):
        self.box = box
        self.name = name

    def run(self, script, timeout=300):
        return self.box.run(self.there(script), timeout)

    def sh(self, script, timeout=300):
        return self.box.sh(self.there(script), timeout)

    def there(self, script):
        inner = f"export PATH=/usr/sbin:/usr/bin:/sbin:/bin:/busybox\n{script}"
        return f"nsenter --net=/run/netns/{self.name} chroot /run/world sh -c {shlex.quote(inner)}"

    def reaches(self, address, port):
        """Whether TCP port `port` of `address` answers here."""
        words = " ".join(map(shlex.quote, ("exec 3<>/dev/tcp/$1/$2", "-", str(address), str(port))))
        return self.box.run(f"nsenter --net=/run/netns/{self.name} timeout 5 bash -c {words}").ok()


class BoxLab(Appliance):
    """What a box scenario is given. Its files live as long as the scenario, through every power cut."""

    JOIN = "/run/box/ipad-join"
    CONNECTED = "in_ipad sed 's/^/Connected to /' /run/air/ssid"

    def __init__(self, release, work, piback, say):
        self.work = work
        self.say = say
        self.release = release
        self.world = images.build(images.WORLD, say).disk("tree")
        self.binary = work / "binary"
        self.binary.mkdir()
        if piback:
            shutil.copy2(piback, self.binary / "piback")
        self.box = None
        self.cards = itertools.count(1)
        self.plugs = itertools.count(FIRST_PLUG)
        self.insert(release)

    def insert(self, release):
        """A card with a fresh `release` goes into the Pi. The release is built on first use."""
        if self.box:
            self.box.down()
        self.release = release
        image = images.build(images.BOXES[release], self.say)
        self.box = Box(image, self.world, self.work / f"card{next(self.cards)}", self.binary)
        self.stock = False
        self.ipad, self.hotel = Place(self, "ipad"), Place(self, "hotel")

    move_to = insert

    # Power

    def up(self, uplink="eth0", image="packages", cable=True, dhcp=True):
        """Boots it, with a hotel behind the cable; gives the lab, for short scenarios."""
        self.uplink = uplink
        self.stock = image == "stock"
        self.boot(image, cable, dhcp)
        return self

    def boot(self, image=None, cable=True, dhcp=True):
        """Starts the appliance: the first time from `image`, and from what it wrote since."""
        if image:
            self.stock = image == "stock"
        self.box.up(self.uplink, self.stock)
        self.open_hotel(dhcp=dhcp)
        self.link(cable)
        return self.settle()

    def boot_fast(self, image="packages"):
        self.boot(image)
        self.wait_for_uplink()

    def boot_applied(self):
        """An appliance: init and apply are done."""
        self.boot_fast()
        checks.init(self)
        checks.apply(self)

    def applied(self, uplink="eth0"):
        """The same with another cable; gives the lab."""
        self.uplink = uplink
        self.boot_applied()
        return self

    def boot_to_serve(self, cable):
        """Starts the appliance as in a bag on the road: no cable, or one that nobody answers on. Does not wait."""
        self.box.up(self.uplink, self.stock)
        self.link(cable)

    def mount_binary(self):
        """It lies on /mnt from the start."""

    def cut_power(self):
        self.box.down()

    # The cable, and more of them

    def link(self, up):
        self.sh(f"ip -n hotel link set hotel0 {'up' if up else 'down'}")

    def plug(self, name, net=None):
        """A device `name` comes to the box, with a network behind it: .1 of `net` there, .2 here, set by hand. Nobody answers DHCP in it."""
        number = next(self.plugs)
        self.sh(f"/run/box/plug {shlex.quote(name)} {number}")
        if net:
            self.sh(f"""
                ip -n {name} addr add {net}.1/24 dev far
                ip -n {name} route add default via {net}.2
                ip addr add {net}.2/24 dev {name}
                ip link set {name} up
            """)
        return Place(self, name)

    # Inside

    def sh(self, script, timeout=300):
        return self.box.sh(script, timeout)

    def run(self, script, timeout=300):
        return self.box.run(script, timeout)

    def evidence(self):
        if not self.box.outer:
            return self.box.console()
        try:
            return self.run(EVIDENCE, 60).output
        except (LabError, Failed) as error:
            return str(error)

    def close(self):
        self.box.down()


def is_systemd(pid):
    """Whether start.sh has handed over."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().strip() == "systemd"
    return False


def cgroups():
    """Where this machine has its cgroup2."""
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, at, kind, *_ = line.split()
        if kind == "cgroup2":
            return Path(at)
    raise LabError("no cgroup2 is mounted here, and the box's systemd needs one: mount -t cgroup2 cgroup2 DIR")


def remove_group(group):
    """Takes an empty cgroup and those in it away. Processes leave it a moment after they died."""
    for _ in range(50):
        folders = sorted((path for path in group.rglob("*") if path.is_dir()), reverse=True)
        with contextlib.suppress(OSError):
            for folder in (*folders, group):
                folder.rmdir()
            return
        time.sleep(0.1)
