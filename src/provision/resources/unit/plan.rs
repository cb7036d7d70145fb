//! Units, looked at: which act, and how.

use crate::provision::adopt::article;
use crate::provision::components::component::Component;
use crate::provision::components::{self, ifupdown};
use crate::provision::desired::Desired;
use crate::provision::host::interfaces::INTERFACES;
use crate::provision::host::systemd::{self, UnitState};
use crate::provision::resources::file::change::FileChange;
use crate::provision::resources::unit::change::{Act, UnitChange};
use crate::provision::state::{State, json};
use crate::system::{Host, Node};
use anyhow::Context;
use std::collections::BTreeMap;

/// Plans the units of what is desired, after `files` are changed. Where the kernel, or a daemon, is seen not to be what
/// its files say, though the unit is up, its component is among `moved`.
///
/// # Errors
/// When systemd can't say how its units are.
pub fn plan(
    host: &dyn Host,
    desired: &Desired,
    state: &State,
    files: &[FileChange],
    moved: &[&'static Component],
) -> anyhow::Result<Vec<UnitChange>> {
    let activated = &state.activated;
    let touched = files.iter().flat_map(|f| components::notified(&f.path, desired.stack)).collect();
    Ok(unit_changes(&UnitInputs {
        inputs: inputs(desired),
        states: systemd::states(host, &components::units())?,
        activated,
        first: &state.originals.units,
        touched,
        moved,
        radio: &desired.radio,
    }))
}

/// For rollback to the original: units that were off before piback go off, then the others run with their old files,
/// the network before what serves on it.
///
/// # Errors
/// When systemd can't say how its units are.
pub fn plan_way_back(
    host: &dyn Host,
    state: &State,
    files: &[FileChange],
) -> anyhow::Result<Vec<UnitChange>> {
    let states = systemd::states(host, &components::units())?;
    let radio = state.last.as_ref().map(|last| last.radio.clone()).unwrap_or_default();
    let mut units = Vec::new();
    let mut stanza = stanza_comes_back(host, files, &radio)?;
    for component in components::in_turn() {
        if *component == ifupdown::COMPONENT && std::mem::take(&mut stanza) {
            units.push(change(component, &radio, Act::Start, "", None));
            continue;
        }
        if !state.activated.contains_key(component.key) {
            continue;
        }
        let name = component.unit().unwrap_or(RADIO_OF_IFUP);
        // Its package is gone: there is nothing to stop, and one missing name would stop the others from stopping.
        if component.is_enabled_by_us() && states.get(name).is_some_and(|now| !now.exists()) {
            units.push(change(component, name, Act::Forget, "", None));
            continue;
        }
        let first = state.originals.units.get(component.key).cloned().unwrap_or_default();
        let act = match component {
            _ if !first.is_running() => Act::Stop,
            a if a.reloads() => Act::Reload,
            _ => Act::Restart,
        };
        let mut change = change(component, name, act, "", states.get(name));
        // Stopping takes it out of the boot as well; one that was in it goes back in, as it was when it had failed.
        change.enable = act == Act::Stop && component.is_enabled_by_us() && first.exists() && !first.is_off();
        units.push(change);
    }
    let (mut in_order, rest): (Vec<_>, Vec<_>) = units.into_iter().partition(|unit| unit.act == Act::Stop);
    in_order.reverse();
    in_order.extend(rest);
    Ok(in_order)
}

/// A radio that `ifup` brought up needs no undoing: its stanza is gone, and hostapd with it.
const RADIO_OF_IFUP: &str = "";

/// For each component in use, a hash over its files, passphrase included: a changed secret restarts hostapd.
fn inputs(desired: &Desired) -> BTreeMap<&'static str, String> {
    let mut texts: BTreeMap<&'static str, String> = BTreeMap::new();
    for artifact in &desired.artifacts {
        let body = match &desired.secrets {
            Some(secrets) => artifact.body.expose(secrets),
            None => artifact.body.masked(),
        };
        for component in components::hashed(&artifact.path, desired.stack) {
            texts.entry(component.key).or_default().push_str(&format!("{}\0{body}\0", artifact.path));
        }
    }
    texts.into_iter().map(|(key, text)| (key, json::hash(text.as_bytes()))).collect()
}

/// Tells of a unit that it neither ran nor was to start at boot.
fn was_off(first: Option<&UnitState>) -> bool {
    first.is_some_and(|first| !first.is_running() && (first.is_off() || !first.exists()))
}

/// Values that decide about the units.
struct UnitInputs<'a> {
    inputs: BTreeMap<&'static str, String>,
    states: BTreeMap<String, UnitState>,
    activated: &'a BTreeMap<String, String>,
    /// The states of units before piback came to them.
    first: &'a BTreeMap<String, UnitState>,
    /// Components whose files are about to change: drift on disk is what their daemons may be running with, and after
    /// an OS upgrade, or on a fresh root that was given an old record, the record speaks of another system.
    touched: Vec<&'static Component>,
    /// Components that do not do what their unit is up for: `nft flush ruleset` takes rules away, and no unit ends.
    moved: &'a [&'static Component],
    radio: &'a str,
}

