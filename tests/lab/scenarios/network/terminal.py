"""What a terminal of 80 and of 40 columns shows of an appliance at work; no line is longer. For README's pictures, see scripts/screenshot."""

import base64
import re
import unicodedata

from harness import plugged
from harness.errors import expect
from harness.paths import CACHE
from harness.plugged import CARD, CARD_AT, DRIVE_AT, MIB, partitioned_fat, until

USUAL = ()
MORE = ("trixie",)

SHOTS = 24
SLOW = {"bps-total": 600_000}
COLUMNS = (80, 40)


def run(lab):
    plugged.set_up(lab)
    lab.wait_for_uplink()
    card_and_drive(lab)
    for name in ("status", "cards"):
        shows(lab, name, f"piback {name}")
    lab.sh(f"(runuser -u traveller -- piback backup {CARD} >/run/asked 2>&1 </dev/null &)")
    until(lab, "piback status --json | grep -q '\"state\":\"running\"'")
    until(lab, f"ls {DRIVE_AT}/{CARD}/DCIM 2>/dev/null | grep -q .")
    # Whoever looks away does not stop it.
    shows(lab, "attach", "timeout --foreground -s KILL 12 piback attach", (40,))
    shows(lab, "status-running", "piback status")
    until(lab, "! pgrep -f 'piback backup'", 300)
    shows(lab, "status-done", "piback status")
    shows(lab, "backup-again", f"runuser -u traveller -- piback backup {CARD}")
    shows(lab, "safe-to-format", f"runuser -u traveller -- piback safe-to-format {CARD}")


def card_and_drive(lab):
    plugged.enrolled_drive(lab)
    partitioned_fat(lab, "card", 64 * MIB)
    lab.plug("card")
    until(lab, f"mountpoint -q {CARD_AT}")
    plugged.shoot(lab, f"$(seq -f %04g {SHOTS})")
    lab.pull("card")
    lab.plug("card", SLOW)
    until(lab, f"mountpoint -q {CARD_AT}")


def shows(lab, name, command, widths=COLUMNS):
    """Keeps what the command writes to a terminal of each width."""
    kept = CACHE / "screens"
    kept.mkdir(exist_ok=True)
    for columns in widths:
        lab.sh(f"""
            TERM=xterm-256color LANG=C.UTF-8 script -qfc 'stty cols {columns} rows 50; {command}' /run/screen >/dev/null </dev/null
            sed -i '1{{/^Script started/d}}; ${{/^Script done/d}}' /run/screen
        """)
        said = base64.b64decode(lab.sh("base64 -w 0 /run/screen")).decode()
        (kept / f"{name}-{columns}.txt").write_text(said)
        if re.search(r"\x1b\[[0-9;?]*[A-LP-Z]", said):
            # A bar moves the cursor; it is looked at in its picture.
            continue
        for line in re.split(r"[\r\n]+", re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", said)):
            wide = sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in line.rstrip())
            expect(wide <= columns, f"{command} writes {wide} columns of {columns}: {line!r}")
