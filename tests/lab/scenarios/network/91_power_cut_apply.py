"""The power is cut in an apply, at ten moments: the next boot makes the appliance the old or the new one, whole, and it answers."""

import time

from harness import checks
from harness.errors import expect

USUAL = ("trixie",)
MORE = ("bookworm", "bullseye")

# Shares of an apply's length. Files are written early, in the shortest part; the rest is units and probes.
MOMENTS = (0.03, 0.06, 0.09, 0.12, 0.15, 0.2, 0.3, 0.45, 0.65, 0.85)
APPLY = "/mnt/piback apply --yes"
# Everything that is set up, but for what the system itself writes at a boot.
FILES = r"""
    written='/(resolv.conf|adjtime|fake-hwclock.data)$'
    { find /etc -type f -exec sha256sum {} +; find /etc -type l -printf '%l  %p\n'; } | grep -vE "$written" | sort
"""


def run(lab):
    lab.boot_applied()
    checks.change(lab)
    old = lab.sh(FILES)
    began = time.monotonic()
    checks.apply(lab)
    length = time.monotonic() - began
    new = lab.sh(FILES)
    for share in MOMENTS:
        lab.cut_power()
        lab.boot_applied()
        checks.change(lab)
        lab.sh(f"setsid {APPLY} >/dev/null 2>&1 </dev/null &")
        time.sleep(length * share)
        lab.cut_power()

        lab.boot_to_serve(cable=False)
        lab.wait_and_clock(checks.SERVES)
        now = lab.sh(FILES)
        whole = {old: "old", new: "new"}.get(now)
        expect(whole, f"cut at {share:.0%}, it is neither the old nor the new one:\n{differences(now, old, new)}")
        checks.nothing_is_open(lab)
        checks.joins(lab, checks.HOME if whole == "old" else checks.ELSEWHERE)
        # A unit that has not had its turn yet is not running, and plan would say so.
        lab.settle()
        if whole == "old":
            checks.change_is_pending(lab)
        else:
            checks.quiet_plan(lab)
        lab.say(f"cut after {length * share:.0f} of {length:.0f} s: the {whole} one")


def differences(now, old, new):
    lines = set(now.splitlines())
    of = {"old": set(old.splitlines()), "new": set(new.splitlines())}
    return "\n".join(f"not of the {name}: {line}" for name in of for line in sorted(lines - of[name]))
