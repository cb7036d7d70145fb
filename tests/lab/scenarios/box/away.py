"""A copy far away: the uplink says whether the internet is there, photos go through a sandboxed rclone, and a hotel's page stops nothing but the sending."""

import json
import shutil

from harness import checks
from harness.errors import expect

USUAL = ("trixie",)
MORE = ("bookworm", "bullseye")

HOTEL = "192.168.77.1"
# Who rclone is and what it sees, told to the journal by a script in its place.
WATCHED = """#!/bin/sh
touch /mnt/drive/written 2>/dev/null && can=yes || can=no
logger -t rclone-seen "uid $(id -u) writes $can sees $(find /srv /media /etc/piback -mindepth 1 2>/dev/null | wc -l) config $(ls -l "$CREDENTIALS_DIRECTORY" | wc -l)"
exec /usr/local/bin/rclone.real "$@"
"""


def run(lab):
    shutil.copy2("/usr/bin/rclone", lab.binary / "rclone")
    lab.applied()
    lab.wait_for_uplink()
    lab.sh(f"cp /mnt/rclone /usr/local/bin/rclone.real; cat >/usr/local/bin/rclone <<'END'\n{WATCHED}END\nchmod 755 /usr/local/bin/rclone*")
    lab.sh(f"sed -i 's#^uplink:#uplink:\\n  check: http://{HOTEL}:8081/nm#' {checks.PROFILE}")
    lab.sh(f"printf 'remotes:\\n  - {{name: home, folder: photos, when: any}}\\n' >>{checks.PROFILE}")

    lab.sh("""
        mkdir -p /srv/card/DCIM "/srv/my drive" /var/tmp/far
        for n in 1 2 3 4 5 6 7 8; do head -c 400000 /dev/urandom >/srv/card/DCIM/IMG_000$n.JPG; done
        cp /srv/card/DCIM/IMG_0001.JPG '/srv/card/DCIM/a $HOME "b".JPG'; echo other >>'/srv/card/DCIM/a $HOME "b".JPG'
        /mnt/piback backup CARD --source /srv/card --dest "/srv/my drive"
    """)
    # Without a login there is none; then others can read it.
    refused = lab.run("/mnt/piback send home --dest '/srv/my drive'")
    expect(refused.status == 1 and "there is no such file" in refused.output, f"no login is no error:\n{refused.output}")
    lab.sh(f"""
        umask 022
        word=$(/usr/local/bin/rclone.real obscure secret-word)
        printf '[home]\\ntype = sftp\\nhost = {HOTEL}\\nport = 8022\\nuser = u\\npass = %s\\n' "$word" >/etc/piback/secrets/rclone.conf
    """)
    refused = lab.run("/mnt/piback send home --dest '/srv/my drive'")
    expect(refused.status == 1 and "others can read it" in refused.output, f"a login that all can read is taken:\n{refused.output}")
    lab.sh("chmod 600 /etc/piback/secrets/rclone.conf")
    expect(uplink(lab)["internet"] == "no", "nobody answers, and it is not said")
    serve(lab, "page", "http", 8081)
    lab.sh("mkdir -p /var/tmp/page; echo '<html>Welcome. Please sign in.</html>' >/var/tmp/page/nm")
    said = uplink(lab)
    expect(said["internet"] == "sign-in needed", f"a portal is taken for the internet: {said}")
    expect([way["interface"] for way in said["ways"] if way["in_use"]] == ["eth0"], f"not eth0: {said}")
    expect("Nothing was sent" in lab.sh("/mnt/piback send --auto"), "it sends into a portal")
    # Somebody signs in.
    lab.sh("echo 'NetworkManager is online' >/var/tmp/page/nm")
    expect(uplink(lab)["internet"] == "yes", "the sign-in is not seen")

    away = lab.run("/mnt/piback send home --dest '/srv/my drive'")
    expect(away.status == 1 and "can't be reached" in away.output, f"nobody serves, and it is not said: {away.status}\n{away.output}")

    server = serve(lab, "far", "sftp", 8022, "--user u --pass secret-word")
    sent = send(lab, 0)
    expect(sent["verified"]["files"] == 9 and sent["complete"], f"not all is there: {sent}")
    lab.sh("diff -r '/srv/my drive/CARD' /var/tmp/far/photos/CARD")
    seen = set(lab.sh("journalctl -o cat -t rclone-seen").splitlines())
    expect(len(seen) >= 1 and all("writes no sees 0 config 2" in line and "uid 0 " not in line for line in seen), f"rclone's sandbox: {seen}")
    expect("secret-word" not in lab.sh("journalctl -o cat"), "the login is in the journal")

    # The uplink goes in the middle of a file, and comes back.
    lab.sh("""
        head -c 6000000 /dev/urandom >/srv/card/DCIM/CLIP.MP4
        /mnt/piback backup CARD --source /srv/card --dest "/srv/my drive"
        (timeout 250 /mnt/piback send home --limit 500k --json --dest "/srv/my drive" >/run/send.json 2>&1; echo $? >/run/send.code) &
        wait_until sh -c 'test -s /var/tmp/far/photos/.piback-sending/*/CARD/DCIM/CLIP.MP4'
    """)
    lab.sh(f"kill -9 {server}; wait_until test -s /run/send.code; test $(cat /run/send.code) = 1", timeout=300)
    lab.sh("test ! -e /var/tmp/far/photos/CARD/DCIM/CLIP.MP4")
    serve(lab, "far", "sftp", 8022, "--user u --pass secret-word")
    sent = send(lab, 0)
    expect(sent["verified"]["files"] == 10 and sent["new"]["files"] == 1, f"not as if nothing had been: {sent}")
    lab.sh("diff -r '/srv/my drive/CARD' /var/tmp/far/photos/CARD")
    # Ctrl-C ends rclone too, which is a unit of its own; and so does the end of piback's own unit, however it came.
    lab.sh("""
        head -c 6000000 /dev/urandom >/srv/card/DCIM/MORE.MP4
        /mnt/piback backup CARD --source /srv/card --dest "/srv/my drive"
        /mnt/piback send home --limit 100k --dest "/srv/my drive" >/run/send.said 2>&1 & number=$!
        more=/var/tmp/far/photos/.piback-sending/*/CARD/DCIM/MORE.MP4
        wait_until sh -c "test -s $more"
        kill -INT $number
        wait_until sh -c "! kill -0 $number" && wait_until sh -c '! systemctl list-units --plain --no-legend "piback-rclone-*" | grep .'
        systemd-run --unit=as-the-timer --property=ExecStopPost='-/bin/systemctl stop piback-rclone-${INVOCATION_ID}-*.service' \
            /mnt/piback send home --limit 100k --dest "/srv/my drive"
        wait_until sh -c 'systemctl list-units --plain --no-legend "piback-rclone-*" | grep .'
        systemctl kill --signal=KILL as-the-timer
        wait_until sh -c '! systemctl list-units --plain --no-legend "piback-rclone-*" | grep .'
    """)
    expect("there is no uplink" in lab.sh("ip route del default; /mnt/piback send --auto"), "it sends without an uplink")


def uplink(lab):
    return json.loads(lab.sh("/mnt/piback uplink --json 2>/dev/null"))


def send(lab, code):
    ran = lab.run("/mnt/piback send home --json --dest '/srv/my drive' 2>/run/send.said")
    expect(ran.status == code, f"send ended with {ran.status}:\n{ran.output}")
    return json.loads(ran.output.splitlines()[-1])["remotes"][0]


def serve(lab, folder, kind, port, flags=""):
    """Serves a folder in the hotel's network; gives the server's number."""
    lab.sh(f"""
        mkdir -p /var/tmp/{folder}
        nsenter --net=/run/netns/hotel setsid /usr/local/bin/rclone.real serve {kind} /var/tmp/{folder} --addr {HOTEL}:{port} \\
            --dir-cache-time 0s {flags} >/run/{kind}.log 2>&1 </dev/null & echo $! >/run/{kind}.pid
        wait_until nsenter --net=/run/netns/hotel bash -c 'exec 3<>/dev/tcp/{HOTEL}/{port}'
    """)
    return lab.sh(f"cat /run/{kind}.pid")
