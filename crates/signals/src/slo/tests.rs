//! The published numbers, the formula for other periods, and what the rules say.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;

use kernel::Seconds;
use kernel::book::slo::{AlertWords, Alerting, Objective, Pace, Sli, Slo, Tier, Urgency, Windows};
use proptest::prelude::*;

use super::{Catalogue, Plugins, Refusal, Rule, burn_rates, duration, factor, generate, published, to_yaml};

const DAY: u32 = 86_400;

fn slo(percent: f64) -> Slo {
    Slo {
        service: "shop".to_owned(),
        name: "checkout".to_owned(),
        description: String::new(),
        objective: Objective::percent(percent).unwrap(),
        period: None,
        labels: BTreeMap::from([("team".to_owned(), "pay".to_owned())]),
        info_labels: BTreeMap::new(),
        interval: None,
        form: "prometheus/v1",
        sli: Sli::Events {
            error: "sum(rate(http_requests_total{code=~\"5..\"}[{{.window}}]))".to_owned(),
            total: "sum(rate(http_requests_total[{{ .window }}]))".to_owned(),
        },
        alerting: Alerting::default(),
        min_events: None,
        dropped: BTreeSet::new(),
    }
}

fn rates(period: u32) -> Vec<(String, String, f64)> {
    let rates = burn_rates(&slo(99.9), &published(Seconds(period)).unwrap());
    rates.iter().map(|rate| (duration(rate.short), duration(rate.long), rate.factor)).collect()
}

#[test]
fn published_numbers() {
    let of = |rows: [(&str, &str, f64); 4]| {
        rows.map(|(short, long, factor)| (short.to_owned(), long.to_owned(), factor)).to_vec()
    };
    let windows = |a, b, c, d| of([("5m", "1h", a), ("30m", "6h", b), ("2h", "1d", c), ("6h", "3d", d)]);
    assert_eq!(rates(30 * DAY), windows(14.4, 6.0, 3.0, 1.0));
    assert_eq!(rates(28 * DAY), windows(13.44, 5.6, 2.8, 0.933_333_333_333));
    assert_eq!(rates(31 * DAY), windows(14.88, 6.2, 3.1, 1.033_333_333_33));
    // Three months: three times the windows, and so the same factors.
    assert_eq!(
        rates(90 * DAY),
        of([("15m", "3h", 14.4), ("1h30m", "18h", 6.0), ("6h", "3d", 3.0), ("18h", "9d", 1.0)])
    );
    assert_eq!(
        rates(7 * DAY),
        of([("1m", "14m", 14.4), ("7m", "1h24m", 6.0), ("28m", "5h36m", 3.0), ("1h24m", "16h48m", 1.0)])
    );
}

#[test]
fn thresholds_are_factors_of_the_error_budget() {
    let rates = burn_rates(&slo(99.9), &published(Seconds(30 * DAY)).unwrap());
    let thresholds: Vec<(Urgency, f64)> = rates.iter().map(|rate| (rate.urgency, rate.threshold)).collect();
    let (page, ticket) = (Urgency::Page, Urgency::Ticket);
    for ((urgency, threshold), (wanted, number)) in
        thresholds.iter().zip([(page, 0.0144), (page, 0.006), (ticket, 0.003), (ticket, 0.001)])
    {
        assert_eq!(*urgency, wanted);
        assert!((threshold - number).abs() < 1e-12, "{threshold} {number}");
    }
    assert!(Objective::percent(99.9).unwrap().budget() <= 0.001);
    for percent in [0.0, 100.0, -1.0, 101.0, f64::NAN, f64::INFINITY] {
        assert_eq!(Objective::percent(percent), None);
    }
}

#[test]
fn periods_have_bounds() {
    assert!(matches!(published(Seconds(3600)), Err(Refusal::Period { .. })));
    assert!(matches!(published(Seconds(400 * DAY)), Err(Refusal::Period { .. })));
    let pace = |short, long| Pace { budget_percent: 2.0, short: Seconds(short), long: Seconds(long) };
    let good = pace(60, 600);
    assert!(Windows::new(Seconds(DAY), [good; 4]).is_ok());
    for bad in [
        pace(0, 600),
        pace(600, 600),
        pace(60, DAY),
        Pace { budget_percent: 0.0, ..good },
        Pace { budget_percent: f64::NAN, ..good },
    ] {
        assert!(
            Windows::new(Seconds(DAY), [good, good, bad, good]).unwrap_err().to_string().starts_with("ticket_quick: ")
        );
    }
}

