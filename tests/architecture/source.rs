//! The source as the rules see it: tokens, imports and functions, without tests and comments.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// One file below `src/`.
pub struct Source {
    /// `provision/plan.rs`.
    pub name: String,
    pub text: String,
    /// The code but for comments and whatever is `#[cfg(test)]`.
    pub tokens: Vec<Token>,
}

/// A word, a literal or a sign of the code, with the line that it ends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub kind: Kind,
    pub text: String,
    pub line: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Word,
    Number,
    /// The text of a string without its quotes; escapes stand as they are written.
    Text,
    /// One character, but for `::`.
    Sign,
}

/// Reads all of `src/`, sorted by name.
pub fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let (mut found, mut todo): (Vec<PathBuf>, _) = (Vec::new(), vec![root.clone()]);
    while let Some(dir) = todo.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { todo.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    let read = |path: PathBuf| {
        let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(path).unwrap();
        let tokens = without_tests(tokens(&text));
        Source { name, text, tokens }
    };
    found.into_iter().map(read).collect()
}

/// Splits Rust's text into tokens. Comments are left out.
pub fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let (mut at, mut line, mut out) = (0, 1, Vec::new());
    let get = |i: usize| chars.get(i).copied().unwrap_or('\0');
    while at < chars.len() {
        let (start, c) = (at, chars[at]);
        let kind = match c {
            '/' if get(at + 1) == '/' => {
                at += chars[at..].iter().take_while(|c| **c != '\n').count();
                continue;
            }
            '/' if get(at + 1) == '*' => {
                while at < chars.len() && !(get(at) == '*' && get(at + 1) == '/') {
                    line += usize::from(get(at) == '\n');
                    at += 1;
                }
                at += 2;
                continue;
            }
            c if c.is_whitespace() => {
                line += usize::from(c == '\n');
                at += 1;
                continue;
            }
            'r' | 'b' | 'c' | '"' if string_start(&chars, at).is_some() => {
                let (open, hashes, raw) = string_start(&chars, at).unwrap();
                at = open;
                let closes = |i: usize| get(i) == '"' && (1..=hashes).all(|n| get(i + n) == '#');
                while at < chars.len() && !closes(at) {
                    at += if !raw && get(at) == '\\' { 2 } else { 1 };
                }
                let body: String = chars[open..at].iter().collect();
                at += 1 + hashes;
                line += body.matches('\n').count();
                out.push(Token { kind: Kind::Text, text: body, line });
                continue;
            }
            '\'' => {
                // A lifetime has no closing quote behind its first letter.
                if get(at + 1) != '\\' && get(at + 2) != '\'' {
                    at += 1;
                    continue;
                }
                at += if get(at + 1) == '\\' { 3 } else { 2 };
                while get(at) != '\'' && at < chars.len() {
                    at += 1;
                }
                at += 1;
                continue;
            }
            c if c.is_ascii_digit() => {
                let more = |c: &&char| c.is_ascii_alphanumeric() || **c == '_';
                at += chars[at..].iter().take_while(more).count();
                Kind::Number
            }
            c if c.is_alphabetic() || c == '_' => {
                at += chars[at..].iter().take_while(|c| c.is_alphanumeric() || **c == '_').count();
                Kind::Word
            }
            ':' if get(at + 1) == ':' => {
                at += 2;
                Kind::Sign
            }
            _ => {
                at += 1;
                Kind::Sign
            }
        };
        out.push(Token { kind, text: chars[start..at].iter().collect(), line });
    }
    out
}

/// Where the text of a string that begins here begins, how many `#` close it, and whether it is raw.
fn string_start(chars: &[char], at: usize) -> Option<(usize, usize, bool)> {
    let get = |i: usize| chars.get(i).copied().unwrap_or('\0');
    let before = at.checked_sub(1).map_or(' ', get);
    if before.is_alphanumeric() || before == '_' {
        return None;
    }
    let mut i = at;
    let prefix = chars[at..].iter().take_while(|c| matches!(c, 'b' | 'c' | 'r')).count();
    i += prefix;
    let raw = prefix > 0 && get(i - 1) == 'r';
    let hashes = if raw { chars[i..].iter().take_while(|c| **c == '#').count() } else { 0 };
    i += hashes;
    (get(i) == '"' && prefix <= 2).then_some((i + 1, hashes, raw))
}

