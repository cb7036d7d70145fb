//! The pages for people: forms and links first, so that they work without a script.

use super::answer::{Failure, body};
use super::api::Asked;
use super::app::App;
use super::guard::base;
use super::qr::Qr;
use super::{photos, view, words};
use crate::jobs::door::GOOD_FOR;
use crate::jobs::job::Verb;
use crate::jobs::protocol::{Answer, Guest, Key, OnePhoto, Page, Picture, RefusalKind, Request, Wanted};
use crate::system::clock;
use anyhow::Context as _;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::header::{LOCATION, SET_COOKIE, USER_AGENT};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tera::Context;

/// Photos of the first page's last tile, and of a page without a script.
const LATEST: usize = 12;
const A_PAGE: usize = 120;
/// A year; browsers keep no cookie longer than some four hundred days.
const COOKIE_AGE: u32 = 31_536_000;

/// A page, or the reason that there is none.
type Shown = Result<Response, Instead>;

/// Something else that is shown in place of the page.
pub struct Instead(Box<Response>);

impl From<Response> for Instead {
    fn from(response: Response) -> Self {
        Instead(Box::new(response))
    }
}

impl IntoResponse for Instead {
    fn into_response(self) -> Response {
        *self.0
    }
}

/// A page of ours.
pub fn render<T: Serialize>(app: &App, name: &str, status: StatusCode, values: &T) -> Shown {
    let shown = || -> anyhow::Result<String> {
        let mut context = Context::from_serialize(values).context("values")?;
        context.insert("version", env!("CARGO_PKG_VERSION"));
        context.insert("tls", &app.secure);
        context.insert("host", app.names.get(1).map_or("", String::as_str));
        app.pages.render(name, &context).context("template")
    };
    match shown() {
        Ok(text) => Ok((status, Html(text)).into_response()),
        Err(e) => {
            // Only a fault of our own templates leads here.
            let text = format!("piback: this page can't be shown: {e:#}\n");
            Err((StatusCode::INTERNAL_SERVER_ERROR, text).into_response().into())
        }
    }
}

/// A sentence, and a way on.
pub fn word(app: &App, status: StatusCode, title: &str, text: &str) -> Response {
    #[derive(Serialize)]
    struct Word<'a> {
        title: &'a str,
        text: &'a str,
    }
    render(app, "word.html", status, &Word { title, text }).unwrap_or_else(Instead::into_response)
}

pub fn sorry(app: &App, answer: Answer) -> Response {
    match answer {
        Answer::Refused(refusal) => {
            let text = refusal.hints.join(". ");
            let status = Failure::from(refusal.clone()).into_response().status();
            word(app, status, &refusal.error, &text)
        }
        _ => word(app, StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong", ""),
    }
}

pub fn see_other(place: &str) -> Response {
    (StatusCode::SEE_OTHER, [(LOCATION, place)]).into_response()
}

/// The door, for whoever was not let in: nothing of the cards but whether something goes on.
async fn door(app: &Arc<App>, status: StatusCode, problem: &str) -> Response {
    #[derive(Serialize)]
    struct Door<'a> {
        busy: bool,
        problem: &'a str,
    }
    let busy = app.state(false).await.is_ok_and(|state| state.jobs.iter().any(|job| !job.state.is_over()));
    render(app, "door.html", status, &Door { busy, problem }).unwrap_or_else(Instead::into_response)
}

pub async fn inside(app: &Arc<App>, headers: &HeaderMap) -> Result<usize, Instead> {
    match app.session(headers).await {
        Some(at) => Ok(at),
        None => Err(door(app, StatusCode::OK, "").await.into()),
    }
}

#[derive(Serialize)]
struct Home {
    #[serde(flatten)]
    home: view::Home,
    latest: Vec<Thumb>,
    photos: usize,
    appliance: bool,
}

/// A photo in a grid.
#[derive(Serialize)]
struct Thumb {
    id: String,
    name: String,
    when: String,
    sort: String,
    /// The end of its name, for what is no plain photo.
    badge: String,
}

impl From<&Picture> for Thumb {
    fn from(picture: &Picture) -> Self {
        let end = picture.name.rsplit_once('.').map_or("", |(_, end)| end);
        Thumb {
            id: picture.id.clone(),
            name: picture.name.clone(),
            when: words::moment(&picture.time),
            sort: picture.sort.clone(),
            badge: if picture.sort == "photo" { String::new() } else { end.to_ascii_uppercase() },
        }
    }
}

