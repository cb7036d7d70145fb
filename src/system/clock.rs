//! The clock.

/// Seconds since 1970, by the host's clock; a Pi without network may be wrong by years.
#[must_use]
pub fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}
