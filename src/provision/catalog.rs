//! The one table of files: for each, its template, path, mode, stacks, checker and what it is the input of.

use crate::profile::Profile;
use crate::provision::host::facts::{Facts, Stack};
use crate::provision::host::interfaces::INTERFACES;
use crate::provision::text::block::Position;

/// Others' files in which lines of a set-up by hand are put aside.
pub const DNSMASQ: &str = "/etc/dnsmasq.conf";
pub const DHCPCD: &str = "/etc/dhcpcd.conf";
pub const RC_LOCAL: &str = "/etc/rc.local";

/// One managed file.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// File name in `templates/`, and under `/etc/piback/templates/` where a user replaces it.
    pub template: &'static str,
    pub text: &'static str,
    /// Where it goes on the host.
    pub path: &'static str,
    pub mode: u32,
    pub form: Form,
    pub stacks: &'static [Stack],
    /// A condition beyond the stack.
    pub when: fn(&Facts, &Profile) -> bool,
    pub checker: Checker,
    /// What has to be activated when it changes.
    pub feeds: &'static [Activation],
}

/// Whether a file is piback's alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Form {
    /// Own file or drop-in.
    Whole,
    /// A marked block in a file that others own too.
    Block(Position),
    /// Another's file, in which lines of a set-up by hand are put aside: see `adopt`.
    Lines,
}

/// Who says whether a file is well-formed; see `validate/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checker {
    Hostapd,
    Dnsmasq,
    Sysctl,
    Iptables,
    Ip6tables,
    Samba,
    Unit,
    /// Nobody: the file is a line or two.
    None,
}

/// How a change takes effect on a running host, in the order in which it is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Activation {
    Sysctl,
    Nat,
    NetworkManager,
    Dhcpcd,
    Ifup,
    Hostapd,
    Dnsmasq,
    Samba,
}

impl Activation {
    pub const ALL: [Activation; 8] = [
        Activation::Sysctl,
        Activation::Nat,
        Activation::NetworkManager,
        Activation::Dhcpcd,
        Activation::Ifup,
        Activation::Hostapd,
        Activation::Dnsmasq,
        Activation::Samba,
    ];

    /// The unit that does it. `None` for `ifup`, which is a tool of its own.
    #[must_use]
    pub fn unit(self) -> Option<&'static str> {
        match self {
            Activation::Sysctl => Some("systemd-sysctl.service"),
            Activation::Nat => Some("piback-nat.service"),
            Activation::NetworkManager => Some("NetworkManager.service"),
            Activation::Dhcpcd => Some("dhcpcd.service"),
            Activation::Ifup => None,
            Activation::Hostapd => Some("hostapd.service"),
            Activation::Dnsmasq => Some("dnsmasq.service"),
            Activation::Samba => Some("smbd.service"),
        }
    }

    /// Whether piback sees to it that the unit starts at boot. The others are the host's own business.
    #[must_use]
    pub fn is_enabled_by_us(self) -> bool {
        matches!(self, Activation::Nat | Activation::Hostapd | Activation::Dnsmasq | Activation::Samba)
    }

    /// Whether a reload is enough, so that the user's own connection stays up.
    #[must_use]
    pub fn reloads(self) -> bool {
        self == Activation::NetworkManager
    }
}

/// The units of all activations.
#[must_use]
pub fn units() -> Vec<&'static str> {
    Activation::ALL.iter().filter_map(|a| a.unit()).collect()
}

/// Debian packages that the appliance needs, in the order of the article.
#[must_use]
pub fn packages(facts: &Facts) -> Vec<&'static str> {
    let mut packages =
        vec!["hostapd", "dnsmasq", "iptables", "iw", "rfkill", "ntfs-3g", "samba", "samba-common-bin"];
    // vfs_fruit is in a package of its own before Trixie, and in samba itself from then on.
    if facts.os.version.is_some_and(|v| v < 13) {
        packages.push("samba-vfs-modules");
    }
    packages
}

