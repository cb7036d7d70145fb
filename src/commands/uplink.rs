//! `piback uplink`: where the internet comes from, whether it is there, and a hotel's Wi-Fi by a second radio.

use super::context;
use crate::cli::{Global, Uplink, UplinkAct, UplinkJoin};
use crate::error::{self, Outcome, Problem};
use crate::paths::PROFILE;
use crate::profile::types::{By, Passphrase, Ssid};
use crate::profile::{self, Profile};
use crate::provision::components;
use crate::provision::host::facts::{self, Stack};
use crate::provision::host::internet::{self, Reach};
use crate::provision::host::networks::{self, Network};
use crate::provision::host::radios::{self, Device};
use crate::provision::host::ways_out::{self, WayOut};
use crate::provision::plan::prepare;
use crate::provision::state::State;
use crate::system::{Host, Node, input};
use crate::ui::{Ui, visible, word};
use anyhow::Context;
use serde::Serialize;

/// Whoever keeps the jobs hands a passphrase over there.
const STDIN: &str = "/dev/stdin";

pub fn run(args: &Uplink, global: &Global, ui: &Ui) -> anyhow::Result<Outcome> {
    let host = context::host(global)?;
    let profile = profile_or_default(&host, global)?;
    match &args.act {
        None => show(&host, &profile, ui),
        Some(UplinkAct::Scan { on }) => {
            let radio = second_radio(&host, &profile, on.as_deref())?;
            scan(&host, &radio.name, ui)
        }
        Some(UplinkAct::Join(join)) => {
            context::root_of_live(&host, &join_again(join))?;
            let radio = second_radio(&host, &profile, join.on.as_deref())?;
            join_network(&host, &profile, &radio, join, ui)
        }
        Some(UplinkAct::Forget { ssid }) => {
            context::root_of_live(&host, &format!("uplink forget {}", word(ssid)))?;
            let ssid = typed(ssid)?;
            if !networks::forget(&host, ssid.as_str())? {
                let what = format!("piback joined no network \"{}\"", visible(ssid.as_str()));
                let known =
                    networks::joined(&host).iter().map(|name| visible(name)).collect::<Vec<_>>().join(", ");
                let hint = if known.is_empty() {
                    "it joined none".to_owned()
                } else {
                    format!("it joined: {known}")
                };
                return Err(Problem::failed(what).hint(hint).into());
            }
            ui.say(&format!("{} is forgotten.", visible(ssid.as_str())));
            ui.json("uplink_forgotten", &serde_json::json!({ "ssid": ssid.as_str() }));
            Ok(Outcome::Done)
        }
    }
}

/// The profile, with the radio's name as it is now; on a host that has none yet, the one that `init` begins with.
fn profile_or_default(host: &dyn Host, global: &Global) -> anyhow::Result<Profile> {
    let is_missing = global.profile.is_none() && matches!(host.read(PROFILE), Ok(Node::Absent));
    let mut profile = match profile::embedded("travel").filter(|_| is_missing) {
        Some(text) => profile::load(text, "travel")?,
        None => context::load_profile(host, global)?,
    };
    prepare::name_radio(host, &mut profile, &State::read(host).unwrap_or_default());
    Ok(profile)
}

/// The command line of a join, to be typed again.
fn join_again(join: &UplinkJoin) -> String {
    let path = |path: &std::path::PathBuf| word(&path.to_string_lossy());
    let flags = [
        ("--on", join.on.as_deref().map(word)),
        ("--passphrase-file", join.passphrase_file.as_ref().map(path)),
    ];
    let flags = flags.into_iter().filter_map(|(flag, value)| Some(format!(" {flag} {}", value?)));
    format!("uplink join {}{}", word(&join.ssid), flags.collect::<String>())
}

fn typed(ssid: &str) -> Result<Ssid, Problem> {
    ssid.parse().map_err(|why| Problem::usage(format!("\"{}\" {why}", visible(ssid))))
}

#[derive(Serialize)]
struct Shown<'a> {
    ways: &'a [WayOut],
    internet: &'static str,
    /// The sign-in page's address, if it says.
    sign_in: Option<String>,
    /// Why there is none.
    why: Option<String>,
    /// The second radio, which can join networks.
    radio: Option<String>,
    /// Why none can be joined.
    no_radio: Option<String>,
    no_radio_hints: Vec<String>,
    /// Networks that piback joined once.
    known: Vec<String>,
}

