//! Commands and paths in messages, as they have to be typed after this command line: with its tree and its folders.

use super::visible::visible;
use crate::paths;
use std::sync::OnceLock;

/// The parts of this command line that a command in a message has to repeat.
#[derive(Debug, Clone, Default)]
pub struct Typed {
    /// Every verb there is.
    pub verbs: &'static [&'static str],
    /// `--root`, as it was given.
    pub root: Option<String>,
    /// `--profile`, as it was given.
    pub profile: Option<String>,
    /// The card's label.
    pub label: Option<String>,
    /// `--source` and `--dest` with their folders, each with a space in front.
    pub ends: String,
}

static TYPED: OnceLock<Typed> = OnceLock::new();

/// Verbs that take `--source` or `--dest`.
const WITH_ENDS: [&str; 3] = ["backup", "verify", "safe-to-format"];
/// Verbs that no tree has, and that are refused with `--root`: they stand as on a host.
const OF_A_HOST: [&str; 7] = ["cards", "enroll", "eject", "poweroff", "uplink", "pair", "set-time"];
/// Folders of piback's own on a host.
const OWN: [&str; 2] = [paths::CONFIG, paths::STATE];

/// Takes note of this command line; the first one counts.
pub fn repeat(typed: Typed) {
    let _ = TYPED.set(typed);
}

/// A text in which each command stands as it has to be typed.
pub(super) fn commands(text: &str) -> String {
    TYPED.get().map_or_else(|| text.to_owned(), |typed| typed.commands(text))
}

/// A text in which each command stands as it has to be typed, and each path of piback's own where it lies: in the tree.
#[must_use]
pub fn as_typed(text: &str) -> String {
    TYPED.get().map_or_else(|| text.to_owned(), |typed| typed.paths(&typed.commands(text)))
}

/// A path of the host's, as it is seen from outside: in the tree that `--root` names.
#[must_use]
pub fn in_tree(path: &str) -> String {
    let root = TYPED.get().and_then(|typed| typed.root.as_deref());
    root.map_or_else(|| path.to_owned(), |root| visible(root.trim_end_matches('/')) + path)
}

/// A word of the command line, as a shell takes it.
#[must_use]
pub fn word(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "/._-+:=@%,~".contains(c);
    if !text.is_empty() && text.chars().all(plain) && !text.starts_with('~') {
        return visible(text);
    }
    format!("'{}'", visible(&text.replace('\'', r"'\''")))
}

/// A flag with its value, as a shell and the command line take it: a value that begins with a dash would be another flag.
#[must_use]
pub fn flag(name: &str, value: &str) -> String {
    let between = if value.starts_with('-') { '=' } else { ' ' };
    format!("{name}{between}{}", word(value))
}

impl Typed {
    fn commands(&self, text: &str) -> String {
        let (mut out, mut rest) = (String::with_capacity(text.len()), text);
        while let Some(at) = rest.find("piback ") {
            let (before, after) = (&rest[..at], &rest[at + 7..]);
            let verb = self.verbs.iter().find(|verb| is_word(after, verb));
            let verb = verb.filter(|verb| self.root.is_none() || !OF_A_HOST.contains(*verb));
            let (Some(verb), false) = (verb, goes_on(before)) else {
                out.push_str(&rest[..at + 7]);
                rest = after;
                continue;
            };
            // A tree needs no root.
            let is_plain = self.root.is_none();
            out.push_str(before.strip_suffix("sudo ").filter(|_| !is_plain).unwrap_or(before));
            out.push_str("piback ");
            let flags = [("--root", &self.root), ("--profile", &self.profile)];
            for (name, value) in flags.into_iter().filter(|(name, _)| *verb != "init" || *name == "--root") {
                if let Some(value) = value.as_deref().filter(|_| !after[..line(after)].contains(name)) {
                    out.push_str(&format!("{} ", flag(name, value)));
                }
            }
            out.push_str(verb);
            rest = &after[verb.len()..];
            if WITH_ENDS.contains(verb) {
                let has_ends = rest[..line(rest)].contains("--dest");
                if let Some(behind) = self.behind_label(rest) {
                    out.push_str(&format!(" {}", word(self.label())));
                    rest = behind;
                }
                out.push_str(if has_ends { "" } else { &self.ends });
            }
        }
        out + rest
    }

    fn label(&self) -> &str {
        self.label.as_deref().unwrap_or("LABEL")
    }

    /// Returns what follows the card's label, in whichever quotes a message has it.
    fn behind_label<'a>(&self, text: &'a str) -> Option<&'a str> {
        let (label, shown) = (self.label(), visible(self.label()));
        let named = [word(label), format!("'{label}'"), format!("'{shown}'"), label.to_owned(), shown];
        let mut named = named.iter().map(|named| format!(" {named}"));
        named.find(|named| is_word(text, named)).map(|named| &text[named.len()..])
    }

    fn paths(&self, text: &str) -> String {
        let Some(root) = &self.root else { return text.to_owned() };
        let root = visible(root.trim_end_matches('/'));
        OWN.iter().fold(text.to_owned(), |text, own| {
            let mut parts = text.split(own);
            let mut out = parts.next().unwrap_or_default().to_owned();
            for part in parts {
                let there = format!("{own}{part}");
                let outside = self.profile.as_deref().is_some_and(|profile| there.starts_with(profile));
                if !goes_on(&out) && is_word(&there, own) && !outside {
                    out.push_str(&root);
                }
                out.push_str(own);
                out.push_str(part);
            }
            out
        })
    }
}

