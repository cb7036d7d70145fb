//! Ports of the appliance that somebody else holds on every address.

use super::found::{Found, Weight};
use super::looked::Looked;
use crate::provision::components::component::Protocol;
use crate::provision::components::{self, tls, web};
use crate::provision::host::listeners::{Listener, listeners};
use crate::system::run::Tool;

pub fn look(looked: &Looked<'_>, found: &mut Found) -> anyhow::Result<()> {
    let ask =
        |args: &str| looked.said(&Tool::new("ss").arg(args)).map(|text| listeners(&text)).unwrap_or_default();
    let (udp, tcp) = (ask("-Hlunp"), ask("-Hltnp"));
    for (component, socket) in components::sockets() {
        let is_page = component.key == web::COMPONENT.key;
        // Without a page another's is only said; whoever shows a screen that is not wanted here may do so.
        if !is_page && !(component.when)(looked.facts, looked.profile) {
            continue;
        }
        let all = if socket.protocol == Protocol::Udp { &udp } else { &tcp };
        let stranger = |l: &&Listener| {
            l.port == socket.port
                && l.is_wild()
                && l.process.as_deref().is_some_and(|name| !(socket.is_own)(name))
        };
        if let Some(holder) = all.iter().find(stranger) {
            let (at, name) = place(holder);
            let why = format!("it holds the port of the Wi-Fi's {}", socket.name);
            let mut remedy = format!("stop {name}, or keep it off {}", looked.radio);
            if is_page {
                remedy.push_str("; or have no page: web: {page: off} in the profile");
            }
            if *component == tls::COMPONENT {
                remedy.push_str("; or have the page in plain http: web: {tls: off} in the profile");
            }
            let weight = if is_page && !looked.has_page { Weight::Said } else { Weight::Refused };
            found.add(weight, at, why, remedy);
        }
    }
    Ok(())
}

fn place(holder: &Listener) -> (String, &str) {
    let name = holder.process.as_deref().unwrap_or("somebody");
    (format!("{name} on {}:{}", holder.address, holder.port), name)
}
