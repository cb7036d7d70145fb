//! `piback boot`: takes the file on the boot partition over, and tells beside it how that went.
//!
//! Cut off at any moment, the next boot finds the old state or the new one: what is replaced below `/etc/piback` is kept
//! until the apply succeeded, the file's secrets go only when they are kept elsewhere, and the record that says "nothing
//! new" is written last.

use super::apply;
use super::context::{self, dirs_above, made_secret, put};
use crate::cli::{Apply, Boot, Global};
use crate::error::{self, Outcome, Problem};
use crate::firstboot::{
    Before, BootFile, Decoded, FirstBoot, Login, Made, Open, Record, Report, Shown, blank, decode,
    first_login, is_boot_file, parse, status_text, with_hostname, with_keys,
};
use crate::paths::{BOOT, BOOT_OPEN, PROFILE};
use crate::profile::types::Passphrase;
use crate::profile::{Profile, ProfileErrors};
use crate::provision::plan::prepare;
use crate::provision::state::json;
use crate::system::led::{self, Light};
use crate::system::run::Tool;
use crate::system::{FileNode, Host, Node, state_dir};
use crate::ui::{Ui, visible};
use crate::view;
use crate::web::Qr;
use anyhow::Context;
use serde::Serialize;

/// Folders that the boot partition is mounted on: since Bookworm, and before.
const FOLDERS: [&str; 2] = ["/boot/firmware", "/boot"];
const STATUS: &str = "piback-status.txt";
const CODE: &str = "piback-wifi.png";
/// Lines above the login prompt on the screen (agetty(8), issue files).
const ISSUE: &str = "/run/issue.d/piback.issue";

pub fn run(args: &Boot, global: &Global, ui: &Ui) -> anyhow::Result<Outcome> {
    let host = context::host(global)?;
    context::need_root(&host, "boot")?;
    on(&host, args, global, ui)
}

/// Takes a host's boot file over, if it has a new one.
///
/// # Errors
/// The file has errors, or the host can't be made so; then the previous state is back.
pub fn on(host: &dyn Host, args: &Boot, global: &Global, ui: &Ui) -> anyhow::Result<Outcome> {
    let (made, restored) = resume(host)?;
    let record: Option<Record> = json::read_json(host, BOOT)?;
    let new = match find(host)? {
        Some(found) if !found.is_the_one_of(record.as_ref()) => Ok(found),
        other => Err(other),
    };
    let mut found = match new {
        Ok(found) => found,
        Err(old) => {
            let is_there = host.read(PROFILE).context("the profile can't be read")? != Node::Absent;
            if is_there && (restored || has_radio_moved(host, global)) {
                // What a cut-off run replaced is back, or radios have swapped their names; the host follows.
                apply::on(host, &all(args), global, ui)?;
            }
            close(host)?;
            ui.say(match old {
                Some(_) => "The file on the boot partition is as it was taken over.",
                None => "There is no piback.yaml on the boot partition.",
            });
            answer(ui, old.as_ref(), false);
            return Ok(Outcome::Done);
        }
    };
    found.made = made.or(record.map(|r| r.made)).unwrap_or_default();
    if host.is_live() {
        led::set(Light::Working);
    }
    let taken = take_over(host, &found, args, global, ui);
    match &taken {
        _ if !host.is_live() => {}
        Ok(()) => led::give_back(),
        Err(_) => led::set(Light::Trouble),
    }
    if let Err(e) = taken {
        // The reason is the answer; that it can't be written down as well is said beside it.
        if let Err(second) = tell_of(host, &found, &e) {
            ui.note(&format!("{second:#}"));
        }
        return Err(e);
    }
    ui.say(&format!("{} is taken over; {STATUS} beside it says how to join.", found.path()));
    answer(ui, Some(&found), true);
    Ok(Outcome::Done)
}

/// The file on the boot partition.
struct Found {
    folder: &'static str,
    name: String,
    /// More files that could be meant.
    others: Vec<String>,
    node: FileNode,
    /// Secrets that were made here before.
    made: Made,
}

impl Found {
    fn path(&self) -> String {
        format!("{}/{}", self.folder, self.name)
    }

    /// Tells whether it is as the record has it.
    fn is_the_one_of(&self, record: Option<&Record>) -> bool {
        self.others.is_empty() && record.is_some_and(|r| r.sha256 == json::hash(&self.node.bytes))
    }

