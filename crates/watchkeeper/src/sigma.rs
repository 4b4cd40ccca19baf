//! Sigma rules of a watchbook: compiled when it is read, so that what is wrong with them is told with all else; and
//! `watchkeeper sigma …`, which checks rules and tries them on events without a server.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};
use connectors::evtx;
use connectors::watchbook::{Checked, SigmaFinding};
use kernel::book::sigma::{File, Part, Sigma};
use kernel::port::Clock as _;
use kernel::{Seconds, Timestamp};
use serde_json::{Value, json};
use signals::sigma::{Compiled, Correlated, Correlations, Event, RULE_FILE_BYTES_MAX, Rule, Wrong, compile};

use crate::failure::{Exit, Failure};
use crate::out;
use crate::remote::sigma::LiveSigmaVerb;
use crate::world::SystemClock;

/// The most files of a folder that are read.
const FILES_MAX: usize = 20_000;
/// How deep a folder may be nested.
const DEPTH_MAX: usize = 16;
/// The longest line of a file of events, in bytes.
const LINE_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// How long after the last event the windows of correlations have ended, whatever their span.
const AFTERWARDS: Seconds = Seconds::hours(400 * 24);

/// `watchkeeper sigma …`
#[derive(Debug, Subcommand)]
pub enum SigmaVerb {
    /// Check a folder of Sigma rules: what loads, what does not and why. Rules, filters and pipelines stand in its folders of
    /// these names; without such folders every file is one of rules.
    Check {
        /// The folder, such as a checkout of shared rules or the watchbook's folder sigma.
        directory: PathBuf,
    },
    /// Try a folder of Sigma rules on events from a file: JSON lines, or a Windows event log (EVTX).
    Match(MatchArgs),
    #[command(flatten)]
    Remote(LiveSigmaVerb),
}

/// `watchkeeper sigma match`
#[derive(Debug, Args)]
pub struct MatchArgs {
    /// The folder of rules.
    directory: PathBuf,
    /// The events, each a JSON object on a line of its own; or a Windows event log, whose name ends in .evtx.
    events: PathBuf,
    /// The product that the events come from, such as linux, where they do not tell.
    #[arg(long, default_value = "")]
    product: String,
    /// The service, such as sshd.
    #[arg(long, default_value = "")]
    service: String,
    /// The category, such as process_creation.
    #[arg(long, default_value = "")]
    category: String,
    /// How late an event may be and still count in correlations.
    #[arg(long, default_value = "5m", value_name = "DURATION")]
    lateness: Seconds,
}

/// Compiles the Sigma rules of a watchbook that was read.
#[must_use]
pub fn compiled_into(checked: Checked) -> Checked {
    let now = SystemClock.now();
    checked.with_sigma(|sigma| {
        let compiled = compile(sigma, now);
        (compiled.handled, compiled.wrong.into_iter().map(finding).collect())
    })
}

fn finding(wrong: Wrong) -> SigmaFinding {
    let Wrong { what, grave } = wrong;
    SigmaFinding { file: what.file, about: what.rule, reason: what.reason, grave }
}

/// `watchkeeper sigma …`
pub async fn run(verb: SigmaVerb, json: bool) -> Result<ExitCode, Failure> {
    match verb {
        SigmaVerb::Check { directory } => check_folder(&directory, json),
        SigmaVerb::Match(args) => try_on_events(&args, json),
        SigmaVerb::Remote(verb) => {
            let (ask, server) = verb.ask();
            ask.run(&server, json).await
        }
    }
}

