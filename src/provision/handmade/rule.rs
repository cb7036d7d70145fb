//! The article's NAT rules, which its script leaves in the kernel: read from the script's lines, taken out and put back.

use crate::provision::host::iptables::Rule;
use crate::system::Host;
use serde::{Deserialize, Serialize};

/// A rule that is to go, or to come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleChange {
    pub rule: Rule,
    /// Whether the kernel is to have it.
    pub comes: bool,
}

impl RuleChange {
    /// The command that does it, for people.
    #[must_use]
    pub fn text(&self) -> String {
        self.rule.tool(if self.comes { "-A" } else { "-D" }).line()
    }

    /// What undoes it.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_and_its_reverse() {
        let rule = Rule::of_command("iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE").unwrap();
        let goes = RuleChange { rule, comes: false };
        assert_eq!(goes.text(), "iptables -w -t nat -D POSTROUTING -o eth0 -j MASQUERADE");
        assert_eq!(goes.reversed().text(), "iptables -w -t nat -A POSTROUTING -o eth0 -j MASQUERADE");
    }
}
