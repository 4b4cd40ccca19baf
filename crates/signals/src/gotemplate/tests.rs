//! Tables from the documentation of Go's `text/template` and `fmt` and of Prometheus' templates, and what must never be.

use proptest::prelude::*;

use super::{Answer, Query, STEPS_MAX, Scope, ScopeValue, TEXT_BYTES_MAX, check, render};

/// A source of three series.
struct Series;

impl Query for Series {
    fn query(&self, expression: &str) -> Result<Answer, String> {
        let series = |instance: &str, value| {
            (vec![("__name__".to_owned(), "up".to_owned()), ("instance".to_owned(), instance.to_owned())], value)
        };
        match expression {
            "none" => Ok(Vec::new()),
            "fail" => Err("no such thing".to_owned()),
            "scalar" => Ok(vec![(vec![("__value__".to_owned(), "a".to_owned())], 1.5)]),
            _ => Ok(vec![series("b:9100", 21.0), series("a:9100", 11.0), series("c:9100", 1.0)]),
        }
    }
}

fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn with_value(text: &str, value: ScopeValue<'_>) -> Result<String, String> {
    let labels = owned(&[("instance", "web-1.example.org:9100"), ("job", "node <1>"), ("severity", "page")]);
    let external = owned(&[("region", "eu")]);
    let scope =
        Scope { labels: &labels, external_labels: &external, external_url: "http://prom.example:9090/base", value };
    render("test", text, &scope, &Series, 1_257_894_000_500)
}

fn rendered(text: &str) -> Result<String, String> {
    with_value(text, ScopeValue::Float(1_234_567.0))
}

#[track_caller]
fn table(rows: &[(&str, &str)]) {
    for (text, wanted) in rows {
        assert_eq!(rendered(text).as_deref(), Ok(*wanted), "{text}");
    }
}

#[track_caller]
fn errors(rows: &[(&str, &str)]) {
    for (text, wanted) in rows {
        assert_eq!(rendered(text), Err((*wanted).to_owned()), "{text}");
    }
}

#[test]
fn variables_of_an_alert() {
    table(&[
        ("", ""),
        ("plain { text } }}", "plain { text } }}"),
        ("{{ $labels.job }}", "node <1>"),
        ("{{$labels.missing}}|{{ .Labels.instance }}", "|web-1.example.org:9100"),
        ("{{ $value }} {{ .Value }}", "1.234567e+06 1.234567e+06"),
        ("{{ $externalLabels.region }} {{ .ExternalLabels.region }}", "eu eu"),
        (
            "{{ $externalURL }} {{ externalURL }} {{ pathPrefix }}",
            "http://prom.example:9090/base http://prom.example:9090/base /base",
        ),
        ("{{ $labels }}", "map[instance:web-1.example.org:9100 job:node <1> severity:page]"),
        ("{{ len $labels }} {{ index $labels \"severity\" }}", "3 page"),
        ("{{ $.Labels.severity }}", "page"),
    ]);
}

