"""First setup over a cable named end0: a stock image, the binary copied in over SSH, init, apply; then everything that an iPad wants."""

from harness import checks
from harness.errors import expect

USUAL = ("trixie",)
MORE = ("bookworm", "bullseye")
BOX = ("trixie", "bookworm", "bullseye")


def run(lab):
    lab.boot_fast("stock")
    # As newer kernels call a Pi's Ethernet. The other scenarios have eth0.
    lab.cable_is("end0")
    address = lab.wait_for_uplink()
    # The session that a traveller has open while apply changes the network below it.
    lab.open_session(address)
    lab.copy_in("/mnt/piback", address)
    lab.sh(f"echo '{checks.PASSPHRASE}' >/run/passphrase")
    lab.copy_in("/run/passphrase", address)
    lab.sudo(f"./piback init --ssid '{checks.HOME.ssid}' --country DE --drive PDRIVE128GB --passphrase-file passphrase --yes", address)
    lab.sudo("./piback apply --yes", address)
    expect(lab.session_lives(), "the SSH session that was open during apply is gone")

    checks.wrong_passphrase_is_refused(lab)
    checks.serves(lab)
    # Who is in the hotel can try the Wi-Fi's address too.
    lab.sh(f"in_hotel ip route replace {checks.HOME.subnet} via {address}")
    for way_in in (address, checks.HOME.address):
        checks.closed_towards(lab, way_in)
    checks.quiet_plan(lab, "/home/traveller/piback")

    # A second apply leaves the iPad where it is.
    connected = lab.sh(lab.CONNECTED)
    lab.sudo("./piback apply --yes", address)
    expect(lab.sh(lab.CONNECTED) == connected, "the iPad's association did not outlive a second apply")
    checks.browses(lab)
