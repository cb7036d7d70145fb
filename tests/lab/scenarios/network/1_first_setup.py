"""First setup over Ethernet: a stock image, the binary copied in over SSH, init, apply; then everything that an iPad wants."""

from harness import checks
from harness.errors import expect

USUAL = ("trixie",)
MORE = ("bookworm", "bullseye")
BOX = ("trixie", "bookworm", "bullseye")


def run(lab):
    lab.boot_fast("stock")
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
    checks.closed_towards(lab, address)
    checks.quiet_plan(lab, "/home/traveller/piback")

    # A second apply leaves the iPad where it is.
    connected = lab.sh(lab.CONNECTED)
    lab.sudo("./piback apply --yes", address)
    expect(lab.sh(lab.CONNECTED) == connected, "the iPad's association did not outlive a second apply")
    checks.browses(lab)
