"""What an appliance must do for its iPad, and must not do for the hotel. Scenarios put these together."""

import ipaddress
import re
from dataclasses import dataclass

from .errors import expect


@dataclass(frozen=True)
class Network:
    """A Wi-Fi network: its name, the appliance's address in it, and the first and last one for clients."""

    ssid: str
    address: str
    first: str
    last: str

    @property
    def subnet(self):
        return ipaddress.ip_network(f"{self.address}/24", strict=False)

    def leases(self, address):
        """Whether `address` is one for clients."""
        low, high = map(ipaddress.ip_address, (self.first, self.last))
        return low <= ipaddress.ip_address(address) <= high


HOME = Network("Piback Lab", "10.41.0.1", "10.41.0.50", "10.41.0.100")
# What a changed profile makes of it. Nearly every file and unit takes part in such a change.
ELSEWHERE = Network("Piback Elsewhere", "10.77.0.1", "10.77.0.20", "10.77.0.40")
# Serving means: the access point beacons, and somebody listens for DHCP.
BEACONS = "hostapd_cli status 2>/dev/null | grep -q ^state=ENABLED"
SERVES = f"{BEACONS} && ss -Hlun sport = 67 | grep -q ."
PASSPHRASE = "forty winks in Hamburg"
PROFILE = "/etc/piback/profile.yaml"
SHARE_USER = "piback"
# Where `init` writes the password of the share, for root alone.
SHARE_PASSWORD = "/etc/piback/secrets/share-password"


def init(lab, piback="/mnt/piback"):
    """A profile for the lab's network."""
    lab.sh(f"""
        umask 077
        echo '{PASSPHRASE}' >/run/passphrase
        {piback} init --ssid '{HOME.ssid}' --country DE --drive PDRIVE128GB --passphrase-file /run/passphrase --yes
    """)


def apply(lab, piback="/mnt/piback"):
    """An apply that must end well; gives what it said."""
    ran = lab.run(f"{piback} apply --yes", timeout=1800)
    expect(ran.ok(), f"apply ended with {ran.status}:\n{ran.output}")
    return ran.output


def edit(lab, **lines):
    """Gives keys of the profile other values; nothing is applied yet."""
    for key, value in lines.items():
        lab.sh(f"grep -q '^ *{key}: ' {PROFILE} && sed -i 's|^\\( *{key}:\\) .*|\\1 {value}|' {PROFILE}")


def change(lab):
    """The profile wants another network; nothing is applied yet."""
    to = ELSEWHERE
    edit(lab, ssid=to.ssid, channel=11, address=f"{to.address}/24", range=f"{to.first}-{to.last}")


def joins(lab, network=HOME):
    """The iPad joins with WPA2 and gets a lease within the range."""
    ran = lab.join(network.ssid, PASSPHRASE)
    expect(ran.status != 2, f"the iPad does not join:\n{ran.output}")
    expect(ran.ok(), f"the iPad joined and got no lease:\n{ran.output}")
    lease = lab.sh("in_ipad cat /tmp/ipad.lease")
    address = re.search(r"ip=(\S+)", lease).group(1)
    expect(network.leases(address), f"the lease is outside {network.first} to {network.last}: {lease}")
    pi = network.address
    expect(f"router={pi}" in lease and f"dns={pi}" in lease, f"the lease names another router or DNS: {lease}")


def wrong_passphrase_is_refused(lab):
    """Another passphrase gets no association within 20 seconds."""
    ran = lab.join(HOME.ssid, "not the passphrase", seconds=20)
    expect(ran.status == 2, f"joining with a wrong passphrase ended with {ran.status}:\n{ran.output}")
    tried = lab.sh("in_ipad grep -c 'Associated with' /tmp/ipad.log || true")
    expect(int(tried) > 0, "the wrong passphrase was never tried: the iPad did not see the network")


def browses(lab, network=HOME):
    """A name resolves and the hotel's page comes through NAT."""
    answer = lab.sh(f"in_ipad dig +short +time=5 +tries=2 page.example @{network.address}")
    expect(answer == "203.0.113.80", f"page.example resolves to {answer!r}")
    page = lab.sh("in_ipad curl -sS --max-time 20 http://203.0.113.80/")
    expect(page == "hello from the hotel", f"the page is {page!r}")


