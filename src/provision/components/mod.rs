//! The parts of the appliance, one file each. Files are written and hashed in the order of this list; `turn` orders
//! services and packages.

pub mod component;
pub mod rivals;

use crate::profile::Profile;
use crate::provision::components::component::{Component, File, Ownership, Socket};
use crate::provision::host::facts::{Facts, Stack};
use serde::{Deserialize, Deserializer};

/// Declares each component's file and puts it on the list: one line for a new one.
macro_rules! components {
    ($($name:ident,)*) => {
        $(pub mod $name;)*

        /// All components.
        pub static COMPONENTS: &[&Component] = &[$(&$name::COMPONENT),*];
    };
}

// What keeps others off the radio first.
components! {
    networkmanager,
    dhcpcd,
    ifupdown,
    forwarding,
    nat,
    hostapd,
    dnsmasq,
    samba,
    drives,
    dns,
    volumes,
    scrub,
    remotes,
    send,
    control,
    web,
    tls,
    screen,
}

/// The unit that, started at boot, makes a stack the one in charge; ifupdown has none that tells.
#[must_use]
pub fn of_stack(stack: Stack) -> Option<&'static str> {
    match stack {
        Stack::NetworkManager => networkmanager::COMPONENT.unit(),
        Stack::Dhcpcd => dhcpcd::COMPONENT.unit(),
        Stack::Ifupdown => None,
    }
}

/// All files of all components, in order.
pub fn files() -> impl Iterator<Item = &'static File> {
    COMPONENTS.iter().flat_map(|component| component.files)
}

/// The files of one host and profile.
pub fn files_of<'a>(facts: &'a Facts, profile: &'a Profile) -> impl Iterator<Item = &'static File> + 'a {
    let components = COMPONENTS.iter().filter(|component| (component.when)(facts, profile));
    let files = components.flat_map(|component| component.files);
    files.filter(|file| file.stacks.contains(&facts.stack) && (file.when)(facts, profile))
}

/// The part of a path that is piback's, by the table; a path that an older piback knew counts as its own.
#[must_use]
pub fn ownership(path: &str) -> Ownership {
    let own = files().find(|file| file.path == path).map(|file| file.ownership);
    let is_others = || COMPONENTS.iter().flat_map(|c| c.others).any(|others| others.at.is(path));
    own.unwrap_or_else(|| if is_others() { Ownership::Lines } else { Ownership::Whole })
}

/// The components that hear of a path's change on a stack, whichever stack put it there: by all rows of the table that
/// name it.
pub fn notified(path: &str, stack: Option<Stack>) -> impl Iterator<Item = &'static Component> {
    let own = files().filter(|file| file.path == path).flat_map(|file| file.notifies);
    let others = COMPONENTS.iter().flat_map(|c| c.others).filter(|others| others.at.is(path));
    let mut notified: Vec<&Component> = Vec::new();
    for component in own.chain(others.flat_map(|others| others.notifies)) {
        if component.runs_on(stack) && !notified.contains(component) {
            notified.push(component);
        }
    }
    notified.into_iter()
}

/// The components whose noted hash a path is part of: by the first row alone, for that is how every version noted it, and
/// another way would restart units at an upgrade that changes nothing.
pub fn hashed(path: &str, stack: Option<Stack>) -> impl Iterator<Item = &'static Component> {
    let own = files().find(|file| file.path == path).map(|file| file.notifies);
    let others = || COMPONENTS.iter().flat_map(|c| c.others).find(|others| others.at.is(path));
    let first = own.or_else(|| others().map(|others| others.notifies));
    first.unwrap_or_default().iter().copied().filter(move |component| component.runs_on(stack))
}

/// The component whose file gives the radio its address on a stack.
#[must_use]
pub fn of_address(stack: Stack) -> &'static Component {
    match stack {
        Stack::Ifupdown => &ifupdown::COMPONENT,
        Stack::Dhcpcd => &dhcpcd::COMPONENT,
        Stack::NetworkManager => &hostapd::COMPONENT,
    }
}

/// The components with a service, in the order in which their units are acted on.
#[must_use]
pub fn in_turn() -> Vec<&'static Component> {
    let mut components: Vec<&Component> =
        COMPONENTS.iter().copied().filter(|c| c.service.is_some()).collect();
    components.sort_by_key(|component| component.turn());
    components
}

/// The units of all components.
#[must_use]
pub fn units() -> Vec<&'static str> {
    in_turn().into_iter().filter_map(Component::unit).collect()
}

/// The units that piback sees to at boot.
#[must_use]
pub fn units_of_ours() -> Vec<&'static str> {
    in_turn().into_iter().filter(|c| c.is_enabled_by_us()).filter_map(Component::unit).collect()
}

/// Tells whether a unit's own file is piback's, so that without piback there is no such unit.
#[must_use]
pub fn is_unit_of_ours(unit: &str) -> bool {
    files().any(|file| file.path.strip_prefix("/etc/systemd/system/") == Some(unit))
}

