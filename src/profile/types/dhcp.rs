use super::leaf::leaf;
use super::subnet::Subnet;
use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

/// First and last address that clients get, both inclusive, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    first: Ipv4Addr,
    last: Ipv4Addr,
}

impl Range {
    #[must_use]
    pub fn first(&self) -> Ipv4Addr {
        self.first
    }

    #[must_use]
    pub fn last(&self) -> Ipv4Addr {
        self.last
    }

    /// Tells whether all of it can be handed out inside `subnet`.
    ///
    /// # Errors
    /// A sentence with what is allowed.
    pub fn fits(&self, subnet: &Subnet) -> Result<(), String> {
        for end in [self.first, self.last] {
            if !subnet.has_client(end) {
                return Err(format!(
                    "{end} can't be given to a client of {subnet}; addresses between {} and {} are allowed",
                    subnet.network(),
                    subnet.broadcast()
                ));
            }
        }
        if (self.first..=self.last).contains(&subnet.address()) {
            return Err(format!("contains {}, which is the Pi's own address", subnet.address()));
        }
        Ok(())
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.first, self.last)
    }
}

/// A range as a profile has it: whole addresses, or only their last numbers, which follow the Pi's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WrittenRange {
    Whole(Range),
    Last(u8, u8),
}

impl WrittenRange {
    /// The range beside the Pi's address.
    #[must_use]
    pub fn beside(&self, subnet: &Subnet) -> Range {
        let [a, b, c, _] = subnet.address().octets();
        match *self {
            WrittenRange::Whole(range) => range,
            WrittenRange::Last(first, last) => {
                Range { first: Ipv4Addr::new(a, b, c, first), last: Ipv4Addr::new(a, b, c, last) }
            }
        }
    }
}

impl FromStr for WrittenRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = || "is no range; something like .50-.100 or 10.41.0.50-10.41.0.100 is allowed".to_owned();
        let (first, last) = text.split_once('-').ok_or_else(form)?;
        let (first, last) = (first.trim(), last.trim());
        let backwards = || "ends before it begins".to_owned();
        if let (Some(first), Some(last)) = (first.strip_prefix('.'), last.strip_prefix('.')) {
            // `+5` is a number to Rust.
            let number = |t: &str| t.parse().ok().filter(|_| t.bytes().all(|b| b.is_ascii_digit()));
            let (first, last): (u8, u8) = number(first).zip(number(last)).ok_or_else(form)?;
            return if first > last { Err(backwards()) } else { Ok(WrittenRange::Last(first, last)) };
        }
        let first: Ipv4Addr = first.parse().map_err(|_| form())?;
        let last: Ipv4Addr = last.parse().map_err(|_| form())?;
        if first > last {
            return Err(backwards());
        }
        Ok(WrittenRange::Whole(Range { first, last }))
    }
}

leaf!(WrittenRange, text, "DhcpRange", {
    "type": "string", "pattern": "^([0-9.]+ ?- ?[0-9.]+|\\.[0-9]+ ?- ?\\.[0-9]+)$",
    "description": "First and last address for clients: .50-.100 in the Pi's own subnet, or in full as in 10.41.0.50-10.41.0.100"
});

/// The time for which a client keeps its address, in whole seconds: 2 minutes (dnsmasq's least) to 30 days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    text: String,
    seconds: u32,
}

impl Lease {
    #[must_use]
    pub fn seconds(&self) -> u32 {
        self.seconds
    }
}

impl fmt::Display for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Lease {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = || "is no lease time; minutes or hours are allowed, as in 45m or 12h".to_owned();
        let (digits, scale) = match (text.strip_suffix('m'), text.strip_suffix('h')) {
            (Some(digits), _) => (digits, 60),
            (_, Some(digits)) => (digits, 3600),
            _ => return Err(form()),
        };
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) || digits.starts_with('0') {
            return Err(form());
        }
        let seconds = digits.parse::<u32>().ok().and_then(|n| n.checked_mul(scale)).ok_or_else(form)?;
        if !(120..=30 * 24 * 3600).contains(&seconds) {
            return Err("is too short or too long; 2m to 720h are allowed".into());
        }
        Ok(Lease { text: text.to_owned(), seconds })
    }
}

leaf!(Lease, any, "Lease", {
    "type": "string", "pattern": "^[1-9][0-9]*[mh]$",
    "description": "How long a client keeps its address, as in 12h"
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_lies_inside_and_leaves_the_pi_out() {
        let subnet = "192.168.1.1/24".parse().unwrap();
        let range = |text: &str, subnet: &Subnet| text.parse::<WrittenRange>().unwrap().beside(subnet);
        let fits = |text: &str| range(text, &subnet).fits(&subnet);
        assert!(fits("192.168.1.50-192.168.1.100").is_ok());
        assert!(fits("192.168.1.0-192.168.1.100").is_err());
        assert!(fits("192.168.1.50-192.168.2.100").is_err());
        assert!(fits(".50-.100").is_ok());
        assert!(fits(".0-.100").is_err() && fits(".1-.9").is_err() && fits(".9-.255").is_err());
        assert_eq!(range(".50-.100", &subnet).to_string(), "192.168.1.50-192.168.1.100");
        let other = "192.168.1.60/24".parse().unwrap();
        assert!(range("192.168.1.50-192.168.1.100", &other).fits(&other).is_err());
        for text in ["10.0.0.9-10.0.0.2", ".9-.2"] {
            assert_eq!(text.parse::<WrittenRange>().unwrap_err(), "ends before it begins");
        }
        for text in [".50", ".50-10.0.0.100", ".-.", ".5-.256", ".+5-.9", "50-100"] {
            assert!(text.parse::<WrittenRange>().is_err(), "{text}");
        }
    }

    #[test]
    fn leases() {
        assert_eq!("12h".parse::<Lease>().unwrap().seconds(), 43_200);
        for text in ["", "h", "12", "12d", "1m", "0h", "721h", "9999999999h", "1.5h", "12h\n"] {
            assert!(text.parse::<Lease>().is_err(), "{text:?}");
        }
    }
}
