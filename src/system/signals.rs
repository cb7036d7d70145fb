//! Signals during a run: a closed terminal does not end it, Ctrl-C asks it to end well.

use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use std::sync::atomic::{AtomicBool, Ordering};

static STOP: AtomicBool = AtomicBool::new(false);

/// Ignores SIGHUP and SIGPIPE (SSH drops, terminals close); SIGINT and SIGTERM ask to stop, and a second one of
/// them ends the process at once, which loses nothing but the current batch.
pub fn stop_gently() {
    let ignore = SigAction::new(SigHandler::SigIgn, SaFlags::empty(), SigSet::empty());
    let ask = SigAction::new(
        SigHandler::Handler(on_stop),
        SaFlags::SA_RESTART | SaFlags::SA_RESETHAND,
        SigSet::empty(),
    );
    for (signal, action) in [
        (Signal::SIGHUP, &ignore),
        (Signal::SIGPIPE, &ignore),
        (Signal::SIGINT, &ask),
        (Signal::SIGTERM, &ask),
    ] {
        // SAFETY: the handler stores one atomic flag, which is allowed at any moment. A refusal leaves the
        // default, which only ends the run earlier.
        let _ = unsafe { sigaction(signal, action) };
    }
}

/// Tells whether a stop was asked for.
#[must_use]
pub fn stop_requested() -> bool {
    STOP.load(Ordering::Relaxed)
}

extern "C" fn on_stop(_: nix::libc::c_int) {
    STOP.store(true, Ordering::Relaxed);
}
