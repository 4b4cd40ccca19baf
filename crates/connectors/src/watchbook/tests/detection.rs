//! Rule files and objectives within a watchbook, and what becomes of it when one of them is bad.

use kernel::book::rules::OnBadRule;

use super::*;

const RULES: &str =
    "groups:\n- name: g\n  rules:\n  - alert: Good\n    expr: up == 0\n  - alert: Bad\n    expr: up ==\n";
const SLOS: &str = "version: prometheus/v1\nservice: shop\nslos:\n  - name: orders\n    objective: 99.9\n    sli: { raw: { error_ratio_query: 'x[{{.window}}]' } }\n    alerting: { name: Burns }\n";

fn root(on_bad_rule: &str) -> String {
    format!("organisation: Corner Shop\non_bad_rule: {on_bad_rule}\n")
}

fn both(first: (&str, &str), second: (&str, &str)) -> Files {
    let mut files = with(first.0, first.1);
    files.insert(second.0.to_owned(), second.1.to_owned());
    files
}

#[test]
fn a_bad_rule_refuses_the_book_and_names_itself() {
    let checked = checked(&with("prometheus/a.yml", RULES));
    assert_eq!(brief(&checked.findings), ["RF003 prometheus/a.yml:7:16"]);
    assert!(checked.book.is_none());
}

#[test]
fn or_the_rest_is_loaded_when_the_book_says_so() {
    let files = both(("prometheus/a.yml", RULES), ("watchkeeper.yaml", &root("load_the_rest")));
    let checked = checked(&files);
    assert_eq!(checked.findings.count(Level::Error), 0, "{}", checked.findings);
    assert_eq!(brief(&checked.findings), ["RF003 prometheus/a.yml:7:16"]);
    let book = checked.book.unwrap();
    assert_eq!(book.alerting.iter().map(kernel::RuleName::as_str).collect::<Vec<_>>(), ["g/Good"]);
    let [left] = &book.left_out[..] else { panic!("{:?}", book.left_out) };
    assert_eq!(
        (left.file.as_str(), left.line, left.what.as_str()),
        ("prometheus/a.yml", 6, "rule \"Bad\" of group \"g\" on line 6")
    );
    assert!(left.message.contains("not PromQL"), "{left:?}");
}

#[test]
fn whoever_reads_decides_before_the_book_does() {
    let reading = |on_bad_rule| Reading { on_bad_rule: Some(on_bad_rule), finish: None };
    let files = |root: String| {
        both(("prometheus/a.yml", RULES), ("watchkeeper.yaml", &root))
            .into_iter()
            .map(|(path, text)| (path, text.into_bytes()))
    };
    let rest = check_files_as(files(root("refuse")), &reading(OnBadRule::LoadTheRest));
    assert!(rest.book.is_some_and(|book| book.left_out.len() == 1));
    assert!(check_files_as(files(root("load_the_rest")), &reading(OnBadRule::Refuse)).book.is_none());
    assert_eq!(brief(&checked(&with("watchkeeper.yaml", &root("ignore"))).findings), ["WB030 watchkeeper.yaml:2:14"]);
}

#[test]
fn a_file_that_is_no_rule_file_refuses_the_book_all_the_same() {
    let files = both(("prometheus/a.yml", "groups: 7\n"), ("watchkeeper.yaml", &root("load_the_rest")));
    assert!(checked(&files).book.is_none());
}

#[test]
fn objectives_windows_and_plugins_come_from_the_folder_slo() {
    let mut files = both(("slo/a.yaml", SLOS), ("slo/plugins.yaml", "mine: 'y[{{.window}}]'\n"));
    let windows = "apiVersion: sloth.slok.dev/v1\nkind: AlertWindows\nspec:\n  sloPeriod: 7d\n  page:\n    quick: { errorBudgetPercent: 8, shortWindow: 5m, longWindow: 1h }\n    slow: { errorBudgetPercent: 12.5, shortWindow: 30m, longWindow: 6h }\n  ticket:\n    quick: { errorBudgetPercent: 20, shortWindow: 2h, longWindow: 1d }\n    slow: { errorBudgetPercent: 42, shortWindow: 6h, longWindow: 3d }\n";
    files.insert("slo/windows.yml".into(), windows.into());
    let checked = checked(&files);
    assert!(checked.findings.is_empty(), "{}", checked.findings);
    let objectives = checked.book.unwrap().objectives;
    let [slo] = &objectives.slos[..] else { panic!("{objectives:?}") };
    assert_eq!((slo.file.as_str(), slo.line, slo.slo.id().as_str()), ("slo/a.yaml", 4, "shop-orders"));
    assert_eq!(objectives.windows.len(), 1);
    assert_eq!(objectives.plugins.get("mine").map(String::as_str), Some("y[{{.window}}]"));
}

#[test]
fn a_bad_objective_is_named_with_its_file_and_line() {
    let bad = SLOS.replace("99.9", "100");
    let refused = checked(&with("slo/a.yaml", &bad));
    assert_eq!(brief(&refused.findings), ["SL005 slo/a.yaml:5:16"]);
    assert!(refused.book.is_none());
    let rest = checked(&both(("slo/a.yaml", &bad), ("watchkeeper.yaml", &root("load_the_rest"))));
    assert!(rest.book.is_some_and(|book| book.left_out[0].line == 5 && book.objectives.slos.is_empty()));
}

#[test]
fn what_a_reader_adds_refuses_or_is_left_out() {
    let finish = |book: &mut kernel::Book| {
        book.rule_files.clear();
        let about = kernel::book::rules::LeftOut {
            file: "prometheus/a.yml".into(),
            line: 4,
            what: "rule \"Good\"".into(),
            message: "its template cannot be read".into(),
        };
        vec![Further { rule: &crate::rules::RUNS, about, hint: "write another".into() }]
    };
    let check = |on_bad_rule| {
        let good = RULES.split("  - alert: Bad").next().unwrap();
        let files = with("prometheus/a.yml", good).into_iter().map(|(path, text)| (path, text.into_bytes()));
        check_files_as(files, &Reading { on_bad_rule, finish: Some(&finish) })
    };
    let refused = check(None);
    assert!(refused.book.is_none());
    let said = refused.findings.to_string();
    assert!(said.contains("prometheus/a.yml:4:1: rule \"Good\": its template cannot be read [RF013]"), "{said}");
    assert!(said.contains("  4 |   - alert: Good") && said.contains("hint: write another"), "{said}");
    let rest = check(Some(OnBadRule::LoadTheRest));
    assert!(rest.book.is_some_and(|book| book.left_out.len() == 1) && rest.findings.count(Level::Warning) == 1);
}
