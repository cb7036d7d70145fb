//! The appliance itself: take off, switch off, the clock, all that stands in the way. Not on plain folders.

use super::answer::{Failure, admitted, body, json};
use super::app::App;
use super::guard::is_json;
use super::pages::{Instead, form, inside, render, see_other, sorry, word};
use super::words;
use crate::jobs::protocol::{Answer, Request};
use crate::jobs::state;
use crate::system::clock;
use crate::ui::JSON_SCHEMA;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;

type Shown = Result<Response, Instead>;

#[derive(Default, Deserialize)]
#[serde(default)]
struct Off {
    /// Empty for all.
    label: String,
}

#[derive(Deserialize)]
struct Time {
    seconds: i64,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Poweroff {
    stop_jobs: bool,
}

impl Off {
    fn request(self) -> Request {
        Request::Eject { label: Some(self.label).filter(|label| !label.is_empty()) }
    }
}

/// A check of `piback doctor`, as far as it is shown.
#[derive(Debug, Serialize, Deserialize)]
struct Check {
    line: String,
    level: String,
    found: String,
    #[serde(default)]
    remedy: Option<String>,
}

#[derive(Default, Serialize)]
struct Values {
    volumes: Vec<String>,
    clock: String,
    busy: bool,
    checks: Vec<Check>,
    checked: bool,
}

/// The state of an appliance; plain folders have no such page.
async fn state(app: &Arc<App>, look: bool) -> Result<state::State, Instead> {
    let state = app.state(look).await;
    let failed = |e| word(app, StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong", &format!("{e:#}"));
    let state = state.map_err(failed)?;
    if !state.appliance {
        return Err(StatusCode::NOT_FOUND.into_response().into());
    }
    Ok(state)
}

/// Lets nobody further on plain folders.
pub async fn is_one(app: &Arc<App>) -> Result<(), Instead> {
    state(app, false).await.map(|_| ())
}

async fn values(app: &Arc<App>) -> Result<Values, Instead> {
    let state = state(app, true).await?;
    let cards = state.cards.iter().filter(|card| card.present).map(|card| card.label.clone());
    let drives = state.drives.iter().filter(|drive| drive.present).map(|drive| drive.label.clone());
    Ok(Values {
        volumes: cards.chain(drives).collect(),
        clock: words::moment(&clock::today().to_string()),
        busy: state.jobs.iter().any(|job| !job.state.is_over()),
        ..Values::default()
    })
}

pub async fn page(State(app): State<Arc<App>>, headers: HeaderMap) -> Shown {
    inside(&app, &headers).await?;
    render(&app, "appliance.html", StatusCode::OK, &values(&app).await?)
}

pub async fn checks(State(app): State<Arc<App>>, headers: HeaderMap) -> Shown {
    inside(&app, &headers).await?;
    let mut values = values(&app).await?;
    match app.ask(Request::Doctor).await {
        Answer::Findings { checks } => {
            let all: Vec<Check> = serde_json::from_value(checks).unwrap_or_default();
            values.checks = all.into_iter().filter(|check| check.level != "good").collect();
            values.checked = true;
            render(&app, "appliance.html", StatusCode::OK, &values)
        }
        other => Err(sorry(&app, other).into()),
    }
}

pub async fn eject(State(app): State<Arc<App>>, headers: HeaderMap, content: Body) -> Shown {
    inside(&app, &headers).await?;
    let bytes = body(content).await.map_err(IntoResponse::into_response)?;
    let off: Off = form(&bytes).unwrap_or_default();
    let what = if off.label.is_empty() { words::ALL_VOLUMES.to_owned() } else { off.label.clone() };
    match app.ask(off.request()).await {
        Answer::Done => Ok(word(&app, StatusCode::OK, &words::may_be_unplugged(&what), words::AGAIN_IN)),
        other => Err(sorry(&app, other).into()),
    }
}

pub async fn set_time(State(app): State<Arc<App>>, headers: HeaderMap, content: Body) -> Shown {
    inside(&app, &headers).await?;
    let bytes = body(content).await.map_err(IntoResponse::into_response)?;
    let Some(Time { seconds }) = form(&bytes) else {
        return Err(word(&app, StatusCode::BAD_REQUEST, words::NO_TIME, words::NEEDS_SCRIPT).into());
    };
    match app.ask(Request::SetTime { seconds }).await {
        Answer::Done => Ok(see_other("/appliance")),
        other => Err(sorry(&app, other).into()),
    }
}

pub async fn ask_poweroff(State(app): State<Arc<App>>, headers: HeaderMap) -> Shown {
    inside(&app, &headers).await?;
    render(&app, "poweroff.html", StatusCode::OK, &values(&app).await?)
}

pub async fn poweroff(State(app): State<Arc<App>>, headers: HeaderMap, content: Body) -> Shown {
    inside(&app, &headers).await?;
    let bytes = body(content).await.map_err(IntoResponse::into_response)?;
    let Poweroff { stop_jobs } = form(&bytes).unwrap_or_default();
    match app.ask(Request::Poweroff { stop_jobs }).await {
        Answer::Done => Ok(word(&app, StatusCode::OK, words::SWITCHES_OFF, words::WHEN_OFF)),
        other => Err(sorry(&app, other).into()),
    }
}

#[derive(Serialize)]
struct Said {
    schema: u32,
    done: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    checks: Option<Value>,
}

pub fn said(answer: Answer) -> Result<Response, Failure> {
    let checks = match answer {
        Answer::Done => None,
        Answer::Findings { checks } => Some(checks),
        Answer::Refused(refusal) => return Err(refusal.into()),
        _ => return Err(Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "control gave another answer", "")),
    };
    Ok(json(StatusCode::OK, &Said { schema: JSON_SCHEMA, done: true, checks }))
}

/// A body of JSON from a browser that is let in, on an appliance.
pub async fn wish<T: for<'a> Deserialize<'a>>(
    app: &Arc<App>,
    headers: &HeaderMap,
    content: Body,
) -> Result<T, Failure> {
    is_here(app, headers).await?;
    if !headers.get(CONTENT_TYPE).is_some_and(is_json) {
        let hint = "set Content-Type: application/json";
        return Err(Failure::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "a body of JSON is wanted", hint));
    }
    let bytes = body(content).await?;
    let bad = |e| Failure::new(StatusCode::BAD_REQUEST, format!("this is not what is wanted: {e}"), "");
    serde_json::from_slice(&bytes).map_err(bad)
}

pub async fn is_here(app: &Arc<App>, headers: &HeaderMap) -> Result<(), Failure> {
    admitted(app, headers).await?;
    match app.state(false).await {
        Ok(state) if state.appliance => Ok(()),
        _ => Err(Failure::new(StatusCode::NOT_FOUND, "these are plain folders, and no appliance", "")),
    }
}

pub async fn api_checks(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Failure> {
    is_here(&app, &headers).await?;
    said(app.ask(Request::Doctor).await)
}

pub async fn api_eject(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    content: Body,
) -> Result<Response, Failure> {
    let off: Off = wish(&app, &headers, content).await?;
    said(app.ask(off.request()).await)
}

pub async fn api_set_time(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    content: Body,
) -> Result<Response, Failure> {
    let Time { seconds } = wish(&app, &headers, content).await?;
    said(app.ask(Request::SetTime { seconds }).await)
}

pub async fn api_poweroff(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    content: Body,
) -> Result<Response, Failure> {
    let Poweroff { stop_jobs } = wish(&app, &headers, content).await?;
    said(app.ask(Request::Poweroff { stop_jobs }).await)
}
