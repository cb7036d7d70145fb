//! Sends what is verified on a drive to one remote, and says of each file what is known of its copy there.

use super::account::{NotSent, Sent, Stopped, To};
use super::answers::{self, Abilities, Listed, LogLine};
use super::batches::batches;
use super::look::{self, Found};
use super::place::{self, ON_ITS_WAY, VARIANTS};
use super::record::{How, Known, Record};
use super::trouble::{self, Kind, Trouble};
use crate::backup::events::{Event, Tally, Watch};
use crate::backup::offers::{Offer, Offers};
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
    // One content goes once.
    let mut seen = HashSet::new();
    all.retain(|offer| seen.insert(offer.content));
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
    let mut sending = Sending { to, watch, offers, record, abilities, there, sent };
    sending.sent.stopped = sending.run(&all).err();
    Ok(sending.sent)
}

struct Sending<'a> {
    to: &'a To<'a>,
    watch: &'a dyn Watch,
    offers: Offers,
    record: Record,
    abilities: Abilities,
    /// Everything that is there, by name; of what this run brings, the name alone.
    there: HashMap<String, Listed>,
    sent: Sent,
}

/// A file on its way, and the name that it gets.
struct Item<'a> {
    offer: &'a Offer,
    sum: Option<String>,
    name: String,
    /// Its name there is its name on the drive, and can stand in a list.
    plain: bool,
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

    /// Looks for an offer among what is there, under the name that the record tells; what is there counts.
    fn is_there(&mut self, offer: &Offer) -> bool {
        let Some(known) = self.record.get(&offer.content) else { return false };
        let size = offer.content.size;
        let found = look::compare(self.there.get(&known.name), size, known.hash());
        let is_verified = known.how.is_verified();
        match found {
            Found::Same(_) => self.sent.verified.add(size),
            Found::SameSize if is_verified => {
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
        let own: Vec<String> = read.iter().map(|(offer, _)| place::own(&offer.place())).collect();
        self.look_closely(&own)?;
        for (offer, sum) in read {
            let (name, known) = self.name(offer, sum.as_deref())?;
            match known {
                Some(how) => found.push((offer, self.known(name, sum, how))),
                None => {
                    self.there.insert(name.clone(), Listed::unknown(&name));
                    let plain = place::is_plain(&offer.place()) && name.as_bytes() == offer.place();
                    items.push(Item { offer, sum, name, plain });
                }
            }
        }
        // What was found is written down even if nothing more can go.
        let arrived = self.upload(&items);
        if let Ok(arrived) = &arrived {
            found.extend(arrived.iter().map(|(at, how)| {
                let item = &items[*at];
                (item.offer, self.known(item.name.clone(), item.sum.clone(), *how))
            }));
        }
        self.write_down(found)?;
        arrived.map(|_| ())
    }

    /// Reads a batch from the drive's medium; what is not as recorded does not go.
    fn read(&mut self, batch: &[&'a Offer]) -> Result<Vec<(&'a Offer, Option<String>)>, Stopped> {
        let mut good = Vec::new();
        for offer in batch {
            match self.offers.sum(offer, self.abilities.sum) {
                Ok(sum) => good.push((*offer, sum)),
                Err(Reason::NotReached(stop)) => return Err(Stopped::Drive(stop.describe().to_owned())),
                Err(reason) => self.bad(offer, format!("on the drive: {}", reason.describe())),
            }
        }
        Ok(good)
    }

    /// The name that an offer gets there, or the one under which its content is there already.
    fn name(&mut self, offer: &Offer, sum: Option<&str>) -> Result<(String, Option<How>), Stopped> {
        let own = place::own(&offer.place());
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

    /// Asks for the hashes of what is there under these names, as far as the remote has some and they are not known.
    fn look_closely(&mut self, names: &[String]) -> Result<(), Stopped> {
        let Some(sum) = self.abilities.sum else { return Ok(()) };
        let is_asked = |listed: &Listed| listed.size >= 0 && !listed.hashes.contains_key(sum.name());
        let unknown: Vec<&str> = names
            .iter()
            .filter(|name| self.there.get(*name).is_some_and(is_asked))
            .map(String::as_str)
            .collect();
        let stop = || self.watch.stop_requested();
        let listed =
            look::list(self.to.rclone, None, &unknown, Some(sum), &stop).map_err(|t| self.stopped(t))?;
        self.there.extend(listed);
        Ok(())
    }

    fn read_back(&self, name: &str, offer: &Offer) -> Result<Found, Stopped> {
        let stop = || self.watch.stop_requested();
        look::read_back(self.to.rclone, name, offer.content, &stop).map_err(|t| self.stopped(t))
    }

    /// Uploads, looks at what arrived, and gives it its final names. Returns which are there, and how that is known.
    fn upload(&mut self, items: &[Item<'a>]) -> Result<Vec<(usize, How)>, Stopped> {
        if items.is_empty() {
            return Ok(Vec::new());
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
        let (mut there, mut missing) = (Vec::new(), Vec::new());
        for (at, item) in items.iter().enumerate() {
            let mut found = self.compare(&listed, &item.name, item);
            if found == Found::SameSize && self.to.read_back {
                found = self.read_back(&item.name, item.offer)?;
            }
            match found {
                Found::Same(how) => there.push((at, how)),
                Found::SameSize => there.push((at, How::Size)),
                Found::Other => self.bad(item.offer, "the remote has other bytes than were sent".into()),
                Found::Nothing => missing.push(item),
            }
        }
        if missing.len() > 1 && missing.len() == items.len() {
            return Err(self.stopped(trouble::nothing_arrived(&errors)));
        }
        missing.into_iter().try_for_each(|item| self.refused(item, &errors))?;
        Ok(there)
    }

    /// A file did not arrive: ends the run where no other one would.
    fn refused(&mut self, item: &Item<'a>, errors: &[LogLine]) -> Result<(), Stopped> {
        let own: Vec<LogLine> = errors.iter().filter(|line| item.is_about(line)).cloned().collect();
        let trouble = trouble::of_log(if own.is_empty() { errors } else { &own });
        match trouble.kind {
            Kind::Refused => {
                self.bad(item.offer, trouble.what);
                Ok(())
            }
            Kind::Away | Kind::Wrong | Kind::Full => Err(self.stopped(trouble)),
        }
    }

    fn copy(&self, items: &[Item<'a>], staged: bool) -> Result<Vec<LogLine>, Stopped> {
        let folder = staged.then_some(ON_ITS_WAY);
        let plain: Vec<&str> =
            items.iter().filter(|item| item.plain).map(|item| item.name.as_str()).collect();
        let mut errors = Vec::new();
        if !plain.is_empty() {
            errors.extend(self.follow(&self.to.rclone.copy(folder, look::lines(&plain), !staged))?);
        }
        for item in items.iter().filter(|item| !item.plain) {
            let name = folder.map_or_else(|| item.name.clone(), |folder| format!("{folder}/{}", item.name));
            errors.extend(self.follow(&self.to.rclone.copy_one(&item.offer.place(), &name, !staged))?);
        }
        Ok(errors)
    }

    /// Gives what has arrived whole its final names.
    fn publish(&self, items: &[Item<'a>]) -> Result<Vec<LogLine>, Stopped> {
        let names: Vec<&str> = items.iter().map(|item| item.name.as_str()).collect();
        let stop = || self.watch.stop_requested();
        let listed = look::list(self.to.rclone, Some(ON_ITS_WAY), &names, self.abilities.sum, &stop)
            .map_err(|t| self.stopped(t))?;
        let whole = |item: &&Item<'_>| {
            matches!(self.compare(&listed, &item.name, item), Found::Same(_) | Found::SameSize)
        };
        let whole: Vec<&Item<'_>> = items.iter().filter(whole).collect();
        let mut errors = Vec::new();
        let (mut folders, mut single) = (BTreeMap::<&str, Vec<&str>>::new(), Vec::new());
        for item in whole {
            match item.name.split_once('/').filter(|_| item.plain) {
                Some((folder, rest)) => folders.entry(folder).or_default().push(rest),
                None => single.push(item.name.as_str()),
            }
        }
        // rclone moves nothing to a folder from one within it.
        for (folder, names) in folders {
            let from = format!("{ON_ITS_WAY}/{folder}");
            errors.extend(self.follow(&self.to.rclone.publish(&from, folder, look::lines(&names)))?);
        }
        for name in single {
            errors.extend(self.follow(&self.to.rclone.publish_one(&format!("{ON_ITS_WAY}/{name}"), name))?);
        }
        Ok(errors)
    }

    /// Runs rclone, shows how far it is, and returns the errors that it told of. Whether anything arrived is looked at
    /// afterwards, whatever it says.
    fn follow(&self, tool: &Tool) -> Result<Vec<LogLine>, Stopped> {
        let mut before = 0;
        let over = Cell::new(false);
        let said = |said: Said<'_>| {
            let Said::Line(line) = said else { return };
            // rclone would try each of the files for a quarter of a minute.
            over.set(over.get() || trouble::is_for_all(line));
            let Some(stats) = answers::log_line(line).stats else { return };
            let bytes = stats.bytes.saturating_sub(before);
            before = before.max(stats.bytes);
            // What is shown is half of what was written and half of what was read back.
            self.watch.event(Event::Written { bytes });
            self.watch.event(Event::ReadBack { bytes });
        };
        let output = stream::run(tool, said, || over.get() || self.watch.stop_requested())
            .map_err(|e| self.stopped(trouble::of_run(&e)))?;
        if self.watch.stop_requested() {
            return Err(Stopped::Asked);
        }
        Ok(answers::errors(&output.stderr))
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

impl Item<'_> {
    fn is_about(&self, line: &LogLine) -> bool {
        !line.object.is_empty()
            && (line.object == self.name || self.name.ends_with(&format!("/{}", line.object)))
    }
}
