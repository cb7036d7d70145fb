"""Radio blocked, as on an image without a country: apply unblocks it, and it stays so over a reboot."""

from harness import checks
from harness.errors import expect

USUAL = ("trixie",)
MORE = ("bookworm", "bullseye")

# What Raspberry Pi OS ships until somebody names a country.
BLOCK = """
    if [ -d /var/lib/NetworkManager ]; then
        systemctl stop NetworkManager
        printf '[main]\\nNetworkingEnabled=true\\nWirelessEnabled=false\\n' >/var/lib/NetworkManager/NetworkManager.state
        systemctl start NetworkManager
    fi
    rfkill block wlan
    rfkill list wlan
"""


def run(lab):
    lab.boot_fast()
    expect("Soft blocked: yes" in lab.sh(BLOCK), "the radio is not blocked to begin with")
    checks.init(lab)
    checks.apply(lab)
    checks.joins(lab)
    lab.cut_power()

    lab.boot_to_serve(cable=False)
    # By then everything that could block it again has started.
    lab.settle()
    checks.joins(lab)
