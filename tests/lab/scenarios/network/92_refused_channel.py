"""The radio refuses the channel: apply ends with exit status 3, and the old access point serves the iPad again."""

from harness import checks
from harness.errors import expect

USUAL = ("trixie",)
MORE = ("bookworm", "bullseye")


def run(lab):
    lab.boot_applied()
    checks.joins(lab)
    # Japan has 5 GHz, so the profile takes it; this channel of it the kernel's list of rules closes there.
    checks.edit(lab, country="JP", band="5GHz", channel=149)
    ran = lab.run("/mnt/piback apply --yes", timeout=1200)
    expect(ran.status == 3, f"apply ended with {ran.status}:\n{ran.output}")
    checks.is_back(lab)
