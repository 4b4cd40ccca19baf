//! Input that means harm: nothing panics, nothing takes the machine.

use super::*;
use proptest::prelude::*;
use serde_json::json;

fn refused(text: &str) -> String {
    load(&[text]).1.into_iter().map(|refused| refused.reason).collect()
}

#[test]
fn conditions_cannot_be_nested_without_end() {
    let nested = |open: &str, close: &str| rule(&format!("sel:\n  a: 1\ncondition: \"{open}sel{close}\""));
    assert!(refused(&nested(&"(".repeat(30_000), &")".repeat(30_000))).contains("parentheses are open at once"));
    assert!(refused(&nested(&"not ".repeat(15_000), "")).contains("`not` in a row"));
    assert!(refused(&nested(&"\\x28".repeat(15_000), "")).contains("parentheses are open at once"));
    assert!(refused(&nested(&"\\u006eot ".repeat(15_000), "")).contains("`not` in a row"));
    assert!(refused(&nested(&"no\\\n   t ".repeat(15_000), "")).contains("`not` in a row"));
    assert_eq!(refused(&nested(&"(not ".repeat(20), &")".repeat(20))), "");
}

#[test]
fn files_and_conditions_are_bounded() {
    assert!(refused(&"x".repeat(1024 * 1024 + 1)).contains("limit 1048576"));
    let global = format!("action: global\ndescription: {}\n", "x".repeat(500_000));
    assert!(refused(&format!("{global}{}", "---\na: 1\n".repeat(1000))).contains("too many for one file"));
    let searches: String = (0..200).map(|at| format!("s{at}:\n  a: 1\n")).collect();
    let many = vec!["1 of them"; 100].join(" or ");
    assert!(refused(&rule(&format!("{searches}condition: {many}"))).contains("more than 10000 times"));
    let bomb = "a: &a [x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b]\n\
                d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c]\ne: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d]\nf: &f [*e, *e, *e, *e, *e, *e, *e, *e]\n\
                g: &g [*f, *f, *f, *f, *f, *f, *f, *f, *f]\nh: &h [*g, *g, *g, *g, *g, *g, *g, *g, *g]\n";
    assert!(!refused(bomb).is_empty());
    assert!(Pipeline::parse("p", bomb).is_err());
    assert!(refusal("sel:\n  f|re: '(a{1000}){1000}'\ncondition: sel").contains("size limit"));
}

#[test]
fn a_slow_pattern_is_not_slow() {
    let long = "a".repeat(200_000);
    assert!(!matches("sel:\n  f|re: '(a+)+b'\ncondition: sel", &json!({"f": long})));
    assert!(!matches("sel:\n  f: '*a*a*a*a*a*a*a*a*b'\ncondition: sel", &json!({"f": long})));
}

fn yaml() -> impl Strategy<Value = String> {
    let words = [
        "title: x\n",
        "detection:\n",
        "  sel:\n",
        "    a|",
        "contains",
        "|re",
        "|all",
        "|base64offset",
        "|windash",
        "|expand",
        "|cidr",
        "|fieldref",
        "|gt",
        ": ",
        "'*",
        "%x%",
        "10.0.0.0/8",
        "'\n",
        "  condition: ",
        "sel",
        " and ",
        "not ",
        "1 of ",
        "them",
        "(",
        ")",
        "\n",
        "---\n",
        "correlation:\n",
        "  type: event_count\n",
        "  rules: x\n",
        "  timespan: 5m\n",
        "filter:\n",
        "  rules: any\n",
        "action: global\n",
        "- ",
        "[",
        "]",
        "{",
        "}",
        "&a ",
        "*a ",
        "null",
        "5",
        "\\",
        "é",
    ];
    proptest::collection::vec(proptest::sample::select(words.to_vec()), 0..60).prop_map(|words| words.concat())
}

proptest! {
    #[test]
    fn no_rule_file_makes_it_panic(text in prop_oneof![yaml(), ".{0,200}"]) {
        let (rules, _) = load(&[&text]);
        let event = json!({"a": "x*%", "b": ["10.0.0.1", null, 5]});
        let event = Event::new(&event);
        prop_assert_eq!(rules.matches(&event).len(), rules.matches_without_index(&event).len());
    }

    #[test]
    fn no_detection_makes_it_panic(key in "[a|]{0,3}(contains|re|cidr|base64|windash|hour|gt|exists|all){0,1}", value in "[*?%\\\\a(\\[5:/. -]{0,20}") {
        let (rules, _) = load(&[&rule(&format!("sel:\n  'f|{key}': '{value}'\ncondition: sel"))]);
        let event = json!({"f": value});
        let event = Event::new(&event);
        prop_assert_eq!(rules.matches(&event).len(), rules.matches_without_index(&event).len());
    }

    #[test]
    fn no_pipeline_makes_it_panic(text in prop_oneof![yaml(), ".{0,200}"]) {
        let _ = Pipeline::parse("p", &text);
    }
}
