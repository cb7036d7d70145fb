"""A virtual machine: one QEMU process, its QMP socket, and the agent that runs scripts in the guest."""

import base64
import json
import socket
import subprocess
import time
from dataclasses import dataclass, field

from .errors import Failed, LabError

QEMU = "qemu-system-x86_64"
# A guest that says nothing for so long hangs; emulated boots take a minute and a half on two cores.
BOOT_TIMEOUT = 240


@dataclass(frozen=True)
class Board:
    """Which machine QEMU plays, what its kernel is told, and how long it may take to boot."""

    qemu: str
    words: tuple
    append: str
    boot_timeout: int = BOOT_TIMEOUT
    accelerator: str = "tcg,thread=multi,tb-size=512"


# no_timer_check: on a busy machine the emulated timer ticks too late for the kernel, which then panics at its start.
PC = Board(
    QEMU, ("-machine", "pc", "-cpu", "max"),
    "console=ttyS0 quiet loglevel=4 panic=-1 net.ifnames=0 audit=0 TERM=dumb mitigations=off no_timer_check",
)
# A board for a 64-bit ARM's kernel, with PCI as no Pi has it. A Pi has no clock of its own either. Its time is counted in instructions,
# a nanosecond each: what a Pi does in seconds takes as long for the guest, however busy this machine is, and nothing that waits
# there gives up too early.
VIRT = Board(
    "qemu-system-aarch64", ("-machine", "virt", "-cpu", "cortex-a72", "-icount", "shift=0", "-rtc", "base=2020-01-01T00:00:00,clock=vm"),
    "console=ttyAMA0 panic=-1 net.ifnames=0 systemd.default_timeout_start_sec=900 systemd.default_device_timeout_sec=900", 3600,
    "tcg,thread=single,tb-size=512",
)


@dataclass
class Hardware:
    """What a machine is made of. Disks are (path, format, read-only), in the order vda, vdb and so on."""

    kernel: object
    initrd: object
    disks: list
    append: str
    memory: str = "512M"
    # More than one emulated processor gains little on two cores, and costs: while one patches its kernel's code,
    # QEMU 7.2 lets another run into the half-patched place (Oops: int3).
    processors: int = 1
    devices: list = field(default_factory=list)
    # No more writes than so many to the first disk; 0 for no limit.
    writes_a_second: int = 0
    board: Board = PC


@dataclass
class Ran:
    """A script's end: exit status, and what it wrote to both streams."""

    status: int
    output: str

    def ok(self):
        return self.status == 0


