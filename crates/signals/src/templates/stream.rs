//! One log as it is watched: its templates, what is known of each, what was found, and which signal should be raised for it.
//!
//! ```text
//!   line -> miner -> novelty ----> new            findings (the last ones are kept, to be shown)
//!              '---> rates ------> more, fewer      '-> stand: raise | stay | clear, as the watchbook lets it
//! ```
//!
//! A finding is not yet a signal. [`Stream::stand`] folds: what is found within a short while becomes one signal, what is
//! found while that is raised joins it, and it clears when there was nothing more of it for as long as the watchbook says.
//! So a deployment with a hundred new lines is one page and not a hundred.
//!
//! Bounded by [`LIMITS`], [`EXAMPLE_BYTES_MAX`] and [`FINDINGS_KEPT_MAX`]; what a template needs does not grow with its lines.

use std::collections::{BTreeMap, VecDeque};

use kernel::book::{LogFinding, LogWatch};
use kernel::time::{Timestamp, between};
use kernel::{Level, Seconds};
use serde::{Deserialize, Serialize};

use super::novelty::{self, Novelty};
use super::rate::{self, Direction, Rates};
use super::{CATCH_ALL, Limits, Miner, Over, TemplateId};

/// How much the miner of one log may remember.
pub const LIMITS: Limits = Limits { templates: 1_000, numbers: 4_000, leaf: 256, vocabulary: 20_000 };
/// The longest example of a template, in bytes; the rest is cut.
pub const EXAMPLE_BYTES_MAX: usize = 500;
/// How many findings are kept to be shown; older ones are forgotten.
pub const FINDINGS_KEPT_MAX: usize = 50;
/// How many new templates wait to be told at most; those beyond are shown and not told by name.
pub const FRESH_MAX: usize = 100;
/// For how long a template that was found to be new is called so.
pub const NEW_FOR: Seconds = Seconds::hours(24);

/// What is known of a template.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// When its first line came.
    pub first: Timestamp,
    /// When its last line came.
    pub last: Timestamp,
    /// The worst level of its lines.
    pub level: Level,
    /// Its first line, cut to [`EXAMPLE_BYTES_MAX`].
    pub example: Box<str>,
    /// When it was found to be new.
    pub new: Option<Timestamp>,
}

/// What was found about a template.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// What.
    pub what: LogFinding,
    /// When it was found.
    pub at: Timestamp,
    /// The template.
    pub id: TemplateId,
    /// Its words when it was found.
    pub template: Box<str>,
    /// The worst level of its lines.
    pub level: Level,
    /// How many lines it came with: since the first one, or in the minute.
    pub lines: u32,
    /// How many lines a minute are usual; zero for a new one.
    pub usual: f64,
}

/// What should become of the signal about one kind of finding.
#[derive(Debug, Clone, PartialEq)]
pub enum Stand {
    /// It stays as it is.
    Stay,
    /// It is to be raised, because of these.
    Raise(Vec<Finding>),
    /// It is over.
    Clear,
}

/// A log as it is watched.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Stream {
    since: Timestamp,
    last: Timestamp,
    lines: u64,
    /// Counts what was learned, found and told.
    version: u64,
    miner: Miner,
    novelty: Novelty,
    rates: Rates,
    known: BTreeMap<TemplateId, Known>,
    found: VecDeque<Finding>,
    /// New templates that were not told yet.
    fresh: Vec<Finding>,
    /// Templates whose rate is off the usual.
    away: BTreeMap<TemplateId, Finding>,
    /// When there was last something of each kind that may raise.
    so: BTreeMap<LogFinding, Timestamp>,
}

impl Stream {
    /// A log of which nothing was seen.
    #[must_use]
    pub fn new(watch: &LogWatch, now: Timestamp) -> Self {
        Self {
            since: now,
            last: now,
            lines: 0,
            version: 0,
            miner: Miner::new(LIMITS),
            novelty: Novelty::new(novelty_of(watch)),
            rates: Rates::new(rate_of(watch), now),
            known: BTreeMap::new(),
            found: VecDeque::new(),
            fresh: Vec::new(),
            away: BTreeMap::new(),
            so: BTreeMap::new(),
        }
    }

