//! `watchkeeper backtest …`: rules over the samples of a running server.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use kernel::Seconds;
use serde_json::json;

use super::ask::{Ask, Shape};
use super::operation as op;
use crate::failure::{Exit, Failure};
use crate::rules;
use crate::table::Columns;

const COLUMNS: Columns = &[("id", "backtest"), ("state", "state"), ("by", "by"), ("asked", "asked"), ("why", "why")];
const RULE_COLUMNS: Columns = &[
    ("group", "group"),
    ("rule", "rule"),
    ("firings", "firings"),
    ("pages", "pages"),
    ("short_share", "short"),
    ("flaps", "flaps"),
    ("caught", "caught"),
    ("missed", "missed"),
    ("suggestion", "suggestion"),
];
const ONE: Shape = Shape::Thing(&[("rules", RULE_COLUMNS), ("found", &[])]);

/// `watchkeeper backtest …`
#[derive(Debug, Subcommand)]
pub enum BacktestVerb {
    /// List the backtests that the server remembers, the newest first.
    List,
    /// Replay a rule file over the server's samples. It runs there in the background.
    Start {
        /// The rule file, in Prometheus' form.
        file: PathBuf,
        /// How far back to begin; no earlier than there are samples.
        #[arg(long, default_value = "72h", value_name = "DURATION")]
        history: Seconds,
        /// Another rule file, replayed over the same time and compared.
        #[arg(long, value_name = "OTHER")]
        compare: Option<PathBuf>,
    },
    /// Show a backtest; everything that it found with --json.
    Show {
        /// Its number.
        backtest: u64,
    },
    /// End a backtest of one's own.
    Cancel {
        /// Its number.
        backtest: u64,
    },
}

impl BacktestVerb {
    /// What it asks.
    ///
    /// # Errors
    /// When a file cannot be read.
    pub fn ask(self) -> Result<Ask, Failure> {
        Ok(match self {
            Self::List => Ask::list(
                op::BACKTESTS,
                COLUMNS,
                "there is no backtest; begin one with: watchkeeper backtest start FILE",
            ),
            Self::Start { file, history, compare } => {
                let compare = compare.as_deref().map(text).transpose()?;
                let body = json!({ "rules": text(&file)?, "compare": compare, "history": history });
                Ask::act(op::START_BACKTEST, body).shown(ONE)
            }
            Self::Show { backtest } => Ask::thing(op::BACKTEST).name(backtest).shown(ONE),
            Self::Cancel { backtest } => Ask::act(op::CANCEL_BACKTEST, json!({})).name(backtest).shown(ONE),
        })
    }
}

fn text(path: &Path) -> Result<String, Failure> {
    String::from_utf8(rules::bytes(path)?)
        .map_err(|_| Failure::new(format!("{} is not UTF-8", path.display())).exit(Exit::Usage))
}
