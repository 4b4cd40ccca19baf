//! The live watchbook follows its files: they are read again when one of them changes, when the checkout moves to another
//! commit, on SIGHUP, and when the API is asked to. A bad book never replaces a good one; that it was refused is a fact.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use connectors::watchbook;
use engine::{Engine, Fact};
use kernel::{Actor, Digest};
use tokio::signal::unix::{Signal, SignalKind, signal};
use web::{NotReloaded, Reload};

use crate::failure::Failure;
use crate::look::Look;

/// How often the files are looked at for changes.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Begins to listen for SIGHUP, which from then on ends the program no more.
///
/// # Errors
/// When the system lets nobody listen.
pub fn hangups() -> Result<Signal, Failure> {
    signal(SignalKind::hangup()).map_err(|error| Failure::new(format!("cannot listen for SIGHUP: {error}")))
}

/// Applies the watchbook again whenever it is to be read again. `seen` is how it looked before it was read for the start.
pub async fn run(engine: Engine, directory: PathBuf, mut seen: Look, mut hangup: Signal) {
    loop {
        let told = tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => false,
            _ = hangup.recv() => true,
            () = engine.stopped() => return,
        };
        let place = directory.clone();
        let Ok(now) = tokio::task::spawn_blocking(move || Look::of(&place)).await else { return };
        if told || now != seen {
            seen = now;
            log(&engine, reload(&engine, &Actor::system("server"), &directory).await);
        }
    }
}

/// What the API is given, so that whoever may can have the files read at once.
pub fn port(engine: Engine, directory: PathBuf) -> Reload {
    Arc::new(move |actor| {
        let (engine, directory) = (engine.clone(), directory.clone());
        Box::pin(async move { reload(&engine, &actor, &directory).await })
    })
}

fn log(engine: &Engine, reloaded: Result<Vec<Fact>, NotReloaded>) {
    match reloaded {
        Ok(facts) if facts.is_empty() => {}
        Ok(_) => tracing::info!(digest = engine.book().digest.short(), "the changed watchbook is live"),
        Err(NotReloaded::Bad { findings, .. }) => {
            tracing::error!("the changed watchbook is not good; the live one stays\n{findings}");
        }
        Err(NotReloaded::Engine(error)) => {
            tracing::error!(%error, "the changed watchbook was not applied; the live one stays");
        }
    }
}

/// Reads the files and makes them live: all or nothing.
async fn reload(engine: &Engine, actor: &Actor, directory: &Path) -> Result<Vec<Fact>, NotReloaded> {
    let source = directory.display().to_string();
    let read = {
        let directory = directory.to_owned();
        move || crate::book::read(&directory, None)
    };
    let checked = tokio::task::spawn_blocking(read).await.map_err(|stopped| {
        NotReloaded::Engine(engine::Error::Failed { reason: format!("the files could not be read: {stopped}") })
    })?;
    let Some(book) = checked.book else {
        let findings = u32::try_from(checked.findings.count(watchbook::Level::Error)).unwrap_or(u32::MAX);
        refuse(engine, actor, checked.digest, findings, source.clone()).await;
        return Err(NotReloaded::Bad { source, findings: checked.findings });
    };
    let applied = engine.apply_book(actor, book, &source).await;
    if let Err(engine::Error::Refused(_)) = &applied {
        refuse(engine, actor, checked.digest, 1, source).await;
    }
    applied.map_err(NotReloaded::Engine)
}

async fn refuse(engine: &Engine, actor: &Actor, digest: Digest, findings: u32, source: String) {
    let command = governance::Command::RefuseBook { digest, findings, source };
    if let Err(error) = engine.ask(actor, command).await {
        tracing::warn!(%error, "the refused watchbook could not be recorded");
    }
}
