//! Takes the secrets out of a boot file's text once they are kept elsewhere.

use super::file::section;
use serde_yaml::{Mapping, Value as Yaml};

/// The keys of `first_boot:` whose values don't stay in the file.
const SECRETS: [&str; 2] = ["passphrase", "share_password"];

/// A comment in the place of a value that was taken out.
const TAKEN: &str = "# taken over; write a new one here to change it";

/// Returns the text with the secrets' values taken out and everything else as it was; `None` when none is in it.
///
/// # Errors
/// A sentence, where a value can't be taken out without changing something else.
pub fn blank(text: &str) -> Result<Option<String>, String> {
    let unreadable = || "the file changed and can't be read any more".to_owned();
    let Ok(Yaml::Mapping(whole)) = serde_yaml::from_str::<Yaml>(text) else { return Err(unreadable()) };
    let Some(Yaml::Mapping(old)) = whole.get("first_boot") else { return Ok(None) };
    let mut new = old.clone();
    let mut values = Vec::new();
    for key in SECRETS {
        if let Some(value) = new.get_mut(key).filter(|value| !value.is_null()) {
            values.extend(value.as_str().map(|text| text.trim_end_matches('\n').to_owned()));
            *value = Yaml::Null;
        }
    }
    if *old == new {
        return Ok(None);
    }
    let mut wanted = whole.clone();
    wanted.insert("first_boot".into(), Yaml::Mapping(new.clone()));
    let holds = |candidate: &String| {
        serde_yaml::from_str::<Yaml>(candidate).is_ok_and(|read| read == Yaml::Mapping(wanted.clone()))
    };
    let lines = section(text).ok_or_else(unreadable)?;
    let line_by_line = replace(text, |i, line| match secret_key(line).filter(|_| lines.contains(&i)) {
        Some(key) => format!("{key} {TAKEN}"),
        None => line.to_owned(),
    });
    // Values over several lines or in braces: the section is written anew.
    let anew = written(&new);
    let whole_section = replace(text, |i, line| match lines.contains(&i) {
        true if i == lines.start => anew.clone(),
        true => String::new(),
        false => line.to_owned(),
    });
    let candidates = [line_by_line, whole_section];
    let blanked = candidates.into_iter().find(holds);
    let blanked = blanked.ok_or("the secrets can't be told from the rest; take them out by hand")?;
    // The same words in a comment, as of somebody who tried two passphrases.
    let clean = replace(&blanked, |_, line| without(line, &values));
    Ok(Some(if holds(&clean) { clean } else { blanked }))
}

/// Each line without its end through `change`; the ends stay.
fn replace(text: &str, change: impl Fn(usize, &str) -> String) -> String {
    let one = |(i, line): (usize, &str)| {
        let (body, end) = line.strip_suffix('\n').map_or((line, ""), |body| (body, "\n"));
        change(i, body) + end
    };
    text.split_inclusive('\n').enumerate().map(one).collect()
}

/// `  passphrase:` of a line that begins so, its indent with it.
fn secret_key(line: &str) -> Option<&str> {
    let key = line.trim_start();
    let indent = line.len() - key.len();
    let name =
        SECRETS.iter().find(|name| key.strip_prefix(**name).is_some_and(|rest| rest.starts_with(':')))?;
    (indent > 0).then(|| &line[..=indent + name.len()])
}

/// The comment of a line without the secrets.
fn without(line: &str, values: &[String]) -> String {
    let Some(at) = line.find('#') else { return line.to_owned() };
    let (before, comment) = line.split_at(at);
    let comment =
        values.iter().filter(|v| !v.is_empty()).fold(comment.to_owned(), |c, v| c.replace(v.as_str(), "…"));
    format!("{before}{comment}")
}

fn written(section: &Mapping) -> String {
    let mut top = Mapping::new();
    top.insert("first_boot".into(), Yaml::Mapping(section.clone()));
    serde_yaml::to_string(&top).unwrap_or_default().trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_go_and_everything_else_stays() {
        let text = "# mine: open sesame was too short\nwifi:\n  country: DE # passphrase: not this one\nfirst_boot:\n  \
                    passphrase: \"open sesame\"  # remember\n  hostname: pi\n  share_password: 'it''s mine'\n";
        let wanted = format!(
            "# mine: … was too short\nwifi:\n  country: DE # passphrase: not this one\nfirst_boot:\n  \
             passphrase: {TAKEN}\n  hostname: pi\n  share_password: {TAKEN}\n"
        );
        assert_eq!(blank(text).unwrap().unwrap(), wanted);
        assert_eq!(blank(&wanted).unwrap(), None);
    }

    #[test]
    fn odd_forms_are_written_anew() {
        for section in [
            "first_boot: {passphrase: open sesame, hostname: pi}\n",
            "first_boot:\n  passphrase: |\n    open sesame\n  hostname: pi\n",
            "first_boot:\n  passphrase: open\n    sesame\n  hostname: pi\n",
            "first_boot:\n  ? passphrase\n  : open sesame\n  hostname: pi\n",
            "\"first_boot\":\n  \"passphrase\": open sesame\n  hostname: pi\n",
        ] {
            let text = format!("wifi:\n  country: DE\n{section}uplink:\n  interface: eth0\n");
            let blanked = blank(&text).unwrap().unwrap();
            assert!(!blanked.contains("sesame"), "{blanked}");
            assert!(
                blanked.starts_with("wifi:\n  country: DE\n") && blanked.contains("hostname: pi"),
                "{blanked}"
            );
            assert!(blanked.ends_with("uplink:\n  interface: eth0\n"), "{blanked}");
            assert_eq!(blank(&blanked).unwrap(), None);
        }
    }

    #[test]
    fn without_secrets_nothing_changes() {
        for text in ["wifi:\n  country: DE\n", "first_boot:\n  hostname: a\n", "first_boot:\n  passphrase:\n"]
        {
            assert_eq!(blank(text).unwrap(), None);
        }
    }
}
