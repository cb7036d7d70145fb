//! Server-sent events: the whole state, at once and then whenever it changes, at most twice a second.
//!
//! Always a whole one: a browser that slept, lost the connection or came late knows the truth with the next event.

use super::answer::{Failure, admitted};
use super::app::App;
use super::feed::feed;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::sync::mpsc::Sender;
use tokio::time::{sleep, timeout};

const MOST_VIEWERS: usize = 32;
const PAUSE: Duration = Duration::from_millis(500);
/// A word now and then, so that either side notices when the other is gone.
const STILL_THERE: Duration = Duration::from_secs(15);

pub async fn stream(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Failure> {
    admitted(&app, &headers).await?;
    if app.viewers() >= MOST_VIEWERS {
        return Err(Failure::new(StatusCode::SERVICE_UNAVAILABLE, "too many look on", "close a page"));
    }
    let (sender, body) = feed(None);
    tokio::spawn(tell(app, headers, sender));
    Ok(([(CONTENT_TYPE, "text/event-stream")], body).into_response())
}

async fn tell(app: Arc<App>, headers: HeaderMap, sender: Sender<Bytes>) {
    let _viewer = app.viewer();
    let mut changes = app.changes.subscribe();
    let (mut look, mut last) = (true, String::new());
    loop {
        changes.borrow_and_update();
        // Shown out meanwhile: nothing more is told.
        if app.session(&headers).await.is_none() {
            return;
        }
        let Ok(state) = app.state(look).await else { return };
        look = false;
        let text = serde_json::to_string(&state).unwrap_or_default();
        let news = text != last;
        let piece = if news { format!("event: state\ndata: {text}\n\n") } else { ":\n\n".to_owned() };
        last = text;
        // Waits as long as the client takes nothing; the connection's own deadline ends that.
        if sender.send(Bytes::from(piece)).await.is_err() {
            return;
        }
        drop(state);
        sleep(PAUSE).await;
        // A change, the client's end, or a while in which nothing happened.
        let _ = timeout(STILL_THERE, either(changes.changed(), sender.closed())).await;
    }
}

/// Waits for the first of two.
async fn either(one: impl Future, other: impl Future) {
    let (mut one, mut other) = (pin!(one), pin!(other));
    poll_fn(|context| match (one.as_mut().poll(context), other.as_mut().poll(context)) {
        (Poll::Pending, Poll::Pending) => Poll::Pending,
        _ => Poll::Ready(()),
    })
    .await;
}
