//! What an organisation demands of its rules.

use std::collections::BTreeMap;

use promql::Millis;

use super::{Code, Level};

/// What an organisation demands of its rules.
#[derive(Debug, Clone, PartialEq)]
pub struct Policy {
    /// The level of a code or of a family (`alerts`); `None` silences it. A code wins over its family.
    pub levels: BTreeMap<String, Option<Level>>,
    /// The severities that an alert may have.
    pub severities: Vec<String>,
    /// The labels of which one names an owner.
    pub owner_labels: Vec<String>,
    /// The labels that aggregations must keep.
    pub keep_labels: Vec<String>,
    /// How often targets are scraped.
    pub scrape_interval: Millis,
    /// How often groups are evaluated that do not say.
    pub evaluation_interval: Millis,
    /// How long samples are kept; nothing is said about long windows when it is not known.
    pub retention: Option<Millis>,
}

impl Default for Policy {
    fn default() -> Self {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        Self {
            levels: BTreeMap::new(),
            severities: texts(&["critical", "warning", "info", "page", "ticket", "none"]),
            owner_labels: texts(&["owner", "team", "service"]),
            keep_labels: Vec::new(),
            scrape_interval: 60_000,
            evaluation_interval: 60_000,
            retention: None,
        }
    }
}

impl Policy {
    /// The level of a code under this policy; `None` when it is silenced.
    #[must_use]
    pub fn level(&self, code: &Code) -> Option<Level> {
        let family = code.code.split('/').next().unwrap_or_default();
        let said = self.levels.get(code.code).or_else(|| self.levels.get(family));
        said.copied().unwrap_or(Some(code.level))
    }
}
