//! The command line, as types. Names, flags and exit codes are a contract.

mod daily;
pub mod reach;
mod runs;
mod texts;

pub use daily::{
    Control, Eject, Enroll, Job, Pair, Poweroff, Qr, Running, Scrub, Send, SetTime, Uplink, UplinkAct,
    UplinkJoin, Volume, VolumeAct, Web,
};
pub use runs::{Backup, SafeToFormat, Verify};
pub use texts::{Completions, Image, ImageText, Man, Os};

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Turns a Raspberry Pi into a travel photo-backup appliance, and runs it.
#[derive(Debug, Parser)]
#[command(name = "piback", version, max_term_width = 100, after_help = EXIT_CODES)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0   done, or nothing to do
  1   failed, nothing left half-done
  2   plan --check found changes
  3   apply failed, the previous state is back
  4   roll-back incomplete
  5   something is not safely on the drive
  64  wrong usage";

/// Flags that every command takes.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// The profile [default: /etc/piback/profile.yaml]
    #[arg(long, global = true, value_name = "FILE")]
    pub profile: Option<PathBuf>,
    /// Work on this tree and nothing else: no package manager, no units, no root needed
    #[arg(long, global = true, value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// JSON on stdout, text for people on stderr
    #[arg(long, global = true)]
    pub json: bool,
    /// Say more
    #[arg(short, long, global = true)]
    pub verbose: bool,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write the profile and its secrets
    Init(Init),
    /// Show what apply would change; changes nothing
    Plan(Plan),
    /// Make the host match the profile
    Apply(Apply),
    /// Keep what `apply --confirm-within` did
    Confirm,
    /// Go back to an earlier state
    Rollback(Rollback),
    /// Write the rendered files below a directory, to read
    Render(Render),
    /// What is up, at a glance
    Status(Status),
    /// Take piback.yaml on the boot partition over: what piback-boot.service calls at every boot
    Boot(Boot),
    /// Finish or undo an apply that was cut off or not confirmed: what the boot unit and the timer call
    #[command(hide = true)]
    Settle(Settle),
    /// Tell at the next login whether the host is still as its profile says: what piback-drift.service calls
    #[command(hide = true)]
    Drift,
    /// What stands in the way, each with its remedy
    Doctor,
    /// Show the cards and drives that are plugged in
    Cards,
    /// Let a drive receive backups
    Enroll(Enroll),
    /// Take a card or drive off, durably: then it may be unplugged
    Eject(Eject),
    /// Take all cards and drives off and switch the appliance off
    Poweroff(Poweroff),
    /// Mount a card or drive, or take it off: what udev's rule calls
    #[command(hide = true)]
    Volume(Volume),
    /// Keep the jobs: what its socket's unit calls
    #[command(hide = true)]
    Control(Control),
    /// Do what was asked of whoever keeps the jobs: what a job's unit calls
    #[command(hide = true)]
    Job(Job),
    /// Follow a running job; leaving the view leaves it running
    Attach(Running),
    /// Ask a running job to stop
    Cancel(Running),
    /// Print the JSON Schema of the profile
    Schema,
    /// Copy what is new on a card to the drive, verified
    Backup(Backup),
    /// Re-read a backup against its manifest
    Verify(Verify),
    /// Re-read a part of what is on the drives, longest unread first: rot is found before it matters
    Scrub(Scrub),
    /// Copy what is verified on the drive to places far away, and look whether it is there
    Send(Send),
    /// Show where the internet comes from, and whether it is there; join a hotel's Wi-Fi by a second radio
    Uplink(Uplink),
    /// Compare a card with its backup, byte by byte: yes or no
    SafeToFormat(SafeToFormat),
    /// Serve the page for a browser
    Web(Web),
    /// Let a browser in to the page: a link, a QR code, and a code to type
    Pair(Pair),
    /// Show the Wi-Fi as a QR code, or write it to a file: the iPad's camera joins by it
    Qr(Qr),
    /// Set a clock that no network has set; forwards only
    SetTime(SetTime),
    /// Texts that make a stock Raspberry Pi OS an appliance at its first boot
    Image(Image),
    /// Print a shell's completions
    Completions(Completions),
    /// Print the man page, or write all of them into a directory
    Man(Man),
}

impl Command {
    /// Every verb.
    pub const VERBS: [&'static str; 34] = [
        "init",
        "plan",
        "apply",
        "confirm",
        "rollback",
        "render",
        "status",
        "boot",
        "settle",
        "drift",
        "doctor",
        "cards",
        "enroll",
        "eject",
        "poweroff",
        "volume",
        "control",
        "job",
        "attach",
        "cancel",
        "schema",
        "backup",
        "verify",
        "scrub",
        "send",
        "uplink",
        "safe-to-format",
        "web",
        "pair",
        "qr",
        "set-time",
        "image",
        "completions",
        "man",
    ];

