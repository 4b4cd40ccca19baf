//! Verbs about the journal on this machine: verify it, prove a fact, seal it, export it. They read beside a running server and
//! change nothing, except that sealing asks the server's key to sign. What asks the server itself is in `remote::facts`.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Subcommand;
use governance::tlog::checkpoint::Checkpoint;
use governance::tlog::merkle::{Hash, Tree, verify_consistency};
use governance::tlog::note::{self, Verifier};
use governance::tlog::proof::{Policy, TlogProof};
use kernel::Digest;
use kernel::port::{JournalStore, StoreFailure};
use kernel::record::{Body, Record};
use serde_json::json;

use crate::cli::Place;
use crate::failure::{Exit, Failure};
use crate::keys::Keys;
use crate::out::{self, unprinted};
use crate::remote::facts::FactsVerb;
use crate::walk;
use crate::world::SystemChance;

/// The journal's name in its checkpoints.
pub const ORIGIN: &str = "watchkeeper.local/journal";

/// `watchkeeper journal …`
#[derive(Debug, Subcommand)]
pub enum JournalVerb {
    /// Read every fact, hash it again, and check the order, the tree and, when given, an older checkpoint.
    Verify {
        /// A signed checkpoint that was kept elsewhere: the journal must still contain everything it covers.
        #[arg(long, value_name = "FILE")]
        checkpoint: Option<PathBuf>,
        #[command(flatten)]
        place: Place,
    },
    /// Sign the size and the root of the journal as it is now, to be kept elsewhere.
    Checkpoint {
        #[command(flatten)]
        place: Place,
    },
    /// Print the proof of one fact, which anybody can check offline.
    Prove {
        /// The fact's place in the journal.
        seq: u64,
        #[command(flatten)]
        place: Place,
    },
    /// Check a proof offline, with the log's public key and the fact's exported line.
    Check {
        /// The proof.
        proof: PathBuf,
        /// The fact's leaf, in hexadecimal.
        #[arg(long)]
        leaf: Digest,
        /// The log's public key, as `journal checkpoint` prints it.
        #[arg(long)]
        key: String,
    },
    /// Print every fact as one line of JSON.
    Export {
        /// The first fact.
        #[arg(long, default_value_t = 0)]
        from: u64,
        #[command(flatten)]
        place: Place,
    },
    #[command(flatten)]
    Remote(FactsVerb),
}

/// `watchkeeper journal …`
pub async fn run(verb: JournalVerb, json: bool) -> Result<ExitCode, Failure> {
    match verb {
        JournalVerb::Remote(verb) => verb.run(json).await,
        JournalVerb::Verify { checkpoint, place } => verify(&place, checkpoint, json).await,
        JournalVerb::Checkpoint { place } => seal(&place, json).await,
        JournalVerb::Prove { seq, place } => prove(&place, seq, json).await,
        JournalVerb::Check { proof, leaf, key } => check(&proof, &leaf, &key, json),
        JournalVerb::Export { from, place } => export(&place, from).await,
    }
}

/// What reading the whole journal finds.
struct Walk {
    tree: Tree,
    leaves: Vec<Hash>,
}

async fn open(place: &Place) -> Result<Arc<dyn JournalStore>, Failure> {
    let url = place.database_url();
    if let Some(path) = url.strip_prefix("sqlite:").filter(|path| !std::path::Path::new(path).exists()) {
        let hint = "name the data directory with --data, or the database with --database";
        return Err(Failure::new(format!("there is no journal at {path}")).hint(hint));
    }
    Ok(store::open(&url).await?)
}

async fn grow(store: &Arc<dyn JournalStore>, keep_leaves: bool) -> Result<Walk, StoreFailure> {
    let mut walked = Walk { tree: Tree::default(), leaves: Vec::new() };
    walk::walk(store, |leaf, _| {
        walked.tree.push(leaf);
        if keep_leaves {
            walked.leaves.push(leaf);
        }
        Ok(())
    })
    .await?;
    Ok(walked)
}

