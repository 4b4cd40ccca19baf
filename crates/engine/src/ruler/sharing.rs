//! Rules over a source, shared out to the nodes of one database: each group is a shard, which one node at a time holds by a lease
//! of its own and evaluates with the very same code. What it decided goes through the inbox to the one writer ([`crate::inbox`]);
//! what it recorded goes to every node; what it remembers stands in the shard, under the shard's fence. ADR 13 says why.
//!
//! Everything here happens in one task, in order, so that what was posted and what is known of the journal can be compared.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use kernel::nodes::{Held, Node, Nodes, Part, Posted, Shard};
use kernel::port::StoreFailure;
use kernel::{Actor, Book, Digest};
use promql::{Labels, Point, Value};
use tokio::time::MissedTickBehavior;

use super::group::{Group, Remembered, Said};
use super::view::GroupView;
use super::watching::Watching;
use super::{OUTCOMES_AT_ONCE, Ruler, Running, is_shared};
use crate::inbox;

/// How often what groups decided is posted.
const POST_EVERY: Duration = Duration::from_millis(100);
/// How often it is looked who is there and who should hold what, and how often leases of shards are renewed.
const SHARE_EVERY: Duration = Duration::from_millis(500);
/// How long the lease of a shard lasts: five renewals may fail before another node takes it.
const SHARD_LEASE: Duration = Duration::from_secs(3);
/// The most letters of a shard that wait for the writer; the group is not evaluated further until there is room.
const LETTERS_MAX: u32 = 64;
/// How often a node tells readers how its groups are.
const REPORT_EVERY: Duration = Duration::from_secs(5);
/// For how long recorded samples are there for a node that starts.
const RECORDED_FOR: Duration = Duration::from_secs(600);
/// The most samples in one piece of what was recorded.
const SAMPLES_AT_ONCE: usize = 20_000;
/// The most such pieces that are read at once; the rest is read with the next look.
const PIECES_AT_ONCE: u32 = 200;
/// After how many failed looks in a row the log says so again.
const SAID_EVERY: u32 = 100;

/// The shards of this node.
#[derive(Default)]
pub(super) struct Shares {
    /// Those that it holds, by key, with their fence.
    held: BTreeMap<String, u64>,
    /// Those of them that are not evaluated yet.
    taken: BTreeMap<String, Shard>,
    /// Letters on their way, as they were first tried.
    posting: BTreeMap<String, Posting>,
    /// Up to where what others recorded was read, by shard.
    read: BTreeMap<String, i64>,
    looked: Option<Instant>,
    reported: Option<Instant>,
}

/// A letter that may be in the inbox already: it is tried again as it was.
#[derive(Clone)]
struct Posting {
    number: u64,
    bytes: Vec<u8>,
    piece: Vec<Said>,
}

impl Shares {
    fn held(&self) -> Vec<Held> {
        self.held.iter().map(|(key, fence)| (key.clone(), *fence)).collect()
    }

    /// The fence of a shard that is evaluated here.
    pub(super) fn fence(&self, key: &str) -> Option<u64> {
        self.held.get(key).copied().filter(|_| !self.taken.contains_key(key))
    }

    fn forget(&mut self, keys: &BTreeSet<String>) {
        self.held.retain(|key, _| !keys.contains(key));
        self.taken.retain(|key, _| !keys.contains(key));
        self.posting.retain(|key, _| !keys.contains(key));
    }
}

impl Ruler {
    /// What nodes agree on, where rules over a source are shared out.
    pub(super) fn sharing(&self) -> Option<&dyn Nodes> {
        self.asker.as_ref()?;
        self.engine.vault().nodes()
    }

    /// How many groups over a source this node evaluates by a lease.
    #[must_use]
    pub fn shards_held(&self) -> usize {
        self.shares.lock().held.len()
    }

