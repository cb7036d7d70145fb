//! The page's certificate: an authority of the appliance's own, and what it signs. Values in, values out; the moment is
//! given, and only keys are random.

mod authority;
mod browser;
mod identity;
mod pem;
mod settle;

pub use authority::Authority;
pub use browser::{Names, fingerprint, name_of, provider, roots};
pub use identity::Identity;
pub use pem::{base64, encode};
pub use settle::{Kept, Settled, settle};
