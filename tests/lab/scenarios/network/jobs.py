"""Jobs outlive whoever asked for them: over SSH without sudo, from the page, and through a power cut; nothing runs while nothing happens."""

import json
import time

from harness import checks, plugged
from harness.errors import expect
from harness.plugged import CARD, CARD_AT, DRIVE, DRIVE_AT, MIB, jobs, partitioned_fat, until

USUAL = ("trixie",)
MORE = ("bookworm", "bullseye")
LONG = True

SHOTS = 24
# A card reader of the slow kind: the copy takes a while, and can be looked at.
SLOW = {"bps-total": 2_000_000}
PAGE = f"http://{checks.HOME.address}"
CURL = "in_ipad curl -sS --max-time 60 -b /tmp/jar -c /tmp/jar"
OURS = "pgrep -x piback"


def run(lab):
    plugged.set_up(lab)
    expect("nothing" in lab.sh("piback plan").lower(), "a second apply has something to do")
    lab.hotel_address = lab.wait_for_uplink()

    nothing_runs(lab)
    what_a_power_cut_leaves_of_the_group_is_mended(lab)
    its_name_leads_to_it(lab)
    a_light(lab)
    card_and_drive(lab)
    a_job_outlives_the_ssh_session_that_asked(lab)
    one_card_is_one_job_and_it_can_be_stopped(lab)
    a_verdict_without_sudo(lab)
    the_page_starts_one_and_goes(lab)
    a_power_cut_is_told(lab)
    it_all_goes_back(lab)


def nothing_runs(lab):
    """Sockets only, for the group alone."""
    lab.sh("systemctl is-active piback-control.socket piback-web.socket")
    expect("traveller" in lab.sh("getent group piback"), "the first user is not in the group")
    until(lab, f"! {OURS}", 60)
    ran = lab.run("setpriv --reuid 65534 --regid 65534 --clear-groups piback status --json")
    expect('"jobs":[{' not in ran.output, f"a stranger sees jobs: {ran.output}")
    denied = lab.run("setpriv --reuid 65534 --regid 65534 --clear-groups python3 -c 'import socket; socket.socket(socket.AF_UNIX).connect(\"/run/piback-control.sock\")' 2>&1 || true")
    expect("Permission denied" in denied.output or "not found" in denied.output, f"a stranger gets to the socket: {denied.output}")


def what_a_power_cut_leaves_of_the_group_is_mended(lab):
    """The user in one of the group's two files, and a lock whose number is another process's after the boot."""
    lab.sh("gpasswd --delete traveller piback; sed -i 's/^piback:x:[0-9]*:/&traveller/' /etc/group; printf 1 >/etc/group.lock")
    expect("put traveller into the group piback" in lab.sh("piback plan"), "half a membership is none to plan")
    checks.apply(lab, "piback")
    for file in ("group", "gshadow"):
        line = lab.sh(f"grep ^piback: /etc/{file}")
        expect(line.endswith("traveller"), f"/etc/{file} says {line}")
    expect(not lab.run("test -e /etc/group.lock").ok(), "the lock is left")


def its_name_leads_to_it(lab):
    for name in ("piback.lan", "piback"):
        answer = lab.sh(f"in_ipad dig +short +time=5 +tries=2 {name} @{checks.HOME.address}")
        expect(answer == checks.HOME.address, f"{name} resolves to {answer!r}")
    said = lab.sh("piback status")
    for typed in (PAGE, f"smb://{checks.HOME.address}"):
        expect(typed in said, f"status does not say {typed}:\n{said}")


def a_light(lab):
    """Files stand in for a Pi's green light, which no virtual machine has."""
    lab.sh("mount -t tmpfs none /sys/class/leds && mkdir /sys/class/leds/ACT && echo 'none [mmc0] timer' >/sys/class/leds/ACT/trigger")


def blinks(lab, half, seconds=60):
    until(lab, f"grep -qx timer /sys/class/leds/ACT/trigger && grep -qx {half} /sys/class/leds/ACT/delay_on", seconds)