async fn home_values(app: &Arc<App>, look: bool) -> Result<Home, Instead> {
    let sorry = |e: anyhow::Error| {
        word(app, StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong", &format!("{e:#}"))
    };
    let state = app.state(look).await.map_err(sorry)?;
    let latest = match app.ask(Request::Photos(Wanted { limit: LATEST, ..Wanted::default() })).await {
        Answer::Photos(page) => page,
        // Without a drive there are none to see.
        _ => Page::default(),
    };
    Ok(Home {
        home: view::home(&state, clock::today()),
        latest: latest.photos.iter().map(Thumb::from).collect(),
        photos: latest.total,
        appliance: state.appliance,
    })
}

pub async fn home(State(app): State<Arc<App>>, headers: HeaderMap) -> Shown {
    inside(&app, &headers).await?;
    render(&app, "home.html", StatusCode::OK, &home_values(&app, true).await?)
}

/// The tiles alone, for the page's script.
pub async fn tiles(State(app): State<Arc<App>>, headers: HeaderMap) -> Shown {
    if app.session(&headers).await.is_none() {
        return Err(StatusCode::UNAUTHORIZED.into_response().into());
    }
    render(&app, "tiles.html", StatusCode::OK, &home_values(&app, false).await?)
}

/// A browser's name, in short.
fn name(headers: &HeaderMap) -> &'static str {
    let agent = headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok()).unwrap_or_default();
    let kinds = ["iPad", "iPhone", "Android", "Macintosh", "Windows", "Linux"];
    kinds.into_iter().find(|kind| agent.contains(kind)).unwrap_or("A browser")
}

/// Gives a browser what it has to show from now on.
fn let_in(app: &App, secret: &str) -> Response {
    let cookie = app.cookie(secret, COOKIE_AGE);
    (StatusCode::SEE_OTHER, [(LOCATION, "/".to_owned()), (SET_COOKIE, cookie)]).into_response()
}

pub async fn pair_by_link(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Path(token): Path<String>,
) -> Response {
    if let Ok(secret) = app.enter(Key::Token(token), name(&headers)).await {
        return let_in(&app, &secret);
    }
    let text = "A link opens once, and for ten minutes. A browser that is let in already makes a new one under Devices.";
    word(&app, StatusCode::GONE, "This link opens nothing any more", text)
}

#[derive(Deserialize)]
struct Code {
    #[serde(default)]
    code: String,
}

