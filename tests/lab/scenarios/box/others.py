"""What the user has set up before is seen before it fights: each is named and refused, or works beside piback; rollback gives it back."""

from harness import checks
from harness.errors import expect

USUAL = ("trixie",)
MORE = ("bookworm",)

ON = "/etc/systemd/system/multi-user.target.wants"
SLEEPS = "[Service]\\nExecStart=/bin/sleep 600\\n[Install]\\nWantedBy=multi-user.target\\n"


def unit(name):
    """A unit of that name that only sleeps; and how it goes."""
    return (
        f"printf '{SLEEPS}' >/etc/systemd/system/{name}; systemctl daemon-reload; systemctl enable -q --now {name}",
        f"systemctl disable -q --now {name}; rm /etc/systemd/system/{name}; systemctl daemon-reload",
    )


def line(path, text):
    """A file of a line or more; and how it goes."""
    return f"mkdir -p $(dirname {path}); printf '{text}' >{path}", f"rm {path}"


def holds(protocol, port):
    """Somebody who listens on every address; and how he goes."""
    kind = "Proto=>q(udp)" if protocol == "udp" else "Listen=>1"
    perl = f"use IO::Socket::INET; $s = IO::Socket::INET->new(LocalPort=>{port},{kind}) or die; sleep"
    return (
        f"systemd-run -q --collect --unit=holds-{port} perl -e '{perl}'; wait_until sh -c \"ss -Hlntu | grep -q ':{port} '\"",
        f"systemctl stop holds-{port}",
    )


# What it is, how it comes and goes, what plan names, and a word of why.
REFUSED = {
    "a share of the same name": (
        "cp /etc/samba/smb.conf /run/smb; printf '[PI]\\npath = /srv\\n' >>/etc/samba/smb.conf",
        "cp /run/smb /etc/samba/smb.conf",
        "/etc/samba/smb.conf:",
        "share.names.folder",
    ),
    "an nft chain that drops": (
        "nft 'table inet mine { chain input { type filter hook input priority 10; policy drop; tcp dport 22 accept; }; }'",
        "nft delete table inet mine",
        "table inet mine chain input",
        "accept",
    ),
    "a bridge that has the radio": (
        "ip link add br0 type bridge; ip link set wlan0 master br0",
        "ip link del br0",
        "br0: ",
        "one network with the hotel's",
    ),
    "another DHCP server": (*holds("udp", 67), "perl on 0.0.0.0:67", "the Wi-Fi's DHCP"),
    "a client on the radio": (*unit("wpa_supplicant@wlan0.service"), "wpa_supplicant@wlan0.service", "client of other networks"),
    "systemd-networkd on the radio": (
        "mkdir -p /etc/systemd/network; printf '[Match]\\nName=wlan*\\n[Network]\\nAddress=192.168.9.1/24\\n' >/etc/systemd/network/ap.network;"
        " systemctl enable -q systemd-networkd.service",
        "rm /etc/systemd/network/ap.network; systemctl disable -q systemd-networkd.service",
        "/etc/systemd/network/ap.network:2",
        "systemd-networkd takes wlan0",
    ),
    "no DHCP on the radio": (*line("/etc/dnsmasq.d/mine", "no-dhcp-interface=wlan0\\n"), "/etc/dnsmasq.d/mine:1", "serving the Wi-Fi"),
    "bind-interfaces": (*line("/etc/dnsmasq.d/mine", "bind-interfaces\\n"), "/etc/dnsmasq.d/mine:1", "bind-dynamic"),
    "another name server": (*line("/etc/dnsmasq.d/mine", "dhcp-option=6,8.8.8.8\\n"), "/etc/dnsmasq.d/mine:1", "another name server"),
    # Nobody knows this line but dnsmasq, which reads the whole set.
    "a line that dnsmasq refuses": (*line("/etc/dnsmasq.d/zz", "no-such-thing=1\\n"), "/etc/dnsmasq.d/zz", "bad option"),
    "forwarding switched off": (*line("/etc/sysctl.d/99-zz.conf", "net.ipv4.ip_forward=0\\n"), "/etc/sysctl.d/99-zz.conf:1", "no internet"),
    "systemctl edit hostapd": (
        *line("/etc/systemd/system/hostapd.service.d/override.conf", "[Service]\\nExecStart=\\nExecStart=/bin/true\\n"),
        "/etc/systemd/system/hostapd.service.d/override.conf:3",
        "as Debian starts it",
    ),
    "rules thrown out by if-up.d": (
        *line("/etc/network/if-up.d/rules", "#!/bin/sh\\niptables-restore </etc/rules\\n"),
        "/etc/network/if-up.d/rules:2",
        "throws out",
    ),
    "firewalld": (*unit("firewalld.service"), "firewalld.service", "--zone=trusted"),
    "RaspAP": (*unit("raspapd.service"), "raspapd.service", "RaspAP takes the radio"),
    "autohotspot": (*unit("autohotspot.service"), "autohotspot.service", "autohotspot takes the radio"),
    "comitup": (*unit("comitup.service"), "comitup.service", "apt purge comitup"),
    "wifi-connect": (*unit("wifi-connect.service"), "wifi-connect.service", "balena"),
    "AccessPopup": (*unit("AccessPopup.service"), "AccessPopup.service", "AccessPopup takes the radio"),
    "create_ap": (*unit("create_ap.service"), "create_ap.service", "create_ap takes the radio"),
}


