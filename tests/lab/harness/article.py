"""A Pi set up by hand, word by word as the 2016 article has its reader do it."""

import base64
import io
import tarfile

from .paths import PROJECT

# The article's own network, and the script that its rc.local starts.
SSID, PASSPHRASE = "ByHand", "made by hand in 2016"
# Its hostapd.conf has no control socket, so the radio is asked; its dnsmasq listens before wlan0 has an address.
BEACONS = f"iw dev wlan0 info | grep -q 'ssid {SSID}'"
SERVES = f"{BEACONS} && ss -Hlun sport = 67 | grep -q . && ip -4 addr show dev wlan0 | grep -q inet"
SCRIPT = "/home/pi/scripts/hotspot-boot.sh"

# In the order in which the article has its reader write them; all but the script are in /etc already on its Raspbian.
FILES = PROJECT / "tests" / "article"


def set_up(lab):
    """Puts the article's files into a Pi that has the packages. They take effect at the next boot."""
    lab.sh(f"echo {luggage()} | base64 -d | tar -C / -x --no-same-owner")
    # Jessie's file names Ethernet too. Later ones do not, and NetworkManager would leave it down because of that line.
    lab.sh("sed -i '/^iface eth0/d' /etc/network/interfaces")
    lab.sh(f"chmod 755 /etc/rc.local {SCRIPT}; chmod 644 /etc/hostapd/hostapd.conf")
    lab.sh("systemctl unmask hostapd; systemctl enable hostapd dnsmasq smbd; sync")


def luggage():
    """The article's files as a tar archive, in base64."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path in sorted(FILES.rglob("*")):
            if path.is_file() and path.name != "README.md":
                archive.add(path, path.relative_to(FILES))
    return base64.b64encode(buffer.getvalue()).decode()
