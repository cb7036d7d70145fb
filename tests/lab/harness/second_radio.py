"""A second radio in the appliance, and a hotel with a Wi-Fi: four virtual radios in the place of two."""

from .paths import PROJECT

# Their addresses, by the kernel's own count: the appliance's access point, its client, the iPad, the hotel.
OWN, CLIENT = "02:00:00:00:00:00", "02:00:00:00:01:00"
SSID, KEY, NET = "Hotel Rex & Söhne", "welcome: to\\Rex ", "192.168.78"

# Before anything of the appliance's own starts, at each boot. With /etc/lab-swapped its two radios have each other's names, as
# when the kernel finds them in another order.
SCRIPT = r"""#!/bin/sh
set -eu
. /run/lab/world-lib.sh
modprobe -r mac80211_hwsim
modprobe mac80211_hwsim radios=4
wait_until test -e /sys/class/net/wlan3/phy80211/name
give() {
    nsenter --net="/run/netns/$1" sleep 60 &
    in_world iw phy "$(cat "/sys/class/net/$2/phy80211/name")" set netns $!
    wait_until nsenter --net="/run/netns/$1" ip link show dev "$2"
    kill $!
    nsenter --net="/run/netns/$1" ip link set "$2" down
    nsenter --net="/run/netns/$1" ip link set "$2" name "$3"
}
give ipad wlan2 wlan1
give hotel wlan3 hotelwifi
if [ -e /etc/lab-swapped ]; then
    ip link set wlan0 name other
    ip link set wlan1 name wlan0
    ip link set other name wlan1
fi
"""
UNIT = """[Unit]
DefaultDependencies=no
After=lab-world.service systemd-udevd.service
Wants=network-pre.target
Before=network-pre.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/local/sbin/lab-radios

[Install]
WantedBy=sysinit.target
"""
# The hotel's access point, DHCP, names and the page that says whether the internet is there: until somebody signs in, another.
HOTEL = f"""
    cat >/run/hotelwifi.conf <<'END'
interface=hotelwifi
driver=nl80211
utf8_ssid=1
ssid={SSID}
hw_mode=g
channel=11
wpa=2
wpa_key_mgmt=WPA-PSK
rsn_pairwise=CCMP
wpa_passphrase={KEY}
ctrl_interface=/run/hotelwifi
END
    in_hotel ip addr replace {NET}.1/24 dev hotelwifi
    nsenter --net=/run/netns/hotel hostapd -B -P /run/hotelwifi.pid -f /run/hotelwifi.log /run/hotelwifi.conf >/dev/null
    mkdir -p /run/world/tmp/page/cgi-bin
    printf '#!/bin/sh\\necho "NetworkManager is online" >/tmp/page/nm\\nprintf "Content-Type: text/plain\\\\r\\\\n\\\\r\\\\nwelcome\\\\n"\\n' \\
        >/run/world/tmp/page/cgi-bin/sign-in
    chmod 755 /run/world/tmp/page/cgi-bin/sign-in
    [ -e /run/world/tmp/page/nm ] || echo '<html>Welcome to Hotel Rex. Please sign in.' >/run/world/tmp/page/nm
"""
DHCP = f"""
    in_hotel dnsmasq --conf-file=/dev/null --pid-file=/tmp/hotelwifi.pid --dhcp-leasefile=/tmp/hotelwifi.leases --no-resolv \\
        --no-hosts --user=root --bind-dynamic --interface=hotelwifi --except-interface=lo --address=/page.example/203.0.113.80 \\
        --address=/network-test.debian.org/203.0.113.80 \\
        --dhcp-range={NET}.100,{NET}.150,1h --dhcp-option=3,{NET}.1 --dhcp-option=6,{NET}.1
"""


def install(lab):
    """Two radios for the appliance, now and at each boot, and piback as its package installs it."""
    boot = (PROJECT / "scripts/package.d/piback-boot.service").read_text()
    lab.sh(f"""
        cat >/usr/local/sbin/lab-radios <<'END'
{SCRIPT}END
        chmod 755 /usr/local/sbin/lab-radios
        cat >/etc/systemd/system/lab-radios.service <<'END'
{UNIT}END
        install -m 755 /mnt/piback /usr/bin/piback
        cat >/usr/lib/systemd/system/piback-boot.service <<'END'
{boot}END
        grep -q '^WantedBy' /usr/lib/systemd/system/piback-boot.service \\
            || printf '\\n[Install]\\nWantedBy=multi-user.target\\n' >>/usr/lib/systemd/system/piback-boot.service
        systemctl daemon-reload
        systemctl enable -q piback-boot
        systemctl enable -q --now lab-radios
    """)


def open_hotel(lab, dhcp=True):
    """The hotel's Wi-Fi; without DHCP it lets everybody in and gives nobody an address."""
    lab.sh(HOTEL + (DHCP if dhcp else ""))


def names(lab):
    """The appliance's interfaces of both radios, as they are called now: its own, and the client's."""
    of = "for n in /sys/class/net/*; do [ ! -e $n/phy80211 ] || echo $(cat $n/phy80211/macaddress) ${n##*/}; done"
    found = dict(line.split() for line in lab.sh(of).splitlines())
    return found[OWN], found[CLIENT]
