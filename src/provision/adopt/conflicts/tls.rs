//! The page over TLS: a systemd that can keep its key.

use super::found::{Found, Weight};
use super::looked::Looked;
use crate::provision::components::tls;

pub fn look(looked: &Looked<'_>, found: &mut Found) -> anyhow::Result<()> {
    let is_old = looked.facts.os.version.is_some_and(|version| version < tls::SINCE_DEBIAN);
    if is_old && (tls::COMPONENT.when)(looked.facts, looked.profile) {
        let why = format!(
            "systemd keeps the page's key from Debian {} on, and this one is older",
            tls::SINCE_DEBIAN
        );
        found.add(Weight::Refused, "web: {tls: local-ca}", why, "take it out of the profile");
    }
    Ok(())
}
