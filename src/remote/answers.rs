//! Answers of rclone's: lists, features, log lines. Pure.

use crate::backup::offers::Sum;
use serde::Deserialize;
use std::collections::HashMap;

/// A file on a remote.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Listed {
    /// Below the folder that was listed.
    pub path: String,
    /// In bytes; -1 where the remote does not know.
    pub size: i64,
    #[serde(default)]
    pub is_dir: bool,
    /// By the names that rclone has for them.
    #[serde(default)]
    pub hashes: HashMap<String, String>,
}

impl Listed {
    /// A name that is taken, by something of which nothing is known.
    #[must_use]
    pub fn unknown(name: &str) -> Self {
        Listed { path: name.to_owned(), size: -1, is_dir: false, hashes: HashMap::new() }
    }
}

/// Reads `rclone lsjson`: the files, by path.
///
/// # Errors
/// It is no such list.
pub fn listed(text: &str) -> Result<HashMap<String, Listed>, String> {
    let all: Vec<Listed> =
        serde_json::from_str(text).map_err(|e| format!("rclone's list can't be read: {e}"))?;
    Ok(all.into_iter().filter(|one| !one.is_dir).map(|one| (one.path.clone(), one)).collect())
}

/// A remote's abilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Abilities {
    /// The best hash that it has of what it holds; none where it has none that piback computes.
    pub sum: Option<Sum>,
    /// It can give a file another name without moving its bytes.
    pub renames: bool,
    /// It reads a file to compute its hash, and has none at hand.
    pub slow: bool,
}

/// Reads `rclone backend features`.
///
/// # Errors
/// It is no such answer.
pub fn abilities(text: &str) -> Result<Abilities, String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Features {
        #[serde(default)]
        r#move: bool,
        #[serde(default)]
        slow_hash: bool,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Answer {
        #[serde(default)]
        hashes: Option<Vec<String>>,
        features: Features,
    }
    let answer: Answer =
        serde_json::from_str(text).map_err(|e| format!("rclone's answer can't be read: {e}"))?;
    let hashes = answer.hashes.unwrap_or_default();
    let sum = Sum::ALL.into_iter().find(|sum| hashes.iter().any(|hash| hash == sum.name()));
    Ok(Abilities { sum, renames: answer.features.r#move, slow: answer.features.slow_hash })
}

/// Kinds of remotes, as rclone names them, whose hash is of what they hold: they compute it, or hold what was handed to them
/// against it. Others keep what was handed to them (Nextcloud's `OC-Checksum`), or add up what once went by (`chunker`, `hasher`).
/// S3 and B2 do both, by a file's size and by who uploaded it. From rclone's documentation of each ("Hashes", "Checksums").
const COMPUTE: [&str; 7] = ["local", "sftp", "drive", "google cloud storage", "onedrive", "pcloud", "swift"];

/// Reads `rclone listremotes --long` (`home: sftp`): tells whether a remote's hashes are worth anything.
#[must_use]
pub fn computes(text: &str, remote: &str) -> bool {
    let kind = |line: &str| Some(line.strip_prefix(remote)?.strip_prefix(':')?.trim().to_owned());
    text.lines().find_map(kind).is_some_and(|kind| COMPUTE.contains(&kind.as_str()))
}

/// A line of rclone's log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct LogLine {
    pub level: String,
    pub msg: String,
    /// The file that it is about, below the folder that was copied; empty for none.
    pub object: String,
    pub stats: Option<Stats>,
}

/// Totals of a copy so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Stats {
    pub bytes: u64,
}

/// Reads a line of `--use-json-log`. A line in any other form is a message.
#[must_use]
pub fn log_line(line: &str) -> LogLine {
    serde_json::from_str(line).unwrap_or_else(|_| {
        // Its last word before it ends: `2026/11/27 21:45:44 Failed to copy: …`.
        let stamp = |text: &str| text.chars().all(|c| c.is_ascii_digit() || matches!(c, '/' | ':' | ' '));
        let msg = line.split_at_checked(20).filter(|(head, _)| stamp(head)).map_or(line, |(_, rest)| rest);
        LogLine { level: "error".into(), msg: msg.trim().to_owned(), ..LogLine::default() }
    })
}

impl LogLine {
    /// An error of a file's, in words of our own.
    #[must_use]
    pub fn about(name: &str, msg: &str) -> Self {
        LogLine { level: "error".into(), msg: msg.into(), object: name.into(), stats: None }
    }

