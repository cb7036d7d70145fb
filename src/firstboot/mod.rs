//! The one file that a user edits: `piback.yaml` on the boot partition, from its bytes to a profile and a first boot's
//! extras, and back to the words that tell how it went. Pure: values in, values out; `commands/boot.rs` carries it out.

mod blank;
mod decode;
mod file;
mod host_texts;
mod record;
mod status;
mod types;

pub use blank::blank;
pub use decode::{Decoded, Unreadable, decode};
pub use file::{BootFile, FILE_NAMES, FirstBoot, is_boot_file, parse};
pub use host_texts::{Login, first_login, with_hostname, with_keys};
pub use record::{Before, Made, Open, Record};
pub use status::{Report, Shown, text as status_text};
pub use types::{Hostname, SshKey};
