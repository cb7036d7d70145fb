//! Profile and facts to files: every template or an error, before anything is written.

use crate::paths::TEMPLATES;
use crate::profile::Profile;
use crate::provision::components;
use crate::provision::components::component::File;
use crate::provision::desired::artifact::{Artifact, Body};
use crate::provision::desired::values::Values;
use crate::provision::host::facts::Facts;
use crate::provision::text::block;
use anyhow::{Context, anyhow, bail};
use std::collections::BTreeMap;
use tera::Tera;

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
    components::files_of(facts, profile).map(|entry| artifact(entry, &context, overrides)).collect()
}

fn artifact(
    entry: &File,
    context: &tera::Context,
    overrides: &BTreeMap<String, String>,
) -> anyhow::Result<Artifact> {
    let own = overrides.get(entry.template.name);
    let name = own
        .map_or_else(|| entry.template.name.to_owned(), |_| format!("{TEMPLATES}/{}", entry.template.name));
    let mut tera = Tera::new();
    // These are config files, not HTML.
    tera.autoescape_on(Vec::<&str>::new());
    tera.add_raw_template(entry.template.name, own.map_or(entry.template.text, String::as_str))
        .map_err(|e| anyhow!("template {name}: {}", chain(&e)))?;
    let text =
        tera.render(entry.template.name, context).map_err(|e| anyhow!("template {name}: {}", chain(&e)))?;
    let body = Body::with_gaps(&text).with_context(|| format!("template {name}"))?;
    if entry.mode & 0o077 != 0 && body.has_secret() {
        bail!("template {name} puts a secret into {}, which others can read", entry.path);
    }
    if block::has_marker(&text) {
        bail!("template {name} makes a line that marks a piback block");
    }
    Ok(Artifact {
        path: entry.path.to_owned(),
        mode: entry.mode,
        ownership: entry.ownership,
        body,
        commented_out: Vec::new(),
    })
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::types::Passphrase;
    use crate::profile::{EMBEDDED, load};
    use crate::provision::desired::artifact::Secrets;
    use crate::provision::host::facts::Stack;

    fn facts(stack: Stack) -> Facts {
        Facts {
            os: Default::default(),
            stack,
            interfaces_d_is_read: false,
            ssh_ports: vec![22],
            installed: true,
        }
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
    fn the_screen_s_password_is_in_its_file_alone() {
        let mut profile = profile();
        let rendered = |profile: &Profile| {
            render(profile, &facts(Stack::NetworkManager), "wpa_passphrase", &BTreeMap::new()).unwrap()
        };
        assert!(!rendered(&profile).iter().any(|a| a.path.contains("wayvnc")), "off by default");
        profile.remote_screen = true;
        let artifacts = rendered(&profile);
        let secrets = Secrets {
            wifi: Passphrase::from_file_content(b"marker-secret").unwrap(),
            screen: Some(Passphrase::from_file_content(b"screen = #1").unwrap()),
        };
        let holds = artifacts.iter().filter(|a| a.body.expose(&secrets).contains("screen = #1"));
        assert_eq!(
            holds.map(|a| (&*a.path, a.mode)).collect::<Vec<_>>(),
            [("/etc/piback/wayvnc/config", 0o600)]
        );
        let config = artifacts.iter().find(|a| a.path.ends_with("wayvnc/config")).unwrap();
        assert!(config.body.expose(&secrets).contains("\npassword=screen = #1\n"));
        assert!(config.body.masked().contains("\npassword=********\n"));
        let kept = serde_json::to_string(config).unwrap();
        assert!(kept.contains("screen-password") && !kept.contains("= #1"), "{kept}");
        assert_eq!(secrets.mask("a screen = #1 b marker-secret"), "a ******** b ********");
    }

    #[test]
    fn kept_and_shown_text_has_no_secret() {
        let artifacts =
            render(&profile(), &facts(Stack::Dhcpcd), "wpa_passphrase", &BTreeMap::new()).unwrap();
        let hostapd = artifacts.iter().find(|a| a.path.ends_with("hostapd.conf")).unwrap();
        let wifi = Passphrase::from_file_content(b"marker-secret").unwrap();
        assert!(
            hostapd.body.expose(&Secrets { wifi, screen: None }).contains("wpa_passphrase=marker-secret\n")
        );
        assert!(hostapd.body.masked().contains("wpa_passphrase=********\n"));
        assert_eq!(
            serde_json::from_str::<Artifact>(&serde_json::to_string(hostapd).unwrap()).unwrap(),
            *hostapd
        );
    }
}
