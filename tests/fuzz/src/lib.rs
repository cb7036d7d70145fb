//! What the targets share: a host whose every answer is the fuzzer's, and the readers of the integration tests.
#![allow(clippy::disallowed_methods)]

#[path = "../../common/readers.rs"]
pub mod readers;

use piback::photo::{Media, Source, locate};
use piback::profile::Profile;
use piback::profile::types::{Passphrase, Uplinks};
use piback::provision::desired::artifact::{Artifact, Secrets};
use piback::provision::desired::render::render;
use piback::provision::host::facts::{Facts, Stack};
use piback::system::run::{Output, RunError, Tool};
use piback::system::{FileNode, Host, Node};
use std::any::Any;
use std::collections::BTreeMap;
use std::io;
use std::sync::OnceLock;

/// A live host, every tool and every file of which says what the fuzzer wants. It can't be written to.
pub struct HostileHost<'a> {
    answers: Vec<&'a [u8]>,
}

impl<'a> HostileHost<'a> {
    /// The input in pieces, parted by NUL bytes.
    #[must_use]
    pub fn new(data: &'a [u8]) -> Self {
        HostileHost { answers: data.split(|b| *b == 0).collect() }
    }

    /// `MARK|TEXT` is the answer to questions that hold the mark; the first piece without one answers everything else.
    fn answer(&self, question: &str) -> &'a [u8] {
        let marked = self.answers.iter().find_map(|piece| {
            let at = piece.iter().position(|b| *b == b'|')?;
            let mark = std::str::from_utf8(&piece[..at]).ok().filter(|m| !m.is_empty())?;
            question.contains(mark).then_some(&piece[at + 1..])
        });
        marked.or_else(|| self.answers.iter().find(|p| !p.contains(&b'|')).copied()).unwrap_or_default()
    }

    fn refused<T>(&self) -> io::Result<T> {
        Err(io::Error::from(io::ErrorKind::ReadOnlyFilesystem))
    }
}

impl Host for HostileHost<'_> {
    fn read(&self, path: &str) -> io::Result<Node> {
        Ok(Node::File(FileNode { bytes: self.answer(path).to_vec(), mode: 0o600, uid: 0, gid: 0 }))
    }

    fn read_followed(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        Ok(Some(self.answer(path).to_vec()))
    }

    fn list(&self, path: &str) -> io::Result<Vec<String>> {
        let text = String::from_utf8_lossy(self.answer(path)).into_owned();
        Ok(text.lines().filter(|l| !l.is_empty() && !l.contains('/')).map(str::to_owned).collect())
    }

    fn write(&self, _: &str, _: &FileNode) -> io::Result<()> {
        self.refused()
    }

    fn write_like(&self, _: &str, _: &FileNode, _: &str) -> io::Result<()> {
        self.refused()
    }

    fn other_names(&self, path: &str) -> io::Result<u64> {
        Ok(self.answer(path).len() as u64)
    }

    fn link(&self, _: &str, _: &str) -> io::Result<()> {
        self.refused()
    }

    fn remove(&self, _: &str) -> io::Result<()> {
        self.refused()
    }

    fn make_dir(&self, _: &str, _: u32) -> io::Result<()> {
        self.refused()
    }

    fn remove_dir(&self, _: &str) -> io::Result<bool> {
        self.refused()
    }

    fn output(&self, tool: &Tool) -> Result<Output, RunError> {
        let stdout = String::from_utf8_lossy(self.answer(&tool.line())).into_owned();
        Ok(Output { code: Some(0), stdout, stderr: String::new() })
    }

    fn lock(&self, _: &str) -> io::Result<Option<Box<dyn Any>>> {
        Ok(None)
    }

    fn now(&self) -> i64 {
        1_467_000_000
    }

    fn uptime(&self) -> u64 {
        60
    }

    fn stop_requested(&self) -> bool {
        false
    }

    fn wait(&self, _: std::time::Duration) {}

    fn is_live(&self) -> bool {
        true
    }

    fn can_chown(&self) -> bool {
        true
    }
}

pub const STACKS: [Stack; 3] = [Stack::Ifupdown, Stack::Dhcpcd, Stack::NetworkManager];

/// The profile that most pieces start from, read once.
#[must_use]
pub fn travel() -> Profile {
    static TRAVEL: OnceLock<Profile> = OnceLock::new();
    let read = || piback::profile::load(piback::profile::EMBEDDED[0].1, "travel").expect("embedded");
    TRAVEL.get_or_init(read).clone()
}

/// The secret that must stay in its gap.
pub const MARKER: &str = "marker-passphrase";

