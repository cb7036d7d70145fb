//! Everything that handlers share.

use super::templates::templates;
use crate::jobs::Control;
use crate::jobs::protocol::{Answer, Guest, Key, Refusal, RefusalKind, Request};
use crate::jobs::state::State;
use crate::system::process;
use anyhow::anyhow;
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, COOKIE};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tera::Tera;
use tokio::sync::{Notify, Semaphore, watch};

const COOKIE_NAME: &str = "piback_session";
/// The same over TLS: browsers take such a name over TLS alone, so that plain http neither shows it nor sets it.
const SECURE_COOKIE_NAME: &str = "__Host-piback_session";
/// Digits of what a browser shows, and how many of them it may show.
const SECRET: usize = 64;
const MOST_SHOWN: usize = 4;
/// Photos that are opened at a time; each takes a thread.
const MOST_OPENING: usize = 4;
/// Cards and drives are looked at that often while somebody looks on.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// One for the whole server.
pub struct App {
    pub address: SocketAddr,
    /// The page is served over TLS, or not at all.
    pub secure: bool,
    /// The certificate of the authority that browsers have to trust for that.
    pub authority: Option<Vec<u8>>,
    /// Names that a Host header may have, besides the address of the connection itself.
    pub names: Vec<String>,
    pub control: Arc<dyn Control>,
    pub pages: Tera,
    pub changes: watch::Sender<u64>,
    pub opening: Semaphore,
    viewers: AtomicUsize,
    viewed: Notify,
}

/// The way in for one browser: each of the two works once, for ten minutes.
#[derive(Debug, Clone)]
pub struct Invitation {
    pub url: String,
    /// Eight letters.
    pub code: String,
}

impl Invitation {
    /// The answer to a wish for one, below the page's address; below the appliance's own where `base` is empty.
    ///
    /// # Errors
    /// It is none.
    pub fn of(answer: Answer, base: &str) -> anyhow::Result<Invitation> {
        match answer {
            Answer::Invited { token, code, page } => {
                let base = page.as_deref().filter(|_| base.is_empty()).unwrap_or(base);
                Ok(Invitation { url: format!("{base}/pair/{token}"), code })
            }
            Answer::Refused(refusal) => Err(anyhow!(refusal.error)),
            _ => Err(anyhow!("control gave another answer")),
        }
    }
}

/// The names of the page besides its address: by mDNS, the host's own, and as our dnsmasq calls it.
#[must_use]
pub fn names(address: IpAddr) -> Vec<String> {
    let host = process::host_name().to_ascii_lowercase();
    let mut names = vec![format!("{host}.local"), host, "piback.lan".to_owned(), "piback".to_owned()];
    if address.is_loopback() {
        names.push("localhost".to_owned());
    }
    names
}

/// The first word of an address.
pub fn scheme(secure: bool) -> &'static str {
    if secure { "https" } else { "http" }
}

/// Counts an event stream as long as it lives.
pub struct Viewer(Arc<App>);

