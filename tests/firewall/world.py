#!/usr/bin/env python3
"""A Pi with every kind of neighbour, in network namespaces; who reaches whom, as JSON.

    world.py RULES4 RULES6 [none|docker|ufw]

Run inside `unshare --net --mount`. The Pi is the namespace that it is run in. Each neighbour listens, and tries to
reach the Pi and all others; the answer of a listener names the address that it was asked from.
"""
import concurrent.futures
import ipaddress
import json
import subprocess
import sys

PORTS = {"ssh": 22, "page": 80, "share": 445, "screen": 5900, "other": 9999}
# Name, the Pi's interface towards it, the Pi's and the neighbour's address, and the same for IPv6.
NEIGHBOURS = {
    "client": ("wlan0", "10.41.0.1", "10.41.0.60", "fd41::1", "fd41::60"),
    "hotel": ("eth0", "192.168.7.50", "192.168.7.1", "fd07::50", "fd07::1"),
    "phone": ("usb0", "172.20.10.2", "172.20.10.1", "fd20::2", "fd20::1"),
    "vpn": ("tun0", "10.9.0.2", "10.9.0.1", "fd09::2", "fd09::1"),
    "lan": ("lan0", "192.168.50.2", "192.168.50.9", "fd50::2", "fd50::9"),
    "trusted": ("gadget0", "192.168.60.2", "192.168.60.9", "fd60::2", "fd60::9"),
    "container": ("docker0", "172.17.0.1", "172.17.0.2", "fd17::1", "fd17::2"),
}
LISTEN = r"""
import socket, sys, threading
def serve(port):
    s = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=64)
    while True:
        c, peer = s.accept()
        try:
            c.sendall(peer[0].encode()); c.close()
        except OSError:
            pass
for port in sys.argv[1:]:
    threading.Thread(target=serve, args=(int(port),)).start()
print("ready", flush=True)
"""
TRY = r"""
import socket, sys, concurrent.futures, json
def one(target):
    name, host, port = target
    try:
        with socket.create_connection((host, port), timeout=2) as c:
            return name, c.recv(64).decode() or "nobody"
    except OSError:
        return name, None
targets = json.load(sys.stdin)
with concurrent.futures.ThreadPoolExecutor(128) as pool:
    print(json.dumps(list(pool.map(one, targets))))
"""


def sh(*words):
    subprocess.run(words, check=True)


def ip(*words):
    sh("ip", *words)


def build():
    sh("mount", "-t", "tmpfs", "tmpfs", "/run")
    ip("link", "set", "lo", "up")
    sh("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1", "net.ipv6.conf.all.accept_dad=0",
       "net.ipv6.conf.default.accept_dad=0", "net.ipv4.conf.all.rp_filter=0", "net.ipv4.conf.default.rp_filter=0")
    for name, (interface, here, there, here6, there6) in NEIGHBOURS.items():
        ip("netns", "add", name)
        ip("link", "add", interface, "type", "veth", "peer", "name", "eth0", "netns", name)
        ip("addr", "add", here + "/24", "dev", interface)
        ip("addr", "add", here6 + "/64", "dev", interface, "nodad")
        ip("link", "set", interface, "up")
        inside = ("netns", "exec", name, "ip")
        ip(*inside, "link", "set", "lo", "up")
        ip(*inside, "link", "set", "eth0", "up")
        ip(*inside, "addr", "add", there + "/24", "dev", "eth0")
        ip(*inside, "-6", "addr", "add", there6 + "/64", "dev", "eth0", "nodad")
        # Everybody sends everything through the Pi: a neighbour that wants in knows the way.
        ip(*inside, "route", "add", "default", "via", here)
        ip(*inside, "-6", "route", "add", "default", "via", here6)