    /// Tells whether it is about no file of its own. What rclone says in the end of those that it could not copy is none.
    #[must_use]
    pub fn is_of_all(&self) -> bool {
        let echoes = ["Attempt ", "Failed to copy", "Failed to move"];
        self.object.is_empty() && !echoes.iter().any(|echo| self.msg.starts_with(echo))
    }
}

/// The errors of a log, the last one of each file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Errors {
    lines: Vec<LogLine>,
    /// rclone was ended for them.
    pub ended: bool,
}

/// More errors than that are not kept: the first ones go.
const MOST_ERRORS: usize = 200;

impl Errors {
    /// Hears a line, and returns what it says.
    pub fn hear(&mut self, line: &str) -> LogLine {
        let line = log_line(line);
        self.take(line.clone());
        line
    }

    /// Takes a line up, if it is an error.
    pub fn take(&mut self, line: LogLine) {
        if matches!(line.level.as_str(), "error" | "critical" | "fatal" | "emergency") && !line.msg.is_empty()
        {
            self.lines.retain(|one| one.object != line.object);
            self.lines.push(line);
            if self.lines.len() > MOST_ERRORS {
                self.lines.remove(0);
            }
        }
    }

    #[must_use]
    pub fn lines(&self) -> &[LogLine] {
        &self.lines
    }

    /// Takes another log's up.
    pub fn extend(&mut self, more: Errors) {
        self.lines.extend(more.lines);
        self.ended |= more.ended;
    }

    /// Those of one file.
    #[must_use]
    pub fn of(&self, is_its: impl Fn(&LogLine) -> bool) -> Vec<LogLine> {
        self.lines.iter().filter(|line| is_its(line)).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_sizes_and_hashes_and_no_folders() {
        let text = r#"[
            {"Path":"a","Name":"a","Size":-1,"MimeType":"inode/directory","ModTime":"x","IsDir":true},
            {"Path":"a/x.jpg","Name":"x.jpg","Size":3,"IsDir":false,"Hashes":{"md5":"76","sha1":"55"}},
            {"Path":"q","Size":0}]"#;
        let all = listed(text).unwrap();
        assert_eq!(all.len(), 2);
        assert_eq!((all["a/x.jpg"].size, all["a/x.jpg"].hashes["sha1"].as_str()), (3, "55"));
        assert!(all["q"].hashes.is_empty());
        for bad in ["", "{}", "[\n", "[{\"Path\":1}]"] {
            assert!(listed(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_best_hash_that_piback_computes_is_taken() {
        let of = |hashes: &str, can: bool| {
            abilities(&format!("{{\"Hashes\":{hashes},\"Features\":{{\"Move\":{can},\"SlowHash\":{can}}}}}"))
                .unwrap()
        };
        assert_eq!(
            of(r#"["md5","sha1"]"#, true),
            Abilities { sum: Some(Sum::Sha1), renames: true, slow: true }
        );
        assert_eq!(of(r#"["quickxor"]"#, false), Abilities { sum: None, renames: false, slow: false });
        assert_eq!(of("null", false).sum, None);
        assert!(abilities("x").is_err());
    }

    #[test]
    fn a_hash_counts_where_it_is_of_what_is_there() {
        let text =
            "home:    sftp\nnc:      webdav\nchunks:  chunker\ngcs:     google cloud storage\nmy:home: s3\n";
        let counts = |remote: &str| computes(text, remote);
        assert!(counts("home") && counts("gcs"));
        assert!(!counts("nc") && !counts("chunks") && !counts("my") && !counts("hom") && !counts("other"));
        assert!(!computes("cloud: s3\n", "cloud"), "of a large file it has what the uploader said");
    }

    #[test]
    fn of_a_log_the_last_error_of_each_file_counts() {
        let log = "{\"level\":\"error\",\"msg\":\"first\",\"object\":\"a\"}\n{\"level\":\"notice\",\"msg\":\"no\"}\n\
                   {\"level\":\"error\",\"msg\":\"last\",\"object\":\"a\"}\n2026/11/27 21:45:44 Failed: unknown flag\n";
        let mut errors = Errors::default();
        log.lines().for_each(|line| _ = errors.hear(line));
        let said: Vec<String> = errors.lines().iter().map(|e| format!("{}:{}", e.object, e.msg)).collect();
        assert_eq!(said, ["a:last", ":Failed: unknown flag"]);
        assert_eq!(log_line("{\"stats\":{\"bytes\":7,\"speed\":1.5}}").stats, Some(Stats { bytes: 7 }));
    }
}
