//! One component's row: all that the appliance needs to know of a daemon or a setting of the kernel.

use crate::profile::Profile;
use crate::provision::host::facts::{Facts, Stack};
use crate::provision::text::block::Position;
use serde::{Serialize, Serializer};

/// One part of the appliance. Every field is asked for: a part without one of them says so.
#[derive(Debug)]
pub struct Component {
    /// Its name in `activated.json` and in records on disk. It never changes.
    pub key: &'static str,
    /// A condition for the whole component.
    pub when: fn(&Facts, &Profile) -> bool,
    /// Files that piback writes, in the order in which they are written.
    pub files: &'static [File],
    /// Others' files, in which lines of a set-up by hand are commented out.
    pub others: &'static [Others],
    pub packages: &'static [Package],
    /// The unit by which a change takes effect on a running host.
    pub service: Option<Service>,
    /// Sockets that it listens on: each is probed, and must be held by nobody else.
    pub listens: &'static [Socket],
}

/// One managed file.
#[derive(Debug)]
pub struct File {
    pub template: Template,
    /// The path on the host.
    pub path: &'static str,
    pub mode: u32,
    pub ownership: Ownership,
    pub stacks: &'static [Stack],
    /// A condition beyond the stack.
    pub when: fn(&Facts, &Profile) -> bool,
    pub checker: Checker,
    /// The components that take notice when it changes; their order is their own.
    pub notifies: &'static [&'static Component],
}

/// An embedded template.
#[derive(Debug)]
pub struct Template {
    /// File name in `templates/`, and under `/etc/piback/templates/` where a user replaces it.
    pub name: &'static str,
    pub text: &'static str,
}

/// The template of that name in `templates/`.
macro_rules! template {
    ($name:literal) => {
        $crate::provision::components::component::Template {
            name: $name,
            text: include_str!(concat!("../../../templates/", $name)),
        }
    };
}
pub(super) use template;

/// The file of a unit of piback's own, or with its path a drop-in for another's, which is there with its component, on every
/// stack; and what takes notice of it.
macro_rules! unit_file {
    ($name:literal, $notifies:expr) => {
        $crate::provision::components::component::unit_file!(
            $name,
            concat!("/etc/systemd/system/", $name),
            $notifies
        )
    };
    ($name:literal, $path:expr, $notifies:expr) => {
        $crate::provision::components::component::File {
            template: $crate::provision::components::component::template!($name),
            path: $path,
            mode: 0o644,
            ownership: $crate::provision::components::component::Ownership::Whole,
            stacks: $crate::provision::components::component::ALL,
            when: $crate::provision::components::component::always,
            checker: $crate::provision::components::component::Checker::Unit,
            notifies: $notifies,
        }
    };
}
pub(super) use unit_file;

/// The part of a file that is piback's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ownership {
    /// Own file or drop-in.
    Whole,
    /// A marked block in a file that others own too.
    Block(Position),
    /// Another's file, in which lines of a set-up by hand are commented out: see `adopt`.
    Lines,
}

/// The checker that says whether a file is well-formed; see `validate/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checker {
    Hostapd,
    Dnsmasq,
    Sysctl,
    Iptables,
    Ip6tables,
    Samba,
    Wayvnc,
    Unit,
    /// Nobody: the file is a line or two.
    None,
}

/// A file of others, as a set-up by hand has changed it.
#[derive(Debug)]
pub struct Others {
    pub at: At,
    /// The components that take notice when lines of it are commented out.
    pub notifies: &'static [&'static Component],
}

/// A path, or any path that ends with a name.
#[derive(Debug)]
pub enum At {
    Path(&'static str),
    Named(&'static str),
}

/// A Debian package.
#[derive(Debug)]
pub struct Package {
    /// Its place among all packages: the article's order.
    pub turn: u8,
    pub name: &'static str,
    pub when: fn(&Facts) -> bool,
}

/// A unit that runs with the component's files.
#[derive(Debug)]
pub struct Service {
    pub runs: Runs,
    /// Its place among all services: the network before what serves on it.
    pub turn: u8,
    /// True where piback sees to it that the unit starts at boot. The others are the host's own business.
    pub is_enabled_by_us: bool,
    /// True where a reload is enough, so that the user's own connection stays up.
    pub reloads: bool,
    /// The unit that piback's boot unit comes before, so that an apply that a power cut ended is settled first.
    pub starts_after_settling: Option<&'static str>,
    /// The one stack whose hosts have such a service; `None` for all.
    pub stack: Option<Stack>,
}

/// The thing that is started.
#[derive(Debug)]
pub enum Runs {
    Unit(&'static str),
    /// The radio's interface, by `ifup`, which is a tool of its own.
    Interface,
}

/// A socket that a daemon listens on.
#[derive(Debug)]
pub struct Socket {
    /// The probe's name.
    pub name: &'static str,
    pub protocol: Protocol,
    pub port: u16,
    pub on: On,
    /// Tells whether a process of this name is the component's own, as `ss` shows it.
    pub is_own: fn(&str) -> bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    Udp,
    Tcp,
}

/// The address that a socket is bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    /// The radio's; or all, where the firewall keeps others out.
    Radio,
    /// The radio's and no other: one that listens on all is somebody else's, or ours with somebody else's settings.
    RadioAlone,
    /// None in particular.
    Any,
}

/// All stacks.
pub const ALL: &[Stack] = &[Stack::Ifupdown, Stack::Dhcpcd, Stack::NetworkManager];

/// No condition.
#[must_use]
pub fn always(_: &Facts, _: &Profile) -> bool {
    true
}

/// No condition for a package.
#[must_use]
pub fn on_every_host(_: &Facts) -> bool {
    true
}

impl Component {
    /// The unit that it runs. `None` where `ifup` does it, or nothing runs.
    #[must_use]
    pub fn unit(&self) -> Option<&'static str> {
        match self.service.as_ref()?.runs {
            Runs::Unit(name) => Some(name),
            Runs::Interface => None,
        }
    }

    /// Tells whether it has something to run on a stack.
    #[must_use]
    pub fn runs_on(&self, stack: Option<Stack>) -> bool {
        self.service.as_ref().is_some_and(|service| service.stack.is_none() || service.stack == stack)
    }

    /// Tells whether its unit is enabled by piback.
    #[must_use]
    pub fn is_enabled_by_us(&self) -> bool {
        self.service.as_ref().is_some_and(|service| service.is_enabled_by_us)
    }

    /// Tells whether its unit is only reloaded.
    #[must_use]
    pub fn reloads(&self) -> bool {
        self.service.as_ref().is_some_and(|service| service.reloads)
    }

    /// Its place among the services; those without come last, and are never acted on.
    #[must_use]
    pub fn turn(&self) -> u8 {
        self.service.as_ref().map_or(u8::MAX, |service| service.turn)
    }
}

impl PartialEq for Component {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for Component {}

impl Serialize for Component {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.key)
    }
}

impl At {
    /// Tells whether it means `path`.
    #[must_use]
    pub fn is(&self, path: &str) -> bool {
        match self {
            At::Path(at) => *at == path,
            At::Named(name) => path.rsplit_once('/').is_some_and(|(_, last)| last == *name),
        }
    }
}
