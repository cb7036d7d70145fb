//! Ports that Docker publishes: they go to containers by rules of their own, past a firewall's INPUT.

use super::found::{Found, Weight};
use super::looked::Looked;
use crate::system::run::Tool;

pub fn look(looked: &Looked<'_>, found: &mut Found) -> anyhow::Result<()> {
    // Without Docker there is no such chain, and the question costs a process.
    if !looked.is_there("/var/lib/docker") {
        return Ok(());
    }
    let chain = Tool::new("iptables").args(["-w", "-t", "nat", "-S", "DOCKER"]);
    let ports = published(&looked.said(&chain).unwrap_or_default());
    if !ports.is_empty() {
        found.add(
            Weight::Said,
            format!("Docker's ports {}", ports.join(", ")),
            "the Wi-Fi reaches what it publishes, uplinks no more",
            "a network that shall reach it belongs into uplink.trusted",
        );
    }
    Ok(())
}

/// `-A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80`: the port.
fn published(text: &str) -> Vec<String> {
    let mut ports: Vec<String> = text
        .lines()
        .filter(|line| line.contains("-j DNAT"))
        .filter_map(|line| line.split_whitespace().skip_while(|word| *word != "--dport").nth(1))
        .map(str::to_owned)
        .collect();
    ports.dedup();
    ports
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_docker_publishes() {
        let text = "-N DOCKER\n-A DOCKER -i docker0 -j RETURN\n\
                    -A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80\n";
        assert_eq!(published(text), ["8080"]);
        assert!(published("-A DOCKER -j DNAT --dport").is_empty());
    }
}
