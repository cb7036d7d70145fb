//! Time: of day for records, monotonic for progress and batches.

use std::time::Duration;

/// Seconds since 1970, by the host's clock; a Pi without network may be wrong by years.
#[must_use]
pub fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// Sets the host's clock.
///
/// # Errors
/// The kernel's: only root may.
pub fn set(seconds: i64) -> std::io::Result<()> {
    let time = nix::sys::time::TimeSpec::new(seconds, 0);
    Ok(nix::time::clock_settime(nix::time::ClockId::CLOCK_REALTIME, time)?)
}

/// The host's clock as a date, for names and records; never decide anything by it.
#[must_use]
pub fn today() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

/// Time that only goes forward, from an unknown beginning.
#[must_use]
pub fn monotonic() -> Duration {
    nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC).map_or(Duration::ZERO, Duration::from)
}

/// Waits.
pub fn sleep(time: std::time::Duration) {
    std::thread::sleep(time);
}

/// Waits as long as a person does not notice.
pub fn wait_a_little() {
    sleep(std::time::Duration::from_millis(200));
}
