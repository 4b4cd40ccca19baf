//! Scraping at work: the jobs of the live watchbook are kept in step with it, each target is asked on its own beat, and what
//! it says goes into the metric store. What a scrape means is in [`connectors::scrape`].

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use connectors::scrape::{
    Board, Discovery, DroppedTarget, Found, Health, Intake, Scraper, Target, TargetKey, TargetView, ends, find, report,
};
use engine::Engine;
use kernel::book::scrape::ScrapeJob;
use kernel::{Book, Digest, Timestamp};
use promql::{Labels, Point};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

use crate::series::Embedded;

/// How often the jobs are compared with the live watchbook.
const COMPARE_EVERY: Duration = Duration::from_secs(1);
/// The longest time until a changed file of targets, or of a certificate, is noticed.
const FILES_EVERY: Duration = Duration::from_secs(5);
/// The most targets of this node; what is above is not asked, and the page says so.
const TARGETS_MAX: usize = 10_000;
/// The most targets that are asked at once.
const ASKED_AT_ONCE: usize = 1_000;
/// The most answers that are read at once.
const READ_AT_ONCE: usize = 64;
/// How late a scrape may begin and still count for the instant that it was planned for, in milliseconds.
const TOLERANCE: i64 = 2;

/// A job as the tasks of its targets use it.
struct Work {
    job: ScrapeJob,
    /// Or why it cannot ask.
    scraper: Result<Scraper, String>,
}

/// A job of the live watchbook, and what its files said.
struct Job {
    work: Arc<Work>,
    discovery: Discovery,
    /// When the files were written that say whom it trusts, as they were when they were last read.
    written: Vec<Option<SystemTime>>,
    /// Why they cannot be used as they are now.
    trouble: Option<String>,
}

impl Job {
    fn new(job: &ScrapeJob, discovery: Discovery) -> Self {
        let written = written(job);
        let scraper = Scraper::new(job);
        let trouble = scraper.as_ref().err().cloned();
        Self { work: Arc::new(Work { job: job.clone(), scraper }), discovery, written, trouble }
    }

    /// Reads again whom it trusts, where that has changed or could not be used. What could be used before still is while the
    /// new one cannot be.
    fn renew(&mut self) {
        let written = written(&self.work.job);
        if self.trouble.is_none() && written == self.written {
            return;
        }
        self.written = written;
        let scraper = Scraper::new(&self.work.job);
        self.trouble = scraper.as_ref().err().cloned();
        if scraper.is_ok() || self.work.scraper.is_err() {
            self.work = Arc::new(Work { job: self.work.job.clone(), scraper });
        }
    }

    /// How often its files are looked at, where it has any.
    fn looked_at_every(&self) -> Option<Duration> {
        let job = &self.work.job;
        let trust = (self.trouble.is_some() || job.ask.tls.files().next().is_some()).then_some(FILES_EVERY);
        job.files.iter().map(|files| files.refresh.min(FILES_EVERY)).chain(trust).min()
    }
}

/// When the files of a job were written that say whom it trusts; `None` of one that is not there.
fn written(job: &ScrapeJob) -> Vec<Option<SystemTime>> {
    job.ask.tls.files().map(|path| std::fs::metadata(path).and_then(|about| about.modified()).ok()).collect()
}

/// The jobs of the live watchbook.
#[derive(Default)]
struct Jobs {
    of: Option<Digest>,
    all: Vec<Job>,
    read_at: Option<Instant>,
}

/// How a target is asked from now on.
#[derive(Clone)]
struct Order {
    target: Target,
    work: Arc<Work>,
}

/// What is to be asked, and what is not.
struct Wanted {
    targets: BTreeMap<TargetKey, Order>,
    dropped: Vec<DroppedTarget>,
    troubles: Vec<String>,
}

