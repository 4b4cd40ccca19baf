//! Functions of numbers, windows and labels.

use super::Memory;

#[test]
fn rates_are_extrapolated_to_the_edges_but_not_below_zero() {
    let memory = Memory::minutely(
        "a_total : 0 10 20 30 40 50
         b_total : 100 110 120 130 140 150
         c_total : 0 10 20 5 15 25
         d_total : _ _ _ 30 40 50",
    );
    memory.check(
        300,
        &[
            ("increase(a_total[5m])", "{} 50"),
            ("rate(a_total[5m])", "{} 0.16666666666666666"),
            ("increase(b_total[5m])", "{} 50"),
            ("increase(c_total[5m])", "{} 43.75"),
            ("delta(b_total[5m])", "{} 50"),
            ("irate(a_total[5m])", "{} 0.16666666666666666"),
            ("idelta(c_total[5m])", "{} 10"),
            ("increase(d_total[5m])", "{} 25"),
            ("increase(a_total[1m])", ""),
            ("increase(a_total[2m])", "{} 20"),
        ],
    );
    memory.check(180, &[("irate(c_total[5m])", "{} 0.08333333333333333"), ("resets(c_total[5m])", "{} 1")]);
}

#[test]
fn windows_are_reduced() {
    let memory = Memory::minutely("a : 2 4 4 4 5 5 7 9");
    memory.check(
        420,
        &[
            ("avg_over_time(a[8m])", "{} 5"),
            ("sum_over_time(a[8m])", "{} 40"),
            ("count_over_time(a[8m])", "{} 8"),
            ("min_over_time(a[8m])", "{} 2"),
            ("max_over_time(a[8m])", "{} 9"),
            ("stddev_over_time(a[8m])", "{} 2"),
            ("stdvar_over_time(a[8m])", "{} 4"),
            ("quantile_over_time(0.5, a[8m])", "{} 4.5"),
            ("mad_over_time(a[8m])", "{} 0.5"),
            ("first_over_time(a[8m])", "a 2"),
            ("last_over_time(a[8m])", "a 9"),
            ("present_over_time(a[8m])", "{} 1"),
            ("changes(a[8m])", "{} 4"),
            ("ts_of_min_over_time(a[8m])", "{} 0"),
            ("ts_of_max_over_time(a[3m])", "{} 420"),
            ("ts_of_max_over_time(a[5m] offset 2m)", "{} 300"),
            ("ts_of_first_over_time(a[2m])", "{} 360"),
            ("ts_of_last_over_time(a[2m])", "{} 420"),
            ("absent_over_time(a[8m])", ""),
            ("absent_over_time(b{x=\"1\",y=~\"2\"}[8m])", "{x=\"1\"} 1"),
            ("integral(a[2m])", "{} 480"),
            ("integral(a[2m], 0)", "{} 420"),
        ],
    );
}

#[test]
fn lines_are_fitted() {
    let memory = Memory::minutely("a : 0 60 120 180 240\nb : 5 5 5 5 5");
    memory.check(
        240,
        &[
            ("deriv(a[5m])", "{} 1"),
            ("predict_linear(a[5m], 60)", "{} 300"),
            ("deriv(b[5m])", "{} 0"),
            ("predict_linear(a[5m] @ 240, 0)", "{} 240"),
            ("double_exponential_smoothing(a[5m], 0.5, 0.5)", "{} 240"),
            (
                "double_exponential_smoothing(a[5m], 1, 0.5)",
                "error: invalid smoothing factor. Expected: 0 < sf < 1, got: 1.000000",
            ),
        ],
    );
}

#[test]
fn numbers_are_changed_one_by_one() {
    let memory = Memory::minutely("a : -1.5\nb x=1 : 2\nn : NaN");
    memory.check(
        0,
        &[
            ("abs(a)", "{} 1.5"),
            ("ceil(a)", "{} -1"),
            ("floor(a)", "{} -2"),
            ("round(a)", "{} -1"),
            ("round(b, 5)", "{x=\"1\"} 0"),
            ("sgn(a)", "{} -1"),
            ("clamp(a, 0, 1)", "{} 0"),
            ("clamp(a, 1, 0)", ""),
            ("clamp_min(b, 3)", "{x=\"1\"} 3"),
            ("clamp_max(n, 3)", "{} NaN"),
            ("sqrt(b) ^ 2 < 3", "{x=\"1\"} 2.0000000000000004"),
            ("ln(vector(1)) + log2(vector(8)) + log10(vector(100))", "{} 5"),
            ("deg(vector(pi()))", "{} 180"),
            ("scalar(b)", "2"),
            ("scalar({__name__=~\"a|b\"})", "NaN"),
            ("vector(1)", "{} 1"),
            ("absent(a)", ""),
            ("absent(c{x=\"1\"})", "{x=\"1\"} 1"),
            ("absent(sum(c{x=\"1\"}))", "{} 1"),
            ("absent(c{x=\"1\",x=\"2\",y=\"3\"})", "{y=\"3\"} 1"),
            ("-a", "{} 1.5"),
            ("-1 ^ 2", "-1"),
            ("timestamp(a)", "{} 0"),
            ("hour()", "{} 0"),
            ("year(vector(951782400))", "{} 2000"),
            ("time()", "0"),
            ("\"a\"", "\"a\""),
        ],
    );
    memory.check(30, &[("timestamp(a)", "{} 0"), ("timestamp(a + 0)", "{} 30"), ("timestamp((a))", "{} 0")]);
}

