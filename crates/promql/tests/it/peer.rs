//! Our parser beside another one: what `promql-parser` takes we take, and what it refuses we refuse, but for what it does
//! not know yet.

/// Queries that both know.
const SHARED: &[&str] = &[
    "1",
    "1e3",
    "0x1f",
    "5m",
    "Inf",
    "\"a\"",
    "foo",
    "foo{a=\"b\"}",
    "{\"a.b\"}",
    "foo{\"c.d\"=\"e\"}",
    "foo[5m]",
    "foo offset 5m",
    "foo offset -5m",
    "foo @ 5",
    "foo @ start()",
    "foo[5m:1m] @ end() offset 1m",
    "rate(foo[5m])",
    "sum(foo)",
    "sum by (a) (foo)",
    "sum without (a, b) (foo)",
    "topk(5, foo)",
    "count_values(\"a\", foo)",
    "a + b",
    "a and b",
    "a or b unless c",
    "-a ^ 2",
    "a == bool 1",
    "a * on (x) group_left (y) b",
    "a / ignoring (x) group_right b",
    "a + fill(1) b",
    "histogram_quantile(0.9, a)",
    "label_replace(a, \"b\", \"c\", \"d\", \"e\")",
    "absent(a)",
    "time()",
    "hour()",
    "round(a)",
    "clamp(a, 1, 2)",
    "(a)",
    "+a",
    "sum(a) by (b) / on (b) group_left () c",
    "a atan2 b",
    "max_over_time(rate(a[5m])[1h:])",
    "scalar(a)",
    "vector(1)",
];

/// Texts that are no PromQL.
const REFUSED: &[&str] = &[
    "",
    "(",
    ")",
    "a b",
    "1 +",
    "a[",
    "a[5m",
    "a{",
    "a{b}",
    "a{b=c}",
    "{}",
    "sum()",
    "rate(a)",
    "nosuch(a)",
    "1 == 2",
    "1 and 2",
    "a + 'b'",
    "-'a'",
    "a offset",
    "a @",
    "sum by a",
    "topk(a)",
    "a{__name__=\"b\"}",
    "1[5m]",
    "a and on (x) group_left b",
    "a{b=~\"(\"}",
    "'a",
    "a[5m][5m]",
    "rate(a[5m], 1)",
];

#[test]
fn both_take_the_same_queries() {
    for query in SHARED {
        assert!(promql_parser::parser::parse(query).is_ok(), "the other refuses {query}");
        assert!(promql::parse(query).is_ok(), "{query}: {:?}", promql::parse(query).err());
    }
}

#[test]
fn both_refuse_the_same_texts() {
    for query in REFUSED {
        assert!(promql_parser::parser::parse(query).is_err(), "the other takes {query}");
        assert!(promql::parse(query).is_err(), "{query}");
    }
}

/// The expressions of rule files: what stands behind `expr:`, on the line or folded under it.
fn expressions(text: &str) -> Vec<String> {
    let mut all = Vec::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let Some((before, rest)) = line.split_once("expr:") else { continue };
        let rest = rest.trim();
        if !matches!(rest, "|" | ">" | "|-" | ">-") {
            all.push(unquoted(rest));
            continue;
        }
        let mut folded = Vec::new();
        while let Some(more) = lines.next_if(|more| more.trim().is_empty() || indent(more) > before.len()) {
            folded.push(more.trim());
        }
        all.push(folded.join("\n"));
    }
    all
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// A plain YAML scalar, or one in quotes.
fn unquoted(text: &str) -> String {
    if let Some(inner) = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\'')) {
        return inner.replace("''", "'");
    }
    match text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
        Some(inner) => inner.replace("\\\"", "\"").replace("\\\\", "\\"),
        None => text.to_owned(),
    }
}

/// The rule files of a data set, unpacked by `tar`.
fn rule_files() -> Option<Vec<String>> {
    let archive = std::path::PathBuf::from(std::env::var_os("WATCHKEEPER_DATA")?).join("alert-rules/rules.tar.xz");
    let output =
        std::process::Command::new("tar").arg("-xJOf").arg(archive).output().ok().filter(|o| o.status.success())?;
    Some(vec![String::from_utf8_lossy(&output.stdout).into_owned()])
}

#[test]
fn both_judge_rules_from_the_field_alike() {
    let Some(files) = rule_files() else {
        return eprintln!("skipped: WATCHKEEPER_DATA names no folder with alert-rules");
    };
    let all: Vec<_> = files.iter().flat_map(|text| expressions(text)).collect();
    let judged_otherwise =
        |query: &&String| promql::parse(query).is_ok() != promql_parser::parser::parse(query).is_ok();
    let different: Vec<_> = all.iter().filter(judged_otherwise).collect();
    assert!(different.is_empty(), "{} of {}: {different:#?}", different.len(), all.len());
    for query in &all {
        let Ok(tree) = promql::parse(query) else { continue };
        let again = promql::parse(&tree.to_string()).expect("what is written can be read");
        assert_eq!(format!("{again:?}"), format!("{tree:?}"));
    }
    eprintln!("{} expressions", all.len());
}