fn unit_changes(wanted: &UnitInputs<'_>) -> Vec<UnitChange> {
    let mut changes = Vec::new();
    for component in components::in_turn() {
        let name = component.unit().unwrap_or(wanted.radio);
        let now = wanted.states.get(name).cloned().unwrap_or_default();
        let noted = wanted.activated.get(component.key);
        let ours = component.is_enabled_by_us();
        let Some(input) = wanted.inputs.get(component.key) else {
            // It leaves the plan, as after a change of stack: whoever runs with our file gets its own back.
            if noted.is_some() {
                let act = match () {
                    // A unit that is only piback's goes with its file.
                    () if components::is_unit_of_ours(name) => Act::Stop,
                    // piback started it: it would go on with a configuration that nobody chose.
                    () if ours && was_off(wanted.first.get(component.key)) => Act::Stop,
                    () if !now.is_running() => Act::Forget,
                    () if component.reloads() => Act::Reload,
                    () => Act::Restart,
                };
                changes.push(change(component, name, act, "", Some(&now)));
            }
            continue;
        };
        let stale = noted != Some(input) || wanted.touched.contains(&component);
        let running = now.is_running();
        let act = match () {
            () if *component == ifupdown::COMPONENT && stale => Act::Restart,
            // A daemon of the host's own that is off stays off: dhcpcd on a Debian with ifupdown alone.
            () if !ours && !running => Act::None,
            () if stale && component.reloads() => Act::Reload,
            () if stale => Act::Restart,
            () if !running => Act::Start,
            () if wanted.moved.contains(&component) => Act::Restart,
            () => Act::None,
        };
        let mut change = change(component, name, act, input, Some(&now));
        change.unmask = ours && now.is_masked();
        change.enable = ours && now.is_off();
        if change.unmask || change.enable || change.act != Act::None {
            changes.push(change);
        }
    }
    changes
}

fn change(
    component: &'static Component,
    name: &str,
    act: Act,
    input: &str,
    now: Option<&UnitState>,
) -> UnitChange {
    UnitChange {
        component,
        name: name.to_owned(),
        unmask: false,
        enable: false,
        act,
        input: input.to_owned(),
        before: now.cloned().unwrap_or_default(),
    }
}

/// Tells whether a plan gives the radio its stanza in `/etc/network/interfaces` back, and somebody is there to read it.
///
/// # Errors
/// When that can't be looked at.
fn stanza_comes_back(host: &dyn Host, files: &[FileChange], radio: &str) -> anyhow::Result<bool> {
    let back = files.iter().any(|file| {
        let stanza = |node: &Node| match node {
            Node::File(file) => !article::interfaces(&String::from_utf8_lossy(&file.bytes), radio).is_empty(),
            _ => false,
        };
        file.path == INTERFACES && stanza(&file.after) && !stanza(&file.before)
    });
    let there = |path: &str| host.read_followed(path).with_context(|| format!("{path} can't be looked at"));
    Ok(back && (there("/sbin/ifup")?.is_some() || there("/usr/sbin/ifup")?.is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_act_only_when_their_own_input_changed() {
        let inputs = BTreeMap::from([
            ("hostapd", "new".to_owned()),
            ("dnsmasq", "same".to_owned()),
            ("networkmanager", "new".to_owned()),
            ("samba", "same".to_owned()),
            ("dhcpcd", "new".to_owned()),
        ]);
        let unit = |load: &str, file: &str, active: &str| UnitState {
            load: load.into(),
            file: file.into(),
            active: active.into(),
        };
        let states = BTreeMap::from([
            ("hostapd.service".to_owned(), unit("masked", "masked", "inactive")),
            ("dnsmasq.service".to_owned(), unit("loaded", "enabled", "active")),
            ("NetworkManager.service".to_owned(), unit("loaded", "enabled", "active")),
            ("smbd.service".to_owned(), unit("loaded", "enabled", "failed")),
            ("dhcpcd.service".to_owned(), unit("not-found", "", "inactive")),
        ]);
        let activated = [("dnsmasq", "same"), ("samba", "same"), ("hostapd", "old"), ("sysctl", "gone")];
        let activated = activated.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        let first = BTreeMap::new();
        let mut wanted = UnitInputs {
            inputs,
            states,
            activated: &activated,
            first: &first,
            touched: Vec::new(),
            moved: &[],
            radio: "wlan0",
        };
        let changes = unit_changes(&wanted);
        let steps: Vec<String> = changes.iter().map(UnitChange::steps).collect();
        assert_eq!(
            steps,
            [
                "systemd-sysctl.service: no longer piback's",
                "NetworkManager.service: reload",
                "hostapd.service: unmask, enable, restart",
                "smbd.service: start"
            ]
        );
        // A screen that the profile wants no longer: off again, where it was off before piback.
        let mut activated = activated.clone();
        activated.insert("screen".into(), "x".into());
        let steps_of = |first: UnitState| {
            let first = BTreeMap::from([("screen".to_owned(), first)]);
            let states = [("wayvnc.service".to_owned(), unit("loaded", "enabled", "active"))].into();
            let (inputs, touched) = (BTreeMap::new(), Vec::new());
            let wanted = UnitInputs {
                inputs,
                states,
                activated: &activated,
                first: &first,
                touched,
                moved: &[],
                radio: "wlan0",
            };
            unit_changes(&wanted).iter().map(UnitChange::steps).find(|s| s.starts_with("wayvnc")).unwrap()
        };
        assert_eq!(steps_of(unit("loaded", "disabled", "inactive")), "wayvnc.service: disable and stop");
        assert_eq!(steps_of(unit("not-found", "", "inactive")), "wayvnc.service: disable and stop");
        assert_eq!(steps_of(unit("loaded", "enabled", "active")), "wayvnc.service: restart");
        // Drift on disk: the daemon may have been started with it.
        wanted.touched = vec![&components::dnsmasq::COMPONENT];
        let steps: Vec<String> = unit_changes(&wanted).iter().map(UnitChange::steps).collect();
        assert!(steps.contains(&"dnsmasq.service: restart".to_owned()), "{steps:?}");
    }
}
