"""A Pi set up by hand from the 2016 article: plan shows what is put aside, apply leaves nothing that fights, rollback --original gives it back."""

from harness import article, checks
from harness.errors import expect

# The box has all three; a boot of its own under emulation is for `scripts/lab --all`.
USUAL = ()
MORE = ("bullseye", "bookworm", "trixie")
BOX = ("bullseye", "bookworm", "trixie")

FILES = f"/etc/dnsmasq.conf /etc/network/interfaces /etc/dhcpcd.conf /etc/hostapd/hostapd.conf /etc/default/hostapd \
    /etc/sysctl.conf /etc/samba/smb.conf /etc/rc.local {article.SCRIPT}"
FINGERPRINT = f"for f in {FILES}; do stat -c '%n %a %u:%g' $f; sha256sum <$f; done"
RULES = "iptables-save | grep -v '^#' | sed 's/\\[.*//'"


def run(lab):
    lab.boot_fast()
    article.set_up(lab)
    lab.cut_power()
    lab.boot()
    lab.mount_binary()
    lab.wait_for_uplink()
    by_hand = lab.sh(FINGERPRINT)
    expect("-o eth0 -j MASQUERADE" in lab.sh(f"wait_until sh -c \"{RULES} | grep -q MASQUERADE\"; {RULES}"),
           "the hand-made Pi has no NAT rule to begin with")
    ran = lab.join(article.SSID, article.PASSPHRASE)
    lab.say(f"by hand, the iPad's join ends with {ran.status} (0: a lease, 3: joined and no lease)")

    checks.init(lab)
    ran = lab.run("/mnt/piback plan --check")
    expect(ran.status == 2, f"plan on a hand-made Pi ended with {ran.status}:\n{ran.output}")
    for what in (
        "change /etc/hostapd/hostapd.conf",
        "+#piback# bind-interfaces",
        "+#piback# sudo /home/pi/scripts/hotspot-boot.sh &",
        "+#piback# iface wlan0 inet static",
        "-D POSTROUTING -o eth0 -j MASQUERADE",
    ):
        expect(what in ran.output, f"plan does not say {what!r}:\n{ran.output}")
    expect(lab.sh(FINGERPRINT) == by_hand, "plan changed something")

    checks.apply(lab)
    checks.quiet_plan(lab)
    checks.serves(lab)
    nothing_fights(lab)
    lab.cut_power()

    lab.boot()
    lab.mount_binary()
    lab.wait_for_uplink()
    lab.wait_and_clock(checks.BEACONS)
    checks.serves(lab)
    nothing_fights(lab)
    checks.quiet_plan(lab)

    ran = lab.run("/mnt/piback rollback --original --yes", timeout=600)
    expect(ran.ok(), f"rollback --original ended with {ran.status}:\n{ran.output}")
    after = lab.sh(FINGERPRINT)
    expect(after == by_hand, f"a file is not what it was; before:\n{by_hand}\nafter:\n{after}")
    rules = lab.sh(RULES)
    expect("PIBACK" not in rules and rules.count("MASQUERADE") == 1, f"the rules are not the hand-made ones:\n{rules}")
    expect(f"ssid={article.SSID}" in lab.sh("cat /etc/hostapd/hostapd.conf"), "hostapd.conf is not the hand-made one")
    nobody_else_has_the_radio(lab)
    ran = lab.join(article.SSID, article.PASSPHRASE)
    expect(ran.status in (0, 3), f"after rollback --original the iPad does not join the hand-made network:\n{ran.output}")


def nothing_fights(lab):
    """One NAT rule, one address, every network manager up."""
    rules = lab.sh(RULES)
    expect(rules.count("MASQUERADE") == 1, f"not one NAT rule:\n{rules}")
    expect("-i wlan0 -o eth0 -j ACCEPT" not in rules.replace("-A PIBACK-FORWARD -i wlan0 -o eth0 -j ACCEPT", ""),
           f"a hand-made rule is left:\n{rules}")
    addresses = lab.sh("ip -4 -o addr show dev wlan0 | sed 's/.*inet \\([^ ]*\\).*/\\1/'")
    expect(addresses == f"{checks.HOME.address}/24", f"wlan0 has {addresses}")
    # NetworkManager-wait-online gives up early on purpose: networkmanager-wait.conf.
    failed = lab.sh("systemctl list-units --failed --no-legend --plain hostapd dnsmasq smbd piback-nat dhcpcd networking rc-local")
    expect(failed == "", f"units failed:\n{failed}")


def nobody_else_has_the_radio(lab):
    """NetworkManager took its hands off when it read the stanza at boot; it must not lay them on because of a rollback."""
    device = lab.sh("! systemctl -q is-active NetworkManager || nmcli -g GENERAL.STATE device show wlan0")
    expect(device == "" or "unmanaged" in device, f"NetworkManager has the hand-made radio: {device}")
