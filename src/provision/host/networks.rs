//! Wi-Fi networks around a second radio, and joining one through NetworkManager.

use crate::error::Problem;
use crate::profile::types::{Passphrase, Ssid};
use crate::system::run::{RunError, Tool};
use crate::system::{FileNode, Host};
use crate::ui::visible;
use anyhow::Context;
use serde::Serialize;
use std::time::Duration;

/// The folder in which NetworkManager keeps what it was told of networks.
const FOLDER: &str = "/etc/NetworkManager/system-connections";

/// The radio that is to be in a network.
#[derive(Debug, Clone, Copy)]
pub struct Radio<'a> {
    pub name: &'a str,
    /// Its hardware address, where the profile means the access point's radio by more than a name: the kernel may give the
    /// two each other's name at the next boot.
    pub own: Option<&'a str>,
}

/// A network that can be heard.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Network {
    pub ssid: String,
    /// Of 100.
    pub signal: u8,
    /// In NetworkManager's words, as `WPA2`; empty for an open one.
    pub security: String,
    /// The radio is in it.
    pub joined: bool,
}

/// Listens for networks, the strongest first; each name once.
///
/// # Errors
/// When NetworkManager can't say.
pub fn scan(host: &dyn Host, interface: &str) -> anyhow::Result<Vec<Network>> {
    let fields = "IN-USE,SIGNAL,SECURITY,SSID";
    let list = ["-t", "-f", fields, "device", "wifi", "list", "ifname", interface, "--rescan", "yes"];
    let said = host.run(&Tool::new("nmcli").args(list)).context("which networks there are")?;
    Ok(networks(&said.stdout))
}

fn networks(text: &str) -> Vec<Network> {
    let network = |line: &str| {
        let fields = fields(line);
        let [used, signal, security, ssid] = fields.as_slice() else { return None };
        (!ssid.is_empty()).then(|| Network {
            ssid: ssid.clone(),
            signal: signal.parse().unwrap_or(0),
            security: security.clone(),
            joined: used == "*",
        })
    };
    let mut all: Vec<Network> = text.lines().filter_map(network).collect();
    all.sort_by_key(|one| (!one.joined, 100 - one.signal.min(100)));
    let mut seen = std::collections::HashSet::new();
    // An open network of the same name is another one.
    all.retain(|one| seen.insert((one.ssid.clone(), one.security.is_empty())));
    all
}

/// `nmcli -t` puts a backslash before a colon or a backslash of a value.
fn fields(line: &str) -> Vec<String> {
    let (mut fields, mut field, mut letters) = (Vec::new(), String::new(), line.chars());
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => field.extend(letters.next()),
            ':' => fields.push(std::mem::take(&mut field)),
            letter => field.push(letter),
        }
    }
    fields.push(field);
    fields
}

/// The file of a network that piback joined, by its name's bytes.
fn file(ssid: &str) -> String {
    let hex: String = ssid.bytes().map(|b| format!("{b:02x}")).collect();
    format!("{FOLDER}/piback-uplink-{hex}.nmconnection")
}

/// NetworkManager's file of a network (nm-settings-keyfile(5)). The name is a list of bytes, so that none has a meaning of
/// its own; without a passphrase the network is an open one.
fn keyfile(ssid: &str, radio: &Radio<'_>, passphrase: Option<&Passphrase>) -> String {
    let bytes: String = ssid.bytes().map(|b| format!("{b};")).collect();
    let uuid = uuid(ssid);
    let name = if radio.own.is_none() { format!("interface-name={}\n", radio.name) } else { String::new() };
    let own = radio.own.map(|own| format!("mac-address={own}\n")).unwrap_or_default();
    let mut text = format!(
        "# Made by `piback uplink join`; taken away by `piback uplink forget`.\n[connection]\nid=piback-uplink-{uuid}\n\
         uuid={uuid}\ntype=wifi\n{name}autoconnect=true\n\n[wifi]\nmode=infrastructure\n{own}ssid={bytes}\n"
    );
    if let Some(passphrase) = passphrase {
        let secret = passphrase.secret().expose();
        // glib's key files: a backslash is written twice, a space at an end as \s.
        let escaped = secret.replace('\\', "\\\\").replace(' ', "\\s");
        text.push_str(&format!("\n[wifi-security]\nkey-mgmt=wpa-psk\npsk={escaped}\n"));
    }
    text.push_str("\n[ipv4]\nmethod=auto\n\n[ipv6]\nmethod=auto\n");
    text
}

