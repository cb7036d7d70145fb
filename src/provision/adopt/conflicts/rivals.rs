//! Other programs that make an access point of the Pi: they undo hostapd and dnsmasq at every boot.

use super::found::{Found, Weight};
use super::looked::Looked;
use crate::provision::components::nat::RC_LOCAL;
use crate::provision::components::rivals::{RIVALS, Rival, clients};
use crate::provision::text::lines::line_where;

/// Tables of cron in which such a program has a line.
const CRON: [&str; 3] = ["/etc/crontab", "/var/spool/cron/crontabs/root", "/var/spool/cron/crontabs/pi"];

pub fn look(looked: &Looked<'_>, found: &mut Found) -> anyhow::Result<()> {
    for rival in RIVALS {
        let on = looked.on(rival.units);
        let called = called(looked, rival)?;
        for unit in &on {
            found.add(Weight::Refused, unit, format!("{} takes the radio", rival.name), rival.remove);
        }
        for place in &called {
            found.add(Weight::Refused, place, format!("this starts {}", rival.name), rival.remove);
        }
        let lies = rival.files.iter().filter(|file| looked.is_there(file)).copied();
        let there: Vec<&str> = looked.lie_there(rival.units).into_iter().chain(lies).collect();
        if on.is_empty() && called.is_empty() && !there.is_empty() {
            let why = format!("{} is there, switched off", rival.name);
            found.add(Weight::Said, there.join(", "), why, "leave it off");
        }
    }
    let clients = clients(looked.radio, looked.stack);
    for unit in looked.on(&clients.iter().map(String::as_str).collect::<Vec<_>>()) {
        let why = format!("it makes {} a client of other networks", looked.radio);
        found.add(Weight::Refused, &unit, why, format!("sudo systemctl disable --now {unit}"));
    }
    Ok(())
}

/// Lines of cron and rc.local that call it.
fn called(looked: &Looked<'_>, rival: &Rival) -> anyhow::Result<Vec<String>> {
    let mut places = Vec::new();
    for path in CRON.into_iter().chain([RC_LOCAL]) {
        let text = looked.text(path)?.unwrap_or_default();
        if let Some(line) = line_where(&text, |line| calls(line, rival.program)) {
            places.push(format!("{path}:{line}"));
        }
    }
    Ok(places)
}

/// Tells whether a word of a line is a program of that name, or in a folder of that name.
fn calls(line: &str, program: &str) -> bool {
    line.split(|c: char| c.is_whitespace() || "/;&|\"'".contains(c)).any(|word| {
        let rest = word.get(..program.len()).filter(|w| w.eq_ignore_ascii_case(program));
        rest.is_some_and(|_| !word[program.len()..].starts_with(|c: char| c.is_ascii_lowercase()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_called() {
        assert!(calls("*/5 * * * * sudo /usr/bin/autohotspotN >/dev/null 2>&1", "autohotspot"));
        assert!(calls("python3 /usr/lib/raspiwifi/reset_device/reset.py &", "raspiwifi"));
        assert!(calls("create_ap -n wlan0 Net", "create_ap"));
        assert!(!calls("@reboot /home/pi/comitups.sh", "comitup"));
        assert!(!calls("echo é", "autohotspot"));
    }
}
