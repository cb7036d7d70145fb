//! A bridge that has the radio: its address would be the bridge's, and the cable's network one with the Wi-Fi's.

use super::found::{Found, Weight};
use super::ifupdown;
use super::looked::Looked;
use crate::provision::text::lines::line_where;
use crate::system::run::Tool;

pub fn look(looked: &Looked<'_>, found: &mut Found) -> anyhow::Result<()> {
    let radio = looked.radio;
    let why = format!("a bridge has {radio}, and the Wi-Fi would be one network with the hotel's");
    for (path, text) in ifupdown::files(looked)? {
        let ports = |line: &str| {
            let mut words = line.split_whitespace();
            ["bridge_ports", "bridge-ports"].contains(&words.next().unwrap_or_default())
                && words.any(|word| word == radio || word == "all")
        };
        if let Some(line) = line_where(&text, ports) {
            found.add(Weight::Refused, format!("{path}:{line}"), &why, format!("take {radio} out of it"));
        }
    }
    let show = Tool::new("ip").args(["-o", "link", "show", "dev", radio]);
    let said = looked.said(&show).unwrap_or_default();
    if let Some(bridge) = master(&said) {
        let remedy = format!("take it out: sudo ip link set {radio} nomaster, and out of what puts it in");
        found.add(Weight::Refused, bridge, why, remedy);
    }
    Ok(())
}

/// `ip -o link show`: `3: wlan0: <…> mtu 1500 qdisc noqueue master br0 state UP …`.
fn master(text: &str) -> Option<&str> {
    let mut words = text.split_whitespace().skip_while(|word| *word != "master");
    words.nth(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_the_radio() {
        assert_eq!(master("3: wlan0: <UP> mtu 1500 qdisc noqueue master br0 state UP mode"), Some("br0"));
        assert_eq!(master("3: wlan0: <UP> mtu 1500 state UP"), None);
        assert_eq!(master("3: wlan0 master"), None);
    }
}
