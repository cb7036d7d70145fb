"""A phone that shares its internet over USB: it is plugged into the running guest, its network lies in a namespace of the guest."""

import shlex

from . import usb

# As an Android has it; its web page is told from the hotel's by its words.
NET = "192.168.42"
ADDRESS, PAGE = f"{NET}.129", "hello from the phone"
FAR = "52:54:00:00:00:03"

# The end of the line that is in the phone. It answers as hotel-open's does. QEMU's device has the number of a Linux gadget,
# which udev knows for a cable between two machines: NetworkManager then asks it for no address, and cdc_subset is after it
# as well as cdc_ether. A phone has numbers of its own.
OPENS = f"""
    mkdir -p /run/udev/rules.d /run/modprobe.d
    echo blacklist cdc_subset >/run/modprobe.d/phone.conf
    echo 'SUBSYSTEM=="net", SUBSYSTEMS=="usb", ENV{{ID_NET_AUTO_LINK_LOCAL_ONLY}}="0"' >/run/udev/rules.d/99-phone.rules
    udevadm control --reload
    at=
    for _ in $(seq 600); do
        at=$(grep -l '^{FAR}$' /sys/class/net/*/address 2>/dev/null) && break
        sleep 0.1
    done
    far=$(basename "$(dirname "$at")")
    ip netns add phone
    ip link set "$far" netns phone
    ip -n phone link set lo up
    ip -n phone link set "$far" name far
    ip -n phone link set far up
    ip -n phone addr add {ADDRESS}/24 dev far
    for address in 9.9.9.9 1.1.1.1 203.0.113.80; do ip -n phone addr add "$address/32" dev lo; done
    mkdir -p /run/world/tmp/phone-page
    echo '{PAGE}' >/run/world/tmp/phone-page/index.html
    in_phone() {{ nsenter --net=/run/netns/phone chroot /run/world "$@"; }}
    in_phone busybox httpd -p 203.0.113.80:80 -h /tmp/phone-page
    in_phone dnsmasq --conf-file=/dev/null --pid-file=/tmp/phone.pid --dhcp-leasefile=/tmp/phone.leases --no-resolv --no-hosts \
        --user=root --bind-dynamic --interface=far --interface=lo --address=/page.example/203.0.113.80 \
        --dhcp-range={NET}.10,{NET}.50,1h
"""


class Phone:
    """One phone. It comes with a USB bus of its own, so that a guest from a snapshot, which has none, takes it too."""

    def __init__(self, lab):
        self.lab = lab
        ask = lab.machine.qmp.ask
        for end in ("phone", "mast"):
            ask("netdev_add", type="hubport", id=end, hubid=1)
        ask("device_add", driver="virtio-net-pci", id="far", netdev="mast", mac=FAR)
        lab.sh(OPENS)
        driver, name = usb.BUS[1].split(",id=")
        ask("device_add", driver=driver, id=name)
        ask("device_add", driver="usb-net", id="tethered", netdev="phone", bus=f"{name}.0")
        # Its driver is how a phone is known; its name is the kernel's affair.
        found = "ls -d /sys/bus/usb/drivers/cdc_ether/*/net/* /sys/bus/usb/drivers/rndis_host/*/net/* 2>/dev/null | head -n 1"
        lab.sh(f"for _ in 1 2 3 4 5; do wait_until sh -c '{found} | grep -q .' && break; done", timeout=900)
        self.name = lab.sh(f'basename "$({found})"')

    def address(self):
        """What the phone gave the appliance."""
        get = f"ip -4 -o addr show dev {self.name} | sed -n 's/.*inet \\({NET}[0-9.]*\\).*/\\1/p'"
        return self.lab.sh(f"for _ in 1 2 3; do wait_until sh -c 'ip -4 -o addr show dev {self.name} | grep -q \"inet {NET}[.]\"' && break; done; {get}", timeout=900)

    def reaches(self, address, port):
        """Whether TCP port `port` of `address` answers the phone."""
        words = shlex.join(("bash", "-c", 'exec 3<>"/dev/tcp/$1/$2"', "-", address, str(port)))
        return self.lab.run(f"nsenter --net=/run/netns/phone timeout 5 {words}").ok()

    def leads_to(self, subnet, address):
        """Who has the phone can try the Wi-Fi's address too."""
        self.lab.sh(f"ip -n phone route replace {subnet} via {address}")

    def pull(self):
        self.lab.machine.qmp.ask("device_del", id="tethered")
