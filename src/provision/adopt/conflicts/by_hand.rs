//! Things that a set-up by hand has beyond the article's known lines: `DAEMON_CONF`, and rules that rc.local loads.

use super::found::{Found, Weight};
use super::looked::Looked;
use crate::profile::types::Uplinks;
use crate::provision::adopt::article;
use crate::provision::components::nat::RC_LOCAL;
use crate::provision::host::facts::Stack;
use crate::provision::text::lines::line_where;

const DEFAULTS: &str = "/etc/default/hostapd";

pub fn look(looked: &Looked<'_>, found: &mut Found) -> anyhow::Result<()> {
    let (radio, uplinks) = (looked.radio, &looked.profile.uplink.interface);
    let mut say = |path: &str, line: Option<usize>, why: &str| found.line(Weight::Running, path, line, why);
    let read = |path: &str| looked.text(path).map(Option::unwrap_or_default);
    if looked.stack == Stack::NetworkManager {
        // Elsewhere piback's own line stands below it, and the last one wins.
        let line = other_conf(&read(DEFAULTS)?);
        say(DEFAULTS, line, "hostapd is started with another file than piback's");
    }
    let rc_local = read(RC_LOCAL)?;
    // A `#` before all that an `if` holds would break the script.
    let twice = "this loads the NAT rules a second time (in an if that holds nothing else, `: #`)";
    let gone = "this calls a script that is not there, and nobody knows what it did";
    say(RC_LOCAL, nat_rule(&rc_local, uplinks, radio), twice);
    for (line, path) in scripts(&rc_local) {
        match path {
            Some(path) => match looked.text(&path)? {
                None => say(RC_LOCAL, Some(line), gone),
                Some(script) => say(&path, nat_rule(&script, uplinks, radio), twice),
            },
            None => say(RC_LOCAL, Some(line), twice),
        }
    }
    Ok(())
}

fn other_conf(text: &str) -> Option<usize> {
    line_where(text, |line| {
        let value = line.strip_prefix("DAEMON_CONF=").map(|v| v.trim_matches(['"', '\'']));
        value.is_some_and(|v| !v.is_empty() && v != "/etc/hostapd/hostapd.conf")
    })
}

/// Lines of rc.local that have to do with the article's script, and its path where they do nothing but call it.
fn scripts(rc_local: &str) -> Vec<(usize, Option<String>)> {
    let known = article::calls(rc_local);
    let lines = rc_local.lines().enumerate();
    lines
        .filter(|(_, line)| !line.trim_start().starts_with('#') && line.contains("hotspot-boot.sh"))
        .map(|(number, _)| {
            (number + 1, known.iter().find(|(at, _)| *at == number).map(|(_, path)| path.clone()))
        })
        .collect()
}

/// Rules that masquerade, a set of rules that takes the place of piback's, or one of the article's that had to stay.
fn nat_rule(script: &str, uplinks: &Uplinks, radio: &str) -> Option<usize> {
    line_where(script, |line| {
        line.contains("MASQUERADE")
            || line.contains("iptables-restore")
            || article::is_rule(line, uplinks, radio)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fights() {
        let eth0 = Uplinks::Named(vec!["eth0".parse().unwrap()]);
        assert_eq!(other_conf("#DAEMON_CONF=\"\"\nDAEMON_CONF=\"/etc/hostapd/hostapd.conf\"\n"), None);
        assert_eq!(other_conf("DAEMON_CONF='/home/pi/ap.conf'\n"), Some(1));
        assert_eq!(
            nat_rule("#!/bin/sh\n#iptables -j MASQUERADE\niptables-restore < /x\n", &eth0, "wlan0"),
            Some(3)
        );
        let rule = "if x; then\n  iptables -A FORWARD -i wlan0 -o eth0 -j ACCEPT\nfi\n";
        assert_eq!(nat_rule(rule, &eth0, "wlan0"), Some(2));
        assert_eq!(nat_rule("iptables -A INPUT -p tcp --dport 22 -j ACCEPT\n", &eth0, "wlan0"), None);
    }

    #[test]
    fn a_call_that_can_be_read_leads_to_its_script() {
        let rc = "#!/bin/sh -e\ncd /home/pi; ./hotspot-boot.sh\nsudo /home/pi/hotspot-boot.sh &\n#hotspot-boot.sh\nexit 0\n";
        assert_eq!(scripts(rc), [(2, None), (3, Some("/home/pi/hotspot-boot.sh".to_owned()))]);
    }
}