    /// Shares until the engine stops, and keeps then what its groups remember.
    pub(super) fn share_on(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.share_always())
    }

    async fn share_always(&self) {
        let Some(nodes) = self.sharing() else { return };
        let mut ticks = tokio::time::interval(POST_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut failures: u32 = 0;
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = self.engine.stopped() => break,
            }
            match self.share(nodes).await {
                Ok(()) => failures = 0,
                Err(failure) => {
                    if failures.is_multiple_of(SAID_EVERY) {
                        tracing::warn!(%failure, "rules over a source could not be shared with other nodes");
                    }
                    failures = failures.saturating_add(1);
                }
            }
        }
        let all = self.shares.lock().held.keys().cloned().collect();
        if let Err(failure) = self.keep_all(nodes, &all).await {
            tracing::warn!(%failure, "what rules over a source remembered last is not kept");
        }
    }

    async fn share(&self, nodes: &dyn Nodes) -> Result<(), StoreFailure> {
        self.post(nodes).await?;
        {
            let mut shares = self.shares.lock();
            if shares.looked.is_some_and(|looked| looked.elapsed() < SHARE_EVERY) {
                return Ok(());
            }
            shares.looked = Some(Instant::now());
        }
        self.renew(nodes).await?;
        let book = self.engine.book();
        let wanted = wanted(&book, &nodes.present().await?, &self.engine.shared.holder);
        self.give_back(nodes, &wanted).await?;
        self.take(nodes, &wanted).await?;
        // In this order: what is not in the inbox any more is in the journal, and what is there is known after this.
        let keys: Vec<String> = self.shares.lock().held.keys().cloned().collect();
        let waiting: BTreeSet<String> = nodes.waiting(&keys).await?.into_iter().collect();
        self.engine.catch_up().await?;
        self.begin_taken(&book, &waiting).await?;
        self.heed_dismissals_of(&waiting)?;
        self.read_recorded(nodes).await?;
        self.report(nodes).await
    }

    /// Keeps the leases, and lets go of the groups that another node has.
    async fn renew(&self, nodes: &dyn Nodes) -> Result<(), StoreFailure> {
        let held = self.shares.lock().held();
        if held.is_empty() {
            return Ok(());
        }
        let ours = nodes.renew_shards(&self.engine.shared.holder, &held, SHARD_LEASE).await?;
        let lost: BTreeSet<String> = held.into_iter().map(|(key, _)| key).filter(|key| !ours.contains(key)).collect();
        if !lost.is_empty() {
            tracing::warn!(?lost, "another node evaluates these rules now");
            self.let_go(&lost);
        }
        Ok(())
    }

    fn let_go(&self, keys: &BTreeSet<String>) {
        let mut running = self.running.lock();
        running.groups.retain(|group| group.shard.is_none() || !keys.contains(&group.key()));
        self.watch_again(&mut running);
        self.shares.lock().forget(keys);
    }

    /// Watches by the places that groups have now.
    fn watch_again(&self, running: &mut Running) {
        running.watching = Watching::of(&running.groups, &running.watching, &*self.series);
    }

    /// Gives back what another node should evaluate. What is being asked or not yet posted is given back later.
    async fn give_back(&self, nodes: &dyn Nodes, wanted: &BTreeSet<String>) -> Result<(), StoreFailure> {
        let surplus: BTreeSet<String> = {
            let running = self.running.lock();
            let shares = self.shares.lock();
            let is_free = |key: &String| match running.groups.iter().find(|group| group.key() == *key) {
                Some(group) => !wanted.contains(key) && !group.is_busy() && !shares.posting.contains_key(key),
                // One that left the watchbook for a moment is taken anew.
                None => !wanted.contains(key) || !shares.taken.contains_key(key),
            };
            shares.held.keys().filter(|key| is_free(key)).cloned().collect()
        };
        if surplus.is_empty() {
            return Ok(());
        }
        self.keep_all(nodes, &surplus).await?;
        let held: Vec<Held> = self.shares.lock().held().into_iter().filter(|(key, _)| surplus.contains(key)).collect();
        self.let_go(&surplus);
        nodes.release_shards(&held).await
    }

    /// Keeps what groups remember, of those that have said everything.
    async fn keep_all(&self, nodes: &dyn Nodes, keys: &BTreeSet<String>) -> Result<(), StoreFailure> {
        let kept: Vec<(Held, Part, Vec<u8>)> = {
            let running = self.running.lock();
            let groups = running.groups.iter().filter(|group| keys.contains(&group.key()));
            let parts = |group: &Group| {
                let kept = group.remembered().into_iter().zip(std::iter::repeat(group.shard));
                kept.filter_map(|((key, part, bytes), fence)| Some(((key, fence?), part, bytes))).collect::<Vec<_>>()
            };
            groups.flat_map(parts).collect()
        };
        for (held, part, bytes) in kept {
            nodes.keep_shard(&held, part, &bytes).await?;
        }
        Ok(())
    }

    async fn take(&self, nodes: &dyn Nodes, wanted: &BTreeSet<String>) -> Result<(), StoreFailure> {
        let missing: Vec<String> = {
            let shares = self.shares.lock();
            wanted.iter().filter(|key| !shares.held.contains_key(*key)).cloned().collect()
        };
        if missing.is_empty() {
            return Ok(());
        }
        let taken = nodes.take_shards(&self.engine.shared.holder, &missing, SHARD_LEASE).await?;
        let mut shares = self.shares.lock();
        for shard in taken {
            shares.held.insert(shard.key.clone(), shard.fence);
            shares.taken.insert(shard.key.clone(), shard);
        }
        Ok(())
    }

    /// Begins to evaluate what was taken, once the writer has heard everything that was decided before.
    async fn begin_taken(&self, book: &Arc<Book>, waiting: &BTreeSet<String>) -> Result<(), StoreFailure> {
        let taken: Vec<Shard> =
            self.shares.lock().taken.values().filter(|shard| !waiting.contains(&shard.key)).cloned().collect();
        for shard in taken {
            let Some(mut made) = group_of(book, &shard.key) else { continue };
            made.shard = Some(shard.fence);
            let state = match made.recall(shard.state.as_deref(), shard.learnt.as_deref()) {
                Some(state) => Remembered::Kept(state),
                // It was kept before rules were shared out.
                None => self.take_over(&made, book).await.map_err(failed)?,
            };
            let (raised, now) = (self.raised(&made).map_err(failed)?, self.engine.now());
            made.begin(state, &raised, &|rule| is_shared(book, rule), now);
            let mut running = self.running.lock();
            if running.book != Some(book.digest) {
                // It changed meanwhile: the next look begins with the new one.
                return Ok(());
            }
            running.groups.retain(|group| group.key() != shard.key);
            running.groups.push(made);
            self.watch_again(&mut running);
            self.shares.lock().taken.remove(&shard.key);
        }
        Ok(())
    }

    /// Lets go of what people have dismissed, where all that was decided is in the journal and known here.
    fn heed_dismissals_of(&self, waiting: &BTreeSet<String>) -> Result<(), StoreFailure> {
        let now = self.engine.now();
        let heed = self.engine.read(&Actor::system("signals"), crate::Read::of("signals:read"), |world| {
            let is_raised =
                |rule: &kernel::RuleName, identity: &kernel::Labels| world.signals.signal(rule, identity).is_some();
            let mut running = self.running.lock();
            let shares = self.shares.lock();
            let is_heard = |key: &String| !waiting.contains(key) && !shares.posting.contains_key(key);
            let heard = running.groups.iter_mut().filter(|group| group.shard.is_some() && is_heard(&group.key()));
            heard.for_each(|group| group.heed_dismissals(&is_raised, now));
        });
        heed.map_err(failed)
    }

    /// Posts what groups decided, a letter for each.
    async fn post(&self, nodes: &dyn Nodes) -> Result<(), StoreFailure> {
        for (held, posting) in self.next_letters()? {
            let posted = nodes.post(&held, posting.number, &posting.bytes, LETTERS_MAX).await?;
            match posted {
                Posted::Full => continue,
                Posted::Lost => self.let_go(&BTreeSet::from([held.0])),
                Posted::Done => {
                    let mut running = self.running.lock();
                    running.groups.iter_mut().for_each(|group| group.forget_said(&posting.piece));
                    self.shares.lock().posting.remove(&held.0);
                }
            }
        }
        Ok(())
    }

    fn next_letters(&self) -> Result<Vec<(Held, Posting)>, StoreFailure> {
        let running = self.running.lock();
        let mut shares = self.shares.lock();
        let mut letters = Vec::new();
        for group in &running.groups {
            let Some(fence) = group.shard else { continue };
            let key = group.key();
            if !shares.posting.contains_key(&key) {
                let piece: Vec<Said> = group.unsaid().take(OUTCOMES_AT_ONCE).collect();
                let Some(last) = piece.last() else { continue };
                let number = last.number;
                let outcomes = piece.iter().map(|said| said.outcome.clone()).collect();
                let bytes = inbox::write(&outcomes)?;
                shares.posting.insert(key.clone(), Posting { number, bytes, piece });
            }
            letters.extend(shares.posting.get(&key).map(|posting| ((key, fence), posting.clone())));
        }
        Ok(letters)
    }

    /// Leaves what a group recorded for the other nodes.
    pub(super) async fn pass_on(&self, held: Held, samples: Vec<(Labels, Point)>) {
        let Some(nodes) = self.sharing() else { return };
        for piece in samples.chunks(SAMPLES_AT_ONCE) {
            let passed = match write(piece) {
                Ok(bytes) => nodes.record(&held, &bytes, RECORDED_FOR).await,
                Err(failure) => Err(failure),
            };
            match passed {
                Ok(true) => {}
                Ok(false) => return,
                Err(failure) => {
                    let why = format!("the other nodes do not have them: {failure}");
                    let mut running = self.running.lock();
                    let mut groups = running.groups.iter_mut();
                    groups.find(|group| group.key() == held.0).into_iter().for_each(|group| group.note_unwritten(&why));
                    return;
                }
            }
        }
    }

    /// Takes in what other nodes recorded. What the store has already, or newer, it refuses, and that is right.
    async fn read_recorded(&self, nodes: &dyn Nodes) -> Result<(), StoreFailure> {
        let after: Vec<(String, i64)> = self.shares.lock().read.iter().map(|(key, id)| (key.clone(), *id)).collect();
        let recorded = nodes.recorded(&after, &self.engine.shared.holder, PIECES_AT_ONCE).await?;
        for piece in recorded {
            let (series, now) = (Arc::clone(&self.series), self.engine.now());
            let samples = read(&piece.bytes)?;
            let written = tokio::task::spawn_blocking(move || series.write(samples, now)).await;
            if let Ok(Err(why)) = written {
                tracing::debug!(why, shard = piece.shard, "samples of another node were refused");
            }
            self.shares.lock().read.insert(piece.shard, piece.id);
        }
        Ok(())
    }

    /// Tells readers on other nodes how the groups are.
    async fn report(&self, nodes: &dyn Nodes) -> Result<(), StoreFailure> {
        {
            let mut shares = self.shares.lock();
            if shares.reported.is_some_and(|reported| reported.elapsed() < REPORT_EVERY) {
                return Ok(());
            }
            shares.reported = Some(Instant::now());
        }
        let views: Vec<(Held, GroupView)> = {
            let running = self.running.lock();
            let shared = running.groups.iter().filter_map(|group| Some(((group.key(), group.shard?), group.view())));
            shared.filter(|(_, view)| view.evaluated.is_some()).collect()
        };
        for (held, view) in views {
            let bytes = rmp_serde::to_vec_named(&view).map_err(unwritable)?;
            nodes.keep_shard(&held, Part::Report, &bytes).await?;
        }
        Ok(())
    }

    /// The groups over a source that other nodes evaluate, as those nodes told last.
    pub(super) async fn views_elsewhere(&self, own: &BTreeSet<String>) -> Result<Vec<GroupView>, StoreFailure> {
        let Some(nodes) = self.sharing() else { return Ok(Vec::new()) };
        let (shards, present, book) = (nodes.shards().await?, nodes.present().await?, self.engine.book());
        let files = book.rule_files.iter();
        let groups = files.flat_map(|file| file.groups.iter().map(|group| Group::new(&file.path, group)));
        let missing = groups.filter(|group| group.book.source.is_some() && !own.contains(&group.key()));
        let view = |group: Group| {
            let shard = shards.iter().find(|shard| shard.key == group.key());
            let told = shard.and_then(|shard| rmp_serde::from_slice(shard.report.as_deref()?).ok());
            let holder = shard.map_or("", |shard| &*shard.holder);
            GroupView { node: Some(name_of(&present, holder)), ..told.unwrap_or_else(|| group.view()) }
        };
        Ok(missing.map(view).collect())
    }
}