def card_and_drive(lab):
    plugged.enrolled_drive(lab)
    partitioned_fat(lab, "card", 64 * MIB)
    lab.plug("card")
    until(lab, f"mountpoint -q {CARD_AT}")
    plugged.shoot(lab, f"$(seq {SHOTS})")
    slow_card_again(lab)


def slow_card_again(lab):
    lab.pull("card")
    lab.plug("card", SLOW)
    until(lab, f"mountpoint -q {CARD_AT}")


def a_job_outlives_the_ssh_session_that_asked(lab):
    """From the iPad, without sudo; the session is killed when the copy has begun, and then what keeps the jobs."""
    words = lab.remote("ssh", f"traveller@{checks.HOME.address}", f"piback backup {CARD} --json")
    lab.sh(f"(in_ipad {words} >/run/asked 2>&1 </dev/null & echo $! >/run/asker)")
    until(lab, "grep -q '\"event\":\"progress\"' /run/asked")
    first = json.loads(lab.sh("head -n 1 /run/asked"))
    expect(first["schema"] == 1 and first["event"] == "begin", f"the first line is {first}")
    lab.sh("pkill -KILL -P $(cat /run/asker); kill -KILL $(cat /run/asker) || true")
    state = job(lab)
    expect(state["state"] == "running", f"the job is {state}")
    expect(not lab.run(f"diff -rq /run/shot {DRIVE_AT}/{CARD}/DCIM").ok(), "it was over before the session was")
    blinks(lab, 100)
    lab.sh("systemctl kill -s KILL --kill-whom=main piback-control.service || systemctl kill -s KILL --kill-who=main piback-control.service")
    # Nobody asks: it has come back by itself, and heard the job to its end.
    blinks(lab, 3000, 300)
    ended(lab, "done")
    failed = lab.sh("systemctl --failed --no-legend --plain | grep piback || true")
    expect(not failed, f"units failed: {failed}")
    lab.sh(f"diff -r /run/shot {DRIVE_AT}/{CARD}/DCIM")
    said = lab.sh("piback status")
    expect(f"backup of {CARD}: " in said and f"{SHOTS} files" in said, f"status says:\n{said}")


def one_card_is_one_job_and_it_can_be_stopped(lab):
    """Asked twice it is one; `attach` sees it, `eject` and `poweroff` refuse, `cancel` stops it."""
    lab.sh(f"rm -rf {DRIVE_AT}/{CARD} {DRIVE_AT}/.piback/manifests/{CARD} {DRIVE_AT}/.piback/mhl/{CARD}")
    for name in ("first", "second"):
        lab.sh(f"(piback backup {CARD} >/run/{name} 2>&1 </dev/null; echo rc $? >>/run/{name}) &")
    until(lab, "piback status --json | grep -q '\"state\":\"running\"'")
    running = [one for one in jobs(lab) if one["state"] == "running"]
    expect(len(running) == 1, f"{len(running)} jobs run")
    refused = lab.run("piback eject --all")
    expect(refused.status == 1 and "runs" in refused.output, f"eject during a job: {refused.output}")
    refused = lab.run("piback poweroff")
    expect(refused.status == 1 and "runs" in refused.output, f"poweroff during a job: {refused.output}")
    asked = lab.sh("piback cancel")
    expect("asked to stop" in asked, f"cancel says {asked}")
    until(lab, "grep -q '^rc 5' /run/first && grep -q '^rc 5' /run/second")
    expect(any("on its way already" in lab.sh(f"cat /run/{name}") for name in ("first", "second")), "nobody was told that it is one job")
    expect(jobs(lab)[0]["state"] == "cancelled", f"it ended as {jobs(lab)[0]['state']}")
    until(lab, "grep -qx mmc0 /sys/class/leds/ACT/trigger", 60)
    # As the kernel shows what it was told.
    lab.sh("echo 'none [mmc0] timer' >/sys/class/leds/ACT/trigger")


