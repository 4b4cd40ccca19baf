//! How noisy each live rule was, from the journal: signals say when it fired, alerts whom that paged and who took it,
//! incidents what it led to. The rooms do not know of each other, so they are put together here; what is made of it is
//! decided by [`signals::noise`].
//!
//! Incidents that are confidential or restricted are not counted: a count would tell of them. What was erased is not
//! counted either.

use std::collections::HashMap;

use alerts::{PageId, ResolvedBy};
use kernel::book::rules::{Alerting, Group, Rule, RuleFile};
use kernel::port::{Block, JournalStore, StoreFailure};
use kernel::{Actor, Book, Fingerprint, Labels, RuleName, Sensitivity, Seq, Timestamp};
use signals::Kind;
use signals::noise::{Firing, Noise, Setting, noise};

use crate::command::{Event, Fact};
use crate::{Engine, Error, Read, codec};

/// The most facts that are looked at, the newest.
pub const FACTS_MAX: u64 = 200_000;
/// How many blocks are read at once.
const BLOCKS_AT_ONCE: u32 = 200;

/// How noisy the live rules were.
#[derive(Debug, Clone)]
pub struct NoiseReport {
    /// From when on facts were looked at: later than asked for when there are more than [`FACTS_MAX`] since then.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// Every alerting rule of the live watchbook, in order of file.
    pub rules: Vec<RuleNoise>,
}

/// How noisy one rule was.
#[derive(Debug, Clone)]
pub struct RuleNoise {
    /// The name of its group.
    pub group: String,
    /// The alert's name.
    pub rule: String,
    /// Its file.
    pub file: String,
    /// Its line.
    pub line: usize,
    /// What was counted.
    pub noise: Noise,
}

impl Engine {
    /// How noisy each alerting rule of the live watchbook was since an instant, the rules that fired most often first.
    ///
    /// # Errors
    /// When the actor may not read signals and alerts, or the journal cannot be read.
    pub async fn noise(&self, actor: &Actor, since: Timestamp) -> Result<NoiseReport, Error> {
        self.may(actor, Read::of("signals:read"))?;
        self.may(actor, Read::of("alerts:read"))?;
        let failed = |failure: StoreFailure| Error::Failed { reason: failure.to_string() };
        let (from, past) = gather(self.vault(), since).await.map_err(failed)?;
        Ok(past.report(&self.book(), (from.max(since), self.now())))
    }
}

/// Reads the facts since an instant; gives the instant from which on nothing is left out. They are decoded on threads that
/// may block, so that whoever is served meanwhile does not wait.
async fn gather(store: &dyn JournalStore, since: Timestamp) -> Result<(Timestamp, Past), StoreFailure> {
    let end = store.next_seq().await?;
    let first = first_since(store, since, end).await?;
    let mut next = Seq(first.0.max(end.0.saturating_sub(FACTS_MAX)));
    let (mut from, mut past) = ((next == first).then_some(since), Past::default());
    while next < end {
        let blocks = store.blocks(next, BLOCKS_AT_ONCE).await?;
        let Some(last) = blocks.last() else { break };
        next = Seq(last.first.0.saturating_add(u64::from(last.count)));
        let taken = tokio::task::spawn_blocking(move || {
            let first = past.take_all(&blocks, since)?;
            Ok::<_, StoreFailure>((first, past))
        });
        let ended =
            |error: tokio::task::JoinError| StoreFailure::Unavailable { doing: "read", cause: error.to_string() };
        let (first, taken) = taken.await.map_err(ended)??;
        (past, from) = (taken, from.or(first));
    }
    Ok((from.unwrap_or(since), past))
}

/// The place of a block that ends at or after an instant; facts only ever get later, so it is found by halving.
async fn first_since(store: &dyn JournalStore, since: Timestamp, end: Seq) -> Result<Seq, StoreFailure> {
    let (mut low, mut high) = (0, end.0);
    while low < high {
        let middle = low + (high - low) / 2;
        match store.blocks(Seq(middle), 1).await?.first() {
            Some(block) if block.at < since => {
                low = block.first.0.saturating_add(u64::from(block.count)).max(middle + 1)
            }
            _ => high = middle,
        }
    }
    Ok(Seq(low))
}

