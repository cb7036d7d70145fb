//! sysctl files that come after piback's and switch forwarding off again: of two files, the one whose name sorts later wins.

use super::found::{Found, Weight};
use super::looked::Looked;
use crate::provision::components::forwarding;
use crate::provision::text::lines::line_where;

/// The folders of sysctl.d(5); a name in one hides the same name in those behind it.
const FOLDERS: [&str; 5] =
    ["/etc/sysctl.d", "/run/sysctl.d", "/usr/local/lib/sysctl.d", "/usr/lib/sysctl.d", "/lib/sysctl.d"];

/// ufw's own, loaded when it starts: it is said to be on by the other.
const UFW: [&str; 2] = ["/etc/ufw/sysctl.conf", "/etc/ufw/ufw.conf"];

pub fn look(looked: &Looked<'_>, found: &mut Found) -> anyhow::Result<()> {
    if !looked.profile.uplink.share {
        return Ok(());
    }
    let why = "this comes after piback's, and the Wi-Fi gets no internet";
    let own = forwarding::CONF.rsplit('/').next().unwrap_or_default();
    let mut seen = Vec::new();
    for folder in FOLDERS {
        for name in looked.names(folder)? {
            let path = format!("{folder}/{name}");
            if !name.ends_with(".conf") || seen.contains(&name) {
                continue;
            }
            if name.as_str() > own {
                let text = looked.text(&path)?.unwrap_or_default();
                found.line(Weight::Refused, &path, line_where(&text, switches_off), why);
            }
            seen.push(name);
        }
    }
    let ufw = looked.text(UFW[1])?.unwrap_or_default();
    if ufw.lines().any(|line| line.trim().eq_ignore_ascii_case("enabled=yes")) {
        let text = looked.text(UFW[0])?.unwrap_or_default();
        found.line(Weight::Refused, UFW[0], line_where(&text, switches_off), why);
    }
    Ok(())
}

/// Keys are written with dots or slashes, a `-` in front makes an error no error; the three are one switch.
fn switches_off(line: &str) -> bool {
    let Some((key, value)) = line.split_once('=') else { return false };
    let key = key.trim().trim_start_matches('-').replace('/', ".");
    ["net.ipv4.ip_forward", "net.ipv4.conf.all.forwarding", "net.ipv4.conf.*.forwarding"]
        .contains(&key.as_str())
        && value.trim() == "0"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_switches_forwarding_off() {
        assert!(switches_off("net.ipv4.ip_forward = 0") && switches_off("-net/ipv4/ip_forward=0"));
        assert!(switches_off("net.ipv4.conf.all.forwarding=0"));
        assert!(!switches_off("net.ipv4.ip_forward=1") && !switches_off("net.ipv6.conf.all.forwarding=0"));
        assert!(!switches_off("net.ipv4.ip_forward"));
    }
}