def run(lab):
    lab.boot_fast()
    address = lab.wait_for_uplink()
    checks.init(lab)
    # Settings of others beside which all works; what becomes of them is said.
    lab.sh("printf '[Music]\\npath = /srv\\nguest ok = yes\\n' >>/etc/samba/smb.conf; mkdir -p /var/lib/docker")
    lab.sh("iptables -t nat -N DOCKER; iptables -t nat -A DOCKER ! -i docker0 -p tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80")
    lab.sh(holds("tcp", 80)[0])
    before = lab.sh("find /etc -type f | sort | xargs md5sum")

    for what, (comes, goes, at, why) in REFUSED.items():
        lab.sh(comes)
        there = lab.sh("find /etc -type f | sort | xargs md5sum; ls /etc/systemd/system")
        plan = lab.run("/mnt/piback plan").output
        expect(at in plan and why in plan, f"{what}: plan does not name {at} ({why}):\n{plan}")
        ran = lab.run("/mnt/piback apply --yes")
        expect(ran.status == 1 and at in ran.output, f"{what}: apply ended with {ran.status}:\n{ran.output}")
        doctor = lab.run("/mnt/piback doctor").output
        expect(at in doctor or what == "a line that dnsmasq refuses", f"{what}: doctor does not name {at}:\n{doctor}")
        after = lab.sh("find /etc -type f | sort | xargs md5sum; ls /etc/systemd/system")
        expect(after == there, f"{what}: something was changed")
        lab.sh(goes)

    # The session that apply would close: it came in over the cable, and the profile knows another one.
    lab.sh(f"cp {checks.PROFILE} /run/profile; sed -i 's/^  interface: auto/  interface: usb0/' {checks.PROFILE}")
    ran = lab.run(f"SSH_CONNECTION='203.0.113.7 50000 {address} 22' /mnt/piback apply --yes")
    expect(ran.status == 1 and "uplink.trusted" in ran.output, f"the way in would be closed: {ran.status}\n{ran.output}")
    lab.sh(f"cp /run/profile {checks.PROFILE}")

    plan = lab.run("/mnt/piback plan").output
    for said in ("its shares (Music)", "over the Wi-Fi alone", "Docker's ports 8080", "perl on 0.0.0.0:80"):
        expect(said in plan, f"plan does not say {said}:\n{plan}")
    checks.apply(lab)
    checks.serves(lab)
    checks.closed_towards(lab, address)
    again = lab.run("/mnt/piback plan --check")
    expect(again.ok() and "Music" not in again.output, f"nothing is pending, and it is said again: {again.status}\n{again.output}")

    ran = lab.run("/mnt/piback rollback --original --yes", timeout=600)
    expect(ran.ok(), f"rollback --original ended with {ran.status}:\n{ran.output}")
    after = lab.sh("find /etc -type f | sort | xargs md5sum")
    differs = set(before.splitlines()) ^ set(after.splitlines())
    # The share's user stays, with what adduser writes.
    own = ("passwd", "group", "shadow", "subuid", "subgid", "/etc/piback/", "ld.so.cache")
    differs = sorted(row for row in differs if not any(name in row for name in own))
    expect(not differs, f"rollback --original left /etc otherwise: {differs}")
    lab.sh("iptables -t nat -C DOCKER ! -i docker0 -p tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80")
