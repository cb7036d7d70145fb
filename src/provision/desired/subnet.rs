//! Which subnet the Wi-Fi has beside the networks that the uplink leads to: a choice among values.

use crate::profile::Network;
use crate::profile::types::Subnet;
use crate::provision::host::uplink::Taken;

/// The decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The network with its address settled.
    pub network: Network,
    /// The address that it had until now, and what came in its way.
    pub moves: Option<(Subnet, Taken)>,
    /// The network that is in the way still: a fixed address overlaps, or there is no free one.
    pub clash: Option<Taken>,
}

impl Choice {
    /// The address to remember, if it was piback's choice.
    #[must_use]
    pub fn chosen(&self) -> Option<Subnet> {
        self.network.auto.then_some(self.network.address)
    }

    /// A sentence for `plan`, when the network moves.
    #[must_use]
    pub fn note(&self) -> Option<String> {
        let (from, taken) = self.moves.as_ref()?;
        let to = self.network.address;
        Some(format!("{taken}, which overlaps with the Wi-Fi's {from}: the Wi-Fi moves to {to}"))
    }
}

/// Settles the address. A fixed one stays whatever is in its way; one that was chosen before stays as long as nothing
/// is; else it is the first free one of [`Subnet::FREE`].
#[must_use]
pub fn choose(network: &Network, before: Option<Subnet>, taken: &[Taken]) -> Choice {
    let in_the_way = |subnet: &Subnet| taken.iter().find(|t| subnet.overlaps(t.address, t.prefix)).cloned();
    if !network.auto {
        return Choice { network: network.clone(), moves: None, clash: in_the_way(&network.address) };
    }
    let mut moves = None;
    if let Some(before) = before {
        match in_the_way(&before) {
            None => return Choice { network: network.at(before), moves: None, clash: None },
            Some(taken) => moves = Some((before, taken)),
        }
    }
    match Subnet::FREE.iter().find(|subnet| in_the_way(subnet).is_none()) {
        Some(free) => Choice { network: network.at(*free), moves, clash: None },
        None => {
            let stays = before.unwrap_or(network.address);
            Choice { network: network.at(stays), moves: None, clash: in_the_way(&stays) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::{EMBEDDED, load};

    fn network(address: &str) -> Network {
        let text = EMBEDDED[0].1.replace("address: 10.41.0.1/24", &format!("address: {address}"));
        load(&text, "travel").unwrap().network
    }

    fn taken(net: &str) -> Taken {
        let (address, prefix) = net.split_once('/').unwrap();
        let (address, prefix) = (address.parse().unwrap(), prefix.parse().unwrap());
        Taken { interface: "eth0".into(), address, prefix, own: true }
    }

    #[test]
    fn a_chosen_address_stays_until_something_is_in_its_way() {
        let auto = network("auto");
        let first = choose(&auto, None, &[taken("192.168.1.77/24")]);
        assert_eq!((first.network.address, first.chosen()), (Subnet::FREE[0], Some(Subnet::FREE[0])));

        // In a hotel that has it, the next one; and at home again it stays there.
        let hotel = [taken("192.168.1.7/24"), taken("10.0.0.7/8")];
        let moved = choose(&auto, first.chosen(), &hotel);
        assert_eq!(moved.network.address.to_string(), "172.27.41.1/24");
        assert_eq!(moved.network.dhcp.range.to_string(), "172.27.41.50-172.27.41.100");
        assert_eq!(
            moved.note().unwrap(),
            "eth0 has 10.0.0.7/8, which overlaps with the Wi-Fi's 10.41.0.1/24: the Wi-Fi moves to 172.27.41.1/24"
        );
        let home = choose(&auto, moved.chosen(), &[]);
        assert_eq!((home.network.address, home.moves), (moved.network.address, None));

        // An address that another version of piback chose counts as well.
        let other: Subnet = "10.99.0.1/24".parse().unwrap();
        assert_eq!(choose(&auto, Some(other), &hotel[..1]).network.address, other);
    }

    #[test]
    fn a_fixed_address_never_moves_and_a_clash_is_told() {
        let fixed = network("10.41.0.1/24");
        assert_eq!(choose(&fixed, Some(Subnet::FREE[1]), &[]).network, fixed);
        let clash = choose(&fixed, None, &[taken("10.41.0.200/24")]);
        assert_eq!(clash.clash, Some(taken("10.41.0.200/24")));
        assert_eq!((clash.chosen(), clash.note()), (None, None));

        let all = ["10.0.0.9/8", "172.16.0.9/12", "192.168.0.9/16"].map(taken);
        assert_eq!(choose(&network("auto"), None, &all).clash, Some(taken("10.0.0.9/8")));
    }
}
