//! Signals during a run: a closed terminal does not end it, Ctrl-C asks it to end well.

use nix::libc;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

static STOP: AtomicBool = AtomicBool::new(false);
/// A second signal ends a view at once and without a word: what it shows runs on.
static VIEW: AtomicBool = AtomicBool::new(false);

/// Said when the second signal ends the process. Of an apply it is as true as of a backup.
const AT_ONCE: &str =
    "\npiback: stopped at once. What was finished stays; the rest is as after a power cut.\n";

/// Ignores SIGHUP and SIGPIPE (SSH drops, terminals close); SIGINT and SIGTERM ask to stop, and a second one of
/// them ends the process at once, which loses nothing but the current batch.
pub fn stop_gently() {
    let ignore = SigAction::new(SigHandler::SigIgn, SaFlags::empty(), SigSet::empty());
    let ask = SigAction::new(SigHandler::Handler(on_stop), SaFlags::SA_RESTART, SigSet::empty());
    for (signal, action) in [
        (Signal::SIGHUP, &ignore),
        (Signal::SIGPIPE, &ignore),
        (Signal::SIGINT, &ask),
        (Signal::SIGTERM, &ask),
    ] {
        // SAFETY: the handler swaps an atomic flag, writes, and sends a signal, which all are allowed at any moment. A
        // refusal leaves the default, which only ends the run earlier.
        let _ = unsafe { sigaction(signal, action) };
    }
    heard_by_a_thread_of_its_own();
}

/// As [`stop_gently`], for a view of something that runs elsewhere.
pub fn hear_stops() {
    VIEW.store(true, Ordering::Relaxed);
    stop_gently();
}

/// Tells whether a stop was asked for since the last time.
pub fn take_stop() -> bool {
    STOP.swap(false, Ordering::Relaxed)
}

/// Ends this process as Ctrl-C does where nobody hears it: whoever started it knows that it did not come to its end.
pub fn end_by_interrupt() {
    // SAFETY: the default action is an action that any process may have; raising a signal touches no memory.
    unsafe {
        libc::signal(libc::SIGINT, libc::SIG_DFL);
    }
    let mut interrupt = SigSet::empty();
    interrupt.add(Signal::SIGINT);
    let _ = interrupt.thread_unblock();
    let _ = nix::sys::signal::raise(Signal::SIGINT);
}

/// Lets a thread that does nothing else take the signals. The kernel gives one to the main thread and to no other, and
/// that may wait for a card that does not answer: Ctrl-C would go unheard for as long. Threads that come later inherit
/// that they don't take them; tools would too, and [`super::run`] sees to it that they don't.
fn heard_by_a_thread_of_its_own() {
    let listening = std::thread::Builder::new().name("signals".into()).spawn(|| {
        loop {
            nix::unistd::pause();
        }
    });
    if listening.is_ok() {
        let mut asks = SigSet::empty();
        asks.add(Signal::SIGINT);
        asks.add(Signal::SIGTERM);
        // Refused only for a set that is none; then the main thread goes on taking them.
        let _ = asks.thread_block();
    }
}

/// Lets a tool take all signals, as its authors expect. The standard library leaves it what this thread blocks: `timeout`,
/// `kill` and systemd would ask apt to end, and it would not hear.
pub fn hears_all(command: &mut Command) {
    let take_all = || {
        nix::sys::signal::sigprocmask(nix::sys::signal::SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None)
            .map_err(std::io::Error::from)
    };
    // SAFETY: between fork and exec it makes one system call, which is async-signal-safe (signal-safety(7)).
    unsafe { command.pre_exec(take_all) };
}

/// Tells whether a stop was asked for.
#[must_use]
pub fn stop_requested() -> bool {
    STOP.load(Ordering::Relaxed)
}

extern "C" fn on_stop(signal: libc::c_int) {
    if !STOP.swap(true, Ordering::Relaxed) {
        return;
    }
    let said = if VIEW.load(Ordering::Relaxed) { "\n" } else { AT_ONCE };
    // SAFETY: these three are async-signal-safe (signal-safety(7)). The signal is held back until the handler returns,
    // and then ends the process, as its parent expects of it.
    unsafe {
        libc::write(libc::STDERR_FILENO, said.as_ptr().cast(), said.len());
        libc::signal(signal, libc::SIG_DFL);
        libc::raise(signal);
    }
}
