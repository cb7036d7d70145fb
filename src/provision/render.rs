//! Profile and facts to files: every template or an error, before anything is written.

use crate::paths::{self, TEMPLATES};
use crate::profile::Profile;
use crate::profile::types::{Band, Passphrase};
use crate::provision::catalog::{self, Entry, Form};
use crate::provision::host::facts::{Facts, Stack};
use crate::provision::text::block;
use crate::secret::MASK;
use anyhow::{Context, anyhow, bail};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use tera::Tera;

/// A file as it shall be, secrets still outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    pub path: String,
    pub mode: u32,
    pub form: Form,
    /// For a block: what stands between its markers.
    pub body: Body,
    /// Runs of others' lines in the same file that are put aside; see `handmade`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aside: Vec<String>,
}

/// Text with gaps for secrets. What is kept, shown and compared never holds one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Body(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Part {
    Text(String),
    Secret(SecretName),
}

/// The secrets that a file can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecretName {
    WifiPassphrase,
}

/// The secrets of one profile.
#[derive(Debug, Clone)]
pub struct Secrets {
    pub wifi: Passphrase,
}

impl Secrets {
    /// `text` with every occurrence of a secret masked: for what checkers and tools say of a file that holds one.
    #[must_use]
    pub fn mask(&self, text: &str) -> String {
        text.replace(self.wifi.secret().expose().as_str(), MASK)
    }

    fn get(&self, name: SecretName) -> &str {
        match name {
            SecretName::WifiPassphrase => self.wifi.secret().expose(),
        }
    }
}

impl Body {
    /// The text with its secrets: for the file itself, and for nothing else.
    #[must_use]
    pub fn expose(&self, secrets: &Secrets) -> String {
        self.joined(|name| secrets.get(name))
    }

    /// The text to show.
    #[must_use]
    pub fn masked(&self) -> String {
        self.joined(|_| MASK)
    }

    fn joined<'a>(&'a self, secret: impl Fn(SecretName) -> &'a str) -> String {
        let part = |part: &'a Part| match part {
            Part::Text(text) => text.as_str(),
            Part::Secret(name) => secret(*name),
        };
        self.0.iter().map(part).collect()
    }
}

/// Stands for the passphrase while a template is rendered. No value of a profile can hold a control character where
/// a template lays it out, so it can't be forged.
const WIFI_GAP: &str = "\u{1}wifi-passphrase\u{1}";

/// Renders every file of this host.
///
/// `overrides` are the user's own templates, by name.
///
/// # Errors
/// With the template's name, when one does not parse or uses a value that does not exist.
pub fn render(
    profile: &Profile,
    facts: &Facts,
    secret_key: &str,
    overrides: &BTreeMap<String, String>,
) -> anyhow::Result<Vec<Artifact>> {
    let context = tera::Context::from_serialize(&Values::new(profile, facts, secret_key))
        .map_err(|e| anyhow!("the profile's values can't be laid out: {e}"))?;
    catalog::entries(facts, profile).map(|entry| artifact(entry, &context, overrides)).collect()
}

fn artifact(
    entry: &Entry,
    context: &tera::Context,
    overrides: &BTreeMap<String, String>,
) -> anyhow::Result<Artifact> {
    let own = overrides.get(entry.template);
    let name = own.map_or_else(|| entry.template.to_owned(), |_| format!("{TEMPLATES}/{}", entry.template));
    let mut tera = Tera::new();
    // These are config files, not HTML.
    tera.autoescape_on(Vec::<&str>::new());
    tera.add_raw_template(entry.template, own.map_or(entry.text, String::as_str))
        .map_err(|e| anyhow!("template {name}: {}", chain(&e)))?;
    let text = tera.render(entry.template, context).map_err(|e| anyhow!("template {name}: {}", chain(&e)))?;
    let body = body(&text).with_context(|| format!("template {name}"))?;
    if entry.mode & 0o077 != 0 && body.0.iter().any(|part| matches!(part, Part::Secret(_))) {
        bail!("template {name} puts the passphrase into {}, which others can read", entry.path);
    }
    if block::has_marker(&text) {
        bail!("template {name} makes a line that marks a piback block");
    }
    Ok(Artifact { path: entry.path.to_owned(), mode: entry.mode, form: entry.form, body, aside: Vec::new() })
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(&format!(": {cause}"));
        next = cause.source();
    }
    text
}

fn body(text: &str) -> anyhow::Result<Body> {
    let mut text = text.to_owned();
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    let mut parts = Vec::new();
    for (index, piece) in text.split(WIFI_GAP).enumerate() {
        if index > 0 {
            parts.push(Part::Secret(SecretName::WifiPassphrase));
        }
        if piece.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
            bail!("makes a control character, which no config file takes; is the secret filtered?");
        }
        if !piece.is_empty() {
            parts.push(Part::Text(piece.to_owned()));
        }
    }
    Ok(Body(parts))
}

/// Everything that a template can lay out. Documented for users in docs/TEMPLATES.md.
#[derive(Serialize)]
struct Values {
    stack: Stack,
    own_address: bool,
    wifi: Wifi,
    network: Network,
    uplink: Uplink,
    share: Share,
    backup: Backup,
    paths: Paths,
}

#[derive(Serialize)]
struct Wifi {
    interface: String,
    interface_unit: String,
    ssid_key: &'static str,
    ssid_value: String,
    ssid_ascii: bool,
    country: String,
    hw_mode: &'static str,
    channel: u8,
    width: crate::profile::types::Width,
    capabilities: Vec<String>,
    ac: bool,
    center80: Option<u8>,
    hidden: u8,
    secret_key: String,
    secret: &'static str,
}