def a_verdict_without_sudo(lab):
    """`backup`, `verify` and `safe-to-format` of a member end as they do for root, and say it in words."""
    for command, said in (
        (f"piback backup {CARD}", "verified"),
        (f"piback verify {CARD}", "is as it was written"),
        (f"piback safe-to-format {CARD}", "YES: every byte"),
    ):
        ran = lab.run(f"runuser -u traveller -- {command}", timeout=400)
        expect(ran.ok() and said in ran.output, f"{command} ended with {ran.status}:\n{ran.output}")
    lab.sh(f"mv {DRIVE_AT}/{CARD}/DCIM/100CANON/IMG_1.JPG {DRIVE_AT}/away.jpg")
    ran = lab.run(f"runuser -u traveller -- piback safe-to-format {CARD}", timeout=400)
    expect(ran.status == 5 and "NO" in ran.output and "IMG_1.JPG" in ran.output, f"a file is gone: {ran.status}\n{ran.output}")
    blinks(lab, 1000)
    lab.sh(f"mv {DRIVE_AT}/away.jpg {DRIVE_AT}/{CARD}/DCIM/100CANON/IMG_1.JPG")
    refused = lab.run("runuser -u traveller -- piback backup NOBODY")
    expect(refused.status == 1 and "there is no card NOBODY" in refused.output, f"no such card: {refused.output}")


def the_page_starts_one_and_goes(lab):
    """Over the radio, never from the hotel; a browser that was let in starts a backup, closes, and it is done."""
    page = lab.sh(f"{CURL} {PAGE}/")
    expect("code" in page, f"the door is not shown:\n{page}")
    expect(lab.sh(f"{CURL} -o /dev/null -w '%{{http_code}}' {PAGE}/api/v1/state") == "401", "a stranger sees the state")
    for address in (checks.HOME.address, lab.hotel_address):
        expect(not lab.run(f"hotel_reaches {address} 80").ok(), f"the hotel reaches the page at {address}")
    invited = json.loads(lab.sh("runuser -u traveller -- piback pair --json 2>/dev/null"))
    expect(invited["pair_url"].startswith(f"{PAGE}/pair/"), f"pair says {invited}")
    lab.sh(f"{CURL} -L -o /dev/null {invited['pair_url']}")
    state = json.loads(lab.sh(f"{CURL} {PAGE}/api/v1/state"))
    expect([card["label"] for card in state["cards"]] == [CARD], f"cards: {state['cards']}")
    expect([drive["label"] for drive in state["drives"]] == [DRIVE], f"drives: {state['drives']}")
    expect(state["drives"][0]["present"] and state["cards"][0]["files"] == SHOTS, f"the state is {state}")
    lab.sh(f"rm -rf {DRIVE_AT}/{CARD} {DRIVE_AT}/.piback/manifests/{CARD} {DRIVE_AT}/.piback/mhl/{CARD}")
    wish = json.dumps({"verb": "backup", "label": CARD})
    asked = json.loads(lab.sh(f"{CURL} -H 'content-type: application/json' -d '{wish}' {PAGE}/api/v1/jobs"))
    expect(asked["state"] in ("queued", "running"), f"the job is {asked}")
    # The page's process is nobody, and its end changes nothing.
    until(lab, "pgrep -f 'web --appliance'")
    user = lab.sh("ps -o uid= -p $(pgrep -f 'web --appliance' | head -n 1)").strip()
    expect(int(user) > 60000, f"the page runs as {user}")
    lab.sh("systemctl kill --signal=KILL piback-web.service")
    ended(lab, "done")
    lab.sh(f"diff -r /run/shot {DRIVE_AT}/{CARD}/DCIM")
    state = json.loads(lab.sh(f"{CURL} {PAGE}/api/v1/state"))
    expect(state["cards"][0]["backed_up"] == "yes", f"the page says {state['cards'][0]}")
    photos = json.loads(lab.sh(f"{CURL} {PAGE}/api/v1/photos"))
    expect(photos["total"] == SHOTS, f"photos: {photos['total']}")
    the_appliance_s_own_page(lab)
    guests = lab.sh("piback pair --list")
    expect(guests.split()[0] == "1", f"guests: {guests}")
    lab.sh("piback pair --revoke 1")
    expect(lab.sh(f"{CURL} -o /dev/null -w '%{{http_code}}' {PAGE}/api/v1/state") == "401", "a browser that was shown out sees the state")
    # How jobs ended, jobs say; nothing of them stays with systemd.
    left = lab.sh("systemctl list-units --all --no-legend --plain 'piback-job@*'")
    expect(not left, f"units are left: {left}")
    # Nobody looks any more: nothing is left.
    until(lab, f"! {OURS}", 200)