#[test]
fn actions() {
    table(&[
        ("{{ if true }}a{{ else }}b{{ end }}{{ if 0 }}a{{ else if 0.0 }}b{{ else if \"x\" }}c{{ end }}", "ac"),
        ("{{ with \"x\" }}{{ . }}{{ end }}{{ with \"\" }}a{{ else }}b{{ end }}", "xb"),
        ("{{ with \"\" }}a{{ else with \"y\" }}{{ . }}{{ end }}", "y"),
        ("{{ with $x := 3 }}{{ $x }}{{ end }}", "3"),
        ("{{ range query \"up\" }}{{ .Labels.instance }}={{ .Value }} {{ end }}", "b:9100=21 a:9100=11 c:9100=1 "),
        ("{{ range $i, $e := query \"up\" }}{{ $i }}:{{ $e.Value }},{{ end }}", "0:21,1:11,2:1,"),
        ("{{ range $e := query \"up\" }}{{ $e.Value }},{{ end }}", "21,11,1,"),
        ("{{ range query \"none\" }}a{{ else }}nothing{{ end }}", "nothing"),
        ("{{ range query \"up\" }}{{ if eq .Value 11.0 }}{{ break }}{{ end }}{{ .Value }}{{ end }}", "21"),
        ("{{ range query \"up\" }}{{ if eq .Value 11.0 }}{{ continue }}{{ end }}{{ .Value }}{{ end }}", "211"),
        ("{{ range $k, $v := $labels }}{{ $k }};{{ end }}", "instance;job;severity;"),
        ("{{ range 3 }}{{ . }}{{ end }}", "012"),
        ("{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ end }}{{ $x }}", "2"),
        ("{{ $x := 1 }}{{ if true }}{{ $x := 2 }}{{ end }}{{ $x }}", "1"),
        ("{{ $s := 0 }}{{ range query \"up\" }}{{ $s = .Value }}{{ end }}{{ $s }}", "1"),
        ("{{ define \"T\" }}[{{ . }}]{{ end }}{{ template \"T\" 5 }}{{ template \"T\" }}", "[5][<no value>]"),
        ("{{ block \"B\" $value }}<{{ . }}>{{ end }}", "<1.234567e+06>"),
        ("{{define \"x\"}}{{.arg0}} {{.arg1}}{{.arg2}}{{end}}{{template \"x\" (args 1 \"2\")}}", "1 2<no value>"),
        ("a {{/* a comment */}} b {{- /* another */ -}} c", "a  bc"),
        ("a \n {{- \" b \" -}} \t c {{ 3 -}} ", "a b c 3"),
        ("{{23 -}} < {{- 45}}", "23<45"),
        ("{{\n  $value\n}}", "1.234567e+06"),
    ]);
}

