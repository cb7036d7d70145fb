//! `piback web`: the page on plain folders or the appliance's own, and its certificate.

use super::context;
use crate::backup::label::Label;
use crate::certificate::{self, Identity, Kept, Names, Settled};
use crate::cli::{Global, Web};
use crate::error::{Outcome, Problem};
use crate::jobs::folders::{self, Named};
use crate::jobs::remote::Remote;
use crate::paths::{AUTHORITY, CERTIFICATE, CONTROL};
use crate::provision::components::tls;
use crate::provision::host::clock;
use crate::provision::state;
use crate::system::real::RealHost;
use crate::system::{FileNode, Host, folder, local, state_dir};
use crate::ui::{Style, Ui, visible};
use crate::web::{Qr, Server, names};
use anyhow::Context;
use serde::Serialize;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The page's process is gone so long after its last client.
const IDLE: Duration = Duration::from_secs(90);

pub fn run(args: &Web, _: &Global, ui: &Ui) -> anyhow::Result<Outcome> {
    if args.appliance {
        return appliance(ui);
    }
    if let Some(address) = args.certify.first() {
        return certify_page(*address, &args.certify, ui);
    }
    let (cards, drives) = folders(&args.source, args.dest.as_slice())?;
    let keeper = folders::keeper(cards, drives, args.allow_same_filesystem);
    let identity = args.tls.as_deref().map(|folder| own_identity(folder, args.listen.ip())).transpose()?;
    let server = Server::bind(args.listen, identity.as_ref(), Arc::new(keeper))?;
    let invitation = server.invite()?;
    #[derive(Serialize)]
    struct Listening<'a> {
        url: &'a str,
        pair_url: &'a str,
        code: &'a str,
    }
    let url = server.url();
    ui.json("listening", &Listening { url: &url, pair_url: &invitation.url, code: &invitation.code });
    if !ui.json_wanted() {
        let qr = Qr::new(&invitation.url).filter(|_| ui.on_terminal());
        if let Some(text) = qr.and_then(|qr| qr.text_within(ui.columns())) {
            ui.verbatim(&text);
        }
        ui.say(&format!("The page is at {}", ui.paint(Style::Bold, &url)));
        ui.verbatim(&format!("Open    {}", invitation.url));
        ui.say(&format!("or type {} there. Either works once, for ten minutes.", invitation.code));
        if identity.is_some() {
            ui.say(&format!("A device that does not know this page yet: {url}/trust tells how it is told"));
        }
        ui.say("Ctrl-C ends the page; a backup that runs goes on.");
    }
    server.run(None);
    Ok(Outcome::Done)
}

/// The page of the appliance: its sockets are systemd's, and everything else is asked of whoever keeps the jobs.
fn appliance(ui: &Ui) -> anyhow::Result<Outcome> {
    let sockets = local::all_handed().context("the page's sockets")?;
    if sockets.is_empty() {
        let problem = Problem::usage("systemd handed over no socket");
        return Err(problem.hint("to try it out: --source DIR --dest DIR").into());
    }
    let identity = match sockets.len() {
        1 => None,
        _ => identity().map_err(|e| ui.note(&format!("the page has no certificate: {e:#}"))).ok(),
    };
    Server::of(sockets, identity.as_ref(), Arc::new(Remote::new(Path::new(CONTROL))))?.run(Some(IDLE));
    Ok(Outcome::Done)
}

/// The page's identity, as systemd hands it to this process alone.
fn identity() -> anyhow::Result<Identity> {
    let text = local::credential(tls::CREDENTIAL).context("what systemd keeps for the page")?;
    Identity::read(&text.context("systemd keeps none for it")?)
}

/// Sees to the certificate of the appliance's page, before each of its starts.
fn certify_page(address: IpAddr, possible: &[IpAddr], ui: &Ui) -> anyhow::Result<Outcome> {
    let host = RealHost::live().context("/")?;
    context::root_of_live(&host, "web --certify")?;
    state_dir::make(&host, &[])?;
    let made = certify(&host, [AUTHORITY, CERTIFICATE], address, possible, state::moment(&host))?;
    if made.authority.is_some() {
        ui.say("A new authority was made: a device that trusted the one before has to be told again.");
    }
    Ok(Outcome::Done)
}

/// The identity of a page on plain folders, kept in a folder of its own.
fn own_identity(folder: &Path, address: IpAddr) -> anyhow::Result<Identity> {
    if address.is_unspecified() {
        let problem = Problem::usage("a certificate is for one address, and --listen names all");
        return Err(problem.hint("name the one that browsers will type").into());
    }
    let host = RealHost::tree(folder)
        .with_context(|| format!("{} is no folder to use", visible(&folder.to_string_lossy())))?;
    let paths = ["/authority.pem", "/certificate.pem"];
    certify(&host, paths, address, &[], clock::likely(host.now(), None))?;
    let kept = host.read_followed(paths[1])?;
    Identity::read(&kept.context("the certificate that was just made is gone")?)
}

/// Looks at authority and certificate as they are kept, and makes what does not fit.
fn certify(
    host: &dyn Host,
    [authority, certificate]: [&str; 2],
    address: IpAddr,
    possible: &[IpAddr],
    moment: i64,
) -> anyhow::Result<Settled> {
    let read = |path: &str| host.read_followed(path).with_context(|| format!("{path} can't be read"));
    let kept = Kept { authority: read(authority)?, identity: read(certificate)? };
    let names = Names { address, hosts: names(address) };
    let made = certificate::settle(&kept, &names, possible, moment)?;
    for (path, text) in [(authority, &made.authority), (certificate, &made.identity)] {
        let Some(text) = text else { continue };
        let file = FileNode { bytes: text.expose().clone().into_bytes(), mode: 0o600, uid: 0, gid: 0 };
        host.write(path, &file).with_context(|| format!("{path} can't be written"))?;
    }
    Ok(made)
}

/// Folders that stand for cards and drives, each with a name of its own.
///
/// # Errors
/// One is no folder, its name is no label, or two have one name.
pub fn folders(cards: &[PathBuf], drives: &[PathBuf]) -> anyhow::Result<(Vec<Named>, Vec<Named>)> {
    let all = |paths: &[PathBuf]| paths.iter().map(|path| named(path)).collect::<anyhow::Result<Vec<_>>>();
    let (cards, drives) = (all(cards)?, all(drives)?);
    for (at, card) in cards.iter().enumerate() {
        if cards[..at].iter().chain(&drives).any(|other| other.label == card.label) {
            let what = format!("two folders are called {}: a folder's label is its name", card.label);
            return Err(Problem::usage(what).hint("rename one of them").into());
        }
    }
    Ok((cards, drives))
}

/// A folder and its name.
fn named(path: &Path) -> anyhow::Result<Named> {
    let shown = visible(&path.to_string_lossy());
    let (real, _) = folder::real(path).with_context(|| format!("{shown} is no folder to use"))?;
    let name = path.file_name().or_else(|| real.file_name()).map(|name| name.to_string_lossy().into_owned());
    Ok(Named { label: Label::new(&name.unwrap_or_default())?, path: real })
}
