//! Verbs that act on this machine's journal directly, as its operator: letting people and programs in. They take the journal
//! for a moment, so they are refused while a server holds it; then the pages and the API do the same.

use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Subcommand};
use engine::Engine;
use kernel::port::{Links, SampleSource};
use kernel::{Actor, Delivery, Matcher, Outcome, PersonName, Seconds, Timestamp};

use crate::cli::Place;
use crate::failure::{Exit, Failure};
use crate::keys::Keys;
use crate::node::Node;
use crate::world::{SystemChance, SystemClock};

/// How long an invitation link may be used.
pub const INVITE_LASTS: Seconds = Seconds::hours(72);

/// `watchkeeper token …`
#[derive(Debug, Subcommand)]
pub enum TokenVerb {
    /// Issue a token and print it, once.
    Issue {
        /// What the token is called; the name of the program that will use it.
        name: String,
        /// What it may do, such as alerts:write; several allowed.
        #[arg(long = "scope", required = true, value_name = "SCOPE")]
        scopes: Vec<String>,
        /// How long it works.
        #[arg(long, default_value = "52w", value_name = "DURATION")]
        lasts: Seconds,
        #[command(flatten)]
        place: Place,
    },
    /// Revoke a token.
    Revoke {
        /// The token's name.
        name: String,
        #[command(flatten)]
        place: Place,
    },
}

/// `watchkeeper invite …`
#[derive(Debug, Args)]
pub struct InviteArgs {
    /// The person, as the watchbook names them.
    person: PersonName,
    /// The watchbook's directory.
    #[arg(long, env = "WATCHKEEPER_WATCHBOOK", default_value = "./watchbook", value_name = "DIR")]
    watchbook: std::path::PathBuf,
    /// Where people reach the server.
    #[arg(long, env = "WATCHKEEPER_URL", default_value = "http://127.0.0.1:9093")]
    url: String,
    #[command(flatten)]
    place: Place,
}

/// `watchkeeper token …`
pub async fn token(verb: TokenVerb) -> Result<ExitCode, Failure> {
    match verb {
        TokenVerb::Issue { name, scopes, lasts, place } => {
            let (engine, _node) = open(&place, kernel::Book::default()).await?;
            let scopes = scopes.into_iter().map(Into::into).collect();
            let text = crate::api::issue_token(&engine, &operator(), &name, scopes, lasts).await?;
            engine.stop().await;
            println!("{text}");
        }
        TokenVerb::Revoke { name, place } => {
            let (engine, _node) = open(&place, kernel::Book::default()).await?;
            engine.ask(&operator(), governance::Command::RevokeToken { name: name.clone().into() }).await?;
            engine.stop().await;
            println!("token {name} is revoked");
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Issues a token under a name, in place of the one that had it.
///
/// # Errors
/// When the journal is held by a server, or the token is refused.
pub async fn fresh_token(place: &Place, name: &str, scopes: &[&str]) -> Result<String, Failure> {
    let (engine, _node) = open(place, kernel::Book::default()).await?;
    let revoked = engine.ask(&operator(), governance::Command::RevokeToken { name: name.into() }).await;
    match revoked {
        // There was none to revoke.
        Ok(_) | Err(engine::Error::Refused(_)) => {}
        Err(error) => return Err(error.into()),
    }
    let scopes = scopes.iter().map(|scope| (*scope).into()).collect();
    let token = crate::api::issue_token(&engine, &operator(), name, scopes, Seconds::hours(24)).await?;
    engine.stop().await;
    Ok(token)
}

/// `watchkeeper invite …`
pub async fn invite(args: InviteArgs) -> Result<ExitCode, Failure> {
    let book = crate::book::load(&args.watchbook)?;
    if !book.people.contains_key(&args.person) {
        let message = format!("the watchbook in {} has no person {:?}", args.watchbook.display(), args.person.as_str());
        return Err(Failure::new(message).exit(Exit::Refused));
    }
    let (engine, _node) = open(&args.place, book).await?;
    let path = crate::api::invite(&engine, &operator(), &args.person, INVITE_LASTS).await?;
    engine.stop().await;
    println!("{}{path}", args.url.trim_end_matches('/'));
    Ok(ExitCode::SUCCESS)
}

/// Whoever can read the data directory is its operator.
#[must_use]
pub fn operator() -> Actor {
    Actor::system("operator")
}

/// Takes this machine's journal for a moment, with no doors and no deliveries.
async fn open(place: &Place, book: kernel::Book) -> Result<(Engine, Node), Failure> {
    let held = |failure: Failure| {
        failure.hint("a running server holds the journal: use its pages or its API, or stop it first")
    };
    let node = Node::claim(&place.data, &SystemChance).map_err(held)?;
    let keys = Keys::of(&place.data, &SystemChance)?;
    let store = store::open(&place.database_url()).await?;
    let parts = engine::Parts {
        store,
        deliver: Arc::new(NoDeliveries),
        samples: Arc::new(NoSamples),
        clock: Arc::new(SystemClock),
        chance: Arc::new(SystemChance),
        book,
        signing_seed: keys.signing_seed,
        origin: crate::journal::ORIGIN.into(),
        link_secret: keys.link_secret,
        base_url: String::new(),
        holder: node.holder().to_owned(),
    };
    let engine = Engine::start(parts).await.map_err(|failure| held(failure.into()))?;
    Ok((engine, node))
}

/// Performs nothing: a moment is too short for deliveries, the server will make them.
struct NoDeliveries;

#[async_trait::async_trait]
impl kernel::port::Deliver for NoDeliveries {
    async fn deliver(&self, _: &Delivery, _: &kernel::book::Channel, _: &Links) -> Outcome {
        std::future::pending().await
    }
}

/// Has no samples.
struct NoSamples;

impl SampleSource for NoSamples {
    fn windows(&self, _: &str, _: &[Matcher], _: Timestamp, _: Timestamp) -> Vec<kernel::sample::Window> {
        Vec::new()
    }
}
