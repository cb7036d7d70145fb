//! `piback pair`: lets a browser in to the page.

use super::running;
use crate::certificate::{Authority, fingerprint};
use crate::cli::{Global, Pair};
use crate::error::{Outcome, Problem};
use crate::jobs::Control;
use crate::jobs::door::GOOD_FOR;
use crate::jobs::protocol::{Answer, Guest, Key, Request};
use crate::paths::AUTHORITY;
use crate::system::real::RealHost;
use crate::system::{Host, process};
use crate::ui::{Style, Ui, visible};
use crate::web::{Invitation, Qr};
use serde::Serialize;

pub fn run(args: &Pair, global: &Global, ui: &Ui) -> anyhow::Result<Outcome> {
    let Some(remote) = running::keeper(global) else {
        return Err(nobody(process::is_root()).into());
    };
    if let Some(at) = args.revoke {
        return revoke(&remote, at, ui);
    }
    if let Some(name) = &args.token {
        return token(&remote, name, ui);
    }
    if args.list {
        list(&guests(&remote)?, ui);
        return Ok(Outcome::Done);
    }
    let invitation = Invitation::of(remote.ask(&Request::Invite), "")?;
    let url = invitation.url.split("/pair/").next().unwrap_or_default().to_owned();
    #[derive(Serialize)]
    struct Invited<'a> {
        url: &'a str,
        pair_url: &'a str,
        code: &'a str,
        seconds: u64,
    }
    let Invitation { url: pair_url, code } = &invitation;
    ui.json("invited", &Invited { url: &url, pair_url, code, seconds: GOOD_FOR.as_secs() });
    let qr = Qr::new(pair_url).filter(|_| ui.on_terminal() && !ui.json_wanted());
    let drawn = qr.and_then(|qr| qr.text_within(ui.columns()));
    match drawn {
        Some(text) => {
            ui.verbatim(&text);
            ui.say("On the appliance's Wi-Fi, point the iPad's camera at this, or open");
        }
        None => ui.say("On the appliance's Wi-Fi, open on the iPad"),
    }
    ui.verbatim(&format!("  {pair_url}"));
    let code = format!("{} {}", &code[..4.min(code.len())], &code[4.min(code.len())..]);
    ui.say(&format!("or open {url} and type {}", ui.paint(Style::Bold, &code)));
    if url.starts_with("https:") {
        untrusted(&url, ui);
    }
    ui.say(&format!("One browser, once, within {} minutes.", GOOD_FOR.as_secs() / 60));
    Ok(Outcome::Done)
}

/// Tells how a device is told to trust the page; the fingerprint where its file may be read, that is by root.
fn untrusted(url: &str, ui: &Ui) {
    let plain = url.replacen("https", "http", 1);
    ui.say(&format!("A device that does not trust its certificate yet: first {plain}/trust"));
    let host = RealHost::live().ok();
    let text = host.and_then(|host| host.read_followed(AUTHORITY).ok().flatten());
    match text.and_then(|text| Authority::read(&text).ok()) {
        Some(authority) => {
            ui.say("Its SHA-256 fingerprint:");
            ui.verbatim(&format!("  {}", fingerprint(authority.certificate())));
        }
        None => ui.detail("its fingerprint is shown to root"),
    }
}

fn nobody(is_root: bool) -> Problem {
    match is_root {
        true => Problem::failed("nobody keeps the page's browsers here"),
        false => Problem::needs_root("nobody keeps the page's browsers here, or not for this user"),
    }
    .hint("is the appliance set up? See: piback status")
}

fn guests(control: &dyn Control) -> anyhow::Result<Vec<Guest>> {
    match control.ask(&Request::Guests) {
        Answer::Guests { guests } => Ok(guests),
        Answer::Refused(refusal) => Err(running::problem(refusal).into()),
        _ => Err(Problem::failed("whoever keeps the jobs gave another answer").into()),
    }
}

fn list(guests: &[Guest], ui: &Ui) {
    if guests.is_empty() {
        ui.say("No browser is let in. One is by: piback pair");
    }
    for (at, guest) in guests.iter().enumerate() {
        ui.say(&format!("{:>3}  {}, since {}", at + 1, visible(&guest.name), visible(&guest.since)));
    }
    ui.json("guests", &serde_json::json!({ "guests": guests }));
}

/// Lets a script in, under a name: what it has to send with every request is shown once, and kept as a hash.
fn token(control: &dyn Control, name: &str, ui: &Ui) -> anyhow::Result<Outcome> {
    let other = || Problem::failed("whoever keeps the jobs gave another answer");
    let key = match control.ask(&Request::Invite) {
        Answer::Invited { token, .. } => Key::Token(token),
        Answer::Refused(refusal) => return Err(running::problem(refusal).into()),
        _ => return Err(other().into()),
    };
    match control.ask(&Request::Enter { key, name: format!("script {name}") }) {
        Answer::Entered { secret } => {
            ui.note("it is shown this once; each request sends it as Authorization: Bearer TOKEN");
            if !ui.json_wanted() {
                ui.verbatim(&secret);
            }
            ui.json("token", &serde_json::json!({ "token": secret }));
            Ok(Outcome::Done)
        }
        Answer::Refused(refusal) => Err(running::problem(refusal).into()),
        _ => Err(other().into()),
    }
}

fn revoke(control: &dyn Control, number: usize, ui: &Ui) -> anyhow::Result<Outcome> {
    let all = guests(control)?;
    let Some((at, guest)) = number.checked_sub(1).and_then(|at| Some((at, all.get(at)?))) else {
        return Err(Problem::failed(format!("no browser has the number {number}"))
            .hint("the numbers: piback pair --list")
            .into());
    };
    control.ask(&Request::Forget { at });
    ui.say(&format!("{} is shown out.", visible(&guest.name)));
    ui.json("revoked", &serde_json::json!({ "guest": guest }));
    Ok(Outcome::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_is_told_of_no_sudo() {
        let said = |is_root| nobody(is_root).hints.concat();
        assert!(!said(true).contains("sudo") && said(true).contains("piback status"));
        assert!(said(false).contains("sudo"));
    }
}
