//! What other nodes decided, on its way into the journal: the one writer takes letter by letter, in order for each shard, decides it
//! like any command of the rules, and throws it away when it is durable.
//!
//! A letter is decided once, whatever happens in between: what came of it carries its mark in the journal's index, in the same
//! transaction, and a letter whose mark is there is only thrown away.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use kernel::Actor;
use kernel::nodes::{Letter, Nodes};
use kernel::port::StoreFailure;
use signals::Ruled;
use tokio::time::MissedTickBehavior;

use crate::command::Command;
use crate::handle::{Engine, Error, Shared};

/// How often the inbox is looked into.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// The most letters that are looked at.
const LETTERS_AT_ONCE: u32 = 1000;
/// After how many failed looks in a row the log says so again.
const SAID_EVERY: u32 = 100;

/// What rules decided, as bytes.
pub(crate) fn write(outcomes: &Vec<Ruled>) -> Result<Vec<u8>, StoreFailure> {
    rmp_serde::to_vec_named(outcomes)
        .map_err(|error| StoreFailure::Unavailable { doing: "written", cause: error.to_string() })
}

/// Takes letters until the engine stops.
pub(crate) async fn run(shared: Arc<Shared>) {
    let Some(nodes) = shared.store.nodes() else { return };
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut failures: u32 = 0;
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = shared.stopped.cancelled() => return,
        }
        match empty(&shared, nodes).await {
            Ok(()) => failures = 0,
            Err(failure) => {
                if failures.is_multiple_of(SAID_EVERY) {
                    tracing::warn!(%failure, "what other nodes decided could not be taken; it waits");
                }
                failures = failures.saturating_add(1);
            }
        }
    }
}

/// Takes the first letter of each shard, until none is left.
async fn empty(shared: &Arc<Shared>, nodes: &dyn Nodes) -> Result<(), StoreFailure> {
    loop {
        let mut first = BTreeMap::new();
        for letter in nodes.letters(LETTERS_AT_ONCE).await? {
            first.entry(letter.shard.clone()).or_insert(letter);
        }
        if first.is_empty() {
            return Ok(());
        }
        let taken = join_all(first.values().map(|letter| take(shared, letter))).await;
        let mut done = Vec::new();
        let mut failed = None;
        for (letter, taken) in first.values().zip(taken) {
            match taken {
                Ok(()) => done.push(letter.id),
                Err(failure) => failed = Some(failure),
            }
        }
        nodes.discard(&done).await?;
        if let Some(failure) = failed {
            return Err(failure);
        }
    }
}

/// Decides a letter, unless that was done before. When this returns it is durable.
async fn take(shared: &Arc<Shared>, letter: &Letter) -> Result<(), StoreFailure> {
    let mark = format!("inbox/{}/{}/{}", letter.shard, letter.fence, letter.number);
    if !shared.store.stream(&mark, None, 1).await?.is_empty() {
        return Ok(());
    }
    let outcomes: Vec<Ruled> = match rmp_serde::from_slice(&letter.bytes) {
        Ok(outcomes) => outcomes,
        Err(error) => {
            tracing::error!(%error, shard = letter.shard, "what another node decided cannot be read, and is left out: do all nodes run one version?");
            return Ok(());
        }
    };
    let command = Command::from(signals::Command::Rule { outcomes });
    let engine = Engine { shared: Arc::clone(shared) };
    match engine.ask_once(&Actor::system("signals"), command, mark).await {
        Ok(_) => Ok(()),
        Err(error @ (Error::Failed { .. } | Error::Overloaded)) => {
            Err(StoreFailure::Unavailable { doing: "written", cause: error.to_string() })
        }
        Err(error) => {
            tracing::error!(%error, shard = letter.shard, "what another node decided was refused");
            Ok(())
        }
    }
}
