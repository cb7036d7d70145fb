//! Samba: it merges sections of one name, whatever the case of its letters, and piback's would get another's settings; and
//! shares of the user's that are not where they were.

use super::found::{Found, Weight};
use super::looked::Looked;
use crate::provision::components::samba::CONF;
use std::collections::BTreeSet;

/// Sections that Debian ships.
const DEBIANS: [&str; 4] = ["global", "homes", "printers", "print$"];

pub fn look(looked: &Looked<'_>, found: &mut Found) -> anyhow::Result<()> {
    let names = &looked.profile.share.names;
    let ours = [("drives", names.drives.as_str()), ("folder", names.folder.as_str())];
    let mut users = Vec::new();
    for (path, text) in files(looked)? {
        for (line, name) in sections(&text) {
            match ours.iter().find(|(_, own)| same(own, name)) {
                Some((key, own)) => found.add(
                    Weight::Refused,
                    format!("{path}:{line}"),
                    format!("[{name}] is the name of piback's share {own} too, and Samba makes one of both"),
                    format!("name it otherwise, or piback's: share.names.{key} in the profile"),
                ),
                None if DEBIANS.iter().any(|debians| same(debians, name)) => {}
                None => users.push(name.to_owned()),
            }
        }
    }
    if !users.is_empty() {
        let also = looked.profile.share.elsewhere(&looked.profile.uplink);
        let where_to = match also.is_empty() {
            true => "the Wi-Fi alone".to_owned(),
            false => format!("the Wi-Fi and {}", also.join(", ")),
        };
        found.add(
            Weight::Said,
            CONF,
            format!(
                "its shares ({}) are there beside piback's, and reached over {where_to}",
                users.join(", ")
            ),
            "to reach them over a cable too: share.also_on: [eth1] in the profile",
        );
    }
    Ok(())
}

/// smb.conf and what its `include` lines name. A path with a variable of Samba's is a client's, and is left out.
fn files(looked: &Looked<'_>) -> anyhow::Result<Vec<(String, String)>> {
    let (mut todo, mut seen, mut files) = (vec![CONF.to_owned()], BTreeSet::new(), Vec::new());
    while let Some(path) = todo.pop() {
        if !seen.insert(path.clone()) || super::looked::is_ours(&path) {
            continue;
        }
        let Some(text) = looked.text(&path)? else { continue };
        let named = settings(&text).filter(|(key, _)| key == "include").map(|(_, value)| value);
        todo.extend(named.filter(|path| path.starts_with('/') && !path.contains('%')).map(str::to_owned));
        files.push((path, text));
    }
    Ok(files)
}

fn settings(text: &str) -> impl Iterator<Item = (String, &str)> {
    let active = text.lines().map(str::trim).filter(|line| !line.starts_with(['#', ';']));
    active.filter_map(|line| {
        let (key, value) = line.split_once('=')?;
        Some((key.trim().to_lowercase(), value.trim()))
    })
}

/// Sections with their lines, from 1.
fn sections(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate();
    lines.filter_map(|(number, line)| {
        Some((number + 1, line.trim().strip_prefix('[')?.split(']').next()?.trim()))
    })
}

/// Tells whether Samba takes two names for one: blanks in a row are one.
fn same(a: &str, b: &str) -> bool {
    let words = |name: &str| name.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase();
    words(a) == words(b)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_includes() {
        let text = "[global]\n# [pi]\n  [ PI ]\npath = /x\ninclude = /etc/samba/more.conf\n;include=/no\n";
        assert_eq!(sections(text).collect::<Vec<_>>(), [(1, "global"), (3, "PI")]);
        assert!(same(" pI", "Pi") && same("my  drive", "My Drive") && !same("Pi", "Pi2"));
        let named: Vec<&str> = settings(text).filter(|(key, _)| key == "include").map(|(_, v)| v).collect();
        assert_eq!(named, ["/etc/samba/more.conf"]);
    }
}
