//! RAF: where previews lie.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| piback_fuzz::check_photo(bytes));
