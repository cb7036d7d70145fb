//! Sends what is verified on a drive to one remote, and says of each file what is known of its copy there.

use super::account::{NotSent, Sent, Stopped, To};
use super::answers::{Abilities, Errors, Listed, LogLine};
use super::batches::batches;
use super::item::{Item, Whole, own};
use super::look::{self, Found};
use super::place::{self, ON_ITS_WAY, VARIANTS};
use super::record::{self, How, Known, Record};
use super::trouble::{self, Kind, Trouble};
use crate::backup::events::{Event, Tally, Watch};
use crate::backup::offers::{Content, Offer, Offers};
use crate::backup::reason::Reason;
use crate::system::clock;
use crate::system::run::Tool;
use crate::system::stream::{self, Said};
use crate::ui::visible;
use anyhow::Context as _;
use std::cell::Cell;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Sends what is on the drive and not there yet.
///
/// # Errors
/// When the drive or its records can't be read, or take no record of what went. What goes wrong with the remote is in the
/// result.
pub fn send(to: &To<'_>, watch: &dyn Watch) -> anyhow::Result<Sent> {
    let drive = &to.rclone.drive;
    let offers = Offers::open(drive)?;
    let mut all = offers.list();
    // One content goes once; another file of it stands in where one is damaged.
    let (mut seen, mut spares) = (HashSet::new(), HashMap::<Content, Vec<Offer>>::new());
    all.retain(|offer| {
        let is_first = seen.insert(offer.content);
        if !is_first {
            spares.entry(offer.content).or_default().push(offer.clone());
        }
        is_first
    });
    all.sort_by(|a, b| {
        let newest = b.mtime.cmp(&a.mtime);
        (if to.oldest_first { newest.reverse() } else { newest }).then_with(|| a.place().cmp(&b.place()))
    });
    let mut sent = Sent::default();
    all.iter().for_each(|offer| sent.all.add(offer.content.size));
    let record = Record::open(drive, to.name, &to.rclone.to, &clock::today().to_string())
        .with_context(|| format!("{}: the record of what was sent", visible(&drive.to_string_lossy())))?;
    let stop = || watch.stop_requested();
    let looked = look::abilities(to.rclone, &stop).and_then(|abilities| {
        let sum = abilities.sum.filter(|_| to.compare || !abilities.slow);
        Ok((abilities, look::everything(to.rclone, sum, &stop)?))
    });
    let (abilities, there) = match looked {
        Ok(looked) => looked,
        Err(trouble) => {
            sent.stopped = Some(Stopped::of(trouble, stop()));
            return Ok(sent);
        }
    };
    let asked = HashSet::new();
    let mut sending = Sending { to, watch, offers, spares, record, abilities, there, asked, sent };
    sending.take_over(&all)?;
    sending.sent.stopped = sending.run(&all).err();
    Ok(sending.sent)
}

struct Sending<'a> {
    to: &'a To<'a>,
    watch: &'a dyn Watch,
    offers: Offers,
    /// More files of one content.
    spares: HashMap<Content, Vec<Offer>>,
    record: Record,
    abilities: Abilities,
    /// Everything that is there, by name; of what this run brings, the name alone.
    there: HashMap<String, Listed>,
    /// Names that were asked for once more, for this batch.
    asked: HashSet<String>,
    sent: Sent,
}

impl<'a> Sending<'a> {
    fn run(&mut self, all: &'a [Offer]) -> Result<(), Stopped> {
        let todo: Vec<&Offer> = all.iter().filter(|offer| !self.is_there(offer)).collect();
        let mut goal = Tally::default();
        todo.iter().for_each(|offer| goal.add(offer.content.size));
        self.watch.event(Event::Scanned(self.sent.all));
        let safe = Tally {
            files: self.sent.all.files - goal.files,
            bytes: self.sent.all.bytes.saturating_sub(goal.bytes),
        };
        self.watch.event(Event::Planned { safe, copy: goal, free: 0, short: 0 });
        for batch in batches(&todo) {
            if self.watch.stop_requested() {
                return Err(Stopped::Asked);
            }
            self.batch(batch)?;
        }
        Ok(())
    }

