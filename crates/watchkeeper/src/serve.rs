//! `watchkeeper serve`: wires the parts, opens the doors, and closes everything in order.

use std::io::IsTerminal as _;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use connectors::outbound::Outbound;
use connectors::scrape::Board;
use engine::patterns::PatternWatch;
use engine::records::Records;
use engine::ruler::Ruler;
use engine::sigma::SigmaWatch;
use engine::{Engine, Parts};
use governance::mask::{Masker, Policy};
use kernel::port::Clock as _;
use kernel::{Actor, Role, Seconds};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use web::letting_in::{self, INVITE_LASTS};
use web::{AppState, Stores, WebConfig};

use crate::cli::Place;
use crate::doors::Doors;
use crate::failure::Failure;
use crate::keys::Keys;
use crate::local::operator;
use crate::logs::{self, LogForm};
use crate::look::Look;
use crate::monitored::{Monitored, Watchers};
use crate::node::Node;
use crate::series::Elsewhere;
use crate::world::{SystemChance, SystemClock};
use crate::{descriptors, follow, journal, out, records, scraping, sensing, traces};

/// The scopes of programs on this machine that carry no token.
const LOCAL_SCOPES: [&str; 4] = ["alerts:write", "alerts:read", "signals:write", "signals:read"];

/// `watchkeeper serve`
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Where to listen. Alertmanager's port by default, so that a Prometheus needs no new target.
    #[arg(long, env = "WATCHKEEPER_LISTEN", default_value = "127.0.0.1:9093", value_name = "ADDRESS")]
    listen: SocketAddr,
    /// The watchbook's directory.
    #[arg(long, env = "WATCHKEEPER_WATCHBOOK", default_value = "./watchbook", value_name = "DIR")]
    watchbook: PathBuf,
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
    print_invite: bool,
    #[command(flatten)]
    doors: Doors,
    /// How log lines look.
    #[arg(long, value_enum, default_value = "text")]
    log: LogForm,
    #[command(flatten)]
    place: Place,
}