def sign_in(lab):
    """Gives the iPad the share's user and password, in the file that `smbclient -A /tmp/share` reads."""
    lab.sh(f"umask 077; {{ echo username={SHARE_USER}; echo password=$(cat {SHARE_PASSWORD}); }} >/run/world/tmp/share")


def shares(lab):
    """The share lists and takes a file over SMB3 with the password, and nothing without."""
    sign_in(lab)
    smb = f"in_ipad smbclient //{HOME.address}/Pi -t 60"
    known = f"{smb} -A /tmp/share --option='client min protocol=SMB3_00'"
    # An emulated smbd on a busy machine takes longer to start its helper for lists than smbclient waits for it.
    lists = f"in_ipad smbclient -L {HOME.address} -t 60 -A /tmp/share --option='client min protocol=SMB3_00'"
    listed = lab.sh(f"for _ in 1 2 3; do {lists} >/tmp/listed 2>&1; grep -q Drives /tmp/listed && break; done; cat /tmp/listed")
    expect("Drives" in listed and "Pi" in listed, f"the shares are not listed:\n{listed}")
    lab.sh(f"{known} -c 'put /etc/nsswitch.conf new.txt; rename new.txt old.txt; del old.txt; mkdir folder; rmdir folder'")
    for what, command in {
        "anonymous": f"{smb} -N -c ls",
        "SMB2": f"{smb} -A /tmp/share --option='client max protocol=SMB2_10' -c ls",
    }.items():
        ran = lab.run(command)
        expect(not ran.ok(), f"{what} access is let in:\n{ran.output}")
    ran = lab.run(f"in_ipad smbclient //{HOME.address}/Drives -t 60 -A /tmp/share -c 'put /etc/nsswitch.conf slip.txt'")
    expect(not ran.ok(), f"the backups can be written over the network:\n{ran.output}")


def serves(lab):
    """Everything that the iPad wants."""
    joins(lab)
    browses(lab)
    shares(lab)


def closed_towards(lab, address):
    """SMB, DNS and the page do not answer on the hotel's side; SSH does, or this would prove nothing. The Wi-Fi's own address answers nothing."""
    for port in (22, 80, 139, 445, 53):
        is_open = lab.run(f"hotel_reaches {address} {port}").ok()
        expect(is_open == (port == 22 and address != HOME.address), f"port {port} of {address} is {'open' if is_open else 'closed'} towards the hotel")
    ran = lab.run(f"in_hotel dig +short +time=2 +tries=1 page.example @{address}")
    expect(not ran.ok(), f"{address} answers DNS to the hotel: {ran.output}")


def quiet_plan(lab, piback="/mnt/piback"):
    """Nothing is pending."""
    ran = lab.run(f"{piback} plan --check")
    expect(ran.ok(), f"something is pending right after apply ({ran.status}):\n{ran.output}")


def change_is_pending(lab):
    """The profile still wants something that the appliance is not."""
    ran = lab.run("/mnt/piback plan --check")
    expect(ran.status == 2, f"the profile was changed and not applied, and plan ended with {ran.status}:\n{ran.output}")


def nothing_is_open(lab):
    """No journal, no timer: no apply is half-done or waits for anybody."""
    left = lab.sh("ls -d /var/lib/piback/journal /run/systemd/system/piback-confirm.* 2>/dev/null; true")
    expect(not left, f"an apply is still open:\n{left}")


def joins_by_itself(lab):
    """The iPad finds its network again without being told to."""
    lab.wait_and_clock("in_ipad wpa_cli -p /run/ipad -i wlan1 status | grep -q ^wpa_state=COMPLETED", seconds=60)


def is_back(lab):
    """The iPad's old network is there, with everything on it; the change is still wanted, and nothing is half-done."""
    joins_by_itself(lab)
    serves(lab)
    change_is_pending(lab)
    nothing_is_open(lab)