    /// The verb that was typed.
    #[must_use]
    pub fn verb(&self) -> &'static str {
        match self {
            Command::Init(_) => "init",
            Command::Plan(_) => "plan",
            Command::Apply(_) => "apply",
            Command::Boot(_) => "boot",
            Command::Confirm => "confirm",
            Command::Rollback(_) => "rollback",
            Command::Render(_) => "render",
            Command::Status(_) => "status",
            Command::Settle(_) => "settle",
            Command::Drift => "drift",
            Command::Doctor => "doctor",
            Command::Cards => "cards",
            Command::Enroll(_) => "enroll",
            Command::Eject(_) => "eject",
            Command::Poweroff(_) => "poweroff",
            Command::Volume(_) => "volume",
            Command::Control(_) => "control",
            Command::Job(_) => "job",
            Command::Attach(_) => "attach",
            Command::Cancel(_) => "cancel",
            Command::Schema => "schema",
            Command::Backup(_) => "backup",
            Command::Verify(_) => "verify",
            Command::Scrub(_) => "scrub",
            Command::Send(_) => "send",
            Command::Uplink(_) => "uplink",
            Command::SafeToFormat(_) => "safe-to-format",
            Command::Web(_) => "web",
            Command::Pair(_) => "pair",
            Command::Qr(_) => "qr",
            Command::SetTime(_) => "set-time",
            Command::Image(_) => "image",
            Command::Completions(_) => "completions",
            Command::Man(_) => "man",
        }
    }
}

#[derive(Debug, Args)]
pub struct Init {
    /// What to start from: travel, moving-electrons, or a profile file
    #[arg(long, value_name = "PROFILE", default_value = "travel")]
    pub from: String,
    /// The Wi-Fi's name
    #[arg(long)]
    pub ssid: Option<String>,
    /// Where the radio is used: two letters, as in US or DE
    #[arg(long, value_name = "CC")]
    pub country: Option<String>,
    /// Label of the drive that receives backups
    #[arg(long, value_name = "LABEL")]
    pub drive: Option<String>,
    /// Take the Wi-Fi passphrase from this file; made if not given
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// Take mount folder and drive from the 2016 article's backup_photos.conf
    #[arg(long, value_name = "FILE")]
    pub from_conf: Option<PathBuf>,
    /// Ask nothing
    #[arg(long)]
    pub yes: bool,
    /// Overwrite an existing profile
    #[arg(long)]
    pub force: bool,
}

#[derive(Debug, Args)]
pub struct Plan {
    /// Exit with 2 when anything is pending
    #[arg(long)]
    pub check: bool,
    /// Keep the plan in this file, for `piback apply FILE`; it holds no secrets
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// The network stack, instead of the one found
    #[arg(long, value_enum)]
    pub stack: Option<StackArg>,
}

#[derive(Debug, Args)]
pub struct Apply {
    /// A plan that `plan --out` kept; refused when the host has moved since
    #[arg(value_name = "PLAN")]
    pub plan: Option<PathBuf>,
    /// Don't ask
    #[arg(long)]
    pub yes: bool,
    /// The network stack, instead of the one found
    #[arg(long, value_enum)]
    pub stack: Option<StackArg>,
    /// Undo everything unless `piback confirm` comes in time: 30s, 2m, up to 1h
    #[arg(long, value_name = "TIME", value_parser = window)]
    pub confirm_within: Option<std::time::Duration>,
    /// Apply over the very Wi-Fi that is changed, without a way back
    #[arg(long)]
    pub yes_lock_me_out: bool,
}

#[derive(Debug, Args)]
pub struct Boot {
    /// The network stack, instead of the one found
    #[arg(long, value_enum)]
    pub stack: Option<StackArg>,
}

#[derive(Debug, Args)]
pub struct Settle {
    /// Don't wait for units: at boot their turn comes later
    #[arg(long)]
    pub boot: bool,
}

#[derive(Debug, Args)]
pub struct Rollback {
    /// Back to this generation; without it, one back
    #[arg(long, value_name = "N", conflicts_with = "original")]
    pub to: Option<u32>,
    /// Back to the bytes, modes and owners found before piback
    #[arg(long)]
    pub original: bool,
    /// Don't ask
    #[arg(long)]
    pub yes: bool,
}

#[derive(Debug, Args)]
pub struct Render {
    /// Where to write; made if missing
    pub dir: PathBuf,
    /// The network stack, instead of the one found
    #[arg(long, value_enum)]
    pub stack: Option<StackArg>,
}

#[derive(Debug, Args)]
pub struct Status {
    /// List the generations that `rollback --to` can go back to
    #[arg(long)]
    pub generations: bool,
}

/// The stack's name as it is typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StackArg {
    Ifupdown,
    Dhcpcd,
    Networkmanager,
}

/// A time to confirm in: 10 s to an hour, in jiff's friendly form (`90s`, `2m`, `1h`).
fn window(text: &str) -> Result<std::time::Duration, String> {
    let allowed = "10s to 1h are allowed, as in 90s or 2m";
    let span: jiff::SignedDuration = text.parse().map_err(|_| allowed.to_owned())?;
    match span.as_secs() {
        10..=3600 => Ok(span.unsigned_abs()),
        _ => Err(allowed.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_verbs_are_the_parser_s() {
        let verbs: Vec<String> = Cli::command().get_subcommands().map(|c| c.get_name().to_owned()).collect();
        assert_eq!(verbs, Command::VERBS);
        for verb in ["confirm", "doctor", "cards", "schema"] {
            assert_eq!(Cli::try_parse_from(["piback", verb]).unwrap().command.verb(), verb);
        }
    }
}
