//! Prometheus' text format and OpenMetrics.

use connectors::exposition::{Form, lines, pairs};
use proptest::prelude::*;

const TEXT: &str = r#"
# HELP http_requests_total The total number of HTTP requests.
# TYPE http_requests_total counter
http_requests_total{method="post",code="200"} 1027 1395066363000
http_requests_total{ method = "post" , job="mine", empty="", } 3
msdos_file_access_time_seconds{path="C:\\DIR\\FILE.TXT",error="Cannot \"find\" file:\n}"} 1.458255915e9
metric_without_labels -12.5
	something_weird{problem="division by zero"} +Inf -3982045
nothing NaN
"#;

fn read(text: &str, form: Form) -> Result<Vec<String>, String> {
    lines(text, form)
        .map(|line| {
            let line = line.map_err(|error| error.to_string())?;
            let pairs = pairs(line.series).map_err(|what| format!("line {}: {what}", line.number))?;
            let labels: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
            Ok(format!("{} {} {:?}", labels.join(","), line.value, line.at))
        })
        .collect()
}

#[test]
fn the_format_is_read() {
    let expected = r#"
        __name__="http_requests_total",method="post",code="200" 1027 Some(1395066363000)
        __name__="http_requests_total",method="post",job="mine",empty="" 3 None
        __name__="msdos_file_access_time_seconds",path="C:\\DIR\\FILE.TXT",error="Cannot \"find\" file:\n}" 1458255915 None
        __name__="metric_without_labels" -12.5 None
        __name__="something_weird",problem="division by zero" inf Some(-3982045)
        __name__="nothing" NaN None"#;
    assert_eq!(read(TEXT, Form::Plain).unwrap(), expected.trim().lines().map(str::trim).collect::<Vec<_>>());
}

#[test]
fn open_metrics_has_seconds_exemplars_and_an_end() {
    assert_eq!(Form::of("application/openmetrics-text; version=1.0.0; charset=utf-8"), Form::OpenMetrics);
    assert_eq!(Form::of("text/plain; version=0.0.4"), Form::Plain);
    let text =
        "# TYPE a counter\na_total{b=\"c # {\"} 17 1520879607.789 # {trace_id=\"x\"} 0.67\na_created 1e3\n# EOF\n";
    let expected = ["__name__=\"a_total\",b=\"c # {\" 17 Some(1520879607789)", "__name__=\"a_created\" 1000 None"];
    assert_eq!(read(text, Form::OpenMetrics).unwrap(), expected);
    let ends = "line 1: OpenMetrics ends with one line `# EOF`";
    assert_eq!(read("a 1", Form::OpenMetrics).unwrap_err(), ends);
    assert_eq!(read("# EOF\na 1", Form::OpenMetrics).unwrap_err(), ends.replace('1', "2"));
    assert_eq!(read("a 1 x\n# EOF", Form::OpenMetrics).unwrap_err(), "line 1: \"x\" is not a timestamp in seconds");
}

#[test]
fn a_bad_line_is_named() {
    let table = [
        ("a 1\n{} 1", "line 2: a metric's name was expected"),
        ("9a 1", "line 1: a metric's name was expected"),
        ("a{b=c} 1", "line 1: labels are written {name=\"value\", ...}"),
        ("a{b=\"c\" d=\"e\"} 1", "line 1: labels are written {name=\"value\", ...}"),
        ("a{b=\"c} 1", "line 1: labels are written {name=\"value\", ...}"),
        ("a{b=\"c\",b=\"d\"} 1", "line 1: label \"b\" is given twice"),
        ("a", "line 1: \"\" is not a number"),
        ("a x", "line 1: \"x\" is not a number"),
        ("a 1 x", "line 1: \"x\" is not a timestamp in milliseconds"),
        ("a 1 2 3", "line 1: \"3\" follows after the sample"),
        ("a 1 # {x=\"y\"} 2", "line 1: \"#\" is not a timestamp in milliseconds"),
    ];
    for (text, message) in table {
        assert_eq!(read(text, Form::Plain).unwrap_err(), message, "{text}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "[a-c{}=\",\\\\ 0-9\nn#.éEOF]{0,60}") {
        let _ = (read(&text, Form::Plain), read(&text, Form::OpenMetrics));
    }

    #[test]
    fn any_label_value_survives_its_escapes(value in "\\PC{1,20}") {
        let escaped = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let text = format!("a{{b=\"{escaped}\"}} 1");
        let line = lines(&text, Form::Plain).next().unwrap().unwrap();
        prop_assert_eq!(&pairs(line.series).unwrap()[1].1, &value);
    }
}