const ALL: &[Stack] = &[Stack::Ifupdown, Stack::Dhcpcd, Stack::NetworkManager];

fn always(_: &Facts, _: &Profile) -> bool {
    true
}

macro_rules! entry {
    ($template:literal, $path:literal, $mode:literal, $form:expr, $stacks:expr, $when:expr, $checker:ident, [$($feeds:ident),*]) => {
        Entry {
            template: $template,
            text: include_str!(concat!("../../templates/", $template)),
            path: $path,
            mode: $mode,
            form: $form,
            stacks: $stacks,
            when: $when,
            checker: Checker::$checker,
            feeds: &[$(Activation::$feeds),*],
        }
    };
}

/// The table, in the order in which files are written: what keeps others off the radio first. Whatever gives the radio
/// its address feeds Samba too, which listens on the addresses that are there when it starts.
pub const CATALOG: &[Entry] = &[
    entry!(
        "networkmanager.conf",
        "/etc/NetworkManager/conf.d/99-piback.conf",
        0o644,
        Form::Whole,
        &[Stack::NetworkManager],
        always,
        None,
        [NetworkManager]
    ),
    // Feeds dnsmasq, which is what waits.
    entry!(
        "networkmanager-wait.conf",
        "/etc/systemd/system/NetworkManager-wait-online.service.d/piback.conf",
        0o644,
        Form::Whole,
        &[Stack::NetworkManager],
        always,
        Unit,
        [Dnsmasq]
    ),
    entry!(
        "dhcpcd-deny.conf",
        "/etc/dhcpcd.conf",
        0o644,
        Form::Block(Position::Top),
        &[Stack::Ifupdown],
        always,
        None,
        [Dhcpcd]
    ),
    entry!(
        "dhcpcd-static.conf",
        "/etc/dhcpcd.conf",
        0o644,
        Form::Block(Position::End),
        &[Stack::Dhcpcd],
        always,
        None,
        [Dhcpcd, Samba]
    ),
    entry!(
        "interfaces",
        "/etc/network/interfaces.d/piback",
        0o644,
        Form::Whole,
        &[Stack::Ifupdown],
        always,
        None,
        [Ifup, Samba]
    ),
    entry!(
        "interfaces-source",
        "/etc/network/interfaces",
        0o644,
        Form::Block(Position::End),
        &[Stack::Ifupdown],
        |facts, _| !facts.interfaces_d_is_read,
        None,
        [Ifup]
    ),
    entry!(
        "sysctl.conf",
        "/etc/sysctl.d/99-piback.conf",
        0o644,
        Form::Whole,
        ALL,
        |_, profile| profile.uplink.share,
        Sysctl,
        [Sysctl]
    ),
    entry!("ipv4.rules", "/etc/piback/nat/ipv4.rules", 0o644, Form::Whole, ALL, always, Iptables, [Nat]),
    entry!("ipv6.rules", "/etc/piback/nat/ipv6.rules", 0o644, Form::Whole, ALL, always, Ip6tables, [Nat]),
    entry!(
        "piback-nat.service",
        "/etc/systemd/system/piback-nat.service",
        0o644,
        Form::Whole,
        ALL,
        always,
        Unit,
        [Nat]
    ),
    // 0600: it holds the passphrase.
    entry!("hostapd.conf", "/etc/hostapd/hostapd.conf", 0o600, Form::Whole, ALL, always, Hostapd, [Hostapd]),
    entry!(
        "hostapd.service.conf",
        "/etc/systemd/system/hostapd.service.d/piback.conf",
        0o644,
        Form::Whole,
        ALL,
        always,
        Unit,
        [Hostapd, Samba]
    ),
    // Feeds nobody: udev reads its rules again by itself.
    entry!(
        "radio.rules",
        "/etc/udev/rules.d/99-piback-radio.rules",
        0o644,
        Form::Whole,
        ALL,
        always,
        None,
        []
    ),
    entry!(
        "hostapd-default",
        "/etc/default/hostapd",
        0o644,
        Form::Block(Position::End),
        &[Stack::Ifupdown, Stack::Dhcpcd],
        always,
        None,
        [Hostapd]
    ),
    entry!("dnsmasq.conf", "/etc/dnsmasq.d/piback.conf", 0o644, Form::Whole, ALL, always, Dnsmasq, [Dnsmasq]),
    entry!("samba.conf", "/etc/samba/piback.conf", 0o644, Form::Whole, ALL, always, Samba, [Samba]),
    entry!(
        "smbd.service.conf",
        "/etc/systemd/system/smbd.service.d/piback.conf",
        0o644,
        Form::Whole,
        ALL,
        always,
        Unit,
        [Samba]
    ),
    entry!(
        "samba-include.conf",
        "/etc/samba/smb.conf",
        0o644,
        Form::Block(Position::End),
        ALL,
        always,
        None,
        [Samba]
    ),
];

