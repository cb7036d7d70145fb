use super::leaf::leaf;
use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

/// The appliance's own address and the length of its network's prefix, as in 10.41.0.1/24.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subnet {
    address: Ipv4Addr,
    prefix: u8,
}

impl Subnet {
    /// The ranges where `auto` looks for a free subnet, in this order: docs/ADDRESSES.md says why these.
    pub const FREE: [Subnet; 6] = [
        Subnet::home(10, 41, 0),
        Subnet::home(172, 27, 41),
        Subnet::home(10, 173, 41),
        Subnet::home(192, 168, 219),
        Subnet::home(172, 30, 173),
        Subnet::home(192, 168, 241),
    ];

    const fn home(a: u8, b: u8, c: u8) -> Self {
        Subnet { address: Ipv4Addr::new(a, b, c, 1), prefix: 24 }
    }

    /// The Pi's address.
    #[must_use]
    pub fn address(&self) -> Ipv4Addr {
        self.address
    }

    /// Bits of the network, 16 to 29.
    #[must_use]
    pub fn prefix(&self) -> u8 {
        self.prefix
    }

    #[must_use]
    pub fn netmask(&self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.mask())
    }

    #[must_use]
    pub fn network(&self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.address.to_bits() & self.mask())
    }

    #[must_use]
    pub fn broadcast(&self) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.address.to_bits() | !self.mask())
    }

    /// Tells whether a client may have this address: inside, and none of network, broadcast and the Pi's own.
    #[must_use]
    pub fn has_client(&self, client: Ipv4Addr) -> bool {
        client.to_bits() & self.mask() == self.network().to_bits()
            && ![self.address, self.network(), self.broadcast()].contains(&client)
    }

    /// Tells whether it has an address in common with another network.
    #[must_use]
    pub fn overlaps(&self, address: Ipv4Addr, prefix: u8) -> bool {
        // A shift by 32 is no shift in Rust: a prefix of 0 contains everything.
        let mask = match self.prefix.min(prefix) {
            0 => 0,
            shorter => u32::MAX << (32 - u32::from(shorter.min(32))),
        };
        self.address.to_bits() & mask == address.to_bits() & mask
    }

    fn mask(&self) -> u32 {
        // The prefix is 16 to 29, so the shift is in range.
        u32::MAX << (32 - u32::from(self.prefix))
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

impl FromStr for Subnet {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form =
            || "is no address with a prefix; something like 10.41.0.1/24, or auto, is allowed".to_owned();
        let (address, prefix) = text.split_once('/').ok_or_else(form)?;
        let address: Ipv4Addr = address.parse().map_err(|_| form())?;
        let prefix: u8 = prefix.parse().map_err(|_| form())?;
        if !(16..=29).contains(&prefix) {
            return Err("has a prefix that leaves too much or too little room; /16 to /29 are allowed".into());
        }
        if !address.is_private() {
            return Err(
                "is a public address; 10.x.x.x, 172.16 to 172.31.x.x and 192.168.x.x are allowed".into()
            );
        }
        let subnet = Subnet { address, prefix };
        if address == subnet.network() || address == subnet.broadcast() {
            return Err("is the network's own or its broadcast address, not one that the Pi can have".into());
        }
        Ok(subnet)
    }
}

leaf!(Subnet, text, "Subnet", {
    "type": "string", "pattern": "^[0-9.]+/[0-9]{2}$",
    "description": "The Pi's address on its Wi-Fi and the prefix length, as in 10.41.0.1/24"
});

impl serde::Serialize for Subnet {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The address as a profile has it: a fixed one, or piback's choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Address {
    Fixed(Subnet),
    Auto,
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Address::Auto),
            text => text.parse().map(Address::Fixed),
        }
    }
}

leaf!(Address, text, "Address", {
    "type": "string", "pattern": "^([0-9.]+/[0-9]{2}|auto)$",
    "description": "The Pi's address on its Wi-Fi and the prefix length, as in 10.41.0.1/24; auto: piback picks a subnet that Ethernet does not have, and stays with it"
});

/// A name server that dnsmasq asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DnsServer(std::net::IpAddr);

impl fmt::Display for DnsServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for DnsServer {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let address: std::net::IpAddr =
            text.parse().map_err(|_| "is no address of a name server; something like 9.9.9.9 is allowed")?;
        if address.is_unspecified() || address.is_multicast() || address.is_loopback() {
            return Err("is no address of a name server; something like 9.9.9.9 is allowed".into());
        }
        Ok(DnsServer(address))
    }
}

leaf!(DnsServer, text, "DnsServer", {
    "type": "string", "anyOf": [{ "format": "ipv4" }, { "format": "ipv6" }],
    "description": "A name server's IP address"
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derived_addresses() {
        let subnet: Subnet = "192.168.1.1/24".parse().unwrap();
        assert_eq!(subnet.netmask().to_string(), "255.255.255.0");
        assert_eq!(subnet.network().to_string(), "192.168.1.0");
        assert_eq!(subnet.broadcast().to_string(), "192.168.1.255");
        assert!(subnet.has_client("192.168.1.50".parse().unwrap()));
        for not in ["192.168.1.0", "192.168.1.1", "192.168.1.255", "192.168.2.5"] {
            assert!(!subnet.has_client(not.parse().unwrap()), "{not}");
        }
    }

    #[test]
    fn networks_overlap_by_the_shorter_prefix() {
        for (a, b, prefix, same) in [
            ("192.168.1.1/24", "192.168.1.77", 24, true),
            ("10.41.0.1/24", "10.0.0.5", 8, true),
            ("10.41.0.1/24", "10.42.0.5", 24, false),
            ("10.41.0.1/16", "10.41.9.0", 24, true),
            ("10.41.0.1/24", "10.42.0.5", 0, true),
            ("10.41.0.1/24", "10.41.0.9", 99, true),
        ] {
            let subnet: Subnet = a.parse().unwrap();
            assert_eq!(subnet.overlaps(b.parse().unwrap(), prefix), same, "{a} {b}/{prefix}");
        }
    }

    #[test]
    fn the_free_ones_are_allowed_and_far_apart() {
        for (index, subnet) in Subnet::FREE.iter().enumerate() {
            assert_eq!(subnet.to_string().parse::<Subnet>(), Ok(*subnet));
            let others = Subnet::FREE.iter().skip(index + 1);
            assert!(!others.into_iter().any(|o| subnet.overlaps(o.address, o.prefix)), "{subnet}");
        }
        // A network that fills a whole private block leaves others.
        for (address, prefix) in [("10.0.0.0", 8), ("172.16.0.0", 12), ("192.168.0.0", 16)] {
            assert!(Subnet::FREE.iter().any(|s| !s.overlaps(address.parse().unwrap(), prefix)));
        }
    }

    #[test]
    fn refused() {
        for text in
            ["10.41.0.1", "10.41.0.1/30", "10.41.0.1/8", "8.8.8.8/24", "10.41.0.0/24", "10.41.0.255/24", "x"]
        {
            assert!(text.parse::<Subnet>().is_err(), "{text}");
        }
    }
}
