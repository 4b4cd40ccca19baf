//! The language of scripts.

use proptest::prelude::*;

use super::*;
use crate::Value;

/// What failed, without the script's name.
fn failures(text: &str) -> Vec<String> {
    run("s", text).failed.into_iter().map(|failed| failed.message).collect()
}

/// Values in short: numbers, `_` for none, `!` for the end of a series.
fn short(text: &str) -> String {
    let values = match sequence(text) {
        Ok(values) => values,
        Err(error) => return error,
    };
    let one = |sample: Option<Sample>| match sample.map(|sample| sample.value) {
        None => "_".to_owned(),
        Some(value) if value.is_stale() => "!".to_owned(),
        Some(Value::Float(value)) => value.to_string(),
        Some(Value::Histogram(histogram)) => histogram.notation(),
    };
    values.into_iter().map(one).collect::<Vec<_>>().join(" ")
}

#[test]
fn values_expand() {
    let cases = [
        ("1 -2 .5 1e3 0x2", "1 -2 0.5 1000 0 0 0"),
        ("1+2x3", "1 3 5 7"),
        ("1-2x3", "1 -1 -3 -5"),
        ("1x2 _ _x3 stale", "1 1 1 _ _ _ _ !"),
        ("Inf -Inf NaN +Inf nanx1", "inf -inf NaN inf NaN NaN"),
        ("1e+2x1", "100 100"),
        ("{{}}", "{{}}"),
        ("{{sum:1 count:1}}x1", "{{count:1 sum:1}} {{count:1 sum:1}}"),
        ("{{sum:1 buckets:[1 2]}}+{{sum:2 buckets:[1]}}x1", "{{sum:1 buckets:[1 2]}} {{sum:3 buckets:[2 2]}}"),
        ("{{sum:3}}-{{sum:1}}x1", "{{sum:3}} {{sum:2 counter_reset_hint:gauge}}"),
        ("1y", "expected a blank at \"y\""),
        ("1+2", "a step needs \"x\" and how often, at \"1+2\""),
        ("1x9999999999", "expected a number up to 4000000 after \"x\" at \"x9999999999\""),
        ("{{foo:1}}", "a histogram has no field \"foo\""),
        ("{{sum:1", "a histogram is not closed by \"}}\""),
    ];
    for (text, expected) in cases {
        assert_eq!(short(text), expected, "{text}");
    }
}

#[test]
fn births_expand() {
    let births = |text| series::births(text).unwrap();
    assert_eq!(births("-1mx2 _ _x2"), [Some(-60_000), Some(-60_000), Some(-60_000), None, None, None]);
    assert_eq!(births("-30s+10sx1 1m-1sx1 5s"), [Some(-30_000), Some(-20_000), Some(60_000), Some(59_000), Some(5000)]);
    assert!(series::births("5").is_ok() && series::births("x").is_err() && series::births("-1mx999999999999").is_err());
}

#[test]
fn histograms_are_read_with_all_their_fields() {
    let text = "{{schema:1 count:3.1 sum:-0.3 z_bucket:7.1 z_bucket_w:0.05 counter_reset_hint:gauge offset:-3 \
                buckets:[5.1 10 7] n_offset:-5 n_buckets:[4.1 5]}}";
    assert_eq!(short(text), text);
    let custom = "{{schema:-53 count:3 sum:1 custom_values:[1 2.5] buckets:[1 2]}}";
    assert_eq!(short(custom), custom);
}

#[test]
fn a_fulfilled_script_has_passed() {
    let report = run(
        "s",
        "# words\nload 1m\n  a 1 2\n  b{c=\"d e\"} 3\neval instant at 1m a\n  a 2\n\neval instant at 1m b + 1\n  {c=\"d e\"} 4\n\
         clear\neval instant at 1m a\n\neval range from 0 to 2m step 1m time()\n  {} 0 60 120\n",
    );
    assert_eq!(report, Report { passed: 4, failed: vec![] });
}