    fn beside(&self, name: &str) -> String {
        format!("{}/{name}", self.folder)
    }
}

fn find(host: &dyn Host) -> anyhow::Result<Option<Found>> {
    for folder in FOLDERS {
        let names = host.list(folder).with_context(|| format!("{folder} can't be read"))?;
        let mut found = Vec::new();
        for name in names.into_iter().filter(|name| is_boot_file(name)) {
            let path = format!("{folder}/{name}");
            if let Node::File(node) = host.read(&path).with_context(|| format!("{path} can't be read"))? {
                found.push((name, node));
            }
        }
        if !found.is_empty() {
            let (name, node) = found.remove(0);
            let others = found.into_iter().map(|(name, _)| name).collect();
            return Ok(Some(Found { folder, name, others, node, made: Made::default() }));
        }
    }
    Ok(None)
}

/// Tells whether the radio has another name than before this boot. A profile or record that can't be read is others' to report.
fn has_radio_moved(host: &dyn Host, global: &Global) -> bool {
    let state = crate::provision::state::State::read(host);
    let profile = context::load_profile(host, global);
    profile
        .ok()
        .zip(state.ok())
        .is_some_and(|(profile, state)| prepare::has_radio_moved(host, &profile, &state))
}

/// Ends a taking over that was cut off: files that it replaced come back, unless its apply had succeeded. Returns which
/// secrets it had made, if they stay, and whether files came back.
fn resume(host: &dyn Host) -> anyhow::Result<(Option<Made>, bool)> {
    let Some(open) = json::read_json::<Open>(host, BOOT_OPEN)? else { return Ok((None, false)) };
    if open.applied {
        return Ok((Some(open.made), false));
    }
    put_back(host, &open)?;
    Ok((None, true))
}

fn put_back(host: &dyn Host, open: &Open) -> anyhow::Result<()> {
    // The profile first: it was replaced last.
    for Before { path, file } in open.before.iter().rev() {
        match file {
            Some((mode, bytes)) => put(host, path, bytes, *mode)?,
            None => host.remove(path).with_context(|| format!("{path} can't be removed"))?,
        }
    }
    close(host)
}

fn close(host: &dyn Host) -> anyhow::Result<()> {
    match host.read(BOOT_OPEN).with_context(|| format!("{BOOT_OPEN} can't be read"))? {
        Node::Absent => Ok(()),
        _ => host.remove(BOOT_OPEN).with_context(|| format!("{BOOT_OPEN} can't be removed")),
    }
}

fn take_over(host: &dyn Host, found: &Found, args: &Boot, global: &Global, ui: &Ui) -> anyhow::Result<()> {
    if let Some(other) = found.others.first() {
        let two = format!("there are two files on the boot partition: {} and {other}", found.name);
        return Err(Problem::failed(two).hint("leave the one that is meant, and remove the other").into());
    }
    let decoded = decode(&found.node.bytes)
        .map_err(|why| Problem::failed(format!("{} {why}", found.name)).hint(why.remedy()))?;
    let file = parse(&decoded.text, &found.name)?;
    let login = login(host, &file.first_boot)?;
    let (secrets, open) = write(host, &file, found.made)?;
    if let Err(e) = apply::on(host, &all(args), global, ui) {
        put_back(host, &open)?;
        return Err(e);
    }
    json::write_json(host, BOOT_OPEN, &Open { applied: true, before: Vec::new(), ..open.clone() })?;
    rename(host, &file.first_boot)?;
    if let Some(login) = login {
        let_in(host, &login, &file.first_boot)?;
    }
    finish(host, found, &decoded, &file, open.made, &secrets)
}

/// An apply that asks nobody.
fn all(args: &Boot) -> Apply {
    Apply { plan: None, yes: true, stack: args.stack, confirm_within: None, yes_lock_me_out: true }
}

/// Both secrets as they are in force.
struct Secrets {
    passphrase: Passphrase,
    share_password: Passphrase,
}

