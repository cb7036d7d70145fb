//! What piback itself wrote, and somebody altered: kept plans, the journal, records, originals; and the article's conf.
#![no_main]

use libfuzzer_sys::fuzz_target;
use piback::profile::legacy_conf;
use piback::provision::apply::journal;
use piback::provision::plan::saved::SavedPlan;

use piback_fuzz::{HostileHost, assert_printable};

fuzz_target!(|data: &[u8]| {
    let text = String::from_utf8_lossy(data);
    if let Ok(kept) = SavedPlan::parse(&text) {
        let again = serde_json::to_string(&kept).expect("it is JSON");
        assert_eq!(SavedPlan::parse(&again).expect("its own text"), kept);
        let _ = kept.stack();
    }
    match legacy_conf::parse(&text) {
        Ok(conf) => {
            assert!(conf.mount_root.as_str().starts_with('/') && !conf.destination.as_str().contains('/'));
            let again = format!(
                "mount folder={}\ndestination folder={}\n",
                conf.mount_root.as_str(),
                conf.destination.as_str()
            );
            assert_eq!(legacy_conf::parse(&again), Ok(conf));
        }
        Err(errors) => {
            assert!(!errors.is_empty());
            errors.iter().for_each(|e| assert_printable("an error", &e.to_string()));
        }
    }
    let host = HostileHost::new(data);
    match journal::open(&host) {
        Ok(Some(intent)) => assert_printable("a notice", &journal::notice(&intent)),
        // What the reader's error quotes is made harmless where it is printed.
        Ok(None) | Err(_) => {}
    }
    let _ = piback::provision::state::State::read(&host);
    let _ = piback::provision::state::State::read_for_originals(&host);
});
