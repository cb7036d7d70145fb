"""Again: a second apply changes nothing and restarts nothing, and the iPad's association outlives it."""

from harness import checks
from harness.errors import expect

USUAL = ()
MORE = ("trixie", "bookworm", "bullseye")
BOX = MORE

STATE = """
    {connected}
    systemctl show -p Id -p ExecMainStartTimestampMonotonic -p ActiveEnterTimestampMonotonic \
        hostapd dnsmasq smbd piback-nat NetworkManager dhcpcd
    iptables-save 2>/dev/null | grep -v '^#' | sed 's/\\[.*//'
    find /etc /var/lib/piback -newer /run/before -type f
"""


def run(lab):
    lab.boot_applied()
    checks.joins(lab)
    lab.sh("touch /run/before; sleep 1")
    before = lab.sh(STATE.format(connected=lab.CONNECTED))
    expect("Connected to" in before, f"the iPad is not associated:\n{before}")
    checks.apply(lab)
    after = lab.sh(STATE.format(connected=lab.CONNECTED))
    expect(before == after, f"a second apply changed something; before:\n{before}\nafter:\n{after}")
    checks.browses(lab)
