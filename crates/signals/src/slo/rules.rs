//! The recording and alerting rules of an objective.

use std::collections::{BTreeMap, BTreeSet};

use kernel::Seconds;
use kernel::book::rules as book;
use kernel::book::slo::{AlertWords, Slo, Tier, Urgency, Windows};

use super::query::{self, quoted_label};
use super::refusal::Refusal;
use super::windows::{BurnRate, burn_rates, duration};

/// The alert's name when an objective gives none.
const ALERT_DEFAULT: &str = "SloErrorBudgetBurn";
/// The label `severity` of an alert when its objective gives none.
const SEVERITIES: [(Urgency, &str); 2] = [(Urgency::Page, "critical"), (Urgency::Ticket, "warning")];

/// How the names of an objective's groups begin, as sloth names them.
const PARTS: [&str; 3] = ["sloth-slo-sli-recordings-", "sloth-slo-meta-recordings-", "sloth-slo-alerts-"];

/// Queries of plugins by the plugin's name: the share of bad events, with `{{.window}}`, `{{.service}}`, `{{.slo}}`,
/// `{{.objective}}` and `{{.options.NAME}}`.
pub type Plugins = BTreeMap<String, String>;

/// Rules that are evaluated together, in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Its name, once in a file.
    pub name: String,
    /// How often it is evaluated; the server's default when absent.
    pub interval: Option<Seconds>,
    /// Its rules.
    pub rules: Vec<Rule>,
}

impl Group {
    /// As a group of a rule file, every rule of which stands where its objective does.
    #[must_use]
    pub fn placed(self, at: book::Place) -> book::Group {
        let rules = self.rules.into_iter().map(|rule| rule.placed(at)).collect();
        let interval = self.interval.map(Seconds::std);
        book::Group { name: self.name, at, interval, rules, ..book::Group::default() }
    }
}

/// One rule.
#[derive(Debug, Clone, PartialEq)]
pub enum Rule {
    /// Writes the answer of a query as a series.
    Recording {
        /// The name of the series.
        record: String,
        /// The query.
        expr: String,
        /// Labels that are added.
        labels: BTreeMap<String, String>,
    },
    /// Raises an alert.
    Alerting {
        /// The alert's name.
        alert: String,
        /// The query.
        expr: String,
        /// Labels that are added.
        labels: BTreeMap<String, String>,
        /// Go templates by name.
        annotations: BTreeMap<String, String>,
    },
}

impl Rule {
    fn placed(self, at: book::Place) -> book::Rule {
        let expression = |text| book::Expression { text, at };
        match self {
            Self::Recording { record, expr, labels } => {
                book::Rule::Recording(book::Recording { record, at, expr: expression(expr), labels })
            }
            Self::Alerting { alert, expr, labels, annotations } => {
                let expr = expression(expr);
                book::Rule::Alerting(book::Alerting { alert, at, expr, labels, annotations, ..Default::default() })
            }
        }
    }
}

/// Makes the rules of an objective: the error ratio over every window, what is known about the objective, and the alerts.
///
/// # Errors
/// When a query is not known, is not about a window, or cannot count what `min_events` asks for.
pub fn generate(slo: &Slo, windows: &Windows, plugins: &Plugins) -> Result<Vec<Group>, Refusal> {
    let maker = Maker { slo, windows, rates: burn_rates(slo, windows) };
    let groups = PARTS.into_iter().zip([maker.error_ratios(plugins)?, maker.about(), maker.alerts()]);
    let filled = groups.filter(|(_, rules)| !rules.is_empty());
    let named = |(part, rules)| Group { name: format!("{part}{}", slo.id()), interval: slo.interval, rules };
    Ok(filled.map(named).collect())
}

/// The objective of which a group was made, by the group's name: the inverse of what [`generate`] does.
#[must_use]
pub fn objective_of(group: &str) -> Option<&str> {
    PARTS.into_iter().find_map(|part| group.strip_prefix(part))
}

