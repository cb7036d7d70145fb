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
    all.retain(|one| seen.insert(one.ssid.clone()));
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
        let up = nmcli(&["--wait", "80", "connection", "up", "uuid", &uuid(ssid.as_str())]);
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

/// `iw` writes bytes that are not plain ASCII, and the backslash, as `\xHH` (its util.c).
fn same(shown: &str, ssid: &str) -> bool {
    let escaped: String = ssid
        .bytes()
        .map(|b| {
            if (0x20..0x7f).contains(&b) && b != b'\\' {
                char::from(b).to_string()
            } else {
                format!("\\x{b:02x}")
            }
        })
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
mod tests {
    use super::*;
    use crate::system::fake::FakeHost;
    use crate::system::run::Output;
    use crate::system::scratch::Scratch;

    #[test]
    fn networks_as_nmcli_lists_them() {
        let text = " :54:WPA2:Hotel\\: Sea\\\\View\n*:80:WPA2:Home\n :90::Free WiFi\n :70:WPA2:Free WiFi\n :99:WPA2:\n\nodd\n";
        let all = networks(text);
        let said: Vec<(&str, u8, &str)> =
            all.iter().map(|n| (n.ssid.as_str(), n.signal, n.security.as_str())).collect();
        assert_eq!(said, [("Home", 80, "WPA2"), ("Free WiFi", 90, ""), ("Hotel: Sea\\View", 54, "WPA2")]);
        assert!(all[0].joined && !all[1].joined);
    }

    #[test]
    fn no_name_and_no_passphrase_breaks_out_of_its_line() {
        let passphrase = Passphrase::from_file_content(b"  a\\b;c=[x] \n").unwrap();
        let radio = Radio { name: "wlan1", own: None };
        let text = keyfile("x]\n[evil", &radio, Some(&passphrase));
        assert!(text.contains("\nssid=120;93;10;91;101;118;105;108;\n"), "{text}");
        assert!(text.contains("\npsk=\\s\\sa\\\\b;c=[x]\\s\n"), "{text}");
        assert_eq!(text.matches("\n[").count(), 5);
        assert!(!keyfile("open", &radio, None).contains("wifi-security"));
        assert!(text.contains("\ninterface-name=wlan1\n") && !text.contains("mac-address"), "{text}");
        let own = keyfile("open", &Radio { own: Some("02:00:00:00:01:00"), ..radio }, None);
        assert!(
            own.contains("\nmac-address=02:00:00:00:01:00\n") && !own.contains("interface-name"),
            "{own}"
        );
        let (one, other) = (uuid("Hotel"), uuid("Hotel 2"));
        assert!(one != other && one == uuid("Hotel") && text.contains(&uuid("x]\n[evil")));
        assert_eq!((one.len(), &one[14..15], one.matches('-').count()), (36, "8", 4));
        assert_eq!(file("A b"), "/etc/NetworkManager/system-connections/piback-uplink-412062.nmconnection");
    }

    #[test]
    fn a_refusal_is_told_in_words() {
        let listed = |security: &'static str| move || networks(&format!(" :90:{security}:Rex\n")).pop();
        let said = |said: &str, passphrase, security| {
            let problem = match security {
                Some(security) => meant(said, "Rex", passphrase, listed(security)),
                None => meant(said, "Rex", passphrase, || None),
            };
            problem.map(|problem| problem.what).unwrap_or_default()
        };
        let secrets = "Warning: password for '802-11-wireless-security.psk' not given in 'passwd-file' and nmcli cannot ask \
                       without '--ask' option.\nError: Connection activation failed: Secrets were required, but not provided\n";
        assert_eq!(said(secrets, true, None), "Rex does not take this passphrase, tried twice");
        assert_eq!(said(secrets, false, None), "Rex wants a passphrase");
        let none = "Error: Connection activation failed: The Wi-Fi network could not be found\n";
        for (passphrase, security, words) in [
            (true, None, "no network Rex can be heard"),
            (false, Some("WPA2"), "Rex wants a passphrase"),
            (true, Some(""), "Rex has no passphrase"),
            (true, Some("WPA2 802.1X"), "Rex asks for WPA2 802.1X; piback joins with a passphrase of WPA2"),
        ] {
            assert_eq!(said(none, passphrase, security), words);
        }
        let address = "Error: Connection activation failed: IP configuration could not be reserved (no available address, \
                       timeout, etc.)\n";
        assert_eq!(said(address, true, None), "Rex lets the Pi in, and gives it no address");
        assert_eq!(said("Error: something else", true, None), "");
    }

    /// A host whose nmcli, iw and ip answer so to `connection up`, `link` and `addr`.
    fn host(
        root: &std::path::Path,
        up: Option<&'static str>,
        link: &'static str,
        ip: &'static str,
    ) -> FakeHost {
        let said = move |tool: &Tool| {
            let (program, args) = (tool.program.as_str(), &tool.args);
            let is_up = args.iter().any(|arg| arg == "up");
            Ok(match (program, up) {
                ("ip", _) => Output { code: Some(0), stdout: ip.into(), ..Output::default() },
                ("iw", _) => Output { code: Some(0), stdout: link.into(), ..Output::default() },
                ("nmcli", Some(why)) if is_up => {
                    Output { code: Some(4), stderr: why.into(), ..Output::default() }
                }
                _ => Output { code: Some(0), ..Output::default() },
            })
        };
        FakeHost::live(root, said).unwrap()
    }

    #[test]
    fn what_did_not_come_up_leaves_nothing_and_what_did_is_forgotten() {
        let root = Scratch::new().unwrap();
        root.write(&format!("{FOLDER}/another's"), b"").unwrap();
        let (ssid, radio): (Ssid, _) = ("Rex".parse().unwrap(), Radio { name: "wlan1", own: None });
        let seen = host(root.path(), None, "", "");
        let names = || seen.list(FOLDER).unwrap().len() - 1;
        let none = "Error: Connection activation failed: The Wi-Fi network could not be found";
        let refused = join(&host(root.path(), Some(none), "", ""), &ssid, &radio, None).unwrap_err();
        assert_eq!((refused.to_string().as_str(), names()), ("no network Rex can be heard", 0));
        // NetworkManager says that it is up, and the radio is elsewhere.
        let elsewhere = join(&host(root.path(), None, "\tSSID: Other\n", ""), &ssid, &radio, None);
        assert!(format!("{:#}", elsewhere.unwrap_err()).contains("in another network") && names() == 0);
        const IN: &str = "Connected to 02:00\n\tSSID: Rex\n";
        let bare = join(&host(root.path(), None, IN, ""), &ssid, &radio, None);
        assert!(format!("{:#}", bare.unwrap_err()).contains("gives it no address") && names() == 0);
        let there = host(root.path(), None, IN, "3: wlan1    inet 192.168.78.106/24 scope global wlan1\n");
        join(&there, &ssid, &radio, None).unwrap();
        assert_eq!((joined(&there), names()), (vec!["Rex".to_owned()], 1));
        // One that was joined before stays as it was.
        let before = seen.read(&file("Rex")).unwrap();
        let passphrase = Passphrase::from_file_content(b"another one").unwrap();
        let refuses = host(root.path(), Some(NO_SECRETS), "", "");
        join(&refuses, &ssid, &radio, Some(&passphrase)).unwrap_err();
        let tried = refuses.take_tools().iter().filter(|line| line.contains(" connection up ")).count();
        assert_eq!(tried, 2, "a lost handshake looks like a wrong passphrase");
        assert!(seen.read(&file("Rex")).unwrap() == before);
        assert!(forget(&there, "Rex").unwrap() && names() == 0 && !forget(&there, "Rex").unwrap());
        let told = there.take_tools().join("\n");
        assert!(told.contains(&format!("connection delete uuid {}", uuid("Rex"))), "{told}");
    }

    #[test]
    fn names_are_those_that_iw_shows() {
        assert!(same("Hotel \\xc3\\x96", "Hotel Ö") && same("a\\x5cb", "a\\b") && same("plain", "plain"));
        assert!(!same("plain", "other"));
    }
}
