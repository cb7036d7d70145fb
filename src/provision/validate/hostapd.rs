//! hostapd has no test mode, so its file is checked here: the directives that an access point of ours may have, the
//! values that hostapd takes for them, and that they fit together. A user's own template may use others; an unknown
//! one is refused only if hostapd itself would not know it either, as far as the list below goes.

use std::collections::BTreeMap;

/// Says what is wrong, a sentence each. Follows hostapd's own reading (`hostapd/config_file.c`): a line is a comment only
/// if `#` is its first character, `=` splits at its first place, nothing is trimmed.
#[must_use]
pub fn check(text: &str) -> Vec<String> {
    let mut errors = Vec::new();
    let mut values: BTreeMap<&str, &str> = BTreeMap::new();
    for (index, line) in text.lines().enumerate() {
        let number = index + 1;
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let Some((key, value)) = line.split_once('=') else {
            errors.push(format!("line {number} has no ="));
            continue;
        };
        let known = DIRECTIVES.iter().find(|(name, _)| *name == key);
        match known {
            None => {
                errors.push(format!("line {number}: hostapd has no directive {}", crate::ui::visible(key)))
            }
            Some((_, rule)) => {
                if let Err(why) = rule.check(value) {
                    // The value may be a secret: it is not shown.
                    errors.push(format!("line {number}: {key} {why}"));
                }
            }
        }
        if values.insert(key, value).is_some() {
            errors.push(format!("line {number} sets {key} a second time"));
        }
    }
    errors.extend(together(&values));
    errors
}

enum Rule {
    /// Any text.
    Text,
    /// A whole number in a range.
    Number(u32, u32),
    /// One of these words.
    Word(&'static [&'static str]),
    /// Bytes, from and to, inclusive.
    Length(usize, usize),
    /// Upper-case letters, two.
    Country,
    /// `[A][B]`, each known.
    HtCapabilities,
    /// 64 hex digits.
    Key,
    /// `"text"`, `P"text"` or hex: 1 to 32 bytes once read.
    Ssid2,
}

impl Rule {
    fn check(&self, value: &str) -> Result<(), String> {
        let good = match self {
            Rule::Text => !value.is_empty(),
            Rule::Number(least, most) => value.parse().is_ok_and(|n: u32| (*least..=*most).contains(&n)),
            Rule::Word(words) => words.contains(&value),
            Rule::Length(least, most) => (*least..=*most).contains(&value.len()),
            Rule::Country => value.len() == 2 && value.bytes().all(|b| b.is_ascii_uppercase()),
            Rule::HtCapabilities => {
                value.is_empty()
                    || value
                        .strip_prefix('[')
                        .and_then(|v| v.strip_suffix(']'))
                        .is_some_and(|v| v.split("][").all(|c| HT_CAPABILITIES.contains(&c)))
            }
            Rule::Key => value.len() == 64 && value.bytes().all(|b| b.is_ascii_hexdigit()),
            Rule::Ssid2 => ssid2_length(value).is_some_and(|n| (1..=32).contains(&n)),
        };
        if good { Ok(()) } else { Err(self.allowed()) }
    }

    fn allowed(&self) -> String {
        match self {
            Rule::Text => "has no value".into(),
            Rule::Number(least, most) => format!("takes {least} to {most}"),
            Rule::Word(words) => format!("takes {}", words.join(", ")),
            Rule::Length(least, most) => format!("takes {least} to {most} bytes"),
            Rule::Country => "takes two capital letters".into(),
            Rule::HtCapabilities => format!("takes these in brackets: {}", HT_CAPABILITIES.join(", ")),
            Rule::Key => "takes 64 hex digits".into(),
            Rule::Ssid2 => "takes 1 to 32 bytes, as \"text\", P\"escaped text\" or hex digits".into(),
        }
    }
}

const FLAG: Rule = Rule::Number(0, 1);

