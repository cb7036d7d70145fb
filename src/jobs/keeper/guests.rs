//! Who is let in to the page.

use super::Inner;
use crate::jobs::door::{Closed, Door};
use crate::jobs::protocol::{Answer, Guest, Key, RefusalKind};
use crate::jobs::store::Text;
use crate::system::{clock, random};
use std::sync::{MutexGuard, PoisonError};

/// Random bytes of an invitation, and of a browser's secret.
const INVITATION: usize = 80;
const SECRET: usize = 32;
/// Letters of a browser's name.
const NAME: usize = 60;

impl Inner {
    pub(super) fn door(&self) -> MutexGuard<'_, Door> {
        self.door.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn invite(&self) -> Answer {
        let Ok(random) = random::bytes(INVITATION) else { return no_random() };
        let mut door = self.door();
        let (token, code) = door.invite(clock::monotonic(), &random);
        self.keep_door(&door);
        Answer::Invited { token, code, page: self.page.clone() }
    }

    pub(super) fn enter(&self, key: &Key, name: &str) -> Answer {
        let Ok(random) = random::bytes(SECRET) else { return no_random() };
        let now = clock::monotonic();
        let mut door = self.door();
        let taken = match key {
            Key::Token(token) if door.take_token(now, token) => Ok(()),
            Key::Token(_) => Err(Closed::Wrong),
            Key::Code(code) => door.take_code(now, code),
        };
        let answer = match taken {
            Ok(()) => {
                let name = name.chars().filter(|c| !c.is_control()).take(NAME).collect();
                Answer::Entered { secret: door.let_in(&random, clock::today().to_string(), name) }
            }
            Err(Closed::Wrong) => Answer::refused(RefusalKind::Denied, "this opens nothing", ""),
            Err(Closed::Later) => Answer::refused(RefusalKind::Busy, "too many tries", "wait a minute"),
        };
        self.keep_door(&door);
        answer
    }

    pub(super) fn guests(&self) -> Answer {
        let guests = self.door().sessions();
        Answer::Guests {
            guests: guests.into_iter().map(|s| Guest { name: s.name, since: s.since }).collect(),
        }
    }

    pub(super) fn show_out(&self, at: usize) -> Answer {
        let mut door = self.door();
        door.forget(at);
        self.keep_door(&door);
        drop(door);
        self.changed();
        Answer::Done
    }

    fn keep_door(&self, door: &Door) {
        if let Some(store) = &self.store {
            let (guests, invitations) = door.texts();
            store.write(Text::Guests, &guests);
            store.write(Text::Invitations, &invitations);
        }
    }
}

fn no_random() -> Answer {
    Answer::refused(RefusalKind::Failed, "the kernel has no random numbers", "try again")
}
