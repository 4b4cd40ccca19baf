//! The example, the starter and the documentation load; broken books are refused in the right place; no bytes panic.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use kernel::book::UpdateWords;
use kernel::{Seconds, Severity};
use proptest::prelude::*;

use super::files::{KINDS, place};
use super::*;

mod checks;
mod detection;
mod logs;
mod sources;

type Files = BTreeMap<String, String>;

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn folder(directory: &Path) -> Files {
    let mut files = Files::new();
    let mut left = vec![directory.to_owned()];
    while let Some(here) = left.pop() {
        for entry in std::fs::read_dir(here).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                left.push(path);
            } else {
                let name = path.strip_prefix(directory).unwrap().to_str().unwrap().to_owned();
                files.insert(name, std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    files
}

fn example() -> Files {
    folder(&workspace().join("examples/watchbook"))
}

fn begin() -> Files {
    starter().iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
}

fn checked(files: &Files) -> Checked {
    check_files(files.iter().map(|(path, text)| (path, text.clone().into_bytes())))
}

/// The starter with one file replaced or added.
fn with(path: &str, text: &str) -> Files {
    let mut files = begin();
    files.insert(path.to_owned(), text.to_owned());
    files
}

/// The starter with a text in one file replaced.
fn edited(path: &str, from: &str, to: &str) -> Files {
    let mut files = begin();
    let text = files.get_mut(path).unwrap();
    assert!(text.contains(from), "{path} does not hold {from}");
    *text = text.replacen(from, to, 1);
    files
}

fn brief(findings: &Findings) -> Vec<String> {
    findings.iter().map(|f| format!("{} {}:{}:{}", f.rule, f.file, f.line, f.column)).collect()
}

#[test]
fn the_starter_loads_without_findings() {
    let checked = checked(&begin());
    assert_eq!(checked.findings.to_string(), "");
    let book = checked.book.unwrap();
    assert_eq!(book.people.len(), 1);
    let owed = [Severity::P1, Severity::P2, Severity::P3, Severity::P4].map(|severity| book.update_every(severity));
    let (half, whole) = (Some(Seconds::minutes(30)), Some(Seconds::hours(1)));
    assert_eq!(owed, [half, half, whole, None], "usual for P1, by the rules for P2 and P3, and none");
}

#[test]
fn updates_begin_in_good_english() {
    let rendered = |files: &Files, name: &str| {
        let text = files.get(&format!("templates/{name}.txt")).unwrap();
        UpdateWords::samples().map(|words| {
            let mut environment = minijinja::Environment::new();
            environment.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
            environment.render_str(text, minijinja::value::Serde(&words)).unwrap()
        })
    };
    let begun = "Problems with Card payments. We noticed it at 10:00 UTC and are looking into it.";
    let over = "Problems with Card payments. It works again. We are sorry for the trouble and will tell you what we learn \
                from it.";
    for files in [begin(), example()] {
        let promised = format!("{begun} We will tell you more by 10:30 UTC.");
        assert_eq!(rendered(&files, "investigating"), [promised, begun.to_owned()]);
        assert_eq!(rendered(&files, "resolved"), [over, over]);
    }
}

#[test]
fn the_starter_names_every_file_of_its_folder() {
    let folder = folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/watchbook/starter"));
    assert_eq!(folder, begin());
}

#[test]
fn the_example_is_the_shop_of_the_demo() {
    let checked = check(&workspace().join("examples/watchbook"));
    assert_eq!(checked.findings.to_string(), "");
    let book = checked.book.unwrap();
    let counts = (book.services.len(), book.teams.len(), book.people.len(), book.schedules.len());
    assert_eq!(counts, (6, 3, 8, 2));
    assert!(book.policies.values().all(|policy| policy.steps.len() == 3));
    let rule = &book.rules["payments-errors"];
    assert_eq!((rule.raise, rule.hold), (kernel::book::Threshold::Above(0.05), kernel::Seconds(5)));
    let ports: Vec<&str> = book.checks.values().filter_map(|check| check.probe.url()).collect();
    let expected = ["8471", "8472", "8473"].map(|port| format!("http://127.0.0.1:{port}/health"));
    assert_eq!(ports, expected);
    let components: Vec<&str> = book.components.iter().map(|component| component.name.as_str()).collect();
    assert_eq!(components, ["shop", "orders", "payments", "messages"]);
    assert_eq!(book.access.lines().next(), Some("// access/shop.cedar"));
}

#[test]
fn an_alert_of_the_example_finds_its_severity_and_its_policy() {
    let book = checked(&example()).book.unwrap();
    let labels = kernel::Labels::from_pairs([("service", "payments"), ("severity", "critical")]).unwrap();
    let severity = book.severity_of(&labels).unwrap();
    assert_eq!((severity.severity, severity.declare), (kernel::Severity::P1, true));
    let (_, service) = book.service_of(&labels).unwrap();
    assert_eq!(book.policy_of(service).unwrap().as_str(), "critical");
}

#[test]
fn routes_take_over_from_their_parents_but_not_the_catch_all() {
    let routes = "
route:
  group_by: [service]
  group_wait: 1s
  policy: operations
  routes:
    - matchers: [team=a]
      group_interval: 2m
      policy: operations
      routes:
        - matchers: [b=c]
    - matchers: [service=~\".+\"]
      continue: true
";
    let route = checked(&with("routes.yaml", routes)).book.unwrap().route;
    let (first, second) = (&route.routes[0], &route.routes[1]);
    assert_eq!(route.policy.as_ref().unwrap().as_str(), "operations");
    assert_eq!((second.policy.as_ref(), second.proceed), (None, true));
    assert_eq!((second.group_wait, second.group_interval), (kernel::Seconds(1), kernel::Seconds::minutes(5)));
    let grandchild = &first.routes[0];
    assert_eq!((&grandchild.policy, grandchild.group_interval), (&first.policy, kernel::Seconds::minutes(2)));
    assert_eq!(grandchild.group_by, ["service"]);
}

#[test]
fn a_child_of_a_bare_root_hands_its_policy_down() {
    let routes = "route:\n  routes:\n    - policy: operations\n      routes: [{matchers: [a=b]}]\n";
    let route = checked(&with("routes.yaml", routes)).book.unwrap().route;
    assert_eq!(route.routes[0].routes[0].policy.as_ref().unwrap().as_str(), "operations");
}

#[test]
fn everything_that_is_wrong_is_reported_at_once() {
    let mut files = begin();
    let broken = [
        ("services.yaml", "owner: operations", "owner: opperations"),
        ("services.yaml", "tier: 1", "tier: 7"),
        ("services.yaml", "function:", "funktion:"),
        ("teams.yaml", "members: [me]", "members: []"),
        ("people.yaml", "time_zone: UTC", "time_zone: Europe/Belin"),
        ("schedules.yaml", "turn: 1w", "turn: 1x"),
        ("policies.yaml", "wait: 5m", "wait: soon"),
        ("severity.yaml", "severity=\"critical\"", "severity critical"),
        ("channels.yaml", "smtp://localhost:25", "http://localhost:25"),
    ];
    for (path, from, to) in broken {
        let text = files.get_mut(path).unwrap();
        assert!(text.contains(from), "{from}");
        *text = text.replacen(from, to, 1);
    }
    insta::assert_snapshot!(checked(&files).findings.to_string(), @r#"
    channels.yaml:4:8: this address is of the wrong kind [WB040]
      4 |   url: http://localhost:25
        |        ^^^^^^^^^^^^^^^^^^^
      hint: write smtps://host or smtp://host
    people.yaml:4:14: there is no time zone `Europe/Belin` [WB035]
      4 |   time_zone: Europe/Belin
        |              ^^^^^^^^^^^^
      hint: did you mean `Europe/Berlin`?
    policies.yaml:6:13: `soon` is not a duration [WB032]
      6 |       wait: soon
        |             ^^^^
      hint: write it like 90s, 5m, 1h30m, 2d or 1w
    schedules.yaml:8:13: `1x` is not a turn [WB037]
      8 |       turn: 1x
        |             ^^
      hint: write 1w, 1d or 12h
    services.yaml:4:10: there is no team `opperations` [WB022]
      4 |   owner: opperations
        |          ^^^^^^^^^^^
      hint: did you mean `operations`?
    services.yaml:5:9: `7` is not a number from 1 to 4 [WB031]
      5 |   tier: 7 # 1 is the most critical, 4 the least
        |         ^
      hint: write a whole number from 1 to 4
    services.yaml:6:3: there is no key `funktion` here [WB012]
      6 |   funktion: selling to customers
        |   ^^^^^^^^
      hint: did you mean `function`?
    severity.yaml:2:10: `severity critical` is not a matcher [WB033]
      2 | - when: [severity critical]
        |          ^^^^^^^^^^^^^^^^^
      hint: write severity="critical", with =, !=, =~ or !~
    teams.yaml:4:12: this list must have at least one item [WB016]
      4 |   members: []
        |            ^
    "#);
}

#[test]
fn each_rule_is_found_where_it_is_broken() {
    let person = "me:\n  contacts: [{mail: me@example.org}]\n  roles: [responder]\n";
    let hook = "h:\n  items: a.b\n  labels: {alertname: \"{{ item.\", 1x: y}\n";
    let rule = "r:\n  metric: a b\n  raise: over 1\nr2:\n  metric: m\n  raise: '> 1'\n  clear: '< 2'\n";
    let check = "website:\n  service: website\n  url: ftp://a\n  every: 1s\n  timeout: 2s\nb:\n  service: website\n  url: smtp://a\n  status: 99\n";
    let cases = [
        (with("service.yaml", ""), "WB003 service.yaml:1:1"),
        (with("services.yml", ""), "WB003 services.yml:1:1"),
        (with("services.yaml", "a: [1\nb: 2"), "WB010 services.yaml:2:2"),
        (edited("people.yaml", "me:", "me: &me"), ""),
        (edited("people.yaml", "roles:", "roles: !!seq"), "WB011 people.yaml:7:16"),
        (edited("people.yaml", "UTC", "*zone"), "WB011 people.yaml:4:14"),
        (edited("status.yaml", "website:", "---\n{}\n---\nwebsite:"), "WB011 status.yaml:4:1"),
        (edited("people.yaml", "time_zone: UTC", "time_zone: UTC\n  title: again"), "WB013 people.yaml:5:3"),
        (edited("people.yaml", "time_zone", "timezone"), "WB012 people.yaml:4:3"),
        (edited("teams.yaml", "policy: operations", ""), "WB014 teams.yaml:3:3"),
        (edited("teams.yaml", "[me]", "me"), "WB015 teams.yaml:4:12"),
        (edited("teams.yaml", "[me]", ""), "WB015 teams.yaml:4:10"),
        (edited("teams.yaml", "[me]", "[]"), "WB016 teams.yaml:4:12"),
        (edited("status.yaml", "website:", "Website:"), "WB020 status.yaml:2:1"),
        (with("people/more.yaml", person), "WB021 people/more.yaml:1:1"),
        (edited("teams.yaml", "[me]", "[you]"), "WB022 teams.yaml:4:13"),
        (edited("people.yaml", "commander", "comander"), "WB030 people.yaml:7:26"),
        (edited("services.yaml", "tier: 1", "tier: 0"), "WB031 services.yaml:5:9"),
        (edited("severity.yaml", "1-2", "2-1"), "WB031 severity.yaml:3:10"),
        (edited("routes.yaml", "10s", "10"), "WB032 routes.yaml:4:15"),
        (edited("routes.yaml", "5m", "0s"), "WB032 routes.yaml:5:19"),
        (edited("routes.yaml", "service=~\".+\"", "service=~\"(\""), "WB033 routes.yaml:9:18"),
        (with("rules.yaml", rule), "WB048 rules.yaml:2:11, WB034 rules.yaml:3:10, WB054 rules.yaml:7:10"),
        (edited("schedules.yaml", "UTC", "Mars"), "WB035 schedules.yaml:4:14"),
        (edited("schedules.yaml", "2026-01-05 09:00", "monday"), "WB036 schedules.yaml:7:14"),
        (edited("schedules.yaml", "1w", "0d"), "WB037 schedules.yaml:8:13"),
        (edited("schedules.yaml", "turn: 1w", "turn: 1w\n      hours: [mo 9-5]"), "WB038 schedules.yaml:9:15"),
        (edited("channels.yaml", "from:", "secret: hunter2\n  from:"), "WB039 channels.yaml:5:11"),
        (edited("channels.yaml", "localhost:25", ""), "WB040 channels.yaml:4:8"),
        (edited("channels.yaml", "localhost", "a:b@localhost"), "WB041 channels.yaml:4:8"),
        (with("templates/monitoring.txt", "a\n{% if %}"), "WB042 templates/monitoring.txt:2:1"),
        (with("hooks.yaml", hook), "WB044 hooks.yaml:2:10, WB042 hooks.yaml:3:23, WB043 hooks.yaml:3:35"),
        (edited("people.yaml", "you@example.org", "you"), "WB046 people.yaml:6:7"),
        (edited("channels.yaml", "from:", "# from:"), "WB047 channels.yaml:4:8"),
        (edited("routes.yaml", "group_by", "matchers: [a=b]\n  group_by"), "WB050 routes.yaml:3:3"),
        (with("routes/b.yaml", "route: {}"), "WB051 routes/b.yaml:1:8"),
        (edited("people.yaml", "    - mail: you@example.org", "    []"), "WB052 people.yaml:2:1"),
        (edited("services.yaml", "owner:", "depends_on: [website]\n  owner:"), "WB053 services.yaml:2:1"),
        (with("checks.yaml", check), "WB040 checks.yaml:3:8, WB031 checks.yaml:9:11"),
    ];
    let mut wrong = String::new();
    for (files, places) in cases {
        let findings = checked(&files).findings;
        let found = brief(&findings).join(", ");
        if found != places {
            let _ = writeln!(wrong, "expected {places}, found {found}\n{findings}");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn templates_ask_only_for_what_an_update_has() {
    let cases = [
        ("monitoring", "{{ title }}: {{ components | join(', ') }} {{ severity }} {{ since }} {{ organisation }}", ""),
        ("monitoring", "{% for one in components %}{{ loop.index }} {{ one }}{% endfor %} by {{ next_update }}", ""),
        ("monitoring", "titel\nüber {{ title }}: {{ titel }}", "WB049 monitoring.txt:2:22 did you mean `title`?"),
        ("monitoring", "{% if false %}{{ incident.title }}{% endif %}a", "WB049 monitoring.txt:1:18 known are"),
        (
            "monitoring",
            "a{% if not next_update %}\n{{ since | nothing }}{% endif %}",
            "WB049 monitoring.txt:2:1 try it",
        ),
        ("monitoring", "{% if next_update %}by {{ next_update }}{% endif %}", "WB049 monitoring.txt:1:1 try it"),
        ("monitoring", "{% for i in range(99999) %}{{ i }}{% endfor %}", "WB049 monitoring.txt:1:1 try it"),
        ("monitring", "a", "WB068 monitring.txt:1:1 did you mean `monitoring`?"),
    ];
    for (name, text, expected) in cases {
        let findings = checked(&with(&format!("templates/{name}.txt"), text)).findings;
        let found: Vec<String> = findings
            .iter()
            .map(|f| {
                let file = f.file.trim_start_matches("templates/");
                format!("{} {file}:{}:{} {}", f.rule, f.line, f.column, f.hint.as_deref().unwrap_or(""))
            })
            .collect();
        let found = found.join("; ");
        assert!(found.starts_with(expected) && found.is_empty() == expected.is_empty(), "{text}: {found}");
    }
}

#[test]
fn warnings_do_not_refuse() {
    let more = "a: {owner: operations, tier: 2, depends_on: [b]}\nb: {owner: operations, tier: 2, depends_on: [a]}\n";
    let check = "w:\n  service: website\n  url: http://a\n  every: 1s\n  timeout: 2s\n";
    let policy = "x:\n  steps:\n    - page: [{channel: {mail: a@example.org}}]\n      wait: 1m\n";
    let cases = [
        (with("services/more.yaml", more), "WB060"),
        (edited("routes.yaml", "policy: operations", ""), "WB061"),
        (edited("severity.yaml", "- severity: P4", "- when: [a=b]\n  severity: P4"), "WB065"),
        (edited("severity.yaml", "- when: [severity=\"critical\"]\n  severity: P3", "- severity: P3"), "WB062"),
        (edited("routes.yaml", "    - match", "    - routes: []\n    - match"), "WB062"),
        (with("policies/more.yaml", policy), "WB063"),
        (edited("people.yaml", "administrator, commander, ", ""), "WB064"),
        (with("hooks.yaml", "h:\n  labels: {a: b}"), "WB066"),
        (with("checks.yaml", check), "WB067"),
    ];
    for (files, rule) in cases {
        let checked = checked(&files);
        let found: Vec<&str> = checked.findings.iter().map(|finding| finding.rule).collect();
        assert_eq!((found, checked.book.is_some()), (vec![rule], true), "{}", checked.findings);
    }
}

#[test]
fn a_secret_in_the_wrong_place_is_not_repeated() {
    let cases = [
        ("from:", "secret: hunter2\n  from:", "WB039"),
        ("from:", "password: hunter2\n  from:", "WB012"),
        ("from:", "secret: env:A\n  secret: hunter2\n  from:", "WB013"),
        ("from:", "secret: |\n    hunter2\n  from:", "WB039"),
        ("from:", "secret: {hunter2\n  from:", "WB010"),
        ("localhost", "user:hunter2@localhost", "WB041"),
        ("smtp://localhost", "imap://user:hunter2@localhost", "WB041"),
        ("smtp://localhost:25", "smtp//user:hunter2@localhost", "WB040"),
    ];
    for (from, to, rule) in cases {
        let findings = checked(&edited("channels.yaml", from, to)).findings;
        let shown = format!("{findings} {}", findings.to_json());
        assert!(shown.contains(rule) && !shown.contains("hunter2"), "{shown}");
    }
}

#[test]
fn findings_are_objects_for_programs() {
    let findings = checked(&edited("teams.yaml", "[me]", "[mee]")).findings;
    insta::with_settings!({ sort_maps => true }, {
        insta::assert_json_snapshot!(findings.to_json(), @r#"
    {
      "errors": 1,
      "findings": [
        {
          "column": 13,
          "file": "teams.yaml",
          "hint": "did you mean `me`?",
          "line": 4,
          "message": "there is no person `mee`",
          "rule": "WB022",
          "severity": "error",
          "text": "  members: [mee]"
        }
      ],
      "not_shown": 0,
      "warnings": 0
    }
    "#);
    });
}

#[test]
fn the_digest_depends_on_paths_and_contents() {
    let digest = |files: &Files| checked(files).book.unwrap().digest;
    let first = digest(&begin());
    assert_eq!(first, digest(&begin()));
    assert_ne!(first, digest(&edited("watchkeeper.yaml", "Example Ltd", "Example Inc")));
    let mut moved = begin();
    let people = moved.remove("people.yaml").unwrap();
    moved.insert("people/all.yaml".into(), people);
    assert_ne!(first, digest(&moved));
    assert_eq!(first, digest(&with("README.md", "not read")));
}

#[test]
fn a_book_on_a_disk_says_its_commit_only_when_it_is_clean() {
    let place = tempfile::tempdir().unwrap();
    let root = place.path().join("book");
    for (path, text) in starter() {
        let path = root.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    assert_eq!(load(&root).unwrap().commit, None);
    let git = |arguments: &[&str]| {
        let mut command = std::process::Command::new("git");
        let who = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false"];
        let status = command.arg("-C").arg(place.path()).args(who).args(arguments).output();
        status.is_ok_and(|output| output.status.success())
    };
    if !git(&["init", "--quiet"]) {
        eprintln!("skipped: git is not here");
        return;
    }
    assert!(git(&["add", "."]) && git(&["commit", "--quiet", "--message", "begin"]));
    assert_eq!(load(&root).unwrap().commit.unwrap().len(), 40);
    std::fs::write(root.join("people.yaml"), "# changed\n".to_owned() + &begin()["people.yaml"]).unwrap();
    assert_eq!(load(&root).unwrap().commit, None);
}

#[test]
fn a_directory_that_is_not_there_is_a_finding() {
    let findings = load(Path::new("/nowhere/at/all")).unwrap_err();
    assert_eq!(brief(&findings), ["WB001 .:1:1", "WB006 watchkeeper.yaml:1:1"]);
}

#[test]
fn a_folder_that_is_not_read_is_a_warning() {
    let place = tempfile::tempdir().unwrap();
    for (path, text) in with("service/a.yaml", "") {
        let path = place.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let checked = check(place.path());
    assert_eq!(brief(&checked.findings), ["WB004 service/a.yaml:1:1"]);
    assert!(checked.book.is_some() && checked.findings.to_string().contains("did you mean `services`?"));
}

#[test]
fn what_is_too_large_is_refused() {
    let mut files = begin();
    files.insert("rules.yaml".into(), "#".repeat(FILE_BYTES_MAX + 1));
    assert_eq!(brief(&checked(&files).findings), ["WB002 rules.yaml:1:1"]);
    let mut files = begin();
    files.insert("rules.yaml".into(), "[".repeat(100_000));
    assert_eq!(checked(&files).findings.iter().next().unwrap().rule, "WB010");
}

/// With WATCHKEEPER_WRITE_SCHEMA set, writes the files instead of comparing them.
#[test]
fn the_published_schemas_are_fresh() {
    let directory = workspace().join("docs/schema");
    let mut all: Vec<(String, serde_json::Value)> =
        schemas().into_iter().map(|(name, schema)| (format!("{name}.json"), schema)).collect();
    all.push(("watchbook.json".into(), schema()));
    for (name, schema) in all {
        let (path, text) = (directory.join(&name), format!("{schema:#}\n"));
        if std::env::var_os("WATCHKEEPER_WRITE_SCHEMA").is_some() {
            std::fs::create_dir_all(&directory).unwrap();
            std::fs::write(&path, &text).unwrap();
        }
        let published = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(published == text, "{name} is stale: run this test with WATCHKEEPER_WRITE_SCHEMA=1");
    }
}

fn documentation() -> String {
    std::fs::read_to_string(workspace().join("docs/watchbook.md")).unwrap()
}

/// The fenced blocks whose info string names a file: "```yaml services.yaml".
fn blocks(text: &str) -> Files {
    let mut files = Files::new();
    let mut open: Option<String> = None;
    for line in text.lines() {
        match (&open, line.strip_prefix("```")) {
            (None, Some(info)) => open = Some(info.split_once(' ').map_or("", |(_, path)| path).to_owned()),
            (Some(_), Some(_)) => open = None,
            (Some(path), None) if !path.is_empty() => {
                let _ = writeln!(files.entry(path.clone()).or_default(), "{line}");
            }
            _ => {}
        }
    }
    files
}

#[test]
fn the_documentation_loads_and_names_every_key_and_rule() {
    let text = documentation();
    let files = blocks(&text);
    let checked = checked(&files);
    assert_eq!(checked.findings.to_string(), "");
    for (kind, _) in KINDS {
        assert!(files.contains_key(&format!("{kind}.yaml")), "no example of {kind}.yaml");
    }
    let schema = schema();
    for (shape, def) in schema["$defs"].as_object().unwrap() {
        for key in def["properties"].as_object().unwrap().keys() {
            assert!(text.contains(&format!("| `{key}` |")), "the key {key} of {shape} is not explained");
        }
    }
    for rule in RULES {
        let row = format!("| {} | {} | {} |", rule.code, rule.demands, format!("{:?}", rule.level).to_lowercase());
        assert!(text.contains(&row), "add the row: {row}");
    }
}

#[test]
fn codes_are_in_order_and_used_once() {
    let codes: Vec<&str> = RULES.iter().map(|rule| rule.code).collect();
    assert!(codes.is_sorted_by(|a, b| a < b), "{codes:?}");
}

/// Where a name of the example is used, and by which rule its absence is found.
const REFERENCES: [(&str, &str); 12] = [
    ("services/money.yaml", "owner: money"),
    ("services/money.yaml", "[payments, inventory, notifications]"),
    ("services/platform.yaml", "policy: office"),
    ("teams.yaml", "[ada, bruno, chiara]"),
    ("teams.yaml", "policy: critical"),
    ("teams.yaml", "chat"),
    ("people.yaml", "- pager"),
    ("schedules.yaml", "[greta, hana]"),
    ("policies.yaml", "[schedule: primary]"),
    ("policies.yaml", "team: money"),
    ("routes.yaml", "policy: catch-all"),
    ("status.yaml", "[storefront, search]"),
];

/// What has a meaning in YAML.
const MARKS: &[u8] = b" :-[]{}#&*!|>'\"%@`,?~\n\r\t";

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_panic(file in 0_usize..40, edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_u8..4), 1..8)) {
        let mut files: Vec<(String, Vec<u8>)> =
            example().into_iter().map(|(path, text)| (path, text.into_bytes())).collect();
        let index = file % files.len();
        let bytes = &mut files[index].1;
        for (at, byte, how) in edits {
            let at = at.index(bytes.len() + 1);
            match how {
                0 => bytes.insert(at, byte),
                1 => bytes.insert(at, MARKS[usize::from(byte) % MARKS.len()]),
                2 => bytes.truncate(at),
                _ if at < bytes.len() => drop(bytes.remove(at)),
                _ => {}
            }
        }
        let checked = check_files(files);
        prop_assert_eq!(checked.book.is_some(), checked.findings.count(Level::Error) == 0);
        let shown = checked.findings.to_string();
        prop_assert!(checked.findings.is_empty() || !shown.is_empty());
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,200}", kind in 0_usize..KINDS.len()) {
        let mut files = begin();
        let path = format!("{}.yaml", KINDS[kind].0);
        prop_assert!(place(&path).is_some());
        files.insert(path, text);
        let checked = checked(&files);
        prop_assert_eq!(checked.book.is_some(), checked.findings.count(Level::Error) == 0);
    }

    #[test]
    fn broken_references_are_found(which in 0..REFERENCES.len(), letter in "[a-z]") {
        let (path, place) = REFERENCES[which];
        let mut files = example();
        let text = files.get_mut(path).unwrap();
        prop_assert!(text.contains(place), "{} does not hold {}", path, place);
        // The last name of the place gets one more letter.
        let end = place.trim_end_matches(']').len();
        let broken = format!("{}zz{letter}{}", &place[..end], &place[end..]);
        let line = text[..text.find(place).unwrap()].matches('\n').count() + 1;
        *text = text.replacen(place, &broken, 1);
        let checked = checked(&files);
        prop_assert!(checked.book.is_none());
        let found = checked.findings.iter().any(|f| f.rule == "WB022" && f.file == path && f.line == line && f.hint.is_some());
        prop_assert!(found, "{}", checked.findings);
    }
}
