//! The checks themselves, in the order of the registry.

use super::{Finding, Patient, drive, parse, stack_name};
use crate::profile::types::Band;
use crate::provision::adopt;
use crate::provision::adopt::conflicts;
use crate::provision::apply::journal::{self, Phase};
use crate::provision::catalog::Activation;
use crate::provision::host::facts::Stack;
use crate::provision::host::systemd;
use crate::system::run::{RunError, Tool};

/// What a tool printed, or the finding that says why it is not known.
fn said(patient: &Patient<'_>, tool: &Tool) -> Result<String, Finding> {
    if !patient.host.is_live() {
        return Err(Finding::unknown("only a running host can say"));
    }
    match patient.host.output(tool) {
        Ok(output) => Ok(output.stdout),
        Err(RunError::NotFound { program }) => Err(Finding::unknown(format!("{program} is not installed"))),
        Err(e) => Err(Finding::unknown(e.to_string())),
    }
}

fn text(patient: &Patient<'_>, path: &str) -> Result<Option<String>, Finding> {
    let bytes = patient.host.read_followed(path);
    let bytes = bytes.map_err(|e| Finding::unknown(format!("{path} can't be read: {e}")))?;
    Ok(bytes.map(|b| String::from_utf8_lossy(&b).into_owned()))
}

pub fn profile(patient: &Patient<'_>) -> Finding {
    match patient.profile {
        Some(_) => Finding::good("readable"),
        None => {
            Finding::bad("there is none that can be read", "piback init, or piback plan says what is wrong")
        }
    }
}

pub fn apply(patient: &Patient<'_>) -> Finding {
    match journal::open(patient.host) {
        Ok(None) => Finding::good("none was cut off"),
        Ok(Some(intent)) if intent.phase == Phase::Provisional => Finding::warning(
            journal::notice(&intent),
            "sudo piback confirm keeps it, sudo piback rollback undoes it",
        ),
        Ok(Some(intent)) if intent.phase == Phase::Undoing => {
            Finding::bad(journal::notice(&intent), "sudo piback rollback")
        }
        Ok(Some(intent)) => Finding::bad(journal::notice(&intent), "sudo piback apply"),
        Err(e) => Finding::unknown(format!("{e:#}")),
    }
}

pub fn stack(patient: &Patient<'_>) -> Finding {
    let Some(facts) = patient.facts else {
        return Finding::bad(
            "no NetworkManager, dhcpcd or ifupdown was found",
            "name it: piback apply --stack",
        );
    };
    if let Some(profile) = patient.profile {
        let found = adopt::find(patient.host, facts, profile).and_then(|manual| {
            Ok((conflicts::find(patient.host, facts, profile, &manual)?, manual.places()))
        });
        match found {
            Ok((conflicts, _)) if !conflicts.is_empty() => {
                return Finding::bad(conflicts.join("; "), "then: sudo piback apply");
            }
            Ok((_, places)) if !places.is_empty() => {
                return Finding::mended_by_apply(format!(
                    "a set-up by hand fights with piback's: {}",
                    places.join(", ")
                ));
            }
            Ok(_) => {}
            Err(e) => return Finding::unknown(format!("{e:#}")),
        }
    }
    match facts.os.pretty_name.as_str() {
        "" => Finding::good(stack_name(facts.stack)),
        name => Finding::good(format!("{} ({})", stack_name(facts.stack), crate::ui::visible(name))),
    }
}

pub fn root(patient: &Patient<'_>) -> Finding {
    let mounts = match text(patient, "/proc/self/mountinfo") {
        Ok(Some(text)) if patient.host.is_live() => text,
        Ok(_) => return Finding::unknown("only a running host can say"),
        Err(finding) => return finding,
    };
    match parse::root_mount(&mounts) {
        Some(("overlay", _)) => Finding::bad(
            "the root is an overlay: what is written is gone after a reboot",
            "switch it off first: sudo raspi-config nonint disable_overlayfs, and reboot",
        ),
        Some((_, options)) if options.split(',').any(|o| o == "ro") => Finding::bad(
            "the root is mounted read-only",
            "sudo mount -o remount,rw / (if that fails, the SD card of the Pi is worn out)",
        ),
        Some((kind, _)) => Finding::good(format!("{kind}, writable")),
        None => Finding::unknown("the root's mount was not found"),
    }
}

