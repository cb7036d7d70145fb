"""The Wi-Fi that the session came in by is lost in an apply: nobody confirms, and the old access point comes back by itself."""

from harness import checks
from harness.checks import ELSEWHERE, HOME
from harness.errors import expect

USUAL = ("trixie",)
MORE = ("bookworm", "bullseye")

APPLY = "/mnt/piback apply --yes"
NETWORK_IS = "hostapd_cli status 2>/dev/null | grep -q '^ssid\\[0\\]={}$'"


def run(lab):
    lab.boot_applied()
    lab.link(False)
    checks.joins(lab)
    checks.change(lab)
    ran = lab.sudo_from_ipad(APPLY, HOME.address)
    expect(ran.status == 64, f"apply would cut the only way in, and ended with {ran.status}:\n{ran.output}")

    # The session dies with its network. First apply comes to its end, then it is killed before that.
    for killed in (False, True):
        lab.leave_ipad_with(f"{APPLY} --confirm-within 30s", HOME.address)
        lab.wait_and_clock(NETWORK_IS.format(ELSEWHERE.ssid))
        if killed:
            lab.sh("kill -9 $(pidof piback)")
        lab.wait_and_clock(NETWORK_IS.format(HOME.ssid))
        lab.wait_and_clock("test ! -e /var/lib/piback/journal")
        checks.joins_by_itself(lab)

    lab.link(True)
    lab.wait_for_uplink()
    checks.is_back(lab)
