//! os-release(5) and interfaces(5), through the facts that are read from them.
#![no_main]

use libfuzzer_sys::fuzz_target;
use piback::provision::components;
use piback::provision::host::facts::{Stack, os_release, read};
use piback_fuzz::HostileHost;

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    let os = os_release(&text);
    // The last line of a key counts, as in a shell; other lines change nothing.
    let only: String = text.lines().filter(|l| l.trim().contains('=')).map(|l| format!("{l}\n")).collect();
    assert_eq!(os_release(&only), os);
    assert_eq!(
        os_release(&format!("{only}PRETTY_NAME='X'\nVERSION_ID=\"13.2\"\n")),
        os_release("PRETTY_NAME=X\nVERSION_ID=13\n")
    );
    assert!(!os.pretty_name.contains('\n'));
    let host = HostileHost::new(data);
    let found = read(&host, components::of_stack, None, None);
    let told = read(&host, components::of_stack, Some(Stack::Dhcpcd), None)
        .expect("a stack that was named is no question");
    assert_eq!(told.stack, Stack::Dhcpcd);
    if let Ok(found) = found {
        assert_eq!((found.os, found.interfaces_d_is_read), (told.os, told.interfaces_d_is_read));
    }
});
