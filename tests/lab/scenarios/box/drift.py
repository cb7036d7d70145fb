"""What moves in the kernel while every unit stays up is seen by plan, mended by apply, and then there is nothing to do."""

from harness import checks
from harness.errors import expect

USUAL = ("trixie",)
MORE = ("bookworm", "bullseye")

# Somebody else's file, which takes back what ours says, and is gone again.
OTHERS = """nmcli --version
    printf '[keyfile]\\nunmanaged-devices=none\\n' >/etc/NetworkManager/conf.d/zz.conf
    systemctl restart NetworkManager; wait_until sh -c 'nmcli -g GENERAL.STATE device show wlan0 | grep -v ^10'
    rm /etc/NetworkManager/conf.d/zz.conf"""

# What somebody does, and what plan says of it.
MOVES = {
    "nft flush ruleset": "firewall: the rules are not loaded",
    "iptables -D PIBACK-INPUT -j DROP": "firewall: a rule is missing: -A PIBACK-INPUT -j DROP",
    "iptables -I PIBACK-INPUT -i eth0 -j ACCEPT": "firewall: a rule was put in: -A PIBACK-INPUT -i eth0 -j ACCEPT",
    "ip6tables -D INPUT -j PIBACK-INPUT": "IPv6 firewall: a rule is missing: -A INPUT -j PIBACK-INPUT",
    "iptables -I INPUT -j PIBACK-INPUT": "firewall: a rule was put in: -A INPUT -j PIBACK-INPUT",
    "iptables -I INPUT -j PIBACK-INPUT; iptables -I INPUT -i eth0 -j PIBACK-INPUT": "firewall: a rule was put in: -A INPUT",
    "iptables -A FORWARD -j PIBACK-FORWARD; iptables -A FORWARD -j PIBACK-SHARE": "firewall: a rule was put in: -A FORWARD",
    "iptables -t nat -I POSTROUTING -j PIBACK-POSTROUTING": "NAT: a rule was put in: -A POSTROUTING -j PIBACK-POSTROUTING",
    "ip6tables -I FORWARD -j PIBACK-FORWARD; ip6tables -I FORWARD -j PIBACK-FORWARD": "IPv6 firewall: a rule was put in",
    "iptables -I INPUT -m comment --comment 'let me in' -j ACCEPT": "firewall: a rule before ours lets all in",
    "iptables -t nat -F": "NAT: the rules are not loaded",
    "sysctl -qw net.ipv4.ip_forward=0": "forwarding: off",
    "ip addr flush dev wlan0": "address: none",
    "systemctl kill --signal=STOP dnsmasq": "names: the name server does not answer",
    "echo 'dhcp-ignore=tag:!known' >/etc/dnsmasq.d/zz; systemctl restart dnsmasq; rm /etc/dnsmasq.d/zz": "leases: nobody is given an address",
    OTHERS: "claim: NetworkManager manages the radio",
    "systemctl stop dnsmasq": "dnsmasq.service: start",
    "systemctl kill --signal=KILL smbd": "smbd.service: start",
}


def run(lab):
    lab.boot_fast()
    checks.init(lab)
    checks.apply(lab)
    address = lab.wait_for_uplink()
    checks.joins(lab)
    checks.browses(lab)
    took = lab.sh("""
        for n in 1 2 3 4 5; do
            a=$(date +%s%N); /mnt/piback plan >/dev/null 2>&1; b=$(date +%s%N); echo $(((b - a) / 1000000))
        done | sort -n | tr '\\n' ' '
    """)
    lab.say(f"plan with all its looks, five times: {took.strip()} ms")
    for move, said in MOVES.items():
        # Bullseye's image has no nft, and NetworkManager is not everybody's.
        tool = move.split()[0]
        if not lab.run(f"command -v {tool}").ok() or tool == "nmcli" and not lab.run("systemctl is-active -q NetworkManager").ok():
            continue
        checks.quiet_plan(lab)
        lab.sh(move)
        plan = lab.sh("/mnt/piback plan --check; echo ended with $?")
        expect(said in plan and "ended with 2" in plan, f"after `{move}` plan does not say '{said}':\n{plan}")
        checks.apply(lab)
        checks.joins(lab)
        checks.browses(lab)
        checks.closed_towards(lab, address)
    checks.quiet_plan(lab)
