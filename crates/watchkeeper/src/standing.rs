//! Standing by: this node follows the journal that another one writes, answers that it does, and takes over as soon as the lease
//! is free or over.

use std::sync::Arc;
use std::time::Duration;

use engine::limits::LEASE_TRY;
use engine::ruler::Ruler;
use engine::{Candidate, Engine, Tenure, World};
use kernel::nodes::Lease;
use kernel::port::{Clock, StoreFailure};
use serde_json::json;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;
use web::standby::Standing;

use crate::failure::Failure;
use crate::out;
use crate::series::Elsewhere;
use crate::serve::Site;
use crate::world::SystemClock;

/// After how many tries it is asked again where people reach the leader, while that is not known.
const LOOK_AGAIN: u32 = 10;

/// How often a node that stands by looks whether its watchbook has changed.
const LOOK_AFTER: Duration = Duration::from_secs(1);

/// How long rules may take to end when this node takes over.
const RULES_END_WITHIN: Duration = Duration::from_millis(500);

/// An engine that follows the journal, and the rules that are evaluated beside it.
struct Following {
    engine: Engine,
    ruling: JoinHandle<()>,
}

/// A node that waits for its turn.
pub struct Waiting<'a> {
    site: &'a Arc<Site>,
    /// Who leads, as it was told last.
    told: Option<String>,
    /// Counts the tries to take the journal.
    looks: u32,
    follower: Option<JoinHandle<Result<Following, StoreFailure>>>,
}

impl<'a> Waiting<'a> {
    /// A node that has not tried yet.
    pub fn new(site: &'a Arc<Site>) -> Self {
        Self { site, told: None, looks: 0, follower: None }
    }

    /// Waits until this node holds the journal, and gives the world as far as it was folded already; `None` when the process is
    /// to end before that.
    ///
    /// # Errors
    /// When another node holds a journal that only one may use, or the store fails before it was ever read.
    pub async fn wait(mut self) -> Result<Option<(Arc<Tenure>, Option<World>)>, Failure> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let mut candidate = Candidate::default();
        let tenure = loop {
            match candidate.attempt(&self.site.store, &clock, self.site.node.holder()).await {
                Ok(Ok(tenure)) => break tenure,
                Ok(Err(Some(lease))) => self.stand(&lease).await?,
                Ok(Err(None)) => {
                    let failure = Failure::new("another watchkeeper holds this journal");
                    return Err(failure.hint("stop it first: two nodes share a PostgreSQL, not a file"));
                }
                Err(failure) if !self.site.is_served() => return Err(failure.into()),
                Err(failure) => self.site.shown.write().trouble = Some(failure.to_string()),
            }
            tokio::select! {
                () = tokio::time::sleep(LEASE_TRY) => {}
                () = self.site.stop.cancelled() => {
                    self.end_following().await;
                    return Ok(None);
                }
            }
        };
        tracing::info!("this node has taken the journal");
        let warm = self.end_following().await;
        Ok(Some((tenure, warm)))
    }

    /// Answers as a node that stands by, says who leads when that has changed, and follows the journal.
    async fn stand(&mut self, lease: &Lease) -> Result<(), Failure> {
        let site = self.site;
        if self.told.as_ref() != Some(&lease.holder) {
            let url = self.url_of(&lease.holder).await;
            tracing::info!(leader = lease.holder, url, "standing by: another node writes the journal");
            *site.shown.write() = Standing { node: lease.holder.clone(), url, ..Standing::default() };
            site.show_standing();
            if self.told.is_none() && !site.is_served() {
                greet(site, &lease.holder);
            }
            site.serve();
            self.told = Some(lease.holder.clone());
        }
        {
            let mut shown = site.shown.write();
            (shown.until, shown.trouble) = (Some(lease.until), None);
        }
        let unknown = site.shown.read().url.is_none();
        if unknown && self.looks.is_multiple_of(LOOK_AGAIN) {
            let url = self.url_of(&lease.holder).await;
            site.shown.write().url = url;
        }
        self.looks = self.looks.wrapping_add(1);
        if self.follower.is_none() {
            let (parts, site) = (site.parts()?, Arc::clone(site));
            self.follower = Some(tokio::spawn(async move { follow(&site, Engine::follow(parts).await?) }));
        }
        Ok(())
    }

    async fn url_of(&self, holder: &str) -> Option<String> {
        let nodes = self.site.store.nodes()?.present().await.unwrap_or_default();
        nodes.into_iter().find(|node| node.name == holder).map(|node| node.url)
    }

    async fn end_following(&mut self) -> Option<World> {
        let follower = self.follower.take()?;
        if !follower.is_finished() {
            follower.abort();
        }
        let Following { engine, ruling } = follower.await.ok()?.ok()?;
        engine.end_following();
        // While rules are evaluated the world must stay; who waits too long for their end folds it anew.
        tokio::time::timeout(RULES_END_WITHIN, ruling).await.ok()?.ok()?;
        Some(engine.hand_over())
    }
}

/// Lets a node that follows the journal evaluate its share of the rules over a source.
fn follow(site: &Arc<Site>, engine: Engine) -> Result<Following, StoreFailure> {
    let asker = connectors::sources::Asker::new()
        .map_err(|error| StoreFailure::Unavailable { doing: "opened", cause: error.to_string() })?;
    let ruler = Ruler::new(engine.clone(), site.monitored.series()).with_sources(Arc::new(Elsewhere(asker)));
    let ruler = Arc::new(ruler);
    let ruling = tokio::spawn(Arc::clone(&ruler).run());
    tokio::spawn(site.monitored.clone().tend(engine.clone()));
    tokio::spawn(look_after(Arc::clone(site), engine.clone(), ruler));
    Ok(Following { engine, ruling })
}

/// Follows the watchbook's files, and tells how many groups are evaluated here, until this node stands by no more.
async fn look_after(site: Arc<Site>, engine: Engine, ruler: Arc<Ruler>) {
    let mut ticks = tokio::time::interval(LOOK_AFTER);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = engine.stopped() => return,
        }
        let reader = Arc::clone(&site);
        if tokio::task::spawn_blocking(move || reader.refresh_book()).await.is_ok() {
            let book = site.book().1;
            if book.digest != engine.book().digest {
                engine.adopt_book(book);
            }
        }
        site.shown.write().shards = ruler.shards_held();
    }
}

/// Tells where this node is, and that it stands by.
fn greet(site: &Site, leader: &str) {
    let url = &site.base_url;
    let told = match site.json {
        true => json!({ "url": url, "standing_by": leader }).to_string(),
        false => format!("Watchkeeper is at {url}\nStanding by: {leader} writes the journal"),
    };
    // It stands by whether or not anybody reads that.
    let _ = out::line(told);
}
