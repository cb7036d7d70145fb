//! Plans that can be kept: what was seen and what will be, as hashes and bodies with gaps. No secret is inside.
//!
//! `apply FILE` makes the plan anew and carries it out only if it is the same one, change for change: a kept plan is
//! a promise about this host as it was, never an order for another one.

use crate::error::Problem;
use crate::provision::host::facts::Stack;
use crate::provision::plan::Plan;
use crate::provision::resources::file::change::FileChange;
use crate::provision::state::json;
use crate::system::Node;
use serde::{Deserialize, Serialize};

/// A plan on file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedPlan {
    pub schema: u32,
    /// The version of piback that made it; another one may render otherwise.
    pub version: String,
    pub stack: Option<String>,
    /// It was named, and not just found.
    #[serde(default)]
    pub stack_named: bool,
    pub follows: Option<u32>,
    pub files: Vec<SavedFile>,
    pub packages: Vec<String>,
    pub accounts: Vec<String>,
    pub units: Vec<String>,
    #[serde(default)]
    pub rules: Vec<String>,
}

/// One file's change, as fingerprints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedFile {
    pub path: String,
    pub before: String,
    pub after: String,
}

impl SavedPlan {
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        let file = |f: &FileChange| SavedFile {
            path: f.path.clone(),
            before: fingerprint(&f.before, &f.shown.0),
            after: fingerprint(&f.after, &f.shown.1),
        };
        SavedPlan {
            schema: json::schema(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            stack: plan.stack.map(|s| s.to_string()),
            stack_named: plan.stack_named,
            follows: plan.follows,
            files: plan.files.iter().map(file).collect(),
            packages: plan.packages.clone(),
            accounts: plan
                .accounts
                .iter()
                .map(crate::provision::resources::account::AccountChange::text)
                .collect(),
            units: plan
                .units
                .iter()
                .map(crate::provision::resources::unit::change::UnitChange::steps)
                .collect(),
            rules: plan.rules.iter().map(crate::provision::resources::rule::RuleChange::text).collect(),
        }
    }

    /// Reads a kept plan.
    ///
    /// # Errors
    /// When the text is none.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let kept: SavedPlan = serde_json::from_str(text)
            .map_err(|e| Problem::failed(format!("that is no plan of `piback plan --out`: {e}")))?;
        if kept.schema != json::schema() {
            return Err(Problem::failed("the plan was made by another version of piback").into());
        }
        Ok(kept)
    }

    /// The network stack that was named for it.
    #[must_use]
    pub fn stack(&self) -> Option<Stack> {
        [Stack::Ifupdown, Stack::Dhcpcd, Stack::NetworkManager]
            .into_iter()
            .find(|stack| self.stack_named && self.stack.as_deref() == Some(stack.to_string().as_str()))
    }

    /// Holds `plan`, made now, against this one.
    ///
    /// # Errors
    /// With the first thing that moved.
    pub fn holds(&self, plan: &Plan) -> anyhow::Result<()> {
        let now = SavedPlan::of(plan);
        if *self == now {
            return Ok(());
        }
        let find = |kept: &SavedPlan, path: &str| kept.files.iter().find(|f| f.path == path).cloned();
        let paths = || self.files.iter().chain(&now.files).map(|f| f.path.as_str());
        let differing = paths().find(|path| find(self, path) != find(&now, path));
        let rendered = differing.filter(|path| {
            let before = |kept| find(kept, path).map(|f| f.before);
            before(self).is_some() && before(self) == before(&now)
        });
        if let Some(path) = rendered {
            let what = format!(
                "{path} would not be what the plan says: the profile, a secret or a template is another"
            );
            return Err(Problem::failed(what).hint("make a new one: piback plan --out FILE").into());
        }
        let what = match differing {
            Some(path) => format!("{path} is not as it was"),
            None if self.version != now.version => format!("it was made by piback {}", self.version),
            None if self.follows != now.follows => "another apply came in between".to_owned(),
            None if self.stack != now.stack => "the network stack is another one".to_owned(),
            None => "packages or units are not as they were".to_owned(),
        };
        Err(Problem::failed(format!("the host has moved since the plan was kept: {what}"))
            .hint("make a new one: piback plan --out FILE")
            .into())
    }
}

/// Kind, mode, owner and a hash of the text with its secrets masked. A hash of the text itself would let whoever finds
/// the plan try passphrases until one fits; that a secret changed is told by the mark that stands in its place.
fn fingerprint(node: &Node, shown: &str) -> String {
    let text = json::hash(shown.as_bytes());
    match node {
        Node::Absent => "absent".into(),
        Node::File(f) => format!("file {:04o} {}:{} {text}", f.mode, f.uid, f.gid),
        Node::Link { target } => format!("link {target} {text}"),
        Node::Dir { .. } => "directory".into(),
        Node::Special => "special".into(),
    }
}
