//! Two texts to a unified diff, secrets masked before they come here.

use crate::secret::MASK;
use crate::ui::visible;
use similar::TextDiff;

/// Lines of a unified diff with three lines of context, without file header.
#[must_use]
pub fn unified(before: &str, after: &str) -> Vec<String> {
    TextDiff::from_lines(before, after)
        .unified_diff()
        .context_radius(3)
        .to_string()
        .lines()
        .map(visible_but_tabs)
        .collect()
}

/// Parts of keys whose values are never shown, whoever wrote the file. Rather a path too many than a password.
const SECRET_KEYS: [&str; 8] = ["pass", "psk", "secret", "pwd", "wep", "private_key", "_pin", "wireless-key"];

/// A file's text with the values of secret keys masked, also in comments: `key=value`, `key: value`, and `key value`
/// as in interfaces(5).
#[must_use]
pub fn masked(text: &str) -> String {
    text.split_inclusive('\n').map(masked_line).collect()
}

fn masked_line(line: &str) -> String {
    let (content, end) = match line.strip_suffix('\n') {
        Some(content) => (content, "\n"),
        None => (line, ""),
    };
    let secret = |key: &str| {
        let key = key.to_ascii_lowercase();
        SECRET_KEYS.iter().any(|part| key.contains(part))
    };
    // A sentence of a comment is no key: at most four words before the sign.
    let is_key = |key: &&str| key.split_whitespace().count() <= 4 && secret(key);
    if let Some((key, _)) =
        content.split_once(['=', ':']).filter(|(key, value)| is_key(key) && !value.is_empty())
    {
        let sign = &content[key.len()..=key.len()];
        return format!("{key}{sign}{MASK}{end}");
    }
    let start = content.len() - uncommented(content).len();
    if let Some((key, _)) =
        content[start..].split_once([' ', '\t']).filter(|(key, _)| key.contains('-') && secret(key))
    {
        return format!("{}{key} {MASK}{end}", &content[..start]);
    }
    line.to_owned()
}

/// The words of a line once blanks and comment signs, `piback`'s own among them, are taken from its beginning.
fn uncommented(line: &str) -> &str {
    let mut rest = line;
    while let Some(after) = rest.strip_prefix("#piback#").or_else(|| rest.strip_prefix([' ', '\t', '#'])) {
        rest = after;
    }
    rest
}

/// Marks secrets in `after` that `before` had with another value: masked, both lines would look the same.
#[must_use]
pub fn mark_changed_secrets(before: &str, after: &str, after_masked: &str) -> String {
    let old: Vec<&str> = before.lines().collect();
    let lines = after.lines().zip(after_masked.split_inclusive('\n'));
    lines
        .map(|(real, shown)| {
            let secret = real != shown.trim_end_matches('\n');
            let key = real.split('=').next().unwrap_or_default();
            let had = old.iter().any(|o| o.split('=').next() == Some(key));
            if secret && had && !old.contains(&real) {
                return shown.replacen(MASK, &format!("{MASK} (changed)"), 1);
            }
            shown.to_owned()
        })
        .collect()
}

fn visible_but_tabs(line: &str) -> String {
    line.split('\t').map(visible).collect::<Vec<_>>().join("\t")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_of_any_file_are_masked() {
        let text = "ssid=a\nwpa_passphrase=hunter2hunter2\n# wpa_psk = abc\nwpa_key_mgmt=WPA-PSK\nx";
        let shown = format!("ssid=a\nwpa_passphrase={MASK}\n# wpa_psk ={MASK}\nwpa_key_mgmt=WPA-PSK\nx");
        assert_eq!(masked(text), shown);
        let aside = "+#piback# #    wpa-psk \"hunter2\"\n#\twpa-psk x\n";
        assert_eq!(masked(&aside[1..]), format!("#piback# #    wpa-psk {MASK}\n#\twpa-psk {MASK}\n"));
    }

    #[test]
    fn a_changed_secret_is_shown_as_changed() {
        let (before, after) = ("a\nwpa_passphrase=old\n", "a\nwpa_passphrase=new\n");
        let shown = mark_changed_secrets(before, after, &masked(after));
        assert_eq!(shown, format!("a\nwpa_passphrase={MASK} (changed)\n"));
        assert_eq!(mark_changed_secrets(before, before, &masked(before)), masked(before));
        assert_eq!(
            unified(&masked(before), &shown),
            ["@@ -1,2 +1,2 @@", " a", "-wpa_passphrase=********", "+wpa_passphrase=******** (changed)"]
        );
    }

    #[test]
    fn control_characters_are_shown_as_escapes() {
        assert_eq!(unified("", "\u{1b}[2J\tx\n"), ["@@ -0,0 +1 @@", "+\\u{1b}[2J\tx"]);
    }
}