#[test]
fn own_windows_win_for_their_period() {
    let pace = |budget_percent, short, long| Pace { budget_percent, short: Seconds(short), long: Seconds(long) };
    let own = Windows::new(
        Seconds(7 * DAY),
        [pace(8.0, 300, 3600), pace(12.5, 1800, 21_600), pace(20.0, 7200, DAY), pace(42.0, 21_600, 3 * DAY)],
    )
    .unwrap();
    let catalogue = Catalogue { own: vec![own.clone()], period: Seconds(7 * DAY) };
    assert_eq!(catalogue.of(&slo(99.0)), Ok(own.clone()));
    assert_eq!(Tier::ALL.map(|tier| factor(&own, tier)), [13.44, 3.5, 1.4, 0.98]);
    let other = Slo { period: Some(Seconds(30 * DAY)), ..slo(99.0) };
    assert_eq!(catalogue.of(&other), published(Seconds(30 * DAY)));
}

#[test]
fn durations_are_prometheus_ones() {
    let rows = [
        (0, "0s"),
        (300, "5m"),
        (5400, "1h30m"),
        (DAY, "1d"),
        (DAY + DAY / 2, "1d12h"),
        (7 * DAY, "1w"),
        (28 * DAY, "4w"),
        (30 * DAY, "30d"),
        (365 * DAY, "1y"),
    ];
    for (seconds, wanted) in rows {
        assert_eq!(duration(Seconds(seconds)), wanted);
    }
}

fn groups(slo: &Slo) -> Vec<super::Group> {
    generate(slo, &published(Seconds(30 * DAY)).unwrap(), &Plugins::new()).unwrap()
}

#[test]
fn rules_of_an_objective() {
    insta::assert_snapshot!(to_yaml(&groups(&slo(99.9))));
}

#[test]
fn every_window_is_recorded_once() {
    let groups = groups(&slo(99.0));
    let names: Vec<String> = groups
        .iter()
        .flat_map(|group| &group.rules)
        .filter_map(|rule| match rule {
            Rule::Recording { record, .. } => Some(record.trim_start_matches("slo:").to_owned()),
            Rule::Alerting { .. } => None,
        })
        .collect();
    let windows =
        ["5m", "30m", "1h", "2h", "6h", "1d", "3d", "30d"].map(|window| format!("sli_error:ratio_rate{window}"));
    let about = [
        "objective:ratio",
        "error_budget:ratio",
        "time_period:days",
        "current_burn_rate:ratio",
        "period_burn_rate:ratio",
        "period_error_budget_remaining:ratio",
        "sloth_slo_info",
    ];
    assert_eq!(names, windows.into_iter().chain(about.map(str::to_owned)).collect::<Vec<_>>());
}

fn alerts(slo: &Slo) -> Vec<(String, BTreeMap<String, String>)> {
    groups(slo)
        .into_iter()
        .flat_map(|group| group.rules)
        .filter_map(|rule| match rule {
            Rule::Alerting { expr, labels, .. } => Some((expr, labels)),
            Rule::Recording { .. } => None,
        })
        .collect()
}

#[test]
fn a_tier_or_an_alert_can_be_left_out() {
    let dropped = Slo { dropped: BTreeSet::from([Tier::TicketSlow, Tier::PageQuick, Tier::PageSlow]), ..slo(99.0) };
    let alerts_left = alerts(&dropped);
    let [(expr, labels)] = alerts_left.as_slice() else { panic!("{alerts_left:?}") };
    assert!(
        expr.contains("ratio_rate2h")
            && expr.contains("ratio_rate1d")
            && !expr.contains("ratio_rate3d")
            && !expr.contains("\nor\n")
    );
    assert_eq!(labels.get("sloth_severity").map(String::as_str), Some("ticket"));
    let off = AlertWords { disabled: true, ..AlertWords::default() };
    let silent = Slo { alerting: Alerting { page: off.clone(), ticket: off, ..Alerting::default() }, ..slo(99.0) };
    assert!(alerts(&silent).is_empty());
    assert_eq!(groups(&silent).len(), 2);
}

