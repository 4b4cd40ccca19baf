//! How logs are watched, as it is written: one setting for all services, and what single ones have of their own.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use kernel::book::{LogFinding, LogWatch, LogWatches};
use kernel::{Labels, Level, Seconds, ServiceName};
use serde_json::json;

use super::finding::Spot;
use super::rule;
use super::scalars::{Span, Whole};
use super::shape::{Defs, Placed, Reader, Shape, Sort, shape};
use super::yaml::Node;

shape! {
    /// How logs are watched for new patterns and changed rates.
    LogsFile {
        /// How the log of every service is watched that has nothing of its own below.
        "default" default: Option<Placed<WatchFile>>,
        /// By service; what one does not say, it takes from `default`.
        "services" services: ByService,
    }
}

shape! {
    /// How one log is watched.
    WatchFile {
        /// Whether patterns are looked for at all. Default: true.
        "watch" watch: Option<bool>,
        /// Which findings raise an alert: `new` patterns, `more` or `fewer` lines of one. Default: none, they are only shown.
        "raise" raise: Option<Vec<LogFinding>>,
        /// The least level at which a new pattern, or more lines of one, raise: `error`. Default: error.
        "level" level: Option<Level>,
        /// How long from the first line on nothing is found, because everything is new. Default: 1d.
        "learn_for" learn_for: Option<Seconds>,
        /// How many spreads off the usual a rate must be; the fewer, the more is found. Default: 8.
        "spreads" spreads: Option<Whole<3, 100>>,
        /// How long new patterns are gathered, so that one alert tells them all. Default: 30s.
        "gather_for" gather_for: Option<Seconds>,
        /// How long there must have been nothing more of it until an alert is over. Default: 15m.
        "quiet_for" quiet_for: Option<Span>,
        /// Labels added to the alert. Default: `severity: warning`.
        "labels" labels: Option<Labels>,
    }
}

/// What single services have of their own.
#[derive(Debug)]
pub(super) struct ByService(Vec<(Spot, ServiceName, WatchFile)>);

impl Shape for ByService {
    fn read(node: &Node, reader: &mut Reader<'_>) -> Option<Self> {
        let mut read = Some(Vec::new());
        for (key, value) in reader.map(node)? {
            let known = reader.defined(Sort::Service, &key.text, key.at);
            let name = known.and_then(|()| ServiceName::new(&key.text).ok());
            let entry = name.zip(WatchFile::read(value, reader));
            read = read.zip(entry).map(|(mut all, (name, file))| {
                all.push((key.at, name, file));
                all
            });
        }
        read.map(Self)
    }

    fn absent() -> Option<Self> {
        Some(Self(Vec::new()))
    }

    fn schema(defs: &mut Defs) -> serde_json::Value {
        let names = json!({ "pattern": super::NAME_PATTERN });
        json!({ "type": "object", "propertyNames": names, "additionalProperties": WatchFile::schema(defs) })
    }
}

impl WatchFile {
    fn over(self, base: &LogWatch) -> LogWatch {
        LogWatch {
            watch: self.watch.unwrap_or(base.watch),
            raise: self.raise.map_or_else(|| base.raise.clone(), BTreeSet::from_iter),
            level: self.level.unwrap_or(base.level),
            learn_for: self.learn_for.unwrap_or(base.learn_for),
            spreads: self.spreads.map_or(base.spreads, |Whole(spreads)| spreads),
            gather_for: self.gather_for.unwrap_or(base.gather_for),
            quiet_for: self.quiet_for.map_or(base.quiet_for, |Span(span)| span),
            labels: self.labels.unwrap_or_else(|| base.labels.clone()),
        }
    }
}

/// What the files say together.
pub(super) fn make<'n>(nodes: impl Iterator<Item = &'n Node>, reader: &mut Reader<'_>) -> LogWatches {
    let (mut default, mut services) = (None, BTreeMap::new());
    for node in nodes {
        let Some(file) = LogsFile::read(node, reader) else { continue };
        match (file.default, &default) {
            (Some(second), Some(_)) => {
                let hint = "say it in one file";
                reader.note_hint(second.at, &rule::TWICE, "`default` of logs is given in two files", hint);
            }
            (Some(first), None) => default = Some(first.value.over(&LogWatch::default())),
            (None, _) => {}
        }
        for (at, name, file) in file.services.0 {
            match services.entry(name) {
                Entry::Vacant(free) => {
                    free.insert(file);
                }
                Entry::Occupied(taken) => {
                    let message = format!("the log of `{}` is set in two files", taken.key());
                    reader.note_hint(at, &rule::TWICE, message, "say it in one file");
                }
            }
        }
    }
    let default = default.unwrap_or_default();
    let services = services.into_iter().map(|(name, file): (ServiceName, WatchFile)| (name, file.over(&default)));
    LogWatches { services: services.collect(), default }
}
