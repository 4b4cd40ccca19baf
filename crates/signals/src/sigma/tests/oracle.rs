//! The index against asking every rule: over arbitrary rules and events, both find the same.

use super::*;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;

/// Texts that overlap, differ in case, and have wildcards in every place.
const TEXTS: [&str; 24] = [
    "", "a", "A", "ab", "aB", "abc", "bcd", "abcabc", "*", "?", "a*", "*a", "*b*", "a*c", "a?c", "?b*d", "*a*b*", "ß",
    "SS", "\u{212a}", "k", r"\*", "5", "50",
];
const FIELDS: [&str; 4] = ["f", "g", "h.i", "EventID"];
const MODIFIERS: [&str; 14] = [
    "",
    "",
    "|contains",
    "|startswith",
    "|endswith",
    "|contains|all",
    "|cased",
    "|re",
    "|re|i",
    "|windash|contains",
    "|gt",
    "|neq",
    "|exists",
    "|fieldref",
];
const CONDITIONS: [&str; 12] = [
    "s1",
    "s1 and s2",
    "s1 or s2",
    "s1 and not s2",
    "not s1",
    "1 of s*",
    "all of them",
    "2 of s*",
    "s1 or not s2",
    "not (s1 and s2) and s3",
    "s1 and (s2 or s3)",
    "(s1 or s2) and not s3",
];
const SOURCES: [&str; 5] = [
    "",
    "logsource: {product: windows, category: process_creation}",
    "logsource: {product: windows, category: registry_event}",
    "logsource: {product: windows, service: security}",
    "logsource: {product: linux}",
];

static PIPELINE: std::sync::LazyLock<Pipeline> =
    std::sync::LazyLock::new(|| Pipeline::built_in().expect("the built-in pipeline is read"));

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn line() -> impl Strategy<Value = String> {
    let values = proptest::collection::vec(select(&TEXTS[..]), 1..4);
    (select(&FIELDS[..]), select(&MODIFIERS[..]), values, 0..12_u8).prop_map(|(field, modifier, values, odd)| {
        let texts: Vec<String> = match modifier {
            "|re" | "|re|i" => values.iter().map(|text| quoted(&text.replace(['*', '?', '\\'], "."))).collect(),
            "|gt" => vec![values.len().to_string()],
            "|exists" => vec![(values.len() == 1).to_string()],
            "|fieldref" => vec!["g".to_owned()],
            "" if odd == 0 => vec!["null".to_owned()],
            _ => values.iter().map(|text| quoted(text)).collect(),
        };
        format!("{field}{modifier}: [{}]", texts.join(", "))
    })
}

fn search() -> impl Strategy<Value = String> {
    let map = proptest::collection::vec(line(), 1..3).prop_map(|lines| {
        let mut known = std::collections::BTreeSet::new();
        let once = lines.into_iter().filter(|line| known.insert(line.split(':').next().unwrap_or_default().to_owned()));
        once.map(|line| format!("\n      {line}")).collect::<String>()
    });
    let list = proptest::collection::vec(line(), 1..3)
        .prop_map(|lines| lines.into_iter().map(|line| format!("\n      - {line}")).collect::<String>());
    let words = proptest::collection::vec(select(&TEXTS[..]), 1..3)
        .prop_map(|texts| texts.into_iter().map(|text| format!("\n      - {}", quoted(text))).collect::<String>());
    prop_oneof![4 => map, 2 => list, 1 => words]
}

fn arbitrary_rule() -> impl Strategy<Value = String> {
    (select(&SOURCES[..]), [search(), search(), search()], select(&CONDITIONS[..])).prop_map(|(source, searches, condition)| {
        let [one, two, three] = searches;
        format!("title: T\n{source}\ndetection:\n    s1:{one}\n    s2:{two}\n    s3:{three}\n    condition: {condition}\n")
    })
}

