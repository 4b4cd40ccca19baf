//! The live watchbook follows its files: they are read again when one of them changes, when the checkout moves to another
//! commit, and on SIGHUP. A bad book never replaces a good one; that it was refused is a fact.

use std::path::{Path, PathBuf};
use std::time::Duration;

use connectors::watchbook;
use engine::Engine;
use kernel::{Actor, Digest};
use tokio::signal::unix::{SignalKind, signal};

use crate::look::Look;

/// How often the files are looked at for changes.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// Applies the watchbook again whenever it is to be read again. `seen` is how it looked before it was read for the start.
pub async fn run(engine: Engine, directory: PathBuf, mut seen: Look) {
    let Ok(mut hangup) = signal(SignalKind::hangup()) else { return };
    loop {
        let told = tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => false,
            _ = hangup.recv() => true,
            () = engine.stopped() => return,
        };
        let now = Look::of(&directory);
        if told || now != seen {
            seen = now;
            reload(&engine, &directory).await;
        }
    }
}

async fn reload(engine: &Engine, directory: &Path) {
    let source = directory.display().to_string();
    let read = {
        let directory = directory.to_owned();
        move || watchbook::check(&directory)
    };
    let Ok(checked) = tokio::task::spawn_blocking(read).await else { return };
    let Some(book) = checked.book else {
        tracing::error!("the changed watchbook is not good; the live one stays\n{}", checked.findings);
        let findings = u32::try_from(checked.findings.count(watchbook::Level::Error)).unwrap_or(u32::MAX);
        return refuse(engine, checked.digest, findings, source).await;
    };
    match engine.apply_book(&Actor::system("server"), book, &source).await {
        Ok(facts) if facts.is_empty() => {}
        Ok(_) => tracing::info!(digest = engine.book().digest.short(), "the changed watchbook is live"),
        Err(error) => {
            tracing::error!(%error, "the changed watchbook was not applied; the live one stays");
            if let engine::Error::Refused(_) = error {
                refuse(engine, checked.digest, 1, source).await;
            }
        }
    }
}

async fn refuse(engine: &Engine, digest: Digest, findings: u32, source: String) {
    let command = governance::Command::RefuseBook { digest, findings, source };
    if let Err(error) = engine.ask(&Actor::system("server"), command).await {
        tracing::warn!(%error, "the refused watchbook could not be recorded");
    }
}
