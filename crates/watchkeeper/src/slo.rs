//! `watchkeeper slo`: rules made of service-level objectives, without a server; and how those of a running server stand.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use connectors::slo::{check, plugins};
use connectors::watchbook::{Findings, Level};
use kernel::Seconds;
use serde_json::json;
use signals::slo::{Catalogue, Group, Plugins, generate, to_yaml};

use crate::failure::{Exit, Failure};
use crate::remote::rules::LiveSloVerb;
use crate::{out, rules};

/// `watchkeeper slo …`
#[derive(Debug, Subcommand)]
pub enum SloVerb {
    /// Print the recording and alerting rules of a file's objectives, as a rule file in Prometheus' form.
    Generate {
        /// The objectives, in the form of OpenSLO or of sloth.
        file: PathBuf,
        /// A file of alert windows of one's own, in sloth's form `AlertWindows`.
        #[arg(long, value_name = "FILE")]
        windows: Option<PathBuf>,
        /// A file of plugins' queries by name, for objectives that refer to sloth's plugins.
        #[arg(long, value_name = "FILE")]
        plugins: Option<PathBuf>,
    },
    #[command(flatten)]
    Remote(LiveSloVerb),
}

/// `watchkeeper slo …`
pub async fn run(verb: SloVerb, json: bool) -> Result<ExitCode, Failure> {
    let (file, windows, plugins) = match verb {
        SloVerb::Generate { file, windows, plugins } => (file, windows, plugins),
        SloVerb::Remote(verb) => {
            let (ask, server) = verb.ask();
            return ask.run(&server, json).await;
        }
    };
    let groups = groups(&file, windows.as_deref(), plugins.as_deref())?;
    let text = to_yaml(&groups);
    if json {
        out::line(json!({ "rules": text }))?
    } else {
        out::print(text)?
    }
    Ok(ExitCode::SUCCESS)
}

fn groups(file: &Path, windows: Option<&Path>, plugins: Option<&Path>) -> Result<Vec<Group>, Failure> {
    let read = read(file)?;
    let mut own = windows.map(self::read).transpose()?.map(|read| read.windows).unwrap_or_default();
    own.extend(read.windows);
    let catalogue = Catalogue { own, ..Catalogue::default() };
    let plugins = plugins.map(queries).transpose()?.unwrap_or_default();
    let mut groups = Vec::new();
    for found in &read.slos {
        let made = catalogue.of(&found.slo).and_then(|windows| generate(&found.slo, &windows, &plugins));
        let place = |refusal| format!("{}:{}: {}: {refusal}", file.display(), found.line, found.slo.id());
        let made = made.map_err(|refusal| Failure::new(place(refusal)).exit(Exit::Unsound))?;
        if let Some(warning) = beyond(found.slo.period.unwrap_or(catalogue.period)) {
            out::aside(format_args!("{}:{}: {}: {warning}", file.display(), found.line, found.slo.id()));
        }
        groups.extend(made);
    }
    Ok(groups)
}

/// What is said of an objective over a longer period than samples are kept here.
fn beyond(period: Seconds) -> Option<String> {
    let kept = telemetry::metrics::KEEP / 1000;
    (i64::from(period.0) > kept).then(|| {
        format!(
            "warning: its rules look back {period}, but a server keeps samples for {} h where `serve --keep-metrics` says \
             nothing else: what they record over a longer time is what happened in these. Burn rates of up to three days are whole",
            kept / 3600
        )
    })
}

fn read(path: &Path) -> Result<connectors::slo::Checked, Failure> {
    let checked = check(&path.display().to_string(), &rules::bytes(path)?);
    if checked.findings.count(Level::Error) > 0 {
        return Err(unsound(path, &checked.findings));
    }
    for finding in checked.findings.iter() {
        out::aside(finding.to_string().trim_end());
    }
    Ok(checked)
}

fn queries(path: &Path) -> Result<Plugins, Failure> {
    plugins(&path.display().to_string(), &rules::bytes(path)?).map_err(|findings| unsound(path, &findings))
}

fn unsound(path: &Path, findings: &Findings) -> Failure {
    Failure::new(format!("{} is not good\n{findings}", path.display())).exit(Exit::Unsound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_objective_over_more_than_is_kept_is_told() {
        assert_eq!(beyond(Seconds::hours(72)), None);
        assert!(beyond(Seconds::hours(720)).unwrap().contains("keeps samples for 72 h"));
    }
}
