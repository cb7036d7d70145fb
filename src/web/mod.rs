//! The page, and the same as an API: the only room that knows tokio and axum.
//!
//! It keeps nothing but who was let in, and does nothing by itself: everything goes through a
//! [`Control`](crate::jobs::Control). The server runs on one thread; what waits for a drive runs on a few others.

mod answer;
mod api;
mod app;
mod assets;
mod door;
mod events;
mod feed;
mod guard;
mod listen;
mod pages;
mod photos;
mod qr;
mod templates;
mod view;
mod words;

pub use door::Invitation;
pub use qr::Qr;

use crate::jobs::Control;
use anyhow::Context;
use app::App;
use std::net::SocketAddr;
use std::sync::Arc;

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
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            // What reads a drive: one that hangs must not hang the others.
            .max_blocking_threads(6)
            .thread_stack_size(512 * 1024)
            .build()
            .context("start the server")?;
        let listener = runtime
            .block_on(tokio::net::TcpListener::bind(address))
            .with_context(|| format!("listen on {address}"))?;
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
    /// When the kernel has no random numbers.
    pub fn invite(&self) -> anyhow::Result<Invitation> {
        self.app.invite(&self.app.url())
    }

    /// Answers until the process is ended.
    pub fn run(self) {
        let Server { runtime, listener, app } = self;
        runtime.block_on(listen::run(listener, app));
    }
}
