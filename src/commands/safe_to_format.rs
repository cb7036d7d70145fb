//! `piback safe-to-format LABEL`

use super::context::{self, Given, NoDrive};
use super::running;
use super::send;
use crate::backup::label::Label;
use crate::backup::{self, Away, Compared};
use crate::cli::{Global, SafeToFormat};
use crate::error::Outcome;
use crate::jobs::job::Verb;
use crate::media::ends::Need;
use crate::remote::{self, Sent, Stopped};
use crate::system::rundir::Running;
use crate::system::signals;
use crate::ui::{Ui, files};
use crate::view::answer;
use crate::view::progress::Progress;

pub fn run(args: &SafeToFormat, global: &Global, ui: &Ui) -> anyhow::Result<Outcome> {
    let is_here = args.foreground || args.source.is_some() || !args.dest.is_empty();
    let is_plain = !is_here && !args.allow_same_filesystem && args.also_at.is_empty() && !args.read_back;
    if is_plain && let Some(outcome) = running::asked(Verb::SafeToFormat, &args.label, false, global, ui)? {
        return Ok(outcome);
    }
    with_followers(args, global, ui, &mut None)
}

/// Does it in this process; `followed` is how others follow it, where that is settled already.
pub fn with_followers(
    args: &SafeToFormat,
    global: &Global,
    ui: &Ui,
    followed: &mut Option<Running>,
) -> anyhow::Result<Outcome> {
    let label = Label::new(&args.label)?;
    let given = Given {
        label: label.as_str(),
        source: args.source.as_deref(),
        dests: &args.dest,
        need: Need::Compare,
    };
    signals::stop_gently();
    let result = context::with_usable_ends(&given, global, ui, |ends, bad| {
        let all = context::card_and_drives(ends, &label)?;
        running::register(followed, Verb::SafeToFormat, label.as_str(), &ends.dest.dir, global, ui);
        let progress = Progress::new(ui, "safe-to-format", label.as_str(), followed.take());
        let mut compared = backup::safe_to_format(&all, args.allow_same_filesystem, &progress);
        let mut away = Ok(());
        if let Ok(compared) = &mut compared {
            compared.copies = ends.copies;
            compared.drives.extend(context::absent_rows(ends));
            compared.drives.extend(bad.iter().map(NoDrive::row));
            // Where the drives say no there is nothing to ask for.
            if compared.yes_of_drives() {
                away = ask_remotes(args, &label, compared, global, &progress);
            }
        }
        *followed = progress.end();
        let compared = compared?;
        away?;
        running::tell(followed, &answer::answer(ui, label.as_str(), &compared));
        Ok(if compared.yes() { Outcome::Done } else { Outcome::NotSafe })
    });
    running::end(followed, &result, ui);
    result
}

/// Asks the remotes that must have it too: those of the command line, or of the profile.
fn ask_remotes(
    args: &SafeToFormat,
    label: &Label,
    compared: &mut Compared,
    global: &Global,
    watch: &Progress,
) -> anyhow::Result<()> {
    if args.also_at.is_empty() && compared.copies.remotes() == 0 {
        return Ok(());
    }
    let host = context::host(global)?;
    let mut names = args.also_at.clone();
    names.sort();
    names.dedup();
    let wanted = match (&args.config, &args.folder) {
        (Some(config), Some(folder)) => {
            let each = names.iter().map(|name| send::plain(config, name, folder));
            each.collect::<anyhow::Result<Vec<_>>>()?
        }
        _ => send::named(&names, &host, global)?,
    };
    if !args.also_at.is_empty() {
        compared.copies = compared.copies.and_remotes(wanted.len().max(compared.copies.remotes()));
    }
    let sandbox = send::sandbox(&host, args.config.is_some());
    let good = compared.drives.iter().filter(|(_, answer)| answer.as_ref().is_ok_and(|answer| answer.yes()));
    // The record of what went lies on the drive.
    let Some(drive) = good.map(|(path, _)| path.clone()).next() else { return Ok(()) };
    for one in &wanted {
        let rclone = one.rclone(&drive, sandbox);
        let sent =
            remote::holds(&one.to(&rclone, &[], args.read_back, true), label, &compared.contents, watch)?;
        compared.away.push(Away { remote: one.name().to_owned(), why_not: why_not(&sent) });
    }
    Ok(())
}

/// Says why not all of a card is at a remote, verified; none where it is.
fn why_not(sent: &Sent) -> Option<String> {
    let missing = sent.all.files - sent.verified.files;
    match &sent.stopped {
        Some(Stopped::Trouble(trouble)) => Some(format!("not known: {}", trouble.what)),
        Some(Stopped::Asked) => Some("not known: stopped".into()),
        Some(Stopped::Drive(why)) => Some(format!("not known: {why}")),
        None if sent.all.files == 0 => Some("nothing of it is on record".into()),
        None if missing == 0 => None,
        None if missing == sent.size_only.files => Some(format!(
            "of {} the size alone is known today: --read-back fetches and compares",
            files(missing)
        )),
        None => Some(format!("{} not there, verified: piback send", files(missing))),
    }
}
