//! dhcpcd: patterns that keep it off the radio where it gives the radio its address.

use super::found::{Found, Weight};
use super::looked::Looked;
use crate::provision::components::dhcpcd::CONF;
use crate::provision::host::facts::Stack;
use crate::provision::text::lines::line_where;
use crate::provision::text::pattern;

pub fn look(looked: &Looked<'_>, found: &mut Found) -> anyhow::Result<()> {
    if looked.stack != Stack::Dhcpcd {
        return Ok(());
    }
    let text = looked.text(CONF)?.unwrap_or_default();
    let why = "this keeps dhcpcd from giving the radio its address";
    found.line(Weight::Running, CONF, denies(&text, looked.radio), why);
    if let Some(line) = leaves_out(&text, looked.radio) {
        let remedy = format!("add {} to it, or put a # before it", looked.radio);
        found.add(Weight::Refused, format!("{CONF}:{line}"), why, remedy);
    }
    Ok(())
}

fn patterns<'a>(line: &'a str, key: &str) -> Option<Vec<&'a str>> {
    let mut words = line.split_whitespace();
    (words.next() == Some(key)).then(|| words.flat_map(|word| word.split(',')).collect())
}

fn denies(text: &str, radio: &str) -> Option<usize> {
    line_where(text, |line| {
        patterns(line, "denyinterfaces").is_some_and(|all| all.iter().any(|one| pattern::fits(one, radio)))
    })
}

/// Lines of `allowinterfaces` add up: one that holds the radio is enough.
fn leaves_out(text: &str, radio: &str) -> Option<usize> {
    let allows = |line: &str, is: bool| {
        let all = patterns(line, "allowinterfaces");
        all.is_some_and(|all| all.iter().any(|one| pattern::fits(one, radio)) == is)
    };
    match line_where(text, |line| allows(line, true)) {
        Some(_) => None,
        None => line_where(text, |line| allows(line, false)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_keep_it_off() {
        assert_eq!(denies("hostname\ndenyinterfaces eth1 wlan0\n", "wlan0"), Some(2));
        assert_eq!(denies("denyinterfaces veth* wl*\n", "wlan0"), Some(1));
        assert_eq!(denies("denyinterfaces veth*\n#denyinterfaces wlan0\n", "wlan0"), None);
        assert_eq!(leaves_out("allowinterfaces eth0\n", "wlan0"), Some(1));
        assert_eq!(leaves_out("allowinterfaces eth0\nallowinterfaces w*\n", "wlan0"), None);
        assert_eq!(leaves_out("hostname\n", "wlan0"), None);
    }
}
