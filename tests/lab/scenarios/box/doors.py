"""Doors that somebody else opens stay shut: nftables starts anew and empties everything, a guest asks for the shares' names."""

from harness import checks
from harness.errors import expect

# Bullseye's Raspberry Pi OS has no nftables.
USUAL = ("trixie",)
MORE = ("bookworm",)


def run(lab):
    lab.boot_fast()
    checks.init(lab)
    # As it is on a Pi whose owner uses it. What is started later for the first time empties ours as well, and status says so.
    lab.sh("systemctl start nftables")
    checks.apply(lab)
    address = lab.wait_for_uplink()
    checks.joins(lab)
    checks.browses(lab)
    for act in ("restart", "reload"):
        # Its own file begins with `flush ruleset`: iptables' rules are gone with it.
        lab.sh(f"systemctl {act} nftables")
        lab.sh("wait_until iptables -C INPUT -j PIBACK-INPUT")
        checks.browses(lab)
        checks.closed_towards(lab, address)
    # Samba listens on the Wi-Fi's address alone; Linux answers on it from every side, and only the rules keep the hotel out.
    lab.sh(f"in_hotel ip route replace {checks.HOME.subnet} via {address}; nft flush ruleset")
    expect(lab.hotel.reaches(checks.HOME.address, 445), "without rules the share is closed towards the hotel: this proves nothing")
    lab.sh("systemctl reload piback-nat")
    for way_in in (address, checks.HOME.address):
        checks.closed_towards(lab, way_in)

    asked = lab.ipad.run(f"smbclient --no-pass --list=//{checks.HOME.address} --max-protocol=SMB3")
    expect("Drives" not in asked.output, f"a guest is told the shares' names:\n{asked.output}")