/// What the facts say of firings so far.
#[derive(Default)]
struct Past {
    firings: Vec<(RuleName, Firing)>,
    /// The firing of each series of a rule that is not over.
    open: HashMap<(RuleName, Labels), usize>,
    /// The newest firing of each alert.
    alerts: HashMap<Fingerprint, usize>,
    /// The firings that each page is about.
    pages: HashMap<PageId, Vec<usize>>,
}

impl Past {
    /// Takes the facts of blocks that came since an instant; gives the instant of the first fact of all.
    fn take_all(&mut self, blocks: &[Block], since: Timestamp) -> Result<Option<Timestamp>, StoreFailure> {
        let mut first = None;
        for block in blocks {
            for decoded in codec::decode(block)? {
                first.get_or_insert(decoded.record.at);
                let counts = decoded.record.at >= since && decoded.record.sensitivity <= Sensitivity::Internal;
                decoded.fact.iter().filter(|_| counts).for_each(|fact| self.take(fact));
            }
        }
        Ok(first)
    }

    fn take(&mut self, fact: &Fact) {
        match &fact.event {
            Event::Signals(event) => self.signal(event, fact.at),
            Event::Alerts(event) => self.alert(event, fact.actor.person().is_some()),
            Event::Incidents(incidents::Event::IncidentDeclared(declared)) => self.incident(declared.page),
            Event::Incidents(incidents::Event::PageJoined { page, .. }) => self.incident(Some(*page)),
            _ => {}
        }
    }

    fn signal(&mut self, event: &signals::Event, at: Timestamp) {
        match event {
            signals::Event::SignalRaised { rule, kind: Kind::Alerting, series, labels, .. } => {
                let place = self.firings.len();
                self.open.insert((rule.clone(), series.clone()), place);
                self.alerts.insert(labels.fingerprint(), place);
                let firing = Firing {
                    alert: labels.clone(),
                    raised: at.as_millisecond(),
                    cleared: None,
                    paged: false,
                    acknowledged: false,
                    incident: false,
                };
                self.firings.push((rule.clone(), firing));
            }
            signals::Event::SignalCleared { rule, kind: Kind::Alerting, series, .. } => {
                let place = self.open.remove(&(rule.clone(), series.clone()));
                self.at(place, |firing| firing.cleared = Some(at.as_millisecond()));
            }
            _ => {}
        }
    }

    fn alert(&mut self, event: &alerts::Event, by_person: bool) {
        match event {
            alerts::Event::PageOpened(opened) => self.paged(opened.page, &opened.alerts),
            alerts::Event::PageRenewed { page, alerts, .. } => self.paged(*page, alerts),
            alerts::Event::PageAcknowledged { page, .. } if by_person => {
                for place in self.pages.get(page).cloned().unwrap_or_default() {
                    self.at(Some(place), |firing| firing.acknowledged = true);
                }
            }
            alerts::Event::AlertResolved { alert, by: ResolvedBy::Person, .. } => {
                self.at(self.alerts.get(alert).copied(), |firing| firing.acknowledged = true);
            }
            _ => {}
        }
    }

    fn paged(&mut self, page: PageId, alerts: &[Fingerprint]) {
        let places: Vec<usize> = alerts.iter().filter_map(|alert| self.alerts.get(alert).copied()).collect();
        for place in places {
            self.at(Some(place), |firing| firing.paged = true);
            let known = self.pages.entry(page).or_default();
            if !known.contains(&place) {
                known.push(place);
            }
        }
    }

    fn incident(&mut self, page: Option<u64>) {
        let places = page.and_then(|page| self.pages.get(&PageId(page))).cloned().unwrap_or_default();
        for place in places {
            self.at(Some(place), |firing| firing.incident = true);
        }
    }

    fn at(&mut self, place: Option<usize>, change: impl FnOnce(&mut Firing)) {
        if let Some((_, firing)) = place.and_then(|place| self.firings.get_mut(place)) {
            change(firing);
        }
    }

