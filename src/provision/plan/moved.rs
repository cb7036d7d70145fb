//! Kernel and daemons, looked at like files: `nft flush ruleset` takes rules away and `ip addr flush` an address, and every
//! unit stays as active as it was.

use crate::provision::components;
use crate::provision::components::component::Component;
use crate::provision::desired::expected::Expected;
use crate::provision::host::facts::Stack;
use crate::provision::probe::{self, Probe};
use crate::system::Host;

/// One thing that is not as the files say, and who makes it so again.
pub struct Moved {
    pub component: &'static Component,
    /// Words for a plan: `NAT: the rules are not loaded`.
    pub found: String,
}

/// Looks at a running host that piback was applied to. What can't be asked is no change, and is told by `status`.
#[must_use]
pub fn look(host: &dyn Host, expected: &Expected, stack: Stack) -> Vec<Moved> {
    probe::look(host, expected).into_iter().filter_map(|probe| moved(probe, stack)).collect()
}

fn moved(probe: Probe, stack: Stack) -> Option<Moved> {
    let component = match probe.name {
        probe::ADDRESS => components::of_address(stack),
        _ => components::in_turn().into_iter().find(|component| component.unit() == probe.unit)?,
    };
    let is_wrong = probe.known && !probe.ok && probe.unit.is_some();
    is_wrong.then(|| Moved { component, found: format!("{}: {}", probe.name, probe.found) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_not_be_asked_and_what_is_as_it_should_be_are_no_change() {
        let probe = |ok, known| Probe {
            name: "NAT",
            ok,
            known,
            found: "the rules are not loaded".to_owned(),
            unit: components::nat::COMPONENT.unit(),
        };
        let stack = Stack::NetworkManager;
        assert_eq!(moved(probe(false, true), stack).map(|m| m.component), Some(&components::nat::COMPONENT));
        assert!(moved(probe(false, false), stack).is_none());
        assert!(moved(probe(true, true), stack).is_none());
        assert!(moved(Probe { unit: None, ..probe(false, true) }, stack).is_none(), "the way in is nobody's");
    }

    #[test]
    fn an_address_that_is_gone_is_given_again_by_who_gave_it() {
        for (stack, key) in
            [(Stack::Ifupdown, "ifup"), (Stack::Dhcpcd, "dhcpcd"), (Stack::NetworkManager, "hostapd")]
        {
            let unit = components::hostapd::COMPONENT.unit();
            let probe =
                Probe { name: probe::ADDRESS, ok: false, known: true, found: "none".to_owned(), unit };
            assert_eq!(moved(probe, stack).map(|moved| moved.component.key), Some(key));
        }
    }
}
