//! Work that may take too long.

use std::sync::mpsc;
use std::time::Duration;

/// Does the work in a thread; none where it is not done in time, or could not be begun. It goes on then, for nobody, until the
/// process ends.
pub fn within<T: Send + 'static>(limit: Duration, work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (tell, heard) = mpsc::sync_channel(1);
    // Nobody may be there any more to hear it.
    let begun = std::thread::Builder::new().name("limited".into()).spawn(move || _ = tell.send(work()));
    begun.ok()?;
    heard.recv_timeout(limit).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_done_in_time_is_given_and_nothing_else() {
        assert_eq!(within(Duration::from_secs(60), || 7), Some(7));
        let never = || std::thread::sleep(Duration::from_secs(600));
        assert_eq!(within(Duration::from_millis(50), never), None);
    }
}
