"""Reboot without a cable, and with a cable whose DHCP server is silent: after a power cut the iPad joins as early in both."""

from harness import checks
from harness.errors import expect

USUAL = ("trixie", "bookworm", "bullseye")
MORE = ()

# Serving means: the access point beacons, and somebody listens for DHCP.
SERVING = "hostapd_cli status 2>/dev/null | grep -q ^state=ENABLED && ss -Hlun sport = 67 | grep -q ."


def run(lab):
    lab.boot_applied()
    seconds = {}
    for name, cable in {"no cable": False, "silent DHCP": True}.items():
        lab.cut_power()
        lab.boot_to_serve(cable=cable)
        seconds[name] = lab.wait_and_clock(SERVING)
        lab.say(f"{name}: serving {seconds[name]:.0f} s after kernel start")
        checks.joins(lab)
    early, late = sorted(seconds.values())
    # Emulated boots differ by some seconds; waiting for a network that is not there costs minutes.
    expect(late < early * 1.35 + 10, f"one boot waits for what is not there: {seconds}")