    /// Goes by what the watchbook says from now on.
    pub fn adopt(&mut self, watch: &LogWatch) {
        self.novelty.adopt(novelty_of(watch));
        self.rates.adopt(rate_of(watch));
    }

    /// Goes on after a break in which nothing was seen.
    pub fn resume(&mut self, now: Timestamp) {
        self.rates.resume(now);
    }

    /// Lets the quiet of the signal about a kind of finding begin now, because nothing is known of what was before.
    pub fn begin_quiet(&mut self, what: LogFinding, now: Timestamp) {
        self.so.insert(what, now);
    }

    /// Takes a line that came at `now` and says of itself that it happened at `at`. Gives its template.
    pub fn observe(&mut self, now: Timestamp, at: Timestamp, level: Level, line: &str) -> TemplateId {
        (self.last, self.lines) = (now, self.lines.saturating_add(1));
        let found = self.miner.observe(line);
        let id = found.id;
        self.version += u64::from(found.is_new || !found.merged.is_empty());
        for part in found.merged {
            self.rates.merge(*part, id);
            self.away.remove(part);
            let elder = self.known.remove(part);
            elder.into_iter().for_each(|part| join(&mut self.known, id, part));
        }
        let known = self.known.entry(id).or_insert_with(|| Known {
            first: now,
            last: now,
            level,
            example: line.get(..line.floor_char_boundary(EXAMPLE_BYTES_MAX)).unwrap_or_default().into(),
            new: None,
        });
        if id != CATCH_ALL {
            let silent = between(known.first, now).0 / 60;
            self.rates.welcome(id, usize::try_from(silent).unwrap_or(usize::MAX));
            self.rates.count(at, id);
        }
        (known.last, known.level) = (now, known.level.max(level));
        let new = self.novelty.observe(now, &found);
        if let Some(new) = new {
            known.new = Some(now);
            let (level, template) = (known.level, new.template);
            self.note(Finding { what: LogFinding::New, at: now, id, template, level, lines: new.lines, usual: 0.0 });
        }
        id
    }

    /// Closes the minutes that are over at `now`. To be called once in a while, even when no line comes.
    pub fn advance(&mut self, now: Timestamp) {
        for change in self.rates.advance(now) {
            let level = self.known.get(&change.id).map_or(Level::Unknown, |known| known.level);
            let template = self.miner.text(change.id).into();
            let what = what(change.direction);
            let (id, lines, usual) = (change.id, change.lines, change.usual);
            self.note(Finding { what, at: now, id, template, level, lines, usual });
        }
        let rates = &self.rates;
        self.away.retain(|id, finding| rates.changed(*id).map(what) == Some(finding.what));
    }

    fn note(&mut self, finding: Finding) {
        self.version += 1;
        if finding.what != LogFinding::New {
            self.away.insert(finding.id, finding.clone());
        } else if self.fresh.len() < FRESH_MAX {
            self.fresh.push(finding.clone());
        }
        self.found.push_back(finding);
        if self.found.len() > FINDINGS_KEPT_MAX {
            self.found.pop_front();
        }
    }

    /// What should become of the signal about a kind of finding. `raised` is since when it is raised, if it is; new
    /// templates are gathered for `gather` before it is.
    pub fn stand(
        &mut self,
        what: LogFinding,
        watch: &LogWatch,
        raised: Option<Timestamp>,
        gather: Seconds,
        now: Timestamp,
    ) -> Stand {
        let may = |finding: &&Finding| finding.what == LogFinding::Fewer || finding.level >= watch.level;
        if what == LogFinding::New {
            let wanted = watch.raise.contains(&what);
            self.fresh.retain(|finding| wanted && may(&finding));
        }
        let all: Vec<Finding> = match what {
            _ if !watch.raise.contains(&what) => return Stand::Stay,
            LogFinding::New => self.fresh.clone(),
            _ => self.away.values().filter(|finding| finding.what == what).filter(may).cloned().collect(),
        };
        // A rate is off until it is usual again; what is new is so when it is found.
        let so = all.iter().map(|finding| if what == LogFinding::New { finding.at } else { now }).max();
        self.so.extend(so.map(|so| (what, so)));
        let Some(since) = raised else {
            let gathered = all.first().is_some_and(|first| what != LogFinding::New || gather.after(first.at) <= now);
            return if gathered { Stand::Raise(all) } else { Stand::Stay };
        };
        if what == LogFinding::New {
            // What is raised already speaks for them.
            self.told(what);
        }
        let last = self.so.get(&what).map_or(since, |so| since.max(*so));
        if watch.quiet_for.after(last) <= now { Stand::Clear } else { Stand::Stay }
    }