/// The entries of one host and profile.
pub fn entries<'a>(facts: &'a Facts, profile: &'a Profile) -> impl Iterator<Item = &'static Entry> + 'a {
    CATALOG.iter().filter(|entry| entry.stacks.contains(&facts.stack) && (entry.when)(facts, profile))
}

/// Whether a path is piback's alone, by the table; a path that an older piback knew counts as its own.
#[must_use]
pub fn form(path: &str) -> Form {
    CATALOG.iter().find(|entry| entry.path == path).map_or_else(|| others_form(path), |entry| entry.form)
}

/// What a path is the input of on a stack, whichever stack put it there. Only ifupdown's own host has an `ifup` to run.
pub fn feeds(path: &str, stack: Option<Stack>) -> impl Iterator<Item = Activation> {
    let entry = CATALOG.iter().find(|entry| entry.path == path);
    let feeds = entry.map_or_else(|| others_feeds(path), |entry| entry.feeds);
    feeds.iter().copied().filter(move |a| *a != Activation::Ifup || stack == Some(Stack::Ifupdown))
}

/// The name under which an activation is noted.
#[must_use]
pub fn activation_key(activation: Activation) -> String {
    format!("{activation:?}").to_lowercase()
}

/// The form of a path that the catalog does not have, for a record that can't be read.
fn others_form(path: &str) -> Form {
    let lines = [DNSMASQ, DHCPCD, RC_LOCAL, INTERFACES].contains(&path) || path.ends_with("/hotspot-boot.sh");
    if lines { Form::Lines } else { Form::Whole }
}

/// What has to take notice when lines of a path are put aside.
fn others_feeds(path: &str) -> &'static [Activation] {
    match path {
        DNSMASQ => &[Activation::Dnsmasq],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_stack_writes_a_path_twice() {
        for stack in ALL {
            let mut paths: Vec<&str> =
                CATALOG.iter().filter(|e| e.stacks.contains(stack)).map(|e| e.path).collect();
            let count = paths.len();
            paths.sort_unstable();
            paths.dedup();
            assert_eq!(paths.len(), count, "{stack}");
        }
    }

    #[test]
    fn a_changed_address_reaches_samba_on_every_stack() {
        for stack in ALL {
            let gives = |e: &&Entry| e.stacks.contains(stack) && e.text.contains("{{ network.address }}");
            let mut giving = CATALOG.iter().filter(gives);
            assert!(giving.any(|e| e.feeds.contains(&Activation::Samba)), "{stack}");
        }
    }

    #[test]
    fn only_piback_s_own_lines_in_shared_files() {
        for entry in CATALOG.iter().filter(|e| e.form == Form::Whole) {
            let own = entry.path.contains("piback") || entry.path == "/etc/hostapd/hostapd.conf";
            assert!(own, "{} is another's file", entry.path);
        }
    }
}