/// hostapd's `hostapd.conf` example, the part that a WPA2 access point uses.
const DIRECTIVES: &[(&str, Rule)] = &[
    ("interface", Rule::Length(1, 15)),
    ("bridge", Rule::Length(1, 15)),
    ("driver", Rule::Word(&["nl80211"])),
    ("logger_syslog", Rule::Text),
    ("logger_syslog_level", Rule::Number(0, 4)),
    ("logger_stdout", Rule::Text),
    ("logger_stdout_level", Rule::Number(0, 4)),
    ("ctrl_interface", Rule::Text),
    ("ctrl_interface_group", Rule::Text),
    ("ssid", Rule::Length(1, 32)),
    ("ssid2", Rule::Ssid2),
    ("utf8_ssid", FLAG),
    ("country_code", Rule::Country),
    ("country3", Rule::Text),
    ("ieee80211d", FLAG),
    ("ieee80211h", FLAG),
    ("hw_mode", Rule::Word(&["a", "b", "g"])),
    ("channel", Rule::Number(0, 196)),
    ("beacon_int", Rule::Number(15, 65535)),
    ("dtim_period", Rule::Number(1, 255)),
    ("max_num_sta", Rule::Number(1, 2007)),
    ("ieee80211n", FLAG),
    ("require_ht", FLAG),
    ("wmm_enabled", FLAG),
    ("ht_capab", Rule::HtCapabilities),
    ("ieee80211ac", FLAG),
    ("vht_capab", Rule::Text),
    ("vht_oper_chwidth", Rule::Number(0, 3)),
    ("vht_oper_centr_freq_seg0_idx", Rule::Number(0, 253)),
    ("macaddr_acl", Rule::Number(0, 2)),
    ("accept_mac_file", Rule::Text),
    ("deny_mac_file", Rule::Text),
    ("auth_algs", Rule::Number(1, 3)),
    ("ignore_broadcast_ssid", Rule::Number(0, 2)),
    ("ap_isolate", FLAG),
    ("ap_max_inactivity", Rule::Number(1, 65535)),
    ("disassoc_low_ack", FLAG),
    ("skip_inactivity_poll", FLAG),
    ("wpa", Rule::Number(0, 3)),
    ("wpa_key_mgmt", Rule::Word(&["WPA-PSK", "WPA-PSK-SHA256", "WPA-PSK WPA-PSK-SHA256"])),
    ("wpa_pairwise", Rule::Word(&["CCMP", "TKIP", "TKIP CCMP", "CCMP TKIP"])),
    ("rsn_pairwise", Rule::Word(&["CCMP"])),
    ("wpa_passphrase", Rule::Length(8, 63)),
    ("wpa_psk", Rule::Key),
    ("wpa_psk_file", Rule::Text),
    ("wpa_group_rekey", Rule::Number(0, 31_536_000)),
    ("wpa_strict_rekey", FLAG),
    ("wpa_gmk_rekey", Rule::Number(0, 31_536_000)),
    ("wpa_ptk_rekey", Rule::Number(0, 31_536_000)),
    ("ieee80211w", Rule::Number(0, 2)),
    ("rts_threshold", Rule::Number(0, 65535)),
    ("preamble", FLAG),
    ("uapsd_advertisement_enabled", FLAG),
];

/// `hostapd_config_ht_capab` in hostapd's `config_file.c`. A name that is not there is ignored in silence by hostapd,
/// as `[HT40]` is: worse than an error.
const HT_CAPABILITIES: &[&str] = &[
    "LDPC",
    "HT40-",
    "HT40+",
    "GF",
    "SHORT-GI-20",
    "SHORT-GI-40",
    "TX-STBC",
    "RX-STBC1",
    "RX-STBC12",
    "RX-STBC123",
    "DELAYED-BA",
    "MAX-AMSDU-7935",
    "DSSS_CCK-40",
    "40-INTOLERANT",
    "LSIG-TXOP-PROT",
];

