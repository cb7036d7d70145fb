//! The few files that a page asks for, embedded.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};

const ASSETS: [(&str, &str, &[u8]); 5] = [
    ("style.css", "text/css; charset=utf-8", include_bytes!("../../templates/web/style.css")),
    ("page.js", "text/javascript; charset=utf-8", include_bytes!("../../templates/web/page.js")),
    ("icon.svg", "image/svg+xml", include_bytes!("../../templates/web/icon.svg")),
    ("icon.png", "image/png", include_bytes!("../../templates/web/icon.png")),
    (
        "manifest.webmanifest",
        "application/manifest+json",
        include_bytes!("../../templates/web/manifest.webmanifest"),
    ),
];

pub async fn get(Path(name): Path<String>) -> Response {
    find(&name).unwrap_or_else(|| StatusCode::NOT_FOUND.into_response())
}

/// The file of that name, if there is one.
pub fn find(name: &str) -> Option<Response> {
    let (_, media, bytes) = ASSETS.iter().find(|(known, _, _)| *known == name)?;
    Some(([(CONTENT_TYPE, *media), (CACHE_CONTROL, "max-age=3600")], *bytes).into_response())
}