#[test]
fn failures_say_what_was_expected_and_what_was_there() {
    let cases = [
        ("eval instant at 0 vector(1)\n {} 2", "s:1: expected 2 for {}, but got 1"),
        ("eval instant at 0 vector(1)", "s:1: unexpected series {} with 1"),
        ("eval instant at 0 a\n a 1", "s:1: expected series a is not in the answer"),
        ("eval instant at 0 1\n 2", "s:1: expected 2, but got 1"),
        ("eval instant at 0 1\n {} 1", "s:1: expected series, but got the scalar 1"),
        ("eval instant at 0 vector(1)\n 1", "s:1: expected a scalar or a text, but got [{} 1]"),
        ("eval instant at 0 'a'\n expect string 'b'", "s:1: expected the text Some(\"b\"), but got \"a\""),
        ("eval instant at 0 1 +", "s:1: unexpected error: 1:4: parse error: unexpected end of input"),
        ("eval instant at 0 1\n expect fail", "s:1: expected an error with any message, but got the scalar 1"),
        (
            "eval instant at 0 nosuch(1)\n expect fail msg: else",
            "s:1: expected an error with \"else\", but got \"1:1: parse error: unknown function with name \\\"nosuch\\\"\"",
        ),
        ("eval instant at 0 vector(1)\n expect warn\n {} 1", "s:1: expected a warning with any message, but got []"),
        (
            "eval instant at 0 vector(1)\n {} 1 2",
            "s:1: an instant query gives one value a series, but 2 are expected of {}",
        ),
        ("eval range from 0 to 1m step 1m vector(1)\n {} 1", "s:1: expected 1 @0 for {}, but got 1 @0, 1 @60000"),
        ("eval instant at x a", "s:1: not a valid duration string: \"x\""),
        ("eval sometime a", "s:1: eval is instant or range, not \"sometime\""),
        ("eval_never instant at 0 a", "s:1: there is no command \"eval_never\""),
        ("lod 5m", "s:1: a command is load, clear or eval, not \"lod\""),
        (
            "load 5m\n a{b=~\"c\"} 1",
            "s:2: \"a{b=~\\\"c\\\"}\": 1:1: parse error: a series has a value for \"b\", no condition",
        ),
        ("load 5m\n a{ 1", "s:2: the labels are not closed by \"}\""),
        ("load 5m\n a {{schema:9}}", "s:1: a: a schema is -53 or from -4 to 8, not 9"),
        ("load 5m\n a@st 1m 1m\n a 1", "s:3: the @st line before a is for another series or length"),
        ("eval instant at 0 a\n expect string", "s:2: unterminated quoted string"),
    ];
    for (text, message) in cases {
        assert_eq!(failures(text), [message], "{text}");
    }
}

#[test]
fn warnings_are_held_against_every_expectation() {
    let q = "eval instant at 0 quantile(2, vector(1))\n {} Inf\n ";
    let text = "PromQL warning: quantile value should be between 0 and 1, got 2";
    assert_eq!(failures(q), [""; 0]);
    for fine in [
        "expect warn",
        "expect no_info",
        &format!("expect warn msg: {text}"),
        "expect warn regex: between . and",
        &format!("expect warn msg: {text} (1:10)"),
    ] {
        assert_eq!(failures(&format!("{q}{fine}")), [""; 0], "{fine}");
    }
    for wrong in ["expect no_warn", "expect info", "expect warn msg: else", "expect warn regex: ^else"] {
        assert_eq!(failures(&format!("{q}{wrong}")).len(), 1, "{wrong}");
    }
    assert_eq!(failures(&q.replace("eval ", "eval_warn ")), [""; 0]);
    assert_eq!(failures(&q.replace("eval ", "eval_info ")).len(), 1);
}

#[test]
fn a_store_knows_where_histograms_follow_each_other() {
    let script = "load 1m\n a {{count:1 buckets:[1]}} {{count:2 buckets:[2]}} {{count:1 buckets:[1]}} {{count:1 buckets:[1] counter_reset_hint:gauge}}\n\n";
    for (minute, hint) in [(0, "unknown"), (1, "not_reset"), (2, "unknown"), (3, "gauge")] {
        let count = if minute == 1 { 2 } else { 1 };
        let eval = format!(
            "eval instant at {minute}m a\n a {{{{count:{count} buckets:[{count}] counter_reset_hint:{hint}}}}}"
        );
        assert_eq!(failures(&format!("{script}{eval}")), [""; 0], "{minute}");
    }
}

#[test]
fn a_counter_may_say_when_it_began() {
    let script = "load 1m\n a@st -30sx2\n a 10+10x2\n\neval instant at 2m a\n a 30\n";
    assert_eq!(failures(script), [""; 0]);
}

proptest! {
    #[test]
    fn any_text_gives_a_report(text in "(load|eval|clear|eval_fail|expect|instant|range|at|from|to|step|1m|a|\\{|\\}|\"|=|_|x|1|\\+|-|\\[|:|sum|stale| |\n){0,40}") {
        let _ = run("s", &text);
    }

    #[test]
    fn any_values_are_read_or_refused(text in "[0-9x+\\-_ .eE{}:\\[\\]a-z]{0,40}") {
        let _ = sequence(&text);
    }

    #[test]
    fn numbers_are_almost_equal_to_themselves(value in any::<f64>()) {
        prop_assert!(check::almost_equal(value, value) && check::almost_equal(value, value * (1.0 + 1e-7)));
        prop_assert!(value == 0.0 || value.is_nan() || value.is_infinite() || !check::almost_equal(value, value / 2.0));
    }
}
