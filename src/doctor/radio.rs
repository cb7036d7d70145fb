//! The radio: switched on, in a country, and able to do what the profile asks.

use super::finding::{Check, Finding, Subject, said};
use crate::profile::types;
use crate::provision::host::facts::Stack;
use crate::system::run::Tool;

/// The registry's row of [`radio`].
pub const RADIO: Check =
    Check { name: "radio", line: "the radio is not switched off", stops_apply: false, run: radio };

fn radio(subject: &Subject<'_>) -> Finding {
    let list = match said(subject, &Tool::new("rfkill").args(["--noheadings", "--output", "TYPE,SOFT,HARD"]))
    {
        Ok(text) => rfkill(&text),
        Err(finding) => return finding,
    };
    if list.iter().any(|(_, hard)| *hard) {
        return Finding::bad("switched off by a switch or a jumper", "switch it on");
    }
    if list.iter().any(|(soft, _)| *soft) {
        let remedy = match subject.facts.map(|f| f.stack) {
            Some(Stack::NetworkManager) => {
                "sudo nmcli radio wifi on (a plain rfkill is undone at the next start)"
            }
            _ => "sudo rfkill unblock wlan",
        };
        return Finding::bad("switched off in software", remedy);
    }
    match list.is_empty() {
        true => Finding::unknown("no radio is known to rfkill"),
        false => Finding::good("on"),
    }
}

/// The registry's row of [`country`].
pub const COUNTRY: Check =
    Check { name: "country", line: "the kernel knows the country", stops_apply: false, run: country };

fn country(subject: &Subject<'_>) -> Finding {
    let country = subject.profile.map(|profile| &profile.wifi.country);
    if let Some((found, neighbour)) = country.and_then(|c| c.without_rules().zip(c.neighbour())) {
        return Finding::warning(
            found,
            format!("set wifi.country: {neighbour} in the profile, then: sudo piback apply"),
        );
    }
    let text = match said(subject, &Tool::new("iw").args(["reg", "get"])) {
        Ok(text) => text,
        Err(finding) => return finding,
    };
    let wanted = subject.profile.map(|p| p.wifi.country.as_str());
    match (regulatory_country(&text), wanted) {
        (None, _) => Finding::unknown("iw does not say"),
        (Some(is), Some(wanted)) if is == wanted => Finding::good(is),
        (Some(is), wanted) => Finding::warning(
            format!("the kernel's is {is}, the profile's {}", wanted.unwrap_or("not known")),
            format!("sudo raspi-config nonint do_wifi_country {}", wanted.unwrap_or("XX")),
        ),
    }
}

/// The registry's row of [`channel`].
pub const CHANNEL: Check = Check {
    name: "channel",
    line: "the radio can do the profile's channel and width here",
    stops_apply: false,
    run: channel,
};

fn channel(subject: &Subject<'_>) -> Finding {
    let Some(profile) = subject.profile else { return Finding::unknown("there is no profile") };
    let bands = match said(subject, &Tool::new("iw").arg("phy")) {
        Ok(text) => bands(&text),
        Err(finding) => return finding,
    };
    let (radio, wanted) = (&profile.wifi.radio, profile.wifi.radio.channel());
    if bands.iter().all(|band| band.channels.is_empty()) {
        return Finding::unknown("iw lists no channel");
    }
    let able: Vec<&Band> = bands.iter().filter(|band| band.channels.contains(&wanted)).collect();
    if able.is_empty() {
        let remedy = match radio.band() {
            types::Band::Ghz2 => "1, 6 and 11 are allowed everywhere",
            types::Band::Ghz5 => "this radio may have no 5GHz; band 2.4GHz, channel 6 works on every Pi",
        };
        return Finding::bad(
            format!("the radio refuses channel {wanted} here"),
            format!("set wifi.radio in the profile: {remedy}"),
        );
    }
    let narrower = "set a smaller wifi.radio.width in the profile: 20 works wherever the channel does";
    let mhz = radio.width().mhz();
    if !able.iter().any(|band| band.widths().contains(&mhz)) {
        return Finding::bad(format!("the radio has no {mhz} MHz on channel {wanted}"), narrower);
    }
    // What the radio can do and what the country allows are two things; without the second the first is told.
    let good = format!("channel {wanted}, {mhz} MHz");
    let rules = match said(subject, &Tool::new("iw").args(["reg", "get"])) {
        Ok(text) => regulatory_rules(&text),
        Err(_) => Vec::new(),
    };
    let (low, high) = radio.span();
    match rules.is_empty() || rules.iter().any(|rule| rule.allows(low, high)) {
        true => Finding::good(good),
        false => {
            Finding::bad(format!("{mhz} MHz on channel {wanted} are not allowed in this country"), narrower)
        }
    }
}

