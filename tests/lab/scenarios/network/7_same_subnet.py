"""The hotel hands out the appliance's own subnet: doctor and apply say so before anything is cut off; auto moves, and stays."""

from harness import checks
from harness.errors import expect

USUAL = ()
MORE = ("trixie", "bookworm", "bullseye")
BOX = MORE

SAME = "10.41.0"
ELSEWHERE = "172.27.41"


def run(lab):
    lab.boot_applied()
    checks.joins(lab)
    hotel_has(SAME, lab)

    ran = lab.run("/mnt/piback doctor")
    expect(not ran.ok() and "overlaps with the Wi-Fi's 10.41.0.1/24" in ran.output, f"doctor sees no overlap:\n{ran.output}")
    expect("network.address: auto" in ran.output, f"doctor names no remedy:\n{ran.output}")
    # Something to apply, and a fixed address.
    lab.sh(f"sed -i 's/channel: 6/channel: 11/' {checks.PROFILE}; touch /run/before; sleep 1")
    ran = lab.run("/mnt/piback apply --yes")
    expect(ran.status == 1 and "overlaps with the Wi-Fi's" in ran.output, f"apply ended with {ran.status}:\n{ran.output}")
    changed = lab.sh("find /etc /var/lib/piback -newer /run/before -type f")
    expect(changed == "", f"an apply that refuses changed {changed}")

    lab.sh(f"sed -i 's/^  address: .*/  address: auto/; s/^    range: .*/    range: .50-.100/' {checks.PROFILE}")
    ran = lab.run("/mnt/piback plan")
    expect(f"{ELSEWHERE}.1" in ran.output, f"plan does not show the free subnet:\n{ran.output}")
    checks.apply(lab)
    lives_at(lab, ELSEWHERE)
    checks.quiet_plan(lab)
    ran = lab.run("/mnt/piback doctor")
    expect("overlaps" not in ran.output, f"doctor still sees an overlap:\n{ran.output}")

    # At home again: it stays where it is, also over a reboot.
    hotel_has("192.168.77", lab)
    checks.quiet_plan(lab)
    checks.apply(lab)
    lab.cut_power()
    lab.boot()
    lab.mount_binary()
    lab.wait_for_uplink()
    lab.wait_and_clock(checks.BEACONS)
    lives_at(lab, ELSEWHERE)
    checks.quiet_plan(lab)

    # Whatever was chosen: another hotel may have it.
    hotel_has(ELSEWHERE, lab)
    ran = lab.run("/mnt/piback doctor")
    expect("the Wi-Fi moves to 10.41.0.1/24" in ran.output, f"doctor does not say where it will move:\n{ran.output}")
    checks.apply(lab)
    lives_at(lab, SAME)


def hotel_has(net, lab):
    """The cable goes to another hotel, which gives eth0 an address of its own."""
    lab.link(False)
    lab.open_hotel(net)
    # NetworkManager takes a shorter pause for a flaw of the cable.
    lab.sh("sleep 8")
    lab.link(True)
    lab.wait_and_clock(f"ip -4 -o addr show dev {lab.uplink} | grep -q 'inet {net}[.]'", 120)


def lives_at(lab, net):
    """The Wi-Fi is there and nowhere else, and the iPad gets to the hotel's page through it."""
    addresses = lab.sh("ip -4 -o addr show dev wlan0 | sed 's/.*inet \\([^ ]*\\).*/\\1/'")
    expect(addresses == f"{net}.1/24", f"wlan0 has {addresses}")
    network = checks.Network(checks.HOME.ssid, f"{net}.1", f"{net}.50", f"{net}.100")
    checks.joins(lab, network)
    checks.browses(lab, network)
