//! /proc/self/mountinfo: what is read comes back when it is written as the kernel would.
#![no_main]

use libfuzzer_sys::fuzz_target;
use piback::media::mountinfo::{Mount, parse};

/// As the kernel's seq_path and mangle do.
fn octal(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            ' ' | '\t' | '\n' | '\\' => format!("\\{:03o}", c as u32),
            c => c.to_string(),
        })
        .collect()
}

fn line(mount: &Mount) -> String {
    format!(
        "{} {} {}:{} {} {} {} - {} {} {}\n",
        mount.id,
        mount.parent,
        mount.number.major,
        mount.number.minor,
        octal(&mount.root),
        octal(&mount.at.to_string_lossy()),
        if mount.read_only { "ro" } else { "rw" },
        mount.fstype,
        octal(&mount.source),
        mount.options,
    )
}

fuzz_target!(|text: &str| match parse(text) {
    Ok(mounts) => {
        assert_eq!(
            mounts.len(),
            text.split('\n').filter(|l| !l.is_empty()).count(),
            "a line was passed over"
        );
        let again: String = mounts.iter().map(line).collect();
        assert_eq!(parse(&again).as_ref(), Ok(&mounts), "{again}");
    }
    Err(why) => piback_fuzz::assert_printable("an error", &why),
});
