//! Rules that fire at once: which they are, and the writing of which series one of them cannot wait for.

use promql::ast::{Matcher, Selector};
use promql::{METRIC_NAME, Millis};

use super::ahead::queries;
use super::plan::{AlertPlan, Plan, Planned};
use super::{ALERTS, ALERTS_FOR_STATE};

/// A rule that fires at once, so that the next beat of its group would be late.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// Its place in the plan.
    pub rule: usize,
    /// The places of the recording rules before it that it reads, and of those that these read.
    pub needs: Vec<usize>,
    /// When something is written of a series that meets one of these, the rule may see something new.
    pub inputs: Vec<Vec<Matcher>>,
}

impl Plan {
    /// Every selector of every query of its rules, in no order, some of them several times, with how long a window up to now
    /// it reads; zero where only newest points matter.
    #[must_use]
    pub fn reads(&self) -> Vec<(&Selector, Millis)> {
        let reads = self.rules.iter().flat_map(queries).flat_map(|(_, expr)| expr.reads());
        reads.map(|(selector, window)| (selector, if window > 0 { window + self.offset } else { 0 })).collect()
    }

    /// The rules that fire at once: alerting rules without `for`, without `M of N` and without `flapping`, which count
    /// evaluations. One that learns has a row an interval, however often samples
    /// come, and waits for its beat; so does one that reads what such a rule records. What they read of the series that say which alerts are
    /// active is left out of their inputs: they write some of these themselves, and would never come to rest.
    #[must_use]
    pub fn prompts(&self) -> Vec<Prompt> {
        let prompt = |(place, rule): (usize, &Planned)| match rule {
            Planned::Alert(rule) if rule.fires_at_once() => {
                Some(self.prompt(place, rule)).filter(|prompt| !self.learns(prompt))
            }
            _ => None,
        };
        self.rules.iter().enumerate().filter_map(prompt).collect()
    }

    /// Whether a rule or one that it needs learns, by `anomaly(..)` or `unusual(..)`.
    fn learns(&self, prompt: &Prompt) -> bool {
        let mut rules = prompt.needs.iter().chain([&prompt.rule]).filter_map(|place| self.rules.get(*place));
        rules.any(|rule| queries(rule).iter().any(|(_, expr)| !expr.scored().is_empty()))
    }

    fn prompt(&self, place: usize, rule: &AlertPlan) -> Prompt {
        let (mut needs, mut inputs) = (Vec::new(), Vec::new());
        let mut open: Vec<(usize, &Selector)> = rule.expr.selectors().into_iter().map(|one| (place, one)).collect();
        while let Some((reader, selector)) = open.pop() {
            if !may_name(selector, ALERTS)
                && !may_name(selector, ALERTS_FOR_STATE)
                && !inputs.contains(&selector.matchers)
            {
                inputs.push(selector.matchers.clone());
            }
            for (number, before) in self.rules.iter().enumerate().take(reader) {
                let Planned::Record(before) = before else { continue };
                if may_name(selector, &before.name) && !needs.contains(&number) {
                    needs.push(number);
                    open.extend(before.expr.selectors().into_iter().map(|one| (number, one)));
                }
            }
        }
        needs.sort_unstable();
        Prompt { rule: place, needs, inputs }
    }
}

impl AlertPlan {
    fn fires_at_once(&self) -> bool {
        self.hold == 0 && self.several.is_none() && self.flapping.is_none()
    }
}

/// Whether a selector may select series of this name.
fn may_name(selector: &Selector, name: &str) -> bool {
    selector.matchers.iter().filter(|matcher| matcher.name == METRIC_NAME).all(|matcher| matcher.holds(name))
}