/// Writes profile and secrets, and before that what they replace.
fn write(host: &dyn Host, file: &BootFile, made: Made) -> anyhow::Result<(Secrets, Open)> {
    let wifi = file.profile.wifi.passphrase_file.as_str();
    let share = file.profile.share.password_file.as_str();
    let (passphrase, wifi_made) = secret(host, wifi, file.first_boot.passphrase.as_ref(), made.passphrase)?;
    let (share_password, share_made) =
        secret(host, share, file.first_boot.share_password.as_ref(), made.share_password)?;
    let mut before = Vec::new();
    for path in [wifi, share, PROFILE] {
        let file = match host.read(path).with_context(|| format!("{path} can't be read"))? {
            Node::File(file) => Some((file.mode, file.bytes)),
            Node::Absent => None,
            _ => return Err(Problem::failed(format!("{path} is no file of its own")).into()),
        };
        before.push(Before { path: path.to_owned(), file });
    }
    let made = Made { passphrase: wifi_made, share_password: share_made };
    let open = Open { schema: json::schema(), applied: false, made, before };
    state_dir::make(host, &[])?;
    json::write_json(host, BOOT_OPEN, &open)?;
    for (path, secret) in [(wifi, &passphrase), (share, &share_password)] {
        dirs_above(host, path, 0o700)?;
        put(host, path, format!("{}\n", secret.secret().expose()).as_bytes(), 0o600)?;
    }
    dirs_above(host, PROFILE, 0o755)?;
    let text = format!("{HEAD}{}", file.profile_text);
    put(host, PROFILE, text.as_bytes(), 0o644)?;
    Ok((Secrets { passphrase, share_password }, open))
}

const HEAD: &str = "# Written by piback boot from the file on the boot partition. What you change here stays until that file is\n\
                    # edited: it is then taken over as a whole.\n";

/// The one that is given, else the one that is there, else a made one; and whether it was made here.
fn secret(
    host: &dyn Host,
    path: &str,
    given: Option<&Passphrase>,
    made_before: bool,
) -> anyhow::Result<(Passphrase, bool)> {
    match (given, host.read(path).with_context(|| format!("{path} can't be read"))?) {
        (Some(given), _) => Ok((given.clone(), false)),
        (None, Node::Absent) => Ok((made_secret()?, true)),
        (None, _) => Ok((prepare::secret(host, path, "the secret")?, made_before)),
    }
}

/// The user that `ssh_keys` are for; asked before anything is written.
fn login(host: &dyn Host, first_boot: &FirstBoot) -> anyhow::Result<Option<Login>> {
    if first_boot.ssh_keys.is_empty() {
        return Ok(None);
    }
    let passwd = host.read_followed("/etc/passwd").context("/etc/passwd can't be read")?.unwrap_or_default();
    let login = first_login(&String::from_utf8_lossy(&passwd)).ok_or_else(|| {
        Problem::failed("first_boot.ssh_keys: there is no user on this Pi who could log in with them")
            .hint("make one with Raspberry Pi Imager, or take the keys out")
    })?;
    Ok(Some(login))
}

fn rename(host: &dyn Host, first_boot: &FirstBoot) -> anyhow::Result<()> {
    if let Some(name) = &first_boot.hostname {
        let hosts = host.read_followed("/etc/hosts").context("/etc/hosts can't be read")?.unwrap_or_default();
        let hosts = with_hostname(&String::from_utf8_lossy(&hosts), name);
        put(host, "/etc/hosts", hosts.as_bytes(), 0o644)?;
        put(host, "/etc/hostname", format!("{name}\n").as_bytes(), 0o644)?;
        if host.is_live() {
            host.run(&Tool::new("hostname").arg(name.to_string())).context("the host's name can't be set")?;
        }
    }
    Ok(())
}

fn let_in(host: &dyn Host, login: &Login, first_boot: &FirstBoot) -> anyhow::Result<()> {
    let (folder, path) = (format!("{}/.ssh", login.home), format!("{}/.ssh/authorized_keys", login.home));
    if host.read(&folder).with_context(|| format!("{folder} can't be read"))? == Node::Absent {
        // Root's, and open to be read: sshd takes it so, and reads as the user.
        host.make_dir(&folder, 0o755).with_context(|| format!("{folder} can't be made"))?;
    }
    let old = host.read_followed(&path).with_context(|| format!("{path} can't be read"))?.unwrap_or_default();
    if let Some(text) = with_keys(&String::from_utf8_lossy(&old), &first_boot.ssh_keys) {
        let file = FileNode { bytes: text.into_bytes(), mode: 0o600, uid: login.uid, gid: login.gid };
        host.write(&path, &file).with_context(|| format!("{path} can't be written"))?;
    }
    if host.is_live() {
        let enable = Tool::new("systemctl").arg("enable").arg("--now").arg("ssh");
        host.run(&enable).context("SSH can't be switched on")?;
    }
    Ok(())
}

