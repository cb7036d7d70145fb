"""The page over TLS: apply proves it, an iPad that trusts the authority is served and the hotel is not; off again, nothing is left of it."""

from harness import checks
from harness.errors import expect

USUAL = ("trixie",)
MORE = ("bookworm", "bullseye")

PAGE = f"https://{checks.HOME.address}"
PLAIN = f"http://{checks.HOME.address}"
CURL = "in_ipad curl -sS --max-time 60"
TRUSTS = f"{CURL} --cacert /tmp/ca.crt"
AUTHORITY = "/var/lib/piback/authority.pem"
CERTIFICATE = "/var/lib/piback/certificate.pem"
CODE = "-o /dev/null -w '%{http_code} %{redirect_url}'"


def run(lab):
    lab.boot_fast()
    lab.sh("install -m 755 /mnt/piback /usr/bin/piback")
    checks.init(lab)
    checks.apply(lab, "piback")
    expect(not lab.run(f"test -e {AUTHORITY}").ok(), "an authority was made that nobody wants")
    lab.sh(f"sed -i 's|^  page: wifi|  page: wifi\\n  tls: local-ca|' {checks.PROFILE}")
    said = checks.apply(lab, "piback")
    expect("certificate: good for" in said, f"apply did not shake hands:\n{said}")
    checks.quiet_plan(lab, "piback")
    hotel = lab.wait_for_uplink()
    checks.joins(lab)
    it_is_served(lab)
    only_to_the_wifi(lab, hotel)
    its_key_is_its_own(lab)
    doctor_looks(lab)
    off_again(lab)


def it_is_served(lab):
    answer = lab.sh(f"{CURL} {CODE} {PLAIN}/photos")
    expect(answer == f"302 {PAGE}/photos", f"plain http leads to {answer}")
    expect("Certificate Trust Settings" in lab.sh(f"{CURL} {PLAIN}/trust"), "how to trust it is not shown")
    expect("com.apple.security.root" in lab.sh(f"{CURL} {PLAIN}/ca.mobileconfig"), "there is no profile")
    lab.sh(f"{CURL} -o /tmp/ca.crt {PLAIN}/ca.crt")
    expect("code of eight letters" in lab.sh(f"{TRUSTS} {PAGE}/"), "the door is not shown")
    expect("code of eight letters" in lab.sh(f"{TRUSTS} --resolve piback.lan:443:{checks.HOME.address} https://piback.lan/"), "not by its name")
    # 77: a small system trusts nobody at all.
    expect(lab.run(f"{CURL} {PAGE}/").status in (60, 77), "a device that does not trust it goes on")
    said = lab.sh("piback pair")
    expect(f"{PAGE}/pair/" in said and f"{PLAIN}/trust" in said and "fingerprint" in said, f"pair says\n{said}")


def only_to_the_wifi(lab, hotel):
    checks.closed_towards(lab, hotel)
    for address in (checks.HOME.address, hotel):
        expect(not lab.run(f"hotel_reaches {address} 443").ok(), f"the hotel reaches {address}")


def its_key_is_its_own(lab):
    for path in (AUTHORITY, CERTIFICATE):
        expect(lab.sh(f"stat -c '%a %U' {path}").strip() == "600 root", f"{path} is not root's alone")
    lab.sh("systemctl start piback-web.service")
    page = lab.sh("systemctl show -P MainPID piback-web.service").strip()
    user = lab.sh(f"ps -o uid= -p {page}").strip()
    expect(int(user) > 60000, f"the page runs as {user}")
    there = lab.sh("cat /run/credentials/piback-web.service/page.pem").count("PRIVATE KEY")
    expect(there == 2, f"the page was given {there} lines about keys")
    key = lab.sh(f"sed -n 2p {AUTHORITY}").strip()
    # Files alone: a pipe in /run would be waited for.
    kept = lab.sh(f"find /etc /var/lib /run -xdev -type f -exec grep -lF '{key}' {{}} + 2>/dev/null || true").split()
    expect(kept == [AUTHORITY], f"the authority's key lies at {kept}")


def doctor_looks(lab):
    """A certificate of somebody else's is no proof, and mended by the next start."""
    lab.sh(f"systemctl stop piback-web.service; mv {AUTHORITY} /run/authority; systemctl start piback-web.service")
    lab.sh(f"mv {AUTHORITY} /run/other; cp /run/authority {AUTHORITY}")
    said = lab.run("piback doctor").output
    expect("a browser that trusts the authority is not served" in said, f"doctor says\n{said}")
    expect(lab.run(f"{TRUSTS} {PAGE}/").status != 0, "the iPad takes another authority's")
    lab.sh("systemctl stop piback-web.service")
    lab.sh(f"{TRUSTS} -o /dev/null {PAGE}/")
    lab.sh(f"echo none >{CERTIFICATE}; systemctl stop piback-web.service")
    lab.sh(f"{TRUSTS} -o /dev/null {PAGE}/")


def off_again(lab):
    """Plain http as before; the authority stays, so that no device has to be told anew."""
    before = lab.sh(f"sha256sum {AUTHORITY}")
    lab.sh(f"sed -i '/^  tls: local-ca/d' {checks.PROFILE}")
    checks.apply(lab, "piback")
    checks.quiet_plan(lab, "piback")
    expect("code of eight letters" in lab.sh(f"{CURL} {PLAIN}/"), "the page is not there in plain")
    left = lab.sh("ls /etc/systemd/system/piback-certificate.service 2>/dev/null; ss -Hltn sport = 443; iptables-save | grep -w 443; true")
    expect(not left.strip(), f"there is left\n{left}")
    lab.sh("piback rollback --yes")
    lab.sh(f"{TRUSTS} -o /dev/null {PAGE}/")
    expect(lab.sh(f"sha256sum {AUTHORITY}") == before, "another authority was made")
    lab.sh("piback rollback --original --yes")
    expect(not lab.run("ss -Hltn sport = 443 | grep -q .").ok(), "somebody listens still")
