//! Answers as JSON, and what a request must bring for one.

use super::app::App;
use crate::jobs::protocol::{Refusal, RefusalKind};
use crate::ui::JSON_SCHEMA;
use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::sync::Arc;
use std::time::Duration;

/// The largest body that anything here takes, and how long it may take.
pub const BODY: usize = 4096;
pub const BODY_WITHIN: Duration = Duration::from_secs(10);

/// An error as JSON, with what to do.
#[derive(Debug)]
pub struct Failure {
    status: StatusCode,
    what: String,
    hints: Vec<String>,
}

impl Failure {
    pub fn new(status: StatusCode, what: impl Into<String>, hint: &str) -> Self {
        let hints = if hint.is_empty() { Vec::new() } else { vec![hint.to_owned()] };
        Failure { status, what: what.into(), hints }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let status = match refusal.kind {
            RefusalKind::Unknown => StatusCode::NOT_FOUND,
            RefusalKind::Denied => StatusCode::FORBIDDEN,
            RefusalKind::Busy => StatusCode::SERVICE_UNAVAILABLE,
            RefusalKind::Failed => StatusCode::INTERNAL_SERVER_ERROR,
        };
        Failure { status, what: refusal.error, hints: refusal.hints }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        #[derive(Serialize)]
        struct Said {
            schema: u32,
            error: String,
            hints: Vec<String>,
        }
        json(self.status, &Said { schema: JSON_SCHEMA, error: self.what, hints: self.hints })
    }
}

/// Any value as an answer.
pub fn json<T: Serialize>(status: StatusCode, value: &T) -> Response {
    // These types hold nothing that JSON can't carry.
    let text = serde_json::to_string(value).unwrap_or_default();
    (status, [(CONTENT_TYPE, "application/json")], text).into_response()
}

/// Who is not let in gets no further.
pub async fn admitted(app: &Arc<App>, headers: &HeaderMap) -> Result<usize, Failure> {
    app.session(headers).await.ok_or_else(|| {
        Failure::new(
            StatusCode::UNAUTHORIZED,
            "this browser was not let in",
            "open the link, or type the code",
        )
    })
}

/// A body, if it is small and comes soon.
pub async fn body(body: Body) -> Result<Vec<u8>, Failure> {
    let read = axum::body::to_bytes(body, BODY);
    match tokio::time::timeout(BODY_WITHIN, read).await {
        Ok(Ok(bytes)) => Ok(bytes.to_vec()),
        Ok(Err(_)) => Err(Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "that is too much", "")),
        Err(_) => Err(Failure::new(StatusCode::REQUEST_TIMEOUT, "that took too long", "")),
    }
}