/// The network's own id for NetworkManager, the same whenever it is joined: RFC 9562's version 8, made from its name.
fn uuid(ssid: &str) -> String {
    let hash = twox_hash::XxHash3_128::oneshot(ssid.as_bytes());
    let marked = hash & !(0xf << 76) & !(0x3 << 62) | (0x8 << 76) | (0x2 << 62);
    let hex = format!("{marked:032x}");
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

/// Joins a network with a radio, now and whenever it is there. The passphrase is in root's file, and in no tool's arguments.
///
/// # Errors
/// It did not come up; then NetworkManager knows nothing of it.
pub fn join(
    host: &dyn Host,
    ssid: &Ssid,
    radio: &Radio<'_>,
    passphrase: Option<&Passphrase>,
) -> anyhow::Result<()> {
    let interface = radio.name;
    let path = file(ssid.as_str());
    let before = host.read(&path).with_context(|| path.clone())?;
    let bytes = keyfile(ssid.as_str(), radio, passphrase).into_bytes();
    host.write(&path, &FileNode { bytes, mode: 0o600, uid: 0, gid: 0 }).with_context(|| path.clone())?;
    let nmcli =
        |args: &[&str]| Tool::new("nmcli").args(args.iter().copied()).deadline(Duration::from_secs(100));
    let come_up = || -> anyhow::Result<()> {
        host.run(&nmcli(&["connection", "load", &path]))?;
        // By its id: NetworkManager may know others of this name, and would take what it likes.
        let up = nmcli(&["--wait", "60", "connection", "up", "uuid", &uuid(ssid.as_str())]);
        let first = host.run(&up);
        // NetworkManager takes a handshake that was lost in the air for a wrong passphrase.
        match first.as_ref().err().and_then(refusal) {
            Some(said) if said.contains(NO_SECRETS) && passphrase.is_some() => host.run(&up)?,
            _ => first?,
        };
        anyhow::ensure!(is_in(host, interface, ssid.as_str()), "the radio is in another network");
        let address =
            host.run(&Tool::new("ip").args(["-o", "addr", "show", "dev", interface, "scope", "global"]))?;
        anyhow::ensure!(!address.stdout.trim().is_empty(), "the network gives it no address");
        Ok(())
    };
    let joined = come_up();
    if joined.is_err() {
        // What was there before comes back; with nothing, NetworkManager is to forget it.
        let back = match &before {
            crate::system::Node::File(file) => host.write(&path, file),
            _ => host.remove(&path),
        };
        back.with_context(|| path.clone())?;
        let _ = host.output(&nmcli(&["connection", "reload"]));
    }
    joined.map_err(|error| {
        let what = || format!("{} could not be joined with {interface}", visible(ssid.as_str()));
        let Some(said) = error.downcast_ref().and_then(refusal) else { return error.context(what()) };
        let heard = || scan(host, interface).ok()?.into_iter().find(|one| one.ssid == ssid.as_str());
        let meant = meant(said, ssid.as_str(), passphrase.is_some(), heard);
        meant.map_or_else(|| error.context(what()), Into::into)
    })
}

/// nmcli's words for a passphrase that was refused, or that nobody gave.
const NO_SECRETS: &str = "Secrets were required";

fn refusal(error: &RunError) -> Option<&str> {
    match error {
        RunError::Failed { output, .. } => Some(output.stderr.as_str()),
        _ => None,
    }
}

/// Reads what the words of nmcli (libnmc-base's nm-client-utils.c) mean for somebody who typed a name and a passphrase.
/// A network that asks for more or less than was given is not found, for NetworkManager; so `heard` listens for it.
fn meant(
    said: &str,
    ssid: &str,
    has_passphrase: bool,
    heard: impl FnOnce() -> Option<Network>,
) -> Option<Problem> {
    let ssid = visible(ssid);
    let wants_one = || {
        Problem::failed(format!("{ssid} wants a passphrase"))
            .hint("write it into a file, and name that with --passphrase-file")
    };
    if said.contains(NO_SECRETS) {
        let refused = || {
            Problem::failed(format!("{ssid} does not take this passphrase, tried twice"))
                .hint("or it is too far away: piback uplink scan shows how strong it is")
        };
        return Some(if has_passphrase { refused() } else { wants_one() });
    }
    if said.contains("IP configuration could not be reserved") {
        let what = format!("{ssid} lets the Pi in, and gives it no address");
        return Some(Problem::failed(what).hint("try once more, nearer to its antenna"));
    }
    if !said.contains("network could not be found") {
        return None;
    }
    Some(match heard().map(|network| network.security) {
        None => Problem::failed(format!("no network {ssid} can be heard"))
            .hint("piback uplink scan lists what can be"),
        Some(security) if security.is_empty() => {
            Problem::failed(format!("{ssid} has no passphrase")).hint("leave --passphrase-file out")
        }
        Some(_) if !has_passphrase => wants_one(),
        Some(security) => {
            let security = visible(&security);
            Problem::failed(format!("{ssid} asks for {security}; piback joins with a passphrase of WPA2"))
        }
    })
}

/// Tells whether a radio is in a network now.
fn is_in(host: &dyn Host, interface: &str, ssid: &str) -> bool {
    let link = host.output(&Tool::new("iw").args(["dev", interface, "link"]));
    link.is_ok_and(|said| {
        said.stdout
            .lines()
            .any(|line| line.trim().strip_prefix("SSID: ").is_some_and(|name| same(name, ssid)))
    })
}

/// `iw` writes bytes that are not plain ASCII, the backslash, and a blank at either end as `\xHH` (its util.c).
fn same(shown: &str, ssid: &str) -> bool {
    let shows = |at: usize, b: u8| match b {
        b' ' => at != 0 && at + 1 != ssid.len(),
        _ => b.is_ascii_graphic() && b != b'\\',
    };
    let escaped: String = ssid
        .bytes()
        .enumerate()
        .map(|(at, b)| if shows(at, b) { char::from(b).to_string() } else { format!("\\x{b:02x}") })
        .collect();
    shown == escaped || shown == ssid
}

/// Forgets a network that piback joined; false where it knows of none of that name.
///
/// # Errors
/// When its file can't be taken away.
pub fn forget(host: &dyn Host, ssid: &str) -> anyhow::Result<bool> {
    let path = file(ssid);
    if !matches!(host.read(&path), Ok(crate::system::Node::File(_))) {
        return Ok(false);
    }
    // It leaves the network before this ends, and takes the file away; unless it never read that.
    let _ = host.output(&Tool::new("nmcli").args(["connection", "delete", "uuid", &uuid(ssid)]));
    if matches!(host.read(&path), Ok(crate::system::Node::File(_))) {
        host.remove(&path).with_context(|| path.clone())?;
        host.run(&Tool::new("nmcli").args(["connection", "reload"]))
            .context("NetworkManager was not told")?;
    }
    Ok(true)
}

/// The networks that piback joined once, by their files.
#[must_use]
pub fn joined(host: &dyn Host) -> Vec<String> {
    let name = |file: String| {
        let hex = file.strip_prefix("piback-uplink-")?.strip_suffix(".nmconnection")?.to_owned();
        let byte = |at: usize| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok();
        let bytes: Option<Vec<u8>> = (0..hex.len()).step_by(2).map(byte).collect();
        String::from_utf8(bytes?).ok()
    };
    host.list(FOLDER).unwrap_or_default().into_iter().filter_map(name).collect()
}

#[cfg(test)]
#[path = "networks_tests.rs"]
mod tests;