pub async fn pair_by_code(State(app): State<Arc<App>>, headers: HeaderMap, content: Body) -> Response {
    let bytes = match body(content).await {
        Ok(bytes) => bytes,
        Err(failure) => return failure.into_response(),
    };
    let code = form::<Code>(&bytes).map(|form| form.code).unwrap_or_default();
    match app.enter(Key::Code(code), name(&headers)).await.map_err(|refusal| refusal.kind) {
        Ok(secret) => let_in(&app, &secret),
        Err(RefusalKind::Denied) => door(&app, StatusCode::FORBIDDEN, "That is not the code.").await,
        Err(RefusalKind::Busy) => {
            door(&app, StatusCode::TOO_MANY_REQUESTS, "Too many tries. Wait a minute.").await
        }
        Err(_) => word(&app, StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong", ""),
    }
}

#[derive(Deserialize)]
struct Wish {
    verb: Verb,
    label: String,
}

pub async fn start(State(app): State<Arc<App>>, headers: HeaderMap, content: Body) -> Shown {
    inside(&app, &headers).await?;
    let bytes = body(content).await.map_err(IntoResponse::into_response)?;
    let Some(wish) = form::<Wish>(&bytes) else {
        return Err(word(&app, StatusCode::BAD_REQUEST, "This is no job", "").into());
    };
    match app.ask(Request::Start { verb: wish.verb, label: wish.label, compare: false }).await {
        Answer::Job { .. } => Ok(see_other("/")),
        other => Err(sorry(&app, other).into()),
    }
}

pub async fn stop(State(app): State<Arc<App>>, headers: HeaderMap, Path(id): Path<String>) -> Shown {
    inside(&app, &headers).await?;
    match app.ask(Request::Cancel { id }).await {
        Answer::Job { .. } => Ok(see_other("/")),
        other => Err(sorry(&app, other).into()),
    }
}

pub async fn grid(State(app): State<Arc<App>>, headers: HeaderMap, Query(asked): Query<Asked>) -> Shown {
    inside(&app, &headers).await?;
    #[derive(Serialize)]
    struct Grid {
        page: Page,
        thumbs: Vec<Thumb>,
        days: Vec<(String, String, usize)>,
        label: String,
        day: String,
        run: String,
        /// The query that goes on to a photo and to another page.
        query: String,
        newer: Option<usize>,
        older: Option<usize>,
        total: String,
    }
    let all = Request::Photos(Wanted { limit: 1, ..Wanted::default() });
    let wanted = asked.wanted(A_PAGE);
    let days = match app.ask(all).await {
        Answer::Photos(page) => page,
        other => return Err(sorry(&app, other).into()),
    };
    let page = match app.ask(Request::Photos(wanted.clone())).await {
        Answer::Photos(page) => page,
        other => return Err(sorry(&app, other).into()),
    };
    let year = view::year(clock::today());
    let older = wanted.from + page.photos.len();
    let values = Grid {
        thumbs: page.photos.iter().map(Thumb::from).collect(),
        days: days.days.iter().map(|d| (d.day.clone(), words::day(&d.day, year), d.photos)).collect(),
        query: query(&wanted),
        newer: (wanted.from > 0).then(|| wanted.from.saturating_sub(A_PAGE)),
        older: (older < page.total && !page.photos.is_empty()).then_some(older),
        total: words::photos(page.total as u64),
        label: wanted.label.unwrap_or_default(),
        day: wanted.day.unwrap_or_default(),
        run: wanted.run.unwrap_or_default(),
        page: Page { labels: days.labels, photos: Vec::new(), days: Vec::new(), ..page },
    };
    render(&app, "grid.html", StatusCode::OK, &values)
}

pub async fn photo(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Shown {
    inside(&app, &headers).await?;
    #[derive(Serialize)]
    struct Photo {
        one: Box<OnePhoto>,
        facts: photos::Told,
        when: String,
        size: String,
        on: String,
        query: String,
    }
    let wanted = asked.wanted(1);
    match app.ask(Request::Photo { id: id.clone(), wanted: wanted.clone() }).await {
        Answer::Photo(one) => {
            let facts = photos::facts(&app, &id).await;
            let values = Photo {
                when: words::moment(facts.taken.as_deref().unwrap_or(&one.photo.time)),
                size: crate::ui::bytes(one.photo.bytes),
                on: words::on_drives(&one.on, one.of_drives),
                query: query(&wanted),
                facts,
                one,
            };
            render(&app, "photo.html", StatusCode::OK, &values)
        }
        other => Err(sorry(&app, other).into()),
    }
}

#[derive(Default, Serialize)]
struct Devices {
    sessions: Vec<(usize, String, String, bool)>,
    url: String,
    code: String,
    minutes: u64,
    side: i32,
    path: String,
}

async fn sessions(app: &Arc<App>, own: usize) -> Vec<(usize, String, String, bool)> {
    let told = |(at, guest): (usize, Guest)| (at, guest.name, words::moment(&guest.since), at == own);
    app.guests().await.into_iter().enumerate().map(told).collect()
}

pub async fn devices(State(app): State<Arc<App>>, headers: HeaderMap) -> Shown {
    let own = inside(&app, &headers).await?;
    let values = Devices { sessions: sessions(&app, own).await, ..Devices::default() };
    render(&app, "devices.html", StatusCode::OK, &values)
}

pub async fn invite(State(app): State<Arc<App>>, headers: HeaderMap) -> Shown {
    let own = inside(&app, &headers).await?;
    let Ok(invitation) = app.invite(&base(&app, &headers)).await else {
        return Err(word(&app, StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong", "").into());
    };
    let qr = Qr::new(&invitation.url);
    let values = Devices {
        sessions: sessions(&app, own).await,
        code: format!("{} {}", &invitation.code[..4], &invitation.code[4..]),
        minutes: GOOD_FOR.as_secs() / 60,
        side: qr.as_ref().map_or(0, Qr::side),
        path: qr.as_ref().map(Qr::path).unwrap_or_default(),
        url: invitation.url,
    };
    render(&app, "devices.html", StatusCode::OK, &values)
}

pub async fn forget(State(app): State<Arc<App>>, headers: HeaderMap, Path(at): Path<usize>) -> Shown {
    inside(&app, &headers).await?;
    app.ask(Request::Forget { at }).await;
    Ok(see_other("/devices"))
}

/// The wanted, as the rest of an address; empty for everything.
fn query(wanted: &Wanted) -> String {
    let pairs = [("label", &wanted.label), ("day", &wanted.day), ("run", &wanted.run)];
    let pair =
        |(name, value): (&str, &Option<String>)| Some(format!("{name}={}", escaped(value.as_deref()?)));
    let text = pairs.into_iter().filter_map(pair).collect::<Vec<_>>().join("&");
    if text.is_empty() { text } else { format!("?{text}") }
}

/// For an address: everything but letters, digits, and four marks (RFC 3986).
fn escaped(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// A form's fields.
pub fn form<T: for<'a> Deserialize<'a>>(bytes: &[u8]) -> Option<T> {
    // The query of an address is written like a form.
    let text = std::str::from_utf8(bytes).ok()?;
    let uri = format!("/?{}", text.trim()).parse().ok()?;
    Query::<T>::try_from_uri(&uri).ok().map(|Query(form)| form)
}