fn show(host: &dyn Host, profile: &Profile, ui: &Ui) -> anyhow::Result<Outcome> {
    let ways =
        ways_out::look(host, profile.wifi.interface.as_str()).context("where the internet comes from")?;
    let reach = if ways.iter().any(|way| way.in_use) {
        internet::ask(host, &profile.uplink.check)
    } else {
        Reach::No("no uplink has a way out".into())
    };
    if ways.is_empty() {
        ui.say("no uplink: plug a cable in, or a phone by USB");
    }
    for way in &ways {
        let used = if way.in_use { "in use" } else { "" };
        let metered = if way.metered { ", metered" } else { "" };
        let address = way.address.as_deref().unwrap_or("no address");
        let line = format!("{:<8} {:<6} {address}{metered}", visible(&way.interface), way.kind.word());
        ui.say(format!("{line:<34} {used}").trim_end());
    }
    let (sign_in, why) = match &reach {
        Reach::SignIn(page) => (page.as_deref().map(visible), None),
        Reach::No(why) => (None, Some(visible(why))),
        Reach::Yes | Reach::NotKnown => (None, None),
    };
    ui.say(&format!("internet: {}", reach.word()));
    match &reach {
        Reach::SignIn(_) => {
            let page = sign_in.as_deref().unwrap_or("any page that begins with http://");
            ui.say(&format!("  On the iPad, open {page}"));
            ui.say("  and sign in there: it counts for the Pi too.");
        }
        Reach::No(_) => ui.say(&format!("  {}", why.as_deref().unwrap_or_default())),
        Reach::NotKnown => ui.say("  nobody was asked: uplink.check is off in the profile"),
        Reach::Yes => {}
    }
    let radio = joining_radio(host, profile);
    let (no_radio, no_radio_hints) = match &radio {
        Ok(_) => (None, Vec::new()),
        Err(error) => (Some(visible(&format!("{error:#}"))), error::hints(error)),
    };
    let known = networks::joined(host);
    let internet = reach.word();
    let radio = radio.ok();
    let shown = Shown { ways: &ways, internet, sign_in, why, radio, no_radio, no_radio_hints, known };
    ui.json("uplink", &shown);
    Ok(Outcome::Done)
}

/// A radio that can join networks here.
fn joining_radio(host: &dyn Host, profile: &Profile) -> anyhow::Result<String> {
    let radio = second_radio(host, profile, None)?;
    joins_networks(host, &radio.name)?;
    Ok(radio.name)
}

/// Refuses a host on which piback joins nothing.
fn joins_networks(host: &dyn Host, radio: &str) -> Result<(), Problem> {
    let stack = facts::read(host, components::of_stack, None, None).map(|facts| facts.stack).ok();
    if stack == Some(Stack::NetworkManager) {
        return Ok(());
    }
    let what = "piback joins networks through NetworkManager, which this system does not use";
    Err(Problem::failed(what)
        .hint(format!(
            "name the network in /etc/wpa_supplicant/wpa_supplicant-{radio}.conf: man wpa_supplicant.conf"
        ))
        .hint("firewall and sharing follow by themselves, whatever joins"))
}

/// A radio that is not the access point's.
fn second_radio(host: &dyn Host, profile: &Profile, wanted: Option<&str>) -> anyhow::Result<Device> {
    let own = profile.wifi.interface.as_str();
    let all = radios::look(host);
    let others: Vec<&Device> = all.iter().filter(|one| one.is_radio && one.name != own).collect();
    let is_there = |name: &str| all.iter().any(|one| one.is_radio && one.name == name);
    if wanted == Some(own) {
        return Err(only_one(own, is_there(own)).into());
    }
    let found = match wanted {
        Some(name) => others.iter().find(|one| one.name == name).copied(),
        None => others.first().copied(),
    };
    if wanted.is_none() && others.len() > 1 {
        let names = others.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        return Err(Problem::usage("which radio? Name it with --on")
            .hint(format!("there are {names}"))
            .into());
    }
    match (found, wanted) {
        (Some(device), _) => Ok(device.clone()),
        (None, Some(name)) if !others.is_empty() => {
            let names = others.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            let what = format!("there is no second radio {}", visible(name));
            Err(Problem::failed(what).hint(format!("there are {names}")).into())
        }
        _ => Err(only_one(own, is_there(own)).into()),
    }
}

