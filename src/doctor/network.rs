//! The network stack, the Wi-Fi's subnet, and who else listens.

use super::finding::{Check, Finding, Subject, said};
use crate::profile::Tls;
use crate::provision::adopt;
use crate::provision::adopt::conflicts::{self, Weight};
use crate::provision::components::{self, screen, tls};
use crate::provision::host::facts::Stack;
use crate::provision::host::listeners::listeners;
use crate::provision::host::uplink::{self, Internet};
use crate::system::run::Tool;
use crate::ui::visible;

/// The registry's row of [`stack`].
pub const STACK: Check = Check {
    name: "stack",
    line: "who brings up the network, and nobody else",
    stops_apply: true,
    run: stack,
};

fn stack(subject: &Subject<'_>) -> Finding {
    let Some(facts) = subject.facts else {
        return Finding::bad(
            "no NetworkManager, dhcpcd or ifupdown was found",
            "name it: piback apply --stack networkmanager (or dhcpcd, ifupdown)",
        );
    };
    if let Some(profile) = subject.profile {
        match adopt::find(subject.host, facts, profile).map(|manual| manual.places()) {
            Ok(places) if !places.is_empty() => {
                return Finding::mended_by_apply(format!(
                    "a set-up by hand fights with piback's: {}",
                    places.join(", ")
                ));
            }
            Ok(_) => {}
            Err(e) => return Finding::unknown(format!("{e:#}")),
        }
    }
    match facts.os.pretty_name.as_str() {
        "" => Finding::good(stack_name(facts.stack)),
        name => Finding::good(format!("{} ({})", stack_name(facts.stack), visible(name))),
    }
}

/// The registry's row of [`others`]. Apply refuses by the same list, before it looks at anything else.
pub const OTHERS: Check = Check {
    name: "others",
    line: "nobody else's settings fight with piback's",
    stops_apply: false,
    run: others,
};

fn others(subject: &Subject<'_>) -> Finding {
    let (Some(facts), Some(profile)) = (subject.facts, subject.profile) else {
        return Finding::unknown("there is no profile, or no network stack");
    };
    let found = adopt::find(subject.host, facts, profile)
        .and_then(|manual| conflicts::find(subject.host, facts, profile, &manual));
    let found = match found {
        Ok(found) => found,
        Err(e) => return Finding::unknown(format!("{e:#}")),
    };
    let list = |only: bool| {
        let of_weight = found.iter().filter(|c| !only || c.weight != Weight::Said);
        of_weight.map(ToString::to_string).collect::<Vec<_>>().join("; ")
    };
    match (found.is_empty(), found.iter().all(|c| c.weight == Weight::Said)) {
        (true, _) => Finding::good("none do"),
        (_, true) => Finding::good(list(false)),
        (_, false) => Finding::bad(list(true), "then: sudo piback apply"),
    }
}

/// The registry's row of [`subnet`].
pub const SUBNET: Check = Check {
    name: "subnet",
    line: "the Wi-Fi's addresses are not the uplink's",
    stops_apply: true,
    run: subnet,
};

fn subnet(subject: &Subject<'_>) -> Finding {
    if subject.profile.is_none() {
        return Finding::unknown("there is no profile");
    }
    if !subject.host.is_live() {
        return Finding::unknown("only a running host can say");
    }
    let Some(choice) = subject.lan else {
        return Finding::unknown("ip does not say which networks there are");
    };
    let ours = choice.network.address;
    if let Some(note) = choice.note() {
        return Finding::mended_by_apply(note);
    }
    match &choice.clash {
        None => Finding::good(ours.to_string()),
        Some(taken) if choice.network.auto => Finding::bad(
            format!("{taken}, which overlaps with the Wi-Fi's {ours}, and no other subnet is free"),
            "set network.address in the profile to one that is",
        ),
        Some(taken) => Finding::bad(
            format!("{taken}, which overlaps with the Wi-Fi's {ours}"),
            "set network.address: auto and network.dhcp.range: .50-.100 in the profile, and piback picks a free subnet",
        ),
    }
}

/// The registry's row of [`uplink`].
pub const UPLINK: Check =
    Check { name: "uplink", line: "the internet that comes in has IPv4", stops_apply: false, run: uplink };

fn uplink(subject: &Subject<'_>) -> Finding {
    if !subject.host.is_live() {
        return Finding::unknown("only a running host can say");
    }
    match uplink::internet(subject.host) {
        None => Finding::unknown("ip does not say where the default route leads"),
        Some(internet) if internet == Internet::OnlyIpv6 => {
            Finding::warning(internet.words(), "use another uplink for the iPad: a cable, or a phone's USB")
        }
        Some(internet) => Finding::good(internet.words()),
    }
}

/// The registry's row of [`ports`].
pub const PORTS: Check = Check {
    name: "ports",
    line: "nobody else holds the ports 53, 67, 80, 445, https's 443 and the screen's 5900",
    stops_apply: false,
    run: ports,
};

fn ports(subject: &Subject<'_>) -> Finding {
    let both = [["-Hlunp"], ["-Hltnp"]].map(|args| said(subject, &Tool::new("ss").args(args)));
    let mut found = Vec::new();
    for text in both {
        match text {
            Ok(text) => found.extend(listeners(&text)),
            Err(finding) => return finding,
        }
    }
    let strangers: Vec<String> = found
        .iter()
        .filter(|listener| !listener.address.starts_with("127."))
        .filter_map(|listener| {
            let (component, socket) = components::sockets().find(|(_, s)| s.port == listener.port)?;
            // What is not wanted here may be somebody else's.
            let profile = subject.profile;
            let is_free = match *component {
                ref it if *it == screen::COMPONENT => !profile.is_some_and(|p| p.remote_screen),
                ref it if *it == tls::COMPONENT => !profile.is_some_and(|p| p.web.tls != Tls::Off),
                _ => false,
            };
            (!is_free).then_some(())?;
            let name = listener.process.as_deref().filter(|name| !(socket.is_own)(name))?;
            Some(format!("{name} on {}:{}", visible(&listener.address), listener.port))
        })
        .collect();
    match strangers.is_empty() {
        true => Finding::good("free, or held by dnsmasq, Samba and the page"),
        false => Finding::warning(strangers.join(", "), "stop that program, or keep it off the Wi-Fi"),
    }
}

/// Names the stack as people write it.
fn stack_name(stack: Stack) -> &'static str {
    match stack {
        Stack::Ifupdown => "ifupdown",
        Stack::Dhcpcd => "dhcpcd",
        Stack::NetworkManager => "NetworkManager",
    }
}