#[test]
fn labels_are_replaced_and_joined() {
    let memory = Memory::minutely("a x=one-two : 1\nb x=three : 2");
    memory.check(
        0,
        &[
            ("label_replace(a, \"y\", \"$2-$1\", \"x\", \"(.*)-(.*)\")", "a{x=\"one-two\", y=\"two-one\"} 1"),
            ("label_replace(a, \"y\", \"$a\", \"x\", \"(?P<a>o).*\")", "a{x=\"one-two\", y=\"o\"} 1"),
            ("label_replace(a, \"y\", \"z\", \"x\", \"one\")", "a{x=\"one-two\"} 1"),
            ("label_replace(a, \"x\", \"\", \"x\", \".*\")", "a 1"),
            ("label_replace(a, \"y\", \"$1\", \"x\", \"(.*\")", "error: invalid regular expression in label_replace(): (.*"),
            ("label_join(a, \"y\", \"/\", \"x\", \"__name__\")", "a{x=\"one-two\", y=\"one-two/a\"} 1"),
            ("label_join(b, \"x\", \"\")", "b 2"),
            ("label_replace(rate(a[5m:1m]), \"__name__\", \"c\", \"x\", \".*\")", ""),
            ("label_replace(abs(a), \"__name__\", \"c\", \"x\", \".*\")", "c{x=\"one-two\"} 1"),
            ("label_replace(abs(a), \"y\", \"$1\", \"__name__\", \"(.*)\")", "{x=\"one-two\", y=\"a\"} 1"),
            (
                "label_replace({__name__=~\"a|b\"}, \"x\", \"\", \"x\", \".*\")",
                "a 1, b 2",
            ),
            (
                "label_replace(label_replace({__name__=~\"a|b\"}, \"x\", \"\", \"x\", \".*\"), \"__name__\", \"\", \"\", \"\")",
                "error: vector cannot contain metrics with the same labelset",
            ),
        ],
    );
}

#[test]
fn series_are_sorted() {
    let memory = Memory::minutely("a x=10 : 3\na x=2 : 1\na x=9 : NaN\na x=1 : 2");
    let rows = |order: &[&str]| {
        let value = |x: &&str| match *x {
            "10" => "3",
            "2" => "1",
            "9" => "NaN",
            _ => "2",
        };
        order.iter().map(|x| format!("a{{x=\"{x}\"}} {}", value(x))).collect::<Vec<_>>().join(", ")
    };
    let cases = [
        ("sort(a)", rows(&["2", "1", "10", "9"])),
        ("sort_desc(a)", rows(&["10", "1", "2", "9"])),
        ("sort_by_label(a, \"x\")", rows(&["1", "2", "9", "10"])),
        ("sort_by_label_desc(a, \"x\")", rows(&["10", "9", "2", "1"])),
        ("topk(2, a)", rows(&["10", "1"])),
        ("bottomk(3, a)", rows(&["2", "1", "10"])),
    ];
    for (query, expected) in cases {
        assert_eq!(memory.at(query, 0), expected, "{query}");
    }
    let answer = memory.ask_range("sort(a)", (0, 60_000, 60_000)).unwrap();
    assert_eq!(answer.warnings.len(), 1);
}

#[test]
fn info_labels_are_added() {
    let memory = Memory::minutely(
        "a instance=i job=j : 1 1
         b instance=i job=k : 2 2
         target_info instance=i job=j data=x other=y : 1 1
         build_info instance=i job=j build=7 : 1 1",
    );
    memory.check(
        60,
        &[
            ("info(a)", "a{data=\"x\", instance=\"i\", job=\"j\", other=\"y\"} 1"),
            ("info(a, {data=~\".+\"})", "a{data=\"x\", instance=\"i\", job=\"j\"} 1"),
            ("info(b)", "b{instance=\"i\", job=\"k\"} 2"),
            ("info(b, {data=~\".+\"})", ""),
            ("info(a, {__name__=\"build_info\"})", "a{build=\"7\", instance=\"i\", job=\"j\"} 1"),
            (
                "info(a, {__name__=~\".+_info\"})",
                "a{build=\"7\", data=\"x\", instance=\"i\", job=\"j\", other=\"y\"} 1",
            ),
            ("info(rate(a[5m]))", "{data=\"x\", instance=\"i\", job=\"j\", other=\"y\"} 0"),
            ("info(build_info, {__name__=\"build_info\"})", "build_info{build=\"7\", instance=\"i\", job=\"j\"} 1"),
        ],
    );
}

#[test]
fn a_counter_that_says_when_it_was_born_is_believed() {
    let mut memory = Memory::minutely("a_total : 10 20 30");
    memory.0[0].points[2].born = 90_000;
    memory.check(120, &[("irate(a_total[5m])", "{} 0.5"), ("increase(a_total[121s])", "{} 40.33333333333333")]);
    memory.0[0].points[2].born = 150_000;
    memory.check(120, &[("irate(a_total[5m])", "{} 0.16666666666666666")]);
}