fn only_one(own: &str, is_there: bool) -> Problem {
    let what = match is_there {
        true => format!("{} is the only radio, and the appliance's own Wi-Fi needs it", visible(own)),
        false => "there is no radio here".to_owned(),
    };
    Problem::failed(what)
        .hint("a USB Wi-Fi adapter joins the hotel's network: docs/AWAY.md names kernel drivers that do")
        .hint("or share a phone's internet by its USB cable")
}

fn scan(host: &dyn Host, radio: &str, ui: &Ui) -> anyhow::Result<Outcome> {
    let found = networks::scan(host, radio)?;
    let known = networks::joined(host);
    #[derive(Serialize)]
    struct Row<'a> {
        #[serde(flatten)]
        network: &'a Network,
        known: bool,
    }
    #[derive(Serialize)]
    struct Answer<'a> {
        interface: &'a str,
        networks: Vec<Row<'a>>,
    }
    for network in &found {
        let security = if network.security.is_empty() { "open" } else { &network.security };
        let note = match (network.joined, known.contains(&network.ssid)) {
            (true, _) => "  joined",
            (false, true) => "  known",
            _ => "",
        };
        ui.say(&format!("{:>3} {:<10} {}{note}", network.signal, visible(security), visible(&network.ssid)));
    }
    if found.is_empty() {
        ui.say("no network can be heard");
    }
    let row = |network| Row { network, known: known.contains(&network.ssid) };
    ui.json("networks", &Answer { interface: radio, networks: found.iter().map(row).collect() });
    Ok(Outcome::Done)
}

fn join_network(
    host: &dyn Host,
    profile: &Profile,
    radio: &Device,
    join: &UplinkJoin,
    ui: &Ui,
) -> anyhow::Result<Outcome> {
    let ssid = typed(&join.ssid)?;
    if ssid == profile.wifi.ssid {
        return Err(Problem::usage("that is the appliance's own Wi-Fi").into());
    }
    joins_networks(host, &radio.name)?;
    let passphrase = match &join.passphrase_file {
        None => None,
        Some(path) => {
            let shown = visible(&path.to_string_lossy());
            let content = input::read(path).with_context(|| format!("{shown} can't be read"))?;
            let passphrase = Passphrase::from_file_content(&content);
            let of = if shown == STDIN { String::new() } else { format!(" in {shown}") };
            Some(passphrase.map_err(|why| Problem::usage(format!("the passphrase{of}: {why}")))?)
        }
    };
    let own = (profile.wifi.interface.by() != &By::Name).then_some(radio.mac.as_str());
    let named = networks::Radio { name: &radio.name, own };
    networks::join(host, &ssid, &named, passphrase.as_ref())?;
    ui.say(&format!("{} is in {} now, and whenever it is there.", radio.name, visible(ssid.as_str())));
    show(host, profile, ui)
}

/// The uplink, as what goes out by itself asks for it.
pub struct Now {
    pub metered: bool,
    /// Why nothing can go out now.
    pub why_not: Option<String>,
}

/// Looks whether anything can go out now. An internet that nobody can be asked about is tried.
///
/// # Errors
/// When the profile or the interfaces can't be read.
pub fn now(host: &dyn Host, global: &Global) -> anyhow::Result<Now> {
    let profile = profile_or_default(host, global)?;
    let ways = ways_out::look(host, profile.wifi.interface.as_str())?;
    let Some(used) = ways.iter().find(|way| way.in_use) else {
        return Ok(Now { metered: false, why_not: Some("there is no uplink".into()) });
    };
    let why_not = match internet::ask(host, &profile.uplink.check) {
        Reach::Yes | Reach::NotKnown => None,
        Reach::SignIn(_) => Some("the network wants somebody to sign in: piback uplink".into()),
        Reach::No(why) => Some(format!("there is no internet ({})", visible(&why))),
    };
    Ok(Now { metered: used.metered, why_not })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_is_to_be_typed_again() {
        let join = |ssid: &str, on: Option<&str>| UplinkJoin {
            ssid: ssid.into(),
            on: on.map(str::to_owned),
            passphrase_file: None,
        };
        assert_eq!(join_again(&join("Hotel Rex", None)), "uplink join 'Hotel Rex'");
        assert_eq!(join_again(&join("rex", Some("wlan1"))), "uplink join rex --on wlan1");
    }

    #[test]
    fn a_radio_that_is_not_there_is_not_called_the_only_one() {
        assert!(only_one("wlan0", true).what.starts_with("wlan0 is the only radio"));
        assert_eq!(only_one("wlan0", false).what, "there is no radio here");
    }
}
