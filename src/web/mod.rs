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
mod uplink;
mod view;
mod words;
mod words_uplink;

pub use app::Invitation;
pub use qr::Qr;

use crate::jobs::Control;
use crate::jobs::protocol::Request;
use crate::system::local;
use anyhow::Context;
use app::App;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

/// A server that listens, and lets in nobody yet.
pub struct Server {
    runtime: tokio::runtime::Runtime,
    listener: tokio::net::TcpListener,
    app: Arc<App>,
}

impl Server {
    /// Begins to listen.
    ///
    /// # Errors
    /// When the address can't be had.
    pub fn bind(address: SocketAddr, control: Arc<dyn Control>) -> anyhow::Result<Server> {
        let runtime = runtime()?;
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind(address))
            .with_context(|| format!("listen on {address}"))?;
        Server::new(runtime, listener, control)
    }

    /// Takes over a socket that listens.
    ///
    /// # Errors
    /// When it is none.
    pub fn of(socket: OwnedFd, control: Arc<dyn Control>) -> anyhow::Result<Server> {
        let runtime = runtime()?;
        let listener = local::tcp(socket).context("the socket that was handed over")?;
        let entered = runtime.enter();
        let listener =
            tokio::net::TcpListener::from_std(listener).context("the socket that was handed over")?;
        drop(entered);
        Server::new(runtime, listener, control)
    }

    fn new(
        runtime: tokio::runtime::Runtime,
        listener: tokio::net::TcpListener,
        control: Arc<dyn Control>,
    ) -> anyhow::Result<Server> {
        let address = listener.local_addr().context("ask for the address")?;
        let app = App::new(address, control)?;
        Ok(Server { runtime, listener, app })
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
        let Server { runtime, listener, app } = self;
        runtime.block_on(listen::run(listener, app, idle));
        // What waits for a drive is not waited for.
        runtime.shutdown_background();
    }
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
