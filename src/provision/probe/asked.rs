//! Questions that the appliance's own servers are asked by a packet, as an iPad would.

use super::asker::{Answer, Asker, address};
use super::{dhcp, dns};
use crate::certificate::{Authority, name_of};
use crate::paths::AUTHORITY;
use crate::provision::components::{dnsmasq, tls, web};
use crate::provision::desired::expected::Expected;
use crate::provision::state;
use crate::system::Node;
use crate::system::broadcast::Broadcast;
use crate::system::random;
use std::io::ErrorKind;
use std::net::Ipv4Addr;
use std::time::Duration;

/// Asks the Wi-Fi's name server for the appliance's own name, which it never asks of others: an older set-up has none, and
/// says so at once.
pub fn names(asker: &Asker<'_>, expected: &Expected) -> Option<Answer> {
    const ID: u16 = 0x7069;
    const WITHIN: Duration = Duration::from_secs(3);
    let (address, host) = here(asker, expected)?;
    let question = dns::question(ID, dnsmasq::SHORT_NAME);
    Some(match host.exchange((address, dnsmasq::NAMES).into(), &question, WITHIN) {
        Err(e) if e.kind() == ErrorKind::Unsupported => return None,
        Err(e) if e.kind() == ErrorKind::WouldBlock => {
            (false, format!("the name server does not answer within {} s", WITHIN.as_secs()))
        }
        Err(e) => (false, format!("the name server does not answer: {e}")),
        Ok(packet) => match dns::reply(ID, &packet) {
            None => (false, "the name server answers nonsense".to_owned()),
            Some(reply) if reply.addresses.is_empty() => (true, "the name server answers".to_owned()),
            Some(reply) => {
                let told = reply.addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                (reply.addresses.contains(&address), format!("{} is {told}", dnsmasq::SHORT_NAME))
            }
        },
    })
}

/// The name that a DHCP question goes by among what can't be asked.
pub const LEASES: &str = "dhcp";

/// Asks on the radio for an address, and takes none.
pub fn leases(asker: &Asker<'_>, expected: &Expected) -> Option<Answer> {
    // Of this question alone: whoever else is on the Wi-Fi does not know it before.
    let id = random::bits().map_or(0x7069_6261, |bits| bits as u32);
    // A set-up of an older piback's pings an address for three seconds before it offers it.
    const WITHIN: Duration = Duration::from_secs(5);
    let (own, host) = here(asker, expected)?;
    let offered = |packet: &[u8]| dhcp::offer(id, packet).filter(|offer| offer.server == own);
    let asked = host.broadcast(&Broadcast {
        interface: &expected.radio,
        from: dnsmasq::LEASES_FROM,
        to: dnsmasq::LEASES,
        packet: &dhcp::discover(id),
        is_answer: &|packet| offered(packet).is_some(),
        within: WITHIN,
    });
    Some(match asked.map(|packet| offered(&packet)) {
        Ok(Some(offer)) => (true, format!("{} would be given", offer.address)),
        Ok(None) => (false, "the DHCP server answers nonsense".to_owned()),
        Err(e) if e.kind() == ErrorKind::WouldBlock => {
            (false, format!("nobody is given an address: none was offered within {} s", WITHIN.as_secs()))
        }
        Err(e) if e.kind() == ErrorKind::Unsupported => return None,
        // Somebody else's port or right: it may be so or not.
        Err(e) if matches!(e.kind(), ErrorKind::AddrInUse | ErrorKind::PermissionDenied) => {
            asker.silent.borrow_mut().push((LEASES.to_owned(), format!("DHCP can't be asked: {e}")));
            (true, String::new())
        }
        Err(e) => (false, format!("nobody is given an address: {e}")),
    })
}

/// The appliance's address and the host, where the radio has it: of an address that is nobody's here the uplink would be
/// asked, and its own row says that it is gone.
fn here<'a>(asker: &Asker<'a>, expected: &Expected) -> Option<(Ipv4Addr, &'a dyn crate::system::Host)> {
    let own: Ipv4Addr = expected.address.parse().ok()?;
    address(&asker.addresses, expected).0.then_some((own, asker.host))
}

/// The name that a handshake goes by among what can't be asked.
pub const CERTIFICATE: &str = "tls";

/// Shakes hands with the page over TLS, where there is one, as a browser that trusts the appliance's authority.
pub fn certificate(asker: &Asker<'_>, expected: &Expected) -> Option<Answer> {
    const WITHIN: Duration = Duration::from_secs(10);
    let (address, host) = here(asker, expected)?;
    if host.read(tls::UNIT).is_ok_and(|node| node == Node::Absent) {
        return None;
    }
    let mut kept = host.read_followed(AUTHORITY);
    if let Ok(None) = kept {
        // It is made when the page is started for the first time: by whoever comes first.
        let asked = host.get(&address.to_string(), web::PORT, "/", WITHIN);
        if asked.is_err_and(|e| e.kind() == ErrorKind::Unsupported) {
            return None;
        }
        kept = host.read_followed(AUTHORITY);
    }
    let authority = match kept.map(|text| text.and_then(|text| Authority::read(&text).ok())) {
        Ok(Some(authority)) => authority,
        Ok(None) => return Some((false, format!("{} made no authority", tls::NAME))),
        Err(e) => {
            asker
                .silent
                .borrow_mut()
                .push((CERTIFICATE.to_owned(), format!("the authority can't be read: {e}")));
            return Some((true, String::new()));
        }
    };
    let page = (address, tls::PORT).into();
    match host.shake_hands(page, authority.certificate(), state::moment(host), WITHIN) {
        Ok(()) => Some((true, format!("good for {address}, by {}", name_of(authority.certificate())))),
        Err(e) if e.kind() == ErrorKind::Unsupported => None,
        Err(e) => Some((false, format!("a browser that trusts the authority is not served: {e}"))),
    }
}