/// Tells whether `text` begins with `word` as a word of its own.
fn is_word(text: &str, word: &str) -> bool {
    let next = text.strip_prefix(word).map(|rest| rest.chars().next());
    next.is_some_and(|next| next.is_none_or(|c| !c.is_alphanumeric() && !"-_".contains(c)))
}

/// Tells whether a text ends in the middle of a path or a word.
fn goes_on(text: &str) -> bool {
    text.chars().next_back().is_some_and(|c| c.is_alphanumeric() || "/-_.~".contains(c))
}

/// The length of the first line.
fn line(text: &str) -> usize {
    text.find('\n').unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(root: Option<&str>, label: Option<&str>, ends: &str) -> Typed {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        let verbs = &["init", "apply", "verify", "backup", "status", "cards"];
        Typed { verbs, root: owned(root), profile: None, label: owned(label), ends: ends.to_owned() }
    }

    #[test]
    fn a_command_repeats_the_tree_and_no_sudo() {
        let tree = typed(Some("my pi/"), None, "");
        for (text, said) in [
            ("make one: sudo piback init", "make one: piback --root 'my pi/' init"),
            ("`piback apply` does", "`piback --root 'my pi/' apply` does"),
            ("type: piback apply --stack x", "type: piback --root 'my pi/' apply --stack x"),
            ("sudo piback cards shows it", "sudo piback cards shows it"),
            ("another piback is at it", "another piback is at it"),
            ("piback applying", "piback applying"),
            ("ExecStart=/usr/bin/piback status", "ExecStart=/usr/bin/piback status"),
            ("piback apply --root DIR", "piback apply --root DIR"),
        ] {
            assert_eq!(tree.commands(text), said);
        }
        let live = typed(None, None, "");
        assert_eq!(live.commands("make one: sudo piback init"), "make one: sudo piback init");
        let with = Typed { profile: Some("a.yaml".into()), ..live };
        assert_eq!(with.commands("piback apply, piback init"), "piback --profile a.yaml apply, piback init");
    }

    #[test]
    fn a_path_is_shown_where_it_lies() {
        let tree = typed(Some("pi/"), None, "");
        assert_eq!(
            tree.paths("no profile: /etc/piback/profile.yaml"),
            "no profile: pi/etc/piback/profile.yaml"
        );
        assert_eq!(tree.paths("pi/etc/piback and /etc/pibackup/x"), "pi/etc/piback and /etc/pibackup/x");
        // `--profile` is read outside of the tree.
        let outside = Typed { profile: Some("/etc/piback/a.yaml".into()), ..tree };
        assert_eq!(outside.paths("/etc/piback/a.yaml, /etc/piback/b"), "/etc/piback/a.yaml, pi/etc/piback/b");
        assert_eq!(typed(None, None, "").paths("/etc/piback/x"), "/etc/piback/x");
    }

    #[test]
    fn a_label_that_is_not_known_keeps_its_place() {
        let scrub = typed(None, None, " --dest d");
        assert_eq!(scrub.commands("piback verify LABEL --repair"), "piback verify LABEL --dest d --repair");
    }

    #[test]
    fn a_command_repeats_the_folders_behind_the_label() {
        let here = typed(None, Some("SD"), " --source c --dest d");
        for (text, said) in [
            ("piback verify SD --accept", "piback verify SD --source c --dest d --accept"),
            ("piback backup 'SD'", "piback backup SD --source c --dest d"),
            ("piback status", "piback status"),
            ("piback verify SD2", "piback verify --source c --dest d SD2"),
            ("piback backup SD --dest DIR", "piback backup SD --dest DIR"),
        ] {
            assert_eq!(here.commands(text), said);
        }
    }

    #[test]
    fn a_label_is_quoted_for_a_shell_and_a_dash_is_no_flag() {
        let blank = typed(None, Some("NO NAME"), "");
        for (text, said) in [
            ("copies it: piback backup NO NAME", "copies it: piback backup 'NO NAME'"),
            ("piback verify NO NAME --repair", "piback verify 'NO NAME' --repair"),
            ("piback backup 'NO NAME'", "piback backup 'NO NAME'"),
            ("piback backup NO NAMES", "piback backup NO NAMES"),
        ] {
            assert_eq!(blank.commands(text), said);
        }
        let quote = typed(None, Some("a'b c"), " --dest d");
        for text in ["piback backup a'b c", "piback backup 'a'b c'", r"piback backup 'a'\''b c'"] {
            assert_eq!(quote.commands(text), r"piback backup 'a'\''b c' --dest d");
        }
        let dash = typed(Some("-tree"), None, "");
        assert_eq!(dash.commands("piback apply"), "piback --root=-tree apply");
    }
}