#[test]
fn few_events_fire_nothing() {
    let guarded = Slo { min_events: NonZeroU32::new(10), ..slo(99.9) };
    let (expr, _) = alerts(&guarded).remove(0);
    assert!(expr.contains("max(slo:sli_error:increase1h{sloth_id=\"shop-checkout\", sloth_service=\"shop\", sloth_slo=\"checkout\"} >= 10) without (sloth_window)"), "{expr}");
    let counts: Vec<(String, String)> = groups(&guarded)
        .into_iter()
        .flat_map(|group| group.rules)
        .filter_map(|rule| match rule {
            Rule::Recording { record, expr, .. } if record.contains("increase") => Some((record, expr)),
            _ => None,
        })
        .collect();
    assert_eq!(counts.len(), 4);
    assert_eq!(counts.first().map(|(_, expr)| &**expr), Some("sum(increase(http_requests_total{code=~\"5..\"}[1h]))"));
    let refused = |sli| {
        generate(&Slo { sli, ..guarded.clone() }, &published(Seconds(30 * DAY)).unwrap(), &Plugins::new()).unwrap_err()
    };
    assert_eq!(refused(Sli::Ratio("x[{{.window}}]".to_owned())), Refusal::NothingToCount);
    let gauge = "max_over_time(rate_limit{a=\"rate(\"}[{{.window}}])".to_owned();
    assert!(matches!(refused(Sli::Events { error: gauge.clone(), total: gauge }), Refusal::NoCount { .. }));
    let good = Sli::Good { good: "rate(a[{{.window}}])".to_owned(), total: "increase(b[{{.window}}])".to_owned() };
    let groups =
        generate(&Slo { sli: good, ..guarded.clone() }, &published(Seconds(30 * DAY)).unwrap(), &Plugins::new())
            .unwrap();
    assert!(to_yaml(&groups).contains("(increase(b[1d]))\n      -\n      (increase(a[1d]))"));
}

#[test]
fn queries_that_cannot_be_known() {
    let make =
        |sli, plugins: &Plugins| generate(&Slo { sli, ..slo(99.0) }, &published(Seconds(30 * DAY)).unwrap(), plugins);
    let plugin =
        Sli::Plugin { id: "latency".to_owned(), options: BTreeMap::from([("job".to_owned(), "api".to_owned())]) };
    assert_eq!(make(plugin.clone(), &Plugins::new()), Err(Refusal::UnknownPlugin { id: "latency".to_owned() }));
    let query = "1 - sum(rate(ok{job=\"{{.options.job}}\", of=\"{{.service}}/{{.slo}}\"}[{{.window}}]))";
    let groups = make(plugin.clone(), &Plugins::from([("latency".to_owned(), query.to_owned())])).unwrap();
    assert!(
        to_yaml(&groups).contains("(1 - sum(rate(ok{job=\\\"api\\\", of=\\\"shop/checkout\\\"}[5m])))"),
        "{}",
        to_yaml(&groups)
    );
    let unknown = "sum(rate(ok{job=\"{{.options.nope}}\"}[{{.window}}]))";
    assert!(matches!(
        make(plugin, &Plugins::from([("latency".to_owned(), unknown.to_owned())])),
        Err(Refusal::Template { .. })
    ));
    assert!(matches!(make(Sli::Ratio("rate(x[5m])".to_owned()), &Plugins::new()), Err(Refusal::NoWindow { .. })));
    assert!(matches!(
        make(Sli::Ratio("rate(x[{{.widow}}])".to_owned()), &Plugins::new()),
        Err(Refusal::Template { .. })
    ));
    assert!(matches!(make(Sli::Ratio("rate(x[{{.window".to_owned()), &Plugins::new()), Err(Refusal::Template { .. })));
}

#[test]
fn every_query_is_promql_and_keeps_its_place() {
    let guarded = Slo { min_events: NonZeroU32::new(3), interval: Some(Seconds(60)), ..slo(99.9) };
    let at = kernel::book::rules::Place { line: 7, column: 3, last_line: 7 };
    let placed: Vec<_> = groups(&guarded).into_iter().map(|group| group.placed(at)).collect();
    assert!(placed.iter().all(|group| group.interval == Some(std::time::Duration::from_secs(60)) && group.at == at));
    let rules: Vec<_> = placed.iter().flat_map(|group| &group.rules).collect();
    assert_eq!(rules.len(), 8 + 4 + 7 + 2);
    for rule in rules {
        let parsed = promql::parse(&rule.expr().text);
        assert!(parsed.is_ok() && rule.at() == at, "{}: {parsed:?}", rule.expr().text);
    }
}

