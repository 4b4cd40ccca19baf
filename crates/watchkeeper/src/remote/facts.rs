//! The journal of a running server: its facts, their proofs, and what happens now.

use std::process::ExitCode;
use std::time::Duration;

use clap::Subcommand;
use serde_json::{Value, json};

use super::ask::{Ask, Server, Shape, send};
use super::operation as op;
use crate::failure::Failure;
use crate::out;
use crate::table::{Columns, Paper};

const FACT_COLUMNS: Columns =
    &[("seq", "fact"), ("at", "at"), ("kind", "what"), ("stream", "about"), ("actor", "who"), ("policy", "allowed by")];
/// How often in a row a stream that broke off is opened again.
const TRIES_MAX: u32 = 30;
/// How long to wait before it is.
const TRY_EVERY: Duration = Duration::from_secs(1);
/// The longest line of a stream, in bytes.
const LINE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The verbs of the journal that ask a running server.
#[derive(Debug, Subcommand)]
pub enum FactsVerb {
    /// List facts of a running server's journal.
    List {
        /// The first fact.
        #[arg(long)]
        from: Option<u64>,
        /// How many, at most 1000.
        #[arg(long)]
        limit: Option<u32>,
        /// Only the facts about one thing, such as incidents/INC-42.
        #[arg(long)]
        stream: Option<String>,
        #[command(flatten)]
        server: Server,
    },
    /// Show a fact of a running server's journal.
    Show {
        /// Its place in the journal.
        seq: u64,
        /// Print its proof instead, for `journal check`.
        #[arg(long)]
        proof: bool,
        #[command(flatten)]
        server: Server,
    },
    /// Print each fact as it happens.
    Follow {
        /// Begin with this fact; with the next one, when not given.
        #[arg(long)]
        from: Option<u64>,
        #[command(flatten)]
        server: Server,
    },
    /// Print the size and the root of a running server's journal.
    Head(#[command(flatten)] Server),
    /// Let a running server sign a checkpoint, to be kept elsewhere.
    Sign(#[command(flatten)] Server),
}

impl FactsVerb {
    /// What it asks, and of whom.
    pub fn ask(self) -> (Ask, Server) {
        match self {
            Self::List { from, limit, stream, server } => {
                let list = Ask::list(op::FACTS, FACT_COLUMNS, "there is no such fact");
                (list.query("from", from).query("limit", limit).query("stream", stream), server)
            }
            Self::Show { seq, proof, server } => {
                let shape = if proof { Shape::Field("proof") } else { Shape::Thing(&[]) };
                (Ask::thing(op::FACT).name(seq).shown(shape), server)
            }
            Self::Follow { from, server } => (Ask::list(op::FOLLOW, FACT_COLUMNS, "").query("from", from), server),
            Self::Head(server) => (Ask::thing(op::HEAD), server),
            Self::Sign(server) => (Ask::act(op::SIGN, json!({})).shown(Shape::Field("checkpoint")), server),
        }
    }

    /// Asks, and prints what the server said.
    pub async fn run(self, json: bool) -> Result<ExitCode, Failure> {
        let endless = matches!(self, Self::Follow { .. });
        let (ask, server) = self.ask();
        if !endless {
            return ask.run(&server, json).await;
        }
        follow(ask, &server, |fact| {
            if json { out::line(fact) } else { out::line(Paper::of_stdout().line(&fact, FACT_COLUMNS)) }
        })
        .await
    }
}

/// Shows something, and again after each fact.
pub async fn again_and_again(ask: &Ask, server: &Server, json: bool) -> Result<ExitCode, Failure> {
    let mut answer = ask.answer(server).await?;
    repaint(&answer, ask.shape, json)?;
    let mut stream = Stream::open(&Ask::list(op::FOLLOW, FACT_COLUMNS, ""), server).await?;
    while stream.next().await?.is_some() {
        // Several facts of one commit come together: one look is enough for all that are there.
        while stream.has_more() {
            stream.next().await?;
        }
        answer = ask.answer(server).await?;
        repaint(&answer, ask.shape, json)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn repaint(answer: &Value, shape: Shape, json: bool) -> Result<(), Failure> {
    if json {
        return out::line(answer);
    }
    let paper = Paper::of_stdout();
    out::print(format_args!("{}{}", paper.fresh(), paper.answer(answer, shape)))
}

/// Hands on each fact as it happens, until the server ends for good.
async fn follow(
    mut ask: Ask,
    server: &Server,
    mut each: impl FnMut(Value) -> Result<(), Failure>,
) -> Result<ExitCode, Failure> {
    let mut stream = Stream::open(&ask, server).await?;
    let mut tries = 0;
    loop {
        match stream.next().await {
            Ok(Some(fact)) => {
                tries = 0;
                if let Some(seq) = fact.get("seq").and_then(Value::as_u64) {
                    ask.query = vec![("from", (seq + 1).to_string())];
                }
                each(fact)?;
            }
            Ok(None) if tries >= TRIES_MAX => return Err(Failure::new("the server ended the stream")),
            Err(failure) if tries >= TRIES_MAX => return Err(failure),
            _ => {
                tries += 1;
                tokio::time::sleep(TRY_EVERY).await;
                stream = match Stream::open(&ask, server).await {
                    Ok(stream) => stream,
                    Err(failure) if failure.is_denied() || tries >= TRIES_MAX => return Err(failure),
                    Err(_) => continue,
                };
            }
        }
    }
}

/// Server-sent events.
struct Stream {
    answer: reqwest::Response,
    read: Vec<u8>,
}

impl Stream {
    async fn open(ask: &Ask, server: &Server) -> Result<Self, Failure> {
        Ok(Self { answer: send(ask.request(server)?, server).await?, read: Vec::new() })
    }

    /// Whether another event was read already.
    fn has_more(&self) -> bool {
        self.read.starts_with(b"data:") || self.read.windows(6).any(|six| six == b"\ndata:")
    }

    /// The data of the next event; nothing when the server ends.
    async fn next(&mut self) -> Result<Option<Value>, Failure> {
        loop {
            while let Some(end) = self.read.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.read.drain(..=end).collect();
                if let Some(data) = line.strip_prefix(b"data:") {
                    let fact = serde_json::from_slice(data);
                    return fact.map(Some).map_err(|error| Failure::new(format!("the server sent no fact: {error}")));
                }
            }
            if self.read.len() > LINE_BYTES_MAX {
                return Err(Failure::new("the server sends a line without an end"));
            }
            match self.answer.chunk().await {
                Ok(Some(chunk)) => self.read.extend_from_slice(&chunk),
                Ok(None) => return Ok(None),
                Err(error) => return Err(Failure::new(format!("the stream broke off: {error}"))),
            }
        }
    }
}
