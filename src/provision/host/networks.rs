//! Wi-Fi networks around a second radio, and joining one through NetworkManager.

use crate::profile::types::{Passphrase, Ssid};
use crate::system::run::Tool;
use crate::system::{FileNode, Host};
use crate::ui::visible;
use anyhow::Context;
use serde::Serialize;
use std::time::Duration;

/// The folder in which NetworkManager keeps what it was told of networks.
const FOLDER: &str = "/etc/NetworkManager/system-connections";

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
fn keyfile(ssid: &str, interface: &str, passphrase: Option<&Passphrase>) -> String {
    let bytes: String = ssid.bytes().map(|b| format!("{b};")).collect();
    let uuid = uuid(ssid);
    let mut text = format!(
        "# Made by `piback uplink join`; taken away by `piback uplink forget`.\n[connection]\nid=piback-uplink-{uuid}\n\
         uuid={uuid}\ntype=wifi\ninterface-name={interface}\nautoconnect=true\n\n[wifi]\nmode=infrastructure\nssid={bytes}\n"
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
    interface: &str,
    passphrase: Option<&Passphrase>,
) -> anyhow::Result<()> {
    let path = file(ssid.as_str());
    let before = host.read(&path).with_context(|| path.clone())?;
    let bytes = keyfile(ssid.as_str(), interface, passphrase).into_bytes();
    host.write(&path, &FileNode { bytes, mode: 0o600, uid: 0, gid: 0 }).with_context(|| path.clone())?;
    let nmcli =
        |args: &[&str]| Tool::new("nmcli").args(args.iter().copied()).deadline(Duration::from_secs(60));
    let come_up = || -> anyhow::Result<()> {
        host.run(&nmcli(&["connection", "load", &path]))?;
        // By its id: NetworkManager may know others of this name, and would take what it likes.
        host.run(&nmcli(&["--wait", "45", "connection", "up", "uuid", &uuid(ssid.as_str())]))?;
        anyhow::ensure!(is_in(host, interface, ssid.as_str()), "the radio is in another network");
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
    joined.with_context(|| format!("{} could not be joined with {interface}", visible(ssid.as_str())))
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
    host.remove(&path).with_context(|| path.clone())?;
    host.run(&Tool::new("nmcli").args(["connection", "reload"])).context("NetworkManager was not told")?;
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
        let text = keyfile("x]\n[evil", "wlan1", Some(&passphrase));
        assert!(text.contains("\nssid=120;93;10;91;101;118;105;108;\n"), "{text}");
        assert!(text.contains("\npsk=\\s\\sa\\\\b;c=[x]\\s\n"), "{text}");
        assert_eq!(text.matches("\n[").count(), 5);
        assert!(!keyfile("open", "wlan1", None).contains("wifi-security"));
        let (one, other) = (uuid("Hotel"), uuid("Hotel 2"));
        assert!(one != other && one == uuid("Hotel") && text.contains(&uuid("x]\n[evil")));
        assert_eq!((one.len(), &one[14..15], one.matches('-').count()), (36, "8", 4));
        assert_eq!(file("A b"), "/etc/NetworkManager/system-connections/piback-uplink-412062.nmconnection");
    }

    #[test]
    fn names_are_those_that_iw_shows() {
        assert!(same("Hotel \\xc3\\x96", "Hotel Ö") && same("a\\x5cb", "a\\b") && same("plain", "plain"));
        assert!(!same("plain", "other"));
    }
}
