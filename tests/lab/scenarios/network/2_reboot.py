"""Reboot without a cable, and with a cable whose DHCP server is silent: after a power cut the iPad joins as early in both."""

from harness import checks
from harness.errors import expect

USUAL = ("trixie", "bookworm", "bullseye")
MORE = ()


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
