//! The uplink: where the internet comes from, whether it is there, and a hotel's Wi-Fi by a second radio. On an appliance.

use super::answer::{Failure, body, json};
use super::app::App;
use super::appliance::{said, wish};
use super::pages::{Instead, form, inside, render, see_other, sorry, word};
use super::{appliance, words, words_uplink};
use crate::jobs::protocol::{Answer, Request};
use crate::jobs::uplink::{Handed, Network, Uplink};
use crate::ui::JSON_SCHEMA;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

type Shown = Result<Response, Instead>;

/// A network to join; an empty passphrase is none.
#[derive(Deserialize)]
struct Join {
    ssid: String,
    #[serde(default)]
    passphrase: Option<Handed>,
}

#[derive(Deserialize)]
struct Named {
    ssid: String,
}

impl Join {
    fn request(self) -> Request {
        let passphrase = self.passphrase.filter(|text| !text.expose().is_empty());
        Request::Join { ssid: self.ssid, passphrase }
    }
}

/// The page's content.
#[derive(Debug, Default, Serialize)]
struct Values {
    tone: &'static str,
    mark: &'static str,
    title: String,
    text: String,
    /// The sign-in page, where it is an address that a browser opens.
    sign_in: Option<String>,
    ways: Vec<Row>,
    no_way: &'static str,
    radio: Option<String>,
    no_radio: String,
    hints: Vec<String>,
    /// Networks that can be heard, once they were asked for.
    networks: Vec<Row>,
    heard: bool,
    no_network: &'static str,
    /// Names of networks that were joined and are not among those.
    known: Vec<String>,
}

/// An uplink, or a network.
#[derive(Debug, Default, Serialize)]
struct Row {
    name: String,
    line: String,
    /// In use, or joined.
    now: bool,
    known: bool,
    open: bool,
    /// It asks for a user's own name and password.
    own: bool,
}

fn values(uplink: Uplink, networks: Option<Vec<Network>>) -> Values {
    let (title, text) = words_uplink::internet(&uplink);
    let (tone, mark) = match uplink.internet.as_str() {
        "yes" => ("good", "✓"),
        "sign-in needed" => ("warn", "!"),
        "no" => ("bad", "✗"),
        _ => ("calm", ""),
    };
    let is_address = |page: &String| page.starts_with("http://") || page.starts_with("https://");
    let is_heard = |name: &String| networks.iter().flatten().any(|network| network.ssid == *name);
    let known = uplink.known.iter().filter(|name| !is_heard(name)).cloned().collect();
    let way = |way| Row {
        name: words::sentence(words_uplink::kind(way)),
        line: words_uplink::way(way),
        now: way.in_use,
        ..Row::default()
    };
    Values {
        tone,
        mark,
        title,
        text,
        ways: uplink.ways.iter().map(way).collect(),
        no_way: words_uplink::NO_WAY,
        radio: uplink.radio,
        // It begins with the radio's name.
        no_radio: uplink.no_radio.unwrap_or_default(),
        hints: uplink.no_radio_hints.iter().map(|hint| words::sentence(hint)).collect(),
        sign_in: uplink.sign_in.filter(is_address),
        heard: networks.is_some(),
        networks: networks.iter().flatten().map(network).collect(),
        no_network: words_uplink::NOTHING_HEARD,
        known,
    }
}

fn network(network: &Network) -> Row {
    Row {
        name: network.ssid.clone(),
        line: words_uplink::network(network),
        now: network.joined,
        known: network.known,
        open: network.security.is_empty(),
        own: network.security.contains("802.1X"),
    }
}

async fn look(app: &Arc<App>, headers: &HeaderMap) -> Result<Uplink, Instead> {
    inside(app, headers).await?;
    appliance::is_one(app).await?;
    match app.ask(Request::Uplink).await {
        Answer::Uplink(uplink) => Ok(*uplink),
        other => Err(sorry(app, other).into()),
    }
}

pub async fn page(State(app): State<Arc<App>>, headers: HeaderMap) -> Shown {
    let uplink = look(&app, &headers).await?;
    render(&app, "uplink.html", StatusCode::OK, &values(uplink, None))
}

pub async fn networks(State(app): State<Arc<App>>, headers: HeaderMap) -> Shown {
    let uplink = look(&app, &headers).await?;
    match app.ask(Request::Networks).await {
        Answer::Networks { networks } => {
            render(&app, "uplink.html", StatusCode::OK, &values(uplink, Some(networks)))
        }
        other => Err(sorry(&app, other).into()),
    }
}

/// Asks for a change that a form wishes, and shows the uplink as it is then.
async fn change<T: for<'a> Deserialize<'a>>(
    app: &Arc<App>,
    headers: &HeaderMap,
    content: Body,
    request: impl FnOnce(T) -> Request,
) -> Shown {
    inside(app, headers).await?;
    appliance::is_one(app).await?;
    let bytes = body(content).await.map_err(IntoResponse::into_response)?;
    let Some(wish) = form::<T>(&bytes) else {
        return Err(word(app, StatusCode::BAD_REQUEST, words_uplink::NO_NETWORK, "").into());
    };
    match app.ask(request(wish)).await {
        Answer::Uplink(_) | Answer::Done => Ok(see_other("/uplink")),
        other => Err(sorry(app, other).into()),
    }
}

pub async fn join(State(app): State<Arc<App>>, headers: HeaderMap, content: Body) -> Shown {
    change(&app, &headers, content, Join::request).await
}

pub async fn forget(State(app): State<Arc<App>>, headers: HeaderMap, content: Body) -> Shown {
    change(&app, &headers, content, |Named { ssid }| Request::ForgetNetwork { ssid }).await
}

#[derive(Serialize)]
struct Whole<T: Serialize> {
    schema: u32,
    #[serde(flatten)]
    told: T,
}

#[derive(Serialize)]
struct Networks {
    networks: Vec<Network>,
}

fn told(answer: Answer) -> Result<Response, Failure> {
    match answer {
        Answer::Uplink(told) => Ok(json(StatusCode::OK, &Whole { schema: JSON_SCHEMA, told: *told })),
        Answer::Networks { networks } => {
            Ok(json(StatusCode::OK, &Whole { schema: JSON_SCHEMA, told: Networks { networks } }))
        }
        other => said(other),
    }
}

pub async fn api_look(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Failure> {
    appliance::is_here(&app, &headers).await?;
    told(app.ask(Request::Uplink).await)
}

pub async fn api_networks(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Failure> {
    appliance::is_here(&app, &headers).await?;
    told(app.ask(Request::Networks).await)
}

pub async fn api_join(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    content: Body,
) -> Result<Response, Failure> {
    let join: Join = wish(&app, &headers, content).await?;
    told(app.ask(join.request()).await)
}

pub async fn api_forget(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    content: Body,
) -> Result<Response, Failure> {
    let Named { ssid } = wish(&app, &headers, content).await?;
    told(app.ask(Request::ForgetNetwork { ssid }).await)
}
