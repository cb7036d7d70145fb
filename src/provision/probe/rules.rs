//! The rules in the kernel beside the file that they were loaded from. iptables prints rules in a form of its own, so the file
//! is loaded into a network namespace that ends with the tool, and both are read back alike.

use crate::system::Host;
use crate::system::run::Tool;

/// One family's rules, there and as they were written; asked once, and looked at table by table.
pub struct Rules {
    there: String,
    /// The file, read back, or why that is not known.
    wanted: Result<String, String>,
}

impl Rules {
    /// Reads back what the file says, where `there` has anything of ours: else there is nothing to compare.
    #[must_use]
    pub fn beside(host: &dyn Host, there: String, file: &str, tool: &str) -> Self {
        let wanted = if ours(&there, "filter").is_empty() && ours(&there, "nat").is_empty() {
            Ok(String::new())
        } else {
            read_back(host, file, tool)
        };
        Rules { there, wanted }
    }

    /// Says in words what is not as in the file; `None` where all is. An error says why it is not known.
    ///
    /// # Errors
    /// The file can't be read, or no namespace can be made.
    pub fn difference(&self, table: &str) -> Result<Option<String>, String> {
        let there = ours(&self.there, table);
        if there.is_empty() {
            return Ok(Some("the rules are not loaded".to_owned()));
        }
        let difference = difference(&ours(self.wanted.as_ref().map_err(Clone::clone)?, table), &there);
        let overtaken =
            || overtaken(&self.there, table).map(|rule| format!("a rule before ours lets all in: {rule}"));
        Ok(difference.or_else(overtaken))
    }
}

/// Finds a rule that accepts everything before a packet comes to a chain of ours. Docker, ufw and others put theirs in front,
/// too, and those decide about their own packets only.
#[must_use]
pub fn overtaken<'a>(saved: &'a str, table: &str) -> Option<&'a str> {
    let mut rest =
        saved.lines().map(str::trim).skip_while(|line| line.strip_prefix('*') != Some(table)).skip(1);
    let rules: Vec<&str> = rest.by_ref().take_while(|line| !line.starts_with('*')).collect();
    ["INPUT", "FORWARD"].into_iter().find_map(|chain| {
        let of_chain = rules.iter().copied().filter(|rule| rule.split(' ').nth(1) == Some(chain));
        let before = of_chain.take_while(|rule| !is_ours(rule));
        before.into_iter().find(|rule| accepts_all(rule, chain))
    })
}

/// Tells a rule that has no condition but a comment, as `iptables-save` prints it, and accepts.
fn accepts_all(rule: &str, chain: &str) -> bool {
    let Some(rest) =
        rule.strip_prefix(&format!("-A {chain} ")).and_then(|rest| rest.strip_suffix("-j ACCEPT"))
    else {
        return false;
    };
    let rest = rest.trim_end();
    let comment = rest.strip_prefix("-m comment --comment ");
    rest.is_empty() || comment.is_some_and(|c| !c.contains(" -") && (!c.contains(' ') || c.starts_with('"')))
}

/// Loads a file into a namespace, and prints what iptables makes of it.
fn read_back(host: &dyn Host, file: &str, tool: &str) -> Result<String, String> {
    let bytes = host.read_followed(file).map_err(|e| format!("{file} can't be read: {e}"))?;
    let bytes = bytes.ok_or_else(|| format!("{file} is not there to compare with"))?;
    let script = format!("{tool}-restore -w --noflush && {tool}-save");
    let output = host.output(&Tool::new("unshare").args(["--net", "sh", "-c", &script]).stdin(bytes));
    match output {
        Ok(output) if output.code == Some(0) => Ok(output.stdout),
        Ok(output) => Err(format!("{file} was not compared: {}", output.stderr.trim())),
        Err(e) => Err(format!("{file} was not compared: {e}")),
    }
}

/// Picks, from what `iptables-save` prints, one table's rules in our chains and the jumps to them. Chains come in another
/// order on each host, rules of one chain stay in theirs.
#[must_use]
pub fn ours<'a>(saved: &'a str, table: &str) -> Vec<&'a str> {
    let mut at = "";
    let mut rules = Vec::new();
    for line in saved.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('*') {
            at = name;
        } else if at == table && line.starts_with("-A ") && is_ours(line) {
            rules.push(line);
        }
    }
    rules.sort_by_key(|rule| rule.split(' ').nth(1));
    rules
}

fn is_ours(rule: &str) -> bool {
    rule.starts_with("-A PIBACK-") || rule.contains(" -j PIBACK-") || rule.contains(" -g PIBACK-")
}

