//! The Pi's green light, which tells of rot until it was repaired.

use crate::loops::{Bench, DRIVE};
use std::process::Command;

/// In a view of its own, where the light is a folder and nobody's profile, records or runs are touched.
const SCRIPT: &str = r#"
set -e
for at in /var/lib /run; do mount -t tmpfs none $at; done
# A machine without lights has no folder for them either.
mkdir /run/block; mount --bind /sys/class/block /run/block
mount -t tmpfs none /sys/class
mkdir /sys/class/block; mount --bind /run/block /sys/class/block
light=/sys/class/leds/ACT
mkdir -p $light; echo 'none [mmc0] timer' >$light/trigger
piback() { "$PIBACK" --profile "$PROFILE" "$@"; }
shows() { echo "$1: $(cat $light/trigger) $(cat $light/delay_on 2>/dev/null)"; }
piback enroll --yes "$DRIVE"
piback backup PBCARD --foreground --source "$CARD"
piback scrub --share 100%
shows clean
mkdir -p "$AT"; mount "$DRIVE_DEVICE" "$AT"
printf X | dd of="$AT/PBCARD/DCIM/100CANON/IMG_0001.CR3" bs=1 seek=2 conv=notrunc status=none
umount "$AT"
piback scrub --share 100% || echo "scrub $?"
shows rot
echo none >$light/trigger; echo 3000 >$light/delay_on
piback scrub --share 100% || echo "scrub $?"
shows again
piback verify PBCARD --repair || echo "verify $?"
shows unrepaired
piback verify PBCARD --repair --source "$CARD"
shows repaired
piback scrub --share 100%
shows well
"#;

#[test]
fn rot_that_a_scrub_found_is_told_by_the_light_until_it_was_repaired() {
    let Some(mut bench) = Bench::new() else { return };
    let (_, card) = bench.card("PBCARD");
    let (_, drive) = bench.drive();
    let output = Command::new("unshare")
        .args(["--mount", "--propagation", "private", "sh", "-c", SCRIPT])
        .env("PIBACK", env!("CARGO_BIN_EXE_piback"))
        .env("PROFILE", bench.root().join("etc/piback/profile.yaml"))
        .env("DRIVE", DRIVE)
        .env("DRIVE_DEVICE", drive)
        .env("CARD", card)
        .env("AT", bench.path("at"))
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    let begins = ["clean: ", "rot: ", "again: ", "unrepaired: ", "repaired: ", "well: ", "scrub ", "verify "];
    let said: Vec<&str> =
        text.lines().filter(|line| begins.iter().any(|begin| line.starts_with(begin))).collect();
    let expected = [
        "clean: none [mmc0] timer ",
        "scrub 5",
        "rot: timer 1000",
        "scrub 5",
        "again: timer 1000",
        "verify 5",
        "unrepaired: timer 1000",
        "repaired: mmc0 1000",
        "well: mmc0 1000",
    ];
    assert_eq!(said, expected, "{text}\n{}", String::from_utf8_lossy(&output.stderr));
}
