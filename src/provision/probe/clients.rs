//! The appliance at a glance: the probes, and who is on the Wi-Fi. Each thing is asked itself, once.

use crate::provision::desired::expected::Expected;
use crate::provision::probe::{self, Probe};
use crate::system::Host;
use crate::system::run::Tool;
use serde::Serialize;

/// The probes and the clients.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Overview {
    pub probes: Vec<Probe>,
    /// Nothing when it can't be found out.
    pub clients: Option<Vec<Client>>,
}

/// A device that is on the Wi-Fi now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Client {
    /// Its hardware address; iPads make one up for each network.
    pub station: String,
    /// From the leases: its address and what it calls itself. Nothing for one with an address of its own.
    pub address: Option<String>,
    pub name: Option<String>,
}

/// The file in which Debian's dnsmasq keeps its leases.
const LEASES: &str = "/var/lib/misc/dnsmasq.leases";

/// Looks once.
#[must_use]
pub fn look(host: &dyn Host, expected: &Expected) -> Overview {
    let stations = Tool::new("iw").args(["dev", &expected.radio, "station", "dump"]);
    let leases = host.read_followed(LEASES).ok().flatten().unwrap_or_default();
    let leases = String::from_utf8_lossy(&leases).into_owned();
    let clients = match host.output(&stations) {
        Ok(output) if output.code == Some(0) => Some(clients(&output.stdout, &leases)),
        _ => None,
    };
    Overview { probes: probe::look(host, expected), clients }
}

impl Overview {
    /// The clients in a few words.
    #[must_use]
    pub fn clients_in_words(&self) -> String {
        match self.clients.as_deref() {
            None => "not known".to_owned(),
            Some([]) => "none".to_owned(),
            Some(clients) => clients.iter().map(Client::words).collect::<Vec<_>>().join(", "),
        }
    }
}

impl Client {
    fn words(&self) -> String {
        match (&self.name, &self.address) {
            (Some(name), Some(address)) => format!("{} {address}", crate::ui::visible(name)),
            (None, Some(address)) => address.clone(),
            _ => format!("{} without a lease", self.station),
        }
    }
}

/// `iw dev wlan0 station dump` has a line `Station aa:bb:cc:dd:ee:ff (on wlan0)` for each; a line of the leases is
/// `1480000000 aa:bb:cc:dd:ee:ff 10.41.0.57 iPad 01:aa:…`, with `*` for no name.
fn clients(stations: &str, leases: &str) -> Vec<Client> {
    let lease = |station: &str| {
        leases.lines().find_map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let [_, mac, address, name, ..] = words[..] else { return None };
            mac.eq_ignore_ascii_case(station).then(|| (address.to_owned(), name.to_owned()))
        })
    };
    let stations =
        stations.lines().filter_map(|line| line.strip_prefix("Station ")?.split_whitespace().next());
    let client = |station: &str| {
        let (address, name) = lease(station).unzip();
        let name = name.filter(|name| name != "*");
        Client { station: crate::ui::visible(station), address, name }
    };
    stations.map(client).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::fake::FakeHost;
    use crate::system::run::{Output, RunError};

    /// A thing that nobody can tell is unknown, not down.
    #[test]
    fn a_tool_that_is_not_there_or_may_not_ask_says_nothing() {
        let root = tempfile::tempdir().unwrap();
        let host = FakeHost::live(root.path(), |tool| match tool.program.as_str() {
            "iptables-save" => Err(RunError::NotFound { program: "iptables-save".into() }),
            "ss" => Ok(Output {
                code: Some(1),
                stdout: String::new(),
                stderr: "Operation not permitted\n".into(),
            }),
            "hostapd_cli" => Ok(Output { code: Some(255), stdout: String::new(), stderr: String::new() }),
            "ip" => Ok(Output {
                code: Some(0),
                stdout: "3: wlan0    inet 10.41.0.1/24 scope global\n".into(),
                stderr: String::new(),
            }),
            _ => Ok(Output { code: Some(0), stdout: "1\n".into(), stderr: String::new() }),
        })
        .unwrap();
        let seen = look(&host, &Expected::example());
        let of = |name: &str| {
            let probe = seen.probes.iter().find(|p| p.name == name).unwrap();
            (probe.known, probe.ok, probe.found.as_str())
        };
        assert_eq!(of("firewall"), (false, false, "iptables-save: not installed"));
        assert_eq!(of("DNS"), (false, false, "Operation not permitted"));
        assert_eq!(of("access point"), (true, false, "hostapd does not answer"));
        assert_eq!(of("address"), (true, true, "10.41.0.1/24"));
        assert_eq!(of("forwarding"), (true, true, "on"));
        assert_eq!(seen.clients, Some(Vec::new()));
    }

    #[test]
    fn stations_and_their_leases() {
        let dump = "Station 02:00:00:00:01:00 (on wlan0)\n\tinactive time:\t8 ms\n\tauthorized:\tyes\n\
                    Station 02:00:00:00:02:00 (on wlan0)\nStation AA:00:00:00:03:00 (on wlan0)\n";
        let leases = "1480000000 02:00:00:00:01:00 10.41.0.57 iPad 01:02:00:00:00:01:00\n\
                      1480000000 aa:00:00:00:03:00 10.41.0.58 * *\nbroken\n1480000000 02:00:00:00:09:00 10.41.0.59 gone *\n";
        let overview = Overview { probes: Vec::new(), clients: Some(clients(dump, leases)) };
        assert_eq!(
            overview.clients_in_words(),
            "iPad 10.41.0.57, 02:00:00:00:02:00 without a lease, 10.41.0.58"
        );
        assert_eq!(Overview { probes: Vec::new(), clients: None }.clients_in_words(), "not known");
        assert_eq!(clients("", leases), []);
    }
}
