//! Relabeling, targets, answers and the files, each against what Prometheus documents.

use std::collections::BTreeMap;

use kernel::book::scrape::{Login, ScrapeJob, TargetGroup};
use promql::{Labels, Value};

use super::*;
use crate::exposition::Form;

fn checked(text: &str) -> Checked {
    check("scrape.yaml", text.as_bytes(), &BTreeMap::new())
}

fn job(text: &str) -> ScrapeJob {
    let indented: String = text.lines().map(|line| format!("    {line}\n")).collect();
    let checked = checked(&format!("scrape_configs:\n  - job_name: shop\n{indented}"));
    assert_eq!(checked.findings.to_string(), "", "{text}");
    checked.jobs.into_iter().next().unwrap().0
}

/// Labels after a list of steps, written as a flow of YAML; `dropped` where a step drops them.
fn relabeled(steps: &str) -> String {
    let job = job(&format!("relabel_configs: {steps}"));
    let before = [("a", "foo"), ("b", "bar"), ("c", "baz"), ("same", "foo"), ("__meta_zone", "Eu")];
    let before = LabelSet(before.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect());
    let Some(after) = relabel(before, &job.relabel) else { return "dropped".to_owned() };
    let pairs: Vec<String> = after.0.iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join(" ")
}

#[test]
fn every_action_does_what_prometheus_does() {
    let rest = "__meta_zone=Eu a=foo b=bar c=baz";
    let table = [
        ("[{source_labels: [a, b], target_label: d}]", format!("{rest} d=foo;bar same=foo")),
        (
            "[{source_labels: [a], regex: 'f(.*)', target_label: d, replacement: 'x${1}y'}]",
            format!("{rest} d=xooy same=foo"),
        ),
        ("[{source_labels: [a], regex: 'f', target_label: d}]", format!("{rest} same=foo")),
        (
            "[{source_labels: [a], regex: '(f.*)', target_label: 'to_$1', replacement: z}]",
            format!("{rest} same=foo to_foo=z"),
        ),
        ("[{source_labels: [a], target_label: '$1-', replacement: z}]", format!("{rest} same=foo")),
        ("[{target_label: a, replacement: ''}]", "__meta_zone=Eu b=bar c=baz same=foo".to_owned()),
        ("[{action: keep, source_labels: [a], regex: 'foo|x'}]", format!("{rest} same=foo")),
        ("[{action: keep, source_labels: [a], regex: 'fo'}]", "dropped".to_owned()),
        ("[{action: drop, source_labels: [a], regex: 'f..'}]", "dropped".to_owned()),
        ("[{action: drop, source_labels: [a], regex: 'f'}]", format!("{rest} same=foo")),
        ("[{action: keepequal, source_labels: [a], target_label: same}]", format!("{rest} same=foo")),
        ("[{action: keepequal, source_labels: [a], target_label: b}]", "dropped".to_owned()),
        ("[{action: dropequal, source_labels: [a], target_label: same}]", "dropped".to_owned()),
        ("[{action: dropequal, source_labels: [a], target_label: b}]", format!("{rest} same=foo")),
        ("[{action: hashmod, source_labels: [a], target_label: d, modulus: 1000}]", format!("{rest} d=HASH same=foo")),
        ("[{action: labelmap, regex: '__meta_(.*)'}]", format!("{rest} same=foo zone=Eu")),
        ("[{action: labeldrop, regex: 'same|c'}]", "__meta_zone=Eu a=foo b=bar".to_owned()),
        ("[{action: labelkeep, regex: '[ab]'}]", "a=foo b=bar".to_owned()),
        ("[{action: lowercase, source_labels: [__meta_zone], target_label: d}]", format!("{rest} d=eu same=foo")),
        ("[{action: UPPERCASE, source_labels: [__meta_zone], target_label: d}]", format!("{rest} d=EU same=foo")),
        ("[{source_labels: [a, b], separator: '', target_label: d}]", format!("{rest} d=foobar same=foo")),
    ];
    for (steps, expected) in table {
        assert_eq!(relabeled(steps), expected.replace("HASH", "696"), "{steps}");
    }
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let text = "
global: { scrape_interval: 30s }
scrape_configs:
  - job_name: a
    scrape_timeout: 1m
    kubernetes_sd_configs: []
    bearer_token: secret
    basic_auth: { username: u, password: hunter2 }
    relabel_configs:
      - { action: hashmod, target_label: a }
      - { action: sort }
      - { action: labeldrop, regex: a, source_labels: [b] }
      - { source_labels: [a], regex: '(' , target_label: b }
  - scrape_interval: 500ms
    metrics_pth: /x
    follow_redirects: true
    body_size_limit: 5 apples
    file_sd_configs: [ { files: ['a*/b.json', 'c.txt'] } ]
    authorization: { type: Basic, credentials: x }
    tls_config: { cert_file: a, server_name: b }
  - job_name: a
    static_configs: [ { targets: ['http://a:1/metrics'] } ]
";
    let findings = checked(text).findings;
    let codes: Vec<&str> = findings.iter().map(|finding| finding.rule).collect();
    let expected = [
        "SC003", "SC002", "SC002", "SC004", "SC006", "SC007", "SC007", "SC007", "SC007", "SC001", "SC003", "WB012",
        "SC002", "SC009", "SC008", "SC008", "SC005", "SC005", "SC004", "SC005", "SC002",
    ];
    let count = |all: &[&str]| {
        let mut counted = BTreeMap::<String, usize>::new();
        all.iter().for_each(|code| *counted.entry((*code).to_owned()).or_default() += 1);
        counted
    };
    assert_eq!(count(&codes), count(&expected), "{findings}");
    assert!(findings.iter().all(|finding| finding.hint.is_some()), "{findings}");
    assert!(!findings.to_string().contains("hunter2"), "{findings}");
}