    /// The report on the rules of a watchbook.
    fn report(self, book: &Book, (from, until): (Timestamp, Timestamp)) -> NoiseReport {
        let mut by_name: HashMap<RuleName, Vec<Firing>> = HashMap::new();
        for (name, firing) in self.firings {
            by_name.entry(name).or_default().push(firing);
        }
        let span = (from.as_millisecond(), until.as_millisecond());
        let all = book.rule_files.iter().flat_map(|file| file.groups.iter().map(move |group| (file, group)));
        let rules = all.flat_map(|(file, group)| of_group(file, group, &mut by_name, span));
        let mut rules: Vec<RuleNoise> = rules.collect();
        rules.sort_by_key(|rule| std::cmp::Reverse(rule.noise.firings));
        NoiseReport { from, until, rules }
    }
}

/// The rules of a group. Firings of rules of one name go to the first whose labels they have.
fn of_group(
    file: &RuleFile,
    group: &Group,
    by_name: &mut HashMap<RuleName, Vec<Firing>>,
    span: (i64, i64),
) -> Vec<RuleNoise> {
    let mut told = Vec::new();
    for rule in &group.rules {
        let Rule::Alerting(alerting) = rule else { continue };
        let left = group.rule_name(&alerting.alert).and_then(|name| by_name.get_mut(&name));
        let own: Vec<Firing> = match left {
            None => Vec::new(),
            Some(left) => left.extract_if(.., |firing| is_of(group, rule, alerting, firing)).collect(),
        };
        told.push(RuleNoise {
            group: group.name.clone(),
            rule: alerting.alert.clone(),
            file: file.path.clone(),
            line: alerting.at.line,
            noise: noise(&own, setting(alerting), span),
        });
    }
    told
}

/// Whether a firing has the labels that a rule adds, but for those that are templates or depend on the impact.
fn is_of(group: &Group, rule: &Rule, alerting: &Alerting, firing: &Firing) -> bool {
    let from_impact = alerting.beyond.as_ref().is_some_and(|beyond| beyond.severity_from.is_some());
    let own = group.labels_of(rule).into_iter();
    let mut own = own.filter(|(name, text)| !(text.contains("{{") || from_impact && name == "severity"));
    own.all(|(name, text)| firing.alert.get(&name).unwrap_or_default() == text)
}

/// How a rule waits, as far as another `for` would mean something to it.
fn setting(rule: &Alerting) -> Setting {
    let millis = |span: std::time::Duration| i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
    let counts = rule.beyond.as_ref().is_some_and(|beyond| beyond.several.is_some());
    let learns = promql::parse(&rule.expr.text).is_ok_and(|expr| !expr.calls(promql::ANOMALY).is_empty());
    let hold = (!counts && !learns).then(|| millis(rule.hold));
    Setting { hold, keep_firing: millis(rule.keep_firing) }
}

#[cfg(test)]
mod tests {
    use alerts::{GroupKey, PageOpened};
    use kernel::book::rules::Expression;
    use kernel::{PersonName, Severity};
    use signals::Cleared;

    use super::*;

    const MINUTE: i64 = 60_000;

    fn rule() -> RuleName {
        RuleName::new("queues/Deep").unwrap()
    }

    fn labels(queue: &str, severity: &str) -> Labels {
        Labels::from_pairs([("alertname", "Deep"), ("queue", queue), ("severity", severity)]).unwrap()
    }

    fn fact(minute: i64, actor: Actor, event: impl Into<Event>) -> Fact {
        let at = Timestamp::from_millisecond(minute * MINUTE).unwrap();
        Fact { seq: Seq(0), at, actor, policy: "p".into(), cause: None, event: event.into() }
    }

    fn raised(minute: i64, labels: &Labels) -> Fact {
        let event = signals::Event::SignalRaised {
            rule: rule(),
            kind: Kind::Alerting,
            series: labels.clone(),
            labels: labels.clone(),
            annotations: Labels::default(),
            value: None,
            summary: String::new(),
        };
        fact(minute, Actor::system("signals"), event)
    }