    /// What [`Stand::Raise`] asked for is a fact.
    pub fn told(&mut self, what: LogFinding) {
        if what == LogFinding::New && !self.fresh.is_empty() {
            self.fresh.clear();
            self.version += 1;
        }
    }

    /// When its first line came.
    #[must_use]
    pub fn since(&self) -> Timestamp {
        self.since
    }

    /// When its last line came.
    #[must_use]
    pub fn last(&self) -> Timestamp {
        self.last
    }

    /// Changes when something was learned, found or told; not with every line.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// How many lines came.
    #[must_use]
    pub fn lines(&self) -> u64 {
        self.lines
    }

    /// Until when nothing is called new.
    #[must_use]
    pub fn learns_until(&self) -> Timestamp {
        self.novelty.learns_until().unwrap_or(self.since)
    }

    /// What was found last, the oldest first.
    pub fn found(&self) -> impl DoubleEndedIterator<Item = &Finding> {
        self.found.iter()
    }

    /// Lines that have no template of their own, by reason.
    #[must_use]
    pub fn over(&self) -> Over {
        self.miner.over()
    }

    /// Whether no new template can be learned any more, because all numbers are given.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.miner.over().numbers > 0
    }

    /// How many templates there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.miner.templates().count()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Every template with its words, its lines and what is known of it.
    pub fn templates(&self) -> impl Iterator<Item = (TemplateId, &str, u64, &Known)> {
        self.miner.templates().filter_map(|(id, text, lines)| Some((id, text, lines, self.known.get(&id)?)))
    }

    /// The lines of a template in the last closed minutes, the oldest first.
    pub fn minutes(&self, id: TemplateId) -> impl Iterator<Item = u32> {
        self.rates.closed(id)
    }

    /// Which way the rate of a template is off the usual now.
    #[must_use]
    pub fn changed(&self, id: TemplateId) -> Option<LogFinding> {
        self.rates.changed(id).map(what)
    }

    /// The template that a number belongs to by now, when there is one.
    #[must_use]
    pub fn current(&self, id: TemplateId) -> Option<(TemplateId, &str)> {
        let id = self.miner.current(id);
        (id != CATCH_ALL).then(|| (id, self.miner.text(id)))
    }

    /// The template of a line, where it has one, learning nothing.
    pub fn find(&mut self, line: &str) -> Option<TemplateId> {
        self.miner.find(line)
    }

    /// A copy of the miner, to look up lines with [`Miner::find`].
    #[must_use]
    pub fn miner(&self) -> Miner {
        self.miner.clone()
    }
}

/// Puts what is known of a template that became part of another to what is known of that.
fn join(known: &mut BTreeMap<TemplateId, Known>, id: TemplateId, part: Known) {
    let Some(whole) = known.get_mut(&id) else {
        known.insert(id, part);
        return;
    };
    whole.first = whole.first.min(part.first);
    whole.last = whole.last.max(part.last);
    whole.level = whole.level.max(part.level);
}

fn what(direction: Direction) -> LogFinding {
    match direction {
        Direction::Up => LogFinding::More,
        Direction::Down => LogFinding::Fewer,
    }
}

fn novelty_of(watch: &LogWatch) -> novelty::Policy {
    novelty::Policy { learn_for: watch.learn_for, ..novelty::Policy::default() }
}

fn rate_of(watch: &LogWatch) -> rate::Policy {
    rate::Policy { spreads: f64::from(watch.spreads), ..rate::Policy::default() }
}
