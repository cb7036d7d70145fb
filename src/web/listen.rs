//! Connections: how many, how long, and how large what comes over them may be.

use super::answer::Failure;
use super::app::App;
use super::guard::Here;
use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::IntoResponse;
use axum::routing::{delete, get, post};
use hyper::service::Service as _;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConnection;

/// A browser takes six; beyond this number newcomers are told to come back.
const MOST_CONNECTIONS: usize = 256;
/// Until a request's head is there, and until an idle connection is closed.
const HEAD_WITHIN: Duration = Duration::from_secs(15);
/// A client that takes nothing for so long is gone.
const WRITE_WITHIN: Duration = Duration::from_secs(30);
/// Time between two looks whether anybody is connected, where that matters.
const LOOK_AROUND: Duration = Duration::from_secs(5);
const HEAD_BYTES: usize = 16 * 1024;
const HEADERS: usize = 64;
/// Bytes that wait, encrypted, for a client that takes its time.
const TLS_BUFFER: usize = 16 * 1024;

/// A socket that listens, and what is spoken there.
pub struct Door {
    pub listener: TcpListener,
    pub way: Way,
}

/// The way in behind a door.
pub enum Way {
    /// The page over plain http.
    Page,
    /// The page over TLS.
    Secure(TlsAcceptor),
    /// Plain http that leads to the page over TLS.
    Lead,
    /// Nothing: there is no certificate.
    Shut,
}

type Service = TowerToHyperService<Router>;

/// Accepts until nobody has been connected for `idle`; for ever without it.
pub async fn run(doors: Vec<Door>, app: Arc<App>, idle: Option<Duration>) {
    tokio::spawn(Arc::clone(&app).keep_looking());
    let page = TowerToHyperService::new(router(Arc::clone(&app)));
    let lead = TowerToHyperService::new(lead(app));
    let slots = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let mut quiet_since = Instant::now();
    loop {
        let accepted = match idle {
            None => accept(&doors).await,
            Some(idle) => match tokio::time::timeout(LOOK_AROUND, accept(&doors)).await {
                Ok(accepted) => accepted,
                Err(_) => {
                    if slots.available_permits() < MOST_CONNECTIONS {
                        quiet_since = Instant::now();
                    }
                    if quiet_since.elapsed() >= idle {
                        return;
                    }
                    continue;
                }
            },
        };
        quiet_since = Instant::now();
        let Ok((stream, way)) = accepted else {
            // Out of descriptors: those who go give some back.
            tokio::time::sleep(Duration::from_millis(200)).await;
            continue;
        };
        let Ok(slot) = Arc::clone(&slots).try_acquire_owned() else {
            if matches!(way, Way::Page | Way::Lead) {
                let _ = stream.try_write(b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n");
            }
            continue;
        };
        let service = if matches!(way, Way::Lead) { &lead } else { &page }.clone();
        match way {
            Way::Shut => {}
            Way::Page | Way::Lead => _ = tokio::spawn(plain(stream, service, slot)),
            Way::Secure(acceptor) => _ = tokio::spawn(secure(stream, acceptor.clone(), service, slot)),
        }
    }
}

/// Waits for the first that comes to any door.
async fn accept(doors: &[Door]) -> io::Result<(TcpStream, &Way)> {
    poll_fn(|context| {
        for door in doors {
            if let Poll::Ready(accepted) = door.listener.poll_accept(context) {
                return Poll::Ready(accepted.map(|(stream, _)| (stream, &door.way)));
            }
        }
        Poll::Pending
    })
    .await
}

async fn plain(stream: TcpStream, service: Service, _slot: OwnedSemaphorePermit) {
    let Ok(local) = stream.local_addr() else { return };
    serve(Impatient::new(stream), Here { local, secure: false }, service).await;
}

async fn secure(stream: TcpStream, acceptor: TlsAcceptor, service: Service, _slot: OwnedSemaphorePermit) {
    let Ok(local) = stream.local_addr() else { return };
    let bounded = |connection: &mut ServerConnection| connection.set_buffer_limit(Some(TLS_BUFFER));
    let shaken = acceptor.accept_with(Impatient::new(stream), bounded);
    // One that dawdles, or speaks no TLS, is let go.
    if let Ok(Ok(stream)) = tokio::time::timeout(HEAD_WITHIN, shaken).await {
        serve(stream, Here { local, secure: true }, service).await;
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin, here: Here, service: Service) {
    let service = hyper::service::service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(here);
        service.call(request.map(Body::new))
    });
    // Whatever goes wrong on a connection is its client's.
    let _ = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .max_buf_size(HEAD_BYTES)
        .max_headers(HEADERS)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// Plain http beside the page over TLS: how to trust it, and the way there.
fn lead(app: Arc<App>) -> Router {
    use super::{guard, trust};
    trusting()
        .fallback(trust::lead)
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&app), guard::check))
        .with_state(app)
}

