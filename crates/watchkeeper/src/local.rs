//! Letting people and programs in: of a server that is named, or on this machine's journal directly, as its operator. The latter
//! takes the journal for a moment, so it is refused while a server holds it.

use std::process::ExitCode;
use std::sync::Arc;

use clap::{Args, Subcommand};
use engine::Engine;
use kernel::area::EventMeta as _;
use kernel::port::{Links, SampleSource};
use kernel::{Actor, Delivery, Matcher, Outcome, PersonName, Seconds, Timestamp};
use serde_json::json;
use web::letting_in;

use crate::cli::Place;
use crate::failure::{Exit, Failure};
use crate::keys::Keys;
use crate::node::Node;
use crate::remote::access;
use crate::remote::ask::{Ask, MaybeServer, SERVER, Server, Shape, show};
use crate::world::{SystemChance, SystemClock};

/// `watchkeeper token …`
#[derive(Debug, Subcommand)]
pub enum TokenVerb {
    /// List the tokens of a running server.
    List(#[command(flatten)] Server),
    /// Issue a token and print it, once.
    Issue {
        /// What the token is called; the name of the program that will use it.
        name: String,
        /// What it may do: AREA:read, AREA:write or a single action, such as alerts:write; several allowed.
        #[arg(long = "scope", required = true, value_name = "SCOPE")]
        scopes: Vec<String>,
        /// How long it works.
        #[arg(long, default_value = "52w", value_name = "DURATION")]
        lasts: Seconds,
        #[command(flatten)]
        whose: MaybeServer,
        #[command(flatten)]
        place: Place,
    },
    /// Revoke a token.
    Revoke {
        /// The token's name.
        name: String,
        #[command(flatten)]
        whose: MaybeServer,
        #[command(flatten)]
        place: Place,
    },
}

/// `watchkeeper invite …`
#[derive(Debug, Args)]
pub struct InviteArgs {
    /// The person, as the watchbook names them.
    person: PersonName,
    /// How long the link may be used.
    #[arg(long, default_value = "72h", value_name = "DURATION")]
    lasts: Seconds,
    /// The watchbook's directory.
    #[arg(long, env = "WATCHKEEPER_WATCHBOOK", default_value = "./watchbook", value_name = "DIR")]
    watchbook: std::path::PathBuf,
    /// Where people reach the server.
    #[arg(long, env = "WATCHKEEPER_URL", default_value = SERVER)]
    url: String,
    #[command(flatten)]
    whose: MaybeServer,
    #[command(flatten)]
    place: Place,
}

impl TokenVerb {
    /// What it asks of a server, when one is named.
    pub fn remote(&self) -> Option<(Ask, Server)> {
        match self {
            Self::List(server) => Some((access::tokens(), server.clone())),
            Self::Issue { name, scopes, lasts, whose, .. } => {
                whose.named().map(|server| (access::issue_token(name, scopes, *lasts), server))
            }
            Self::Revoke { name, whose, .. } => whose.named().map(|server| (access::revoke_token(name), server)),
        }
    }
}

impl InviteArgs {
    /// What it asks of a server, when one is named.
    pub fn remote(&self) -> Option<(Ask, Server)> {
        self.whose.named().map(|server| (access::invite(self.person.as_str(), self.lasts), server))
    }
}

/// `watchkeeper token …`
pub async fn token(verb: TokenVerb, json: bool) -> Result<ExitCode, Failure> {
    if let Some((ask, server)) = verb.remote() {
        return ask.run(&server, json).await;
    }
    match verb {
        TokenVerb::List(_) => {}
        TokenVerb::Issue { name, scopes, lasts, place, .. } => {
            let (engine, _node) = open(&place, kernel::Book::default()).await?;
            let scopes = scopes.into_iter().map(Into::into).collect();
            let issued = letting_in::issue_token(&engine, &operator(), &name, scopes, lasts).await?;
            engine.stop().await;
            let told = json!({ "name": name, "token": issued.text, "expires": issued.expires });
            show(&told, Shape::Field("token"), json)?;
        }
        TokenVerb::Revoke { name, place, .. } => {
            let (engine, _node) = open(&place, kernel::Book::default()).await?;
            let facts = engine.ask(&operator(), governance::Command::RevokeToken { name: name.clone().into() }).await?;
            engine.stop().await;
            let made = |fact: &engine::Fact| {
                let (kind, stream) = (fact.event.kind(), fact.event.stream());
                json!({ "seq": fact.seq.0, "kind": kind, "stream": &*stream.0, "actor": fact.actor.to_string() })
            };
            show(&json!({ "facts": facts.iter().map(made).collect::<Vec<_>>() }), Shape::Done, json)?;
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
    let issued = letting_in::issue_token(&engine, &operator(), name, scopes, Seconds::hours(24)).await?;
    engine.stop().await;
    Ok(issued.text)
}

/// `watchkeeper invite …`
pub async fn invite(args: InviteArgs, json: bool) -> Result<ExitCode, Failure> {
    if let Some((ask, server)) = args.remote() {
        return ask.run(&server, json).await;
    }
    let book = crate::book::load(&args.watchbook)?;
    if !book.people.contains_key(&args.person) {
        let message = format!("the watchbook in {} has no person {:?}", args.watchbook.display(), args.person.as_str());
        return Err(Failure::new(message).hint("add them to people.yaml").exit(Exit::Refused));
    }
    let (engine, _node) = open(&args.place, book).await?;
    let issued = letting_in::invite(&engine, &operator(), &args.person, args.lasts).await?;
    engine.stop().await;
    let url = format!("{}{}", args.url.trim_end_matches('/'), issued.text);
    show(&json!({ "url": url, "expires": issued.expires }), Shape::Field("url"), json)?;
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
        failure.hint("a running server holds the journal: repeat it with --server URL and the --token of an administrator, use the server's pages, or stop it first")
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
