//! `watchkeeper serve`: opens what a node needs, and lets it stand by and lead in turn until it is told to stop.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use connectors::outbound::Outbound;
use engine::Parts;
use kernel::Book;
use kernel::port::{Clock as _, JournalStore};
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use web::standby::{self, Front, Shown};

use crate::cli::Place;
use crate::doors::{Doors, Open};
use crate::failure::Failure;
use crate::keeping::Keeping;
use crate::keys::Keys;
use crate::leading::{self, Ended};
use crate::logs::{self, LogForm};
use crate::look::Look;
use crate::monitored::Monitored;
use crate::node::Node;
use crate::standing::Waiting;
use crate::world::{SystemChance, SystemClock};
use crate::{descriptors, journal};

/// How often a node says that it is there, to others that share its database.
const PRESENCE_EVERY: Duration = Duration::from_secs(1);
/// How long it counts as there after it said so.
const PRESENCE: Duration = Duration::from_secs(4);

/// `watchkeeper serve`
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Where to listen. Alertmanager's port by default, so that a Prometheus needs no new target.
    #[arg(long, env = "WATCHKEEPER_LISTEN", default_value = "127.0.0.1:9093", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// The watchbook's directory.
    #[arg(long, env = "WATCHKEEPER_WATCHBOOK", default_value = "./watchbook", value_name = "DIR")]
    pub watchbook: PathBuf,
    /// Where people reach this server, for links in messages; http://ADDRESS when not given.
    #[arg(long, env = "WATCHKEEPER_URL", value_name = "URL")]
    url: Option<String>,
    /// Ask programs on this machine for a token as well. Without this, a Prometheus beside us needs none.
    #[arg(long, env = "WATCHKEEPER_DISTRUST_LOOPBACK")]
    distrust_loopback: bool,
    /// Ask them for none although --url leads elsewhere. Only where no proxy on this machine passes strangers on to us.
    #[arg(long, env = "WATCHKEEPER_TRUST_LOOPBACK", conflicts_with = "distrust_loopback")]
    trust_loopback: bool,
    /// Print the first administrator's invitation even when standard output is no terminal: whoever reads it gets in.
    #[arg(long, env = "WATCHKEEPER_PRINT_INVITE")]
    pub print_invite: bool,
    #[command(flatten)]
    doors: Doors,
    #[command(flatten)]
    keeping: Keeping,
    /// How log lines look.
    #[arg(long, value_enum, default_value = "text")]
    log: LogForm,
    #[command(flatten)]
    place: Place,
}

impl ServeArgs {
    /// Whether programs on this machine need no token. Where people come by another address, a proxy beside us may stand
    /// between, and then every stranger looks like a program on this machine.
    pub fn trusts_loopback(&self) -> bool {
        let host = |url: &String| reqwest::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
        let is_here = |host: String| {
            let host = host.trim_matches(['[', ']']);
            host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
        };
        self.trust_loopback
            || !self.distrust_loopback && self.url.as_ref().is_none_or(|url| host(url).is_some_and(is_here))
    }
}

/// Runs the server until it is told to stop, and sends the last of its traces.
///
/// # Errors
/// When a part cannot start; then nothing was opened.
pub async fn run(args: ServeArgs, json: bool) -> Result<ExitCode, Failure> {
    let traces = logs::start(if json { LogForm::Json } else { args.log });
    let ended = serve(args, traces.is_some(), json).await;
    if let Some(traces) = traces {
        traces.flush().await;
    }
    ended
}

/// What a node is made of, whether it leads or stands by.
pub struct Site {
    /// How it was started.
    pub args: ServeArgs,
    /// Whether people read JSON on its standard output.
    pub json: bool,
    /// Whether requests are traced.
    pub traced: bool,
    /// Where people reach it.
    pub base_url: String,
    /// Its claim and its name.
    pub node: Node,
    /// The journal.
    pub store: Arc<dyn JournalStore>,
    /// What is answered at the moment.
    pub front: Front,
    /// The listeners beside the main one.
    pub doors: Open,
    /// Who leads, while this node stands by.
    pub shown: Shown,
    /// Its monitoring data.
    pub monitored: Monitored,
    /// Cancelled when the process is to end.
    pub stop: CancellationToken,
    /// The last good watchbook, and how its files looked before it was read.
    book: Mutex<(Look, Book)>,
    keys: Keys,
    /// The main listener, until it is served.
    listener: Mutex<Option<TcpListener>>,
}

