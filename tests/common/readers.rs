//! Small readers of the rendered files: what a daemon would take from them, by its own rules.

use std::collections::BTreeMap;

/// hostapd: a line is a comment only if `#` comes first; nothing is trimmed; `ssid2` is unescaped.
pub fn hostapd(text: &str) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    for line in text.lines().filter(|l| !l.is_empty() && !l.starts_with('#')) {
        let (key, value) = line.split_once('=').unwrap_or_else(|| panic!("no = in {line:?}"));
        assert!(values.insert(key.to_owned(), value.to_owned()).is_none(), "{key} twice");
    }
    if let Some(escaped) = values.remove("ssid2") {
        let inner = escaped.strip_prefix("P\"").and_then(|v| v.strip_suffix('"')).expect("P\"…\"");
        let ssid = String::from_utf8(unescape(inner)).expect("UTF-8");
        assert!(values.insert("ssid".into(), ssid).is_none(), "ssid and ssid2");
    }
    values
}

fn unescape(text: &str) -> Vec<u8> {
    let (mut bytes, mut out) = (text.bytes(), Vec::new());
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            assert_ne!(byte, b'"', "the string ends early");
            out.push(byte);
            continue;
        }
        match bytes.next().expect("an escape") {
            b'x' => {
                let digits = [bytes.next().expect("hex"), bytes.next().expect("hex")];
                out.push(u8::from_str_radix(std::str::from_utf8(&digits).expect("ASCII"), 16).expect("hex"));
            }
            other => out.push(other),
        }
    }
    out
}

/// dnsmasq: `key` or `key=value`; a `#` after white space begins a comment.
pub fn dnsmasq(text: &str) -> BTreeMap<String, Vec<String>> {
    let mut values: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in text.lines().map(|l| l.split(" #").next().unwrap_or_default().trim()) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (key, value) = line.split_once('=').unwrap_or((line, ""));
        values.entry(key.to_owned()).or_default().push(value.to_owned());
    }
    values
}

/// Samba: section to parameter to value; `#` and `;` begin comments at the start of a line.
pub fn samba(text: &str) -> BTreeMap<String, BTreeMap<String, String>> {
    let (mut sections, mut name) = (BTreeMap::new(), String::new());
    for line in text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with(['#', ';'])) {
        if let Some(section) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            section.clone_into(&mut name);
            continue;
        }
        let (key, value) = line.split_once('=').unwrap_or_else(|| panic!("no = in {line:?}"));
        let section: &mut BTreeMap<String, String> = sections.entry(name.clone()).or_default();
        assert!(section.insert(key.trim().to_owned(), value.trim().to_owned()).is_none(), "{key} twice");
    }
    sections
}

/// Lines of `word word …`, comments and empty lines left out: interfaces, dhcpcd.conf, iptables-restore.
pub fn words(text: &str) -> Vec<Vec<String>> {
    text.lines()
        .map(str::trim)
        .filter(|l| !l.is_empty() && !l.starts_with('#'))
        .map(|l| l.split_whitespace().map(str::to_owned).collect())
        .collect()
}