#[test]
fn literals_and_pipelines() {
    table(&[
        (r#"{{ "a\tb\"\u00e9\x41\101" }}"#, "a\tb\"éAA"),
        ("{{ `raw \\n` }}", "raw \\n"),
        ("{{ 'a' }} {{ '\\n' }} {{ '\\'' }}", "97 10 39"),
        ("{{ 0x1F }} {{ 0b101 }} {{ 0o17 }} {{ 017 }} {{ 1_000 }} {{ -5 }} {{ +5 }}", "31 5 15 15 1000 -5 5"),
        ("{{ 1.5 }} {{ 1e3 }} {{ .5 }} {{ 0x1p-2 }} {{ 1e100 }}", "1.5 1000 0.5 0.25 1e+100"),
        ("{{ true }} {{ print nil }}", "true <nil>"),
        ("{{ \"output\" | printf \"%q\" }}", "\"output\""),
        ("{{ printf \"%q\" (print \"out\" \"put\") }}", "\"output\""),
        ("{{ \"put\" | printf \"%s%s\" \"out\" | printf \"%q\" }}", "\"output\""),
        ("{{ with $x := \"output\" | printf \"%q\" }}{{ $x }}{{ end }}", "\"output\""),
        ("{{ with $x := \"output\" }}{{ $x | printf \"%q\" }}{{ end }}", "\"output\""),
        ("{{ ((3)) }} {{ (index (query \"up\") 1).Value }}", "3 11"),
    ]);
}

#[test]
fn builtins() {
    table(&[
        ("{{ and true 0 1 }} {{ and 1 2 }} {{ or 0 \"\" 3 }} {{ or 0 \"\" }} {{ not 0 }}", "0 2 3  true"),
        ("{{ or 1 (first (query \"none\")) }} {{ 1 | and 0 }}", "1 0"),
        (
            "{{ eq 1 2 1 }} {{ ne 1 2 }} {{ lt 1 2 }} {{ le 2 2 }} {{ gt 1.5 1.0 }} {{ ge \"b\" \"a\" }}",
            "true true true true true true",
        ),
        ("{{ if gt $value 5.0 }}high{{ end }}", "high"),
        ("{{ len \"häß\" }} {{ index \"abc\" 1 }} {{ slice \"abcdef\" 1 3 }} {{ slice \"abc\" 2 }}", "5 98 bc c"),
        ("{{ len (slice (query \"up\") 1) }}", "2"),
        ("{{ print 1 2 \"a\" 3 4 \"b\" }}|{{ println \"a\" 1 }}", "1 2a3 4b|a 1\n"),
        ("{{ html \"<a href='x'>&\\\"\" }}", "&lt;a href=&#39;x&#39;&gt;&amp;&#34;"),
        ("{{ js \"it's <b> = \\\"x\\\" \\n\" }}", "it\\'s \\u003Cb\\u003E \\u003D \\\"x\\\" \\u000A"),
        ("{{ urlquery \"a b/c?d=é\" }}", "a+b%2Fc%3Fd%3D%C3%A9"),
    ]);
}

#[test]
fn floats_in_their_default_form() {
    let rows = [
        (0.0, "0"),
        (-0.0, "-0"),
        (1.0, "1"),
        (0.1, "0.1"),
        (1.5e-5, "1.5e-05"),
        (0.0001, "0.0001"),
        (100_000.0, "100000"),
        (123_456.75, "123456.75"),
        (999_999.5, "999999.5"),
        (1e6, "1e+06"),
        (123_456_789.0, "1.23456789e+08"),
        (1e21, "1e+21"),
        (f64::NAN, "NaN"),
        (f64::INFINITY, "+Inf"),
        (f64::NEG_INFINITY, "-Inf"),
        (5e-324, "5e-324"),
        (f64::MAX, "1.7976931348623157e+308"),
    ];
    for (value, wanted) in rows {
        assert_eq!(with_value("{{ $value }}", ScopeValue::Float(value)).as_deref(), Ok(wanted));
    }
}

#[test]
fn verbs() {
    table(&[
        (
            r#"{{ printf "%d %5d|%-5d|%05d %+d %x %X %#x %o %b %c %U" 42 42 42 42 42 42 42 42 42 5 65 8983 }}"#,
            "42    42|42   |00042 +42 2a 2A 0x2a 52 101 A U+2317",
        ),
        (
            r#"{{ printf "%f %.2f %8.3f|%-8.1f|%08.3f %+.1f" 3.14159 3.14159 3.14159 3.14159 -3.14159 3.14159 }}"#,
            "3.141590 3.14    3.142|3.1     |-003.142 +3.1",
        ),
        (
            r#"{{ printf "%e %.1e %g %.3g %G %.0f %.0f" 123456.789 123456.789 123456.789 123456.789 1e-10 2.5 0.5 }}"#,
            "1.234568e+05 1.2e+05 123456.789 1.23e+05 1E-10 2 0",
        ),
        (r#"{{ printf "%.10g %.4g %.4g %g" 100000.0 0.00001234 99999.0 1000000.0 }}"#, "100000 1.234e-05 1e+05 1e+06"),
        (
            r#"{{ printf "%s|%10s|%-10s|%.2s|%q|%x|% X|%v" "hi" "hi" "hi" "hello" "a\"b" "hi" "hi" "x" }}"#,
            "hi|        hi|hi        |he|\"a\\\"b\"|6869|68 69|x",
        ),
        (r#"{{ printf "%t %v %5t" true false true }}"#, "true false  true"),
        (r#"{{ printf "%T %T %T %T" 1 1.5 "s" $labels }}"#, "int float64 string map[string]string"),
        (r#"{{ printf "100%% %v" $value }}"#, "100% 1.234567e+06"),
        (
            r#"{{ printf "%v %+v" (index (query "scalar") 0) (index (query "scalar") 0) }}"#,
            "&{map[__value__:a] 1.5} &{Labels:map[__value__:a] Value:1.5}",
        ),
        (r#"{{ printf "%*d|%-*d|%.*f" 5 42 5 42 2 3.14159 }}"#, "   42|42   |3.14"),
        (r#"{{ printf "%[2]d %[1]d" 1 2 }}"#, "2 1"),
        (
            r#"{{ printf "%q" $labels }}"#,
            r#"map["instance":"web-1.example.org:9100" "job":"node <1>" "severity":"page"]"#,
        ),
        (r#"{{ printf "%6.2f%%" 12.345 }}"#, " 12.35%"),
        (r#"{{ printf "%v" .Labels.none }}|{{ printf "%v" nil }}"#, "|<nil>"),
    ]);
}

#[test]
fn verbs_that_do_not_fit() {
    table(&[
        (r#"{{ printf "%d" 1.0 }}"#, "%!d(float64=1)"),
        (r#"{{ printf "%d" $value }}"#, "%!d(float64=1.234567e+06)"),
        (r#"{{ printf "%f" 1 }} {{ printf "%.2f" "1.5" }}"#, "%!f(int=1) %!f(string=1.)"),
        (
            r#"{{ printf "%s" 1.5 }} {{ printf "%t" "x" }} {{ printf "%z" 1 }}"#,
            "%!s(float64=1.5) %!t(string=x) %!z(int=1)",
        ),
        (r#"{{ printf "%d" }} {{ printf "%d %d" 1 }}"#, "%!d(MISSING) 1 %!d(MISSING)"),
        (r#"{{ printf "x" 1 "a" }}"#, "x%!(EXTRA int=1, string=a)"),
        (r#"{{ printf "50%" }}|{{ printf "50% of" 1 }}"#, "50%!(NOVERB)|50 1f"),
        (r#"{{ printf "%d" nil }} {{ printf "%[3]d" 1 }} {{ printf "%!" 1 }}"#, "%!d(<nil>) %!d(BADINDEX) %!!(int=1)"),
        (r#"{{ printf "%*d" "a" 1 }}"#, "%!(BADWIDTH)1"),
    ]);
}

#[test]
fn prometheus_functions() {
    table(&[
        ("{{ query \"up\" | first | value }} {{ query \"up\" | first | label \"instance\" }}", "21 b:9100"),
        ("{{ query \"scalar\" | first | strvalue }}", "a"),
        ("{{ range query \"up\" | sortByLabel \"instance\" }}{{ .Labels.instance | stripPort }}{{ end }}", "abc"),
        ("{{ with query \"up\" }}{{ . | first | value | humanize }}{{ end }}", "21"),
        (r#"{{ reReplaceAll "(a*)(b)" "${2}x$1-$3" "aab cb" }}"#, "bxaa- cbx-"),
        (r#"{{ reReplaceAll "^(.*):.*$" "$1" $labels.instance }}"#, "web-1.example.org"),
        (r#"{{ match "a+" "aa" }} {{ match "a+" "b" }}"#, "true false"),
        ("{{ \"aa bb CC d_e-f\" | title }} {{ toUpper \"aé\" }} {{ \"AÉ\" | toLower }}", "Aa Bb CC D_e-F AÉ aé"),
        (
            "{{ graphLink \"up == 0\" }} {{ tableLink \"up\" }}",
            "/graph?g0.expr=up+%3D%3D+0&g0.tab=0 /graph?g0.expr=up&g0.tab=1",
        ),
        (
            "{{ stripPort \"host:80\" }} {{ stripPort \"host\" }} {{ stripPort \"[::1]:80\" }} {{ stripPort \"::1\" }}",
            "host host ::1 ::1",
        ),
        (
            "{{ stripDomain $labels.instance }} {{ stripDomain \"a.b.c\" }} {{ stripDomain \"10.0.0.1:80\" }}",
            "web-1:9100 a 10.0.0.1:80",
        ),
        ("{{ safeHtml \"<b>\" }} {{ urlQueryEscape \"a b\" }}", "<b> a+b"),
        ("{{ now }} {{ now | humanizeTimestamp }}", "1.2578940005e+09 2009-11-10 23:00:00.5 +0000 UTC"),
        (
            "{{ toTime 1257894000 }} {{ (toTime \"1257894000\").Format \"Mon, 02 Jan 2006 15:04:05 MST\" }}",
            "2009-11-10 23:00:00 +0000 UTC Tue, 10 Nov 2009 23:00:00 UTC",
        ),
        (
            "{{ (toTime 1257894000).Year }} {{ (toTime 0).Weekday }} {{ (toTime 0.25).Format \"3:04PM .000\" }}",
            "2009 Thursday 12:00AM .250",
        ),
        (
            "{{ toDuration 3723.5 }} {{ toDuration 0.0015 }} {{ (toDuration 90).Minutes }} {{ toDuration 60 | humanizeDuration }}",
            "1h2m3.5s 1.5ms 1.5 1m 0s",
        ),
        (
            "{{ parseDuration \"1h30m\" }} {{ parseDuration \"1d12h5ms\" }} {{ parseDuration \"0\" }}",
            "5400 129600.005 0",
        ),
    ]);
}

#[test]
fn humanize() {
    type Row = (&'static str, &'static [(f64, &'static str)]);
    let rows: [Row; 5] = [
        (
            "humanize",
            &[
                (0.0, "0"),
                (1.0, "1"),
                (1_234_567.0, "1.235M"),
                (0.12, "120m"),
                (-1234.0, "-1.234k"),
                (f64::NAN, "NaN"),
                (f64::INFINITY, "+Inf"),
                (0.000_012_3, "12.3u"),
                (999.99, "1000"),
                (1e27, "1000Y"),
                (1e30, "1e+06Y"),
            ],
        ),
        (
            "humanize1024",
            &[
                (0.0, "0"),
                (1.0, "1"),
                (1_048_576.0, "1Mi"),
                (0.12, "0.12"),
                (1536.0, "1.5ki"),
                (f64::NEG_INFINITY, "-Inf"),
            ],
        ),
        (
            "humanizeDuration",
            &[
                (0.0, "0s"),
                (1.0, "1s"),
                (60.0, "1m 0s"),
                (3600.0, "1h 0m 0s"),
                (86_400.0, "1d 0h 0m 0s"),
                (90_000.0, "1d 1h 0m 0s"),
                (-183_845.0, "-2d 3h 4m 5s"),
                (899.99, "14m 59s"),
                (0.1, "100ms"),
                (0.0001, "100us"),
                (0.12345, "123.5ms"),
                (59.987, "59.99s"),
                (f64::NAN, "NaN"),
                (f64::INFINITY, "+Inf"),
            ],
        ),
        (
            "humanizePercentage",
            &[(-0.22222, "-22.22%"), (0.0, "0%"), (0.123_456_7, "12.35%"), (1.234_56, "123.5%"), (100.0, "1e+04%")],
        ),
        (
            "humanizeTimestamp",
            &[
                (0.0, "1970-01-01 00:00:00 +0000 UTC"),
                (1_435_065_584.128, "2015-06-23 13:19:44.128 +0000 UTC"),
                (-1.0, "1969-12-31 23:59:59 +0000 UTC"),
                (f64::INFINITY, "+Inf"),
            ],
        ),
    ];
    for (function, cases) in rows {
        for (value, wanted) in cases {
            let text = format!("{{{{ $value | {function} }}}}");
            assert_eq!(with_value(&text, ScopeValue::Float(*value)).as_deref(), Ok(*wanted), "{function} {value}");
        }
    }
    table(&[("{{ \"1.5e3\" | humanize }} {{ humanize 1500 }}", "1.5k 1.5k")]);
}

#[test]
fn a_histogram_is_printed() {
    let histogram = ScopeValue::Histogram("{count:1, sum:2}");
    assert_eq!(with_value("{{ $value }}", histogram).as_deref(), Ok("{count:1, sum:2}"));
    let message = with_value("{{ $value | humanize }}", histogram).unwrap_err();
    assert!(message.ends_with("error calling humanize: can't convert *histogram.FloatHistogram to float"), "{message}");
}

#[test]
fn what_is_no_template() {
    errors(&[
        ("{{ foo }}", "error parsing template test: template: test:1: function \"foo\" not defined"),
        ("a\n{{ $nope }}", "error parsing template test: template: test:2: undefined variable \"$nope\""),
        ("{{ if true }}", "error parsing template test: template: test:1: unexpected EOF"),
        ("{{ end }}", "error parsing template test: template: test:1: unexpected {{end}}"),
        ("{{ $value", "error parsing template test: template: test:1: unclosed action"),
        ("{{", "error parsing template test: template: test:1: unclosed action"),
        ("{{ }}", "error parsing template test: template: test:1: missing value for command"),
        ("{{ ( 1 }}", "error parsing template test: template: test:1: unclosed left paren"),
        ("{{ \"a }}", "error parsing template test: template: test:1: unterminated quoted string"),
        ("{{ 1 | 2 }}", "error parsing template test: template: test:1: non executable command in pipeline stage 2"),
        ("{{ break }}", "error parsing template test: template: test:1: {{break}} outside {{range}}"),
        ("{{ $labels.a-b }}", "error parsing template test: template: test:1: bad character U+002D '-'"),
        ("{{ 1a }}", "error parsing template test: template: test:1: bad number syntax: \"1a\""),
        ("{{/* a }}", "error parsing template test: template: test:1: unclosed comment"),
        ("{{ if }}x{{ end }}", "error parsing template test: template: test:1: missing value for if"),
        (
            "{{ if 1 }}{{ else }}{{ else }}{{ end }}",
            "error parsing template test: template: test:1: expected end; found {{else}}",
        ),
        (
            "{{ define \"a\" }}{{ $labels }}{{ end }}",
            "error parsing template test: template: test:1: undefined variable \"$labels\"",
        ),
        ("{{ 1 ! }}", "error parsing template test: template: test:1: unexpected \"!\" in operand"),
        ("{{ template }}", "error parsing template test: template: test:1: unexpected \"}}\" in template clause"),
    ]);
}

#[test]
fn what_fails() {
    errors(&[
        (
            "{{ query \"none\" | first }}",
            "error executing template test: template: test:1:130: executing \"test\" at <first>: error calling first: first() called on vector with no elements",
        ),
        (
            "x\n  {{ query \"fail\" }}",
            "error executing template test: template: test:2:5: executing \"test\" at <query \"fail\">: error calling query: no such thing",
        ),
        (
            "\n{{ $value.foo }}",
            "error executing template test: template: test:2:9: executing \"test\" at <$value.foo>: can't evaluate field foo in type float64",
        ),
        (
            "\n{{ gt $value 5 }}",
            "error executing template test: template: test:2:3: executing \"test\" at <gt $value 5>: error calling gt: incompatible types for comparison",
        ),
        (
            "\n{{ template \"x\" }}",
            "error executing template test: template: test:2:12: executing \"test\" at <{{template \"x\"}}>: template \"x\" not defined",
        ),
        (
            "\n{{ toUpper 1 }}",
            "error executing template test: template: test:2:11: executing \"test\" at <1>: expected string; found 1",
        ),
        (
            "\n{{ toUpper $value }}",
            "error executing template test: template: test:2:11: executing \"test\" at <$value>: wrong type for value; expected string; got float64",
        ),
        (
            "\n{{ humanize 1 2 }}",
            "error executing template test: template: test:2:3: executing \"test\" at <humanize>: wrong number of args for humanize: want 1 got 2",
        ),
        (
            "\n{{ humanize }}",
            "error executing template test: template: test:2:3: executing \"test\" at <humanize>: wrong number of args for humanize: want 1 got 0",
        ),
        (
            "\n{{ \"x\" | humanize }}",
            "error executing template test: template: test:2:9: executing \"test\" at <humanize>: error calling humanize: strconv.ParseFloat: parsing \"x\": invalid syntax",
        ),
        (
            "\n{{ range $value }}{{ end }}",
            "error executing template test: template: test:2:9: executing \"test\" at <$value>: range can't iterate over 1.234567e+06",
        ),
        (
            "\n{{ nil }}",
            "error executing template test: template: test:2:3: executing \"test\" at <nil>: nil is not a command",
        ),
        (
            "\n{{ index (query \"up\") 7 }}",
            "error executing template test: template: test:2:3: executing \"test\" at <index (query \"up\") 7>: error calling index: index out of range: 7",
        ),
        (
            "\n{{ parseDuration \"1x\" }}",
            "error executing template test: template: test:2:3: executing \"test\" at <parseDuration \"1x\">: error calling parseDuration: not a valid duration string: \"1x\"",
        ),
        (
            "\n{{ \"a\" 1 }}",
            "error executing template test: template: test:2:3: executing \"test\" at <\"a\">: can't give argument to non-function \"a\"",
        ),
    ]);
}

#[test]
fn everything_is_bounded() {
    let rows = [
        ("{{ range 1000000000 }}{{ end }}", STEPS_MAX.to_string()),
        ("{{ define \"a\" }}{{ template \"a\" }}{{ end }}{{ template \"a\" }}", "maximum template depth".to_owned()),
        ("{{ $s := \"0123456789abcdef\" }}{{ range 40 }}{{ $s = print $s $s }}{{ end }}", TEXT_BYTES_MAX.to_string()),
        ("{{ range 70000 }}x{{ end }}", TEXT_BYTES_MAX.to_string()),
        ("{{ $a := args 1 }}{{ range 31 }}{{ $a = args $a $a }}{{ end }}{{ $a }}", "longer than".to_owned()),
        ("{{ $a := args 1 }}{{ range 100 }}{{ $a = args $a $a }}{{ end }}", "nested deeper".to_owned()),
        ("{{ range 200 }}{{ $x := query \"up\" }}{{ end }}", "more than 100 queries".to_owned()),
        ("{{ range 200 }}{{ $x := match \"a\" \"b\" }}{{ end }}", "more than 50 regular".to_owned()),
        ("{{ reReplaceAll \"((a{500}){500}){500}\" \"\" \"\" }}", "error parsing regexp".to_owned()),
    ];
    for (text, wanted) in rows {
        let message = rendered(text).map(|text| text.len()).unwrap_err();
        assert!(message.contains(&wanted), "{text}: {message}");
    }
    let deep = format!("{{{{ {}1{} }}}}", "(".repeat(5000), ")".repeat(5000));
    assert!(rendered(&deep).unwrap_err().contains("nested deeper than"));
    let deep = "{{ if true }}".repeat(4000);
    assert!(rendered(&deep).unwrap_err().contains("nested deeper than"));
    assert!(rendered(&" ".repeat(70_000)).unwrap_err().contains("longer than"));
}

#[test]
fn what_a_template_asks_for() {
    let set = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<std::collections::BTreeSet<_>>();
    let used = check(
        "{{ $labels.a }}{{ .Labels.b }}{{ index $labels \"c\" }}{{ $l := $labels }}{{ $l.d }}{{ with $labels }}{{ .e }}{{ end }}\
         {{ range query \"up{x='y'}\" }}{{ .Labels.not }}{{ $.Labels.f }}{{ .Value }}{{ end }}{{ $externalLabels.r }}",
    )
    .unwrap();
    assert_eq!(used.labels, set(&["a", "b", "c", "d", "e", "f"]));
    assert_eq!(used.external_labels, set(&["r"]));
    assert_eq!(used.queries, set(&["up{x='y'}"]));
    assert_eq!(used.functions, set(&["index", "query"]));
    assert_eq!(used.variables, set(&["$", "$externalLabels", "$l", "$labels"]));
    assert!(!used.value && !used.all_labels);
    let used = check("{{ $labels }} {{ $value | humanize }}").unwrap();
    assert!(used.value && used.all_labels && used.labels.is_empty());
    assert_eq!(check("a\n{{ nope }}").unwrap_err(), "line 2: function \"nope\" not defined");
}

/// Every label and annotation of the given rules renders.
#[test]
fn annotations_of_known_rules_render() {
    let Some(data) = std::env::var_os("WATCHKEEPER_DATA") else {
        println!("skipped: WATCHKEEPER_DATA is not set");
        return;
    };
    let path = std::path::Path::new(&data).join("alert-rules/rules.tar.xz");
    let texts = templates_of(&path);
    assert!(!texts.is_empty());
    for text in &texts {
        check(text).unwrap_or_else(|message| panic!("{text}: {message}"));
        rendered(text).unwrap_or_else(|message| panic!("{text}: {message}"));
    }
    println!("{} templates rendered", texts.len());
}

/// The texts with actions in an archive of rule files; none where there is no `tar`.
fn templates_of(path: &std::path::Path) -> Vec<String> {
    let output = std::process::Command::new("tar").arg("-xJOf").arg(path).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let quoted = regex::Regex::new(r#"(?m)^\s+[a-z_]+: "((?:[^"\\]|\\.)*\{\{(?:[^"\\]|\\.)*)"$"#).unwrap();
    let unescape = |text: &str| serde_json::from_str::<String>(&format!("\"{text}\"")).unwrap_or_default();
    let quoted = quoted.captures_iter(&text).filter_map(|found| Some(unescape(found.get(1)?.as_str())));
    let plain = regex::Regex::new(r"(?m)^\s+[a-z_]+: ([^\s'\x22|>].*\{\{.*)$").unwrap();
    let plain = plain.captures_iter(&text).filter_map(|found| Some(found.get(1)?.as_str().to_owned()));
    quoted.chain(plain).collect()
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "(\\{\\{-? ?|-?\\}\\}|[ -~\n]|é|\\$labels|\\$value|if |range |end|else|with |define |template |printf |query |\"%.2f\"|:=|\\||\\(|\\)){0,40}") {
        let _ = rendered(&text);
        let _ = check(&text);
    }

    #[test]
    fn no_format_makes_it_panic(format in "(%|[-+# 0]|[0-9*.\\[\\]]|[vdsqxXfgeGETtcUbo]|é){0,20}", value in any::<f64>()) {
        let text = format!("{{{{ printf {format:?} $value 3 \"a\" }}}}");
        let _ = with_value(&text, ScopeValue::Float(value));
    }

    #[test]
    fn text_without_braces_stays(text in "[^{}]{0,200}") {
        prop_assert_eq!(rendered(&text), Ok(text));
    }

    #[test]
    fn floats_read_back(value in any::<f64>()) {
        let shown = with_value("{{ $value }}", ScopeValue::Float(value)).unwrap();
        let read: f64 = shown.parse().unwrap();
        prop_assert!(read == value || value.is_nan());
    }
}

#[test]
fn blocks_within_templates_that_call_themselves_are_bounded() {
    let inner = "{{ if true }}".repeat(45);
    let ends = "{{ end }}".repeat(45);
    let text =
        format!("{{{{ define \"a\" }}}}{inner}{{{{ template \"a\" }}}}{ends}{{{{ end }}}}{{{{ template \"a\" }}}}");
    assert!(rendered(&text).unwrap_err().contains("maximum template depth"));
}

#[test]
fn words_fill_a_template() {
    let options = owned(&[("job", "api")]);
    let fill = |text| super::fill("query", text, &[("window", "5m")], ("options", &options));
    assert_eq!(fill("rate(x{job=\"{{ .options.job }}\"}[{{.window}}])").as_deref(), Ok("rate(x{job=\"api\"}[5m])"));
    assert_eq!(fill("{{ .options.nope }}"), Err("it asks for a word that is not there".to_owned()));
    assert_eq!(fill("{{ .nope }}"), Err("it asks for a word that is not there".to_owned()));
    assert!(fill("{{ query \"up\" }}").unwrap_err().ends_with("error calling query: no query can be asked here"));
    assert_eq!(fill("{{ $labels }}"), Err("line 1: undefined variable \"$labels\"".to_owned()));
}