impl Jobs {
    /// Follows a watchbook and the files of targets. Blocks on the file system. `None` when it is too early to look again.
    fn follow(&mut self, book: &Book, home: &std::path::Path) -> Option<Wanted> {
        let same = self.of == Some(book.digest);
        let often = self.all.iter().filter_map(Job::looked_at_every).min();
        let due = often.is_some_and(|often| self.read_at.is_none_or(|at| at.elapsed() >= often));
        if same && !due {
            return None;
        }
        if !same {
            self.take(book);
        }
        self.read_at = Some(Instant::now());
        let mut wanted = Wanted { targets: BTreeMap::new(), dropped: Vec::new(), troubles: Vec::new() };
        for job in &mut self.all {
            job.renew();
            let Job { work, discovery, trouble, .. } = job;
            wanted.troubles.extend(discovery.refresh(&work.job, home));
            wanted.troubles.extend(trouble.as_ref().map(|why| format!("{}: {why}", work.job.name)));
            wanted.add(work, find(&work.job, &discovery.groups(&work.job)));
        }
        Some(wanted)
    }

    /// Takes the jobs of a watchbook; those that are as they were keep their connections.
    fn take(&mut self, book: &Book) {
        let mut before = std::mem::take(&mut self.all);
        for job in &book.scrapes {
            let known =
                before.iter().position(|known| known.work.job.name == job.name).map(|at| before.swap_remove(at));
            let next = match known {
                Some(known) if known.work.job == *job => known,
                other => Job::new(job, other.map(|known| known.discovery).unwrap_or_default()),
            };
            self.all.push(next);
        }
        self.of = Some(book.digest);
    }
}

impl Wanted {
    fn add(&mut self, work: &Arc<Work>, found: Vec<Found>) {
        let job = &work.job.name;
        let dropped = |discovered, why| DroppedTarget { job: job.clone(), discovered, why };
        for found in found {
            match found {
                Found::Target(target) if self.targets.len() < TARGETS_MAX => {
                    self.targets.insert(target.key(), Order { target, work: Arc::clone(work) });
                }
                Found::Target(target) => {
                    let why = format!("this node asks at most {TARGETS_MAX} targets");
                    self.dropped.push(dropped(target.discovered, why));
                }
                Found::Dropped(discovered) => self.dropped.push(dropped(discovered, String::new())),
                Found::Wrong(discovered, why) => self.dropped.push(dropped(discovered, why)),
            }
        }
    }
}

/// A target that is asked, by its task.
struct Running {
    /// How it is asked; `None` when it is to be asked no more.
    order: watch::Sender<Option<Order>>,
    task: JoinHandle<()>,
}

/// Asks the targets of whatever watchbook is live until the engine stops. Paths of files begin at `home`.
pub async fn run(engine: Engine, series: Arc<Embedded>, board: Arc<Board>, home: PathBuf) {
    let places = Arc::new(Places { asking: Semaphore::new(ASKED_AT_ONCE), reading: Semaphore::new(READ_AT_ONCE) });
    let (mut jobs, mut running) = (Jobs::default(), BTreeMap::<TargetKey, Running>::new());
    let mut warned = BTreeSet::new();
    let mut ticks = tokio::time::interval(COMPARE_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = engine.stopped() => break,
        }
        let (book, place) = (engine.book(), home.clone());
        let looked = tokio::task::spawn_blocking(move || {
            let wanted = jobs.follow(&book, &place);
            (jobs, wanted)
        });
        let Ok((followed, wanted)) = looked.await else {
            tracing::error!("scrape jobs could not be followed; nothing more is scraped");
            break;
        };
        jobs = followed;
        let Some(wanted) = wanted else { continue };
        warn(&wanted.troubles, &mut warned);
        let targets = wanted.targets.values().map(|order| order.target.clone()).collect();
        board.name(targets, wanted.dropped, wanted.troubles);
        change(&mut running, wanted.targets, |order| {
            let asker = Asker {
                engine: engine.clone(),
                series: Arc::clone(&series),
                board: Arc::clone(&board),
                places: Arc::clone(&places),
            };
            tokio::spawn(asker.go_on(order))
        });
    }
    running.into_values().for_each(|running| running.task.abort());
}