def docker():
    """What Docker 28 loads: its policy, its chains, a published port (8080 to the container's 9999)."""
    sh("sh", "-euc", """
        iptables -P FORWARD DROP
        for c in DOCKER DOCKER-FORWARD DOCKER-USER; do iptables -N $c; done
        iptables -I FORWARD -j DOCKER-FORWARD; iptables -I FORWARD -j DOCKER-USER
        iptables -A DOCKER-FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
        iptables -A DOCKER-FORWARD -o docker0 -j DOCKER
        iptables -A DOCKER-FORWARD -i docker0 -j ACCEPT
        iptables -A DOCKER -d 172.17.0.2 ! -i docker0 -o docker0 -p tcp --dport 9999 -j ACCEPT
        iptables -A DOCKER ! -i docker0 -o docker0 -j DROP
        iptables -t nat -N DOCKER
        iptables -t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
        iptables -t nat -A DOCKER ! -i docker0 -p tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:9999
        iptables -t nat -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
    """)


def ufw():
    """What `ufw default deny; ufw allow 22/tcp; ufw deny in on usb0` comes to."""
    for tool in "iptables", "ip6tables":
        icmp = "icmp" if tool == "iptables" else "ipv6-icmp"
        sh("sh", "-euc", f"""
            {tool} -P INPUT DROP; {tool} -P FORWARD DROP
            for c in before user after fwd; do {tool} -N ufw-$c; done
            {tool} -A INPUT -j ufw-before; {tool} -A INPUT -j ufw-user; {tool} -A INPUT -j ufw-after
            {tool} -A FORWARD -j ufw-fwd
            {tool} -A ufw-before -i lo -j ACCEPT
            {tool} -A ufw-before -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
            {tool} -A ufw-before -p {icmp} -j ACCEPT
            {tool} -A ufw-user -i usb0 -j DROP
            {tool} -A ufw-user -p tcp --dport 22 -j ACCEPT
            {tool} -A ufw-after -p tcp --dport 445 -j DROP
            {tool} -A ufw-after -p udp --dport 67 -j DROP
        """)


def targets(source, family):
    """What a neighbour tries: the Pi by the address on its own side and by the Wi-Fi's, and all other neighbours."""
    at = 1 if family == 4 else 3
    own, radio = NEIGHBOURS[source][at], NEIGHBOURS["client"][at]
    tried = [[f"pi {port}", own, number] for port, number in PORTS.items()]
    tried += [["pi by the Wi-Fi's address", radio, PORTS["ssh"]]] if source != "client" else []
    tried += [[name, row[at + 1], PORTS["other"]] for name, row in NEIGHBOURS.items() if name != source]
    if family == 4 and source != "container":
        tried.append(["published", own, 8080])
    return tried


def main():
    rules4, rules6, other = (sys.argv[1:] + ["none"])[:3]
    build()
    {"none": lambda: None, "docker": docker, "ufw": ufw}[other]()
    sh("iptables-restore", "-w", "--noflush", rules4)
    sh("ip6tables-restore", "-w", "--noflush", rules6)
    ports = [str(p) for p in PORTS.values()]
    listeners = [subprocess.Popen([sys.executable, "-c", LISTEN, *ports], stdout=subprocess.PIPE)]
    listeners += [subprocess.Popen(["ip", "netns", "exec", name, sys.executable, "-c", LISTEN, *ports],
                                   stdout=subprocess.PIPE) for name in NEIGHBOURS]
    for listener in listeners:
        assert listener.stdout.readline() == b"ready\n"

    def ask(job):
        source, family = job
        done = subprocess.run(["ip", "netns", "exec", source, sys.executable, "-c", TRY], check=True,
                              input=json.dumps(targets(source, family)).encode(), stdout=subprocess.PIPE)
        return job, json.loads(done.stdout)

    seen = {}
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for (source, family), answers in pool.map(ask, [(s, f) for s in NEIGHBOURS for f in (4, 6)]):
            for target, peer in answers:
                if peer and peer != "nobody":
                    peer = str(getattr(ipaddress.ip_address(peer), "ipv4_mapped", None) or peer)
                seen[f"{source} > {target} IPv{family}"] = peer
    for listener in listeners:
        listener.kill()
    print(json.dumps(seen))


main()
