//! `piback control`: keeps the jobs. Its socket's unit starts it, and it is gone when there is none and nobody asks.

use super::context;
use crate::cli::{Control, Global};
use crate::error::{Outcome, Problem};
use crate::jobs::keeper::{Keeper, Manner};
use crate::jobs::plugged::Plugged;
use crate::jobs::store::{Store, Text};
use crate::jobs::units::Units;
use crate::jobs::{folders, server};
use crate::paths::{GUESTS, INVITATIONS, JOBS};
use crate::provision::components::control::GROUP;
use crate::provision::state::State;
use crate::system::local::{self, Listener, Peer};
use crate::system::real::RealHost;
use crate::system::rundir::RunDir;
use crate::system::{FileNode, Host, process, state_dir};
use crate::ui::{Ui, visible};
use anyhow::Context;
use std::sync::Arc;
use std::time::Duration;

/// Nobody asked and nothing ran for so long: gone.
const IDLE: Duration = Duration::from_secs(10);

pub fn run(args: &Control, global: &Global, ui: &Ui) -> anyhow::Result<Outcome> {
    if let Some(path) = &args.socket {
        let (cards, drives) = super::web::folders(&args.source, args.dest.as_slice())?;
        let keeper = folders::keeper(cards, drives, false);
        let listener = Listener::bind(path)
            .with_context(|| format!("listen on {}", visible(&path.to_string_lossy())))?;
        server::serve(&listener, Arc::new(keeper), None, &|| true, Arc::new(|_| true));
        return Ok(Outcome::Done);
    }
    super::eject::need_root()?;
    let socket = local::handed().context("the socket of piback-control")?;
    let socket = socket.ok_or_else(|| {
        Problem::failed("systemd handed over no socket").hint("it is started by its socket's unit alone")
    })?;
    let settings = context::settings(global)?;
    // Before a job looks for its place in it.
    RunDir::open(None)?;
    let store = OnDisk::open()?;
    let manner = Manner { allow_same: false, page: page(&store.host, global), appliance: true };
    let units = Units::new(settings.led, settings.tells_terminals, &settings.destinations);
    let places = Box::new(Plugged { destinations: settings.destinations });
    let keeper = Arc::new(Keeper::new(places, Box::new(units), Some(Box::new(store)), manner));
    let busy = Arc::clone(&keeper);
    // Samba works as the share's user, whose own group may have the same name: that alone lets nobody in.
    let may_ask = Arc::new(|peer: Peer| !process::is_by_own_group(GROUP, peer.uid, peer.gid));
    server::serve(&Listener::of(socket), keeper, Some(IDLE), &|| busy.is_busy(), may_ask);
    ui.detail("nobody asks any more");
    Ok(Outcome::Done)
}

/// The page's address, as it was set up; none where nothing was.
fn page(host: &RealHost, global: &Global) -> Option<String> {
    let last = State::read(host).ok()?.last?;
    let profile = context::load_profile(host, global).ok()?;
    let scheme = profile.web.tls.scheme();
    Some(format!("{scheme}://{}", last.chosen.unwrap_or(profile.network.address).address()))
}

/// Texts that are kept in the state's folder, and in /run.
struct OnDisk {
    host: RealHost,
}

impl OnDisk {
    fn open() -> anyhow::Result<Self> {
        let host = RealHost::live().context("/")?;
        state_dir::make(&host, &[])?;
        Ok(OnDisk { host })
    }
}

fn path(text: Text) -> &'static str {
    match text {
        Text::Jobs => JOBS,
        Text::Guests => GUESTS,
        Text::Invitations => INVITATIONS,
    }
}

impl Store for OnDisk {
    fn read(&self, text: Text) -> Option<String> {
        let bytes = self.host.read_followed(path(text)).ok().flatten()?;
        String::from_utf8(bytes).ok()
    }

    fn write(&self, which: Text, text: &str) {
        let file = FileNode { bytes: text.as_bytes().to_vec(), mode: 0o600, uid: 0, gid: 0 };
        // A full disk is no reason to end a backup.
        let _ = self.host.write(path(which), &file);
    }

    fn boot(&self) -> String {
        process::boot_id()
    }
}
