"""Reboot without a cable, and with a cable whose DHCP server is silent: after a power cut the iPad joins as early in both."""

from harness import article, checks
from harness.errors import expect

# NetworkManager in one, dhcpcd in the other.
# CI has ninety minutes: Bullseye's boot is for `scripts/lab --all`.
USUAL = ("trixie",)
MORE = ("bookworm", "bullseye")

# How long the article's Pi is waited for. It may never serve: nothing in it waits for wlan0 to have its address.
PATIENCE = 90


def run(lab):
    lab.boot_applied()
    for name, cable in {"no cable": False, "silent DHCP": True}.items():
        lab.cut_power()
        lab.boot_to_serve(cable=cable)
        beacons = lab.wait_and_clock(checks.BEACONS)
        serves = lab.wait_and_clock(checks.SERVES)
        lab.say(f"{name}: beacons {beacons:.0f} s and serves {serves:.0f} s after kernel start")
        # How long an emulated boot takes depends on what else the machine does, so both are from the same boot.
        # Waiting for a network that is not there costs a minute and more between them.
        expect(serves < beacons * 1.35, f"{name}: something waits for a network that is not there")
        checks.joins(lab)
    beside_the_article(lab)


def beside_the_article(lab):
    """The same image with the article's own files, without a cable. Only told: what it does is its own affair."""
    lab.cut_power()
    lab.move_to(lab.release)
    lab.boot_fast()
    article.set_up(lab)
    lab.cut_power()
    lab.boot_to_serve(cable=False)
    for what, condition in {"beacons": article.BEACONS, "serves": article.SERVES}.items():
        seconds = lab.clock(condition, PATIENCE)
        when = f"{seconds:.0f} s after kernel start" if seconds else f"not in the {PATIENCE} s in which it was looked"
        lab.say(f"the article's own files, no cable: {what} {when}")
