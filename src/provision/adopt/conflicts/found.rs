//! A conflict, its weight, and the list that a kind fills.

use crate::ui::visible;
use serde::Serialize;
use std::fmt;

/// A setting of somebody else's beside which piback does not do what it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Conflict {
    /// Name of its kind, from the registry.
    pub kind: &'static str,
    /// The place: a file and its line, a unit, a chain.
    pub at: String,
    pub why: String,
    pub remedy: String,
    pub weight: Weight,
}

/// The weight of a conflict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Weight {
    /// The appliance works beside it, but something of the user's does not as before.
    Said,
    /// Nothing good comes of an apply where it runs. A tree may be a part of a host only: there it is said.
    Running,
    /// Nothing good comes of an apply, on a tree as well.
    Refused,
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; {}", visible(&self.at), visible(&self.why), visible(&self.remedy))
    }
}

/// The conflicts of one kind while it looks.
pub struct Found {
    pub kind: &'static str,
    pub list: Vec<Conflict>,
}

impl Found {
    pub fn add(
        &mut self,
        weight: Weight,
        at: impl Into<String>,
        why: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let (at, why, remedy) = (at.into(), why.into(), remedy.into());
        self.list.push(Conflict { kind: self.kind, at, why, remedy, weight });
    }

    /// A line of a file, if there is one, that goes with a `#`.
    pub fn line(&mut self, weight: Weight, path: &str, line: Option<usize>, why: &str) {
        if let Some(line) = line {
            self.add(weight, format!("{path}:{line}"), why, "put a # before it");
        }
    }
}
