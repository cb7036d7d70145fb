//! The host as it shall be: values, made from a profile, facts and secrets before anything is looked at or written.

pub mod artifact;
pub mod expected;
pub mod render;
pub mod subnet;
pub mod values;

use crate::profile::types::Subnet;
use crate::provision::desired::artifact::{Artifact, Secrets};
use crate::provision::host::facts::Stack;

/// The host as it shall be.
#[derive(Debug, Clone)]
pub struct Desired {
    /// `None`: nothing of ours.
    pub stack: Option<Stack>,
    /// It was named (`--stack`), and not just found.
    pub stack_named: bool,
    pub artifacts: Vec<Artifact>,
    /// The radio's interface, which `ifup` brings up.
    pub radio: String,
    /// Needed as soon as an artifact has a gap for one.
    pub secrets: Option<Secrets>,
    /// The file that holds the passphrase, for the record.
    pub passphrase_file: Option<String>,
    /// The Wi-Fi's address, if it was piback's choice, for the record.
    pub chosen: Option<Subnet>,
    /// The generation that is gone back to, if it is one.
    pub restored: Option<u32>,
    /// The command that wants it, for the record.
    pub made_by: String,
}

impl Desired {
    /// A text to show, without the secrets that are known by their value, wherever they stand.
    #[must_use]
    pub fn hide(&self, text: &str) -> String {
        self.secrets.as_ref().map_or_else(|| text.to_owned(), |secrets| secrets.mask(text))
    }

    /// Nothing of ours: what was there before piback.
    #[must_use]
    pub fn original() -> Self {
        Desired {
            stack: None,
            stack_named: false,
            artifacts: Vec::new(),
            radio: String::new(),
            secrets: None,
            passphrase_file: None,
            chosen: None,
            restored: None,
            made_by: "rollback --original".into(),
        }
    }
}
