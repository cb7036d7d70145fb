//! The flags of day-to-day verbs, without those of a run.

use clap::{Args, Subcommand};
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct Web {
    /// Address and port to listen on
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8080")]
    pub listen: std::net::SocketAddr,
    /// Take this folder for a card, its name for the label; may be given several times
    #[arg(long, value_name = "DIR", required_unless_present_any = ["appliance", "certify"])]
    pub source: Vec<PathBuf>,
    /// Take this folder for the drive
    #[arg(long, value_name = "DIR", required_unless_present_any = ["appliance", "certify"])]
    pub dest: Option<PathBuf>,
    /// Serve it over TLS, with an authority of its own that is made and kept in this folder
    #[arg(long, value_name = "DIR", conflicts_with_all = ["appliance", "certify"])]
    pub tls: Option<PathBuf>,
    /// Serve the appliance's own page on the sockets that systemd opened: what its unit says
    #[arg(long, hide = true, conflicts_with_all = ["listen", "source", "dest"])]
    pub appliance: bool,
    /// See to the certificate of the appliance's own page, for the first of these addresses: what its unit says
    #[arg(long, hide = true, value_name = "ADDRESS", value_delimiter = ',', conflicts_with_all = ["listen", "source", "dest", "appliance"])]
    pub certify: Vec<std::net::IpAddr>,
    /// Let card and drive be one file system, to try things out: then a yes means no second copy
    #[arg(long)]
    pub allow_same_filesystem: bool,
}

#[derive(Debug, Args)]
pub struct Enroll {
    /// The drive's label, or its device as in /dev/sdb1
    pub drive: String,
    /// It has a DCIM folder of its own and is no camera's card all the same
    #[arg(long)]
    pub is_a_drive: bool,
    /// Don't ask
    #[arg(long)]
    pub yes: bool,
}

#[derive(Debug, Args)]
pub struct Eject {
    /// The card's or the drive's label, or its device as in /dev/sdb1
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    pub volume: Option<String>,
    /// All cards and drives
    #[arg(long)]
    pub all: bool,
}

#[derive(Debug, Args)]
pub struct Poweroff {
    /// Stop running backups first; what was verified stays, and the next run goes on
    #[arg(long)]
    pub stop_jobs: bool,
}

#[derive(Debug, Args)]
pub struct Scrub {
    /// Take this folder for the drive; given several times, a part of each is read
    #[arg(long, value_name = "DIR")]
    pub dest: Vec<PathBuf>,
    /// Re-read this part of each drive, what was read longest ago first; 100% is all
    #[arg(long, value_name = "PERCENT", default_value = "5%")]
    pub share: String,
    /// End well where the drive is not plugged in: what the timer's unit says
    #[arg(long, hide = true, conflicts_with = "dest")]
    pub if_plugged: bool,
}

#[derive(Debug, Args)]
pub struct Send {
    /// The remote, by its name in the profile; without it, all of them
    pub remote: Option<String>,
    /// Take this folder for the drive; given several times, what is on each is sent
    #[arg(long, value_name = "DIR")]
    pub dest: Vec<PathBuf>,
    /// Take the remote from this file of rclone's, and not from the profile
    #[arg(long, value_name = "FILE", requires_all = ["remote", "folder", "dest"])]
    pub config: Option<PathBuf>,
    /// The folder there
    #[arg(long, value_name = "FOLDER", requires = "config")]
    pub folder: Option<String>,
    /// Send at most this much a second, as in 500k or 2M, or by time of day: "08:00,500k 23:00,off"
    #[arg(long, value_name = "RATE")]
    pub limit: Option<String>,
    /// Fetch each photo again and compare it, where the remote has no hash of it
    #[arg(long)]
    pub read_back: bool,
    /// Compare the hash of all that is there, even where the remote has to read for it
    #[arg(long)]
    pub compare: bool,
    /// End well where the drive, the internet or an unmetered uplink is missing: what the timer's unit says
    #[arg(long, hide = true, conflicts_with_all = ["remote", "dest"])]
    pub auto: bool,
}

#[derive(Debug, Args)]
pub struct Uplink {
    #[command(subcommand)]
    pub act: Option<UplinkAct>,
}

