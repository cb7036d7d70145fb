//! Rules of iptables: as a script's line adds them, and whether the kernel has them.

use crate::system::Host;
use crate::system::run::Tool;
use serde::{Deserialize, Serialize};

/// One rule, as a script's line adds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// `nat` or `filter`.
    pub table: String,
    /// One of that table's own chains.
    pub chain: String,
    /// The words behind the chain.
    pub spec: Vec<String>,
}

impl Rule {
    /// `sudo iptables -t nat -A POSTROUTING -o eth0 -j MASQUERADE`, and nothing else on the line.
    #[must_use]
    pub fn of_command(line: &str) -> Option<Self> {
        let mut words = line.split_whitespace().peekable();
        words.next_if_eq(&"sudo");
        words.next().filter(|w| matches!(*w, "iptables" | "/sbin/iptables" | "/usr/sbin/iptables"))?;
        words.next_if_eq(&"-w");
        let table = match words.next_if_eq(&"-t") {
            Some(_) => words.next()?,
            None => "filter",
        };
        words.next_if_eq(&"-A")?;
        let chain = words.next()?.to_owned();
        let spec: Vec<String> = words.map(str::to_owned).collect();
        // What a shell would not hand over as it stands is no plain rule.
        let plain = |w: &String| w.chars().all(|c| c.is_ascii_alphanumeric() || "-_,./:!+".contains(c));
        let rule = Rule { table: table.to_owned(), chain, spec };
        (plain(&rule.table) && plain(&rule.chain) && rule.spec.iter().all(plain)).then_some(rule)
    }

    /// The tool that adds (`-A`), deletes (`-D`) or looks for (`-C`) it.
    #[must_use]
    pub fn tool(&self, verb: &str) -> Tool {
        Tool::new("iptables").args(["-w", "-t", &self.table, verb, &self.chain]).args(&self.spec)
    }

    /// Asks whether the kernel has it.
    #[must_use]
    pub fn is_loaded(&self, host: &dyn Host) -> bool {
        host.output(&self.tool("-C")).is_ok_and(|o| o.code == Some(0))
    }
}
