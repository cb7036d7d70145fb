"""The cable has another name: what the Wi-Fi is served with works, and stays closed towards the cable, whatever it is called."""

from harness import checks
from harness.errors import expect

USUAL = ("trixie",)
MORE = ("bookworm", "bullseye")

# As newer kernels call a Pi's Ethernet, and predictable names a USB adapter; and what the profile says of it.
CABLES = {"end0": "auto", "enxb827eb000001": "[usb0, enxb827eb000001]"}


def run(lab):
    for name, uplinks in CABLES.items():
        lab.insert(lab.release)
        lab.up(uplink=name)
        checks.init(lab)
        lab.sh(f"sed -i 's/^  interface: auto$/  interface: {uplinks}/' {checks.PROFILE}")
        expect(uplinks in lab.sh(f"cat {checks.PROFILE}"), "the profile names no uplink")
        checks.apply(lab)
        checks.joins(lab)
        checks.browses(lab)
        address = lab.wait_for_uplink()
        for port in (445, 53):
            expect(not lab.hotel.reaches(address, port), f"port {port} is open towards {name}")
        expect(lab.hotel.reaches(address, 22), f"SSH is closed towards {name}, and the profile opens it")
        lab.cut_power()
