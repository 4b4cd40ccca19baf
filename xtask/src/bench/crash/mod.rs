//! What is lost when the process ends: scenarios K1 to K7, each once with `kill -9` and once with SIGTERM.
//!
//! A scenario counts what a person would miss: alerts, silences, pages, word that it is over. All scenarios of a server
//! run side by side, each with a server and a webhook of its own, since most of them only wait.

mod scenarios;

use super::Measured;
use super::hook::{Hook, WELL};
use super::peer::{Peer, Scene, Server};
use super::report::{Measure, Report};
use super::{Context, load};
use scenarios::{Reading, Scenario};
use std::path::Path;
use tempfile::TempDir;

/// How the process ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Without warning.
    Kill9,
    /// Asked politely.
    Terminate,
}

impl End {
    fn label(self) -> &'static str {
        match self {
            Self::Kill9 => "kill -9",
            Self::Terminate => "SIGTERM",
        }
    }
}

/// A scenario's stage: a server, its webhook, and the data that outlives the server.
pub struct Stage<'a> {
    peer: &'a dyn Peer,
    dir: TempDir,
    scene: Scene,
    /// The webhook that takes the pages.
    pub hook: Hook,
    server: Option<Server>,
}

impl<'a> Stage<'a> {
    fn set(peer: &'a dyn Peer, scenario: &Scenario) -> Measured<Self> {
        let (dir, hook) = (tempfile::tempdir()?, Hook::start(WELL)?);
        let scene = Scene { group_interval: scenario.group_interval, ..Scene::paging(hook.url(), scenario.group_wait) };
        let server = Some(peer.start(dir.path(), &scene)?);
        Ok(Self { peer, dir, scene, hook, server })
    }

    /// The running server.
    pub fn server(&self) -> Measured<&Server> {
        self.server.as_ref().ok_or_else(|| "the server is down".into())
    }

    /// Ends the server and starts it again on the same data.
    pub fn restart(&mut self, end: End) -> Measured {
        let server = self.server.take().ok_or("the server is down")?;
        match end {
            End::Kill9 => server.kill9()?,
            End::Terminate => server.terminate()?,
        }
        let dir: &Path = self.dir.path();
        self.server = Some(self.peer.start(dir, &self.scene)?);
        Ok(())
    }
}

/// Runs every scenario against `peer`.
pub fn run(_: &Context, peer: &dyn Peer, report: &mut Report) -> Measured {
    let ends = [Some(End::Kill9), Some(End::Terminate)];
    let both = scenarios::ENDING.iter().flat_map(|scenario| ends.map(|end| (scenario, end)));
    let plays: Vec<_> = both.chain(scenarios::LASTING.iter().map(|scenario| (scenario, None))).collect();
    let results = load::side_by_side(plays.len(), |index| {
        let (scenario, end) = plays[index];
        let mut stage = Stage::set(peer, scenario)?;
        Ok((scenario.play)(&mut stage, end.unwrap_or(End::Kill9)).map_err(|error| error.to_string()))
    })?;
    for ((scenario, end), result) in plays.into_iter().zip(results) {
        let case = end.map_or(scenario.tells.to_owned(), |end| format!("{}, {}", scenario.tells, end.label()));
        match result {
            Ok(readings) => readings.into_iter().for_each(|reading| add(report, peer.name(), &case, reading)),
            Err(error) => report.note(format!("{}: {case}: {error}", peer.name())),
        }
    }
    report.note("repeated: pages that came again without the idempotency key of the first");
    Ok(())
}

fn add(report: &mut Report, peer: &str, case: &str, reading: Reading) {
    let (name, value, goal) = reading;
    let measure = Measure::lower(name);
    if let Some(goal) = goal {
        report.goal(case, measure, goal);
    }
    report.add(peer, case, measure, value);
}
