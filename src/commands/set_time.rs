//! `piback set-time TIME`: sets a clock that no network has set.

use super::context;
use crate::cli::{Global, SetTime};
use crate::error::{Outcome, Problem};
use crate::provision::host::clock;
use crate::provision::state::State;
use crate::system::{Host, process};
use crate::ui::Ui;
use anyhow::Context;
use serde::Serialize;

pub fn run(args: &SetTime, global: &Global, ui: &Ui) -> anyhow::Result<Outcome> {
    if !process::is_root() {
        return Err(Problem::needs_root("only root can set the clock").into());
    }
    on(&context::host(global)?, args, ui)
}

/// Sets a host's clock, and looks at it again.
///
/// # Errors
/// It would go back, the network holds it or nobody can say, the time can't be today's; or the kernel refuses.
pub fn on(host: &dyn Host, args: &SetTime, ui: &Ui) -> anyhow::Result<Outcome> {
    let wanted = args.time.as_second();
    // A record that can't be read is another command's to report: the build's own date is enough.
    let recorded = State::read(host).ok().and_then(|state| state.last).map(|last| last.time);
    let clock = clock::look(host, recorded);
    if wanted <= clock.now {
        let what = format!("the clock shows {} already, and is set forwards only", shown(clock.now));
        return Err(Problem::failed(what).hint("a cable to the internet for a minute sets it right").into());
    }
    match clock.by_network {
        Some(true) => {
            let what = format!("the network has set the clock: it shows {}", shown(clock.now));
            return Err(Problem::failed(what).hint("nothing needs to be set").into());
        }
        None => {
            let what = "whether the network has set the clock is not known: timedatectl does not say";
            return Err(Problem::failed(what).hint("what it says by itself: timedatectl").into());
        }
        Some(false) => {}
    }
    if !clock.can_be(wanted) {
        let what =
            format!("{} can't be now: it lies before what is on record here, or far ahead", shown(wanted));
        return Err(Problem::failed(what).hint("it could not be taken back: look at it again").into());
    }
    host.set_clock(wanted).context("the clock can't be set")?;
    let now = host.now();
    // Seconds at most lie between the setting and the look.
    if !(wanted..wanted.saturating_add(60)).contains(&now) {
        let what = format!("the clock was set, and shows {} all the same", shown(now));
        return Err(Problem::failed(what).hint("something else sets it: timedatectl").into());
    }
    ui.say(&format!("The clock is set to {}.", shown(now)));
    ui.say(&format!("It had shown {}.", shown(clock.now)));
    #[derive(Serialize)]
    struct Answer {
        before: i64,
        now: i64,
    }
    ui.json("clock", &Answer { before: clock.now, now });
    Ok(Outcome::Done)
}

/// A time for people, in UTC: the Pi's zone is rarely the traveller's.
fn shown(time: i64) -> String {
    jiff::Timestamp::from_second(time)
        .map_or_else(|_| time.to_string(), |t| t.strftime("%Y-%m-%d %H:%M:%S UTC").to_string())
}
