"""The cable has another name: what the Wi-Fi is served with works, and stays closed towards the cable, whatever it is called."""

from harness import checks
from harness.errors import expect

USUAL = ("trixie",)
MORE = ("bookworm", "bullseye")

# As newer kernels call a Pi's Ethernet, and predictable names a USB adapter.
NAMES = ("end0", "enxb827eb000001")


def run(lab):
    for name in NAMES:
        lab.insert(lab.release)
        lab.up(uplink=name)
        checks.init(lab)
        lab.sh(f"sed -i 's/^  interface: eth0$/  interface: {name}/' {checks.PROFILE}")
        checks.apply(lab)
        checks.joins(lab)
        checks.browses(lab)
        address = lab.wait_for_uplink()
        for port in (445, 53):
            expect(not lab.hotel.reaches(address, port), f"port {port} is open towards {name}")
        expect(lab.hotel.reaches(address, 22), f"SSH is closed towards {name}, and the profile opens it")
        lab.cut_power()