/// The group of a watchbook that is a shard.
fn group_of(book: &Book, key: &str) -> Option<Group> {
    let files = book.rule_files.iter();
    let mut groups = files.flat_map(|file| file.groups.iter().map(|group| Group::new(&file.path, group)));
    groups.find(|group| group.key() == key)
}

/// How people know a node: by its address where it is there; empty for nobody.
pub(super) fn name_of(present: &[Node], holder: &str) -> String {
    present.iter().find(|node| node.name == holder).map_or(holder, |node| &*node.url).to_owned()
}

/// The groups over a source that a node should evaluate.
fn wanted(book: &Book, present: &[Node], own: &str) -> BTreeSet<String> {
    let files = book.rule_files.iter();
    let groups = files.flat_map(|file| file.groups.iter().map(move |group| (&file.path, group)));
    let over_sources = groups.filter(|(_, group)| group.source.is_some());
    let keys: BTreeSet<String> = over_sources.map(|(path, group)| format!("{path}/{}", group.name)).collect();
    // A node with another watchbook may not know these groups; who holds a shard is decided by its lease all the same.
    let alike = present.iter().filter(|node| node.book == book.digest).map(|node| &*node.name);
    share_out(&keys, &alike.chain([own]).collect(), own)
}

/// Which keys are one node's. Every node that sees the same keys and nodes comes to the same: each key goes to the node that
/// ranks highest for it and has room, where no node has room for more than its even share. So a node that comes or goes moves few
/// others' keys.
fn share_out(keys: &BTreeSet<String>, nodes: &BTreeSet<&str>, own: &str) -> BTreeSet<String> {
    let most = keys.len().div_ceil(nodes.len().max(1));
    let mut count: BTreeMap<&str, usize> = nodes.iter().map(|node| (*node, 0)).collect();
    let mut ours = BTreeSet::new();
    for key in keys {
        let with_room = nodes.iter().filter(|node| count.get(**node).is_some_and(|count| *count < most));
        let best = with_room.max_by_key(|node| Digest::of(&[node.as_bytes(), &[0], key.as_bytes()]));
        let Some(best) = best else { continue };
        *count.entry(best).or_default() += 1;
        if *best == own {
            ours.insert(key.clone());
        }
    }
    ours
}

