"""A phone by USB is the only uplink at set-up: the iPad gets its internet; then a cable comes, and the phone goes."""

from harness import checks
from harness.checks import HOME
from harness.errors import expect
from harness.phone import PAGE, Phone

# It needs a USB bus and the kernel's driver of a phone. First-setup has the cable alone.
USUAL = ("trixie",)
MORE = ("bookworm", "bullseye")


def run(lab):
    lab.boot_fast()
    lab.link(False)
    phone = Phone(lab)
    address = phone.address()
    checks.init(lab)
    # First-setup leaves SSH open towards its uplink, so here it is closed.
    checks.edit(lab, ssh="false")
    checks.apply(lab)
    checks.joins(lab)
    surfs(lab, PAGE)
    checks.shares(lab)
    phone.leads_to(HOME.subnet, address)
    for to in (address, HOME.address):
        for port in (22, 53, 80, 445):
            expect(not phone.reaches(to, port), f"port {port} of {to} is open towards the phone")
    # Or the closed doors would prove nothing.
    expect(lab.run("bash -c 'exec 3<>/dev/tcp/10.41.0.1/22'").ok(), "no SSH server runs")
    ran = lab.run("/mnt/piback uplink")
    expect(phone.name in ran.output and "phone" in ran.output, f"the phone is not known for one:\n{ran.output}")
    checks.quiet_plan(lab)

    lab.link(True)
    cable = lab.wait_for_uplink()
    for port in (22, 53, 80, 445):
        expect(not lab.run(f"hotel_reaches {cable} {port}").ok(), f"port {port} is open towards a cable that came later")
    checks.quiet_plan(lab)
    phone.pull()
    lab.sh(f"wait_until sh -c '! ip link show dev {phone.name}'")
    surfs(lab, "hello from the hotel")
    lab.sh(lab.CONNECTED)


def surfs(lab, words):
    """The iPad gets a name, and the page of the uplink that is in use."""
    name = f"in_ipad dig +short +time=5 +tries=2 page.example @{HOME.address} | grep -qx 203.0.113.80"
    lab.sh(f"wait_until sh -c '. /run/lab/world-lib.sh; {name}'", timeout=90)
    page = lab.sh("in_ipad curl -sS --max-time 20 http://203.0.113.80/")
    expect(page == words, f"the page is {page!r}")
