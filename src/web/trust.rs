//! The way to trust: the authority's certificate, as a file and as a profile that an iPad installs, and a page that tells how.
//! Over plain http nothing else is served where the page itself is served over TLS.

use super::app::{App, scheme};
use super::assets;
use super::guard::HTTPS;
use super::pages::{Instead, render, word};
use crate::certificate::{base64, encode, fingerprint, name_of};
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_TYPE, HOST, LOCATION};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::sync::Arc;

#[derive(Serialize)]
struct Values {
    name: String,
    id: String,
    fingerprint: String,
    profile_uuid: String,
    authority_uuid: String,
    data: String,
    page: String,
}

impl Values {
    fn of(app: &App, authority: &[u8], headers: &HeaderMap) -> Self {
        let fingerprint = fingerprint(authority);
        let digits: String = fingerprint.split(' ').collect();
        let (one, other) = digits.split_at(32);
        Values {
            name: name_of(authority),
            id: digits[..16].to_owned(),
            profile_uuid: uuid(one),
            authority_uuid: uuid(other),
            fingerprint,
            data: base64(authority),
            page: format!("{}/", page(app, headers)),
        }
    }
}

/// An identifier (RFC 9562, version 8) that the same certificate always has, so that a profile that is installed again takes
/// the place of the first.
fn uuid(digits: &str) -> String {
    let part = |from: usize, to: usize| &digits[from..to];
    format!("{}-{}-8{}-8{}-{}", part(0, 8), part(8, 12), part(13, 16), part(17, 20), part(20, 32))
}

pub async fn show(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Instead> {
    let authority = app.authority.as_ref().ok_or_else(|| missing(&app))?;
    render(&app, "trust.html", StatusCode::OK, &Values::of(&app, authority, &headers))
}

pub async fn profile(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Instead> {
    let authority = app.authority.as_ref().ok_or_else(|| missing(&app))?;
    let shown = render(&app, "ca.mobileconfig", StatusCode::OK, &Values::of(&app, authority, &headers))?;
    Ok(([(CONTENT_TYPE, "application/x-apple-aspen-config")], shown.into_body()).into_response())
}

pub async fn certificate(State(app): State<Arc<App>>) -> Result<Response, Instead> {
    let authority = app.authority.as_ref().ok_or_else(|| missing(&app))?;
    let text = encode("CERTIFICATE", authority);
    Ok(([(CONTENT_TYPE, "application/x-x509-ca-cert")], text).into_response())
}

/// Leads everything else from plain http to the page. What would change something is refused: it has been told to everybody
/// who listens already.
pub async fn lead(State(app): State<Arc<App>>, request: Request) -> Response {
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    if let Some(asset) = assets::find(request.uri().path().trim_start_matches('/')) {
        return asset;
    }
    if app.authority.is_none() {
        return missing(&app).into_response();
    }
    match *request.method() {
        Method::GET | Method::HEAD => {
            // For now: what a browser keeps of it would be in the way where TLS is switched off again.
            (StatusCode::FOUND, [(LOCATION, format!("{}{path}", page(&app, request.headers())))])
                .into_response()
        }
        _ => word(&app, StatusCode::FORBIDDEN, "This page is served over https", "Open it anew."),
    }
}

/// Says that there is nothing to trust: no TLS here, or no certificate.
fn missing(app: &App) -> Instead {
    match app.secure {
        true => {
            let text = "The appliance could make none. On the appliance: sudo piback doctor";
            word(app, StatusCode::SERVICE_UNAVAILABLE, "The page has no certificate", text).into()
        }
        false => StatusCode::NOT_FOUND.into_response().into(),
    }
}

/// The page's address, by the name that was typed.
fn page(app: &App, headers: &HeaderMap) -> String {
    // It went through the guard: it is an address or a name of ours.
    let typed = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let is_bare = typed.ends_with(']') || !typed.contains(':');
    let host = if is_bare { typed } else { typed.rsplit_once(':').map_or(typed, |(host, _)| host) };
    let scheme = scheme(app.secure);
    match app.address.port() {
        HTTPS => format!("{scheme}://{host}"),
        port => format!("{scheme}://{host}:{port}"),
    }
}