    fn cleared(minute: i64, labels: &Labels) -> Fact {
        let (series, labels) = (labels.clone(), labels.clone());
        let event = signals::Event::SignalCleared {
            rule: rule(),
            kind: Kind::Alerting,
            series,
            labels,
            value: None,
            why: Cleared::Recovered,
        };
        fact(minute, Actor::system("signals"), event)
    }

    fn paged(minute: i64, page: u64, labels: &Labels) -> Fact {
        let event = alerts::Event::PageOpened(Box::new(PageOpened {
            page: PageId(page),
            group: GroupKey(1),
            policy: None,
            severity: Severity::P2,
            declare: false,
            why: String::new(),
            service: None,
            title: String::new(),
            alerts: vec![labels.fingerprint()],
            count: 1,
            update_every: kernel::Seconds::ZERO,
            due: None,
        }));
        fact(minute, Actor::system("alerts"), event)
    }

    fn acknowledged(minute: i64, page: u64, actor: Actor) -> Fact {
        fact(minute, actor, alerts::Event::PageAcknowledged { page: PageId(page), note: String::new() })
    }

    /// Two rules of one name, told apart by their severity.
    fn book() -> Book {
        let deep = |line, severity: &str| {
            Rule::Alerting(Alerting {
                alert: "Deep".into(),
                at: kernel::book::rules::Place { line, ..Default::default() },
                expr: Expression { text: "depth > 1".into(), ..Expression::default() },
                labels: [("severity".to_owned(), severity.to_owned())].into(),
                ..Alerting::default()
            })
        };
        let rules = vec![deep(3, "critical"), deep(9, "warning")];
        let groups = vec![Group { name: "queues".into(), rules, ..Group::default() }];
        Book { rule_files: vec![RuleFile { path: "prometheus/q.yml".into(), groups }], ..Book::default() }
    }

    fn report(facts: &[Fact]) -> Vec<(usize, Noise)> {
        let mut past = Past::default();
        facts.iter().for_each(|fact| past.take(fact));
        let span = [0, 1000].map(|minute| Timestamp::from_millisecond(minute * MINUTE).unwrap());
        past.report(&book(), (span[0], span[1])).rules.into_iter().map(|rule| (rule.line, rule.noise)).collect()
    }

    #[test]
    fn what_came_of_a_firing_is_put_together_from_three_rooms() {
        let (mail, print) = (labels("mail", "critical"), labels("print", "critical"));
        let ada = Actor::Person(PersonName::new("ada").unwrap());
        let program = Actor::Integration("bot".into());
        let found = report(&[
            raised(1, &mail),
            paged(2, 1, &mail),
            acknowledged(3, 1, ada),
            cleared(4, &mail),
            raised(10, &print),
            paged(11, 2, &print),
            acknowledged(12, 2, program),
            cleared(20, &print),
            raised(30, &mail),
        ]);
        let (line, noise) = &found[0];
        assert_eq!((*line, noise.firings, noise.alerts, noise.open), (3, 3, 2, 1));
        assert_eq!((noise.paged, noise.acknowledged, noise.ignored), (2, 1, 1), "a program is no person");
        assert_eq!(noise.short, 1);
        assert_eq!(found[1], (9, Noise::default()), "the other rule of that name did not fire");
    }

    #[test]
    fn an_alert_that_a_person_ends_was_acted_on_and_an_incident_counts() {
        let mail = labels("mail", "warning");
        let resolved = alerts::Event::AlertResolved {
            alert: mail.fingerprint(),
            ends_at: Timestamp::from_millisecond(2 * MINUTE).unwrap(),
            by: ResolvedBy::Person,
            note: String::new(),
        };
        let found = report(&[raised(1, &mail), fact(2, Actor::system("alerts"), resolved)]);
        assert_eq!((found[0].0, found[0].1.acknowledged, found[0].1.paged), (9, 1, 0));
        let mut past = Past::default();
        [raised(1, &mail), paged(2, 7, &mail)].iter().for_each(|fact| past.take(fact));
        past.incident(Some(7));
        past.incident(Some(8));
        assert!(past.firings.iter().all(|(_, firing)| firing.incident));
    }
}
