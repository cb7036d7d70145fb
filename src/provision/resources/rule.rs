//! The article's NAT rules, which its script leaves in the kernel: read from the script's lines, taken out and put back.

use crate::provision::adopt::{self, article};
use crate::provision::desired::Desired;
use crate::provision::desired::artifact::Artifact;
use crate::provision::host::iptables::Rule;
use crate::provision::resources::file::change::FileChange;
use crate::provision::state::State;
use crate::system::Host;
use serde::{Deserialize, Serialize};

/// A rule that is to go, or to come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleChange {
    pub rule: Rule,
    /// True where the kernel is to have it.
    pub comes: bool,
}

impl RuleChange {
    /// The command that does it, for people.
    #[must_use]
    pub fn text(&self) -> String {
        self.rule.tool(if self.comes { "-A" } else { "-D" }).line()
    }

    /// The change that undoes it.
    #[must_use]
    pub fn reversed(&self) -> Self {
        RuleChange { rule: self.rule.clone(), comes: !self.comes }
    }
}

/// Takes rules out and puts them in. What is so already is left alone.
///
/// # Errors
/// When iptables refuses one.
pub fn carry_out(host: &dyn Host, changes: &[RuleChange]) -> anyhow::Result<()> {
    // A script that ran twice has loaded them twice; an end all the same, should a rule not go.
    const MOST: usize = 16;
    for change in changes {
        let mut rounds = 0;
        while change.rule.is_loaded(host) != change.comes && rounds < MOST {
            host.run(&change.rule.tool(if change.comes { "-A" } else { "-D" }))?;
            rounds += 1;
        }
    }
    Ok(())
}

/// The kernel's rules that change with the files of a plan: those of a script that is commented out go, those of one that
/// comes back come, as far as they are not so already.
///
/// # Errors
/// When a script can't be read.
pub fn plan(
    host: &dyn Host,
    desired: &Desired,
    state: &State,
    files: &[FileChange],
) -> anyhow::Result<Vec<RuleChange>> {
    let aside_of = |artifacts: &[Artifact], path: &str| -> Vec<String> {
        artifacts.iter().find(|a| a.path == path).map(|a| a.commented_out.clone()).unwrap_or_default()
    };
    let mut changes: Vec<RuleChange> = Vec::new();
    for file in files {
        let (old, new) = (aside_of(state.owned(), &file.path), aside_of(&desired.artifacts, &file.path));
        // A file that was edited back by hand changes though its hunks do not.
        let comes = new.is_empty();
        let last = state.last.as_ref().map_or("", |last| &last.radio);
        let (hunks, radio) = if comes { (old, last) } else { (new, desired.radio.as_str()) };
        for hunk in hunks {
            for rule in rules_behind(host, &hunk, radio)? {
                let change = RuleChange { rule, comes };
                if change.rule.is_loaded(host) != comes && !changes.contains(&change) {
                    changes.push(change);
                }
            }
        }
    }
    Ok(changes)
}

/// Those of the article's rules that lines of a script load, also by calling another one. What else a script may load by
/// now is its owner's.
fn rules_behind(host: &dyn Host, hunk: &str, radio: &str) -> anyhow::Result<Vec<Rule>> {
    let mut rules = Vec::new();
    for line in hunk.lines() {
        rules.extend(Rule::of_command(line.trim()));
        if let Some(path) = article::called(line) {
            let script = adopt::theirs(host, &path)?.unwrap_or_default();
            rules.extend(script.lines().filter_map(|line| Rule::of_command(line.trim())));
        }
    }
    // One uplink: a rule for another interface beside it is no part of the set.
    let uplink = rules.iter().find_map(|rule| article::uplink_of(rule, radio)).map(str::to_owned);
    rules
        .retain(|rule| uplink.as_deref().is_some_and(|uplink| article::is_article_rule(rule, uplink, radio)));
    Ok(rules)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::fake::FakeHost;
    use crate::system::run::Output;

    #[test]
    fn a_rule_and_its_reverse() {
        let rule = Rule::of_command("iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE").unwrap();
        let goes = RuleChange { rule, comes: false };
        assert_eq!(goes.text(), "iptables -w -t nat -D POSTROUTING -o eth0 -j MASQUERADE");
        assert_eq!(goes.reversed().text(), "iptables -w -t nat -A POSTROUTING -o eth0 -j MASQUERADE");
    }

    /// A rule that iptables says it took out and lists all the same is no reason to go on for ever.
    #[test]
    fn a_rule_that_does_not_go_ends_the_trying() {
        let tree = tempfile::tempdir().unwrap();
        let host =
            FakeHost::live(tree.path(), |_| Ok(Output { code: Some(0), ..Output::default() })).unwrap();
        let rule = Rule::of_command("iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE").unwrap();
        carry_out(&host, &[RuleChange { rule, comes: false }]).unwrap();
        assert!(host.take_tools().iter().filter(|tool| tool.contains(" -D ")).count() > 1);
    }
}