/// Warns of what is wrong, once for as long as it is.
fn warn(troubles: &[String], warned: &mut BTreeSet<String>) {
    let now: BTreeSet<String> = troubles.iter().cloned().collect();
    now.difference(warned).for_each(|trouble| tracing::warn!(%trouble, "scraping"));
    warned.difference(&now).for_each(|trouble| tracing::info!(%trouble, "scraping: this is over"));
    *warned = now;
}

/// Begins with what is new, tells what stays how it is asked now, and lets end what is gone. Where one goes and another with
/// the same labels comes, such as at another path, that one goes on with the series: they do not end in between.
fn change(
    running: &mut BTreeMap<TargetKey, Running>,
    wanted: BTreeMap<TargetKey, Order>,
    begin: impl Fn(watch::Receiver<Option<Order>>) -> JoinHandle<()>,
) {
    let (stay, gone): (BTreeMap<_, _>, BTreeMap<_, _>) =
        std::mem::take(running).into_iter().partition(|(key, _)| wanted.contains_key(key));
    *running = stay;
    let mut gone: BTreeMap<Labels, Running> = named_by_labels(gone);
    for (key, order) in wanted {
        if let Some(running) = running.get(&key) {
            tell(running, order);
        } else if let Some(heir) = gone.remove(&key.labels) {
            tell(&heir, order);
            running.insert(key, heir);
        } else {
            let (sender, receiver) = watch::channel(Some(order));
            running.insert(key, Running { task: begin(receiver), order: sender });
        }
    }
    gone.into_values().for_each(end);
}

/// What is gone, by its labels; of several with the same ones all but the last end.
fn named_by_labels(gone: BTreeMap<TargetKey, Running>) -> BTreeMap<Labels, Running> {
    let mut named = BTreeMap::new();
    for (key, running) in gone {
        named.insert(key.labels, running).into_iter().for_each(end);
    }
    named
}

fn end(running: Running) {
    running.order.send_replace(None);
}

/// Tells a task how it asks from now on, where that is other than before.
fn tell(running: &Running, order: Order) {
    running.order.send_if_modified(|known| {
        let same = |known: &Order| Arc::ptr_eq(&known.work, &order.work) && known.target == order.target;
        let other = !known.as_ref().is_some_and(same);
        *known = Some(order);
        other
    });
}

/// How many do what at once. Nobody closes them.
struct Places {
    asking: Semaphore,
    reading: Semaphore,
}

/// Asks one target.
struct Asker {
    engine: Engine,
    series: Arc<Embedded>,
    board: Arc<Board>,
    places: Arc<Places>,
}

