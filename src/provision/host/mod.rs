//! The host itself, asked through its own tools and files: what kind it is, its units, rules, addresses and networks.

pub mod addresses;
pub mod clock;
pub mod facts;
pub mod interfaces;
pub mod internet;
pub mod iptables;
pub mod listeners;
pub mod networks;
pub mod radios;
pub mod ssh;
pub mod systemd;
pub mod uplink;
pub mod ways_out;
