//! The way of a batch: to its folder among what is on its way, looked at there, and to its final names.

use super::account::Stopped;
use super::answers::{Errors, Listed, LogLine};
use super::item::Item;
use super::look::{self, Found};
use super::place::ON_ITS_WAY;
use super::record::{How, Known};
use super::send::Sending;
use super::trouble::{self, Kind};
use crate::backup::events::Event;
use crate::backup::offers::Offer;
use crate::system::run::Tool;
use crate::system::stream::{self, Said};
use std::cell::Cell;
use std::collections::{BTreeMap, HashMap, HashSet};

impl<'a> Sending<'a> {
    /// Uploads; of names that some remotes take for one, one after the other.
    pub fn upload_all(
        &mut self,
        mut items: Vec<Item<'a>>,
        found: &mut Vec<(&'a Offer, Known)>,
    ) -> Result<(), Stopped> {
        while !items.is_empty() {
            let mut folded = HashSet::new();
            let (now, later): (Vec<_>, Vec<_>) =
                items.into_iter().partition(|item| folded.insert(item.name.to_lowercase()));
            items = later;
            let mut arrived = Vec::new();
            let went = self.upload(&now, &mut arrived);
            found.extend(arrived.into_iter().map(|(at, how)| {
                let item: &Item<'a> = &now[at];
                (item.offer, self.known(item.name.clone(), item.sum.clone(), how))
            }));
            went?;
        }
        Ok(())
    }

    /// Uploads, looks at what arrived, and gives it its final names. Says in `there` which are there, and how that is known,
    /// however it ends.
    fn upload(&mut self, items: &[Item<'a>], there: &mut Vec<(usize, How)>) -> Result<(), Stopped> {
        if items.is_empty() {
            return Ok(());
        }
        let staged = self.abilities.renames;
        let whole = if staged { self.whole_on_its_way(items)? } else { HashSet::new() };
        let mut errors = self.copy(items, &whole, staged)?;
        if staged {
            errors.extend(self.publish(items)?);
        }
        let names: Vec<&str> = items.iter().map(|item| item.name.as_str()).collect();
        let stop = || self.watch.stop_requested();
        let listed = look::list(self.to.rclone, None, &names, self.abilities.sum, &stop)
            .map_err(|t| self.stopped(t))?;
        let mut missing = Vec::new();
        for (at, item) in items.iter().enumerate() {
            let mut found = self.compare(&listed, &item.name, item);
            if found == Found::SameSize && self.to.read_back {
                // What can't be fetched has a size alone.
                found = self.read_back(&item.name, item.offer)?.unwrap_or(Found::SameSize);
            }
            match found {
                Found::Same(how) => there.push((at, how)),
                // Somebody else's of this length may be in its place.
                Found::SameSize if !errors.of(|line| item.is_about(line)).is_empty() => missing.push(item),
                Found::SameSize => there.push((at, How::Size)),
                Found::Other => self.bad(item.offer, "the remote has other bytes than were sent".into()),
                Found::Nothing => missing.push(item),
            }
        }
        let is_its_own = |item: &&Item<'_>| {
            let own = errors.of(|line| item.is_about(line));
            !own.is_empty() && trouble::of_log(&own).kind == Kind::Refused
        };
        if missing.len() > 1 && missing.len() == items.len() {
            if !missing.iter().all(is_its_own) {
                return Err(self.stopped(trouble::nothing_arrived(errors.lines())));
            }
            // Each for a reason of its own, it seems; a page in the remote's place says so as well.
            self.refusals.extend(errors.clone());
        }
        if errors.ended {
            return Err(self.stopped(trouble::of_log(errors.lines())));
        }
        // Where others arrived, the remote is there: it is this file that it does not take.
        let is_alone = missing.len() < items.len();
        missing.into_iter().try_for_each(|item| self.refused(item, &errors, is_alone))
    }

    /// A file did not arrive: ends the run where no other one would.
    fn refused(&mut self, item: &Item<'a>, errors: &Errors, is_alone: bool) -> Result<(), Stopped> {
        let own = trouble::of_log(&errors.of(|line| item.is_about(line)));
        let all = trouble::of_log(&errors.of(LogLine::is_of_all));
        match (own.kind, all.kind) {
            (_, Kind::Away | Kind::Wrong | Kind::Full) => Err(self.stopped(all)),
            (Kind::Away | Kind::Wrong | Kind::Full, _) if !is_alone => Err(self.stopped(own)),
            _ => {
                self.bad(item.offer, own.what);
                Ok(())
            }
        }
    }

    /// Names of what an earlier run brought on its way, whole by the remote's own hash: it has not to be sent again.
    fn whole_on_its_way(&self, items: &[Item<'a>]) -> Result<HashSet<String>, Stopped> {
        if self.abilities.sum.is_none() {
            return Ok(HashSet::new());
        }
        let names: Vec<&str> = items.iter().map(|item| item.name.as_str()).collect();
        let stop = || self.watch.stop_requested();
        let listed = look::list(self.to.rclone, Some(&self.way()), &names, self.abilities.sum, &stop)
            .map_err(|t| self.stopped(t))?;
        let is_whole = |item: &&Item<'_>| matches!(self.compare(&listed, &item.name, item), Found::Same(_));
        Ok(items.iter().filter(is_whole).map(|item| item.name.clone()).collect())
    }

    fn copy(&self, items: &[Item<'a>], whole: &HashSet<String>, staged: bool) -> Result<Errors, Stopped> {
        let way = self.way();
        let folder = staged.then_some(way.as_str());
        let items = || items.iter().filter(|item| !whole.contains(&item.name));
        let plain: Vec<&str> = items().filter(|item| item.plain).map(|item| item.name.as_str()).collect();
        let mut errors = Errors::default();
        if !plain.is_empty() {
            errors.extend(self.follow(&self.to.rclone.copy(folder, look::lines(&plain), !staged))?);
        }
        for item in items().filter(|item| !item.plain) {
            if !staged && self.is_taken(&item.name)? {
                errors.take(LogLine::about(
                    &item.name,
                    "somebody else's file came to be there in the meantime",
                ));
                continue;
            }
            let name = folder.map_or_else(|| item.name.clone(), |folder| format!("{folder}/{}", item.name));
            errors.extend(self.follow(&self.to.rclone.copy_one(&item.place, &name, !staged))?);
        }
        Ok(errors)
    }

    /// Looks, at the last moment, whether somebody has taken a name since: rclone would write over it.
    fn is_taken(&self, name: &str) -> Result<bool, Stopped> {
        let stop = || self.watch.stop_requested();
        let listed = look::list(self.to.rclone, None, &[name], None, &stop);
        Ok(!listed.map_err(|t| self.stopped(t))?.is_empty())
    }

    /// The folder of what this drive has on its way there.
    fn way(&self) -> String {
        format!("{ON_ITS_WAY}/{}", self.record.way())
    }

    /// Gives what has arrived whole its final names.
    fn publish(&self, items: &[Item<'a>]) -> Result<Errors, Stopped> {
        let names: Vec<&str> = items.iter().map(|item| item.name.as_str()).collect();
        let stop = || self.watch.stop_requested();
        let listed = look::list(self.to.rclone, Some(&self.way()), &names, self.abilities.sum, &stop)
            .map_err(|t| self.stopped(t))?;
        let whole = |item: &&Item<'_>| {
            matches!(self.compare(&listed, &item.name, item), Found::Same(_) | Found::SameSize)
        };
        // Each has a folder: rclone moves nothing to a folder from one within it.
        let mut folders = BTreeMap::<&str, Vec<&str>>::new();
        for (folder, rest) in items.iter().filter(whole).filter_map(|item| item.name.split_once('/')) {
            folders.entry(folder).or_default().push(rest);
        }
        let mut errors = Errors::default();
        for (folder, names) in folders {
            let from = format!("{}/{folder}", self.way());
            errors.extend(self.follow(&self.to.rclone.publish(&from, folder, look::lines(&names)))?);
        }
        Ok(errors)
    }

    /// Runs rclone, shows how far it is, and returns the errors that it told of. Whether anything arrived is looked at
    /// afterwards, whatever it says.
    fn follow(&self, tool: &Tool) -> Result<Errors, Stopped> {
        let mut before = 0;
        let over = Cell::new(false);
        let mut errors = Errors::default();
        let said = |said: Said<'_>| {
            let Said::Line(line) = said else { return };
            let line = errors.hear(line);
            // rclone would try each of the files for a quarter of a minute.
            over.set(over.get() || (line.stats.is_none() && trouble::is_for_all(&errors)));
            let Some(stats) = line.stats else { return };
            let bytes = stats.bytes.saturating_sub(before);
            before = before.max(stats.bytes);
            // What is shown is half of what was written and half of what was read back.
            self.watch.event(Event::Written { bytes });
            self.watch.event(Event::ReadBack { bytes });
        };
        stream::run(tool, said, || over.get() || self.watch.stop_requested())
            .map_err(|e| self.stopped(trouble::of_run(&e)))?;
        if self.watch.stop_requested() {
            return Err(Stopped::Asked);
        }
        errors.ended = over.get();
        Ok(errors)
    }

    fn compare(&self, listed: &HashMap<String, Listed>, name: &str, item: &Item<'_>) -> Found {
        look::compare(listed.get(name), item.offer.content.size, self.abilities.sum.zip(item.sum.as_deref()))
    }
}