struct Maker<'a> {
    slo: &'a Slo,
    windows: &'a Windows,
    rates: Vec<BurnRate>,
}

impl Maker<'_> {
    /// Labels that name the objective.
    fn identity(&self) -> [(&'static str, String); 3] {
        [("sloth_id", self.slo.id()), ("sloth_service", self.slo.service.clone()), ("sloth_slo", self.slo.name.clone())]
    }

    /// A selector for a recorded series of this objective.
    fn series(&self, name: &str) -> String {
        let matchers = self.identity().map(|(label, value)| format!("{label}={}", quoted_label(&value)));
        format!("{name}{{{}}}", matchers.join(", "))
    }

    fn record(&self, name: &str, expr: String, more: &[(&str, String)]) -> Rule {
        let mut labels = self.slo.labels.clone();
        let own = self.identity().into_iter().chain(more.iter().cloned());
        labels.extend(own.map(|(label, value)| (label.to_owned(), value)));
        Rule::Recording { record: name.to_owned(), expr, labels }
    }

    /// Every window that is recorded. All tiers' are, dropped ones too, because dashboards ask for them.
    fn recorded(&self) -> BTreeSet<Seconds> {
        Tier::ALL.into_iter().map(|tier| self.windows.pace(tier)).flat_map(|pace| [pace.short, pace.long]).collect()
    }

    fn shortest(&self) -> String {
        self.recorded().first().map_or_else(String::new, |window| duration(*window))
    }

    fn error_ratios(&self, plugins: &Plugins) -> Result<Vec<Rule>, Refusal> {
        let mut rules = Vec::new();
        for window in self.recorded() {
            let expr = query::error_ratio(self.slo, plugins, window)?;
            rules.push(self.over("slo:sli_error:ratio_rate", window, expr));
        }
        // Over the whole period a query would touch too much, so it is the mean of what was recorded.
        let (period, shortest) = (self.windows.period(), self.shortest());
        let base = format!("{}[{}]", self.series(&format!("slo:sli_error:ratio_rate{shortest}")), duration(period));
        let expr = format!("sum_over_time({base})\n/ ignoring (sloth_window)\ncount_over_time({base})");
        rules.push(self.over("slo:sli_error:ratio_rate", period, expr));
        if self.slo.min_events.is_some() {
            for window in self.rates.iter().map(|rate| rate.long).collect::<BTreeSet<_>>() {
                rules.push(self.over("slo:sli_error:increase", window, query::bad_events(self.slo, window)?));
            }
        }
        Ok(rules)
    }

    fn over(&self, name: &str, window: Seconds, expr: String) -> Rule {
        let window = duration(window);
        self.record(&format!("{name}{window}"), expr, &[("sloth_window", window)])
    }

    /// The objective itself, its budget, and how fast that burns.
    fn about(&self) -> Vec<Rule> {
        let (ratio, period) = (self.slo.objective.as_ratio(), self.windows.period());
        let budget = self.series("slo:error_budget:ratio");
        let burn = |window: String| {
            let errors = self.series(&format!("slo:sli_error:ratio_rate{window}"));
            format!("{errors}\n/ on(sloth_id, sloth_slo, sloth_service) group_left\n{budget}")
        };
        let days = f64::from(period.0) / 86_400.0;
        let info = self.slo.info_labels.iter().map(|(label, value)| (label.as_str(), value.clone()));
        let objective = self.slo.objective.as_percent().to_string();
        let info: Vec<_> =
            info.chain([("sloth_objective", objective), ("sloth_spec", self.slo.form.to_owned())]).collect();
        vec![
            self.record("slo:objective:ratio", format!("vector({ratio})"), &[]),
            self.record("slo:error_budget:ratio", format!("vector({})", self.slo.objective.budget()), &[]),
            self.record("slo:time_period:days", format!("vector({days})"), &[]),
            self.record("slo:current_burn_rate:ratio", burn(self.shortest()), &[]),
            self.record("slo:period_burn_rate:ratio", burn(duration(period)), &[]),
            self.record(
                "slo:period_error_budget_remaining:ratio",
                format!("1 - {}", self.series("slo:period_burn_rate:ratio")),
                &[],
            ),
            self.record("sloth_slo_info", "vector(1)".to_owned(), &info),
        ]
    }

    fn alerts(&self) -> Vec<Rule> {
        Urgency::ALL.into_iter().filter_map(|urgency| self.alert(urgency)).collect()
    }

    /// The alert of an urgency, when any of its tiers is wanted.
    fn alert(&self, urgency: Urgency) -> Option<Rule> {
        let rates: Vec<&BurnRate> = self.rates.iter().filter(|rate| rate.urgency == urgency).collect();
        if rates.is_empty() {
            return None;
        }
        let alerting = &self.slo.alerting;
        let own = match urgency {
            Urgency::Page => &alerting.page,
            Urgency::Ticket => &alerting.ticket,
        };
        let conditions: Vec<String> = rates.iter().map(|rate| self.condition(rate)).collect();
        Some(Rule::Alerting {
            alert: alerting.name.clone().unwrap_or_else(|| ALERT_DEFAULT.to_owned()),
            expr: conditions.join("\nor\n"),
            labels: self.alert_labels(urgency, own),
            annotations: self.annotations(urgency, &rates, own),
        })
    }

    fn condition(&self, rate: &BurnRate) -> String {
        let threshold = format!("({} * {})", rate.factor, self.slo.objective.budget());
        let above = |name: &str, window: Seconds, comparison: String| {
            let series = self.series(&format!("{name}{}", duration(window)));
            format!("    max({series} {comparison}) without (sloth_window)")
        };
        let ratio = |window| above("slo:sli_error:ratio_rate", window, format!("> {threshold}"));
        let mut parts = vec![ratio(rate.short), ratio(rate.long)];
        parts
            .extend(self.slo.min_events.map(|least| above("slo:sli_error:increase", rate.long, format!(">= {least}"))));
        format!("(\n{}\n)", parts.join("\n    and\n"))
    }

    fn alert_labels(&self, urgency: Urgency, own: &AlertWords) -> BTreeMap<String, String> {
        let word = SEVERITIES.iter().find(|(known, _)| *known == urgency).map_or("warning", |(_, word)| word);
        let mut labels = BTreeMap::from([("severity".to_owned(), word.to_owned())]);
        labels.extend(self.slo.alerting.labels.clone());
        labels.extend(own.labels.clone());
        labels.insert("sloth_severity".to_owned(), urgency.word().to_owned());
        labels
    }

    /// A summary without numbers, and a description that says what the numbers mean for the reader.
    fn annotations(&self, urgency: Urgency, rates: &[&BurnRate], own: &AlertWords) -> BTreeMap<String, String> {
        let (period, objective) = (duration(self.windows.period()), self.slo.objective.as_percent());
        let paces: Vec<String> = rates
            .iter()
            .map(|rate| {
                let left = Seconds((f64::from(self.windows.period().0) / rate.factor / 60.0) as u32 * 60);
                format!(
                    "{} times as fast over {}, which would empty it in {}",
                    rate.factor,
                    duration(rate.long),
                    duration(left)
                )
            })
            .collect();
        let name = "{{$labels.sloth_service}} {{$labels.sloth_slo}}";
        let description = format!(
            "{name} promises {objective}% over {period}, and its error budget burns faster than it may: at least {}.",
            paces.join(", or ")
        );
        let mut annotations = BTreeMap::from([
            ("title".to_owned(), format!("({}) {name} burns its error budget too fast", urgency.word())),
            ("summary".to_owned(), "An objective burns its error budget too fast.".to_owned()),
            ("description".to_owned(), description),
        ]);
        annotations.extend(self.slo.alerting.annotations.clone());
        annotations.extend(own.annotations.clone());
        annotations
    }
}
