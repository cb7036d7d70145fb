"""A secure guest in a hotel: SMB, DNS and DHCP stay closed on the cable, nobody gets in from there, and SSH follows the profile."""

import re

from harness import checks
from harness.errors import expect

# The cable needs no radio: all of it happens in the box. First-setup looks at the same doors in a virtual machine.
USUAL = ()
MORE = ("trixie", "bookworm", "bullseye")
BOX = MORE


def run(lab):
    lab.boot_applied()
    address = lab.wait_for_uplink()
    checks.joins(lab)
    checks.browses(lab)
    link_local = lab.sh(f"ip -6 -o addr show dev {lab.uplink} scope link | sed 's/.*inet6 \\([^/]*\\).*/\\1/'")
    # Who is in the hotel can try the Wi-Fi's address too.
    lab.sh(f"in_hotel ip route replace {checks.HOME.subnet} via {address}")
    for way_in in (address, f"{link_local}%hotel0", checks.HOME.address):
        checks.closed_towards(lab, way_in)

    # No offer comes out of the cable once the hotel's own server is gone.
    lab.sh("kill $(cat /run/world/tmp/hotel.pid)")
    ran = lab.run("in_hotel busybox udhcpc -i hotel0 -n -q -f -t 3 -T 2 -s /bin/true")
    expect(not ran.ok(), f"the appliance answers DHCP on the cable:\n{ran.output}")
    lab.open_hotel()

    ipad = lab.sh("sed 's/ip=\\([0-9.]*\\).*/\\1/' /run/world/tmp/ipad.lease")
    lab.sh("(in_ipad busybox httpd -f -p 8080 -h /tmp >/dev/null 2>&1 &)")
    lab.sh(f"wait_until in_ipad curl -s -m 3 -o /dev/null http://{ipad}:8080/ipad.lease")
    for what, command in {
        "a page of the iPad's": f"curl -s -m 5 -o /dev/null http://{ipad}:8080/ipad.lease",
        "a ping of the iPad": f"busybox ping -c 2 -W 3 {ipad}",
    }.items():
        expect(not lab.run(f"in_hotel {command} </dev/null").ok(), f"the hotel gets {what}")
    expect(lab.sh("cat /proc/sys/net/ipv6/conf/all/forwarding") == "0", "IPv6 is forwarded")

    checks.edit(lab, ssh="false")
    checks.apply(lab)
    expect(not lab.ssh("true", address, 60).ok(), "SSH over the cable is open, and the profile closes it")
    checks.browses(lab)
    half_a_door(lab)


def half_a_door(lab):
    """Rules for IPv6 that do not load at boot leave those for IPv4 where they are, and `status` says so; the way back takes all of them out."""
    lab.sh("sed -i 1inonsense /etc/piback/nat/ipv6.rules; sync")
    lab.cut_power()
    lab.boot()
    expect(lab.sh("systemctl is-failed piback-nat || true") == "failed", "nonsense in the rules for IPv6 went unnoticed")
    expect(lab.run("iptables -C INPUT -j PIBACK-INPUT").ok(), f"the door is open:\n{lab.sh('iptables -S')}")
    lab.mount_binary()
    status = lab.sh("/mnt/piback status")
    expect(re.search("down +IPv6 firewall", status), f"status does not say that the door is half open:\n{status}")
    ran = lab.run("/mnt/piback rollback --original --yes", timeout=600)
    expect(ran.ok(), f"rollback --original ended with {ran.status}:\n{ran.output}")
    rules = lab.sh("iptables-save; ip6tables-save")
    expect("PIBACK" not in rules, f"rules are left:\n{rules}")
