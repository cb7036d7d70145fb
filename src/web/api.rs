//! The API for scripts, and for the page's own script: docs/api/openapi.yaml.

use super::answer::{Failure, admitted, body, json};
use super::app::App;
use super::guard::{base, is_json};
use super::photos;
use crate::jobs::job::{Job, Verb};
use crate::jobs::protocol::{Answer, OnePhoto, Page, Request, Wanted};
use crate::ui::{JSON_SCHEMA, visible};
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::header::{CONTENT_TYPE, LOCATION, SET_COOKIE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

pub async fn state(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Failure> {
    admitted(&app, &headers).await?;
    let state = app.state(true).await;
    let failed = |e| Failure::new(StatusCode::INTERNAL_SERVER_ERROR, format!("{e:#}"), "");
    Ok(json(StatusCode::OK, &state.map_err(failed)?))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wish {
    verb: Verb,
    label: String,
}

#[derive(Serialize)]
struct OneJob<'a> {
    schema: u32,
    #[serde(flatten)]
    job: &'a Job,
}

fn one_job(status: StatusCode, job: &Job) -> Response {
    let mut response = json(status, &OneJob { schema: JSON_SCHEMA, job });
    if let Ok(place) = format!("/api/v1/jobs/{}", job.id).parse() {
        response.headers_mut().insert(LOCATION, place);
    }
    response
}

pub async fn start(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    content: Body,
) -> Result<Response, Failure> {
    admitted(&app, &headers).await?;
    if !headers.get(CONTENT_TYPE).is_some_and(is_json) {
        return Err(Failure::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "a job is asked for in JSON",
            "Content-Type: application/json",
        ));
    }
    let wish: Wish = serde_json::from_slice(&body(content).await?).map_err(|e| {
        let hint = r#"{"verb":"backup","label":"SD32GB-03"}; verbs are backup, verify, safe-to-format"#;
        Failure::new(StatusCode::BAD_REQUEST, visible(&format!("this is no job: {e}")), hint)
    })?;
    match app.ask(Request::Start { verb: wish.verb, label: wish.label, compare: false }).await {
        Answer::Job { job, new } => Ok(one_job(if new { StatusCode::CREATED } else { StatusCode::OK }, &job)),
        other => Err(refusal(other)),
    }
}

pub async fn job(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    admitted(&app, &headers).await?;
    match app.ask(Request::Job { id }).await {
        Answer::Job { job, .. } => Ok(one_job(StatusCode::OK, &job)),
        other => Err(refusal(other)),
    }
}

pub async fn cancel(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    admitted(&app, &headers).await?;
    match app.ask(Request::Cancel { id }).await {
        Answer::Job { job, .. } if job.state.is_over() => Ok(one_job(StatusCode::OK, &job)),
        Answer::Job { job, .. } => Ok(one_job(StatusCode::ACCEPTED, &job)),
        other => Err(refusal(other)),
    }
}

/// Photos of a page of the API, where none is asked for.
const PAGE: usize = 100;

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    pub label: Option<String>,
    pub day: Option<String>,
    pub run: Option<String>,
    pub from: usize,
    pub limit: Option<usize>,
}

impl Asked {
    pub fn wanted(self, limit: usize) -> Wanted {
        let some = |text: Option<String>| text.filter(|text| !text.is_empty());
        Wanted {
            label: some(self.label),
            day: some(self.day),
            run: some(self.run),
            from: self.from,
            limit: self.limit.unwrap_or(limit),
        }
    }
}

pub async fn photos(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    asked: Query<Asked>,
) -> Result<Response, Failure> {
    admitted(&app, &headers).await?;
    #[derive(Serialize)]
    struct Whole<'a> {
        schema: u32,
        #[serde(flatten)]
        page: &'a Page,
    }
    match app.ask(Request::Photos(asked.0.wanted(PAGE))).await {
        Answer::Photos(page) => Ok(json(StatusCode::OK, &Whole { schema: JSON_SCHEMA, page: &page })),
        other => Err(refusal(other)),
    }
}

pub async fn photo(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Path(id): Path<String>,
    asked: Query<Asked>,
) -> Result<Response, Failure> {
    admitted(&app, &headers).await?;
    #[derive(Serialize)]
    struct Whole<'a> {
        schema: u32,
        #[serde(flatten)]
        one: &'a OnePhoto,
        facts: photos::Told,
    }
    match app.ask(Request::Photo { id: id.clone(), wanted: asked.0.wanted(1) }).await {
        Answer::Photo(one) => {
            let facts = photos::facts(&app, &id).await;
            Ok(json(StatusCode::OK, &Whole { schema: JSON_SCHEMA, one: &one, facts }))
        }
        other => Err(refusal(other)),
    }
}

pub async fn invite(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Failure> {
    admitted(&app, &headers).await?;
    #[derive(Serialize)]
    struct Invited {
        schema: u32,
        pair_url: String,
        code: String,
        seconds: u64,
    }
    let failed = |e| Failure::new(StatusCode::INTERNAL_SERVER_ERROR, format!("{e:#}"), "");
    let invitation = app.invite(&base(&app, &headers)).await.map_err(failed)?;
    let (pair_url, code) = (invitation.url, invitation.code);
    let seconds = crate::jobs::door::GOOD_FOR.as_secs();
    Ok(json(StatusCode::CREATED, &Invited { schema: JSON_SCHEMA, pair_url, code, seconds }))
}

pub async fn leave(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Failure> {
    let at = admitted(&app, &headers).await?;
    app.ask(Request::Forget { at }).await;
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, app.cookie("", 0))]).into_response())
}

fn refusal(answer: Answer) -> Failure {
    match answer {
        Answer::Refused(refusal) => refusal.into(),
        _ => Failure::new(StatusCode::INTERNAL_SERVER_ERROR, "control gave another answer", ""),
    }
}
