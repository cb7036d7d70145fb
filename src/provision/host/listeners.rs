//! Who listens where: from `ss`, whose output is parsed here.

/// One socket that listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// As `ss` writes it: `0.0.0.0`, `*`, `[::]`, `10.41.0.1%wlan0`.
    pub address: String,
    pub port: u16,
    /// The first process that holds it, where `ss` may say.
    pub process: Option<String>,
}

impl Listener {
    /// Tells whether it answers on every address.
    #[must_use]
    pub fn is_wild(&self) -> bool {
        matches!(self.address.as_str(), "0.0.0.0" | "*" | "[::]")
    }
}

/// `ss -Hlnp`: local address, port, and the first process's name out of `users:(("dnsmasq",pid=7,fd=4))`.
#[must_use]
pub fn listeners(text: &str) -> Vec<Listener> {
    let line = |line: &str| {
        let local = line.split_whitespace().find(|w| w.contains(':') && !w.starts_with("users:"))?;
        let (address, port) = local.rsplit_once(':')?;
        let process = line.split_once("((\"").and_then(|(_, rest)| rest.split('"').next());
        let (address, process) = (address.to_owned(), process.map(str::to_owned));
        Some(Listener { address, port: port.parse().ok()?, process })
    };
    text.lines().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ss_prints() {
        let ss = "UNCONN 0 0 127.0.0.53%lo:53 0.0.0.0:* users:((\"systemd-resolve\",pid=1,fd=2))\nUNCONN 0 0 [::]:67 *:*\n";
        let listener = |address: &str, port, process: Option<&str>| Listener {
            address: address.to_owned(),
            port,
            process: process.map(str::to_owned),
        };
        assert_eq!(
            listeners(ss),
            [listener("127.0.0.53%lo", 53, Some("systemd-resolve")), listener("[::]", 67, None)]
        );
        assert!(!listeners(ss)[0].is_wild() && listeners(ss)[1].is_wild());
    }
}
