//! `watchkeeper rules backtest`: rules replayed over the past.
use std::process::ExitCode;

use clap::Args;

use crate::failure::Failure;

/// `watchkeeper rules backtest`
#[derive(Debug, Args)]
pub struct BacktestArgs {}

/// `watchkeeper rules backtest`
pub fn run(_: &BacktestArgs, _: bool) -> Result<ExitCode, Failure> {
    Err(Failure::new("not yet"))
}