/// Names the first rule that differs.
#[must_use]
pub fn difference(wanted: &[&str], there: &[&str]) -> Option<String> {
    let count = |rules: &[&str], rule: &str| rules.iter().filter(|r| **r == rule).count();
    let lacks = wanted.iter().find(|rule| count(there, rule) < count(wanted, rule));
    let extra = there.iter().find(|rule| count(there, rule) > count(wanted, rule));
    match (lacks, extra) {
        (Some(rule), _) => Some(format!("a rule is missing: {rule}")),
        (None, Some(rule)) => Some(format!("a rule was put in: {rule}")),
        (None, None) => {
            let (rule, _) = there.iter().zip(wanted).find(|(a, b)| a != b)?;
            Some(format!("a rule is in another place: {rule}"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAVED: &str = "# Generated by iptables-save v1.8.9 (nf_tables)\n*filter\n:INPUT ACCEPT [0:0]\n:PIBACK-INPUT - [0:0]\n\
        -A INPUT -j PIBACK-INPUT\n-A INPUT -i tun0 -j DROP\n-A PIBACK-INPUT -i lo -j RETURN\n-A PIBACK-INPUT -j DROP\nCOMMIT\n\
        *nat\n-A POSTROUTING -j PIBACK-POSTROUTING\nCOMMIT\n";

    #[test]
    fn a_rule_taken_out_put_in_or_moved_is_named() {
        let wanted = ours(SAVED, "filter");
        assert_eq!(wanted.len(), 3, "another's rules are no matter");
        assert_eq!(ours(SAVED, "nat"), ["-A POSTROUTING -j PIBACK-POSTROUTING"]);
        let said = |there: &str| difference(&wanted, &ours(there, "filter"));
        assert_eq!(said(SAVED), None);
        assert_eq!(said(&SAVED.replace("-A INPUT -i tun0 -j DROP\n", "")), None);
        let line = "-A PIBACK-INPUT -j DROP\n";
        assert_eq!(
            said(&SAVED.replace(line, "")).as_deref(),
            Some("a rule is missing: -A PIBACK-INPUT -j DROP")
        );
        let jump = "-A INPUT -j PIBACK-INPUT\n";
        assert_eq!(
            said(&SAVED.replace(jump, "")).as_deref(),
            Some("a rule is missing: -A INPUT -j PIBACK-INPUT")
        );
        let more = "-A PIBACK-INPUT -i eth0 -j ACCEPT\n-A PIBACK-INPUT -j DROP\n";
        assert_eq!(
            said(&SAVED.replace(line, more)).as_deref(),
            Some("a rule was put in: -A PIBACK-INPUT -i eth0 -j ACCEPT")
        );
        assert!(said(&SAVED.replace(line, &line.repeat(2))).is_some(), "twice is once too many");
        let moved = SAVED
            .replace(line, "")
            .replace("-A PIBACK-INPUT -i lo", "-A PIBACK-INPUT -j DROP\n-A PIBACK-INPUT -i lo");
        assert_eq!(said(&moved).as_deref(), Some("a rule is in another place: -A PIBACK-INPUT -j DROP"));
    }

    #[test]
    fn a_rule_that_lets_all_in_before_ours_is_found_and_no_other() {
        let saved = |rules: &str| format!("*nat\n-A INPUT -j ACCEPT\nCOMMIT\n*filter\n{rules}COMMIT\n");
        let ours = "-A INPUT -j PIBACK-INPUT\n-A FORWARD -j PIBACK-FORWARD\n";
        for rule in [
            "-A INPUT -j ACCEPT",
            "-A FORWARD -j ACCEPT",
            "-A INPUT -m comment --comment \"let all in\" -j ACCEPT",
            "-A INPUT -m comment --comment all -j ACCEPT",
        ] {
            assert_eq!(overtaken(&saved(&format!("{rule}\n{ours}")), "filter"), Some(rule));
            assert_eq!(overtaken(&saved(&format!("{ours}{rule}\n")), "filter"), None, "behind ours");
        }
        for rule in [
            "-A INPUT -i docker0 -j ACCEPT",
            "-A INPUT -j ts-input",
            "-A INPUT -j DROP",
            "-A INPUT -m comment --comment \"ssh\" -m tcp --dport 22 -j ACCEPT",
            "-A OUTPUT -j ACCEPT",
        ] {
            assert_eq!(overtaken(&saved(&format!("{rule}\n{ours}")), "filter"), None, "{rule}");
        }
    }
}