fn check_folder(directory: &Path, json: bool) -> Result<ExitCode, Failure> {
    let compiled = load(directory)?;
    let Compiled { rules, wrong, .. } = &compiled;
    let correlations = rules.correlation_rules().count();
    let waiting = rules.iter().filter(|rule| !rule.waits_for.is_empty()).count();
    let untold = rules.iter().filter(|rule| rule.only_told).count();
    let grave = wrong.iter().filter(|wrong| wrong.grave).count();
    if json {
        let one = |wrong: &Wrong| {
            let what = &wrong.what;
            json!({ "file": what.file, "rule": what.rule, "reason": what.reason, "error": wrong.grave })
        };
        let listed: Vec<Value> = rules.iter().chain(rules.correlation_rules()).map(as_json).collect();
        let told: Vec<Value> = wrong.iter().map(one).collect();
        out::line(format_args!("{:#}", json!({ "rules": listed, "not_in_use": told })))?;
    } else {
        wrong.iter().try_for_each(|wrong| out::line(&wrong.what))?;
        out::line(format_args!(
            "{} rules and {correlations} correlations load, {} remarks, {grave} of them errors",
            rules.iter().len(),
            wrong.len()
        ))?;
        if waiting > 0 {
            out::line(format_args!("{waiting} rules wait for placeholders that no pipeline fills"))?;
        }
        if untold > 0 {
            out::line(format_args!(
                "{untold} rules are asked only of events that come with the words of their log source"
            ))?;
        }
    }
    Ok(if grave == 0 { ExitCode::SUCCESS } else { ExitCode::from(Exit::Unsound as u8) })
}

fn as_json(rule: &Rule) -> Value {
    json!({
        "rule": rule.rule_name().map(|name| name.to_string()), "title": rule.title, "level": rule.level,
        "file": rule.file, "author": rule.author, "waits_for": rule.waits_for, "only_told": rule.only_told,
        "exceptions": rule.exceptions.iter().map(|exception| &exception.title).collect::<Vec<_>>(),
    })
}

/// Compiles the files of a folder.
fn load(directory: &Path) -> Result<Compiled, Failure> {
    let mut files = Vec::new();
    gather(directory, "", 0, &mut files)?;
    if files.is_empty() {
        let message = format!("there is no YAML file below {}", directory.display());
        return Err(Failure::new(message).hint("name a folder with Sigma rules").exit(Exit::Usage));
    }
    Ok(compile(&Sigma { files, ..Sigma::default() }, SystemClock.now()))
}

fn gather(folder: &Path, prefix: &str, depth: usize, files: &mut Vec<File>) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::file("read", folder, &error);
    let mut entries: Vec<_> =
        fs::read_dir(folder).map_err(failed)?.take(FILES_MAX).collect::<Result<_, _>>().map_err(failed)?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let (name, path) = (entry.file_name().to_string_lossy().into_owned(), entry.path());
        let below = format!("{prefix}{name}");
        if name.starts_with('.') {
        } else if path.is_dir() && depth < DEPTH_MAX {
            gather(&path, &format!("{below}/"), depth + 1, files)?;
        } else if [".yml", ".yaml"].iter().any(|end| name.ends_with(end)) && path.is_file() {
            if files.len() >= FILES_MAX {
                return Err(Failure::new(format!("there are more than {FILES_MAX} files")).exit(Exit::Usage));
            }
            files.push(File { part: part(&below), text: text(&path)?.into(), path: below });
        }
    }
    Ok(())
}

fn part(path: &str) -> Part {
    match path.split('/').next() {
        Some("filters") => Part::Filters,
        Some("pipelines") => Part::Pipelines,
        _ => Part::Rules,
    }
}

