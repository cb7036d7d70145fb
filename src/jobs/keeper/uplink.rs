//! The uplink: each request is `piback uplink`, run to its end; one at a time.

use super::{Inner, turn};
use crate::jobs::protocol::{Answer, Refusal, RefusalKind};
use crate::jobs::uplink::{Handed, Network, Uplink};
use serde_json::Value;
use std::time::Duration;

/// Whoever asks while another asks waits so long, and then is told to come again: each holds a thread.
const WAITS: Duration = Duration::from_secs(2);

impl Inner {
    pub(super) fn uplink(&self) -> Answer {
        self.alone(|| self.verb(&["uplink"]).map_or_else(Answer::Refused, as_uplink))
    }

    pub(super) fn networks(&self) -> Answer {
        let networks = |mut said: Value| match serde_json::from_value::<Vec<Network>>(said["networks"].take())
        {
            Ok(networks) => Answer::Networks { networks },
            Err(_) => no_answer(),
        };
        self.alone(|| self.verb(&["uplink", "scan"]).map_or_else(Answer::Refused, networks))
    }

    /// Joins a network. The passphrase is in the process's input, and in no argument.
    pub(super) fn join(&self, ssid: &str, passphrase: Option<&Handed>) -> Answer {
        self.alone(|| {
            let said = match passphrase {
                None => self.verb(&["uplink", "join", "--", ssid]),
                Some(passphrase) => {
                    let args = ["uplink", "join", "--passphrase-file", "/dev/stdin", "--", ssid];
                    Inner::answer_of("uplink join", self.runner.verb_with(&args, passphrase))
                }
            };
            said.map_or_else(Answer::Refused, as_uplink)
        })
    }

    pub(super) fn forget_network(&self, ssid: &str) -> Answer {
        let said = || self.verb(&["uplink", "forget", "--", ssid]);
        self.alone(|| said().map_or_else(Answer::Refused, |_| Answer::Done))
    }

    fn alone(&self, act: impl FnOnce() -> Answer) -> Answer {
        match turn(&self.uplink, WAITS) {
            Some(_turn) => act(),
            None => {
                let what = "somebody else asks for the uplink right now";
                Answer::refused(RefusalKind::Busy, what, "try again in a minute")
            }
        }
    }
}

fn as_uplink(said: Value) -> Answer {
    serde_json::from_value::<Uplink>(said)
        .map_or_else(|_| no_answer(), |uplink| Answer::Uplink(Box::new(uplink)))
}

fn no_answer() -> Answer {
    Answer::Refused(Refusal::new(RefusalKind::Failed, "piback uplink gave another answer", ""))
}
