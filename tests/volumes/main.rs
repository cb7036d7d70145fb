//! Cards and drives on the running kernel: found, mounted, checked and taken off again.
#![allow(clippy::disallowed_methods)]

mod backup;
mod endpoints;
mod enroll;
mod light;
mod loops;
mod two;
