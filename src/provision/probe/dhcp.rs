//! A question to a DHCP server and its answer, as bytes (RFC 2131, RFC 2132). Pure.

use std::net::Ipv4Addr;

/// An address that a server offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    pub address: Ipv4Addr,
    pub server: Ipv4Addr,
}

/// Nobody's hardware address: one that is locally given (IEEE 802), with `pib` in it.
const HARDWARE: [u8; 6] = [0x02, 0x70, 0x69, 0x62, 0x00, 0x01];
const MAGIC: [u8; 4] = [99, 130, 83, 99];
/// The fixed part: fields, hardware address, server's name, file.
const HEAD: usize = 236;
/// Options: message type, server identifier, pad, end.
const MESSAGE: u8 = 0x35;
const IDENTIFIER: u8 = 0x36;
const PAD: u8 = 0;
const END: u8 = 255;

/// A DHCPDISCOVER, answered by broadcast. A server keeps nothing for one that asks no further.
#[must_use]
pub fn discover(id: u32) -> Vec<u8> {
    let mut packet = vec![0; HEAD];
    // A request, by Ethernet, whose addresses have six bytes.
    packet[..3].copy_from_slice(&[1, 1, 6]);
    packet[4..8].copy_from_slice(&id.to_be_bytes());
    packet[10] = 0x80;
    packet[28..34].copy_from_slice(&HARDWARE);
    packet.extend_from_slice(&MAGIC);
    packet.extend_from_slice(&[MESSAGE, 1, 1, END]);
    // The least that a relay must pass on (RFC 951's 300 bytes).
    packet.resize(300, PAD);
    packet
}

/// Reads the offer that answers the question with this id; none where it is none.
#[must_use]
pub fn offer(id: u32, packet: &[u8]) -> Option<Offer> {
    let four = |at: usize| packet.get(at..at + 4).and_then(|bytes| <[u8; 4]>::try_from(bytes).ok());
    if packet.first() != Some(&2) || four(4)? != id.to_be_bytes() || four(HEAD)? != MAGIC {
        return None;
    }
    let (mut is_offer, mut server) = (false, None);
    let mut rest = packet.get(HEAD + MAGIC.len()..)?;
    while let [code, after @ ..] = rest {
        match *code {
            END => break,
            PAD => {
                rest = after;
                continue;
            }
            _ => {}
        }
        let (length, after) = after.split_first()?;
        let (value, after) = after.split_at_checked(usize::from(*length))?;
        match *code {
            MESSAGE => is_offer = value == [2],
            IDENTIFIER => server = <[u8; 4]>::try_from(value).ok(),
            _ => {}
        }
        rest = after;
    }
    is_offer.then_some(Offer { address: four(16)?.into(), server: server?.into() })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As dnsmasq 2.90 answers.
    fn answer(id: u32, options: &[u8]) -> Vec<u8> {
        let mut packet = discover(id)[..HEAD + 4].to_vec();
        packet[0] = 2;
        packet[16..20].copy_from_slice(&[10, 41, 0, 76]);
        packet.extend_from_slice(options);
        packet
    }

    #[test]
    fn an_offer_is_read_and_nothing_else_is_one() {
        let options = [MESSAGE, 1, 2, IDENTIFIER, 4, 10, 41, 0, 1, 0, 51, 4, 0, 0, 168, 192, 255];
        let whole = answer(7, &options);
        let wanted = Offer { address: [10, 41, 0, 76].into(), server: [10, 41, 0, 1].into() };
        assert_eq!(offer(7, &whole), Some(wanted));
        assert_eq!(offer(8, &whole), None, "another's");
        assert_eq!(offer(7, &discover(7)), None, "the question itself, which comes back too");
        assert_eq!(
            offer(7, &answer(7, &[MESSAGE, 1, 6, IDENTIFIER, 4, 10, 41, 0, 1, 255])),
            None,
            "a refusal"
        );
        assert_eq!(offer(7, &answer(7, &[MESSAGE, 1, 2, END])), None, "from nobody");
        for end in 0..whole.len() - 9 {
            assert_eq!(offer(7, &whole[..end]), None, "cut at {end}");
        }
        assert_eq!(offer(7, &answer(7, &[MESSAGE, 200, 2])), None, "a length beyond the end");
    }

    #[test]
    fn a_question_has_what_a_server_asks_for() {
        let packet = discover(0x0102_0304);
        assert_eq!((packet.len(), &packet[..8]), (300, &[1, 1, 6, 0, 1, 2, 3, 4][..]));
        assert_eq!(&packet[236..244], &[99, 130, 83, 99, MESSAGE, 1, 1, END]);
    }
}
