//! `piback poweroff`: cards and drives off first, then the appliance.

use super::{context, eject, running};
use crate::cli::{Global, Poweroff};
use crate::error::{Outcome, Problem};
use crate::jobs::Control;
use crate::jobs::protocol::Request;
use crate::media::plugged;
use crate::media::volume::Volume;
use crate::system::run::Tool;
use crate::system::{clock, process};
use crate::ui::{Ui, visible};
use anyhow::Context;
use serde::Serialize;
use std::time::Duration;

/// Time that a backup that was asked to stop may take: a batch is 256 MiB at most, written and read back.
const STOPPING: Duration = Duration::from_secs(180);

pub fn run(args: &Poweroff, global: &Global, ui: &Ui) -> anyhow::Result<Outcome> {
    if !process::is_root()
        && let Some(remote) = running::keeper(global)
    {
        running::done(remote.ask(&Request::Poweroff { stop_jobs: args.stop_jobs }))?;
        return Ok(switching_off(ui));
    }
    eject::need_root()?;
    let settings = context::settings(global)?;
    stop_jobs(args, ui)?;
    let plugged = plugged::read()?;
    let volumes: Vec<&Volume> = eject::mounted(&plugged).collect();
    eject::take_off_all(&volumes, &settings, ui)?;
    Tool::new("systemctl").arg("poweroff").run().context("the appliance does not switch off")?;
    Ok(switching_off(ui))
}

fn switching_off(ui: &Ui) -> Outcome {
    ui.say("Switching off. When the green light stops blinking, unplug the power.");
    #[derive(Serialize)]
    struct Answer {
        off: bool,
    }
    ui.json("poweroff", &Answer { off: true });
    Outcome::Done
}

fn stop_jobs(args: &Poweroff, ui: &Ui) -> anyhow::Result<()> {
    let running = eject::running()?;
    let Some(first) = running.first() else { return Ok(()) };
    let label = visible(&first.header.label);
    if !args.stop_jobs {
        return Err(Problem::failed(format!("a backup of {label} runs"))
            .hint(format!("wait for it: piback attach '{label}'"))
            .hint("or stop it, and go on with the next run: piback poweroff --stop-jobs")
            .into());
    }
    ui.say("Running backups finish the files at hand.");
    let (begin, mut asked) = (clock::monotonic(), Vec::new());
    loop {
        let running = eject::running()?;
        // One that waited may have begun meanwhile; nobody is asked twice.
        for found in running.iter().filter(|found| !asked.contains(&found.pid)) {
            let what = || format!("stop the backup of {}", visible(&found.header.label));
            found.interrupt().with_context(what)?;
        }
        if running.is_empty() {
            return Ok(());
        }
        asked = running.iter().map(|found| found.pid).collect();
        if clock::monotonic().saturating_sub(begin) > STOPPING {
            return Err(Problem::failed(format!("the backup of {label} does not stop"))
                .hint("does card or drive still answer? See: piback status")
                .into());
        }
        clock::wait_a_little();
    }
}
