//! The remote screen: a desktop that wayvnc can show, and nobody who shows it on every network.

use super::found::{Found, Weight};
use super::looked::Looked;
use crate::provision::components::screen::{REALVNC, UNIT};

/// Desktops of Raspberry Pi OS that wayvnc can show: from Bookworm on, where Wayland is chosen.
const DESKTOPS: [&str; 2] = ["/usr/bin/labwc", "/usr/bin/wayfire"];

/// The choice of the session: raspi-config writes it.
const SESSIONS: &str = "/etc/lightdm/lightdm.conf";

/// Raspberry Pi OS names itself here.
const RASPBERRY_PI_OS: &str = "/etc/rpi-issue";

pub fn look(looked: &Looked<'_>, found: &mut Found) -> anyhow::Result<()> {
    if !looked.profile.remote_screen {
        return Ok(());
    }
    if !DESKTOPS.iter().any(|program| looked.is_there(program)) {
        let page = format!("http://{}", looked.profile.network.address.address());
        let remedy = match looked.has_page {
            true => {
                format!("take it out of the profile: the page at {page} shows cards and backups without one")
            }
            false => format!(
                "take it out of the profile, and have the page at {page} instead: web: {{page: wifi}}"
            ),
        };
        let why =
            "there is no Wayland desktop here, as on Raspberry Pi OS Lite, so there is no screen to show";
        found.add(Weight::Refused, "remote_screen: true", why, remedy);
        return Ok(());
    }
    let sessions = looked.text(SESSIONS)?.unwrap_or_default();
    if let Some(line) = crate::provision::text::lines::line_where(&sessions, is_x11) {
        let why = "the desktop runs on X11, which wayvnc can't show";
        let remedy = "choose labwc: sudo raspi-config, Advanced Options, Wayland; then sudo reboot";
        found.add(Weight::Refused, format!("{SESSIONS}:{line}"), why, remedy);
    }
    let has_unit = !looked.lie_there(&[UNIT]).is_empty();
    if !has_unit && (looked.is_there("/usr/bin/wayvnc") || !looked.is_there(RASPBERRY_PI_OS)) {
        let why = "Debian's wayvnc has no such unit; Raspberry Pi OS's has one from version 0.8 on";
        let remedy =
            "on Raspberry Pi OS: sudo apt full-upgrade; elsewhere take remote_screen out of the profile";
        found.add(Weight::Refused, UNIT, why, remedy);
    }
    for unit in looked.on(&REALVNC) {
        let why = "RealVNC shows the screen on every network";
        found.add(Weight::Refused, &unit, why, format!("sudo systemctl disable --now {unit}"));
    }
    Ok(())
}

/// A line of lightdm's that chooses a session of Raspberry Pi's on X11: `LXDE-pi-x`, `rpd-x`.
fn is_x11(line: &str) -> bool {
    line.split_once('=').is_some_and(|(key, value)| {
        matches!(key.trim(), "user-session" | "autologin-session") && value.trim().ends_with("-x")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_on_x11() {
        assert!(is_x11("autologin-session=LXDE-pi-x") && is_x11("user-session = rpd-x"));
        assert!(!is_x11("#user-session=LXDE-pi-x") && !is_x11("user-session=LXDE-pi-labwc"));
    }
}