async fn verify(place: &Place, checkpoint: Option<PathBuf>, json: bool) -> Result<ExitCode, Failure> {
    let store = open(place).await?;
    let started = std::time::Instant::now();
    let walked = match grow(&store, checkpoint.is_some()).await {
        Ok(walked) => walked,
        Err(failure @ StoreFailure::Damaged { .. }) => return Err(Failure::from(failure).exit(Exit::Unsound)),
        Err(failure) => return Err(failure.into()),
    };
    let seconds = started.elapsed().as_secs_f64().max(1e-9);
    let (size, root) = (walked.tree.size(), Digest(walked.tree.root()));
    if let Some(path) = &checkpoint {
        extends(place, &walked, path)?;
    }
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = size as f64 / seconds;
    if json {
        out::line(format_args!(
            "{:#}",
            json!({ "verified": true, "facts": size, "root": root, "facts_per_second": rate })
        ))?;
    } else {
        out::line(format_args!("{size} facts, whole and in order; root {root}"))?;
        out::line(format_args!("verified in {seconds:.2} s ({rate:.0} facts/s)"))?;
        if checkpoint.is_some() {
            out::line("the journal still contains everything that the checkpoint covers")?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Checks that the journal as it is contains what an older checkpoint covers.
fn extends(place: &Place, walked: &Walk, path: &std::path::Path) -> Result<(), Failure> {
    let unsound = |message: String| Failure::new(message).exit(Exit::Unsound);
    let text = std::fs::read_to_string(path).map_err(|error| Failure::file("read", path, &error))?;
    let keys = Keys::of(&place.data, &SystemChance)?;
    let log = note::verifier_of(ORIGIN, &keys.signing_seed);
    let (old, _) = Checkpoint::open(&text, &log).map_err(|error| unsound(format!("{}: {error}", path.display())))?;
    let size = walked.tree.size();
    if old.size > size {
        return Err(unsound(format!(
            "the checkpoint covers {} facts, but the journal has {size}: some are gone",
            old.size
        )));
    }
    if old.size == 0 {
        return Ok(());
    }
    let leaf = |at: u64| usize::try_from(at).ok().and_then(|at| walked.leaves.get(at)).copied();
    let proof = walked.tree.consistency(old.size, size, &leaf).map_err(|error| unsound(error.to_string()))?;
    verify_consistency(old.size, size, &proof, &old.root, &walked.tree.root())
        .map_err(|_| unsound("the journal was changed after the checkpoint was signed".to_owned()))
}

async fn seal(place: &Place, json: bool) -> Result<ExitCode, Failure> {
    let store = open(place).await?;
    let tree = grow(&store, false).await?.tree;
    let keys = Keys::of(&place.data, &SystemChance)?;
    let origin = ORIGIN.to_owned();
    let checkpoint = Checkpoint { origin, size: tree.size(), root: tree.root(), extensions: Vec::new() };
    let (signed, key) = (checkpoint.sign(&keys.signing_seed), note::verifier_of(ORIGIN, &keys.signing_seed));
    if json {
        out::line(format_args!("{:#}", json!({ "checkpoint": signed, "key": key.to_string() })))?;
    } else {
        out::print(&signed)?;
        out::aside(format_args!("public key: {key}"));
    }
    Ok(ExitCode::SUCCESS)
}

async fn prove(place: &Place, seq: u64, json: bool) -> Result<ExitCode, Failure> {
    let store = open(place).await?;
    let Walk { tree, leaves } = grow(&store, true).await?;
    let at = |at: u64| usize::try_from(at).ok().and_then(|at| leaves.get(at)).copied();
    let Some(leaf) = at(seq) else {
        let message = format!("the journal has {} facts, counted from 0; there is no fact {seq}", tree.size());
        return Err(Failure::new(message).exit(Exit::Refused));
    };
    let path = tree.inclusion(seq, tree.size(), &at).map_err(|error| Failure::new(error.to_string()))?;
    let keys = Keys::of(&place.data, &SystemChance)?;
    let origin = ORIGIN.to_owned();
    let checkpoint = Checkpoint { origin, size: tree.size(), root: tree.root(), extensions: Vec::new() };
    let proof = TlogProof { extra: None, index: seq, path, checkpoint: checkpoint.sign(&keys.signing_seed) };
    let (leaf, key) = (Digest(leaf), note::verifier_of(ORIGIN, &keys.signing_seed));
    if json {
        out::line(format_args!("{:#}", json!({ "proof": proof.to_string(), "leaf": leaf, "key": key.to_string() })))?;
    } else {
        out::print(&proof)?;
        out::aside(format_args!("leaf: {leaf}\npublic key: {key}"));
    }
    Ok(ExitCode::SUCCESS)
}

fn check(path: &std::path::Path, leaf: &Digest, key: &str, json: bool) -> Result<ExitCode, Failure> {
    let unsound = |error: governance::tlog::note::NoteError| Failure::new(error.to_string()).exit(Exit::Unsound);
    let text = std::fs::read_to_string(path).map_err(|error| Failure::file("read", path, &error))?;
    let log = Verifier::parse(key).map_err(|error| Failure::new(error.to_string()).exit(Exit::Usage))?;
    let proof = TlogProof::parse(&text).map_err(unsound)?;
    let policy = Policy { log, witnesses: Vec::new(), quorum: 0 };
    let checkpoint = proof.verify_leaf(&leaf.0, &policy).map_err(unsound)?;
    let (seq, size, origin) = (proof.index, checkpoint.size, checkpoint.origin);
    if json {
        out::line(format_args!("{:#}", json!({ "verified": true, "fact": seq, "facts": size, "origin": origin })))?;
    } else {
        out::line(format_args!("fact {seq} is in the journal of {size} facts that {origin} signed"))?;
    }
    Ok(ExitCode::SUCCESS)
}

async fn export(place: &Place, from: u64) -> Result<ExitCode, Failure> {
    let store = open(place).await?;
    let mut lines = std::io::BufWriter::new(std::io::stdout().lock());
    walk::walk(&store, |leaf, raw| {
        let record = raw
            .to_record()
            .map_err(|error| StoreFailure::Damaged { place: "a record".into(), cause: error.to_string() })?;
        if record.seq.0 < from {
            return Ok(());
        }
        writeln!(lines, "{}", line(&record, leaf)).map_err(|error| unprinted(&error))
    })
    .await?;
    lines.flush().map_err(|error| unprinted(&error))?;
    Ok(ExitCode::SUCCESS)
}

/// A fact as one JSON object, with all that its leaf is computed from.
fn line(record: &Record, leaf: Hash) -> serde_json::Value {
    let body = match &record.body {
        Body::Kept { json, .. } => serde_json::from_slice(json).unwrap_or(serde_json::Value::Null),
        Body::Erased { .. } => serde_json::Value::Null,
    };
    let salt = match &record.body {
        Body::Kept { salt, .. } => Some(salt.iter().map(|byte| format!("{byte:02x}")).collect::<String>()),
        Body::Erased { .. } => None,
    };
    json!({
        "seq": record.seq, "at": record.at, "area": record.area, "stream": record.stream, "kind": record.kind,
        "version": record.version, "actor": record.actor, "sensitivity": record.sensitivity, "policy": record.policy,
        "cause": record.cause, "body": body, "salt": salt, "commitment": Digest(record.body.commitment()),
        "leaf": Digest(leaf),
    })
}
