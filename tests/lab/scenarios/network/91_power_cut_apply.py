"""The power is cut in an apply, at ten moments: the next boot makes the appliance the old or the new one, whole, and it answers."""

import time

from harness import checks
from harness.errors import expect

USUAL = ("trixie",)
MORE = ("bookworm", "bullseye")
# Ten cuts, ten boots and more: three times as long as any other.
LONG = True

# As slow as a cheap SD card, or all files would be written between two of the moments.
WRITES_A_SECOND = 20
# Shares of the time from the journal's first sight to the end. Files are written first; the rest is units and probes.
MOMENTS = (0, 0.01, 0.02, 0.03, 0.04, 0.06, 0.1, 0.25, 0.5, 0.9)
# Where the package puts it: what runs at boot has to be on the appliance's own disk.
PIBACK = "/usr/bin/piback"
JOURNAL = "/var/lib/piback/journal/intent.json"
# Everything that is set up, but for what the system itself writes at a boot, the copies that usermod makes and leaves, and
# the unit that settles.
FILES = r"""
    written='/(resolv.conf|adjtime|fake-hwclock.data|piback-settle.service|(passwd|shadow|group|gshadow)(-|\.lock|\.[0-9]+))$'
    { find /etc -type f -exec sha256sum {} +; find /etc -type l -printf '%l  %p\n'; } | grep -vE "$written" | sort
"""


def run(lab):
    begin(lab)
    old = lab.sh(FILES)
    start(lab)
    # From here it is one and the same apply, cut off again and again.
    lab.remember("begun")
    go_on(lab)
    began = time.monotonic()
    lab.wait_and_clock(f"test ! -e {JOURNAL}")
    length = time.monotonic() - began
    checks.quiet_plan(lab)
    new = lab.sh(FILES)
    seen = set()
    for share in MOMENTS:
        lab.cut_power()
        go_on(lab)
        time.sleep(length * share)
        lab.cut_power()

        lab.boot_to_serve(cable=False)
        lab.wait_and_clock(checks.SERVES)
        now = lab.sh(FILES)
        whole = {old: "old", new: "new"}.get(now)
        seen.add(whole)
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
    expect(seen == {"old", "new"}, f"all cuts gave the same: {seen}")


def begin(lab):
    """A set-up appliance whose profile has been changed."""
    lab.boot_applied()
    checks.change(lab)
    lab.sh(f"cp /mnt/piback {PIBACK}; sync")
    lab.slow_down_disk(WRITES_A_SECOND)


def go_on(lab):
    """The apply goes on from where its first change was announced."""
    lab.recall("begun", WRITES_A_SECOND)


def start(lab):
    """Starts an apply, and returns when its first change is announced on disk."""
    lab.sh(f"""
        setsid {PIBACK} apply --yes >/dev/null 2>&1 </dev/null &
        for _ in $(seq 1200); do [ -e {JOURNAL} ] && exit; sleep 0.05; done; exit 1
    """)


def differences(now, old, new):
    lines = set(now.splitlines())
    of = {"old": set(old.splitlines()), "new": set(new.splitlines())}
    return "\n".join(f"not of the {name}: {line}" for name in of for line in sorted(lines - of[name]))