impl Asker {
    async fn go_on(self, mut orders: watch::Receiver<Option<Order>>) {
        let mut intake = Intake::default();
        let Some(mut order) = orders.borrow_and_update().clone() else { return };
        loop {
            let now = self.engine.now().as_millisecond();
            let planned = order.target.next_after(now);
            let wait = Duration::from_millis(u64::try_from(planned.saturating_sub(now)).unwrap_or(0));
            tokio::select! {
                // What is due is asked first, so that orders that change often do not keep it from its turn.
                biased;
                () = tokio::time::sleep(wait) => intake = self.ask(intake, &order, planned).await,
                changed = orders.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    let Some(next) = orders.borrow_and_update().clone() else {
                        return self.end(&mut intake, &order.target);
                    };
                    if !Arc::ptr_eq(&order.work, &next.work) {
                        intake.forget_labels();
                    }
                    order = next;
                }
            }
        }
    }

    /// Asks once, and keeps what was said.
    async fn ask(&self, intake: Intake, order: &Order, planned: i64) -> Intake {
        let asking = self.places.asking.acquire().await;
        let now = self.engine.now();
        let late = now.as_millisecond().saturating_sub(planned);
        let at = if late <= TOLERANCE { Timestamp::from_millisecond(planned).unwrap_or(now) } else { now };
        let began = Instant::now();
        let begun = match &order.work.scraper {
            Ok(scraper) => scraper.begin(&order.target).await,
            Err(why) => Err(why.clone()),
        };
        let waited = began.elapsed();
        // Only who answers takes a place of those that are read: targets that are dead keep nobody from their turn.
        let reading = self.places.reading.acquire().await;
        drop(asking);
        let began = Instant::now();
        let answer = match begun {
            Ok(begun) => begun.read(&order.target).await,
            Err(why) => Err(why),
        };
        let took = waited.saturating_add(began.elapsed());
        let (Order { target, work }, series, now) = (order.clone(), Arc::clone(&self.series), self.engine.now());
        let kept = tokio::task::spawn_blocking(move || {
            let mut intake = intake;
            let mut taken = intake.take(answer, &work.job, &target, at.as_millisecond());
            taken.samples.extend(report(&target, &taken, took, at.as_millisecond()));
            let refused = keep(&series, &taken.samples, now);
            let health = if taken.failure.is_none() { Health::Up } else { Health::Down };
            let error = taken.failure.unwrap_or_default();
            let (scraped, kept, at) = (taken.scraped, taken.kept, Some(at));
            (intake, TargetView { target, health, at, took, error, scraped, kept, refused })
        });
        let kept = kept.await;
        drop(reading);
        match kept {
            Ok((intake, view)) => {
                self.board.note(view);
                intake
            }
            Err(_) => {
                tracing::error!(url = order.target.url, "an answer could not be taken");
                Intake::default()
            }
        }
    }

    /// Ends the series of a target that is asked no more.
    fn end(&self, intake: &mut Intake, target: &Target) {
        let now = self.engine.now();
        let refused = keep(&self.series, &ends(intake, target, now.as_millisecond()), now);
        if !refused.is_empty() {
            tracing::warn!(refused, url = target.url, "the end of a target's series could not be kept");
        }
    }
}