    /// Takes over what other drives' records know of what this one has too: else all of it would be fetched, or sent again.
    fn take_over(&mut self, all: &[Offer]) -> anyhow::Result<()> {
        let mut new: Vec<(&Offer, Known)> = Vec::new();
        for sibling in &self.to.siblings {
            // A drive whose record can't be read knows nothing.
            let known = record::known(sibling, self.to.name, &self.to.rclone.to).unwrap_or_default();
            let theirs = all.iter().filter(|offer| self.record.get(&offer.content).is_none());
            new.extend(theirs.filter_map(|offer| Some((offer, known.get(&offer.content)?.clone()))));
        }
        if new.is_empty() { Ok(()) } else { self.record.add(new).context("the record of what was sent") }
    }

    /// Looks for an offer among what is there, under the name that the record tells; what is there counts.
    fn is_there(&mut self, offer: &Offer) -> bool {
        let Some(known) = self.record.get(&offer.content) else { return false };
        let size = offer.content.size;
        let found = look::compare(self.there.get(&known.name), size, known.hash());
        let is_verified = known.how.is_verified();
        match found {
            Found::Same(_) => self.sent.verified.add(size),
            // What can be compared by fetching it alone is fetched again where that is asked for.
            Found::SameSize if is_verified && !(self.to.read_back && self.to.compare) => {
                self.sent.verified.add(size);
                self.sent.earlier.add(size);
            }
            Found::SameSize if !self.to.read_back => self.sent.size_only.add(size),
            _ => return false,
        }
        true
    }