/// The way to trust the page, over TLS as in plain.
fn trusting() -> Router<Arc<App>> {
    use super::trust;
    Router::new()
        .route("/trust", get(trust::show))
        .route("/ca.crt", get(trust::certificate))
        .route("/ca.mobileconfig", get(trust::profile))
}

fn router(app: Arc<App>) -> Router {
    use super::{api, appliance, assets, events, guard, pages, photos, uplink};
    trusting()
        .route("/", get(pages::home))
        .route("/tiles", get(pages::tiles))
        .route("/pair", post(pages::pair_by_code))
        .route("/pair/{token}", get(pages::pair_by_link))
        .route("/jobs", post(pages::start))
        .route("/jobs/{id}/stop", post(pages::stop))
        .route("/photos", get(pages::grid))
        .route("/photos/{id}", get(pages::photo))
        .route("/appliance", get(appliance::page))
        .route("/appliance/checks", get(appliance::checks))
        .route("/uplink", get(uplink::page))
        .route("/uplink/networks", get(uplink::networks))
        .route("/uplink/join", post(uplink::join))
        .route("/uplink/forget", post(uplink::forget))
        .route("/eject", post(appliance::eject))
        .route("/time", post(appliance::set_time))
        .route("/poweroff", get(appliance::ask_poweroff).post(appliance::poweroff))
        .route("/devices", get(pages::devices).post(pages::invite))
        .route("/devices/{at}/forget", post(pages::forget))
        .route("/{asset}", get(assets::get))
        .route("/api/v1/state", get(api::state))
        .route("/api/v1/events", get(events::stream))
        .route("/api/v1/jobs", post(api::start))
        .route("/api/v1/jobs/{id}", get(api::job).delete(api::cancel))
        .route("/api/v1/checks", get(appliance::api_checks))
        .route("/api/v1/uplink", get(uplink::api_look))
        .route("/api/v1/uplink/networks", get(uplink::api_networks))
        .route("/api/v1/uplink/join", post(uplink::api_join))
        .route("/api/v1/uplink/forget", post(uplink::api_forget))
        .route("/api/v1/eject", post(appliance::api_eject))
        .route("/api/v1/time", post(appliance::api_set_time))
        .route("/api/v1/poweroff", post(appliance::api_poweroff))
        .route("/api/v1/photos", get(api::photos))
        .route("/api/v1/photos/{id}", get(api::photo))
        .route("/api/v1/photos/{id}/small", get(photos::small))
        .route("/api/v1/photos/{id}/large", get(photos::large))
        .route("/api/v1/pairings", post(api::invite))
        .route("/api/v1/session", delete(api::leave))
        .fallback(async |request: Request| match request.uri().path().starts_with("/api/") {
            true => Failure::new(StatusCode::NOT_FOUND, "there is nothing here", "").into_response(),
            false => StatusCode::NOT_FOUND.into_response(),
        })
        .layer(axum::middleware::from_fn_with_state(Arc::clone(&app), guard::check))
        .with_state(app)
}

/// A stream whose writes have to get on.
struct Impatient {
    stream: TcpStream,
    deadline: Option<Pin<Box<Sleep>>>,
}

impl Impatient {
    fn new(stream: TcpStream) -> Self {
        let _ = stream.set_nodelay(true);
        Impatient { stream, deadline: None }
    }

    /// Lets a pending write wait until the deadline, and no longer.
    fn timed<T>(&mut self, answer: Poll<io::Result<T>>, context: &mut Context) -> Poll<io::Result<T>> {
        if answer.is_ready() {
            self.deadline = None;
            return answer;
        }
        let deadline = self
            .deadline
            .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(Instant::now() + WRITE_WITHIN)));
        match deadline.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncRead for Impatient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context,
        buffer: &mut ReadBuf,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Impatient {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let answer = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.timed(answer, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context,
        bytes: &[io::IoSlice],
    ) -> Poll<io::Result<usize>> {
        let answer = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.timed(answer, context)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