/// `rfkill --noheadings --output TYPE,SOFT,HARD`: the words `wlan blocked unblocked`.
fn rfkill(text: &str) -> Vec<(bool, bool)> {
    text.lines()
        .filter_map(|line| match line.split_whitespace().collect::<Vec<_>>()[..] {
            ["wlan", soft, hard] => Some((soft == "blocked", hard == "blocked")),
            _ => None,
        })
        .collect()
}

/// `iw reg get`: the first `country XX:`.
fn regulatory_country(text: &str) -> Option<&str> {
    let line = text.lines().find_map(|l| l.trim().strip_prefix("country "))?;
    line.split(':').next().filter(|code| code.len() == 2)
}

/// One band of a radio.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
struct Band {
    /// Channels that may be used: those that are disabled, or where nothing may be sent first (no IR), are left out.
    channels: Vec<u8>,
    ht40: bool,
    vht: bool,
}

impl Band {
    /// Widths in MHz. 802.11ac always has 80, and 80 alone is asked for (IEEE 802.11-2020, 21.1.1).
    fn widths(&self) -> Vec<u32> {
        let mut widths = vec![20];
        widths.extend(self.ht40.then_some(40));
        widths.extend(self.vht.then_some(80));
        widths
    }
}

/// `iw phy`: the bands of all radios, each begun by `Band 1:`, with lines such as `* 2437.0 MHz [6] (20.0 dBm)`,
/// `HT20/HT40` and `VHT Capabilities (0x…):`.
fn bands(text: &str) -> Vec<Band> {
    let mut bands: Vec<Band> = Vec::new();
    for line in text.lines().map(str::trim) {
        if line.starts_with("Band ") && line.ends_with(':') {
            bands.push(Band::default());
        } else if line.starts_with("Wiphy ") || line.starts_with("Supported commands") {
            // What follows is another radio's, or of no band.
            bands.push(Band::default());
        }
        let Some(band) = bands.last_mut() else { continue };
        band.ht40 |= line == "HT20/HT40";
        band.vht |= line.starts_with("VHT Capabilities");
        if line.contains("MHz [") && !line.contains("disabled") && !line.contains("no IR") {
            let number: Option<u8> =
                line.split_once('[').and_then(|(_, rest)| rest.split(']').next()?.parse().ok());
            band.channels.extend(number);
        }
    }
    bands
}

/// One rule of the country's: frequencies and the widest signal, in MHz.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct RegulatoryRule {
    low: u32,
    high: u32,
    width: u32,
}

impl RegulatoryRule {
    /// Says that a signal from `low` to `high` may be sent.
    fn allows(&self, low: u32, high: u32) -> bool {
        self.low <= low && high <= self.high && high - low <= self.width
    }
}

