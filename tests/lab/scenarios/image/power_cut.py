"""The power goes in the first boot, at ten moments; the next boot ends where an undisturbed one does."""

import shlex
import time

from harness import checks, flashed
from harness.errors import Failed, expect

# The one required line, and the network's name.
FILE = f"wifi:\n  country: DE\n  ssid: {checks.HOME.ssid}\n"
# What the kernel has said on the console when the cut comes: nothing of the lab's runs yet.
SAID = {"root-mounted": "EXT4-fs (vda2): mounted"}
# What is true in the guest then.
TRUE = {
    "grow": "test -e /var/lib/piback-image/grown || pgrep -x resize2fs",
    "keys": "ls /etc/ssh/ssh_host_*",
    "began": "pgrep -x piback",
    "open": "test -e /var/lib/piback/boot-open.json",
    "profile": "test -e /etc/piback/profile.yaml",
    "journal": "test -e /var/lib/piback/journal",
    "hostapd": "test -e /etc/hostapd/hostapd.conf",
    "beacons": checks.BEACONS,
    "told": f"test -e /boot/firmware/{flashed.STATUS}",
}
USUAL = ("root-mounted", *TRUE)
MORE = ()


def run(lab):
    lab.card.write(flashed.FILE, FILE.encode())
    lab.start()
    moment = lab.variant
    seconds = on_the_console(lab, SAID[moment]) if moment in SAID else in_the_guest(lab, TRUE[moment])
    lab.cut_power()
    lab.say(f"cut {seconds:.0f} s after power-on")
    lab.say(f"the next boot: settled {lab.boot():.0f} s after the kernel's start")
    flashed.is_up(lab)
    status = flashed.told(lab)
    ran = lab.join(status["Wi-Fi"], status["Passphrase"])
    expect(ran.ok(), f"the iPad does not join with what the status says ({ran.status}):\n{ran.output}")
    checks.browses(lab)
    checks.shares(lab)
    own = lab.sh("cat /etc/piback/secrets/wifi-passphrase; cat /etc/piback/secrets/share-password").splitlines()
    expect(own == [status["Passphrase"], status["password"]], "the status tells other secrets than those in force")
    lab.switch_off()
    expect(flashed.told(lab) == status, "the status changed when the appliance was switched off")
    code = lab.card.read(flashed.CODE) or b""
    expect(code.startswith(b"\x89PNG") and code.endswith(b"IEND\xaeB`\x82"), "there is no whole QR code on the boot partition")
    expect(lab.card.text(flashed.FILE) == FILE, "the file was changed")
    lab.card.check()


def in_the_guest(lab, condition):
    lab.machine.wait_for_boot()
    loop = f"until {{ {condition}; }} >/dev/null 2>&1; do sleep 0.05; done"
    lab.sh(f"timeout 2400 sh -c {shlex.quote(loop)}", timeout=400)
    return time.monotonic() - lab.machine.started


def on_the_console(lab, words):
    while words not in lab.machine.console(10000):
        if time.monotonic() - lab.machine.started > lab.machine.board.boot_timeout:
            raise Failed(f"the console never said {words}:\n{lab.machine.console()}")
        time.sleep(0.1)
    return time.monotonic() - lab.machine.started
