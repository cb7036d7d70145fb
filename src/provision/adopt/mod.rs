//! A Pi that was set up by hand, from the article or a near relative: which of its lines piback comments out, which stay.
//!
//! What is commented out is a planned, journalled change of the file like any other: a mark makes those lines comments, and
//! nothing else in the file moves. Lines that nobody but such a set-up would have are known (`lines`); all others stay,
//! and `conflicts` names those that fight.

pub mod article;
pub mod conflicts;

use crate::profile::Profile;
use crate::provision::components::component::Ownership;
use crate::provision::components::dhcpcd::CONF as DHCPCD;
use crate::provision::components::dnsmasq::CONF as DNSMASQ;
use crate::provision::components::nat::RC_LOCAL;
use crate::provision::desired::artifact::{Artifact, Body};
use crate::provision::host::facts::{Facts, Stack};
use crate::provision::host::interfaces::INTERFACES;
use crate::provision::text::{block, comment_out};
use crate::system::{Host, Node};
use anyhow::Context;
use std::collections::BTreeSet;

const SYSCTL: &str = "/etc/sysctl.conf";

/// A set-up by hand, as it was found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ManualSetup {
    pub files: Vec<CommentedOut>,
    /// The things that stay as they are, a sentence each.
    pub stays: Vec<String>,
}

/// A file with lines to comment out, or with some that are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommentedOut {
    pub path: String,
    /// Lines that are in force still, from 1.
    pub active: Vec<usize>,
    /// Runs of lines that are commented out when all is done.
    pub hunks: Vec<String>,
    /// The file when all is done, without piback's block.
    pub after: String,
}

impl CommentedOut {
    /// `/etc/rc.local:20`, for each line that is in force.
    #[must_use]
    pub fn places(&self) -> Option<String> {
        let numbers: Vec<String> = self.active.iter().map(ToString::to_string).collect();
        (!numbers.is_empty()).then(|| format!("{}:{}", self.path, numbers.join(",")))
    }
}

impl ManualSetup {
    /// A file as it will be, where lines of it are commented out.
    #[must_use]
    pub fn after(&self, path: &str) -> Option<&str> {
        self.files.iter().find(|f| f.path == path).map(|f| f.after.as_str())
    }

    /// The files that hold lines in force, with their numbers.
    #[must_use]
    pub fn places(&self) -> Vec<String> {
        self.files.iter().filter_map(CommentedOut::places).collect()
    }

    /// Adds what is commented out to what the host shall be.
    pub fn join(&self, artifacts: &mut Vec<Artifact>) {
        for file in &self.files {
            let hunks = file.hunks.clone();
            match artifacts.iter_mut().find(|artifact| artifact.path == file.path) {
                Some(artifact) => artifact.commented_out = hunks,
                None => artifacts.push(Artifact {
                    path: file.path.clone(),
                    mode: 0o644,
                    ownership: Ownership::Lines,
                    body: Body::default(),
                    commented_out: hunks,
                }),
            }
        }
    }
}

/// Looks at every place of the article's.
///
/// # Errors
/// When a file can't be read.
pub fn find(host: &dyn Host, facts: &Facts, profile: &Profile) -> anyhow::Result<ManualSetup> {
    let (radio, uplinks) = (profile.wifi.interface.as_str(), &profile.uplink.interface);
    let mut found = ManualSetup::default();
    let mut look = |path: &str, known: &dyn Fn(&str) -> Vec<usize>| -> anyhow::Result<()> {
        found.files.extend(file(host, path, known)?);
        Ok(())
    };
    look(DNSMASQ, &|text| article::dnsmasq(text, radio))?;
    look(INTERFACES, &|text| article::interfaces(text, radio))?;
    if facts.stack == Stack::Dhcpcd {
        look(DHCPCD, &|text| article::denied(text, radio))?;
    }
    // A script that does nothing else is not called any more; in one that has more to do, its rules are commented out.
    // What a script did that is not there is unknown: its call stays.
    let (mut scripts, mut stay) = (Vec::new(), Vec::new());
    for (_, path) in article::calls(&theirs(host, RC_LOCAL)?.unwrap_or_default()) {
        match theirs(host, &path)? {
            Some(script) if !article::is_rules_alone(&script, uplinks, radio) => scripts.push(path),
            Some(_) => {}
            None => stay.push(path),
        }
    }
    look(RC_LOCAL, &|text| {
        let mut known = article::rules(text, uplinks, radio);
        known.extend(
            article::calls(text)
                .into_iter()
                .filter(|(_, path)| !scripts.contains(path) && !stay.contains(path))
                .map(|(n, _)| n),
        );
        known
    })?;
    for script in &scripts {
        look(script, &|text| article::rules(text, uplinks, radio))?;
    }
    found.stays = stays(host, facts, radio)?;
    Ok(found)
}

/// A regular file of which lines are known, or commented out already. A link is left alone: what it leads to may be anyone's.
fn file(
    host: &dyn Host,
    path: &str,
    known: &dyn Fn(&str) -> Vec<usize>,
) -> anyhow::Result<Option<CommentedOut>> {
    let node = host.read(path).with_context(|| format!("{path} can't be read"))?;
    let Node::File(file) = node else { return Ok(None) };
    // A file whose block is broken is `plan`'s to report.
    let Ok(rest) = block::without(&file.bytes) else { return Ok(None) };
    let known: BTreeSet<usize> =
        known(&String::from_utf8_lossy(&comment_out::back(&rest))).into_iter().collect();
    let after = comment_out::mark(&rest, &known);
    let hunks = comment_out::hunks(&after);
    // A line that stands elsewhere too, where it is not known, can't be told from that one: the file is left alone.
    if hunks.is_empty() || comment_out::put(&rest, &hunks) != after {
        return Ok(None);
    }
    // Numbers as an editor shows them, piback's block and all.
    let whole = comment_out::put(&file.bytes, &hunks);
    let numbered = file.bytes.split(|b| *b == b'\n').zip(whole.split(|b| *b == b'\n')).enumerate();
    let active = numbered.filter(|(_, (old, new))| old != new).map(|(number, _)| number + 1).collect();
    let after = String::from_utf8_lossy(&after).into_owned();
    Ok(Some(CommentedOut { path: path.to_owned(), active, hunks, after }))
}

/// Others' part of a file, marks taken off.
pub fn theirs(host: &dyn Host, path: &str) -> anyhow::Result<Option<String>> {
    let bytes = host.read_followed(path).with_context(|| format!("{path} can't be read"))?;
    Ok(bytes.map(|b| String::from_utf8_lossy(&comment_out::theirs(&b).unwrap_or(b)).into_owned()))
}

/// Names what the article left that does no harm, so that nobody wonders.
fn stays(host: &dyn Host, facts: &Facts, radio: &str) -> anyhow::Result<Vec<String>> {
    let mut stays = Vec::new();
    let sysctl = theirs(host, SYSCTL)?.unwrap_or_default();
    let on = |line: &&str| line.replace(' ', "") == "net.ipv4.ip_forward=1";
    if sysctl.lines().any(|line| on(&line.trim())) {
        stays.push(format!("{SYSCTL} stays: net.ipv4.ip_forward=1 is what piback sets too"));
    }
    if facts.stack == Stack::Ifupdown
        && !article::denied(&theirs(host, DHCPCD)?.unwrap_or_default(), radio).is_empty()
    {
        stays.push(format!("{DHCPCD} stays: denyinterfaces {radio} is what piback sets too"));
    }
    Ok(stays)
}