/// Keeps samples; what of them could not be kept, in words.
fn keep(series: &Embedded, samples: &[(Labels, Point)], now: Timestamp) -> String {
    match series.append(samples, now) {
        Ok(appended) if appended.tally.refused_all() == 0 => String::new(),
        Ok(appended) => appended.to_string(),
        Err(why) => why,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A certificate that nobody has the key of any more.
    const AUTHORITY: &str = "\
-----BEGIN CERTIFICATE-----
MIIBhTCCASugAwIBAgIURtUEpIo9bzUtuQV8y9Fc6281YhowCgYIKoZIzj0EAwIw
FzEVMBMGA1UEAwwMc2hvcC5leGFtcGxlMCAXDTI2MTEyNDE4NDYyM1oYDzIxMjYx
MDMxMTg0NjIzWjAXMRUwEwYDVQQDDAxzaG9wLmV4YW1wbGUwWTATBgcqhkjOPQIB
BggqhkjOPQMBBwNCAAR0Gg/JgS6wpYjVYBNBNwc9bH8HOP4pPZ25AXVVzfWgnCge
3Hh5O/1LOuYonJJNXFtJ3w2qmHZm4kfw1VGV91PZo1MwUTAdBgNVHQ4EFgQUt8KX
z3yPjGhXp4ZtKEgxjbrfdmAwHwYDVR0jBBgwFoAUt8KXz3yPjGhXp4ZtKEgxjbrf
dmAwDwYDVR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiEA9uHCIS+pad/o
H+RrkIDuqSBal3FQvYRbq+r+kacstn4CICCgGPipfy+ZgH9QbLEkTM40lRH+7sMs
9wb+60zbfyU6
-----END CERTIFICATE-----
";

    /// The targets of a job, by their keys.
    fn wanted(job: &str) -> BTreeMap<TargetKey, Order> {
        let text = format!("scrape_configs: [ {{ job_name: shop, {job} }} ]");
        let (job, _) = connectors::scrape::check("scrape.yaml", text.as_bytes(), &BTreeMap::new()).jobs.remove(0);
        let found = find(&job, &job.targets);
        let work = Arc::new(Work { job, scraper: Err("nobody asks here".to_owned()) });
        let targets = found.into_iter().filter_map(|found| match found {
            Found::Target(target) => Some((target.key(), Order { target, work: Arc::clone(&work) })),
            _ => None,
        });
        targets.collect()
    }

    #[tokio::test]
    async fn a_target_that_is_asked_otherwise_goes_on_and_one_that_is_gone_ends() {
        let (mut running, told) = (BTreeMap::new(), std::cell::RefCell::new(Vec::new()));
        let mut follow = |job: &str| {
            change(&mut running, wanted(job), |order| {
                told.borrow_mut().push(order);
                tokio::spawn(std::future::ready(()))
            });
        };
        let state = || -> Vec<String> {
            let shown = |order: &watch::Receiver<Option<Order>>| match &*order.borrow() {
                Some(order) => format!("{} every {:?}", order.target.url, order.target.interval),
                None => "ended".to_owned(),
            };
            told.borrow().iter().map(shown).collect()
        };
        let (two, one) = ("static_configs: [{ targets: [a:1, b:1] }]", "static_configs: [{ targets: [b:1] }]");
        follow(two);
        assert_eq!(state(), ["http://a:1/metrics every 60s", "http://b:1/metrics every 60s"]);
        follow(&format!("scrape_interval: 30s, {two}"));
        assert_eq!(state(), ["http://a:1/metrics every 30s", "http://b:1/metrics every 30s"]);
        follow(&format!("metrics_path: /m, params: {{ x: [y] }}, {two}"));
        assert_eq!(state(), ["http://a:1/m?x=y every 60s", "http://b:1/m?x=y every 60s"]);
        follow("static_configs: [{ targets: [a:1, b:1], labels: { __meta_rack: r7 } }], metrics_path: /m");
        assert_eq!(state(), ["http://a:1/m every 60s", "http://b:1/m every 60s"]);
        follow(one);
        assert_eq!(state(), ["ended", "http://b:1/metrics every 60s"]);
    }

    #[test]
    fn a_certificate_that_comes_late_or_changes_is_taken_and_a_broken_one_leaves_what_was() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("ca.pem");
        let text = format!("scrape_configs: [ {{ job_name: shop, tls_config: {{ ca_file: '{}' }} }} ]", path.display());
        let (job, _) = connectors::scrape::check("scrape.yaml", text.as_bytes(), &BTreeMap::new()).jobs.remove(0);
        let mut job = Job::new(&job, Discovery::default());
        let write = |text: &str, second: u64| {
            std::fs::write(&path, text).unwrap();
            let file = std::fs::File::options().write(true).open(&path).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(second)).unwrap();
        };
        assert!(job.trouble.is_some() && job.work.scraper.is_err() && job.looked_at_every() == Some(FILES_EVERY));
        write(AUTHORITY, 1);
        job.renew();
        assert_eq!((job.trouble.as_ref(), job.work.scraper.is_ok()), (None, true));
        let before = Arc::clone(&job.work);
        job.renew();
        assert!(Arc::ptr_eq(&before, &job.work), "nothing has changed");
        write("-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n", 2);
        job.renew();
        assert!(job.trouble.is_some() && Arc::ptr_eq(&before, &job.work), "{:?}", job.trouble);
        write(AUTHORITY, 3);
        job.renew();
        assert!(job.trouble.is_none() && !Arc::ptr_eq(&before, &job.work));
    }
}
