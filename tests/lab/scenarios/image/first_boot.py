"""The image as it is flashed: first boot from the one file, the iPad, a card and a drive, a boot like before, an edit, a slip."""

import hashlib
import subprocess

from harness import checks, flashed
from harness.errors import expect
from harness.plugged import CARD, CARD_AT, DRIVE, DRIVE_AT, MIB, partitioned_fat, until

USUAL = ("virt",)
MORE = ()
LONG = True

SHOTS = 12
PASSWORD = "what the share asks for"
# As an editor of another system leaves it.
FILE = f"""wifi:
  country: DE
  ssid: {checks.HOME.ssid}   # a comment that stays
backup:
  destination: {DRIVE}
  on_insert: start
first_boot:
  passphrase: {checks.PASSPHRASE}
  share_password: {PASSWORD}
  hostname: labpi
  ssh_keys:
    - KEY
"""


def run(lab):
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", lab.work / "key"], check=True)
    file = FILE.replace("KEY", (lab.work / "key.pub").read_text().strip())
    lab.card.write(flashed.FILE, file.replace("\n", "\r\n").encode())
    lab.say(f"first boot: settled {lab.boot():.0f} s after the kernel's start")
    lab.say(f"piback boot: {lab.sh('systemctl show -P ExecMainStartTimestampMonotonic -P ExecMainExitTimestampMonotonic piback-boot').split()} µs")
    flashed.is_up(lab)
    serves(lab)
    the_key_lets_in(lab)
    a_card_is_backed_up(lab)
    first = lab.sh("date +%s; cat /etc/machine-id; cat /etc/ssh/ssh_host_*.pub | sha256sum").split()
    lab.switch_off()
    the_boot_partition_tells(lab)
    the_next_boot_changes_nothing(lab, first)
    an_edit_is_taken_over(lab)
    a_slip_changes_nothing(lab)


def serves(lab, network=checks.HOME):
    checks.joins(lab, network)
    checks.browses(lab, network)
    checks.shares(lab)


def the_key_lets_in(lab):
    address = lab.wait_for_uplink()
    key = (lab.work / "key").read_text()
    lab.sh(f"umask 077; cat >/run/world/tmp/key <<'END'\n{key}END")
    options = "-o ConnectTimeout=30 -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -o BatchMode=yes"
    said = lab.sh(f"in_hotel ssh {options} -i /tmp/key traveller@{address} 'sudo -n id -u; hostname'")
    expect(said.split() == ["0", "labpi"], f"over SSH with the key: {said}")
    ran = lab.run(f"in_hotel ssh {options} traveller@{address} true")
    expect(not ran.ok(), "SSH lets in without a key")


def a_card_is_backed_up(lab):
    """The drive is enrolled, the card goes in, and nobody types anything."""
    lab.make_disk("drive", 128 * MIB, "mkfs.exfat", "-L", DRIVE)
    partitioned_fat(lab, "card", 64 * MIB)
    folder = lab.work / "DCIM" / "100CANON"
    folder.mkdir(parents=True)
    for number in range(SHOTS):
        (folder / f"IMG_{number}.JPG").write_bytes(b"".join(hashlib.sha512(b"%d %d" % (number, n)).digest() for n in range(16000)))
    subprocess.run(["mcopy", "-s", "-i", f"{lab.work}/card.img@@1M", lab.work / "DCIM", "::"], check=True)
    lab.plug("drive")
    until(lab, f"mountpoint -q {DRIVE_AT}", 240)
    lab.sh(f"piback enroll {DRIVE} --yes")
    until(lab, f"grep -q ' {DRIVE_AT} exfat rw,' /proc/mounts")
    lab.plug("card")
    until(lab, f"diff -r {CARD_AT}/DCIM/100CANON {DRIVE_AT}/{CARD}/DCIM/100CANON", 400)
    until(lab, f"piback safe-to-format {CARD}", 400)
    lab.say(lab.sh(f"piback safe-to-format {CARD}"))
    lab.sh("piback eject --all")
    lab.pull("card")
    lab.pull("drive")


def the_boot_partition_tells(lab):
    status = flashed.told(lab)
    expect(status["Wi-Fi"] == checks.HOME.ssid and status["Passphrase"] == "the one that you gave", f"the status says {status}")
    expect(lab.card.read(flashed.CODE) is None, "a passphrase that was given came back as a picture")
    left = lab.card.text(flashed.FILE)
    expect(checks.PASSPHRASE not in left and PASSWORD not in left, f"secrets are left in the file:\n{left}")
    expect("# a comment that stays\r\n" in left and "hostname: labpi\r\n" in left, f"the file lost more than its secrets:\n{left}")
    lab.card.check()


def the_next_boot_changes_nothing(lab, first):
    before = {name: lab.card.read(name) for name in (flashed.FILE, flashed.STATUS)}
    lab.say(f"second boot: settled {lab.boot():.0f} s after the kernel's start")
    said = lab.sh("journalctl -b -o cat -u piback-boot")
    expect("is as it was taken over" in said, f"piback boot said\n{said}")
    flashed.is_up(lab)
    again = lab.sh("date +%s; cat /etc/machine-id; cat /etc/ssh/ssh_host_*.pub | sha256sum").split()
    expect(again[1:] == first[1:], "the machine's identity or its host keys are others")
    expect(int(again[0]) >= int(first[0]), f"the clock went back: {first[0]}, {again[0]}")
    serves(lab)
    lab.switch_off()
    expect(before == {name: lab.card.read(name) for name in before}, "a boot without an edit changed the boot partition")


def an_edit_is_taken_over(lab):
    to = checks.ELSEWHERE
    text = lab.card.text(flashed.FILE).replace(checks.HOME.ssid, to.ssid)
    text += f"network:\r\n  address: {to.address}/24\r\n  dhcp:\r\n    range: {to.first}-{to.last}\r\n"
    lab.card.write(flashed.FILE, text.encode())
    lab.say(f"a boot with an edit: settled {lab.boot():.0f} s after the kernel's start")
    flashed.is_up(lab)
    checks.joins(lab, to)
    lab.switch_off()
    status = flashed.told(lab)
    expect(status["Wi-Fi"] == to.ssid and status["Address"] == to.address, f"the status says {status}")


def a_slip_changes_nothing(lab):
    text = lab.card.text(flashed.FILE).replace("country: DE", "country: XX")
    lab.card.write(flashed.FILE, text.encode())
    lab.boot()
    failed = lab.sh("systemctl --failed --no-legend --plain | cut -d ' ' -f 1")
    expect(failed == "piback-boot.service", f"failed units: {failed}")
    checks.quiet_plan(lab, "piback")
    checks.joins(lab, checks.ELSEWHERE)
    lab.switch_off()
    status = lab.card.text(flashed.STATUS)
    expect("has errors and was not taken over" in status and "line 2, column 12: wifi.country: `XX`" in status, f"the status says\n{status}")
    expect("goes on as it was before" in status, f"the status says\n{status}")
    expect(lab.card.text(flashed.FILE) == text, "the file with the slip was changed")
    lab.card.check()