/// Renders a good profile, and holds the files against those of its twin: the same profile with plain
/// words for everything that can hold free text. Line for line they must say the same keys.
///
/// # Panics
/// When a value broke out of its line, a file holds a control character, or a name did not come back.
pub fn check_rendered(profile: &Profile, stack: Stack) {
    let wifi = Passphrase::from_file_content(MARKER.as_bytes()).expect("a passphrase");
    let secrets = Secrets { wifi, screen: None };
    let facts = Facts { os: Default::default(), stack, interfaces_d_is_read: false, ssh_ports: vec![22], installed: true };
    let files = |p: &Profile| {
        render(p, &facts, secrets.wifi.hostapd_key(), &BTreeMap::new()).expect("a good profile renders")
    };
    let (ours, plain) = (files(profile), files(&twin(profile)));
    assert_eq!(ours.len(), plain.len(), "{stack}");
    for (file, plain) in ours.iter().zip(&plain) {
        same_lines(file, plain, &secrets);
    }
    let hostapd = ours.iter().find(|a| a.path == "/etc/hostapd/hostapd.conf").expect("hostapd.conf");
    let read = readers::hostapd(&hostapd.body.expose(&secrets));
    assert_eq!(read["ssid"], profile.wifi.ssid.as_str());
    assert_eq!(read["wpa_passphrase"], MARKER);
    assert_eq!(read["interface"], profile.wifi.interface.as_str());
}

fn same_lines(file: &Artifact, plain: &Artifact, secrets: &Secrets) {
    let (text, plain) = (file.body.expose(secrets), plain.body.expose(secrets));
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{}: a control character", file.path);
    assert_eq!(text.lines().count(), plain.lines().count(), "{}: another number of lines\n{text}", file.path);
    for (line, plain) in text.lines().zip(plain.lines()) {
        assert_eq!(key(line), key(plain), "{}", file.path);
        // Comments may name the Wi-Fi; only its own directive may hold spaces that are no separators.
        if !line.starts_with("ssid") && !line.starts_with('#') {
            let words = |l: &str| l.split_whitespace().count();
            assert_eq!(words(line), words(plain), "{}: {line}", file.path);
        }
    }
    assert!(!file.body.masked().contains(MARKER));
}

/// What a line is about: all before its first separator.
fn key(line: &str) -> &str {
    match line.trim_start().chars().next() {
        Some('#' | ';') => "#",
        Some('-') => line.split_whitespace().next().unwrap_or_default(),
        _ => line.split(['=', ' ']).next().unwrap_or_default(),
    }
}

fn twin(profile: &Profile) -> Profile {
    let mut twin = profile.clone();
    let ssid = match (profile.wifi.ssid.hostapd().0, profile.wifi.ssid.is_ascii()) {
        ("ssid", _) => "net",
        (_, true) => " net",
        (_, false) => "né",
    };
    twin.wifi.ssid = ssid.parse().expect("a name");
    twin.wifi.interface = "wlan7".parse().expect("an interface");
    // As many as there are, or none: `auto` has other lines.
    if let Uplinks::Named(names) = &mut twin.uplink.interface {
        for (n, name) in names.iter_mut().enumerate() {
            *name = format!("eth{}", n + 7).parse().expect("an interface");
        }
    }
    twin.share.user = "user".parse().expect("a user");
    twin.share.folder = "/srv/twin".parse().expect("a path");
    twin.backup.mount_root = "/media/twin".parse().expect("a path");
    twin
}

/// Nothing that a terminal would obey.
///
/// # Panics
/// When there is something.
pub fn assert_printable(what: &str, text: &str) {
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{what}: {text:?}");
}

/// A file in memory that counts how often it is read.
struct Counted<'a>(&'a [u8], u32);

impl Source for Counted<'_> {
    fn size(&self) -> u64 {
        self.0.len() as u64
    }

    fn read_at(&mut self, offset: u64, space: &mut [u8]) -> usize {
        self.1 += 1;
        (&mut &*self.0).read_at(offset, space)
    }
}

/// Previews lie within the file, few reads find them, and what is called a JPEG begins like one.
///
/// # Panics
/// When that is not so.
pub fn check_photo(bytes: &[u8]) {
    let mut counted = Counted(bytes, 0);
    let photo = locate(&mut counted);
    assert!(counted.1 <= 500, "{} reads", counted.1);
    let Some(photo) = photo else { return };
    for preview in photo.small.iter().chain(&photo.large) {
        assert!(preview.range.start < preview.range.end && preview.range.end <= bytes.len() as u64);
        let shown = &bytes[preview.range.start as usize..preview.range.end as usize];
        if preview.media == Media::Jpeg {
            assert!(shown.starts_with(&[0xff, 0xd8]), "no JPEG");
        }
        if let Some(head) = preview.head() {
            assert_eq!(head.len() as u64 + shown.len() as u64 - 2, preview.length());
        }
    }
    if let Some(taken) = &photo.facts.taken {
        assert_printable("a time", taken);
    }
}
