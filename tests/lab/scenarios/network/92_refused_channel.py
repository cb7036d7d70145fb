"""The radio refuses the channel: apply ends with exit status 3, and the old access point serves the iPad again."""

from harness import checks
from harness.errors import expect

USUAL = ("trixie",)
MORE = ("bookworm", "bullseye")


def run(lab):
    lab.boot_applied()
    # The profile takes only what the kernel's list of rules allows; a system without that list allows less.
    lab.sh("rm /lib/firmware/regulatory.db; sync")
    lab.cut_power()
    lab.boot()
    lab.mount_binary()
    checks.joins(lab)
    checks.edit(lab, band="5GHz", channel=36)
    ran = lab.run("/mnt/piback apply --yes", timeout=1200)
    expect(ran.status == 3, f"apply ended with {ran.status}:\n{ran.output}")
    checks.is_back(lab)
