//! The name servers that dnsmasq asks: the uplink's own, kept up to date, and the profile's where it has none. With
//! `network.dns.private` dnsmasq knows the profile's alone, and nothing of this is there.

use crate::profile::Profile;
use crate::provision::components::component::{
    ALL, Checker, Component, File, Ownership, Runs, Service, always, template, unit_file,
};
use crate::provision::components::dnsmasq;
use crate::provision::host::facts::Facts;

pub static COMPONENT: Component = Component {
    key: "dns",
    when: asks_the_uplink,
    files: &[
        File {
            template: template!("dns-servers.sh"),
            path: "/etc/piback/dns/servers.sh",
            mode: 0o644,
            ownership: Ownership::Whole,
            stacks: ALL,
            when: always,
            checker: Checker::None,
            notifies: &[&dnsmasq::COMPONENT],
        },
        unit_file!("piback-dns.service", &[&COMPONENT]),
        unit_file!("piback-dns-again.service", &[&COMPONENT]),
        unit_file!("piback-dns.path", &[&COMPONENT]),
        unit_file!(
            "dnsmasq.service.conf",
            "/etc/systemd/system/dnsmasq.service.d/piback.conf",
            &[&dnsmasq::COMPONENT]
        ),
    ],
    others: &[],
    packages: &[],
    service: Some(Service {
        runs: Runs::Unit("piback-dns.path"),
        turn: 8,
        is_enabled_by_us: true,
        reloads: false,
        starts_after_settling: Some("piback-dns.path"),
        stack: None,
    }),
    listens: &[],
};

fn asks_the_uplink(_: &Facts, profile: &Profile) -> bool {
    !profile.network.dns.private
}
