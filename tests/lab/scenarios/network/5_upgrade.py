"""OS upgrade: a fresh Trixie gets an older Pi's /etc/piback and /var/lib/piback; plan says what is missing, apply mends it."""

from harness import checks
from harness.errors import expect

# The release that the Pi comes from.
USUAL = ()
MORE = ("bookworm", "bullseye")
BOX = MORE


def run(lab):
    lab.boot_applied()
    luggage = lab.sh("tar -C / -cz etc/piback var/lib/piback | base64 -w0")
    lab.cut_power()

    lab.move_to("trixie")
    lab.boot_fast()
    lab.sh(f"echo {luggage} | base64 -d | tar -C / -xz")
    # What an upgrade in place leaves behind besides: a masked unit, and the package's own files.
    lab.sh("systemctl mask hostapd.service")
    ran = lab.run("/mnt/piback plan --check")
    expect(ran.status == 2, f"a new root has nothing of piback's, and plan ended with {ran.status}:\n{ran.output}")
    for path in ("/etc/hostapd/hostapd.conf", "/etc/dnsmasq.d/piback.conf", "hostapd.service: unmask"):
        expect(path in ran.output, f"plan does not name {path}:\n{ran.output}")
    checks.apply(lab)
    checks.joins(lab)
    checks.browses(lab)
    checks.shares(lab)
    checks.quiet_plan(lab)