impl App {
    pub fn new(
        address: SocketAddr,
        secure: bool,
        authority: Option<Vec<u8>>,
        control: Arc<dyn Control>,
    ) -> anyhow::Result<Arc<App>> {
        let changes = watch::Sender::new(0);
        let told = changes.clone();
        control.watch(Box::new(move || told.send_modify(|n: &mut u64| *n = n.wrapping_add(1))));
        Ok(Arc::new(App {
            address,
            secure,
            authority,
            names: names(address.ip()),
            control,
            pages: templates()?,
            changes,
            opening: Semaphore::new(MOST_OPENING),
            viewers: AtomicUsize::new(0),
            viewed: Notify::new(),
        }))
    }

    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme(), self.address)
    }

    pub fn scheme(&self) -> &'static str {
        scheme(self.secure)
    }

    /// The line that has a browser show this from now on, for so many seconds.
    pub fn cookie(&self, secret: &str, seconds: u32) -> String {
        let (name, more) = if self.secure { (SECURE_COOKIE_NAME, "; Secure") } else { (COOKIE_NAME, "") };
        format!("{name}={secret}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{more}")
    }

    /// A new way in, below this address.
    ///
    /// # Errors
    /// When control makes none.
    pub async fn invite(self: &Arc<Self>, base: &str) -> anyhow::Result<Invitation> {
        Invitation::of(self.ask(Request::Invite).await, base)
    }

    /// The session of a request, by its place at the door.
    pub async fn session(self: &Arc<Self>, headers: &HeaderMap) -> Option<usize> {
        let cookies = headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|text| text.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(name, _)| *name == if self.secure { SECURE_COOKIE_NAME } else { COOKIE_NAME })
            .map(|(_, secret)| secret);
        // A script's (RFC 6750). No page elsewhere can make a browser send it.
        let token = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = token.and_then(|text| text.strip_prefix("Bearer ")).map(str::trim);
        let shown = cookies.chain(token).filter(|secret| secret.len() == SECRET).map(str::to_owned);
        for secret in shown.take(MOST_SHOWN).collect::<Vec<_>>() {
            if let Answer::Known { at: Some(at) } = self.ask(Request::Known { secret }).await {
                return Some(at);
            }
        }
        None
    }

    /// Lets a browser in for a link's token or a code; returns what it has to show from now on.
    ///
    /// # Errors
    /// Why not.
    pub async fn enter(self: &Arc<Self>, key: Key, name: &str) -> Result<String, Refusal> {
        match self.ask(Request::Enter { key, name: name.to_owned() }).await {
            Answer::Entered { secret } => Ok(secret),
            Answer::Refused(refusal) => Err(refusal),
            _ => Err(Refusal::new(RefusalKind::Failed, "control gave another answer", "")),
        }
    }

    /// All browsers that are let in.
    pub async fn guests(self: &Arc<Self>) -> Vec<Guest> {
        match self.ask(Request::Guests).await {
            Answer::Guests { guests } => guests,
            _ => Vec::new(),
        }
    }

    /// Asks control on a thread that may wait for a drive.
    pub async fn ask(self: &Arc<Self>, request: Request) -> Answer {
        let app = Arc::clone(self);
        let asked = tokio::task::spawn_blocking(move || app.control.ask(&request)).await;
        asked.unwrap_or_else(|_| {
            Answer::Refused(Refusal::new(RefusalKind::Failed, "piback stopped at a fault of its own", ""))
        })
    }

    /// The whole state; with a `look` at the world, or as it was last seen.
    ///
    /// # Errors
    /// When control has none to give.
    pub async fn state(self: &Arc<Self>, look: bool) -> anyhow::Result<State> {
        match self.ask(Request::State { look }).await {
            Answer::State(state) => Ok(*state),
            Answer::Refused(refusal) => Err(anyhow!(refusal.error)),
            _ => Err(anyhow!("control gave another answer")),
        }
    }

    /// Counts a viewer.
    pub fn viewer(self: &Arc<Self>) -> Viewer {
        self.viewers.fetch_add(1, Ordering::Relaxed);
        self.viewed.notify_one();
        Viewer(Arc::clone(self))
    }

    pub fn viewers(&self) -> usize {
        self.viewers.load(Ordering::Relaxed)
    }

    /// Looks at the world again and again, as long as somebody looks on; sleeps otherwise.
    pub async fn keep_looking(self: Arc<Self>) {
        loop {
            while self.viewers() == 0 {
                self.viewed.notified().await;
            }
            tokio::time::sleep(LOOK_EVERY).await;
            let app = Arc::clone(&self);
            // A look that panicked is one that saw nothing.
            let _ = tokio::task::spawn_blocking(move || app.control.look()).await;
        }
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.0.viewers.fetch_sub(1, Ordering::Relaxed);
    }
}
