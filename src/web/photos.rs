//! Previews: byte ranges of the file on the drive, as they are. Only what the locator takes for a picture or a film is
//! sent, and only as one.

use super::answer::{Failure, admitted};
use super::app::App;
use super::feed::feed;
use crate::photo::{self, Facts, Media, Photo, Preview, Source};
use crate::system::volume::InFile;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG,
    IF_NONE_MATCH, RANGE,
};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use serde::Serialize;
use std::ops::Range;
use std::sync::Arc;

/// Read at once.
const PIECE: usize = 64 * 1024;
/// A whole photo larger than this is none for a tile.
const LARGEST_TILE: u64 = 12 * 1024 * 1024;

struct OnDrive(InFile);

impl Source for OnDrive {
    fn size(&self) -> u64 {
        self.0.opened().size
    }

    fn read_at(&mut self, offset: u64, space: &mut [u8]) -> usize {
        // What can't be read is not there.
        self.0.read_at(space, offset).unwrap_or(0)
    }
}

/// Facts that a photo's file tells.
#[derive(Debug, Default, Serialize)]
pub struct Told {
    pub taken: Option<String>,
    pub shutter: Option<String>,
    pub aperture: Option<String>,
    pub iso: Option<u32>,
    pub camera: Option<String>,
    /// The media type of the large preview; none where there is no preview.
    pub media: Option<&'static str>,
}

impl Told {
    fn new(photo: &Photo) -> Self {
        let Facts { taken, exposure, aperture, iso, camera, .. } = photo.facts.clone();
        Told {
            taken,
            shutter: exposure.map(photo::Ratio::shutter),
            aperture: aperture.map(photo::Ratio::aperture),
            iso,
            camera: camera.map(|name| crate::ui::visible(&name)),
            media: photo.large.as_ref().map(|large| large.media.mime()),
        }
    }
}

/// Opens a photo and looks where its previews lie, on a thread that may wait for the drive.
async fn located(app: &Arc<App>, id: &str) -> Option<(String, InFile, Photo)> {
    let _turn = app.opening.acquire().await.ok()?;
    let (app, id) = (Arc::clone(app), id.to_owned());
    let located = tokio::task::spawn_blocking(move || {
        let (picture, file) = app.control.open(&id)?;
        let mut source = OnDrive(file);
        let photo = photo::locate(&mut source)?;
        Some((picture.hash, source.0, photo))
    });
    located.await.ok().flatten()
}

/// Facts that the file tells; nothing where it can't be read.
pub async fn facts(app: &Arc<App>, id: &str) -> Told {
    located(app, id).await.map(|(_, _, photo)| Told::new(&photo)).unwrap_or_default()
}

pub async fn small(
    State(app): State<Arc<App>>,
    method: Method,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    send(app, method, headers, id, "small").await
}