/// `iw reg get`: lines such as `(5150 - 5250 @ 80), (N/A, 23), (N/A), NO-OUTDOOR, AUTO-BW`. A radio that keeps rules of
/// its own has a section `phy#0 (self-managed)`, which counts then; else the one called `global`.
fn regulatory_rules(text: &str) -> Vec<RegulatoryRule> {
    let (mut global, mut own, mut in_own) = (Vec::new(), Vec::new(), false);
    for line in text.lines().map(str::trim) {
        if line == "global" || line.starts_with("phy#") {
            in_own = line.contains("self-managed");
        }
        let rule = || {
            let (range, rest) = line.strip_prefix('(')?.split_once(')')?;
            let (frequencies, width) = range.split_once('@')?;
            let (low, high) = frequencies.split_once('-')?;
            let number = |text: &str| text.trim().parse::<u32>().ok();
            let (low, high, width) = (number(low)?, number(high)?, number(width)?);
            // The kernel widens such a rule to its whole range.
            let width = if rest.contains("AUTO-BW") { width.max(high.checked_sub(low)?) } else { width };
            Some(RegulatoryRule { low, high, width })
        };
        if in_own { own.extend(rule()) } else { global.extend(rule()) }
    }
    if own.is_empty() { global } else { own }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_tools_print() {
        assert_eq!(rfkill("wlan blocked unblocked\nbluetooth unblocked unblocked\n"), [(true, false)]);
        assert_eq!(regulatory_country("global\ncountry US: DFS-FCC\n\t(902 - 904 @ 2)\n"), Some("US"));
        assert_eq!(regulatory_country("country 00: DFS-UNSET\n"), Some("00"));
    }

    #[test]
    fn what_a_radio_can_do() {
        // Shortened from `iw phy` of a Pi-like radio: 2.4 GHz without 40 MHz, 5 GHz with 802.11ac.
        let phy = "Wiphy phy0\n\tBand 1:\n\t\tCapabilities: 0x1020\n\t\t\tHT20\n\t\t\tStatic SM Power Save\n\t\tFrequencies:\n\
                   \t\t\t* 2412 MHz [1] (20.0 dBm)\n\t\t\t* 2437.0 MHz [6] (20.0 dBm)\n\t\t\t* 2467 MHz [12] (disabled)\n\t\t\t* x MHz [999]\n\
                   \tBand 2:\n\t\tCapabilities: 0x1062\n\t\t\tHT20/HT40\n\t\tVHT Capabilities (0x00001020):\n\
                   \t\t\t\tSupported Channel Width: neither 160 nor 80+80\n\t\tFrequencies:\n\t\t\t* 5180.0 MHz [36] (20.0 dBm)\n\
                   \t\t\t* 5260 MHz [52] (20.0 dBm) (no IR, radar detection)\n\tSupported commands:\n\t\t * new_interface\n";
        let bands = bands(phy);
        let of = |channel: u8| bands.iter().find(|b| b.channels.contains(&channel)).map(Band::widths);
        assert_eq!((of(6), of(36)), (Some(vec![20]), Some(vec![20, 40, 80])));
        assert_eq!((of(12), of(52), of(231)), (None, None, None));
        assert_eq!(super::bands("nonsense\n\t* 1 MHz [1]\n"), []);
    }

    #[test]
    fn what_a_country_allows() {
        let global = "global\ncountry US: DFS-FCC\n\t(2400 - 2472 @ 40), (N/A, 30), (N/A)\n\t(5150 - 5250 @ 80), (N/A, 23), (N/A), AUTO-BW\n\
                      \t(5250 - 5350 @ 20), (N/A, 24), (0 ms), DFS\n\n";
        let allowed = |text: &str, low, high| regulatory_rules(text).iter().any(|r| r.allows(low, high));
        assert!(allowed(global, 5170, 5250) && allowed(global, 5170, 5210) && allowed(global, 2427, 2447));
        assert!(!allowed(global, 5250, 5290) && !allowed(global, 2462, 2482) && !allowed(global, 5240, 5260));
        let own = format!(
            "{global}phy#0 (self-managed)\ncountry 99: DFS-UNSET\n\t(5140 - 5360 @ 20), (6, 20), (N/A)\n"
        );
        assert!(allowed(&own, 5170, 5190) && !allowed(&own, 5170, 5210), "the radio's own rules count");
        assert_eq!(regulatory_rules("(x - y @ z)\n(1 - 2)\n(9 - 3 @ 5), AUTO-BW\n"), []);
    }
}
