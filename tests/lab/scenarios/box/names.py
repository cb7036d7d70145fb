"""Names in a hotel: its own servers answer first, the profile's where it names none; and radios that swap their names keep their parts."""

from harness import checks
from harness.errors import expect

# Each release has another way to keep resolv.conf.
USUAL = ("trixie",)
MORE = ("bookworm", "bullseye")

SERVERS = "/run/piback-dns/servers"


def run(lab):
    lab.applied()
    lab.wait_for_uplink()
    checks.joins(lab)
    hotel = "server=192.168.77.1"
    servers = lab.sh(f"cat {SERVERS}")
    expect(servers == hotel, f"dnsmasq asks others than the hotel: {servers}")
    checks.browses(lab)

    # A resolv.conf that names nobody: a static uplink, a phone. The profile's are asked, without a restart of anything.
    pid = lab.sh("systemctl show -p MainPID --value dnsmasq")
    lab.sh("cp -L /etc/resolv.conf /run/resolv.before; rm -f /etc/resolv.conf; echo '# nobody' >/etc/resolv.conf")
    lab.sh("for f in /run/dnsmasq/resolv.conf /run/NetworkManager/no-stub-resolv.conf /run/NetworkManager/resolv.conf /run/resolvconf/interface/*"
           " /run/resolvconf/interfaces/*; do [ ! -e $f ] || : >$f; done")
    lab.sh(f"wait_until grep -q '^server=9.9.9.9$' {SERVERS}; grep -q '^server=1.1.1.1$' {SERVERS}; ! grep -q 192.168 {SERVERS}")
    # Another hotel: its server, and no longer the profile's; one that names the Pi itself is none.
    lab.sh("printf 'nameserver 127.0.0.1\\nnameserver 10.41.0.1\\nnameserver 192.168.77.1\\nnameserver fe80::1%%eth0\\n' >/etc/resolv.conf")
    lab.sh(f"wait_until grep -q '^{hotel}$' {SERVERS}")
    servers = lab.sh(f"cat {SERVERS}").split()
    expect(servers == [hotel, "server=fe80::1%eth0"], f"dnsmasq asks {servers}")
    checks.browses(lab)
    expect(pid == lab.sh("systemctl show -p MainPID --value dnsmasq"), "dnsmasq was restarted")
    # From hotel to hotel, each as soon as the one before is known: no change is missed, and no number of them ends the watch.
    for round in range(12):
        for server in (f"192.168.77.{100 + round}", "192.168.77.1"):
            lab.sh(f"echo nameserver {server} >/etc/resolv.conf; wait_until grep -q '^server={server}$' {SERVERS}")
    lab.sh("systemctl is-active -q piback-dns.path")
    checks.browses(lab)
    lab.sh("cp /run/resolv.before /etc/resolv.conf")

    # The profile's alone.
    lab.sh(f"sed -i 's/^    upstream: .*/    upstream: [192.168.77.1]\\n    private: true/' {checks.PROFILE}")
    checks.apply(lab)
    lab.sh("grep -q '^server=192.168.77.1$' /etc/dnsmasq.d/piback.conf; ! grep -q servers-file /etc/dnsmasq.d/piback.conf")
    lab.sh("! systemctl is-active -q piback-dns.path")
    checks.joins(lab)
    checks.browses(lab)
    said = lab.run("/mnt/piback doctor").output
    expect("piback-dns" not in said, f"doctor misses what is not wanted:\n{said}")
    checks.quiet_plan(lab)

    # The radio by its address, under whatever name: wlan0 and another wire change theirs.
    mac = "b8:27:eb:00:00:02"
    lab.sh(f"sed -i 's/^  interface: wlan0/  interface: {mac}/' {checks.PROFILE}")
    checks.quiet_plan(lab)
    # Another name since the last apply, as two radios that swapped theirs at boot: what the package starts at every boot follows.
    lab.sh("""
        systemctl stop hostapd
        ip link set wlan0 down; ip link set wlan0 name wlan9
        sed -i s/wlan0/wlan9/g /run/udev/data/n3; systemctl daemon-reload
        ip link set wlan9 up
    """)
    ran = lab.run("/mnt/piback boot", timeout=600)
    expect(ran.ok(), f"boot ended with {ran.status}:\n{ran.output}")
    lab.sh("grep -q '^interface=wlan9$' /etc/hostapd/hostapd.conf")
    checks.joins(lab)
    checks.browses(lab)
    lab.sh(f"sed -i 's/^  interface: {mac}/  interface: wlan7/' {checks.PROFILE}")
    ran = lab.run("/mnt/piback apply --yes")
    expect(ran.status == 1 and "no interface wlan7" in ran.output and "wlan9 (b8:27:eb:00:00:02" in ran.output, f"{ran.status}\n{ran.output}")
    ran = lab.run("/mnt/piback init --force --from " + checks.PROFILE + " --yes")
    expect(ran.status == 1 and "no interface wlan7" in ran.output, f"init takes a radio that is not there: {ran.status}\n{ran.output}")