pub fn units(patient: &Patient<'_>) -> Finding {
    let ours: Vec<&str> =
        Activation::ALL.iter().filter(|a| a.is_enabled_by_us()).filter_map(|a| a.unit()).collect();
    let show = Tool::new("systemctl").args(["show", systemd::PROPERTIES]).args(&ours);
    let states = match said(patient, &show) {
        Ok(text) => systemd::unit_states(&text),
        Err(finding) => return finding,
    };
    if states.is_empty() {
        return Finding::unknown("systemd does not say");
    }
    let wrong: Vec<String> = states
        .iter()
        .filter_map(|(name, state)| match state {
            s if s.is_masked() => Some(format!("{name} is masked")),
            s if s.load == "not-found" => Some(format!("{name} is not installed")),
            s if s.is_off() => Some(format!("{name} does not start at boot")),
            s if !s.is_running() => Some(format!("{name} is {}", s.active)),
            _ => None,
        })
        .collect();
    match wrong.is_empty() {
        true => Finding::good("all run, all start at boot"),
        false => Finding::bad(wrong.join(", "), "sudo piback apply"),
    }
}

pub fn radio(patient: &Patient<'_>) -> Finding {
    let list = match said(patient, &Tool::new("rfkill").args(["--noheadings", "--output", "TYPE,SOFT,HARD"]))
    {
        Ok(text) => parse::rfkill(&text),
        Err(finding) => return finding,
    };
    if list.iter().any(|(_, hard)| *hard) {
        return Finding::bad("switched off by a switch or a jumper", "switch it on");
    }
    if list.iter().any(|(soft, _)| *soft) {
        let remedy = match patient.facts.map(|f| f.stack) {
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

pub fn country(patient: &Patient<'_>) -> Finding {
    let text = match said(patient, &Tool::new("iw").args(["reg", "get"])) {
        Ok(text) => text,
        Err(finding) => return finding,
    };
    let wanted = patient.profile.map(|p| p.wifi.country.as_str());
    match (parse::regulatory_country(&text), wanted) {
        (None, _) => Finding::unknown("iw does not say"),
        (Some(is), Some(wanted)) if is == wanted => Finding::good(is),
        (Some(is), wanted) => Finding::warning(
            format!("the kernel's is {is}, the profile's {}", wanted.unwrap_or("not known")),
            format!("sudo raspi-config nonint do_wifi_country {}", wanted.unwrap_or("XX")),
        ),
    }
}

pub fn channel(patient: &Patient<'_>) -> Finding {
    let Some(profile) = patient.profile else { return Finding::unknown("there is no profile") };
    let bands = match said(patient, &Tool::new("iw").arg("phy")) {
        Ok(text) => parse::bands(&text),
        Err(finding) => return finding,
    };
    let (radio, wanted) = (&profile.wifi.radio, profile.wifi.radio.channel());
    if bands.iter().all(|band| band.channels.is_empty()) {
        return Finding::unknown("iw lists no channel");
    }
    let able: Vec<&parse::Band> = bands.iter().filter(|band| band.channels.contains(&wanted)).collect();
    if able.is_empty() {
        let remedy = match radio.band() {
            Band::Ghz2 => "1, 6 and 11 are allowed everywhere",
            Band::Ghz5 => "this radio may have no 5GHz; band 2.4GHz, channel 6 works on every Pi",
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
    let rules = match said(patient, &Tool::new("iw").args(["reg", "get"])) {
        Ok(text) => parse::regulatory_rules(&text),
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

pub fn subnet(patient: &Patient<'_>) -> Finding {
    if patient.profile.is_none() {
        return Finding::unknown("there is no profile");
    }
    if !patient.host.is_live() {
        return Finding::unknown("only a running host can say");
    }
    let Some(choice) = patient.lan else {
        return Finding::unknown("ip does not say which networks there are");
    };
    let ours = choice.network.address;
    if let Some(note) = choice.note() {
        return Finding::mended_by_apply(note);
    }
    match &choice.clash {
        None => Finding::good(ours.to_string()),
        Some(taken) if choice.network.auto => Finding::bad(
            format!("{taken}, which overlaps with the Wi-Fi's {ours}, and no other subnet is free"),
            "set network.address in the profile to one that is",
        ),
        Some(taken) => Finding::bad(
            format!("{taken}, which overlaps with the Wi-Fi's {ours}"),
            "set network.address: auto and network.dhcp.range: .50-.100 in the profile, and piback picks a free subnet",
        ),
    }
}

pub fn ports(patient: &Patient<'_>) -> Finding {
    let both = [["-Hlunp"], ["-Hltnp"]].map(|args| said(patient, &Tool::new("ss").args(args)));
    let mut listeners = Vec::new();
    for text in both {
        match text {
            Ok(text) => listeners.extend(parse::listeners(&text)),
            Err(finding) => return finding,
        }
    }
    let ours = |port: u16, name: &str| match port {
        53 | 67 => name == "dnsmasq",
        _ => name.starts_with("smbd"),
    };
    let strangers: Vec<String> = listeners
        .iter()
        .filter(|(address, port, _)| [53, 67, 445].contains(port) && !address.starts_with("127."))
        .filter_map(|(address, port, name)| {
            let name = name.as_deref()?;
            (!ours(*port, name)).then(|| format!("{name} on {}:{port}", crate::ui::visible(address)))
        })
        .collect();
    match strangers.is_empty() {
        true => Finding::good("free, or held by dnsmasq and Samba"),
        false => Finding::warning(strangers.join(", "), "stop that program, or keep it off the Wi-Fi"),
    }
}

pub fn drives(patient: &Patient<'_>) -> Finding {
    let Some(profile) = patient.profile else { return Finding::unknown("there is no profile") };
    if !patient.host.is_live() {
        return Finding::unknown("only a running host can say");
    }
    match patient.drives {
        Some(drives) => drive::judge(drives, profile.backup.destination.as_str()),
        None => Finding::unknown("what is plugged in, and what is enrolled, can't be read"),
    }
}

pub fn power(patient: &Patient<'_>) -> Finding {
    let text = match said(patient, &Tool::new("vcgencmd").arg("get_throttled")) {
        Ok(text) => text,
        Err(finding) => return finding,
    };
    // Bit 0: too little voltage now; bits 1 to 3: slowed down now; from 16 on: the same since boot.
    let remedy = "a stronger power supply, a shorter cable, or a powered hub for the drive";
    match parse::throttled(&text) {
        None => Finding::unknown("the firmware does not say"),
        Some(bits) if bits & 0x1 != 0 => Finding::bad("too little voltage right now", remedy),
        Some(bits) if bits & 0x1_0000 != 0 => Finding::warning("too little voltage since boot", remedy),
        Some(bits) if bits & 0xe != 0 => Finding::warning("slowed down by heat", "give the Pi some air"),
        Some(_) => Finding::good("steady"),
    }
}

pub fn clock(patient: &Patient<'_>) -> Finding {
    let show = Tool::new("timedatectl").args(["show", "--property=NTPSynchronized", "--value"]);
    match said(patient, &show).as_deref().map(str::trim) {
        Ok("yes") => Finding::good("set by the network"),
        Ok("no") => Finding::warning(
            "not set by the network since boot",
            "connect Ethernet for a minute; photos are safe all the same, only records show a wrong time",
        ),
        Ok(_) => Finding::unknown("timedatectl does not say"),
        Err(finding) => finding.clone(),
    }
}