/// Tells how it went, takes the secrets out of the file, and last records that it was taken over.
fn finish(
    host: &dyn Host,
    found: &Found,
    decoded: &Decoded,
    file: &BootFile,
    made: Made,
    secrets: &Secrets,
) -> anyhow::Result<()> {
    let (blanked, left) = match blank(&decoded.text) {
        Ok(blanked) => (blanked, None),
        Err(why) => (None, Some(why)),
    };
    let address = address(host, &file.profile)?;
    let passphrase = secrets.passphrase.secret().expose();
    let report = Report::Ready {
        ssid: file.profile.wifi.ssid.as_str(),
        address: &address,
        passphrase: if made.passphrase { Shown::Made(passphrase) } else { Shown::Given },
        user: &file.profile.share.user.to_string(),
        share_password: match made.share_password {
            true => Shown::Made(secrets.share_password.secret().expose()),
            false => Shown::Given,
        },
        left_in_file: left.as_deref(),
    };
    tell(host, found, &report)?;
    let code = found.beside(CODE);
    let wifi = view::qr::wifi(file.profile.wifi.ssid.as_str(), passphrase, file.profile.wifi.hidden);
    match Qr::new(&wifi).filter(|_| made.passphrase) {
        Some(qr) => put(host, &code, &view::qr::png(&qr, 8), found.node.mode)?,
        // A passphrase that the user gave is taken out of the file, and does not come back as a picture.
        None => host.remove(&code).with_context(|| format!("{code} can't be removed"))?,
    }
    let mut bytes = found.node.bytes.clone();
    if let Some(text) = blanked {
        bytes = decoded.encode(&text);
        put(host, &found.path(), &bytes, found.node.mode)?;
    }
    json::write_json(host, BOOT, &Record { schema: json::schema(), sha256: json::hash(&bytes), made })?;
    close(host)
}

/// The Wi-Fi's own address, as it was chosen.
fn address(host: &dyn Host, profile: &Profile) -> anyhow::Result<String> {
    let state = crate::provision::state::State::read(host)?;
    Ok(prepare::subnet(host, profile, &state)?.network.address.address().to_string())
}

/// Writes down why a file was not taken over.
fn tell_of(host: &dyn Host, found: &Found, error: &anyhow::Error) -> anyhow::Result<()> {
    let before = host.read(PROFILE).context("the profile can't be read")? != Node::Absent;
    if let Some(errors) = error.downcast_ref::<ProfileErrors>() {
        return tell(host, found, &Report::Errors { errors, before });
    }
    let (what, hints) = (format!("{error:#}"), error::hints(error));
    tell(host, found, &Report::Failed { what: &what, hints: &hints, before })
}

fn tell(host: &dyn Host, found: &Found, report: &Report<'_>) -> anyhow::Result<()> {
    let at = jiff::Timestamp::from_second(host.now())
        .unwrap_or_default()
        .strftime("%Y-%m-%d %H:%M UTC")
        .to_string();
    let path = found.beside(STATUS);
    put(host, &path, status_text(report, &visible(&found.name), &at).as_bytes(), found.node.mode)?;
    if host.is_live() {
        // On the screen, without secrets: whoever passes by reads it.
        let line = match report {
            Report::Ready { ssid, address, .. } => format!("Wi-Fi {}, address {address}", visible(ssid)),
            _ => format!("{} was not taken over", visible(&found.name)),
        };
        dirs_above(host, ISSUE, 0o755)?;
        put(
            host,
            ISSUE,
            format!("piback: {line}. More in {STATUS} on the boot partition.\n\n").as_bytes(),
            0o644,
        )?;
    }
    Ok(())
}

fn answer(ui: &Ui, found: Option<&Found>, taken_over: bool) {
    #[derive(Serialize)]
    struct BootJson {
        file: Option<String>,
        taken_over: bool,
    }
    ui.json("boot", &BootJson { file: found.map(Found::path), taken_over });
}
