"""What an appliance must do for its iPad, and must not do for the hotel. Scenarios put these together."""

import ipaddress
import re

from .errors import expect

SSID = "Piback Lab"
PASSPHRASE = "forty winks in Hamburg"
NET = ipaddress.ip_network("10.41.0.0/24")
ADDRESS = "10.41.0.1"
SHARE_USER = "piback"
# Where `init` writes the password of the share, for root alone.
SHARE_PASSWORD = "/etc/piback/secrets/share-password"


def init(lab, piback="/mnt/piback"):
    """A profile for the lab's network."""
    lab.sh(f"""
        umask 077
        echo '{PASSPHRASE}' >/run/passphrase
        {piback} init --ssid '{SSID}' --country DE --drive PDRIVE128GB --passphrase-file /run/passphrase --yes
    """)


def apply(lab, piback="/mnt/piback"):
    """An apply that must end well; gives what it said."""
    ran = lab.run(f"{piback} apply --yes", timeout=1800)
    expect(ran.ok(), f"apply ended with {ran.status}:\n{ran.output}")
    return ran.output


def joins(lab, net="10.41.0"):
    """The iPad joins with WPA2 and gets a lease within the range of the appliance's /24."""
    ran = lab.join(SSID, PASSPHRASE)
    expect(ran.status != 2, f"the iPad does not join:\n{ran.output}")
    expect(ran.ok(), f"the iPad joined and got no lease:\n{ran.output}")
    lease = lab.sh("in_ipad cat /tmp/ipad.lease")
    address = ipaddress.ip_address(re.search(r"ip=(\S+)", lease).group(1))
    first, last = (ipaddress.ip_address(f"{net}.{end}") for end in (50, 100))
    expect(first <= address <= last, f"the lease is outside {first} to {last}: {lease}")
    own = f"{net}.1"
    expect(f"router={own}" in lease and f"dns={own}" in lease, f"the lease names another router or DNS: {lease}")


def wrong_passphrase_is_refused(lab):
    """Another passphrase gets no association within 20 seconds."""
    ran = lab.join(SSID, "not the passphrase", seconds=20)
    expect(ran.status == 2, f"joining with a wrong passphrase ended with {ran.status}:\n{ran.output}")
    tried = lab.sh("in_ipad grep -c 'Associated with' /tmp/ipad.log || true")
    expect(int(tried) > 0, "the wrong passphrase was never tried: the iPad did not see the network")


def browses(lab, address=ADDRESS):
    """A name resolves and the hotel's page comes through NAT."""
    answer = lab.sh(f"in_ipad dig +short +time=5 +tries=2 page.example @{address}")
    expect(answer == "203.0.113.80", f"page.example resolves to {answer!r}")
    page = lab.sh("in_ipad curl -sS --max-time 20 http://203.0.113.80/")
    expect(page == "hello from the hotel", f"the page is {page!r}")


def shares(lab):
    """The share lists and takes a file over SMB3 with the password, and nothing without."""
    sign_in = f"umask 077; {{ echo username={SHARE_USER}; echo password=$(cat {SHARE_PASSWORD}); }} >/run/world/tmp/share"
    lab.sh(sign_in)
    smb = f"in_ipad smbclient //{ADDRESS}/Pi -t 60"
    known = f"{smb} -A /tmp/share --option='client min protocol=SMB3_00'"
    listed = lab.sh(f"in_ipad smbclient -L {ADDRESS} -t 60 -A /tmp/share --option='client min protocol=SMB3_00'")
    expect("Drives" in listed and "Pi" in listed, f"the shares are not listed:\n{listed}")
    lab.sh(f"{known} -c 'put /etc/nsswitch.conf new.txt; rename new.txt old.txt; del old.txt; mkdir folder; rmdir folder'")
    for what, command in {
        "anonymous": f"{smb} -N -c ls",
        "SMB2": f"{smb} -A /tmp/share --option='client max protocol=SMB2_10' -c ls",
    }.items():
        ran = lab.run(command)
        expect(not ran.ok(), f"{what} access is let in:\n{ran.output}")
    ran = lab.run(f"in_ipad smbclient //{ADDRESS}/Drives -t 60 -A /tmp/share -c 'put /etc/nsswitch.conf slip.txt'")
    expect(not ran.ok(), f"the backups can be written over the network:\n{ran.output}")


def serves(lab):
    """Everything that the iPad wants."""
    joins(lab)
    browses(lab)
    shares(lab)


def closed_towards(lab, address):
    """SMB and DNS do not answer on the hotel's side; SSH does, or this would prove nothing."""
    for port in (22, 139, 445, 53):
        is_open = lab.run(f"hotel_reaches {address} {port}").ok()
        expect(is_open == (port == 22), f"port {port} of {address} is {'open' if is_open else 'closed'} towards the hotel")
    ran = lab.run(f"in_hotel dig +short +time=2 +tries=1 page.example @{address}")
    expect(not ran.ok(), f"{address} answers DNS to the hotel: {ran.output}")


def quiet_plan(lab, piback="/mnt/piback"):
    """Nothing is pending."""
    ran = lab.run(f"{piback} plan --check")
    expect(ran.ok(), f"something is pending right after apply ({ran.status}):\n{ran.output}")