def the_appliance_s_own_page(lab):
    """What stands in the way, eject, and the question before it is switched off."""
    page = lab.sh(f"{CURL} {PAGE}/appliance")
    expect("Take this device" in page and f"Eject {CARD}" in page, f"the page is\n{page}")
    found = lab.sh(f"{CURL} {PAGE}/appliance/checks")
    expect("Worth a look" in found or "All is well" in found, f"nothing was looked at:\n{found}")
    checks = json.loads(lab.sh(f"{CURL} {PAGE}/api/v1/checks"))["checks"]
    expect(len(checks) > 10, f"checks: {checks}")
    asked = lab.sh(f"{CURL} {PAGE}/poweroff")
    expect("Switch the appliance off?" in asked, f"it does not ask:\n{asked}")
    post = f"{CURL} -H 'Origin: {PAGE}'"
    refused = lab.sh(f"{post} -o /dev/null -w '%{{http_code}}' -d label=NOBODY {PAGE}/eject")
    expect(refused == "404", f"a card that is not there: {refused}")
    off = lab.sh(f"{post} -d label={CARD} {PAGE}/eject")
    expect(f"{CARD} may be unplugged" in off, f"eject says\n{off}")
    until(lab, f"! mountpoint -q {CARD_AT}")
    ran = lab.run(f"runuser -u traveller -- piback eject --all")
    expect(ran.ok() and "may be unplugged" in ran.output, f"eject without sudo: {ran.status}\n{ran.output}")
    until(lab, f"! mountpoint -q {DRIVE_AT}")
    lab.pull("drive")
    lab.plug("drive")
    slow_card_again(lab)
    until(lab, f"grep -q ' {DRIVE_AT} exfat rw,' /proc/mounts")


def a_power_cut_is_told(lab):
    """In the middle of a job. After the boot `status` says so; the next one goes on where it was."""
    lab.sh(f"rm -rf {DRIVE_AT}/{CARD} {DRIVE_AT}/.piback/manifests/{CARD} {DRIVE_AT}/.piback/mhl/{CARD}; sync")
    lab.sh(f"(piback backup {CARD} >/run/cut 2>&1 </dev/null &)")
    until(lab, "piback status --json | grep -q '\"state\":\"running\"'")
    until(lab, f"ls {DRIVE_AT}/{CARD} 2>/dev/null | grep -q .")
    lab.cut_power()
    lab.start()
    lab.plug("drive")
    lab.plug("card")
    lab.machine.wait_for_boot()
    until(lab, f"mountpoint -q {CARD_AT} && grep -q ' {DRIVE_AT} exfat rw,' /proc/mounts", 240)
    said = lab.sh("piback status")
    expect("it was cut off" in said, f"status says:\n{said}")
    ran = lab.run(f"piback backup {CARD}", timeout=400)
    expect(ran.ok(), f"the next backup ended with {ran.status}:\n{ran.output}")
    expect(lab.run(f"piback safe-to-format {CARD}").ok(), "the card is not safe")


def it_all_goes_back(lab):
    """Without piback there is no socket and no unit of its."""
    lab.sh("piback rollback --original --yes", timeout=600)
    left = lab.sh("ls /etc/systemd/system | grep -c piback || true")
    expect(left == "0", f"{left} units are left")
    expect(not lab.run("test -e /run/piback-control.sock").ok(), "the socket is left")


def job(lab):
    return jobs(lab)[0]


def ended(lab, state, seconds=300):
    deadline = time.monotonic() + seconds
    while job(lab)["state"] in ("queued", "running", "stopping"):
        expect(time.monotonic() < deadline, f"the job does not end: {job(lab)}")
        time.sleep(1)
    expect(job(lab)["state"] == state, f"the job ended so: {job(lab)}")
