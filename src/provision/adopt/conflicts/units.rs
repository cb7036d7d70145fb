//! Drop-ins and units in the place of a daemon's own, as `systemctl edit hostapd` writes them.

use super::found::{Found, Weight};
use super::looked::{Looked, is_ours};
use crate::provision::components;
use crate::provision::text::lines::line_where;
use crate::system::Node;
use anyhow::Context;

const FOLDER: &str = "/etc/systemd/system";

pub fn look(looked: &Looked<'_>, found: &mut Found) -> anyhow::Result<()> {
    for unit in components::units_for(looked.facts, looked.profile) {
        let own = format!("{FOLDER}/{unit}");
        let is_file =
            matches!(looked.host.read(&own).with_context(|| format!("{own} can't be read"))?, Node::File(_));
        if is_file && !is_ours(&own) {
            let why = format!("it takes the place of Debian's {unit}");
            found.add(Weight::Refused, own, why, "move it away; a setting belongs into a drop-in");
            continue;
        }
        let folder = format!("{own}.d");
        for (path, text) in looked.files(&folder)?.into_iter().filter(|(path, _)| path.ends_with(".conf")) {
            let is_later = path > format!("{folder}/piback.conf");
            found.line(
                Weight::Refused,
                &path,
                line_where(&text, |line| fights(line, is_later)),
                "piback needs it as Debian starts it",
            );
        }
    }
    Ok(())
}

/// Another command, a condition under which it does not start at all, or piback's own steps before it taken back.
fn fights(line: &str, is_later: bool) -> bool {
    let Some((key, value)) = line.split_once('=').map(|(key, value)| (key.trim(), value.trim())) else {
        return false;
    };
    match key {
        "ExecStart" | "RootDirectory" | "PrivateNetwork" | "NetworkNamespacePath" => !value.is_empty(),
        "ExecStartPre" => is_later && value.is_empty(),
        "Environment" | "EnvironmentFile" => value.contains("DAEMON_CONF") || value.contains("DAEMON_OPTS"),
        _ => key.starts_with("Condition") || key.starts_with("Assert"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_drop_in_changes() {
        assert!(fights("ExecStart=/usr/sbin/hostapd -B /home/pi/ap.conf", false));
        assert!(!fights("ExecStart=", false), "only what comes after it is started");
        assert!(fights("ConditionPathExists=/home/pi/on", false));
        assert!(fights("ExecStartPre=", true) && !fights("ExecStartPre=", false));
        assert!(
            !fights("ExecStartPre=/bin/sleep 5", true)
                && !fights("Nice=-5", true)
                && !fights("[Service]", true)
        );
    }
}