impl ServeArgs {
    /// Whether programs on this machine need no token. Where people come by another address, a proxy beside us may stand
    /// between, and then every stranger looks like a program on this machine.
    fn trusts_loopback(&self) -> bool {
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

async fn serve(args: ServeArgs, traced: bool, json: bool) -> Result<ExitCode, Failure> {
    let listener = TcpListener::bind(args.listen).await.map_err(|error| {
        Failure::new(format!("cannot listen on {}: {error}", args.listen)).hint("choose another address with --listen")
    })?;
    // The address that we really have: port 0 asks the system for a free one.
    let listens = listener.local_addr().unwrap_or(args.listen);
    let base_url = args.url.clone().unwrap_or_else(|| format!("http://{listens}")).trim_end_matches('/').to_owned();
    let seen = Look::of(&args.watchbook);
    let book = crate::book::load(&args.watchbook)?;
    let doors = args.doors.open().await?;
    let node = Node::claim(&args.place.data, &SystemChance)
        .map_err(|failure| failure.hint("stop it first, or name another directory with --data"))?;
    let monitored = Monitored::open(&args.place.data, SystemClock.now())?;
    let engine = start_engine(&args, &node, book, &base_url, monitored.metrics.clone()).await?;
    first_facts(&engine, &args).await?;
    tokio::spawn(sensing::run(engine.clone(), monitored.metrics.clone()));
    tokio::spawn(monitored.clone().tend(engine.clone()));
    tokio::spawn(follow::run(engine.clone(), args.watchbook.clone(), seen, follow::hangups()?));
    let prints_invite = args.print_invite || std::io::stdout().is_terminal();
    greet(&engine, &base_url, prints_invite, json).await?;
    let asker = connectors::sources::Asker::new().map_err(|error| Failure::new(error.to_string()))?;
    let ruler = Ruler::new(engine.clone(), monitored.series()).with_sources(Arc::new(Elsewhere(asker)));
    let ruler = Arc::new(ruler);
    let ruling = tokio::spawn(Arc::clone(&ruler).run());
    let sigma = Arc::new(SigmaWatch::new(engine.clone(), &monitored.tap));
    let watching = tokio::spawn(Arc::clone(&sigma).run());
    let patterns = Arc::new(PatternWatch::new(engine.clone(), monitored.series()));
    tokio::spawn(Arc::clone(&patterns).run(monitored.tap.watch()));
    let targets = Arc::new(Board::default());
    let scraping = scraping::run(engine.clone(), monitored.series(), Arc::clone(&targets), args.watchbook.clone());
    tokio::spawn(scraping);
    let records = reads_elsewhere(&engine)?;
    let following = tokio::spawn(Arc::clone(&records).run(monitored.followed(&engine)));
    let (ruler, sigma, targets, records) = (&ruler, &sigma, &targets, &records);
    let stores = monitored.stores(Watchers { ruler, sigma, patterns: &patterns, targets, records });
    let state = app_state(&engine, &args, base_url, &monitored, stores);
    doors.serve(&state);
    let app = web::app(state);
    // Without a collector, requests carry no layer for it.
    let app = if traced { app.layer(axum::middleware::from_fn(traces::request)) } else { app };
    let serving = web::listen::serve(listener, app, descriptors::bounds());
    tokio::select! {
        () = serving => {}
        () = told_to_stop() => tracing::info!("told to stop"),
        () = engine.stopped() => {
            let message = format!("the engine stopped: {:?}", engine.health());
            return Err(Failure::new(message).hint("another node may have taken the journal; start again to stand by"));
        }
    }
    if let Err(error) = patterns.finish().await {
        tracing::warn!(%error, "what was learned last of the patterns of logs is not kept");
    }
    engine.stop().await;
    // They keep what they remember when the engine has stopped.
    let _ = tokio::join!(watching, ruling, following);
    drop(node);
    Ok(ExitCode::SUCCESS)
}

/// What follows and searches sources of log events and spans.
fn reads_elsewhere(engine: &Engine) -> Result<Arc<Records>, Failure> {
    let reader = connectors::clickhouse::Reader::new().map_err(|error| Failure::new(error.to_string()))?;
    let masker = Arc::new(Masker::new(Policy::default()));
    Ok(Arc::new(Records::new(engine.clone()).with_reader(records::Masked::new(reader, masker))))
}

async fn start_engine(
    args: &ServeArgs,
    node: &Node,
    book: kernel::Book,
    base_url: &str,
    samples: telemetry::metrics::Store,
) -> Result<Engine, Failure> {
    let keys = Keys::of(&args.place.data, &SystemChance)?;
    let store = store::open(&args.place.database_url()).await?;
    tracing::info!(database = store.describe().await?, "journal opened");
    let clock = Arc::new(SystemClock);
    let deliver = Outbound::new(clock.clone()).map_err(|error| Failure::new(error.to_string()))?;
    let parts = Parts {
        store,
        deliver: Arc::new(deliver),
        samples: Arc::new(samples),
        clock,
        chance: Arc::new(SystemChance),
        book,
        signing_seed: keys.signing_seed,
        origin: journal::ORIGIN.into(),
        link_secret: keys.link_secret,
        base_url: base_url.to_owned(),
        holder: node.holder().to_owned(),
    };
    Ok(Engine::start(parts).await?)
}

fn app_state(engine: &Engine, args: &ServeArgs, base_url: String, monitored: &Monitored, stores: Stores) -> AppState {
    let config = WebConfig {
        cookie_secure: base_url.starts_with("https://"),
        base_url,
        trust_loopback: args.trusts_loopback(),
        version: env!("CARGO_PKG_VERSION").into(),
    };
    AppState::new(engine.clone(), config, monitored.sinks(engine), stores)
        .with_reload(follow::port(engine.clone(), args.watchbook.clone()))
}

/// What every start writes down: the version, the live watchbook, the program `local`.
async fn first_facts(engine: &Engine, args: &ServeArgs) -> Result<(), Failure> {
    let system = Actor::system("server");
    let version = env!("CARGO_PKG_VERSION").to_owned();
    engine.ask(&system, governance::Command::RecordStart { version }).await?;
    let book = engine.book();
    let source = args.watchbook.display().to_string();
    let apply = governance::Command::ApplyBook { digest: book.digest, commit: book.commit.clone(), source };
    engine.ask(&system, apply).await?;
    let local = web::doors::caller::LOCAL;
    let now = engine.now();
    // Once somebody has revoked it, it stays revoked.
    let wanted = engine.read(&system, engine::Read::of("governance:read"), |world| {
        world.governance.token(local).is_none_or(|token| token.revoked.is_none() && token.expires <= now)
    })?;
    if wanted {
        let scopes = LOCAL_SCOPES.iter().map(|scope| (*scope).into()).collect();
        let expires = Seconds(52 * 7 * 86_400).after(now);
        engine.ask(&system, governance::Command::IssueToken { name: local.into(), scopes, expires }).await?;
    }
    Ok(())
}

/// Tells where the server is, and how the first administrator gets in when nobody has a password yet. The invitation itself
/// is not for a log, so it is made only for somebody who reads it.
async fn greet(engine: &Engine, base_url: &str, prints_invite: bool, json: bool) -> Result<(), Failure> {
    let book = engine.book();
    let administrator = book.people.iter().find(|(_, person)| person.roles.contains(&Role::Administrator));
    let administrator = administrator.map(|(name, _)| name);
    let first = if anybody_has_a_password(engine)? { None } else { administrator };
    let invited = first.filter(|_| prints_invite);
    let login = match invited {
        Some(name) => format!("{base_url}{}", letting_in::invite(engine, &operator(), name, INVITE_LASTS).await?.text),
        None => format!("{base_url}/login"),
    };
    let told = match (first, administrator) {
        _ if json => json!({ "url": base_url, "login": login, "as": invited }).to_string(),
        (Some(name), _) if prints_invite => format!("Watchkeeper is at {base_url}\nLog in as {name}: {login}"),
        (Some(name), _) => format!(
            "Watchkeeper is at {base_url}\n\
             Nobody has a password yet: stop the server and run `watchkeeper invite {name}`, or start it with --print-invite"
        ),
        (None, Some(_)) => format!("Watchkeeper is at {base_url}\nLog in: {login}"),
        (None, None) => format!(
            "Watchkeeper is at {base_url}\n\
             Nobody in the watchbook is an administrator, so nobody can let others in: give somebody that role"
        ),
    };
    // The server serves whether or not anybody reads where it is.
    let _ = out::line(told);
    Ok(())
}

/// Whether anybody of the watchbook has set a password.
fn anybody_has_a_password(engine: &Engine) -> Result<bool, Failure> {
    let (book, system) = (engine.book(), Actor::system("server"));
    let has_one = engine.read(&system, engine::Read::of("governance:read"), |world| {
        book.people
            .keys()
            .any(|name| world.governance.access(name.as_str()).is_some_and(|access| access.password_set.is_some()))
    });
    Ok(has_one?)
}

/// Resolves when the process is asked to end.
pub async fn told_to_stop() {
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}