/// Samples on their way to another node: labels, when, when it was born, value. Rules over a source record no native histograms.
type Carried = (Vec<(String, String)>, i64, i64, f64);

fn write(samples: &[(Labels, Point)]) -> Result<Vec<u8>, StoreFailure> {
    let carried = |(labels, point): &(Labels, Point)| match &point.value {
        Value::Float(value) => {
            let labels = labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            Some((labels, point.at, point.born, *value))
        }
        Value::Histogram(_) => None,
    };
    rmp_serde::to_vec(&samples.iter().filter_map(carried).collect::<Vec<Carried>>()).map_err(unwritable)
}

fn read(bytes: &[u8]) -> Result<Vec<(Labels, Point)>, StoreFailure> {
    let carried: Vec<Carried> = rmp_serde::from_slice(bytes).map_err(|error| StoreFailure::Damaged {
        place: "recorded samples of another node".to_owned(),
        cause: error.to_string(),
    })?;
    let sample = |(labels, at, born, value): Carried| {
        (Labels::from_pairs(labels), Point { at, born, value: Value::Float(value) })
    };
    Ok(carried.into_iter().map(sample).collect())
}

fn unwritable(error: rmp_serde::encode::Error) -> StoreFailure {
    StoreFailure::Unavailable { doing: "written", cause: error.to_string() }
}

