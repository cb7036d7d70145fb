//! The host's tools, asked for the rows of a look, and those that did not answer.

use crate::provision::components::nat;
use crate::provision::desired::expected::Expected;
use crate::provision::host::addresses;
use crate::provision::probe::rules::Rules;
use crate::system::Host;
use crate::system::run::Tool;
use std::cell::{OnceCell, RefCell};

/// An answer: is the row so, and in words what was found.
pub type Answer = (bool, String);

/// The tool that shows IPv4's rules; the other one is IPv6's.
pub const IPV4: &str = "iptables-save";

/// Asks tools, and remembers those that did not answer.
pub struct Asker<'a> {
    pub host: &'a dyn Host,
    pub addresses: String,
    pub udp: String,
    pub tcp: String,
    /// Program and reason.
    pub silent: RefCell<Vec<(String, String)>>,
    /// IPv4's are looked at for two rows.
    rules: [OnceCell<Rules>; 2],
}

impl<'a> Asker<'a> {
    /// Asks what several rows are answered from.
    #[must_use]
    pub fn new(host: &'a dyn Host) -> Self {
        let (addresses, udp, tcp) = (String::new(), String::new(), String::new());
        let (silent, rules) = (RefCell::default(), Default::default());
        let asker = Asker { host, addresses, udp, tcp, silent, rules };
        let addresses = asker.said(Tool::new("ip").args(["-o", "addr", "show"]));
        let udp = asker.said(Tool::new("ss").args(["-Hlun"]));
        let tcp = asker.said(Tool::new("ss").args(["-Hltn"]));
        Asker { addresses, udp, tcp, ..asker }
    }

    /// The rules that `iptables-save` or `ip6tables-save` shows, beside our file; read once.
    pub fn rules(&self, save: &str) -> &Rules {
        let (at, tool, path) =
            if save == IPV4 { (0, "iptables", nat::IPV4_RULES) } else { (1, "ip6tables", nat::IPV6_RULES) };
        self.rules[at].get_or_init(|| Rules::beside(self.host, self.said(Tool::new(save)), path, tool))
    }

    /// The words of a tool, whatever came of it; one that can't be asked is remembered.
    pub fn said(&self, tool: Tool) -> String {
        match self.host.output(&tool) {
            // hostapd_cli and iw fail where what they are asked for is not there: that is an answer.
            Ok(output) if output.code == Some(0) || matches!(&*tool.program, "hostapd_cli" | "iw") => {
                output.stdout
            }
            Ok(output) => {
                self.silent.borrow_mut().push((tool.program, first_line(&output.stderr, "it failed")));
                output.stdout
            }
            Err(e) => {
                self.silent.borrow_mut().push((tool.program, e.to_string()));
                e.to_string()
            }
        }
    }
}

/// `ip -o addr show`: `3: wlan0    inet 10.41.0.1/24 brd …`.
#[must_use]
pub fn address(text: &str, expected: &Expected) -> Answer {
    let wanted = format!("{}/{}", expected.address, expected.prefix);
    let there: Vec<&str> =
        addresses::listed(text).filter(|(i, _)| *i == expected.radio).map(|(_, a)| a).collect();
    let found = if there.is_empty() { "none".to_owned() } else { there.join(", ") };
    (there.contains(&wanted.as_str()), found)
}

/// The first line that says something, harmless to print.
#[must_use]
pub fn first_line(text: &str, fallback: &str) -> String {
    let line = text.lines().map(str::trim).find(|l| !l.is_empty()).unwrap_or(fallback);
    crate::ui::visible(line)
}
