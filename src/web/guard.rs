//! Every request must have this, and every answer gets that.

use super::answer::Failure;
use super::app::{App, scheme};
use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderName, HeaderValue, ORIGIN,
    REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::net::SocketAddr;
use std::sync::Arc;

/// Nothing but our own files, and nothing inline.
const POLICY: &str = "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'self'; script-src 'self'; \
     connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Ports that a browser leaves out of a Host.
pub const HTTP: u16 = 80;
pub const HTTPS: u16 = 443;

/// The address that a request came in at, and whether over TLS.
#[derive(Debug, Clone, Copy)]
pub struct Here {
    pub local: SocketAddr,
    pub secure: bool,
}

/// The address of the page as this request's browser types it.
pub fn base(app: &App, headers: &HeaderMap) -> String {
    // It went through `check`: it is an address or a name of ours.
    format!(
        "{}://{}",
        app.scheme(),
        headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default()
    )
}

/// Stands between every request and its handler.
pub async fn check(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let here = request.extensions().get::<Here>().copied();
    let is_ours = host(request.headers(), request.uri())
        .zip(here)
        .filter(|(host, here)| is_known(host, *here, &app.names));
    let refused = |what: &str, hint: &str| Failure::new(StatusCode::FORBIDDEN, what, hint).into_response();
    let mut response = match is_ours {
        // A page elsewhere whose name leads here, for one.
        None => refused("this server is not called that", "type its address as it is"),
        Some((host, here))
            if changes_something(request.method())
                && !same_origin(request.headers(), &host, here.secure, request.uri()) =>
        {
            refused("this request came from another page", "use the page itself")
        }
        Some(_) => next.run(request).await,
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        // With `no-referrer` a form's Origin would be "null".
        (REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (CACHE_CONTROL, "no-cache"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

fn changes_something(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD)
}

/// The one Host header; none where there is none, or more than one.
fn host(headers: &HeaderMap, uri: &Uri) -> Option<String> {
    let mut all = headers.get_all(HOST).iter();
    let host = all.next()?.to_str().ok()?.to_ascii_lowercase();
    // A request line with a whole address must name the same.
    let named = uri.authority().is_none_or(|named| named.as_str().eq_ignore_ascii_case(&host));
    (all.next().is_none() && named).then_some(host)
}

/// An address is the connection's own, so that no name can be made to lead here; a name is one of ours.
fn is_known(host: &str, here: Here, names: &[String]) -> bool {
    let local = SocketAddr::new(here.local.ip().to_canonical(), here.local.port());
    let usual = if here.secure { HTTPS } else { HTTP };
    if let Ok(address) = host.parse::<SocketAddr>() {
        return address == local;
    }
    if let Ok(address) = host.trim_start_matches('[').trim_end_matches(']').parse() {
        return SocketAddr::new(address, usual) == local;
    }
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) => (name, port.parse().ok()),
        None => (host, Some(usual)),
    };
    port == Some(local.port()) && names.iter().any(|known| known == name)
}

/// Browsers tell the origin of everything that changes something. What tells none is no browser, and then only the API
/// listens, in ways that no page elsewhere can send without asking first.
fn same_origin(headers: &HeaderMap, host: &str, secure: bool, uri: &Uri) -> bool {
    match headers.get(ORIGIN) {
        Some(origin) => {
            let ours = format!("{}://{host}", scheme(secure));
            origin.to_str().is_ok_and(|origin| origin.eq_ignore_ascii_case(&ours))
        }
        None => {
            let is_json = headers.get(CONTENT_TYPE).is_some_and(is_json);
            let foreign = headers.get("sec-fetch-site").is_some_and(|site| site != "same-origin");
            uri.path().starts_with("/api/") && !foreign && (is_json || !headers.contains_key(CONTENT_TYPE))
        }
    }
}

/// Says whether a Content-Type is JSON's.
pub fn is_json(value: &HeaderValue) -> bool {
    let text = value.to_str().unwrap_or_default();
    text.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_the_connection_s_address_or_one_of_our_names() {
        let at = |local: &str, secure| Here { local: local.parse().unwrap(), secure };
        let local = at("10.41.0.1:80", false);
        let names = ["pi.local".to_owned(), "pi".to_owned()];
        for good in ["10.41.0.1", "10.41.0.1:80", "pi.local", "pi:80"] {
            assert!(is_known(good, local, &names), "{good}");
        }
        for bad in [
            "10.41.0.2",
            "10.41.0.1:81",
            "evil.example",
            "pi.local:8080",
            "pi.local.evil.example",
            "",
            ":80",
            "10.41.0.1.nip.io",
        ] {
            assert!(!is_known(bad, local, &names), "{bad}");
        }
        assert!(is_known("[::1]:8080", at("[::1]:8080", false), &names));
        assert!(is_known("127.0.0.1:8080", at("[::ffff:127.0.0.1]:8080", false), &names));
        let over_tls = at("10.41.0.1:443", true);
        for good in ["10.41.0.1", "10.41.0.1:443", "pi.local", "pi:443"] {
            assert!(is_known(good, over_tls, &names), "{good}");
            // Without a port another one is meant in plain.
            assert_eq!(is_known(good, at("10.41.0.1:443", false), &names), good.contains(':'), "{good}");
        }
        assert!(!is_known("10.41.0.1:80", over_tls, &names) && !is_known("pi:80", over_tls, &names));
    }

    #[test]
    fn a_request_names_one_host_once() {
        let named = |hosts: &[&'static str], uri: &str| {
            let mut headers = HeaderMap::new();
            hosts.iter().for_each(|name| _ = headers.append(HOST, HeaderValue::from_static(name)));
            host(&headers, &uri.parse().unwrap())
        };
        assert_eq!(named(&["Pi.local"], "/x").as_deref(), Some("pi.local"));
        assert_eq!(named(&["pi.local"], "http://PI.local/x").as_deref(), Some("pi.local"));
        assert_eq!(named(&[], "/x"), None);
        assert_eq!(named(&["pi.local", "evil.example"], "/x"), None);
        assert_eq!(named(&["pi.local", "pi.local"], "/x"), None);
        assert_eq!(named(&["pi.local"], "http://evil.example/x"), None);
    }

    #[test]
    fn another_origin_changes_nothing() {
        let api: Uri = "/api/v1/jobs".parse().unwrap();
        let form: Uri = "/jobs".parse().unwrap();
        let headers = |pairs: &[(&'static str, &'static str)]| -> HeaderMap {
            pairs.iter().map(|(k, v)| (HeaderName::from_static(k), HeaderValue::from_static(v))).collect()
        };
        let ours = headers(&[("origin", "http://pi.local")]);
        let same_origin = |headers: &HeaderMap, host: &str, uri: &Uri| same_origin(headers, host, false, uri);
        assert!(same_origin(&ours, "pi.local", &api) && same_origin(&ours, "pi.local", &form));
        let over_tls = |origin| super::same_origin(&headers(&[("origin", origin)]), "pi.local", true, &form);
        assert!(over_tls("https://pi.local") && !over_tls("http://pi.local"));
        for origin in ["http://evil.example", "https://pi.local", "null", "http://pi.local:81"] {
            assert!(!same_origin(&headers(&[("origin", origin)]), "pi.local", &api), "{origin}");
        }
        let script = headers(&[("content-type", "application/json")]);
        assert!(same_origin(&script, "pi.local", &api) && !same_origin(&script, "pi.local", &form));
        assert!(!same_origin(&headers(&[("content-type", "text/plain")]), "pi.local", &api));
        let foreign = headers(&[("content-type", "application/json"), ("sec-fetch-site", "cross-site")]);
        assert!(!same_origin(&foreign, "pi.local", &api));
    }
}