#[derive(Debug, Subcommand)]
pub enum UplinkAct {
    /// List the Wi-Fi networks around a second radio
    Scan {
        /// The radio; needed only when there are several besides the appliance's own
        #[arg(long, value_name = "INTERFACE")]
        on: Option<String>,
    },
    /// Join a Wi-Fi network with a second radio
    Join(UplinkJoin),
    /// Forget a network that was joined
    Forget {
        /// The network's name
        ssid: String,
    },
}

#[derive(Debug, Args)]
pub struct UplinkJoin {
    /// The network's name
    pub ssid: String,
    /// Take the passphrase from this file; an open network has none
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// The radio; needed only when there are several besides the appliance's own
    #[arg(long, value_name = "INTERFACE")]
    pub on: Option<String>,
}

#[derive(Debug, Args)]
pub struct Volume {
    #[command(subcommand)]
    pub act: VolumeAct,
}

/// Requests of udev's rule and of the units. Devices are the kernel's names, as sda1.
#[derive(Debug, Subcommand)]
pub enum VolumeAct {
    /// Mount what was plugged in
    Mount { kname: String },
    /// Take off what was unplugged, or is to be
    Unmount { kname: String },
    /// Mount all that is plugged in
    All,
    /// Back up a card that was plugged in
    Backup { kname: String },
}

/// Request of the socket's unit.
#[derive(Debug, Args)]
pub struct Control {
    /// Make and listen on this socket instead, to try it out, with folders for card and drive
    #[arg(long, value_name = "PATH", requires_all = ["source", "dest"])]
    pub socket: Option<PathBuf>,
    #[arg(long, value_name = "DIR", requires = "socket")]
    pub source: Vec<PathBuf>,
    #[arg(long, value_name = "DIR", requires = "socket")]
    pub dest: Option<PathBuf>,
}

/// Request of a job's unit.
#[derive(Debug, Args)]
pub struct Job {
    /// Sixteen hex digits
    pub id: String,
}

#[derive(Debug, Args)]
pub struct Pair {
    /// List the browsers that are let in
    #[arg(long, conflicts_with = "revoke")]
    pub list: bool,
    /// Print a token for a script that uses the page's API; it is shown out as a browser is
    #[arg(long, value_name = "NAME", conflicts_with_all = ["list", "revoke"])]
    pub token: Option<String>,
    /// Show the browser with this number out
    #[arg(long, value_name = "NUMBER")]
    pub revoke: Option<usize>,
}

#[derive(Debug, Args)]
pub struct Running {
    /// The card's label; needed only when more than one job runs
    pub label: Option<String>,
}

#[derive(Debug, Args)]
pub struct Qr {
    /// Draw it twice as large on the terminal, for a camera that can't read the small one
    #[arg(long, conflicts_with_all = ["png", "svg"])]
    pub large: bool,
    /// Write a picture instead, for this user alone to read (mode 0600): it holds the passphrase
    #[arg(long, value_name = "FILE")]
    pub png: Option<PathBuf>,
    /// The same as a drawing that is sharp at any size
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct SetTime {
    /// The time now, as 2026-11-26T18:30:00Z (RFC 3339), or seconds since 1970 as @1795717800
    #[arg(value_name = "TIME", value_parser = moment)]
    pub time: jiff::Timestamp,
}

/// A moment with its zone, or so many seconds since 1970.
fn moment(text: &str) -> Result<jiff::Timestamp, String> {
    let moment = match text.strip_prefix('@') {
        Some(seconds) => seconds.parse().ok().and_then(|s| jiff::Timestamp::from_second(s).ok()),
        None => text.parse().ok(),
    };
    moment.ok_or_else(|| "a time with its zone is wanted, as 2026-11-26T18:30:00Z or @1795717800".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_has_a_zone() {
        for text in
            ["2026-11-26T18:30:00Z", "2026-11-26T19:30:00+01:00", "2026-11-26T18:30:00.9Z", "@1795717800"]
        {
            assert_eq!(moment(text).map(jiff::Timestamp::as_second), Ok(1_795_717_800), "{text}");
        }
        for text in
            ["", "@", "@1.5", "@ 5", "@99999999999999", "18:30", "2026-11-26", "2026-11-26T18:30:00", "now"]
        {
            assert!(moment(text).is_err(), "{text}");
        }
    }
}
