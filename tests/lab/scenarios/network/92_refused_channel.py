"""The radio refuses the channel: apply ends with exit status 3, and the old access point serves the iPad again."""

from harness import checks
from harness.errors import expect

USUAL = ("trixie",)
MORE = ("bookworm", "bullseye")


def run(lab):
    lab.boot_applied()
    checks.joins(lab)
    # Good nearly everywhere, but the kernel's list of rules closes it in Bolivia.
    checks.edit(lab, country="BO", band="5GHz", channel=36)
    ran = lab.run("/mnt/piback apply --yes", timeout=1200)
    expect(ran.status == 3, f"apply ended with {ran.status}:\n{ran.output}")
    checks.is_back(lab)