/// Takes out each item that `#[cfg(test)]` stands before, and all of a file that begins with `#![cfg(test)]`.
fn without_tests(tokens: Vec<Token>) -> Vec<Token> {
    let texts: Vec<&str> = tokens.iter().map(|t| t.text.as_str()).collect();
    if texts.starts_with(&["#", "!", "[", "cfg", "(", "test", ")", "]"]) {
        return Vec::new();
    }
    let (mut out, mut at) = (Vec::new(), 0);
    while at < tokens.len() {
        if !texts[at..].starts_with(&["#", "[", "cfg", "(", "test", ")", "]"]) {
            out.push(tokens[at].clone());
            at += 1;
            continue;
        }
        at += 7;
        while texts.get(at) == Some(&"#") {
            at = closing(&tokens, at + 1) + 1;
        }
        // To the end of the item: a semicolon, or a block.
        while at < tokens.len() && texts[at] != ";" {
            let end = closing(&tokens, at);
            let block = texts[at] == "{";
            at = end + 1;
            if block {
                at -= 1;
                break;
            }
        }
        at += 1;
    }
    out
}

/// The token that closes the bracket at `at`; `at` itself if there is none.
fn closing(tokens: &[Token], at: usize) -> usize {
    let sign = |i: usize| (tokens[i].kind == Kind::Sign).then_some(tokens[i].text.as_str());
    let mut depth = 0;
    for i in at..tokens.len() {
        match sign(i) {
            Some("(" | "[" | "{") => depth += 1,
            Some(")" | "]" | "}") => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return i;
        }
    }
    tokens.len() - 1
}

impl Source {
    /// The path of the module that this file is: `["provision", "plan"]`.
    pub fn module(&self) -> Vec<String> {
        let stem = self.name.trim_end_matches(".rs");
        let mut path: Vec<String> = stem.split('/').map(str::to_owned).collect();
        if path.last().is_some_and(|last| last == "mod" || last == "lib" || last == "main") {
            path.pop();
        }
        path
    }

    /// Says that the code has this word.
    pub fn names(&self, word: &str) -> bool {
        self.tokens.iter().any(|t| t.kind == Kind::Word && t.text == word)
    }

    /// Every path of the code, `use` lists written out: `["crate", "ui", "visible"]`, with the line.
    pub fn paths(&self) -> Vec<(Vec<String>, usize)> {
        let (mut out, mut at) = (Vec::new(), 0);
        while at < self.tokens.len() {
            let token = &self.tokens[at];
            if token.kind == Kind::Word && token.text == "use" {
                at = self.tree(at + 1, &[], &mut out);
            } else if token.kind == Kind::Word {
                let mut path = vec![token.text.clone()];
                while self.sign(at + 1, "::") && self.tokens.get(at + 2).is_some_and(|t| t.kind == Kind::Word)
                {
                    path.push(self.tokens[at + 2].text.clone());
                    at += 2;
                }
                at += 1;
                if path.len() > 1 {
                    out.push((path, token.line));
                }
            } else {
                at += 1;
            }
        }
        out
    }

    /// One tree of a `use`: words with `::`, then a list in braces, a star or an end.
    fn tree(&self, mut at: usize, before: &[String], out: &mut Vec<(Vec<String>, usize)>) -> usize {
        let mut path = before.to_vec();
        while let Some(token) = self.tokens.get(at) {
            match (token.kind, token.text.as_str()) {
                (Kind::Word, "as") => at += 2,
                (Kind::Word, "self") if !path.is_empty() => at += 1,
                (Kind::Word, word) => {
                    path.push(word.to_owned());
                    at += 1;
                }
                (Kind::Sign, "::" | "*") => at += 1,
                (Kind::Sign, "{") => {
                    at += 1;
                    while !self.sign(at, "}") {
                        at = self.tree(at, &path, out);
                        at += usize::from(self.sign(at, ","));
                    }
                    return at + 1;
                }
                _ => break,
            }
        }
        let line = self.tokens.get(at).or(self.tokens.last()).map_or(0, |t| t.line);
        out.push((path, line));
        at
    }

