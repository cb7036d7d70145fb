//! The page, and the same as an API: the only room that knows tokio and axum.
//!
//! It keeps nothing but who was let in, and does nothing by itself: everything goes through a
//! [`Control`](crate::jobs::Control). The server runs on one thread; what waits for a drive runs on a few others.

mod answer;
mod api;
mod app;
mod appliance;
mod assets;
mod events;
mod feed;
mod guard;
mod listen;
mod pages;
mod photos;
mod qr;
mod templates;
mod trust;
mod uplink;
mod view;
mod words;
mod words_uplink;

pub use app::{Invitation, names};
pub use qr::Qr;

use crate::certificate::Identity;
use crate::jobs::Control;
use crate::jobs::protocol::Request;
use crate::system::local;
use anyhow::{Context, bail};
use app::App;
use listen::{Door, Way};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

/// A server that listens, and lets in nobody yet.
pub struct Server {
    runtime: tokio::runtime::Runtime,
    doors: Vec<Door>,
    app: Arc<App>,
}

impl Server {
    /// Begins to listen; over TLS with an identity.
    ///
    /// # Errors
    /// When the address can't be had.
    pub fn bind(
        address: SocketAddr,
        identity: Option<&Identity>,
        control: Arc<dyn Control>,
    ) -> anyhow::Result<Server> {
        let runtime = runtime()?;
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind(address))
            .with_context(|| format!("listen on {address}"))?;
        let way = identity.map_or(Ok(Way::Page), secure)?;
        let address = listener.local_addr().context("ask for the address")?;
        let app = App::new(address, identity.is_some(), identity.map(authority), control)?;
        Ok(Server { runtime, doors: vec![Door { listener, way }], app })
    }

    /// Takes over sockets that listen: one for plain http; or that and a second one, which is for TLS. The page is never
    /// served in plain where it is to be served over TLS, whether it has an identity or not.
    ///
    /// # Errors
    /// One is none, or there are more.
    pub fn of(
        sockets: Vec<OwnedFd>,
        identity: Option<&Identity>,
        control: Arc<dyn Control>,
    ) -> anyhow::Result<Server> {
        let runtime = runtime()?;
        let ways = match sockets.len() {
            1 => vec![Way::Page],
            2 => vec![Way::Lead, identity.map_or(Ok(Way::Shut), secure)?],
            other => bail!("{other} sockets were handed over, and one or two are wanted"),
        };
        let entered = runtime.enter();
        let listener = |socket| tokio::net::TcpListener::from_std(local::tcp(socket)?);
        let door = |(socket, way)| -> std::io::Result<Door> { Ok(Door { listener: listener(socket)?, way }) };
        let doors: Vec<Door> = sockets
            .into_iter()
            .zip(ways)
            .map(door)
            .collect::<Result<_, _>>()
            .context("a socket that was handed over")?;
        drop(entered);
        let own = doors.last().context("no socket")?;
        let address = own.listener.local_addr().context("ask for the address")?;
        let is_secure = doors.len() > 1;
        let app = App::new(address, is_secure, identity.filter(|_| is_secure).map(authority), control)?;
        Ok(Server { runtime, doors, app })
    }

    /// The address that it listens on, as a browser types it.
    #[must_use]
    pub fn url(&self) -> String {
        self.app.url()
    }

    /// A new way in.
    ///
    /// # Errors
    /// When control makes none.
    pub fn invite(&self) -> anyhow::Result<Invitation> {
        Invitation::of(self.app.control.ask(&Request::Invite), &self.app.url())
    }

    /// Answers until nobody has been connected for `idle`, and without it until the process is ended.
    pub fn run(self, idle: Option<Duration>) {
        let Server { runtime, doors, app } = self;
        runtime.block_on(listen::run(doors, app, idle));
        // What waits for a drive is not waited for.
        runtime.shutdown_background();
    }
}

fn secure(identity: &Identity) -> anyhow::Result<Way> {
    Ok(Way::Secure(tokio_rustls::TlsAcceptor::from(Arc::new(identity.server()?))))
}

fn authority(identity: &Identity) -> Vec<u8> {
    identity.authority().to_vec()
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        // What reads a drive, and what asks control: one that hangs must not hang the others.
        .max_blocking_threads(8)
        .thread_stack_size(512 * 1024)
        .build()
        .context("start the server")
}
