"""What a flashed card must have become, whichever way it got there. Image scenarios put these sentences together."""

import re

from . import checks
from .errors import expect

STATUS, CODE, FILE = "piback-status.txt", "piback-wifi.png", "piback.yaml"
GROWN = "/var/lib/piback-image/grown"
# Of the card's 8 GiB.
ROOT_AT_LEAST = 7 * 1024 * 1024
KINDS_OF_KEYS = ("ecdsa", "ed25519", "rsa")


def is_up(lab):
    """The system of a first boot that went well, whatever it was asked for."""
    expect("fsck not present" not in lab.machine.console(10000), "the initramfs has no fsck: nothing checks the root")
    failed = lab.sh("systemctl --failed --no-legend --plain")
    expect(not failed, f"units have failed:\n{failed}")
    size = int(lab.sh("df --output=size / | tail -n 1"))
    expect(size > ROOT_AT_LEAST, f"the root has {size} KiB of an 8 GiB card")
    lab.sh(f"test -e {GROWN}")
    for kind in KINDS_OF_KEYS:
        lab.sh(f"ssh-keygen -l -f /etc/ssh/ssh_host_{kind}_key && test -s /etc/ssh/ssh_host_{kind}_key.pub")
    lab.sh("grep -qx '[0-9a-f]\\{32\\}' /etc/machine-id; systemctl is-active ssh")
    options = lab.sh("findmnt -n -o OPTIONS /")
    expect("noatime" in options and "rw" in options.split(","), f"the root is mounted {options}")
    checks.quiet_plan(lab, "piback")
    checks.nothing_is_open(lab)


def told(lab):
    """The status on the boot partition as a mapping; fails unless it says "ready"."""
    text = lab.card.text(STATUS) if lab.machine.process.poll() is not None else lab.sh(f"cat /boot/firmware/{STATUS}")
    expect(text.startswith("piback: ready"), f"the status says\n{text}")
    return dict(re.findall(r"^ *(Wi-Fi|Passphrase|Address|password) +(.*?)(?: +\(made here\))?\r?$", text, re.MULTILINE))