/// The text of a file. One that is too large is cut one byte above what a rule file may have, so that it is refused by name.
fn text(path: &Path) -> Result<String, Failure> {
    let failed = |error: std::io::Error| Failure::file("read", path, &error);
    let limit = u64::try_from(RULE_FILE_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    fs::File::open(path).map_err(failed)?.take(limit).read_to_end(&mut bytes).map_err(failed)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Rules tried on events from a file, and what they found.
struct Trial<'a> {
    compiled: &'a Compiled,
    args: &'a MatchArgs,
    correlations: Correlations,
    json: bool,
    events: u64,
    matches: u64,
    newest: Timestamp,
}

fn try_on_events(args: &MatchArgs, json: bool) -> Result<ExitCode, Failure> {
    let compiled = load(&args.directory)?;
    compiled.wrong.iter().for_each(|wrong| out::aside(&wrong.what));
    let correlations = Correlations::new(&compiled.rules, args.lateness);
    let (compiled, newest) = (&compiled, Timestamp::UNIX_EPOCH);
    let mut trial = Trial { compiled, args, correlations, json, events: 0, matches: 0, newest };
    if args.events.extension().is_some_and(|end| end.eq_ignore_ascii_case("evtx")) {
        trial.windows_log()?;
    } else {
        trial.lines()?;
    }
    let found = trial.correlations.silence(AFTERWARDS.after(trial.newest));
    found.iter().try_for_each(|found| trial.tell_correlation(found))?;
    if !json {
        out::line(format_args!("{} events, {} matches", trial.events, trial.matches))?;
    }
    Ok(ExitCode::SUCCESS)
}

impl Trial<'_> {
    fn windows_log(&mut self) -> Result<(), Failure> {
        let path = &self.args.events;
        let failed = |error: std::io::Error| Failure::file("read", path, &error);
        let limit = u64::try_from(evtx::EVTX_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
        let mut bytes = Vec::new();
        fs::File::open(path).map_err(failed)?.take(limit).read_to_end(&mut bytes).map_err(failed)?;
        let mut told = Ok(());
        let read = evtx::read(bytes, |event| {
            if told.is_ok() {
                told = self.event(&Value::Object(event));
            }
        });
        told?;
        let summary = read.map_err(|error| Failure::new(error.to_string()).exit(Exit::Usage))?;
        summary.reasons.iter().for_each(|reason| out::aside(format_args!("skipped: {reason}")));
        Ok(())
    }

    fn lines(&mut self) -> Result<(), Failure> {
        let path = &self.args.events;
        let failed = |error: std::io::Error| Failure::file("read", path, &error);
        let mut reader = BufReader::new(fs::File::open(path).map_err(failed)?);
        let mut line = Vec::new();
        for number in 1_u64.. {
            line.clear();
            let read = reader.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut line).map_err(failed)?;
            if read == 0 {
                break;
            }
            match serde_json::from_slice::<Value>(&line) {
                Ok(event @ Value::Object(_)) => self.event(&event)?,
                Ok(_) => out::aside(format_args!("{}:{number}: this is no JSON object", path.display())),
                Err(_) if line.trim_ascii().is_empty() => {}
                Err(error) => out::aside(format_args!("{}:{number}: {error}", path.display())),
            }
        }
        Ok(())
    }

    fn event(&mut self, value: &Value) -> Result<(), Failure> {
        self.events += 1;
        let args = self.args;
        let event = Event::new(value).from_source(&args.product, &args.service, &args.category);
        let at = event.time().unwrap_or(self.newest);
        self.newest = self.newest.max(at);
        let matches = self.compiled.rules.matches(&event);
        for found in matches.iter().filter(|found| found.rule.reported) {
            let evidence = self.compiled.rules.evidence(&event, found);
            let pairs: Vec<(String, String)> = evidence.into_iter().map(|part| (part.field, part.value)).collect();
            self.matches += 1;
            self.tell(found.rule, at, &pairs)?;
        }
        let found = self.correlations.observe(&event, &matches, at, Timestamp::MAX);
        found.iter().try_for_each(|found| self.tell_correlation(found))
    }

    fn tell_correlation(&mut self, found: &Correlated) -> Result<(), Failure> {
        self.matches += 1;
        let counted = ("counted".to_owned(), found.value.to_string());
        let pairs: Vec<(String, String)> = found.group.iter().cloned().chain([counted]).collect();
        self.tell(&found.rule, found.to, &pairs)
    }

    fn tell(&self, rule: &Rule, at: Timestamp, evidence: &[(String, String)]) -> Result<(), Failure> {
        let number = self.events;
        if self.json {
            let evidence: Vec<Value> =
                evidence.iter().map(|(field, value)| json!({ "field": field, "value": value })).collect();
            let name = rule.rule_name().map(|name| name.to_string());
            return out::line(json!({
                "event": number, "at": at.to_string(), "rule": name, "title": rule.title, "level": rule.level,
                "author": rule.author, "evidence": evidence,
            }));
        }
        let level = format!("{:?}", rule.level).to_lowercase();
        let parts: Vec<String> = evidence.iter().map(|(field, value)| format!("{field}={value:?}")).collect();
        out::line(format_args!("event {number}  {level}  {} ({})\n    {}", rule.title, rule.key(), parts.join(" ")))
    }
}