/// The file that is there as long as a part is that a profile may leave out; `None` for what every appliance has.
#[must_use]
pub fn sign_of(component: &Component) -> Option<String> {
    let own = component.unit().filter(|unit| is_unit_of_ours(unit));
    let other = match *component {
        ref other if *other == screen::COMPONENT => Some(screen::DROP_IN),
        ref other if *other == tls::COMPONENT => Some(tls::UNIT),
        _ => None,
    };
    own.map(|unit| format!("/etc/systemd/system/{unit}")).or(other.map(str::to_owned))
}

/// Of those, the ones that one host and profile have.
#[must_use]
pub fn units_for(facts: &Facts, profile: &Profile) -> Vec<&'static str> {
    let ours = in_turn().into_iter().filter(|c| c.is_enabled_by_us() && (c.when)(facts, profile));
    ours.filter_map(Component::unit).collect()
}

/// The units that the boot unit comes before: those of ours, or the host's own.
#[must_use]
pub fn started_after_settling(ours: bool) -> Vec<&'static str> {
    let services = in_turn().into_iter().filter_map(|component| component.service.as_ref());
    services.filter(|s| s.is_enabled_by_us == ours).filter_map(|s| s.starts_after_settling).collect()
}

/// Debian packages that the appliance needs, in the order of the article.
#[must_use]
pub fn packages(facts: &Facts, profile: &Profile) -> Vec<&'static str> {
    let wanted = COMPONENTS.iter().filter(|component| (component.when)(facts, profile));
    let packages = wanted.flat_map(|component| component.packages);
    let mut packages: Vec<_> = packages.filter(|package| (package.when)(facts)).collect();
    packages.sort_by_key(|package| package.turn);
    packages.into_iter().map(|package| package.name).collect()
}

/// All sockets, each with the component that listens on it.
pub fn sockets() -> impl Iterator<Item = (&'static Component, &'static Socket)> {
    COMPONENTS.iter().flat_map(|component| component.listens.iter().map(|socket| (*component, socket)))
}

impl<'de> Deserialize<'de> for &'static Component {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let key = String::deserialize(deserializer)?;
        let known = in_turn().into_iter().find(|component| component.key == key);
        known.ok_or_else(|| serde::de::Error::custom(format!("`{key}` is no component of this piback")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provision::components::component::ALL;
    use std::collections::BTreeSet;

    #[test]
    fn no_stack_writes_a_path_twice() {
        for stack in ALL {
            let mut paths: Vec<&str> = files().filter(|e| e.stacks.contains(stack)).map(|e| e.path).collect();
            let count = paths.len();
            paths.sort_unstable();
            paths.dedup();
            assert_eq!(paths.len(), count, "{stack}");
        }
    }

    #[test]
    fn a_changed_address_reaches_samba_on_every_stack() {
        for stack in ALL {
            let gives =
                |e: &&File| e.stacks.contains(stack) && e.template.text.contains("{{ network.address }}");
            assert!(files().filter(gives).any(|e| e.notifies.contains(&&samba::COMPONENT)), "{stack}");
        }
    }

    /// dhcpcd.conf stands in the table twice, and the first row is another stack's.
    #[test]
    fn every_row_of_a_path_counts() {
        let of_dhcpcd = notified(dhcpcd::CONF, Some(Stack::Dhcpcd)).map(|c| c.key).collect::<Vec<_>>();
        assert_eq!(of_dhcpcd, ["dhcpcd", "samba"]);
    }

    #[test]
    fn only_piback_s_own_lines_in_shared_files() {
        for entry in files().filter(|e| e.ownership == Ownership::Whole) {
            let own = entry.path.contains("piback") || entry.path == "/etc/hostapd/hostapd.conf";
            assert!(own, "{} is another's file", entry.path);
        }
    }

    /// Records on disk name them; a key that changed would leave a unit behind at `rollback --original`.
    #[test]
    fn keys_on_disk_stay() {
        for key in ["sysctl", "nat", "networkmanager", "dhcpcd", "ifup", "hostapd", "dnsmasq", "samba"] {
            assert!(in_turn().iter().any(|component| component.key == key), "{key}");
        }
        for component in in_turn() {
            let text = serde_json::to_string(component).unwrap();
            assert_eq!(text, format!("\"{}\"", component.key));
            assert_eq!(serde_json::from_str::<&'static Component>(&text).unwrap(), component);
        }
        assert!(serde_json::from_str::<&'static Component>("\"drives\"").is_err(), "it has no unit");
    }

    #[test]
    fn turns_and_keys_are_told_apart_and_only_services_are_notified() {
        let unique = |of: Vec<String>| of.iter().collect::<BTreeSet<_>>().len() == of.len();
        assert!(unique(COMPONENTS.iter().map(|c| c.key.to_owned()).collect()));
        assert!(unique(in_turn().iter().map(|c| c.turn().to_string()).collect()));
        let packages = || COMPONENTS.iter().flat_map(|c| c.packages);
        assert!(unique(packages().map(|p| p.turn.to_string()).collect()));
        assert!(unique(sockets().map(|(_, s)| format!("{:?}{}", s.protocol, s.port)).collect()));
        let all = files()
            .flat_map(|f| f.notifies)
            .chain(COMPONENTS.iter().flat_map(|c| c.others).flat_map(|o| o.notifies));
        for component in all {
            assert!(component.service.is_some(), "{} has nothing to run", component.key);
        }
    }
}