    fn batch(&mut self, batch: &[&'a Offer]) -> Result<(), Stopped> {
        let mut found: Vec<(&'a Offer, Known)> = Vec::new();
        let mut items = Vec::new();
        let read = self.read(batch)?;
        self.asked.clear();
        let own: Vec<String> = read.iter().map(|whole| own(whole.offer)).collect();
        self.look_closely(&own)?;
        for Whole { offer, place, sum } in read {
            let (name, known) = self.name(offer, sum.as_deref())?;
            match known {
                Some(how) => found.push((offer, self.known(name, sum, how))),
                None => {
                    self.there.insert(name.clone(), Listed::unknown(&name));
                    let plain = place::is_plain(&place) && name.as_bytes() == place;
                    items.push(Item { offer, place, sum, name, plain });
                }
            }
        }
        // What was found, and what has arrived, is written down even if nothing more can go.
        let mut arrived = Vec::new();
        let went = self.upload(&items, &mut arrived);
        found.extend(arrived.into_iter().map(|(at, how)| {
            let item: &Item<'a> = &items[at];
            (item.offer, self.known(item.name.clone(), item.sum.clone(), how))
        }));
        self.write_down(found)?;
        went
    }

    /// Reads a batch from the drive's medium; what is not as recorded does not go.
    fn read(&mut self, batch: &[&'a Offer]) -> Result<Vec<Whole<'a>>, Stopped> {
        let mut good = Vec::new();
        for offer in batch {
            let (mut place, mut read) = (offer.place(), self.offers.sum(offer, self.abilities.sum));
            for spare in self.spares.get(&offer.content).into_iter().flatten() {
                if matches!(read, Ok(_) | Err(Reason::NotReached(_))) {
                    break;
                }
                if let Ok(sum) = self.offers.sum(spare, self.abilities.sum) {
                    (place, read) = (spare.place(), Ok(sum));
                }
            }
            match read {
                Ok(sum) => good.push(Whole { offer, place, sum }),
                Err(Reason::NotReached(stop)) => return Err(Stopped::Drive(stop.describe().to_owned())),
                Err(reason) => self.bad(offer, format!("on the drive: {}", reason.describe())),
            }
        }
        Ok(good)
    }

    /// The name that an offer gets there, or the one under which its content is there already.
    fn name(&mut self, offer: &Offer, sum: Option<&str>) -> Result<(String, Option<How>), Stopped> {
        let own = own(offer);
        for k in 1..=VARIANTS {
            let name = place::variant(&own, k);
            self.look_closely(std::slice::from_ref(&name))?;
            let wanted = self.abilities.sum.zip(sum);
            match look::compare(self.there.get(&name), offer.content.size, wanted) {
                Found::Nothing => return Ok((name, None)),
                Found::Same(how) => return Ok((name, Some(how))),
                Found::SameSize => {
                    if let Found::Same(how) = self.read_back(&name, offer)? {
                        return Ok((name, Some(how)));
                    }
                }
                Found::Other => {}
            }
        }
        Ok((place::variant(&own, VARIANTS + 1), None))
    }

    /// Asks again for what is not known of these names: a hash, as far as the remote has some; and whether those that were not
    /// listed are there by now, or under another spelling that the remote takes for the same.
    fn look_closely(&mut self, names: &[String]) -> Result<(), Stopped> {
        let sum = self.abilities.sum;
        let lacks = |listed: &Listed| {
            sum.is_some_and(|sum| listed.size >= 0 && !listed.hashes.contains_key(sum.name()))
        };
        let is_new = |name: &&String| !self.asked.contains(*name) && self.there.get(*name).is_none_or(lacks);
        let unknown: Vec<&str> = names.iter().filter(is_new).map(String::as_str).collect();
        let stop = || self.watch.stop_requested();
        let listed = look::list(self.to.rclone, None, &unknown, sum, &stop).map_err(|t| self.stopped(t))?;
        self.asked.extend(unknown.iter().map(|name| (*name).to_owned()));
        self.there.extend(listed);
        Ok(())
    }

    fn read_back(&self, name: &str, offer: &Offer) -> Result<Found, Stopped> {
        let stop = || self.watch.stop_requested();
        look::read_back(self.to.rclone, name, offer.content, &stop).map_err(|t| self.stopped(t))
    }

    /// Uploads, looks at what arrived, and gives it its final names. Says in `there` which are there, and how that is known,
    /// however it ends.
    fn upload(&mut self, items: &[Item<'a>], there: &mut Vec<(usize, How)>) -> Result<(), Stopped> {
        if items.is_empty() {
            return Ok(());
        }
        let staged = self.abilities.renames;
        let mut errors = self.copy(items, staged)?;
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
                found = self.read_back(&item.name, item.offer)?;
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
        if missing.len() > 1 && missing.len() == items.len() {
            return Err(self.stopped(trouble::nothing_arrived(errors.lines())));
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
            (Kind::Wrong | Kind::Full, _) => Err(self.stopped(own)),
            (Kind::Away, _) if !is_alone => Err(self.stopped(own)),
            (Kind::Refused | Kind::Away, _) => {
                self.bad(item.offer, own.what);
                Ok(())
            }
        }
    }

    fn copy(&self, items: &[Item<'a>], staged: bool) -> Result<Errors, Stopped> {
        let way = self.way();
        let folder = staged.then_some(way.as_str());
        let plain: Vec<&str> =
            items.iter().filter(|item| item.plain).map(|item| item.name.as_str()).collect();
        let mut errors = Errors::default();
        if !plain.is_empty() {
            errors.extend(self.follow(&self.to.rclone.copy(folder, look::lines(&plain), !staged))?);
        }
        for item in items.iter().filter(|item| !item.plain) {
            if !staged && self.is_taken(&item.name)? {
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

    fn write_down(&mut self, found: Vec<(&'a Offer, Known)>) -> Result<(), Stopped> {
        let mut done = Tally::default();
        for (offer, known) in &found {
            match known.how.is_verified() {
                true => self.sent.verified.add(offer.content.size),
                false => self.sent.size_only.add(offer.content.size),
            }
            self.sent.new.add(offer.content.size);
            done.add(offer.content.size);
        }
        if found.is_empty() {
            return Ok(());
        }
        self.record
            .add(found)
            .map_err(|e| Stopped::Drive(format!("the drive takes no record of what was sent: {e}")))?;
        self.watch.event(Event::Verified(done));
        Ok(())
    }

    fn known(&self, name: String, sum: Option<String>, how: How) -> Known {
        let sum = self.abilities.sum.zip(sum).map(|(kind, sum)| format!("{}:{sum}", kind.name()));
        Known { name, sum, how, at: clock::today().to_string() }
    }

    fn bad(&mut self, offer: &Offer, why: String) {
        let path = offer.shown();
        self.watch.event(Event::NotSafe { path: path.clone(), why: why.clone() });
        self.sent.bad.push(NotSent { path, bytes: offer.content.size, why });
    }

    fn stopped(&self, trouble: Trouble) -> Stopped {
        Stopped::of(trouble, self.watch.stop_requested())
    }
}
