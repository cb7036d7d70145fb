//! The ports that SSH listens on: the way in over Ethernet must fit the door that is left open for it.

use crate::system::Host;
use crate::system::run::Tool;

/// sshd's own default, ssh(1): what is taken where nobody can be asked.
pub const DEFAULT_PORT: u16 = 22;

/// Asks sshd what it would listen on, the kernel what it listens on, and systemd what it listens on for it; sorted.
#[must_use]
pub fn ports(host: &dyn Host) -> Vec<u16> {
    let said = |tool: Tool| host.output(&tool).map_or_else(|_| String::new(), |output| output.stdout);
    let mut ports = configured(&said(Tool::new("sshd").arg("-T")));
    ports.extend(listening(&said(Tool::new("ss").args(["-Hltnp"]))));
    ports.extend(sockets(&said(Tool::new("systemctl").args(["list-sockets", "--no-legend", "--no-pager"]))));
    ports.sort_unstable();
    ports.dedup();
    if ports.is_empty() { vec![DEFAULT_PORT] } else { ports }
}

/// `sshd -T`: the whole configuration in lower case, `port 22` once for each port.
fn configured(text: &str) -> Vec<u16> {
    text.lines().filter_map(|line| line.strip_prefix("port ")?.trim().parse().ok()).collect()
}

/// `ss -Hltnp`: `LISTEN 0 128 0.0.0.0:22 0.0.0.0:* users:(("sshd",pid=1,fd=3))`.
fn listening(text: &str) -> Vec<u16> {
    let local = |line: &str| line.split_whitespace().nth(3)?.rsplit_once(':')?.1.parse().ok();
    text.lines().filter(|line| line.contains("((\"sshd\",")).filter_map(local).collect()
}

/// `systemctl list-sockets`: address, the unit of the socket and the one that it starts, `[::]:22 ssh.socket ssh.service`.
fn sockets(text: &str) -> Vec<u16> {
    let port = |line: &str| {
        let mut words = line.split_whitespace();
        let address = words.next()?;
        words.next().filter(|unit| unit.starts_with("ssh."))?;
        address.rsplit_once(':')?.1.parse().ok()
    };
    text.lines().filter_map(port).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_listens_says_where() {
        assert_eq!(configured("port 2222\nport 22\nportforwarding yes\naddressfamily any\n"), [2222, 22]);
        // iproute2 6.15, with sshd, another's port and an IPv6 socket.
        let ss = "LISTEN 0 128 0.0.0.0:2222 0.0.0.0:* users:((\"sshd\",pid=7,fd=3))\n\
                  LISTEN 0 50 10.41.0.1%wlan0:445 0.0.0.0:* users:((\"smbd\",pid=9,fd=3))\n\
                  LISTEN 0 128 [::]:2200 [::]:* users:((\"sshd\",pid=7,fd=4))\n";
        assert_eq!(listening(ss), [2222, 2200]);
        let units = "0.0.0.0:24 ssh.socket ssh.service\n[::]:25 ssh.socket ssh.service\n/run/x ssh.socket ssh.service\n\
                     [::]:631 cups.socket cups.service\n";
        assert_eq!(sockets(units), [24, 25]);
        assert!(configured("").is_empty() && listening("garbage\n").is_empty() && sockets("").is_empty());
    }
}
