"""Doors that somebody else opens stay shut: nftables starts anew and empties everything, a guest asks for the shares' names."""

from harness import checks
from harness.errors import expect

# Bullseye's Raspberry Pi OS has no nftables.
USUAL = ("trixie",)
MORE = ("bookworm",)


def run(lab):
    lab.boot_applied()
    address = lab.wait_for_uplink()
    checks.joins(lab)
    checks.browses(lab)
    for act in ("start", "restart", "reload"):
        # Its own file begins with `flush ruleset`: iptables' rules are gone with it.
        lab.sh(f"systemctl {act} nftables")
        lab.sh("wait_until iptables -C INPUT -j PIBACK-INPUT")
        checks.browses(lab)
        checks.closed_towards(lab, address)
    lab.sh("nft flush ruleset")
    expect(lab.hotel.reaches(address, 445), "without rules the share is closed towards the hotel: this proves nothing")
    lab.sh("systemctl reload piback-nat")
    checks.closed_towards(lab, address)

    asked = lab.ipad.run(f"smbclient --no-pass --list=//{checks.HOME.address} --max-protocol=SMB3")
    expect("Drives" not in asked.output, f"a guest is told the shares' names:\n{asked.output}")