#[derive(Serialize)]
struct Network {
    address: String,
    prefix: u8,
    netmask: String,
    network: String,
    broadcast: String,
    first: String,
    last: String,
    lease: String,
    upstream: Vec<String>,
    serves_loopback: bool,
}

#[derive(Serialize)]
struct Uplink {
    interface: String,
    share: bool,
    ssh: bool,
}

#[derive(Serialize)]
struct Share {
    user: String,
    folder: String,
    writable: bool,
}

#[derive(Serialize)]
struct Backup {
    mount_root: String,
}

/// Tools that units call. They moved between `/sbin` and `/usr/sbin` over the releases (iptables with Buster, its old
/// place gone with Bullseye), and a unit needs an absolute path: `env` finds them in the unit's own PATH.
#[derive(Serialize)]
struct Paths {
    ip: &'static str,
    iptables: &'static str,
    ip6tables: &'static str,
    rfkill: &'static str,
    journal: &'static str,
}

impl Values {
    fn new(profile: &Profile, facts: &Facts, secret_key: &str) -> Self {
        let (wifi, network) = (&profile.wifi, &profile.network);
        let (ssid_key, ssid_value) = wifi.ssid.hostapd();
        let ht40 = wifi.radio.ht40().map(str::to_owned);
        Values {
            stack: facts.stack,
            own_address: facts.stack == Stack::NetworkManager,
            wifi: Wifi {
                interface: wifi.interface.to_string(),
                interface_unit: unit_name(wifi.interface.as_str()),
                ssid_key,
                ssid_value,
                ssid_ascii: wifi.ssid.is_ascii(),
                country: wifi.country.as_str().to_owned(),
                hw_mode: if wifi.radio.band() == Band::Ghz2 { "g" } else { "a" },
                channel: wifi.radio.channel(),
                width: wifi.radio.width(),
                capabilities: ht40
                    .into_iter()
                    .chain(wifi.capabilities.iter().map(ToString::to_string))
                    .collect(),
                ac: wifi.radio.band() == Band::Ghz5,
                center80: wifi.radio.center80(),
                hidden: u8::from(wifi.hidden),
                secret_key: secret_key.to_owned(),
                secret: WIFI_GAP,
            },
            network: Network {
                address: network.address.address().to_string(),
                prefix: network.address.prefix(),
                netmask: network.address.netmask().to_string(),
                network: network.address.network().to_string(),
                broadcast: network.address.broadcast().to_string(),
                first: network.dhcp.range.first().to_string(),
                last: network.dhcp.range.last().to_string(),
                lease: network.dhcp.lease.to_string(),
                upstream: network.dns.upstream.iter().map(ToString::to_string).collect(),
                serves_loopback: facts.stack != Stack::NetworkManager,
            },
            uplink: Uplink {
                interface: profile.uplink.interface.to_string(),
                share: profile.uplink.share,
                ssh: profile.uplink.ssh,
            },
            share: Share {
                user: profile.share.user.to_string(),
                folder: profile.share.folder.to_string(),
                writable: profile.share.writable,
            },
            backup: Backup { mount_root: profile.backup.mount_root.to_string() },
            paths: Paths {
                ip: "/usr/bin/env ip",
                iptables: "/usr/bin/env iptables",
                ip6tables: "/usr/bin/env ip6tables",
                rfkill: "/usr/bin/env rfkill",
                journal: paths::INTENT,
            },
        }
    }
}

/// An interface's name inside a unit's name: systemd.unit(5), "string escaping".
fn unit_name(interface: &str) -> String {
    interface.replace('-', "\\x2d")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{EMBEDDED, load};

    fn facts(stack: Stack) -> Facts {
        Facts { os: Default::default(), stack, interfaces_d_is_read: false }
    }

    fn profile() -> Profile {
        load(EMBEDDED[0].1, "travel").unwrap()
    }

    #[test]
    fn a_value_that_does_not_exist_is_an_error() {
        let own = BTreeMap::from([("dnsmasq.conf".to_owned(), "x={{ wifi.colour }}".to_owned())]);
        let error =
            render(&profile(), &facts(Stack::Dhcpcd), "wpa_passphrase", &own).unwrap_err().to_string();
        assert!(error.contains("/etc/piback/templates/dnsmasq.conf") && error.contains("colour"), "{error}");
    }

    #[test]
    fn a_filtered_secret_is_an_error_and_never_text() {
        let own = BTreeMap::from([("hostapd.conf".to_owned(), "x={{ wifi.secret | upper }}".to_owned())]);
        let error = render(&profile(), &facts(Stack::Dhcpcd), "wpa_passphrase", &own).unwrap_err();
        assert!(format!("{error:#}").contains("control character"), "{error:#}");
    }

    #[test]
    fn kept_and_shown_text_has_no_secret() {
        let artifacts =
            render(&profile(), &facts(Stack::Dhcpcd), "wpa_passphrase", &BTreeMap::new()).unwrap();
        let hostapd = artifacts.iter().find(|a| a.path.ends_with("hostapd.conf")).unwrap();
        let wifi = Passphrase::from_file_content(b"marker-secret").unwrap();
        assert!(hostapd.body.expose(&Secrets { wifi }).contains("wpa_passphrase=marker-secret\n"));
        assert!(hostapd.body.masked().contains("wpa_passphrase=********\n"));
        assert_eq!(
            serde_json::from_str::<Artifact>(&serde_json::to_string(hostapd).unwrap()).unwrap(),
            *hostapd
        );
    }
}
