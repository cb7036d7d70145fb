"""The image in QEMU's Raspberry Pi 3B: its device tree, its SD card's controller, no Pi's radio; first boot, told, off."""

import base64
import re
import subprocess

from harness import checks, flashed
from harness.errors import Failed, LabError, expect

USUAL = ("debian",)
MORE = ()
LONG = True

TREE = "bcm2837-rpi-3-b.dtb"
FILE = f"wifi:\n  country: DE\n  ssid: {checks.HOME.ssid}\nfirst_boot:\n  passphrase: {checks.PASSPHRASE}\n"
# QEMU's Pi has nothing that the lab's agent could speak through: what was seen goes to the console, and then it is over.
UNIT = """[Unit]
After=multi-user.target piback-boot.service piback-image-grow.service
[Service]
Type=oneshot
StandardOutput=tty
TTYPath=/dev/ttyAMA0
ExecStart=/bin/sh -c 'echo; echo seen: $(cut -d " " -f 1 /proc/uptime) s; df --output=size / | sed "s/^/seen: /"; \\
 hostapd_cli status | grep "^state=" | sed "s/^/seen: /"; piback plan --check >/dev/null && echo seen: nothing is pending; \\
 echo seen: failed $(systemctl --failed --no-legend --plain | cut -d " " -f 1); cat /proc/device-tree/model | sed "s/^/seen: /"; echo'
ExecStartPost=/bin/systemctl --no-block poweroff
"""
SECONDS = 3600


def run(lab):
    lab.card.write(flashed.FILE, FILE.encode())
    kernel, initrd, words = lab.boot_files()
    tree = lab.card.copy_out(TREE, lab.work / TREE)
    unit = base64.b64encode(UNIT.encode()).decode()
    console = lab.work / "console.log"
    command = [
        "qemu-system-aarch64", "-machine", "raspi3b", "-accel", "tcg,thread=multi,tb-size=512", "-display", "none", "-no-reboot",
        "-kernel", kernel, "-initrd", initrd, "-dtb", tree, "-drive", f"if=sd,format=raw,file={lab.card.path}",
        "-chardev", f"file,id=console,path={console}", "-serial", "chardev:console", "-monitor", "none",
        "-append", f"{words} console=ttyAMA0,115200 modules_load=mac80211_hwsim mac80211_hwsim.radios=1"
        " systemd.default_timeout_start_sec=900 systemd.default_device_timeout_sec=900"
        f" systemd.set_credential_binary=systemd.extra-unit.lab-end.service:{unit} systemd.wants=lab-end.service",
    ]
    try:
        done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        raise Failed(f"not off after {SECONDS} s:\n{tail(console)}") from None
    if done.returncode != 0:
        raise LabError(f"QEMU: {done.stderr}")
    seen = re.findall(r"^seen: (.*?)\r?$", console.read_text(errors="replace"), re.MULTILINE)
    lab.say("; ".join(seen))
    for words in ("state=ENABLED", "nothing is pending", "failed"):
        expect(words in seen, f"it did not show `{words}` but {seen}\n{tail(console)}")
    expect(any("Raspberry Pi 3" in line for line in seen), f"the machine is {seen}")
    expect(any(line.isdigit() and int(line) > flashed.ROOT_AT_LEAST for line in seen), f"the root did not grow: {seen}")
    status = lab.card.text(flashed.STATUS)
    expect(status.startswith("piback: ready"), f"the status says\n{status}")
    expect(checks.PASSPHRASE not in lab.card.text(flashed.FILE), "the passphrase is left in the file")
    lab.card.check()


def tail(console):
    return "\n".join(console.read_text(errors="replace").splitlines()[-60:])
