//! What is PromQL, what is not, and why.

use proptest::prelude::*;

use super::*;

/// The canonical form of a query, or its error.
fn canonical(query: &str) -> String {
    match parse(query) {
        Ok(tree) => tree.to_string(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn queries_are_written_canonically() {
    let cases = [
        ("1", "1"),
        ("0x1F", "31"),
        ("1_000", "1000"),
        ("017", "15"),
        (".5", "0.5"),
        ("1e3", "1000"),
        ("1E+12", "1e+12"),
        ("iNf", "Inf"),
        ("-Inf", "-Inf"),
        ("+NaN", "NaN"),
        ("5m", "300"),
        ("1h30m", "5400"),
        ("-1^2", "-1 ^ 2"),
        ("2 ^ -1", "2 ^ -1"),
        ("--1", "1"),
        ("\"a\\n\\x41\\u00e9\" # words", "\"a\\nAé\""),
        ("'a\"b'", "\"a\\\"b\""),
        ("`a\\b`", "\"a\\\\b\""),
        ("foo", "foo"),
        ("foo:bar", "foo:bar"),
        ("{__name__=\"foo\",a!=\"b\"}", "foo{a!=\"b\"}"),
        ("{a='b',__name__='foo'}", "{a=\"b\", __name__=\"foo\"}"),
        ("foo{a=~\"b|c\",d!~'e.*',}", "foo{a=~\"b|c\", d!~\"e.*\"}"),
        ("{\"my.metric\", \"a.b\"='c'}", "{\"my.metric\", \"a.b\"=\"c\"}"),
        ("sum{by='x'}", "{\"sum\", by=\"x\"}"),
        ("foo[5m]", "foo[5m]"),
        ("foo[300]", "foo[5m]"),
        ("foo[26m+4m]", "foo[30m]"),
        ("foo[2*(3m - 30)]", "foo[5m]"),
        ("foo[step()*2]", "foo[step() * 2]"),
        ("foo[-(1m - range()) / 2]", "foo[-(60 - range()) / 2]"),
        ("foo[max(step(), 5s)]", "foo[max_of(step(), 5)]"),
        ("foo[min_of(range(), 5s)]", "foo[min_of(range(), 5)]"),
        ("foo offset 5m @ 10.5", "foo @ 10.5 offset 5m"),
        ("foo @ -1 offset -1w", "foo @ -1 offset -1w"),
        ("foo OFFSET (1m+2m)", "foo offset 3m"),
        ("foo offset -step()", "foo offset (-step())"),
        ("foo offset 5m * 2", "foo offset 5m * 2"),
        ("foo @ start()", "foo @ start()"),
        ("foo[5m] @ end()", "foo[5m] @ end()"),
        ("foo[5m] anchored offset 1m", "foo[5m] anchored offset 1m"),
        ("foo smoothed", "foo smoothed"),
        ("rate(foo[5m])[1h:]", "rate(foo[5m])[1h:]"),
        ("foo[1d:step()] offset 1m", "foo[1d:step()] offset 1m"),
        ("-foo[5m:1m]", "error"),
        ("a+b*c^d^e", "a + b * c ^ d ^ e"),
        ("(a or b) unless c", "(a or b) unless c"),
        ("a AND on(x, \"y.z\") b", "a and on (x, \"y.z\") b"),
        ("a / ignoring(x) group_left(y) b", "a / ignoring (x) group_left (y) b"),
        ("a * on() group_right b", "a * on () group_right () b"),
        ("a == bool 1", "a == bool 1"),
        ("1 > bool 2", "1 > bool 2"),
        ("a </ 5 >/ 2", "a </ 5 >/ 2"),
        ("a + fill(0) b", "a + fill(0) b"),
        ("a + on(x) fill_right(-1) fill_left(2) b", "a + on (x) fill_left(2) fill_right(-1) b"),
        ("a atan2 b", "a atan2 b"),
        ("sum(foo) by (a,b,)", "sum by (a, b) (foo)"),
        ("SUM by () (foo)", "sum(foo)"),
        ("topk without(x) (5, foo)", "topk without (x) (5, foo)"),
        ("count_values('v', foo)", "count_values(\"v\", foo)"),
        ("round(foo)", "round(foo)"),
        ("label_join(foo, 'a', ',', 'b', 'c')", "label_join(foo, \"a\", \",\", \"b\", \"c\")"),
        ("time()", "time()"),
        ("hour()", "hour()"),
        ("info(foo, {a=~\".*\"})", "info(foo, {a=~\".*\"})"),
        ("info(foo, {})", "info(foo, {})"),
        ("holt_winters(foo[5m], 0.5, 0.5)", "double_exponential_smoothing(foo[5m], 0.5, 0.5)"),
        ("start() + step()", "start() + step()"),
        ("by + on_call", "{\"by\"} + on_call"),
    ];
    for (query, written) in cases {
        let found = canonical(query);
        if written == "error" {
            assert!(parse(query).is_err(), "{query}: {found}");
        } else {
            assert_eq!(found, written, "{query}");
            assert_eq!(canonical(&found), written, "{query} again");
        }
    }
}

#[test]
fn what_is_wrong_is_told_in_prometheus_words() {
    let cases = [
        ("", "1:1: parse error: no expression found in input"),
        ("# only words", "1:1: parse error: no expression found in input"),
        ("1 +", "1:4: parse error: unexpected end of input"),
        ("(1", "1:3: parse error: unclosed left parenthesis"),
        ("1)", "1:2: parse error: unexpected right parenthesis ')'"),
        ("*1", "1:1: parse error: unexpected <op:*>"),
        ("foo[5m", "1:7: parse error: unclosed left bracket"),
        ("foo{a=\"b\"", "1:10: parse error: unexpected end of input in label matching, expected \",\""),
        ("foo{a=1}", "1:7: parse error: unexpected number \"1\" in label matching, expected string"),
        ("foo{a>\"1\"}", "1:6: parse error: unexpected <op:>> in label matching, expected label matching operator"),
        ("\n foo bar", "2:6: parse error: unexpected identifier \"bar\""),
        ("'abc", "1:1: parse error: unterminated quoted string"),
        ("`abc", "1:1: parse error: unterminated raw string"),
        ("'a\\q'", "1:1: parse error: unknown escape sequence U+0071 'q'"),
        ("'\\x4g'", "1:1: parse error: illegal character U+0067 'g' in escape sequence"),
        ("$", "1:1: parse error: unexpected character: '$'"),
        ("5x", "1:1: parse error: bad number or duration syntax: \"5x\""),
        ("{}", "1:1: parse error: vector selector must contain at least one non-empty matcher"),
        ("{x=''}", "1:1: parse error: vector selector must contain at least one non-empty matcher"),
        ("{x=~'.*'}", "1:1: parse error: vector selector must contain at least one non-empty matcher"),
        ("foo{__name__='bar'}", "1:1: parse error: metric name must not be set twice: \"foo\" or \"bar\""),
        ("nosuch(1)", "1:1: parse error: unknown function with name \"nosuch\""),
        ("rate(foo)", "1:6: parse error: expected type range vector in call to function \"rate\", got instant vector"),
        ("rate()", "1:1: parse error: expected 1 argument(s) in call to \"rate\", got 0"),
        ("round(a,1,2)", "1:1: parse error: expected at most 2 argument(s) in call to \"round\", got 3"),
        ("label_join(a)", "1:1: parse error: expected at least 3 argument(s) in call to \"label_join\", got 1"),
        ("abs(a,)", "1:7: parse error: trailing commas not allowed in function call args"),
        ("sum()", "1:1: parse error: no arguments for aggregate expression provided"),
        ("topk(a)", "1:1: parse error: wrong number of arguments for aggregate expression provided, expected 2, got 1"),
        ("sum(1)", "1:5: parse error: expected type instant vector in aggregation expression, got scalar"),
        ("topk('a', b)", "1:6: parse error: expected type scalar in aggregation parameter, got string"),
        ("1 == 2", "1:1: parse error: comparisons between scalars must use BOOL modifier"),
        ("a + bool b", "1:5: parse error: bool modifier can only be used on comparison operators"),
        ("1 and 2", "1:1: parse error: set operator \"and\" not allowed in binary scalar expression"),
        ("a + 'b'", "1:5: parse error: binary expression must contain only scalar and instant vector types"),
        ("a + on(x) 1", "1:3: parse error: vector matching only allowed between instant vectors"),
        ("a and on(x) group_left b", "1:13: parse error: no grouping allowed for \"and\" operation"),
        ("a + on(x) group_left(x) b", "1:11: parse error: label \"x\" must not occur in ON and GROUP clause at once"),
        (
            "-'a'",
            "1:1: parse error: unary expression only allowed on expressions of type scalar or instant vector, got \"string\"",
        ),
        ("1[5m:]", "1:1: parse error: subquery is only allowed on instant vector, got scalar instead"),
        ("(a)[5m]", "1:4: parse error: ranges only allowed for vector selectors"),
        ("a offset 1m[5m]", "1:12: parse error: no offset modifiers allowed before range"),
        ("a @ 1[5m]", "1:6: parse error: no @ modifiers allowed before range"),
        ("a[0m]", "1:3: parse error: duration must be greater than 0"),
        ("a[1m-60]", "1:3: parse error: duration must be greater than 0"),
        ("a[1m/0]", "1:3: parse error: division by zero"),
        ("a @ Inf", "1:3: parse error: timestamp out of bounds for @ modifier: +Inf"),
        ("a offset 1m offset 2m", "1:13: parse error: offset may not be set multiple times"),
        ("a @ 1 @ 2", "1:7: parse error: @ <timestamp> may not be set multiple times"),
        (
            "1 offset 1m",
            "1:3: parse error: offset modifier must be preceded by an instant vector selector or range vector selector or a subquery",
        ),
        ("a[5m] anchored smoothed", "1:16: parse error: anchored and smoothed modifiers cannot be used together"),
        ("a by b", "1:3: parse error: unexpected <by>"),
        ("sum by x (a)", "1:8: parse error: unexpected identifier \"x\" in grouping opts, expected \"(\""),
    ];
    for (query, error) in cases {
        assert_eq!(canonical(query), error, "{query}");
    }
}

#[test]
fn patterns_are_those_of_re2() {
    let cases = [
        ("a|b", "b", true),
        ("a|b", "ab", false),
        ("a.c", "a\nc", true),
        (r"\d+", "٣", false),
        (r"\w\W\s\S\D", "a- bc", true),
        (r"[\d\s]+", "1 2", true),
        (r"a\bb|c\b", "c", true),
        (r"\Qa.b\E+", "a.bb", true),
        (r"\Qa.b", "axb", false),
        ("[a[b]", "[", true),
        ("[]a]+", "]a", true),
        ("[^]a]", "b", true),
        ("[[:alpha:]-]+", "a-b", true),
        ("[a&&b]+", "a&b", true),
        ("[+--]", ",", true),
        ("a{,2}", "a{,2}", true),
        ("a{2}", "aa", true),
        ("{a}", "{a}", true),
        (r"\<b\>", "<b>", true),
        (r"\101", "A", true),
        ("(?i)A", "a", true),
        ("(?P<x>a)", "a", true),
    ];
    for (pattern, text, matches) in cases {
        assert_eq!(compile_pattern(pattern).map(|regex| regex.is_match(text)), Ok(matches), "{pattern} {text}");
    }
    for wrong in ["(", "a)(b", "[", r"\8", "(?=a)", "(a{1000}){1000}"] {
        assert!(compile_pattern(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn nothing_deep_or_long_overflows() {
    let deep = [
        "(".repeat(100_000),
        "-".repeat(100_000) + "1",
        "abs(".repeat(20_000),
        "1^".repeat(50_000) + "1",
        "a[".to_owned() + &"(".repeat(50_000),
        "a[".to_owned() + &"-".repeat(50_000),
        "a[".to_owned() + &"1+".repeat(50_000) + "1]",
        "1+".repeat(50_000) + "1",
        "sum by (".to_owned() + &"a,".repeat(30_000),
        "a[1m:]".to_owned() + &"[1m:]".repeat(20_000),
        "sum by (".to_owned() + &"a,".repeat(2000) + ") (b)",
        "a{".to_owned() + &"b='c',".repeat(2000) + "}",
        "a".repeat(1 << 20),
    ];
    for query in deep {
        assert!(parse(&query).is_err());
    }
    let many = |pattern: &str, times| format!("a{{{}}}", format!("b=~\"{pattern}\",").repeat(times));
    assert!(parse(&many("x|y", 200)).is_ok());
    assert!(canonical(&many("x|y", 201)).contains("a query has at most 200 patterns"));
    assert!(canonical(&many("[^x]{0,900}", 5)).contains("a query has at most 4 large patterns"));
    let long = "a + ".repeat(HEIGHT_MAX - 1) + "a";
    assert_eq!(canonical(&long), long);
    let nested = "(".repeat(NESTING_MAX - 1) + "a" + &")".repeat(NESTING_MAX - 1);
    assert_eq!(canonical(&nested), nested);
}

/// Pieces that make most sequences nearly a query.
fn pieces() -> impl Strategy<Value = String> {
    const WORDS: &[&str] = &[
        "a",
        "sum",
        "by",
        "on",
        "rate",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        "@",
        "offset",
        "5m",
        "1",
        "0x1f",
        "\"x\"",
        "'",
        "=",
        "=~",
        "!=",
        "+",
        "-",
        "^",
        "</",
        ">/",
        "==",
        "bool",
        "and",
        "fill",
        "start()",
        "step()",
        "min",
        "anchored",
        "without",
        "group_left",
        "inf",
        "#",
        "\n",
        "é",
        "\\",
    ];
    proptest::collection::vec(proptest::sample::select(WORDS), 0..24).prop_map(|all| all.join(" "))
}

/// Queries made by the grammar.
fn queries() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("1.5".to_owned()),
        Just("foo".to_owned()),
        Just("foo{a=\"b\", c=~\"d|e\"} offset 5m".to_owned()),
        Just("{\"x.y\"} @ end()".to_owned()),
        Just("time()".to_owned()),
        Just("rate(foo[step() * 2] smoothed @ 7)".to_owned()),
        "[a-z]{1,3}".prop_filter("no keyword", |word| parse(word).is_ok()),
    ];
    leaf.prop_recursive(5, 40, 3, |inner| {
        let op = proptest::sample::select(
            &[
                "+",
                "-",
                "*",
                "/",
                "%",
                "^",
                "and",
                "or",
                "unless",
                "> bool",
                "==",
                "</",
                "+ on (x) group_left (y)",
                "- fill(1)",
            ][..],
        );
        prop_oneof![
            (inner.clone(), op, inner.clone()).prop_map(|(a, op, b)| format!("{a} {op} {b}")),
            inner.clone().prop_map(|a| format!("({a})")),
            inner.clone().prop_map(|a| format!("-{a}")),
            inner.clone().prop_map(|a| format!("sum by (x) ({a})")),
            inner.clone().prop_map(|a| format!("topk(3, {a})")),
            inner.clone().prop_map(|a| format!("max_over_time(({a})[1h:{}])", "5m")),
            (inner.clone(), inner).prop_map(|(a, b)| format!("clamp({a}, 1, scalar({b}))")),
        ]
    })
}

proptest! {
    #[test]
    fn any_text_is_parsed_or_refused(text in ".{0,80}") {
        let _ = parse(&text);
    }

    #[test]
    fn any_pieces_are_parsed_or_refused(text in pieces()) {
        if let Ok(tree) = parse(&text) {
            let again = parse(&tree.to_string());
            prop_assert_eq!(format!("{:?}", again.unwrap()), format!("{tree:?}"), "{}", tree);
        }
    }

    #[test]
    fn what_is_written_is_read_back(text in queries()) {
        if let Ok(tree) = parse(&text) {
            let again = parse(&tree.to_string());
            prop_assert_eq!(format!("{:?}", again.unwrap()), format!("{tree:?}"), "{}", tree);
        }
    }

    #[test]
    fn any_pattern_is_compiled_or_refused(pattern in "[a-c\\[\\]\\\\(){}|*+?.^$:&~0-9QEdbx,-]{0,20}") {
        let _ = compile_pattern(&pattern);
    }

    #[test]
    fn texts_are_quoted_so_that_they_are_read_back(text in any::<String>()) {
        let quoted = text::quote(&text);
        prop_assert_eq!(text::quoted(&quoted), Ok((text, quoted.len())));
    }

    #[test]
    fn durations_are_read_back(millis in 1i64..1 << 40) {
        prop_assert_eq!(number::duration(&number::write_duration(millis)), Some(millis));
    }
}
