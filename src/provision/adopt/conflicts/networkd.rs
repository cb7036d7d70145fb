//! systemd-networkd: a `.network` file that matches the radio gives it addresses, and clients of a DHCP server of its own.

use super::found::{Found, Weight};
use super::looked::Looked;
use crate::provision::components::rivals::NETWORKD;
use crate::provision::text::lines::line_where;
use crate::provision::text::pattern;

const FOLDERS: [&str; 2] = ["/etc/systemd/network", "/run/systemd/network"];

pub fn look(looked: &Looked<'_>, found: &mut Found) -> anyhow::Result<()> {
    if looked.on(&[NETWORKD]).is_empty() {
        return Ok(());
    }
    for folder in FOLDERS {
        for (path, text) in looked.files(folder)? {
            let Some(line) = path.ends_with(".network").then(|| matches(&text, looked.radio)).flatten()
            else {
                continue;
            };
            let unmanaged =
                line_where(&text, |line| is(line, "Unmanaged", &|v| ["yes", "true", "1"].contains(&v)));
            if unmanaged.is_none() {
                let why = format!("systemd-networkd takes {}, which is hostapd's", looked.radio);
                let remedy = "name the cable alone in its [Match], or add to the file: [Link] Unmanaged=yes";
                found.add(Weight::Refused, format!("{path}:{line}"), why, remedy);
            }
        }
    }
    Ok(())
}

fn is(line: &str, key: &str, value: &dyn Fn(&str) -> bool) -> bool {
    line.split_once('=').is_some_and(|(k, v)| k.trim() == key && value(v.trim()))
}

/// The line of `[Match]` by which a file means the radio. A name is a pattern, one that begins with `!` turns all around.
fn matches(text: &str, radio: &str) -> Option<usize> {
    let names = |value: &str| {
        let (not, value) = match value.strip_prefix('!') {
            Some(value) => (true, value),
            None => (false, value),
        };
        value.split_whitespace().any(|one| pattern::fits(one, radio)) != not
    };
    // Stations of other networks are another kind of wlan than an access point.
    let kind = line_where(text, |line| is(line, "WLANInterfaceType", &|v| !v.split(' ').any(|k| k == "ap")));
    let name = line_where(text, |line| is(line, "Name", &|_| true));
    match (name, kind) {
        (Some(_), _) => line_where(text, |line| is(line, "Name", &names)),
        (None, Some(_)) => None,
        (None, None) => line_where(text, |line| is(line, "Type", &|v| v.split(' ').any(|k| k == "wlan"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whom_a_file_means() {
        assert_eq!(matches("[Match]\nName=wl*\n[Network]\nDHCPServer=yes\n", "wlan0"), Some(2));
        assert_eq!(matches("[Match]\nName=!eth*\n", "wlan0"), Some(2));
        assert_eq!(matches("[Match]\nName=eth0 en*\n", "wlan0"), None);
        assert_eq!(matches("[Match]\nType=wlan\n", "wlan0"), Some(2));
        assert_eq!(matches("[Match]\nType=wlan\nWLANInterfaceType=ad-hoc\n", "wlan0"), None);
        assert_eq!(matches("[Match]\n#Name=wlan0\n", "wlan0"), None);
    }
}
