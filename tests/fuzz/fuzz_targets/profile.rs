//! Any text as a profile: refused with places inside it, or good for the templates.
#![no_main]

use libfuzzer_sys::fuzz_target;
use piback_fuzz::STACKS;

fuzz_target!(|text: &str| match piback::profile::load(text, "profile.yaml") {
    Ok(profile) => piback_fuzz::check_rendered(&profile, STACKS[text.len() % 3]),
    Err(refused) => {
        assert!(!refused.errors.is_empty() && refused.errors.len() <= 300);
        piback_fuzz::assert_printable("an error", &refused.to_string());
        let lines = text.split(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']).count();
        for error in &refused.errors {
            assert!((1..=lines + 1).contains(&error.line) && error.column >= 1, "{error:?}");
        }
    }
});
