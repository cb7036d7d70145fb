//! Sends what is verified on a drive to one remote, and says of each file what is known of its copy there.

use super::account::{NotSent, Sent, Stopped, To};
use super::answers::{Abilities, Errors, Listed};
use super::batches::batches;
use super::item::{Item, Whole, own};
use super::look::{self, Found};
use super::place::{self, VARIANTS};
use super::record::{self, How, Known, Record};
use super::trouble::{self, Kind, Trouble};
use crate::backup::events::{Event, Tally, Watch};
use crate::backup::offers::{Content, Offer, Offers};
use crate::backup::reason::Reason;
use crate::system::clock;
use crate::ui::visible;
use anyhow::Context as _;
use std::collections::{HashMap, HashSet};

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
    let (asked, refusals) = (HashSet::new(), Errors::default());
    let mut sending = Sending { to, watch, offers, spares, record, abilities, there, asked, refusals, sent };
    sending.take_over(&all)?;
    sending.sent.stopped = sending.run(&all).err();
    Ok(sending.sent)
}

/// One run.
pub struct Sending<'a> {
    pub to: &'a To<'a>,
    pub watch: &'a dyn Watch,
    pub offers: Offers,
    /// More files of one content.
    pub spares: HashMap<Content, Vec<Offer>>,
    pub record: Record,
    pub abilities: Abilities,
    /// Everything that is there, by name; of what this run brings, the name alone.
    pub there: HashMap<String, Listed>,
    /// Names that were asked for once more, for this batch.
    pub asked: HashSet<String>,
    /// The errors of batches of which each file was refused.
    pub refusals: Errors,
    pub sent: Sent,
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
        for batch in batches(&todo, self.abilities.sum.is_some()) {
            if self.watch.stop_requested() {
                return Err(Stopped::Asked);
            }
            self.batch(batch)?;
        }
        let is_any_there = self.sent.verified.files + self.sent.size_only.files > 0;
        match self.refusals.lines() {
            refused if !is_any_there && !refused.is_empty() => {
                Err(self.stopped(trouble::nothing_arrived(refused)))
            }
            _ => Ok(()),
        }
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
        // A hash that the remote has no longer, or that is not its own, was none.
        let is_verified = match known.how {
            How::Hash => self.abilities.sum.is_some(),
            how => how.is_verified(),
        };
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
        let named = self.choose(read, &mut found, &mut items);
        // What was found, and what has arrived, is written down even if nothing more can go.
        let went = named.and_then(|()| self.upload_all(items, &mut found));
        self.write_down(found)?;
        went
    }

    /// Chooses names; what is there already goes to `found`.
    fn choose(
        &mut self,
        read: Vec<Whole<'a>>,
        found: &mut Vec<(&'a Offer, Known)>,
        items: &mut Vec<Item<'a>>,
    ) -> Result<(), Stopped> {
        for Whole { offer, place, sum } in read {
            let (name, known) = match self.name(offer, sum.as_deref())? {
                Ok(named) => named,
                // It can't be compared with what has its name: that is this one's trouble.
                Err(why) => {
                    self.bad(offer, why);
                    continue;
                }
            };
            match known {
                Some(how) => found.push((offer, self.known(name, sum, how))),
                None => {
                    self.there.insert(name.clone(), Listed::unknown(&name));
                    let plain = place::is_plain(&place) && name.as_bytes() == place;
                    items.push(Item { offer, place, sum, name, plain });
                }
            }
        }
        Ok(())
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
    fn name(
        &mut self,
        offer: &Offer,
        sum: Option<&str>,
    ) -> Result<Result<(String, Option<How>), String>, Stopped> {
        let own = own(offer);
        for k in 1..=VARIANTS {
            let name = place::variant(&own, k);
            self.look_closely(std::slice::from_ref(&name))?;
            let wanted = self.abilities.sum.zip(sum);
            match look::compare(self.there.get(&name), offer.content.size, wanted) {
                Found::Nothing => return Ok(Ok((name, None))),
                Found::Same(how) => return Ok(Ok((name, Some(how)))),
                Found::SameSize => match self.read_back(&name, offer)? {
                    Ok(Found::Same(how)) => return Ok(Ok((name, Some(how)))),
                    Ok(_) => {}
                    Err(why) => return Ok(Err(format!("what has its name there can't be fetched: {why}"))),
                },
                Found::Other => {}
            }
        }
        Ok(Ok((place::variant(&own, VARIANTS + 1), None)))
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

    /// Fetches a file and compares it; the reason where it is this file's alone that it can't be.
    pub fn read_back(&self, name: &str, offer: &Offer) -> Result<Result<Found, String>, Stopped> {
        let stop = || self.watch.stop_requested();
        match look::read_back(self.to.rclone, name, offer.content, &stop) {
            Ok(found) => Ok(Ok(found)),
            Err(trouble) if trouble.kind == Kind::Refused && !stop() => Ok(Err(trouble.what)),
            Err(trouble) => Err(self.stopped(trouble)),
        }
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

    pub fn known(&self, name: String, sum: Option<String>, how: How) -> Known {
        let sum = self.abilities.sum.zip(sum).map(|(kind, sum)| format!("{}:{sum}", kind.name()));
        Known { name, sum, how, at: clock::today().to_string() }
    }

    pub fn bad(&mut self, offer: &Offer, why: String) {
        let path = offer.shown();
        self.watch.event(Event::NotSafe { path: path.clone(), why: why.clone() });
        self.sent.bad.push(NotSent { path, bytes: offer.content.size, why });
    }

    pub fn stopped(&self, trouble: Trouble) -> Stopped {
        Stopped::of(trouble, self.watch.stop_requested())
    }
}
