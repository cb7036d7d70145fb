//! A question to a name server and its answer, as bytes (RFC 1035). Pure.

use std::net::Ipv4Addr;

/// The answer to a question for a name's address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// 0 is no error, 3 is no such name (RFC 1035, 4.1.1).
    pub code: u8,
    pub addresses: Vec<Ipv4Addr>,
}

const HEAD: usize = 12;
/// Type A, class IN.
const A: [u8; 4] = [0, 1, 0, 1];

/// Asks for the IPv4 address of a name of plain labels.
#[must_use]
pub fn question(id: u16, name: &str) -> Vec<u8> {
    // One question, and the wish that the server asks on.
    let mut packet = vec![0; HEAD];
    packet[..2].copy_from_slice(&id.to_be_bytes());
    packet[2] = 1;
    packet[5] = 1;
    for label in name.split('.') {
        packet.push(label.len() as u8);
        packet.extend_from_slice(label.as_bytes());
    }
    packet.push(0);
    packet.extend_from_slice(&A);
    packet
}

/// Reads the answer to the question with this id; none where it is none.
#[must_use]
pub fn reply(id: u16, packet: &[u8]) -> Option<Reply> {
    let number = |at: usize| Some(u16::from_be_bytes([*packet.get(at)?, *packet.get(at + 1)?]));
    if number(0)? != id || packet.get(2)? & 0x80 == 0 {
        return None;
    }
    let mut at = HEAD;
    for _ in 0..number(4)? {
        at = after_name(packet, at)? + A.len();
    }
    let mut addresses = Vec::new();
    for _ in 0..number(6)? {
        at = after_name(packet, at)?;
        let (kind, length) = (packet.get(at..at + 4)?, usize::from(number(at + 8)?));
        let data = packet.get(at + 10..at + 10 + length)?;
        if let (true, Ok(octets)) = (kind == A, <[u8; 4]>::try_from(data)) {
            addresses.push(Ipv4Addr::from(octets));
        }
        at += 10 + length;
    }
    Some(Reply { code: packet[3] & 0xf, addresses })
}

/// The place behind a name, which ends with a root label or with a pointer to another.
fn after_name(packet: &[u8], mut at: usize) -> Option<usize> {
    loop {
        match *packet.get(at)? {
            0 => return Some(at + 1),
            length @ 1..=63 => at += 1 + usize::from(length),
            192.. => return Some(at + 2),
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As dnsmasq 2.90 answers `piback`.
    fn answered() -> Vec<u8> {
        let mut packet = question(0x1234, "piback");
        packet[2] = 0x85;
        packet[3] = 0x80;
        packet[7] = 1;
        packet.extend_from_slice(&[0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 10, 41, 0, 1]);
        packet
    }

    #[test]
    fn a_question_and_its_answer() {
        assert_eq!(&question(1, "a.bc")[HEAD..], b"\x01a\x02bc\0\0\x01\0\x01");
        let address = Ipv4Addr::new(10, 41, 0, 1);
        assert_eq!(reply(0x1234, &answered()), Some(Reply { code: 0, addresses: vec![address] }));
        assert_eq!(reply(0x4321, &answered()), None, "another's answer");
        assert_eq!(reply(0x1234, &question(0x1234, "piback")), None, "the question itself");
        let mut unknown = question(7, "nobody");
        unknown[2] = 0x80;
        unknown[3] = 3;
        assert_eq!(reply(7, &unknown), Some(Reply { code: 3, addresses: Vec::new() }));
    }

    #[test]
    fn nonsense_is_none_and_never_a_panic() {
        let whole = answered();
        for end in 0..whole.len() {
            assert_eq!(reply(0x1234, &whole[..end]), None, "{end}");
        }
        for at in 0..whole.len() {
            for byte in [0, 0x3f, 0x7f, 0xc0, 0xff] {
                let mut broken = whole.clone();
                broken[at] = byte;
                let _ = reply(0x1234, &broken);
            }
        }
    }
}
