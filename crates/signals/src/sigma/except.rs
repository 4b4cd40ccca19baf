//! Filters of the Sigma specification, used as exceptions: each has an owner, a reason and a last day.

use jiff::civil::Date;
use jiff::tz::Offset;
use rsigma_parser::{Detections, FilterRule, FilterRuleTarget};

use super::load::source;
use super::pipeline::Source;
use super::rule::{Exception, Rule};
use super::rules::{Filters, Settings};

/// How the reason begins why an expired filter is not applied.
pub(super) const EXPIRED: &str = "this filter expired on";

/// A filter in use.
pub(super) struct Filter {
    pub exception: Exception,
    pub detection: Detections,
    targets: FilterRuleTarget,
    source: Source,
    /// Its last day, when that is over.
    expired: Option<Date>,
    /// Whether some rule has it.
    pub used: bool,
}

impl Filter {
    /// A filter that may be applied now.
    pub fn new(file: &str, rule: FilterRule, settings: &Settings<'_>) -> Result<Self, String> {
        if rsigma_parser::is_unsupported(rule.sigma_version) {
            return Err("it asks for a newer version of the Sigma specification than is known here".to_owned());
        }
        let text = |name: &str| {
            let value = rule.custom_attributes.get(name).and_then(|value| value.as_str());
            value.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let owner = text("owner").or_else(|| rule.author.clone());
        let reason = text("reason").or_else(|| rule.description.clone());
        let expires = text("expires").map(|expires| day(&expires)).transpose()?;
        if settings.filters == Filters::Owned {
            owner.as_ref().ok_or("this filter has no owner: write `owner:` with who answers for it")?;
            reason.as_ref().ok_or("this filter has no reason: write `reason:` with why these events are harmless")?;
            expires.ok_or("this filter never expires: write `expires:` with its last day")?;
        }
        let expired = expires.filter(|last| Offset::UTC.to_datetime(settings.now).date() > *last);
        let exception = Exception { file: file.to_owned(), title: rule.title, owner, reason, expires };
        let source = rule.logsource.as_ref().map(source).unwrap_or_default();
        Ok(Self { exception, detection: rule.detection, targets: rule.rules, source, expired, used: false })
    }

    /// Why it is not applied any more; nothing while it is.
    pub fn expired(&self) -> Option<String> {
        let owner = self.exception.owner.as_deref().unwrap_or("it has no owner");
        let last = self.expired?;
        Some(format!("{EXPIRED} {last} and is not applied: renew it or take it out ({owner})"))
    }

    /// Whether the filter is meant for the rule.
    pub fn applies(&self, rule: &Rule, source: &Source) -> bool {
        let named = match &self.targets {
            FilterRuleTarget::Any => true,
            FilterRuleTarget::Specific(names) => names.iter().any(|name| rule.is_called(name)),
        };
        named && self.source.covers(source)
    }
}

fn day(text: &str) -> Result<Date, String> {
    text.parse().map_err(|_| format!("`expires` is `{text}`: write a day as 2027-01-31"))
}
