//! sysctl.d(5) files: `key = value` lines, comments.

/// Says what is wrong, a sentence each.
#[must_use]
pub fn check(text: &str) -> Vec<String> {
    let mut errors = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        let good = line.split_once('=').is_some_and(|(key, value)| {
            let key = key.trim().trim_start_matches('-');
            let sane = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | '*');
            !key.is_empty() && key.chars().all(sane) && !value.trim().is_empty()
        });
        if !good {
            errors.push(format!("line {} is no setting", index + 1));
        }
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings() {
        assert!(check("# c\n; c\n\nnet.ipv4.ip_forward=1\n-net/ipv4/x = 2\n").is_empty());
        assert_eq!(check("net.ipv4.ip_forward\na b=1\nx=\n").len(), 3);
    }
}