pub async fn large(
    State(app): State<Arc<App>>,
    method: Method,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<Response, Failure> {
    send(app, method, headers, id, "large").await
}

async fn send(
    app: Arc<App>,
    method: Method,
    headers: HeaderMap,
    id: String,
    which: &str,
) -> Result<Response, Failure> {
    admitted(&app, &headers).await?;
    let none = || Failure::new(StatusCode::NOT_FOUND, "there is no preview", "");
    let (hash, file, photo) = located(&app, &id).await.ok_or_else(none)?;
    let is_picture = |p: &Preview| matches!(p.media, Media::Jpeg | Media::Heic) && p.length() <= LARGEST_TILE;
    let preview = match which {
        "small" => photo.small.or(photo.large.filter(is_picture)),
        _ => photo.large,
    };
    let preview = preview.ok_or_else(none)?;
    let tag = format!("\"{hash}-{which}\"");
    let fixed = [
        (ETAG, tag.clone()),
        // The id names a record, and a record one content.
        (CACHE_CONTROL, "private, max-age=31536000, immutable".to_owned()),
        (CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox; frame-ancestors 'none'".to_owned()),
        (ACCEPT_RANGES, "bytes".to_owned()),
    ];
    if headers.get(IF_NONE_MATCH).is_some_and(|known| known.as_bytes() == tag.as_bytes()) {
        return Ok((StatusCode::NOT_MODIFIED, fixed).into_response());
    }
    let all = preview.length();
    let asked = headers.get(RANGE).and_then(|range| range.to_str().ok());
    let (status, part) = match asked.map(|text| range(text, all)) {
        None | Some(Asked::All) => (StatusCode::OK, 0..all),
        Some(Asked::Part(part)) => (StatusCode::PARTIAL_CONTENT, part),
        Some(Asked::Beyond) => {
            let beyond = [(CONTENT_RANGE, format!("bytes */{all}"))];
            return Ok((StatusCode::RANGE_NOT_SATISFIABLE, fixed, beyond).into_response());
        }
    };
    let length = part.end - part.start;
    let mut response = (status, fixed).into_response();
    let told = response.headers_mut();
    told.insert(CONTENT_TYPE, axum::http::HeaderValue::from_static(preview.media.mime()));
    told.insert(CONTENT_LENGTH, length.into());
    if status == StatusCode::PARTIAL_CONTENT
        && let Ok(value) = format!("bytes {}-{}/{all}", part.start, part.end - 1).parse()
    {
        told.insert(CONTENT_RANGE, value);
    }
    if method != Method::HEAD {
        *response.body_mut() = stream(file, &preview, part);
    }
    Ok(response)
}

/// The answer to a Range header.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    /// None, several, or nothing that makes sense: all of it, as RFC 9110 allows.
    All,
    Part(Range<u64>),
    Beyond,
}

fn range(text: &str, all: u64) -> Asked {
    let Some((first, last)) = text.trim().strip_prefix("bytes=").and_then(|r| r.split_once('-')) else {
        return Asked::All;
    };
    let part = match (first.trim().parse::<u64>(), last.trim().parse::<u64>()) {
        (Ok(first), Ok(last)) if first <= last => first..last.saturating_add(1).min(all),
        (Ok(first), Err(_)) if last.trim().is_empty() => first..all,
        (Err(_), Ok(last)) if first.trim().is_empty() => all.saturating_sub(last)..all,
        _ => return Asked::All,
    };
    if part.start < part.end { Asked::Part(part) } else { Asked::Beyond }
}

/// A part of what is shown: the head that tells the orientation, where there is one, and the file behind it.
fn stream(mut file: InFile, preview: &Preview, part: Range<u64>) -> Body {
    let head = preview.head().unwrap_or_default();
    // Where the file's bytes begin among those that are sent, and in the file.
    let behind = head.len() as u64;
    let in_file = preview.range.start + if head.is_empty() { 0 } else { 2 };
    let (sender, body) = feed(Some(part.end - part.start));
    tokio::spawn(async move {
        let mut at = part.start;
        if at < behind {
            let end = part.end.min(behind);
            let piece = Bytes::copy_from_slice(&head[at as usize..end as usize]);
            if sender.send(piece).await.is_err() {
                return;
            }
            at = end;
        }
        while at < part.end {
            let want = (part.end - at).min(PIECE as u64) as usize;
            let offset = in_file + (at - behind);
            let read = tokio::task::spawn_blocking(move || {
                let mut piece = vec![0; want];
                let count = file.read_at(&mut piece, offset).unwrap_or(0);
                piece.truncate(count);
                (file, piece)
            });
            let Ok((again, piece)) = read.await else { return };
            file = again;
            at += piece.len() as u64;
            // Shorter than its length told: the connection breaks, and the browser knows that it is not all.
            if piece.is_empty() || sender.send(Bytes::from(piece)).await.is_err() {
                return;
            }
        }
    });
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_a_part_all_or_beyond() {
        assert_eq!(range("bytes=0-9", 100), Asked::Part(0..10));
        assert_eq!(range("bytes=90-", 100), Asked::Part(90..100));
        assert_eq!(range("bytes=-10", 100), Asked::Part(90..100));
        assert_eq!(range("bytes=-1000", 100), Asked::Part(0..100));
        assert_eq!(range("bytes=50-1000", 100), Asked::Part(50..100));
        assert_eq!(range("bytes=100-", 100), Asked::Beyond);
        assert_eq!(range("bytes=0-18446744073709551615", 100), Asked::Part(0..100));
        for odd in ["", "bytes=", "bytes=a-b", "bytes=9-1", "bytes=0-1,5-6", "lines=0-1", "bytes=--1"] {
            assert_eq!(range(odd, 100), Asked::All, "{odd}");
        }
    }
}
