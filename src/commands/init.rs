//! `piback init`: writes the profile and its secrets.

use super::context::{self, PROFILE, agreed, dirs_above, put};
use crate::cli::{Global, Init};
use crate::error::{Outcome, Problem};
use crate::paths::PROFILE_BEFORE;
use crate::profile::legacy_conf::{self, LegacyConf};
use crate::profile::types::{Country, Passphrase, SecretPath, Ssid, VolumeLabel};
use crate::profile::{self, Profile};
use crate::provision::host::radios;
use crate::system::{Host, Node, input};
use crate::ui::{self, Ui, visible};
use anyhow::Context;
use serde::Serialize;
use std::path::Path;
use std::str::FromStr;

pub fn run(args: &Init, global: &Global, ui: &Ui) -> anyhow::Result<Outcome> {
    if global.profile.is_some() {
        return Err(Problem::usage("init writes /etc/piback/profile.yaml; --profile does not go with it")
            .hint("to start from a file: --from FILE")
            .into());
    }
    let host = context::host(global)?;
    context::need_root(&host, "init")?;
    let old = host.read(PROFILE).with_context(|| format!("{PROFILE} can't be read"))?;
    if old != Node::Absent && !args.force {
        return Err(Problem::failed(format!("there is a profile already: {PROFILE}"))
            .hint("edit it, or write a new one over it: piback init --force")
            .into());
    }
    let asking = !args.yes && ui.can_ask();
    let (text, embedded) = start(&args.from)?;
    let text = fill(args, ui, text, embedded, asking)?;
    let text = with_radio(&host, ui, text, embedded, &args.from)?;
    let profile = profile::load(&text, &args.from)?;
    if let Some(note) = profile.wifi.country.without_rules() {
        ui.note(&note);
    }

    // Read before anything is written: a bad file leaves everything as it was.
    let given = args.passphrase_file.as_ref().map(|path| {
        let name = visible(&path.to_string_lossy());
        let content = input::read(path).with_context(|| format!("--passphrase-file {name} can't be read"))?;
        Passphrase::from_file_content(&content)
            .map_err(|why| anyhow::Error::from(Problem::failed(format!("--passphrase-file {name}: {why}"))))
    });
    let given = given.transpose()?;
    if asking
        && !agreed(
            ui,
            &format!("Write {} for the Wi-Fi {}?", ui::in_tree(PROFILE), visible(profile.wifi.ssid.as_str())),
        )?
    {
        ui.say("Nothing was written.");
        return Ok(Outcome::Done);
    }
    let made = write(&host, &profile, &text, given)?;
    report(ui, &profile, &made, host.is_live());
    Ok(Outcome::Done)
}

/// The text to start from, and whether it is an embedded one (whose name and country are nobody's).
fn start(from: &str) -> anyhow::Result<(String, bool)> {
    if let Some(text) = profile::embedded(from) {
        return Ok((text.to_owned(), true));
    }
    let names = profile::EMBEDDED.map(|(name, _)| name).join(", ");
    let bytes = input::read(Path::new(from)).map_err(|e| {
        Problem::failed(format!("--from {}: {e}", visible(from)))
            .hint(format!("{names}, or a profile file, are allowed"))
    })?;
    let text = context::profile_text(&bytes, &format!("--from {from}"))?;
    // All of its errors now, not the first one after the questions.
    profile::load(&text, from)?;
    Ok((text, false))
}

/// Sets name, country and drive: from flags, from the 2016 article's configuration, or by asking.
fn fill(args: &Init, ui: &Ui, text: String, embedded: bool, asking: bool) -> anyhow::Result<String> {
    let current = profile::load(&text, &args.from)?;
    let article = args.from_conf.as_deref().map(from_conf).transpose()?;
    let ssid = answer::<Ssid>(
        ui,
        "--ssid",
        args.ssid.as_deref(),
        asking,
        "Name of the Wi-Fi",
        Some(current.wifi.ssid.as_str()),
    )?;
    let typed_country = args.country.as_deref().map(str::to_ascii_uppercase);
    let country = answer::<Country>(
        ui,
        "--country",
        typed_country.as_deref(),
        asking,
        "Country (two letters)",
        (!embedded).then_some(current.wifi.country.as_str()),
    )?;
    if embedded && country.is_none() {
        return Err(Problem::usage("the country is not known, and without it the radio stays off")
            .hint("say it: --country US (or DE, JP, ...)")
            .into());
    }
    if ssid.is_none() && current.wifi.ssid.as_str() == PLACEHOLDER {
        return Err(Problem::usage("the Wi-Fi has no name yet").hint("give it one: --ssid NAME").into());
    }
    let drive = args.drive.as_deref().or(article.as_ref().map(|a| a.destination.as_str()));
    let drive = if names_several(&current.backup, drive)? {
        None
    } else {
        let known = Some(current.backup.destination.as_str());
        answer::<VolumeLabel>(ui, "--drive", drive, asking, "Label of the drive for backups", known)?
    };
    let mount_root = article.map(|a| a.mount_root.to_string());
    let mut text = text;
    for (key, value) in [
        ("wifi.ssid", ssid),
        ("wifi.country", country),
        ("backup.destination", drive),
        ("backup.mount_root", mount_root),
    ] {
        if let Some(value) = value {
            text = profile::set_scalar(&text, key, &value)?;
        }
    }
    Ok(text)
}