fn failed(error: crate::Error) -> StoreFailure {
    StoreFailure::Unavailable { doing: "read", cause: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(count: usize) -> BTreeSet<String> {
        (0..count).map(|number| format!("prometheus/{number}.yml/group")).collect()
    }

    #[test]
    fn every_key_is_one_nodes_and_no_node_has_more_than_its_share() {
        for (count, names) in [(1, 1), (1, 3), (7, 2), (100, 3), (1000, 7)] {
            let (keys, names) = (keys(count), (0..names).map(|n| format!("node-{n}")).collect::<Vec<_>>());
            let nodes: BTreeSet<&str> = names.iter().map(|name| &**name).collect();
            let shares: Vec<BTreeSet<String>> = nodes.iter().map(|own| share_out(&keys, &nodes, own)).collect();
            let all: Vec<&String> = shares.iter().flatten().collect();
            assert_eq!((all.len(), all.iter().copied().collect::<BTreeSet<_>>().len()), (count, count));
            assert!(shares.iter().all(|share| share.len() <= count.div_ceil(nodes.len())));
        }
    }

    #[test]
    fn a_node_that_leaves_moves_little_of_what_others_have() {
        let (keys, three) = (keys(300), BTreeSet::from(["a", "b", "c"]));
        let two = BTreeSet::from(["a", "b"]);
        let (before, after) = (share_out(&keys, &three, "a"), share_out(&keys, &two, "a"));
        let stayed = before.intersection(&after).count();
        assert!(stayed * 10 >= before.len() * 8, "{stayed} of {}", before.len());
    }

    #[test]
    fn samples_arrive_as_they_left() {
        let labels = Labels::from_pairs([("__name__", "job:up"), ("job", "shop")]);
        let samples = vec![(labels.clone(), Point::float(5, f64::INFINITY)), (labels, Point::float(6, -0.5))];
        assert_eq!(read(&write(&samples).unwrap()).unwrap(), samples);
        assert!(read(b"noise").is_err());
    }

    #[test]
    fn a_node_with_another_watchbook_gets_nothing_of_ours() {
        let book = Book::default();
        let node = |name: &str, book| Node { name: name.to_owned(), url: format!("http://{name}"), book };
        let present = [node("a", book.digest), node("b", Digest::of(&[b"another"]))];
        assert!(wanted(&book, &present, "a").is_empty(), "there are no groups");
        assert_eq!((name_of(&present, "b"), name_of(&present, "gone")), ("http://b".to_owned(), "gone".to_owned()));
    }
}
