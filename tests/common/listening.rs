//! `piback web` as a process, and what it says when it listens.

use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Starts the page on the folders CARD and DRIVE in `dir`, at a port that is free.
pub fn listening(dir: &Path, flags: &[&str]) -> (Child, Value) {
    let mut server = Command::new(env!("CARGO_BIN_EXE_piback"))
        .args(["web", "--listen", "127.0.0.1:0", "--json", "--source"])
        .arg(dir.join("CARD"))
        .arg("--dest")
        .arg(dir.join("DRIVE"))
        .args(flags)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (server, serde_json::from_str(&line).unwrap())
}
