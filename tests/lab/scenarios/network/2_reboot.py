"""Reboot without a cable, and with a cable whose DHCP server is silent: after a power cut the iPad joins as early in both."""

from harness import checks
from harness.errors import expect

USUAL = ("trixie", "bookworm", "bullseye")
MORE = ()

# Serving means: the access point beacons, and somebody listens for DHCP.
BEACONS = "hostapd_cli status 2>/dev/null | grep -q ^state=ENABLED"
SERVES = f"{BEACONS} && ss -Hlun sport = 67 | grep -q ."


def run(lab):
    lab.boot_applied()
    for name, cable in {"no cable": False, "silent DHCP": True}.items():
        lab.cut_power()
        lab.boot_to_serve(cable=cable)
        beacons = lab.wait_and_clock(BEACONS)
        serves = lab.wait_and_clock(SERVES)
        lab.say(f"{name}: beacons {beacons:.0f} s and serves {serves:.0f} s after kernel start")
        # How long an emulated boot takes depends on what else the machine does, so both are from the same boot.
        # Waiting for a network that is not there costs a minute and more between them.
        expect(serves < beacons * 1.35, f"{name}: something waits for a network that is not there")
        checks.joins(lab)
