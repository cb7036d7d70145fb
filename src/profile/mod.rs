//! The profile: what the user wants, as types that carry the rules.
//!
//! [`load`] turns YAML into a [`Profile`] or into every error at once; a value that exists has passed its checks,
//! so nothing unchecked reaches a template.

mod defaults;
mod edit;
mod embedded;
mod errors;
mod known_keys;
pub mod legacy_conf;
mod load;
mod locate;
mod remotes;
mod schema;
mod share;
mod storage;
pub mod types;
mod uplink;

pub use edit::{EditError, set_scalar};
pub use embedded::{EMBEDDED, embedded};
pub use errors::{ProfileError, ProfileErrors};
pub use load::{load, load_part};
pub use locate::{Step, Wanted, dotted, locate};
pub use remotes::Remote;
pub use schema::{Dhcp, Dns, Network, Profile, Wifi, json_schema, roles};
pub use share::{Share, ShareNames};
pub use storage::{Backup, Scrub, Tell, Volumes, Web};
pub use types::{Automount, Cascade, Copies, Led, OnInsert, Page, SendOrder, SendWhen, Tls};
pub use uplink::Uplink;