/// Tells whether the profile names several drives already; one of them can't be told anew from here.
fn names_several(backup: &profile::Backup, drive: Option<&str>) -> anyhow::Result<bool> {
    match drive {
        Some(drive) if !backup.others.is_empty() && backup.labels().all(|label| label.as_str() != drive) => {
            Err(Problem::usage("the profile names several drives, and --drive names one more")
                .hint("change backup.destinations in the profile")
                .into())
        }
        _ => Ok(!backup.others.is_empty()),
    }
}

/// The profile with a radio that is there. The embedded ones' name is nobody's wish: where the only radio has another one,
/// it is taken.
fn with_radio(host: &dyn Host, ui: &Ui, text: String, embedded: bool, from: &str) -> anyhow::Result<String> {
    let devices = radios::look(host);
    let wanted = profile::load(&text, from)?.wifi.interface;
    let Err(why) = radios::find(&wanted, &devices) else { return Ok(text) };
    let only = "auto".parse().ok().and_then(|auto| radios::find(&auto, &devices).ok().flatten());
    if let Some(radio) = only.filter(|_| embedded) {
        ui.note(&format!("the radio is {radio}"));
        return Ok(profile::set_scalar(&text, "wifi.interface", &radio.name)?);
    }
    Err(Problem::failed(why)
        .hint("plug the radio in, or start from a profile that names it in wifi.interface: --from FILE")
        .into())
}

/// Drive and mount folder as the 2016 article's `backup_photos.conf` names them.
fn from_conf(path: &Path) -> anyhow::Result<LegacyConf> {
    let name = visible(&path.to_string_lossy());
    let bytes = input::read(path).with_context(|| format!("--from-conf {name} can't be read"))?;
    legacy_conf::parse(&String::from_utf8_lossy(&bytes)).map_err(|errors| {
        let lines: Vec<String> = errors.iter().map(|e| format!("\n  {name}: {e}")).collect();
        Problem::failed(format!("--from-conf can't be taken over{}", lines.concat())).into()
    })
}

/// One setting: the flag's value, else the answer to a question, else nothing. Asked again until it is right.
fn answer<T: FromStr<Err = String>>(
    ui: &Ui,
    flag: &str,
    given: Option<&str>,
    asking: bool,
    question: &str,
    default: Option<&str>,
) -> anyhow::Result<Option<String>> {
    if let Some(given) = given {
        given.parse::<T>().map_err(|why| Problem::usage(format!("{flag} `{}` {why}", visible(given))))?;
        return Ok(Some(given.to_owned()));
    }
    if !asking {
        return Ok(None);
    }
    loop {
        let typed = ui.ask(question, default)?;
        // A country in small letters is as good; every other answer is taken as it is.
        let typed = if flag == "--country" { typed.trim().to_ascii_uppercase() } else { typed };
        match typed.parse::<T>() {
            Ok(_) => return Ok(Some(typed)),
            Err(why) => ui.note(&format!("`{}` {why}", visible(&typed))),
        }
    }
}

/// The word that the article writes in the place of a name.
const PLACEHOLDER: &str = "YOUR_NETWORK_NAME_HERE";

/// Which secrets were made or taken over, by path.
struct Made {
    passphrase: &'static str,
    password: &'static str,
}

fn write(host: &dyn Host, profile: &Profile, text: &str, given: Option<Passphrase>) -> anyhow::Result<Made> {
    let passphrase = secret(host, &profile.wifi.passphrase_file, given)?;
    let password = secret(host, &profile.share.password_file, None)?;
    // The profile last: when it is there, its secrets are too. One that is written over stays beside it.
    dirs_above(host, PROFILE, 0o755)?;
    if let Node::File(old) = host.read(PROFILE).with_context(|| format!("{PROFILE} can't be read"))? {
        put(host, PROFILE_BEFORE, &old.bytes, 0o644)?;
    }
    put(host, PROFILE, text.as_bytes(), 0o644)?;
    Ok(Made { passphrase, password })
}

/// A given secret is written; a good one that is there stays; where nothing is, one is made. Anything else is
/// somebody's, and is not written over.
fn secret(host: &dyn Host, path: &SecretPath, given: Option<Passphrase>) -> anyhow::Result<&'static str> {
    let path = path.as_str();
    let there = host.read(path).with_context(|| format!("{path} can't be read"))?;
    let (secret, how) = match (given, there) {
        (Some(given), Node::Absent | Node::File(_)) => (given, "taken from your file"),
        (None, Node::Absent) => (context::made_secret()?, "made"),
        _ => {
            crate::provision::plan::prepare::secret(host, path, "the secret")?;
            return Ok("kept");
        }
    };
    dirs_above(host, path, 0o700)?;
    put(host, path, format!("{}\n", secret.secret().expose()).as_bytes(), 0o600)?;
    Ok(how)
}

fn report(ui: &Ui, profile: &Profile, made: &Made, is_live: bool) {
    let wifi = ui::in_tree(profile.wifi.passphrase_file.as_str());
    let share = ui::in_tree(profile.share.password_file.as_str());
    let file = ui::in_tree(PROFILE);
    let sudo = if is_live { "sudo " } else { "" };
    ui.say(&format!("profile     {file}"));
    ui.say(&format!("passphrase  {} ({})", made.passphrase, wifi));
    ui.say(&format!("password    {} ({})", made.password, share));
    ui.say(&format!("Read a secret with `{sudo}cat FILE`. Next: piback apply"));
    #[derive(Serialize)]
    struct InitJson<'a> {
        profile: &'a str,
        passphrase_file: &'a str,
        passphrase: &'static str,
        password_file: &'a str,
        password: &'static str,
    }
    let line = InitJson {
        profile: &file,
        passphrase_file: &wifi,
        passphrase: made.passphrase,
        password_file: &share,
        password: made.password,
    };
    ui.json("profile", &line);
}
