"""What an appliance under test can be told, however it runs: in a virtual machine (network.py) or in namespaces (box.py)."""

import shlex

from .errors import expect

USER, PASSWORD = "traveller", "photos on the road"
SSH = ("-o", "ConnectTimeout=20", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR")
HOTEL = "192.168.77"
UNITS = ("hostapd", "dnsmasq", "smbd", "piback-nat", "NetworkManager", "dhcpcd", "networking", "ssh")
# What the daemons said.
EVIDENCE = f"""
    systemctl --failed --no-legend --plain
    ip -br addr; iw dev | grep -E 'Interface|type|ssid'; rfkill list
    journalctl -b --no-pager -o short-monotonic {" ".join(f"-u {unit}" for unit in UNITS)} | tail -n 80
    in_ipad tail -n 15 /tmp/ipad.log /tmp/ipad.dhcp
"""
PRELUDE = "exec 2>&1; . /run/lab/world-lib.sh\n"


class Appliance:
    """The words of a network scenario. A lab gives `sh` and `run`, which run a script inside, `JOIN`, how its
    iPad joins, and `CONNECTED`, what tells that it still is."""

    # What its cable is called.
    uplink = "eth0"

    def settle(self):
        """Waits until systemd has nothing left to start; seconds from kernel start, by the guest's own clock."""
        self.sh("systemctl is-system-running --wait >/dev/null; true", timeout=600)
        return float(self.sh("cut -d ' ' -f 1 /proc/uptime"))

    def wait_and_clock(self, condition, seconds=400):
        """Waits until the guest's shell calls `condition` true; gives the seconds since kernel start."""
        clocked = self.clock(condition, seconds)
        expect(clocked, f"not within {seconds} s: {condition}")
        return clocked

    def clock(self, condition, seconds):
        """The same, and None when it is not true in time."""
        now = "$(cut -d . -f 1 /proc/uptime)"
        loop = f"end=$(({now} + {seconds})); while [ {now} -lt $end ]; do {{ {condition}; }} && break; sleep 1; done"
        ran = self.run(f"{loop}; {{ {condition}; }} && cut -d ' ' -f 1 /proc/uptime", timeout=seconds + 120)
        return float(ran.output.split()[-1]) if ran.ok() else None

    # The cable

    def cable_is(self, name):
        """The cable gets another kernel's name for it. Nobody knows of the old one, as after a boot."""
        self.sh(f"""
            for unit in NetworkManager dhcpcd; do systemctl is-active -q $unit && was=$unit; done
            systemctl stop $was
            ip addr flush dev {self.uplink}
            rm -f /run/NetworkManager/devices/$(cat /sys/class/net/{self.uplink}/ifindex)
            ip link set {self.uplink} down; ip link set {self.uplink} name {name}
            systemctl start $was
        """)
        self.uplink = name

    def open_hotel(self, net=HOTEL, dhcp=True):
        self.sh(f"in_hotel /run/lab/hotel-open {net} {'' if dhcp else 'silent'}")

    def wait_for_uplink(self, net=HOTEL):
        """The address that the hotel gave the appliance. dhcpcd gives itself one of 169.254 until then."""
        self.sh(f"wait_until sh -c 'ip -4 -o addr show dev {self.uplink} | grep -q \"inet {net}\\.\"'", timeout=90)
        return self.sh(f"ip -4 -o addr show dev {self.uplink} | sed -n 's/.*inet \\({net}[0-9.]*\\).*/\\1/p'")

    # The traveller's laptop in the hotel's network

    def ssh(self, command, address, timeout=600):
        return self.run(f"in_hotel {self.remote('ssh', f'{USER}@{address}', command)}", timeout)

    def sudo(self, command, address, timeout=1800):
        """Runs a command as root over SSH, as the traveller who types a password; gives what it said."""
        ran = self.ssh(self.as_root(command), address, timeout)
        expect(ran.ok(), f"over SSH, {command.split()[1]} ended with {ran.status}:\n{ran.output}")
        return ran.output

    def sudo_from_ipad(self, command, address, timeout=600):
        """Runs a command as root over SSH from the iPad, which came in over the Wi-Fi."""
        return self.run(f"in_ipad {self.remote('ssh', f'{USER}@{address}', self.as_root(command))}", timeout)

    def leave_ipad_with(self, command, address):
        """The same, and nobody waits for its end."""
        words = self.remote("ssh", f"{USER}@{address}", self.as_root(command))
        self.sh(f"(in_ipad {words} >/run/ipad-session 2>&1 </dev/null &)")

    def copy_in(self, file, address):
        """Copies a file of the guest's into the traveller's home, over the cable."""
        self.sh(f"cp {file} /run/world/tmp/; in_hotel {self.remote('scp', '/tmp/' + file.rsplit('/')[-1], f'{USER}@{address}:')}")

    def open_session(self, address):
        """An SSH session that stays open, and tells every second that it lives."""
        beat = self.remote("ssh", f"{USER}@{address}", "while sleep 1; do echo alive; done")
        self.sh(f"(in_hotel {beat} >/run/session 2>&1 </dev/null &)")
        self.sh("wait_until grep -q alive /run/session")

    def session_lives(self):
        return self.run("before=$(wc -l </run/session); sleep 4; test $(wc -l </run/session) -gt $before").ok()

    @staticmethod
    def as_root(command):
        return f"echo {shlex.quote(PASSWORD)} | sudo -S -p '' {command}"

    @staticmethod
    def remote(*words):
        tool, *rest = words
        return " ".join(map(shlex.quote, ["sshpass", "-p", PASSWORD, tool, *SSH, *rest]))

    # The iPad

    def join(self, ssid, passphrase, seconds=45):
        """The iPad's try to join and get a lease, as exit status: see guest/ipad-join and box/ipad-join."""
        words = " ".join(map(shlex.quote, (ssid, passphrase, str(seconds))))
        return self.run(f"in_ipad {self.JOIN} {words}", seconds + 90)