#[test]
fn a_status_is_read_from_what_its_rules_record() {
    use promql::{Labels, MemorySource, Point};
    let guarded = Slo { min_events: NonZeroU32::new(10), ..slo(99.0) };
    let windows = published(Seconds(30 * DAY)).unwrap();
    let mut source = MemorySource::new();
    let mut record = |name: &str, value: f64| {
        let own =
            [("__name__", name), ("sloth_id", "shop-checkout"), ("sloth_service", "shop"), ("sloth_slo", "checkout")];
        source.insert(Labels::from_pairs(own), [Point::float(60_000, value), Point::float(120_000, value)]);
    };
    record("slo:sli_error:ratio_rate5m", 0.5);
    record("slo:sli_error:ratio_rate1h", 0.2);
    record("slo:sli_error:increase1h", 9.0);
    record("slo:sli_error:ratio_rate30m", 0.02);
    record("slo:current_burn_rate:ratio", 50.0);
    record("slo:period_error_budget_remaining:ratio", -1.5);
    let status = |slo: &Slo| super::status(slo, &windows, &source, 150_000).unwrap();
    let quiet = status(&guarded);
    assert_eq!((quiet.burn_rate, quiet.budget_left, quiet.known_since), (Some(50.0), Some(-1.5), Some(60_000)));
    let quick = &quiet.burns[0];
    assert_eq!((quick.tier, quick.over_short, quick.over_long), (Tier::PageQuick, Some(50.0), Some(20.0)));
    assert_eq!((quick.bad_events, quick.burning), (Some(9.0), false), "nine events are fewer than ten");
    assert!(status(&slo(99.0)).burns[0].burning && !status(&slo(99.0)).burns[1].burning);
    let other = status(&Slo { name: "other".into(), ..slo(99.0) });
    assert_eq!((other.burn_rate, other.known_since), (None, None));
    assert_eq!(super::objective_of("sloth-slo-alerts-shop-checkout"), Some("shop-checkout"));
    assert_eq!(super::objective_of("shop"), None);
}

#[test]
fn annotations_render() {
    for (name, text) in groups(&slo(99.95)).into_iter().flat_map(|group| group.rules).flat_map(|rule| match rule {
        Rule::Alerting { annotations, .. } => annotations,
        Rule::Recording { .. } => BTreeMap::new(),
    }) {
        let used = crate::gotemplate::check(&text).unwrap_or_else(|message| panic!("{name}: {message}"));
        assert!(used.labels.iter().all(|label| label.starts_with("sloth_")));
    }
}

proptest! {
    #[test]
    fn every_period_has_sound_windows(period in DAY..366 * DAY) {
        let windows = published(Seconds(period)).unwrap();
        for tier in Tier::ALL {
            let pace = windows.pace(tier);
            prop_assert!(pace.short.0 >= 60 && pace.short < pace.long && pace.long.0 < period);
            prop_assert!(factor(&windows, tier) > 0.5);
        }
    }

    #[test]
    fn hostile_words_stay_in_their_place(service in "\\PC{1,20}", name in "[\"\\\\\n\t{}: #-]{1,20}", query in "[ -~\n]{0,60}") {
        let hostile = Slo { service, name, sli: Sli::Ratio(format!("{query} x[{{{{.window}}}}]")), min_events: None, ..slo(99.0) };
        if let Ok(groups) = generate(&hostile, &published(Seconds(30 * DAY)).unwrap(), &Plugins::new()) {
            let yaml = to_yaml(&groups);
            // Every line that is not part of a query's block begins with a key or an item.
            let keys = ["groups:", "- name: \"", "  rules:", "  - record: \"", "  - alert: \"", "    expr: ", "    labels:", "    annotations:", "      "];
            prop_assert!(yaml.lines().all(|line| line.is_empty() || keys.iter().any(|key| line.starts_with(key))), "{}", yaml);
        }
    }
}