fn arbitrary_event() -> impl Strategy<Value = Value> {
    let text = || {
        prop_oneof![
            4 => proptest::collection::vec(select(&["a", "b", "c", "d", "A", "B", "ß", "k", "K", "-a", " /b", "5"][..]), 0..7)
                .prop_map(|parts| json!(parts.concat())),
            1 => select(&TEXTS[..]).prop_map(|text| json!(text)),
            1 => (0..60_i64).prop_map(|number| json!(number)),
            1 => Just(json!(null)),
            1 => Just(json!(["ab", 5, {"x": "abc"}])),
        ]
    };
    let channel = select(&["Security", "Microsoft-Windows-Sysmon/Operational", "x", ""][..]);
    let id = select(&[1_i64, 12, 13, 4688, 5][..]);
    let optional = || proptest::option::of(text());
    (optional(), optional(), optional(), channel, id, any::<bool>()).prop_map(|(f, g, i, channel, id, linux)| {
        let mut event = json!({"EventID": id, "NewProcessName": "abc"});
        for (name, value) in [("f", f), ("g", g), ("h.i", i)] {
            if let (Some(value), Some(object)) = (value, event.as_object_mut()) {
                object.insert(name.to_owned(), value);
            }
        }
        if let Some(object) = event.as_object_mut() {
            if !channel.is_empty() {
                object.insert("Channel".to_owned(), json!(channel));
            }
            if linux {
                object.insert("logsource.product".to_owned(), json!("linux"));
            }
        }
        event
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// SG-1
    #[test]
    fn the_index_finds_what_asking_every_rule_finds(
        rules in proptest::collection::vec(arbitrary_rule(), 1..12),
        events in proptest::collection::vec(arbitrary_event(), 1..12),
    ) {
        let texts: Vec<&str> = rules.iter().map(String::as_str).collect();
        let (all, refused) = load_with(&texts, &PIPELINE);
        prop_assert_eq!(refused, []);
        for event in &events {
            let event = Event::new(event);
            let files = |found: Vec<super::super::Match<'_>>| -> Vec<String> {
                found.iter().map(|found| found.rule.file.clone()).collect()
            };
            prop_assert_eq!(files(all.matches(&event)), files(all.matches_without_index(&event)));
        }
    }

    /// A rule is not changed by the company it is in.
    #[test]
    fn rules_match_alone_as_they_do_together(
        rules in proptest::collection::vec(arbitrary_rule(), 2..8),
        event in arbitrary_event(),
    ) {
        let texts: Vec<&str> = rules.iter().map(String::as_str).collect();
        let event = Event::new(&event);
        let (all, _) = load_with(&texts, &PIPELINE);
        let together = all.matches(&event).len();
        let alone: usize = texts.iter().map(|text| load_with(&[text], &PIPELINE).0.matches(&event).len()).sum();
        prop_assert_eq!(together, alone);
    }
}

/// The same law over the rules and events of the data sets, when they are there.
#[test]
fn the_index_finds_the_same_over_real_rules() {
    let Some(data) = std::env::var_os("WATCHKEEPER_DATA").map(std::path::PathBuf::from) else {
        return println!("skipped: WATCHKEEPER_DATA is not set");
    };
    let Ok(cases) = std::fs::read_to_string(data.join("sigma/regression_cases.jsonl")) else {
        return println!("skipped: there is no sigma/regression_cases.jsonl");
    };
    let unpacked = std::process::Command::new("tar").arg("-xOJf").arg(data.join("sigma/rules.tar.xz")).output();
    let Ok(unpacked) = unpacked else { return println!("skipped: there is no tar") };
    // Every rule begins with its title, so one stream of files is cut there.
    let stream = String::from_utf8_lossy(&unpacked.stdout).replace("\r\n", "\n").replace("\ntitle: ", "\u{0}title: ");
    let texts: Vec<&str> = stream.split('\u{0}').collect();
    let (rules, _) = load_with(&texts, &PIPELINE);
    assert!(rules.iter().len() > 1000, "{} rules", rules.iter().len());
    for line in cases.lines() {
        let case: Value = serde_json::from_str(line).expect("a case");
        for event in case["events"].as_array().into_iter().flatten() {
            let event = Event::new(event);
            let keys = |found: Vec<super::super::Match<'_>>| -> Vec<String> {
                found.iter().map(|found| found.rule.key().to_owned()).collect()
            };
            assert_eq!(keys(rules.matches(&event)), keys(rules.matches_without_index(&event)));
        }
    }
}
