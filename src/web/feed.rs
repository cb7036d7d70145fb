//! A body that comes piece by piece from whoever holds the other end. The channel is short: who reads slowly slows the
//! writer down, and nothing piles up.

use axum::body::Body;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Pieces under way.
const PIECES: usize = 1;

struct Feed {
    pieces: Receiver<Bytes>,
    /// Bytes that are still to come, if that is known.
    left: Option<u64>,
}

/// Both ends. `length` is what will be sent in all, if that is known.
pub fn feed(length: Option<u64>) -> (Sender<Bytes>, Body) {
    let (sender, pieces) = channel(PIECES);
    (sender, Body::new(Feed { pieces, left: length }))
}

impl http_body::Body for Feed {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let piece = std::task::ready!(self.pieces.poll_recv(context));
        if let (Some(left), Some(piece)) = (&mut self.left, &piece) {
            *left = left.saturating_sub(piece.len() as u64);
        }
        Poll::Ready(piece.map(|piece| Ok(Frame::data(piece))))
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