class Machine:
    """Runs from construction on; `kill` is the power cut. Use it in a `with`: no QEMU outlives its scenario."""

    def __init__(self, hardware, folder, prelude="", snapshot=None):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.prelude = prelude
        self.board = hardware.board
        self.started = time.monotonic()
        with (folder / "qemu.log").open("ab") as log:
            self.process = subprocess.Popen(
                command_line(hardware, folder, snapshot), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        try:
            self.qmp = Qmp(self.connect("qmp"))
            self.agents = {name: Agent(self.connect(name)) for name in ("agent", "diagnosis")}
        except BaseException:
            self.kill()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def connect(self, name):
        """A socket that QEMU makes in its first moments."""
        for _ in range(200):
            if self.process.poll() is not None:
                raise LabError(f"QEMU ended at once: {(self.folder / 'qemu.log').read_text().strip()}")
            channel = socket.socket(socket.AF_UNIX)
            try:
                channel.connect(str(self.folder / f"{name}.socket"))
                return channel
            except OSError:
                channel.close()
                time.sleep(0.05)
        raise LabError(f"QEMU made no {name} socket")

    def wait_for_boot(self):
        """Seconds from power-on until the guest ran a first script."""
        self.agents["agent"].run("true", self.board.boot_timeout, self.silent)
        return time.monotonic() - self.started

    def run(self, script, timeout=120):
        """Runs `script` in the guest; says how it ended."""
        return self.agents["agent"].run(self.prelude + script, timeout, self.hang)

    def sh(self, script, timeout=120):
        """Runs `script` in the guest, fails if it does, and gives what it wrote."""
        ran = self.run(script, timeout)
        if not ran.ok():
            raise Failed(f"exit status {ran.status} from\n{script.strip()}\n{ran.output.strip()}")
        return ran.output.strip()

    def diagnose(self, script):
        """Like `run`, on a port of its own: works while a script hangs. An empty text when the guest is gone."""
        if self.process.poll() is not None:
            return ""
        try:
            return self.agents["diagnosis"].run(self.prelude + script, 60, self.silent).output
        except (LabError, OSError):
            return ""

    def hang(self, script):
        """What a script that does not end says: of the guest, if it is silent, or else of what ran in it."""
        try:
            self.agents["diagnosis"].run("true", 60, self.silent)
        except (LabError, OSError):
            return self.silent(script)
        return Failed(f"this did not end in time: {script.strip()[-300:]}")

    def silent(self, script):
        return LabError(f"the guest does not answer; asked: {script.strip()[-300:]}\n{self.console()}")

    def console(self, lines=25):
        """The end of what the kernel said."""
        text = (self.folder / "console.log").read_text(errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    def events(self):
        """What scripts wrote to /run/port-events: it reaches the host as it is written, whatever happens next."""
        return (self.folder / "events.log").read_text(errors="replace")

    def wait_for_end(self, seconds):
        """Waits until the guest has switched itself off."""
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise Failed(f"it is not off after {seconds} s:\n{self.console()}") from None

    def kill(self):
        """The power cut: whatever the guest had not written is gone."""
        self.process.kill()
        self.process.wait()


def version():
    """A snapshot is for one version of QEMU."""
    return subprocess.run([QEMU, "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]


def command_line(hardware, folder, snapshot):
    board = hardware.board
    command = [
        board.qemu, *board.words, "-accel", board.accelerator, "-smp", str(hardware.processors),
        "-m", hardware.memory, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
        "-kernel", str(hardware.kernel), "-initrd", str(hardware.initrd),
        "-append", f"{board.append} {hardware.append}",
        "-device", "virtio-rng-pci",
        "-chardev", f"file,id=console,path={folder}/console.log,append=on", "-serial", "chardev:console",
        "-qmp", f"unix:{folder}/qmp.socket,server=on,wait=off",
        "-device", "virtio-serial-pci",
        "-chardev", f"file,id=events,path={folder}/events.log,append=on",
        "-device", "virtserialport,chardev=events,name=events",
    ]
    for name in ("agent", "diagnosis"):
        command += [
            "-chardev", f"socket,id={name},path={folder}/{name}.socket,server=on,wait=off",
            "-device", f"virtserialport,chardev={name},name={name}",
        ]
    for number, (path, form, read_only) in enumerate(hardware.disks):
        command += ["-drive", f"if=none,id=disk{number},file={path},format={form},readonly={'on' if read_only else 'off'}"]
        if number == 0 and hardware.writes_a_second:
            command[-1] += f",throttling.iops-write={hardware.writes_a_second}"
        command += ["-device", f"virtio-blk-pci,drive=disk{number}"]
    if snapshot:
        command += ["-loadvm", snapshot]
    return command + hardware.devices


class Qmp:
    """QEMU's machine protocol: one JSON object a line (docs/interop/qmp-spec)."""

    def __init__(self, channel):
        self.channel = channel
        self.stream = channel.makefile("r")
        self.stream.readline()
        self.ask("qmp_capabilities")

    def ask(self, execute, **arguments):
        request = {"execute": execute, "arguments": arguments}
        self.channel.sendall(json.dumps(request).encode() + b"\n")
        while True:
            line = self.stream.readline()
            if not line:
                raise LabError(f"QEMU is gone while it was asked to {execute}")
            answer = json.loads(line)
            if "error" in answer:
                raise LabError(f"QEMU refused {execute}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]

    def monitor(self, line):
        """A command of the human monitor, for the few that QMP lacks. They say nothing unless they fail."""
        said = self.ask("human-monitor-command", **{"command-line": line}).strip()
        if said:
            raise LabError(f"QEMU: {line}: {said}")


class Agent:
    """The host's end of guest/agent.sh."""

    def __init__(self, channel):
        self.channel = channel
        self.received = b""
        self.serial = 0

    def run(self, script, timeout, hang):
        self.serial += 1
        # The guest's end may not be open yet; what was written before that waits in QEMU, and is answered in order.
        self.channel.sendall(b"%d %s\n" % (self.serial, base64.b64encode(script.encode())))
        deadline = time.monotonic() + timeout
        while True:
            line = self.read_line(deadline)
            if line is None:
                raise hang(script)
            identity, status, *output = line.split(b" ")
            if int(identity) == self.serial:
                text = base64.b64decode(output[0] if output else b"").decode(errors="replace")
                return Ran(int(status), text)

    def read_line(self, deadline):
        while b"\n" not in self.received:
            self.channel.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                data = self.channel.recv(1 << 16)
            except (TimeoutError, ConnectionError):
                return None
            if not data:
                return None
            self.received += data
        line, self.received = self.received.split(b"\n", 1)
        return line