impl Site {
    async fn open(args: ServeArgs, traced: bool, json: bool) -> Result<Self, Failure> {
        let listener = TcpListener::bind(args.listen).await.map_err(|error| {
            let failure = Failure::new(format!("cannot listen on {}: {error}", args.listen));
            failure.hint("choose another address with --listen")
        })?;
        // The address that we really have: port 0 asks the system for a free one.
        let listens = listener.local_addr().unwrap_or(args.listen);
        let base_url = args.url.clone().unwrap_or_else(|| format!("http://{listens}")).trim_end_matches('/').to_owned();
        let seen = Look::of(&args.watchbook);
        let book = Mutex::new((seen, crate::book::load(&args.watchbook)?));
        let shown = Shown::default();
        let front = Front::of(standby::app(Arc::clone(&shown), base_url.starts_with("https://")));
        let doors = args.doors.open().await?;
        let node = Node::claim(&args.place.data, &SystemChance)
            .map_err(|failure| failure.hint("stop it first, or name another directory with --data"))?;
        let monitored = Monitored::open(&args.place.data, &args.keeping, SystemClock.now())?;
        tracing::info!(kept = %args.keeping, "monitoring data");
        let keys = Keys::of(&args.place.data, &SystemChance)?;
        let store = store::open(&args.place.database_url()).await?;
        tracing::info!(database = store.describe().await?, "journal opened");
        let (stop, listener) = (CancellationToken::new(), Mutex::new(Some(listener)));
        Ok(Self {
            args,
            json,
            traced,
            base_url,
            node,
            store,
            front,
            doors,
            shown,
            monitored,
            stop,
            book,
            keys,
            listener,
        })
    }

    /// Serves the main listener from now on, with whatever the front shows.
    pub fn serve(&self) {
        if let Some(listener) = self.listener.lock().take() {
            tokio::spawn(web::listen::serve(listener, self.front.app(), descriptors::bounds()));
        }
    }

    /// Whether the main listener is served.
    pub fn is_served(&self) -> bool {
        self.listener.lock().is_none()
    }

    /// Answers as a node that stands by.
    pub fn show_standing(&self) {
        let app = || standby::app(Arc::clone(&self.shown), self.base_url.starts_with("https://"));
        self.front.show(app());
        self.doors.show(&app());
    }

    /// Reads the watchbook again where its files have changed. One that is not good does not replace a good one; whoever
    /// leads reads it again and says what is wrong.
    pub fn refresh_book(&self) {
        let seen = Look::of(&self.args.watchbook);
        if self.book.lock().0 == seen {
            return;
        }
        match crate::book::load(&self.args.watchbook) {
            Ok(book) => *self.book.lock() = (seen, book),
            Err(failure) => tracing::error!("the changed watchbook is not good; the last good one stays: {failure:?}"),
        }
    }

    /// The last good watchbook, and how its files looked before it was read.
    pub fn book(&self) -> (Look, Book) {
        self.book.lock().clone()
    }

    /// What an engine of this node is made of.
    ///
    /// # Errors
    /// When nothing can be sent from here.
    pub fn parts(&self) -> Result<Parts, Failure> {
        let clock = Arc::new(SystemClock);
        let deliver = Outbound::new(clock.clone()).map_err(|error| Failure::new(error.to_string()))?;
        Ok(Parts {
            store: Arc::clone(&self.store),
            deliver: Arc::new(deliver),
            samples: Arc::new(self.monitored.metrics.clone()),
            clock,
            chance: Arc::new(SystemChance),
            book: self.book().1,
            signing_seed: self.keys.signing_seed,
            origin: journal::ORIGIN.into(),
            link_secret: self.keys.link_secret,
            base_url: self.base_url.clone(),
            holder: self.node.holder().to_owned(),
        })
    }

    /// Says that this node is there, until the process ends.
    async fn announce(self: Arc<Self>) {
        let mut ticks = tokio::time::interval(PRESENCE_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while let Some(nodes) = self.store.nodes() {
            tokio::select! {
                _ = ticks.tick() => {}
                () = self.stop.cancelled() => return,
            }
            let (name, url, book) = (self.node.holder().to_owned(), self.base_url.clone(), self.book.lock().1.digest);
            if let Err(failure) = nodes.announce(&kernel::nodes::Node { name, url, book }, PRESENCE).await {
                tracing::debug!(%failure, "this node could not say that it is there");
            }
        }
    }
}

async fn serve(args: ServeArgs, traced: bool, json: bool) -> Result<ExitCode, Failure> {
    let site = Arc::new(Site::open(args, traced, json).await?);
    let stop = site.stop.clone();
    tokio::spawn(async move {
        told_to_stop().await;
        tracing::info!("told to stop");
        stop.cancel();
    });
    tokio::spawn(Arc::clone(&site).announce());
    while let Some((tenure, warm)) = Waiting::new(&site).wait().await? {
        match leading::lead(&site, tenure, warm).await? {
            Ended::Told => break,
            Ended::Lost => {
                tracing::error!("another node has taken the journal: this one writes no more, and stands by")
            }
        }
    }
    if let Some(nodes) = site.store.nodes()
        && let Err(failure) = nodes.leave(site.node.holder()).await
    {
        tracing::warn!(%failure, "the other nodes could not be told that this one leaves");
    }
    Ok(ExitCode::SUCCESS)
}

/// Resolves when the process is asked to end.
pub async fn told_to_stop() {
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