fn together(values: &BTreeMap<&str, &str>) -> Vec<String> {
    let mut errors = Vec::new();
    let has = |key: &str| values.contains_key(key);
    let is = |key: &str, value: &str| values.get(key) == Some(&value);
    for key in ["interface", "channel", "hw_mode"] {
        if !has(key) {
            errors.push(format!("{key} is missing"));
        }
    }
    if has("ssid") == has("ssid2") {
        errors.push("exactly one of ssid and ssid2 belongs there".into());
    }
    let keys = ["wpa_passphrase", "wpa_psk", "wpa_psk_file"];
    if !is("wpa", "2") || keys.iter().filter(|k| has(k)).count() != 1 {
        errors.push("wpa=2 and exactly one of wpa_passphrase, wpa_psk, wpa_psk_file belong there".into());
    }
    if let Some(channel) = values.get("channel").and_then(|c| c.parse::<u32>().ok()) {
        let fits = match values.get("hw_mode") {
            Some(&"a") => channel >= 36,
            Some(&("b" | "g")) => (1..=14).contains(&channel),
            _ => true,
        };
        if !fits {
            errors.push(format!("channel {channel} is not in the band of hw_mode"));
        }
    }
    if has("ieee80211d") && !has("country_code") {
        errors.push("ieee80211d needs country_code".into());
    }
    if is("ieee80211n", "1") && !is("wmm_enabled", "1") {
        errors.push("ieee80211n needs wmm_enabled=1".into());
    }
    errors
}

/// Bytes of an `ssid2` once hostapd has read it (`wpa_config_parse_string`).
fn ssid2_length(value: &str) -> Option<usize> {
    if let Some(text) = value.strip_prefix('"').and_then(|v| v.strip_suffix('"')) {
        return Some(text.len());
    }
    if let Some(text) = value.strip_prefix("P\"").and_then(|v| v.strip_suffix('"')) {
        return escaped_length(text);
    }
    (value.len().is_multiple_of(2) && value.bytes().all(|b| b.is_ascii_hexdigit())).then_some(value.len() / 2)
}

/// Bytes of an escaped text, by hostapd's `printf_decode`.
fn escaped_length(text: &str) -> Option<usize> {
    let (mut bytes, mut length) = (text.bytes(), 0);
    while let Some(byte) = bytes.next() {
        if byte == b'\\' {
            match bytes.next()? {
                b'x' => {
                    let digits = [bytes.next()?, bytes.next()?];
                    if !digits.iter().all(u8::is_ascii_hexdigit) {
                        return None;
                    }
                }
                b'\\' | b'"' | b'n' | b'r' | b't' | b'e' => {}
                _ => return None,
            }
        }
        length += 1;
    }
    Some(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "# c\ninterface=wlan0\ndriver=nl80211\nssid=NET\nhw_mode=g\nchannel=6\nieee80211n=1\n\
        wmm_enabled=1\nht_capab=[SHORT-GI-20]\nwpa=2\nwpa_key_mgmt=WPA-PSK\nrsn_pairwise=CCMP\nwpa_passphrase=12345678\n";

    #[test]
    fn a_good_file_passes_and_each_mistake_is_named() {
        assert_eq!(check(GOOD), Vec::<String>::new());
        for (from, to, said) in [
            ("ssid=NET", "ssid=", "ssid takes 1 to 32 bytes"),
            ("ssid=NET", "sid=NET", "no directive sid"),
            ("ssid=NET", "ssid=a\nssid2=\"b\"", "exactly one of ssid"),
            ("ssid=NET", "ssid2=P\"\\q\"", "ssid2 takes"),
            ("[SHORT-GI-20]", "[HT40][SHORT-GI-20]", "ht_capab takes"),
            ("channel=6", "channel=36", "not in the band"),
            ("channel=6", "", "channel is missing"),
            ("wpa_passphrase=12345678", "wpa_passphrase=1234567", "wpa_passphrase takes 8 to 63"),
            ("wpa_passphrase=12345678", "wpa_psk=12345678", "64 hex"),
            ("wpa=2", "wpa=3", "wpa=2 and exactly one"),
            ("wmm_enabled=1", "wmm_enabled=0", "ieee80211n needs"),
            ("channel=6", "channel=6\nchannel=7", "a second time"),
            ("driver=nl80211", " driver=nl80211", "no directive  driver"),
        ] {
            let errors = check(&GOOD.replace(from, to)).join("; ");
            assert!(errors.contains(said), "{to}: {errors}");
            assert!(!errors.contains("1234567"), "a secret is shown: {errors}");
        }
    }
}