#[test]
fn a_name_stands_for_one_job_in_all_files() {
    let taken = BTreeMap::from([("shop".to_owned(), "line 3 of scrape/a.yaml".to_owned())]);
    let findings = check("scrape/b.yaml", b"scrape_configs: [ { job_name: shop } ]", &taken).findings;
    let messages: Vec<&str> = findings.iter().map(|finding| &*finding.message).collect();
    assert_eq!(messages, ["the job `shop` is there twice, first on line 3 of scrape/a.yaml"]);
}

#[test]
fn jobs_above_the_limit_are_told_and_an_interval_set_by_relabeling_has_the_same_least() {
    let jobs: String = (0..1001).map(|number| format!("  - job_name: j{number}\n")).collect();
    let checked = checked(&format!("scrape_configs:\n{jobs}"));
    let told: Vec<(&str, usize)> = checked.findings.iter().map(|finding| (finding.rule, finding.line)).collect();
    assert_eq!((checked.jobs.len(), told), (1000, vec![("SC010", 1002)]));
    let group = [TargetGroup { targets: vec!["a:1".to_owned()], labels: BTreeMap::new() }];
    let job = job("relabel_configs: [ { target_label: __scrape_interval__, replacement: 1ms }, \
                   { target_label: __scrape_timeout__, replacement: 1ms } ]");
    let Found::Wrong(_, why) = &find(&job, &group)[0] else { panic!("it is wrong") };
    assert_eq!(why, "its interval is 1ms; the shortest is 1s");
}

