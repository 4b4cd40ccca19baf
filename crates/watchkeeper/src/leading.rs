//! A node that writes the journal: its engine, whatever feeds it, and what people and programs reach. It ends when the process is
//! told to, or when another node has taken the journal.

use std::io::IsTerminal as _;
use std::sync::Arc;
use std::time::Duration;

use connectors::scrape::Board;
use engine::patterns::PatternWatch;
use engine::records::Records;
use engine::ruler::Ruler;
use engine::sigma::SigmaWatch;
use engine::{Engine, Health, Tenure, World};
use governance::mask::{Masker, Policy};
use kernel::{Actor, Role, Seconds};
use serde_json::json;
use tokio::task::JoinSet;
use web::letting_in::{self, INVITE_LASTS};
use web::{AppState, Stores, WebConfig};

use crate::failure::Failure;
use crate::local::operator;
use crate::monitored::Watchers;
use crate::series::Elsewhere;
use crate::serve::{ServeArgs, Site};
use crate::{follow, out, records, scraping, sensing, traces};

/// The scopes of programs on this machine that carry no token.
const LOCAL_SCOPES: [&str; 4] = ["alerts:write", "alerts:read", "signals:write", "signals:read"];
/// How long what feeds an engine may take to end after it.
const END_WITHIN: Duration = Duration::from_secs(10);

/// How long a node that could not lead leaves the journal to others.
const PAUSE: Duration = Duration::from_secs(1);

/// Why a node leads no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The process is to end.
    Told,
    /// Another node has the journal.
    Lost,
}

/// Whatever feeds an engine, each in a task of its own.
struct Feeders {
    tasks: JoinSet<()>,
    patterns: Arc<PatternWatch>,
}

/// Leads until the process is told to stop or another node has taken the journal.
///
/// # Errors
/// When a part cannot start.
pub async fn lead(site: &Site, tenure: Arc<Tenure>, warm: Option<World>) -> Result<Ended, Failure> {
    site.refresh_book();
    let engine = match begin(site, tenure, warm).await {
        Ok(engine) => engine,
        Err(failure) if site.is_served() => {
            tracing::error!("this node cannot lead, and stands by: {failure:?}");
            tokio::time::sleep(PAUSE).await;
            return Ok(Ended::Lost);
        }
        Err(failure) => return Err(failure),
    };
    let prints_invite = site.args.print_invite || std::io::stdout().is_terminal();
    let feeders = Feeders::start(site, &engine)?;
    greet(&engine, &site.base_url, prints_invite, site.json).await?;
    site.serve();
    let ended = tokio::select! {
        () = site.stop.cancelled() => Ended::Told,
        () = engine.stopped() => Ended::Lost,
    };
    if ended == Ended::Lost {
        site.show_standing();
        if !matches!(engine.health(), Health::Fenced { .. }) {
            let message = format!("the engine stopped: {:?}", engine.health());
            return Err(Failure::new(message).hint("start it again, and report what its log says"));
        }
    }
    feeders.end(&engine, ended).await;
    Ok(ended)
}

/// Starts the engine, and writes what every start writes. When that fails the journal is given up.
async fn begin(site: &Site, tenure: Arc<Tenure>, warm: Option<World>) -> Result<Engine, Failure> {
    let engine = Engine::lead(site.parts()?, tenure, warm).await?;
    if let Err(failure) = first_facts(&engine, &site.args).await {
        engine.stop().await;
        return Err(failure);
    }
    Ok(engine)
}

impl Feeders {
    fn start(site: &Site, engine: &Engine) -> Result<Self, Failure> {
        let (monitored, watchbook, mut tasks) = (&site.monitored, &site.args.watchbook, JoinSet::new());
        tasks.spawn(sensing::run(engine.clone(), monitored.metrics.clone()));
        tasks.spawn(monitored.clone().tend(engine.clone()));
        tasks.spawn(follow::run(engine.clone(), watchbook.clone(), site.book().0, follow::hangups()?));
        let asker = connectors::sources::Asker::new().map_err(|error| Failure::new(error.to_string()))?;
        let ruler = Ruler::new(engine.clone(), monitored.series()).with_sources(Arc::new(Elsewhere(asker)));
        let ruler = Arc::new(ruler);
        tasks.spawn(Arc::clone(&ruler).run());
        let sigma = Arc::new(SigmaWatch::new(engine.clone(), &monitored.tap));
        tasks.spawn(Arc::clone(&sigma).run());
        let patterns = Arc::new(PatternWatch::new(engine.clone(), monitored.series()));
        tasks.spawn(Arc::clone(&patterns).run(monitored.tap.watch()));
        let targets = Arc::new(Board::default());
        tasks.spawn(scraping::run(engine.clone(), monitored.series(), Arc::clone(&targets), watchbook.clone()));
        let records = reads_elsewhere(engine)?;
        tasks.spawn(Arc::clone(&records).run(monitored.followed(engine)));
        let (ruler, sigma, targets, records) = (&ruler, &sigma, &targets, &records);
        let stores = monitored.stores(Watchers { ruler, sigma, patterns: &patterns, targets, records });
        let state = app_state(site, engine, stores);
        site.doors.serve(&state, &mut tasks);
        let app = web::app(state);
        // Without a collector, requests carry no layer for it.
        let app = if site.traced { app.layer(axum::middleware::from_fn(traces::request)) } else { app };
        site.front.show(app);
        Ok(Self { tasks, patterns })
    }

    /// Ends the engine, and whatever feeds it. What was learned is kept, except when another node keeps its own by now.
    async fn end(mut self, engine: &Engine, ended: Ended) {
        if ended == Ended::Told
            && let Err(error) = self.patterns.finish().await
        {
            tracing::warn!(%error, "what was learned last of the patterns of logs is not kept");
        }
        engine.stop().await;
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(END_WITHIN, all).await.is_err() {
            tracing::warn!("some of what fed the engine did not end by itself");
            self.tasks.abort_all();
        }
    }
}

/// What follows and searches sources of log events and spans.
fn reads_elsewhere(engine: &Engine) -> Result<Arc<Records>, Failure> {
    let reader = connectors::clickhouse::Reader::new().map_err(|error| Failure::new(error.to_string()))?;
    let masker = Arc::new(Masker::new(Policy::default()));
    Ok(Arc::new(Records::new(engine.clone()).with_reader(records::Masked::new(reader, masker))))
}

fn app_state(site: &Site, engine: &Engine, stores: Stores) -> AppState {
    let config = WebConfig {
        cookie_secure: site.base_url.starts_with("https://"),
        base_url: site.base_url.clone(),
        trust_loopback: site.args.trusts_loopback(),
        version: env!("CARGO_PKG_VERSION").into(),
    };
    AppState::new(engine.clone(), config, site.monitored.sinks(engine), stores)
        .with_reload(follow::port(engine.clone(), site.args.watchbook.clone()))
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
