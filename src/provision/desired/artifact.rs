//! Files as they shall be, with gaps where secrets go.

use crate::profile::types::Passphrase;
use crate::provision::components::component::Ownership;
use crate::secret::MASK;
use anyhow::bail;
use serde::{Deserialize, Serialize};

/// A file as it shall be, secrets still outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Artifact {
    pub path: String,
    pub mode: u32,
    #[serde(rename = "form")]
    pub ownership: Ownership,
    /// For a block: what stands between its markers.
    pub body: Body,
    /// Runs of others' lines in the same file that are commented out; see `adopt`.
    #[serde(rename = "aside", default, skip_serializing_if = "Vec::is_empty")]
    pub commented_out: Vec<String>,
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
    ScreenPassword,
}

/// The secrets of one profile.
#[derive(Debug, Clone)]
pub struct Secrets {
    pub wifi: Passphrase,
    /// Read where a file has a gap for it.
    pub screen: Option<Passphrase>,
}

impl Secrets {
    /// `text` with every occurrence of a secret masked: for what checkers and tools say of a file that holds one.
    #[must_use]
    pub fn mask(&self, text: &str) -> String {
        let masked = text.replace(self.wifi.secret().expose().as_str(), MASK);
        match &self.screen {
            Some(screen) => masked.replace(screen.secret().expose().as_str(), MASK),
            None => masked,
        }
    }

    fn get(&self, name: SecretName) -> &str {
        match name {
            SecretName::WifiPassphrase => self.wifi.secret().expose(),
            // Nothing: `validate/` refuses a screen without a password.
            SecretName::ScreenPassword => self.screen.as_ref().map_or("", |screen| screen.secret().expose()),
        }
    }
}

impl Body {
    /// Takes the gaps out of rendered text: every [`WIFI_GAP`] is where the passphrase goes, every [`SCREEN_GAP`] where
    /// the screen's password goes.
    ///
    /// # Errors
    /// When there are control characters, as a template makes that filters the secret.
    pub fn with_gaps(text: &str) -> anyhow::Result<Self> {
        let mut text = text.to_owned();
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        let gaps = [(WIFI_GAP, SecretName::WifiPassphrase), (SCREEN_GAP, SecretName::ScreenPassword)];
        let (mut parts, mut rest) = (Vec::new(), text.as_str());
        loop {
            let first = gaps
                .iter()
                .filter_map(|(gap, name)| Some((rest.find(gap)?, gap.len(), *name)))
                .min_by_key(|at| at.0);
            let piece = first.map_or(rest, |(at, ..)| &rest[..at]);
            if piece.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
                bail!("makes a control character, which no config file takes; is the secret filtered?");
            }
            if !piece.is_empty() {
                parts.push(Part::Text(piece.to_owned()));
            }
            let Some((at, length, name)) = first else { return Ok(Body(parts)) };
            parts.push(Part::Secret(name));
            rest = &rest[at + length..];
        }
    }

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

    /// Tells whether it has a gap for this secret.
    #[must_use]
    pub fn needs(&self, name: SecretName) -> bool {
        self.0.contains(&Part::Secret(name))
    }

    /// Tells whether it has a gap for a secret.
    #[must_use]
    pub fn has_secret(&self) -> bool {
        self.0.iter().any(|part| matches!(part, Part::Secret(_)))
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
pub const WIFI_GAP: &str = "\u{1}wifi-passphrase\u{1}";
/// Stands for the screen's password in the same way.
pub const SCREEN_GAP: &str = "\u{1}screen-password\u{1}";