    fn sign(&self, at: usize, text: &str) -> bool {
        self.tokens.get(at).is_some_and(|t| t.kind == Kind::Sign && t.text == text)
    }

    /// Each function's name with its lines, from `fn` to the closing brace.
    pub fn functions(&self) -> Vec<(String, usize)> {
        let mut out = Vec::new();
        for (at, token) in self.tokens.iter().enumerate() {
            let name = self.tokens.get(at + 1).filter(|t| t.kind == Kind::Word);
            let (true, Some(name)) = (token.kind == Kind::Word && token.text == "fn", name) else { continue };
            let mut open = at;
            while open < self.tokens.len() && !self.sign(open, "{") && !self.sign(open, ";") {
                open = closing(&self.tokens, open) + 1;
            }
            if self.sign(open, "{") {
                let end = self.tokens[closing(&self.tokens, open)].line;
                out.push((name.text.clone(), end + 1 - token.line));
            }
        }
        out
    }
}

/// Which file uses which, `mod.rs` counted; a declaration `mod x;` alone is no use.
pub fn uses(sources: &[Source]) -> BTreeMap<&str, BTreeSet<&str>> {
    let files: BTreeMap<Vec<String>, &str> = sources
        .iter()
        .filter(|s| s.name != "main.rs" && !s.tokens.is_empty())
        .map(|s| (s.module(), s.name.as_str()))
        .collect();
    let mut out = BTreeMap::new();
    for source in sources {
        let own = if source.name == "main.rs" { Vec::new() } else { source.module() };
        let targets = source.paths().into_iter().filter_map(|(path, _)| target(&files, &own, &path));
        let targets = targets.filter(|target| *target != source.name);
        out.insert(source.name.as_str(), targets.collect());
    }
    out
}

/// The file that a path leads to: that of the longest part of it that is a module.
fn target<'a>(files: &BTreeMap<Vec<String>, &'a str>, own: &[String], path: &[String]) -> Option<&'a str> {
    let mut module = own.to_vec();
    let mut rest = path;
    match path[0].as_str() {
        "crate" | "piback" => {
            module.clear();
            rest = &path[1..];
        }
        "self" => rest = &path[1..],
        "super" => {
            while rest.first().is_some_and(|s| s == "super") {
                module.pop();
                rest = &rest[1..];
            }
        }
        child => {
            module.push(child.to_owned());
            rest = &path[1..];
            if !files.contains_key(&module) {
                return None;
            }
        }
    }
    for name in rest {
        module.push(name.clone());
        if !files.contains_key(&module) {
            module.pop();
            break;
        }
    }
    files.get(&module).copied()
}

/// The files that lie in a circle: each reaches itself again through others.
pub fn in_circles<'a>(uses: &BTreeMap<&'a str, BTreeSet<&'a str>>) -> BTreeSet<&'a str> {
    let reaches_itself = |start: &&'a str| {
        let (mut seen, mut todo) = (BTreeSet::new(), vec![*start]);
        while let Some(at) = todo.pop() {
            for next in uses.get(at).into_iter().flatten() {
                if next == start {
                    return true;
                }
                if seen.insert(*next) {
                    todo.push(next);
                }
            }
        }
        false
    };
    uses.keys().copied().filter(reaches_itself).collect()
}

#[test]
fn the_source_is_read_as_the_compiler_reads_it() {
    let text = "//! use crate::no;\nuse crate::a::{self, b::{c as d, e}, f::*};\n/* x */ fn g<'a>(x: &'a str) -> [u8; 2] {\n \
                let y = r#\"crate::no\"#; '\\''; 'x';\n super::h(\"fn no() {\")\n}\n#[cfg(test)]\n#[allow(x)]\nmod t { fn no() {} }\nfn k() {}\n";
    let source = Source { name: "p/q.rs".into(), text: text.into(), tokens: without_tests(tokens(text)) };
    let paths: Vec<String> = source.paths().into_iter().map(|(p, _)| p.join("::")).collect();
    assert_eq!(paths, ["crate::a", "crate::a::b::c", "crate::a::b::e", "crate::a::f", "super::h"]);
    assert_eq!(source.functions(), [("g".to_owned(), 4), ("k".to_owned(), 1)]);
    assert_eq!(source.module(), ["p", "q"]);
}
