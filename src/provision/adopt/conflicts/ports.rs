//! Ports of the appliance that somebody else holds on every address.

use super::found::{Found, Weight};
use super::looked::Looked;
use crate::provision::components::component::Protocol;
use crate::provision::components::{self, PAGE};
use crate::provision::host::listeners::{Listener, listeners};
use crate::system::run::Tool;

pub fn look(looked: &Looked<'_>, found: &mut Found) -> anyhow::Result<()> {
    let ask =
        |args: &str| looked.said(&Tool::new("ss").arg(args)).map(|text| listeners(&text)).unwrap_or_default();
    let (udp, tcp) = (ask("-Hlunp"), ask("-Hltnp"));
    for (_, socket) in components::sockets() {
        let all = if socket.protocol == Protocol::Udp { &udp } else { &tcp };
        let stranger = |l: &&Listener| {
            l.port == socket.port
                && l.is_wild()
                && l.process.as_deref().is_some_and(|name| !(socket.is_own)(name))
        };
        if let Some(holder) = all.iter().find(stranger) {
            let (at, name) = place(holder);
            let why = format!("it holds the port of the Wi-Fi's {}", socket.name);
            found.add(Weight::Refused, at, why, format!("stop {name}, or keep it off {}", looked.radio));
        }
    }
    if let Some(holder) = tcp.iter().find(|l| l.port == PAGE && l.is_wild()) {
        let (at, name) = place(holder);
        if !name.starts_with("systemd") && !name.starts_with("piback") {
            let remedy = format!("give {name} another port, or stop it");
            found.add(Weight::Said, at, "it holds the port of piback's page", remedy);
        }
    }
    Ok(())
}

fn place(holder: &Listener) -> (String, &str) {
    let name = holder.process.as_deref().unwrap_or("somebody");
    (format!("{name} on {}:{}", holder.address, holder.port), name)
}
