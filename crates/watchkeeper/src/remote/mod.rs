//! Verbs that ask a running server through its API: what a page can do, the command line can do. One module for each kind of
//! thing; [`operation`] has the table of all operations, [`ask`] sends.

pub mod access;
mod alert;
pub mod ask;
mod backtest;
mod duty;
pub mod facts;
mod incident;
mod logs;
mod operation;
mod query;
mod review;
pub mod rules;
pub mod sigma;
mod signal;
#[cfg(test)]
mod tests;
mod trace;
mod update;
pub mod words;

use std::process::ExitCode;

use clap::Subcommand;

use crate::failure::Failure;
use crate::table::Columns;
use ask::{Ask, Server, Shape};
use operation as op;

/// The verbs that need a server.
#[derive(Debug, Subcommand)]
pub enum RemoteVerb {
    /// What fires, who is paged, who is on call, which incidents are open.
    Now {
        /// Stay, and show it again after each fact.
        #[arg(long)]
        watch: bool,
        #[command(flatten)]
        server: Server,
    },
    /// Alerts: list, show, explain, report, acknowledge, resolve.
    Alert {
        #[command(subcommand)]
        verb: alert::AlertVerb,
        #[command(flatten)]
        server: Server,
    },
    /// Pages: list, show, acknowledge.
    Page {
        #[command(subcommand)]
        verb: alert::PageVerb,
        #[command(flatten)]
        server: Server,
    },
    /// Silences: list, show, add, expire.
    Silence {
        #[command(subcommand)]
        verb: alert::SilenceVerb,
        #[command(flatten)]
        server: Server,
    },
    /// Who is on call: now, shifts, overrides.
    Oncall {
        #[command(subcommand)]
        verb: Option<duty::OncallVerb>,
        #[command(flatten)]
        server: Server,
    },
    /// Incidents: declare, roles, notes, severity, impact, mitigate, resolve, reopen.
    Incident {
        #[command(subcommand)]
        verb: incident::IncidentVerb,
        #[command(flatten)]
        server: Server,
    },
    /// Updates for customers: draft, revise, publish, discard.
    Update {
        #[command(subcommand)]
        verb: update::UpdateVerb,
        #[command(flatten)]
        server: Server,
    },
    /// Notices on the status page: reopen.
    Notice {
        #[command(subcommand)]
        verb: update::NoticeVerb,
        #[command(flatten)]
        server: Server,
    },
    /// What the public status page says. Needs no token.
    Status(#[command(flatten)] Server),
    /// Reviews: read, write, ask for actions, complete or drop them, publish.
    Review {
        #[command(subcommand)]
        verb: review::ReviewVerb,
        #[command(flatten)]
        server: Server,
    },
    /// Signals that rules and checks raise: list, dismiss.
    Signal {
        #[command(subcommand)]
        verb: signal::SignalVerb,
        #[command(flatten)]
        server: Server,
    },
    /// Ask a query in PromQL over the samples of a running server.
    Query(#[command(flatten)] query::QueryArgs),
    /// Traces: search them, show one with its spans.
    Traces {
        #[command(subcommand)]
        verb: trace::TraceVerb,
        #[command(flatten)]
        server: Server,
    },
    /// Rules over the server's samples: start a backtest, list, show, cancel.
    Backtest {
        #[command(subcommand)]
        verb: backtest::BacktestVerb,
        #[command(flatten)]
        server: Server,
    },
    /// Health checks: say that a program whose heartbeat is awaited is well.
    Check {
        #[command(subcommand)]
        verb: signal::CheckVerb,
        #[command(flatten)]
        server: Server,
    },
    /// Log events and the patterns of their lines: search, export, list, patterns, findings.
    Logs {
        #[command(subcommand)]
        verb: logs::LogsVerb,
        #[command(flatten)]
        server: Server,
    },
    /// Targets that are scraped: list.
    Target {
        #[command(subcommand)]
        verb: signal::TargetVerb,
        #[command(flatten)]
        server: Server,
    },
    /// Existing stores of log events and spans: list.
    Source {
        #[command(subcommand)]
        verb: signal::SourceVerb,
        #[command(flatten)]
        server: Server,
    },
    /// Changes to the organisation's systems: list, report.
    Change {
        #[command(subcommand)]
        verb: signal::ChangeVerb,
        #[command(flatten)]
        server: Server,
    },
    /// Services of the live watchbook: list.
    Service {
        #[command(subcommand)]
        verb: access::ServiceVerb,
        #[command(flatten)]
        server: Server,
    },
    /// People of the live watchbook: list, log out. Let one in with `watchkeeper invite`.
    Person {
        #[command(subcommand)]
        verb: access::PersonVerb,
        #[command(flatten)]
        server: Server,
    },
}

const NOW: Shape = Shape::Thing(&[
    ("pages", alert::PAGE_COLUMNS),
    ("incidents", incident::INCIDENT_COLUMNS),
    ("oncall", duty::DUTY_COLUMNS),
]);
/// The columns of facts that a command made.
pub const MADE_COLUMNS: Columns = &[("seq", "fact"), ("kind", "what"), ("stream", "about"), ("actor", "who")];

impl RemoteVerb {
    /// What it asks, and of whom.
    pub fn ask(self) -> Result<(Ask, Server), Failure> {
        Ok(match self {
            Self::Now { server, .. } => (Ask::thing(op::NOW).shown(NOW), server),
            Self::Alert { verb, server } => (verb.ask(), server),
            Self::Page { verb, server } => (verb.ask(), server),
            Self::Silence { verb, server } => (verb.ask(), server),
            Self::Oncall { verb, server } => (verb.unwrap_or(duty::OncallVerb::List).ask(), server),
            Self::Incident { verb, server } => (verb.ask(), server),
            Self::Update { verb, server } => (verb.ask()?, server),
            Self::Notice { verb, server } => (verb.ask(), server),
            Self::Status(server) => (Ask::thing(op::STATUS), server),
            Self::Review { verb, server } => (verb.ask()?, server),
            Self::Signal { verb, server } => (verb.ask(), server),
            Self::Query(args) => args.ask(),
            Self::Traces { verb, server } => (verb.ask(), server),
            Self::Backtest { verb, server } => (verb.ask()?, server),
            Self::Check { verb, server } => (verb.ask(), server),
            Self::Logs { verb, server } => (verb.ask(), server),
            Self::Target { verb, server } => (verb.ask(), server),
            Self::Source { verb, server } => (verb.ask(), server),
            Self::Change { verb, server } => (verb.ask(), server),
            Self::Service { verb, server } => (verb.ask(), server),
            Self::Person { verb, server } => (verb.ask(), server),
        })
    }
}

/// Does what was asked and prints what the server said.
pub async fn run(verb: RemoteVerb, json: bool) -> Result<ExitCode, Failure> {
    if let RemoteVerb::Query(args) = verb {
        return args.run(json).await;
    }
    let watch = matches!(verb, RemoteVerb::Now { watch: true, .. });
    let (ask, server) = verb.ask()?;
    if ask.operation == op::EXPORT_LOGS {
        return logs::export(&ask, &server).await;
    }
    if watch { facts::again_and_again(&ask, &server, json).await } else { ask.run(&server, json).await }
}
