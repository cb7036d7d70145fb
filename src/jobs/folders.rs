//! Jobs on plain folders: no root, no profile, no device.

use super::health::{self, Facts};
use super::job::{Job, Verb};
use super::keeper::{Keeper, Manner};
use super::places::{Place, Places, World};
use super::runner::{Order, Runner, Stop, Told};
use super::uplink::Handed;
use crate::backup::label::Label;
use crate::system::child;
use serde_json::Value;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// A folder and the label that it goes by: its name.
#[derive(Debug, Clone)]
pub struct Named {
    pub label: Label,
    pub path: PathBuf,
}

/// Keeps the jobs of folders that stand for cards and drives. `allow_same` lets card and drive be one file system, to try
/// things out.
#[must_use]
pub fn keeper(cards: Vec<Named>, drives: Vec<Named>, allow_same: bool) -> Keeper {
    let place = |named: Named| Place { label: named.label.to_string(), path: Some(named.path), kname: None };
    let world = World {
        cards: cards.into_iter().map(place).collect(),
        drives: drives.into_iter().map(place).collect(),
    };
    Keeper::new(
        Box::new(Folders(world)),
        Box::new(Children { allow_same }),
        None,
        Manner { allow_same, ..Manner::default() },
    )
}

struct Folders(World);

impl Places for Folders {
    fn world(&self) -> World {
        self.0.clone()
    }
}

/// Jobs as processes of their own, which print what they say.
struct Children {
    allow_same: bool,
}

impl Runner for Children {
    fn start(&self, job: &Job, order: &Order, world: &World, told: Told) -> io::Result<Stop> {
        let child = child::start(&self.arguments(job, order, world), told.line, told.end)?;
        Ok(Arc::new(move || child.interrupt()))
    }

    fn again(&self, _: &str, _: Told) -> Option<Stop> {
        None
    }

    fn forget(&self, _: &str) {}

    fn verb(&self, _: &[&str]) -> io::Result<Value> {
        Err(io::Error::other("these are plain folders"))
    }

    fn verb_with(&self, args: &[&str], _: &Handed) -> io::Result<Value> {
        self.verb(args)
    }

    fn health(&self, world: &World) -> io::Result<Facts> {
        Ok(health::of_folders(world))
    }
}

impl Children {
    fn arguments(&self, job: &Job, order: &Order, world: &World) -> Vec<OsString> {
        let mut args: Vec<OsString> =
            vec![job.verb.as_str().into(), job.label.clone().into(), "--json".into()];
        let card = world.card(&job.label).filter(|_| job.verb != Verb::Verify);
        if let Some(path) = card.and_then(|card| card.path.clone()) {
            args.extend(["--source".into(), path.into()]);
        }
        for path in world.drives.iter().filter_map(|drive| drive.path.clone()) {
            args.extend(["--dest".into(), path.into()]);
        }
        if self.allow_same && job.verb == Verb::SafeToFormat {
            args.push("--allow-same-filesystem".into());
        }
        if order.compare && job.verb == Verb::Backup {
            args.push("--compare".into());
        }
        args
    }
}
