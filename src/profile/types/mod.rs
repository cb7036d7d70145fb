//! One type per kind of value. Each is made by parsing and can't hold what its rule forbids.

mod country;
mod dhcp;
mod every;
mod interface;
mod label;
mod leaf;
mod mounting;
mod passphrase;
mod path;
mod radio;
mod regdb;
mod share_name;
mod ssid;
mod subnet;
mod uplinks;
mod user;
mod version;
mod wifi_interface;

pub use country::Country;
pub use dhcp::{Lease, Range, WrittenRange};
pub use every::Every;
pub use interface::Interface;
pub use label::VolumeLabel;
pub use mounting::{Automount, Copies, Led, OnInsert, Page};
pub use passphrase::Passphrase;
pub use path::{DataPath, HostPath, SecretPath};
pub use radio::{Band, Capability, Radio, Width};
pub use share_name::ShareName;
pub use ssid::Ssid;
pub use subnet::{Address, DnsServer, Subnet};
pub use uplinks::Uplinks;
pub use user::UserName;
pub use version::Version;
pub use wifi_interface::{By, WifiInterface};
