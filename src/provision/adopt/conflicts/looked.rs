//! The host as the kinds of conflicts see it: texts of files without what is piback's, units, tools.

use crate::profile::Profile;
use crate::provision::adopt::ManualSetup;
use crate::provision::components::{self, web};
use crate::provision::host::facts::{Facts, Stack};
use crate::provision::host::systemd;
use crate::provision::text::{block, pattern};
use crate::system::Host;
use crate::system::run::Tool;
use anyhow::Context;
use std::collections::{BTreeMap, BTreeSet};

/// Folders of systemd's units, the user's own first.
const UNITS: [&str; 4] =
    ["/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"];

pub struct Looked<'a> {
    pub host: &'a dyn Host,
    pub facts: &'a Facts,
    pub profile: &'a Profile,
    pub stack: Stack,
    pub radio: &'a str,
    /// The page will be served.
    pub has_page: bool,
    manual: &'a ManualSetup,
    /// Names of the unit files that are there.
    unit_files: BTreeSet<String>,
    /// Units that something starts at boot: names in `*.wants` and `*.requires`.
    wanted: BTreeSet<String>,
}

impl<'a> Looked<'a> {
    pub fn new(
        host: &'a dyn Host,
        facts: &'a Facts,
        profile: &'a Profile,
        manual: &'a ManualSetup,
    ) -> anyhow::Result<Self> {
        let (mut unit_files, mut wanted) = (BTreeSet::new(), BTreeSet::new());
        for folder in UNITS {
            for name in host.list(folder).with_context(|| format!("{folder} can't be read"))? {
                let is_list = name.ends_with(".wants") || name.ends_with(".requires");
                match is_list && folder == UNITS[0] {
                    true => wanted.extend(host.list(&format!("{folder}/{name}"))?),
                    false => _ = unit_files.insert(name),
                }
            }
        }
        let radio = profile.wifi.interface.as_str();
        let stack = facts.stack;
        let has_page = (web::COMPONENT.when)(facts, profile);
        Ok(Looked { host, facts, profile, stack, radio, has_page, manual, unit_files, wanted })
    }

    /// Others' part of a file as it will be, marks of what is commented out left on; none where there is no such file.
    pub fn text(&self, path: &str) -> anyhow::Result<Option<String>> {
        if let Some(text) = self.manual.after(path) {
            return Ok(Some(text.to_owned()));
        }
        let bytes = self.host.read_followed(path).with_context(|| format!("{path} can't be read"))?;
        // A file whose block is broken is `plan`'s to report.
        let text = |bytes: Vec<u8>| block::blanked(&bytes).unwrap_or_default();
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&text(bytes)).into_owned()))
    }

    /// Names in a folder; none where there is no such folder.
    pub fn names(&self, folder: &str) -> anyhow::Result<Vec<String>> {
        self.host.list(folder).with_context(|| format!("{folder} can't be read"))
    }

    /// Regular files in a folder that are not piback's, with their texts.
    pub fn files(&self, folder: &str) -> anyhow::Result<Vec<(String, String)>> {
        let mut files = Vec::new();
        for name in self.names(folder)? {
            let path = format!("{folder}/{name}");
            if !is_ours(&path)
                && let Some(text) = self.text(&path)?
            {
                files.push((path, text));
            }
        }
        Ok(files)
    }

    /// Paths that fit a pattern, as a shell expands it.
    pub fn expand(&self, path: &str) -> anyhow::Result<Vec<String>> {
        let mut found = vec![String::new()];
        for part in path.split('/').filter(|part| !part.is_empty()) {
            let mut next = Vec::new();
            for dir in found {
                match pattern::is_one(part) {
                    false => next.push(format!("{dir}/{part}")),
                    true => {
                        let names = self.names(if dir.is_empty() { "/" } else { &dir }).unwrap_or_default();
                        let shown = |name: &&String| !name.starts_with('.') && pattern::fits(part, name);
                        next.extend(names.iter().filter(shown).map(|name| format!("{dir}/{name}")));
                    }
                }
            }
            found = next;
        }
        Ok(found)
    }

    /// Tells whether something stands at a path, of whatever kind.
    pub fn is_there(&self, path: &str) -> bool {
        !matches!(self.host.read(path), Ok(crate::system::Node::Absent) | Err(_))
    }

    /// Of these units, those that start at boot or run now.
    pub fn on(&self, units: &[&str]) -> BTreeSet<String> {
        let mut on: BTreeSet<String> =
            units.iter().filter(|unit| self.wanted.contains(**unit)).map(|unit| (*unit).to_owned()).collect();
        let has_file = |unit: &&&str| {
            let template = unit.split_once('@').zip(unit.rsplit_once('.'));
            let template = template.map(|((name, _), (_, kind))| format!("{name}@.{kind}"));
            self.unit_files.contains(**unit) || template.is_some_and(|t| self.unit_files.contains(&t))
        };
        let there: Vec<&str> = units.iter().filter(has_file).copied().collect();
        if self.host.is_live() && !there.is_empty() {
            let states: BTreeMap<_, _> = systemd::states(self.host, &there).unwrap_or_default();
            let runs = |state: &systemd::UnitState| state.is_running() && !state.is_masked();
            on.extend(states.into_iter().filter(|(_, state)| runs(state)).map(|(name, _)| name));
        }
        on
    }

    /// Of these units, those whose file lies somewhere.
    pub fn lie_there<'u>(&self, units: &[&'u str]) -> Vec<&'u str> {
        units.iter().filter(|unit| self.unit_files.contains(**unit)).copied().collect()
    }

    /// The answer of a tool on a live host; none where nobody answers.
    pub fn said(&self, tool: &Tool) -> Option<String> {
        if !self.host.is_live() {
            return None;
        }
        let output = self.host.output(tool).ok()?;
        (output.code == Some(0)).then_some(output.stdout)
    }
}

/// Tells whether a whole file is piback's own.
pub fn is_ours(path: &str) -> bool {
    components::files().any(|file| file.path == path)
        && components::ownership(path) == components::component::Ownership::Whole
}