#[test]
fn a_job_says_how_it_asks() {
    let job = job(
        "scheme: https\nparams: { module: [http_2xx], x: [a, b] }\nbasic_auth: { username: u, password_file: /p }\n\
                   tls_config: { ca_file: /ca, insecure_skip_verify: yes }\nsample_limit: 10\nbody_size_limit: 1MB",
    );
    assert_eq!(job.ask.login, Some(Login::Basic { user: "u".to_owned(), password_file: Some("/p".to_owned()) }));
    assert_eq!((job.ask.tls.ca_file.as_deref(), job.ask.tls.skip_verify), (Some("/ca"), true));
    assert_eq!((job.limits.samples.unwrap().get(), job.limits.body.unwrap().get()), (10, 1024 * 1024));
    let group = TargetGroup { targets: vec!["shop.example".to_owned()], labels: BTreeMap::new() };
    let [Found::Target(target)] = &find(&job, &[group])[..] else { panic!("one target") };
    assert_eq!(target.url, "https://shop.example/metrics?module=http_2xx&x=a&x=b");
    assert_eq!(target.labels.to_string(), r#"{instance="shop.example:443", job="shop"}"#);
}

#[test]
fn targets_are_labelled_relabeled_spread_and_told_apart() {
    let job = job("scrape_interval: 10s\nscrape_timeout: 5s\nrelabel_configs:\n\
        - { source_labels: [__address__], regex: 'drop.*', action: drop }\n\
        - { source_labels: [__meta_path], regex: (.+), target_label: __metrics_path__ }\n\
        - { source_labels: [__meta_module], regex: (.+), target_label: __param_module }\n\
        - { source_labels: [__meta_bad], regex: (.+), target_label: __address__, replacement: a/b }");
    let group = |targets: &[&str], labels: &[(&str, &str)]| TargetGroup {
        targets: targets.iter().map(|target| (*target).to_owned()).collect(),
        labels: labels.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
    };
    let groups = [
        group(&["a:1", "a:1", "drop:1", "[::1]:9"], &[("zone", "eu")]),
        group(&["b:1"], &[("__meta_path", "/m"), ("__meta_module", "x y"), ("instance", "own")]),
        group(&["c:1"], &[("__meta_bad", "yes")]),
    ];
    let found = find(&job, &groups);
    let shown: Vec<String> = found
        .iter()
        .map(|found| match found {
            Found::Target(target) => format!("{} {}", target.url, target.labels),
            Found::Dropped(labels) => format!("dropped {}", labels.get("__address__")),
            Found::Wrong(labels, why) => format!("wrong {}: {why}", labels.get("__address__")),
        })
        .collect();
    let expected = [
        r#"http://a:1/metrics {instance="a:1", job="shop", zone="eu"}"#,
        "dropped drop:1",
        r#"http://[::1]:9/metrics {instance="[::1]:9", job="shop", zone="eu"}"#,
        r#"http://b:1/m?module=x+y {instance="own", job="shop"}"#,
        "wrong c:1: \"a/b\" is not host:port",
    ];
    assert_eq!(shown, expected);
    let Found::Target(first) = &found[0] else { panic!("a target") };
    let (next, offset) = (first.next_after(1_000_000_000_000), i64::try_from(first.offset().as_millis()).unwrap());
    assert_eq!(((next - offset) % 10_000, next > 1_000_000_000_000, next <= 1_000_000_010_000), (0, true, true));
    assert_eq!(first.next_after(next), next + 10_000);
}

#[test]
fn a_target_in_two_groups_is_one_and_stays_the_same_when_it_is_asked_otherwise() {
    let group = |file: &str| TargetGroup {
        targets: vec!["a:1".to_owned()],
        labels: BTreeMap::from([("__meta_filepath".to_owned(), file.to_owned())]),
    };
    let keys = |text: &str, groups: &[TargetGroup]| -> Vec<TargetKey> {
        let key = |found: &Found| match found {
            Found::Target(target) => target.key(),
            other => panic!("{other:?}"),
        };
        find(&job(text), groups).iter().map(key).collect()
    };
    let before = keys("", &[group("x.json"), group("y.json")]);
    assert_eq!(before.len(), 1);
    assert_eq!(keys("scrape_interval: 30s\nscrape_timeout: 5s", &[group("z.json")]), before);
    assert_ne!(keys("metrics_path: /m", &[group("x.json")]), before);
}

#[test]
fn what_is_probed_by_another_may_be_any_text_where_relabeling_makes_an_address_of_it() {
    let job = job("metrics_path: /probe\nparams: { module: [http_2xx] }\n\
        static_configs: [ { targets: ['https://example.org/a?b'] } ]\n\
        file_sd_configs: [ { files: ['urls.json'] } ]\n\
        relabel_configs:\n\
        - { source_labels: [__address__], target_label: __param_target }\n\
        - { source_labels: [__param_target], target_label: instance }\n\
        - { target_label: __address__, replacement: '127.0.0.1:9115' }");
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("urls.json"), r#"[{"targets": ["user@host"]}]"#).unwrap();
    let mut discovery = Discovery::default();
    assert_eq!(discovery.refresh(&job, home.path()), Vec::<String>::new());
    let shown = |found: &Found| match found {
        Found::Target(target) => format!("{} {}", target.url, target.labels),
        other => format!("{other:?}"),
    };
    let found: Vec<String> = find(&job, &discovery.groups(&job)).iter().map(shown).collect();
    let base = "http://127.0.0.1:9115/probe?module=http_2xx&target=";
    let expected = [
        format!(r#"{base}https%3A%2F%2Fexample.org%2Fa%3Fb {{instance="https://example.org/a?b", job="shop"}}"#),
        format!(r#"{base}user%40host {{instance="user@host", job="shop"}}"#),
    ];
    assert_eq!(found, expected);
}

fn target() -> Target {
    let group = TargetGroup { targets: vec!["h:1".to_owned()], labels: BTreeMap::new() };
    let found = find(&job(""), &[group]);
    let Some(Found::Target(target)) = found.into_iter().next() else { panic!("a target") };
    target
}

/// What an answer leaves, as `series value@time`, sorted; `end` for a stale marker.
fn taken(intake: &mut Intake, job: &ScrapeJob, text: &str, at: i64) -> (Vec<String>, Taken) {
    let answer = Ok(Answer { body: text.as_bytes().to_vec(), form: Form::Plain });
    let taken = intake.take(answer, job, &target(), at);
    (shown(&taken.samples), taken)
}

fn shown(samples: &[(Labels, promql::Point)]) -> Vec<String> {
    let one = |(labels, point): &(Labels, promql::Point)| match &point.value {
        value if value.is_stale() => format!("{labels} end@{}", point.at),
        Value::Float(value) => format!("{labels} {value}@{}", point.at),
        Value::Histogram(_) => format!("{labels} histogram"),
    };
    let mut all: Vec<String> = samples.iter().map(one).collect();
    all.sort();
    all
}

#[test]
fn what_vanishes_ends_and_a_failure_ends_everything() {
    let (job, mut intake) = (job(""), Intake::default());
    let (first, counted) = taken(&mut intake, &job, "a 1\nb 2\nc 3 700\n", 1000);
    let labels = r#"instance="h:1", job="shop""#;
    assert_eq!(
        first,
        [format!("a{{{labels}}} 1@1000"), format!("b{{{labels}}} 2@1000"), format!("c{{{labels}}} 3@700")]
    );
    assert_eq!((counted.scraped, counted.kept, counted.added), (3, 3, 3));
    let (second, counted) = taken(&mut intake, &job, "a 2\n", 2000);
    assert_eq!(second, [format!("a{{{labels}}} 2@2000"), format!("b{{{labels}}} end@2000")], "c has times of its own");
    assert_eq!((counted.scraped, counted.kept, counted.added), (1, 1, 0));
    let (third, counted) = taken(&mut intake, &job, "a 3\nb{ 2\n", 3000);
    assert_eq!(third, [format!("a{{{labels}}} end@3000")]);
    assert!(counted.failure.unwrap().starts_with("line 2: labels are written"));
    taken(&mut intake, &job, "a 4\n", 4000);
    let ended = shown(&ends(&mut intake, &target(), 5000));
    assert_eq!(ended.len(), 6, "{ended:?}");
    assert!(ended.iter().all(|line| line.ends_with("end@5000")), "{ended:?}");
}

#[test]
fn labels_of_samples_give_way_unless_they_are_honored() {
    let text = "a{job=\"mine\",exported_job=\"x\",instance=\"\"} 1\n";
    let of = |job: &ScrapeJob| taken(&mut Intake::default(), job, text, 1).0;
    let moved = r#"a{exported_exported_job="mine", exported_job="x", instance="h:1", job="shop"} 1@1"#;
    assert_eq!(of(&job("")), [moved]);
    assert_eq!(of(&job("honor_labels: true")), [r#"a{exported_job="x", job="mine"} 1@1"#]);
    let at = taken(&mut Intake::default(), &job("honor_timestamps: false"), "a 1 700\n", 1000).0;
    assert_eq!(at, [r#"a{instance="h:1", job="shop"} 1@1000"#]);
}

#[test]
fn limits_refuse_the_whole_answer_and_say_which() {
    let text = "a{long_name=\"long value\"} 1\nb 1\nc 1\n";
    let table = [
        ("sample_limit: 2", "the answer has 3 samples, at most 2 are accepted (sample_limit)"),
        ("label_limit: 3", "at most 3 are accepted (label_limit)"),
        ("label_name_length_limit: 8", "at most 8 are accepted (label_name_length_limit)"),
        ("label_value_length_limit: 6", "at most 6 are accepted (label_value_length_limit)"),
    ];
    for (limit, why) in table {
        let (samples, taken) = taken(&mut Intake::default(), &job(limit), text, 1);
        assert!(taken.failure.as_ref().unwrap().ends_with(why), "{:?}", taken.failure);
        assert_eq!(samples, Vec::<String>::new(), "{limit}");
    }
    let dropped =
        job("sample_limit: 2\nmetric_relabel_configs: [ { source_labels: [__name__], regex: a, action: drop } ]");
    let (samples, counted) = taken(&mut Intake::default(), &dropped, text, 1);
    assert_eq!((samples.len(), counted.scraped, counted.kept, counted.failure), (2, 3, 2, None));
}

#[test]
fn a_report_says_how_it_went() {
    let taken = Taken { scraped: 3, kept: 2, added: 1, failure: Some("no".to_owned()), ..Taken::default() };
    let all = shown(&report(&target(), &taken, std::time::Duration::from_millis(250), 9));
    let labels = r#"{instance="h:1", job="shop"}"#;
    let expected = [
        format!("scrape_duration_seconds{labels} 0.25@9"),
        format!("scrape_samples_post_metric_relabeling{labels} 2@9"),
        format!("scrape_samples_scraped{labels} 3@9"),
        format!("scrape_series_added{labels} 1@9"),
        format!("up{labels} 0@9"),
    ];
    assert_eq!(all, expected);
}

#[test]
fn files_of_targets_are_read_in_both_forms_and_a_broken_one_leaves_what_was() {
    let home = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(home.path().join(name), text).unwrap();
    write("a.json", r#"[{"targets": ["a:1"], "labels": {"zone": "eu"}}]"#);
    write("b.yml", "- targets: ['b:1', 'b:2']\n");
    let job = job("file_sd_configs: [ { files: ['*.json', 'b.yml'] } ]");
    let mut discovery = Discovery::default();
    assert_eq!(discovery.refresh(&job, home.path()), Vec::<String>::new());
    let targets = |discovery: &Discovery| {
        discovery.groups(&job).iter().flat_map(|group| group.targets.clone()).collect::<Vec<_>>()
    };
    assert_eq!(targets(&discovery), ["a:1", "b:1", "b:2"]);
    let groups = discovery.groups(&job);
    assert!(groups[0].labels["__meta_filepath"].ends_with("a.json") && groups[0].labels["zone"] == "eu");
    write("a.json", "[{");
    assert_eq!(discovery.refresh(&job, home.path()).len(), 1);
    assert_eq!(targets(&discovery), ["a:1", "b:1", "b:2"]);
    std::fs::remove_file(home.path().join("a.json")).unwrap();
    discovery.refresh(&job, home.path());
    assert_eq!(targets(&discovery), ["b:1", "b:2"]);
}

#[cfg(unix)]
#[test]
fn a_pipe_is_no_file_of_targets_and_is_not_waited_for() {
    let home = tempfile::tempdir().unwrap();
    let made = std::process::Command::new("mkfifo").arg(home.path().join("a.json")).status().unwrap();
    assert!(made.success());
    let job = job("file_sd_configs: [ { files: ['*.json'] } ]");
    let wrong = Discovery::default().refresh(&job, home.path());
    assert!(wrong.len() == 1 && wrong[0].ends_with("it is not a regular file"), "{wrong:?}");
}

#[tokio::test]
async fn a_packed_answer_that_grows_too_large_is_refused() {
    use std::io::Write as _;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packer.write_all("a 1\n".repeat(1000).as_bytes()).unwrap();
    let packed = packer.finish().unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = [0; 4096];
            let _ = stream.read(&mut asked).await.unwrap();
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\nconnection: close\r\ncontent-length: {}\r\n\r\n",
                packed.len()
            );
            stream.write_all(&[head.as_bytes(), &packed].concat()).await.unwrap();
        }
    });
    let group = TargetGroup { targets: vec![address], labels: BTreeMap::new() };
    for (limit, expected) in [("0", None), ("1KB", Some("the answer has more than 1024 bytes (body_size_limit)"))] {
        let job = job(&format!("body_size_limit: {limit}"));
        let Some(Found::Target(target)) = find(&job, std::slice::from_ref(&group)).into_iter().next() else {
            panic!("a target")
        };
        let answer = Scraper::new(&job).unwrap().begin(&target).await.unwrap().read(&target).await;
        assert_eq!(answer.as_ref().err().map(String::as_str), expected);
        assert_eq!(answer.map_or(4000, |answer| answer.body.len()), 4000);
    }
}
