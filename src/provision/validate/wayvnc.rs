//! wayvnc has no test mode. A user's own template may set more; what keeps strangers out has to be there.

use std::collections::BTreeMap;

/// Says what is wrong, a sentence each. Follows wayvnc's own reading (`src/cfg.c`): both sides of the first `=` are
/// trimmed, a line that begins with `#` is a comment, and the last of two lines counts.
#[must_use]
pub fn check(text: &str) -> Vec<String> {
    let mut errors = Vec::new();
    let mut values = BTreeMap::new();
    for (index, line) in text.lines().map(str::trim).enumerate() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match line.split_once('=') {
            None => errors.push(format!("line {} has no =", index + 1)),
            Some((key, value)) => _ = values.insert(key.trim(), value.trim()),
        }
    }
    let value = |key: &str| values.get(key).copied().unwrap_or_default();
    if value("enable_auth") != "true" {
        errors.push("enable_auth is not true: everybody would be let in".to_owned());
    }
    if value("enable_pam") != "true" && (value("username").is_empty() || value("password").is_empty()) {
        errors.push("username and password are not both there".to_owned());
    }
    if matches!(value("address"), "" | "0.0.0.0" | "::") {
        errors.push("address is none in particular: every network would see the screen".to_owned());
    }
    if !matches!(value("relax_encryption"), "" | "false") {
        errors.push("relax_encryption lets passwords go in the clear".to_owned());
    }
    errors
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_screen_for_everybody_is_none() {
        let good = "# c\naddress = 10.41.0.1\nenable_auth=true\nusername=piback\npassword=a=b #c\n";
        assert_eq!(check(good), Vec::<String>::new());
        for (from, to, word) in [
            ("10.41.0.1", "0.0.0.0", "every network"),
            ("address = 10.41.0.1\n", "", "every network"),
            ("enable_auth=true", "enable_auth=yes", "let in"),
            ("a=b #c", "", "not both"),
            ("# c", "relax_encryption=true", "in the clear"),
            ("# c", "nonsense", "has no ="),
        ] {
            let said = check(&good.replace(from, to));
            assert!(said.len() == 1 && said[0].contains(word), "{to}: {said:?}");
        }
    }
}
