//! What values, modifiers and conditions mean.

use super::super::item::Texts;
use super::super::text::{Part, Pattern, fold};
use super::*;
use proptest::prelude::*;
use serde_json::json;

/// Asserts for a field's line and values of that field whether they match.
fn table(cases: &[(&str, Value, bool)]) {
    for (line, value, wanted) in cases {
        let detection = format!("sel:\n  {line}\ncondition: sel");
        assert_eq!(matches(&detection, &json!({"f": value, "other": "Bar"})), *wanted, "{line} on {value}");
    }
}

/// SG-3
#[test]
fn values_compare_whole_and_without_case() {
    table(&[
        ("f: foo", json!("FOO"), true),
        ("f: foo", json!("food"), false),
        ("f: Straße", json!("STRAßE"), true),
        ("f: ΣΊΣΥΦΟΣ", json!("σίσυφος"), true),
        ("f: 5", json!(5), true),
        ("f: 5", json!("5"), true),
        ("f: 5", json!(5.0), true),
        ("f: '5'", json!(5), true),
        ("f: 5", json!(50), false),
        ("f: true", json!(true), true),
        ("f: true", json!("True"), true),
        ("f: ''", json!(""), true),
        ("f: ''", json!("x"), false),
        ("f: [a, b]", json!("B"), true),
        ("f: [a, b]", json!(["x", "b"]), true),
    ]);
}

#[test]
fn wildcards_and_their_escapes() {
    table(&[
        ("f: 'a*c'", json!("abbbc"), true),
        ("f: 'a*c'", json!("ac"), true),
        ("f: 'a?c'", json!("abc"), true),
        ("f: 'a?c'", json!("ac"), false),
        ("f: 'a?c'", json!("aßc"), true),
        ("f: '*b*d*'", json!("abcde"), true),
        ("f: '*d*b*'", json!("abcde"), false),
        ("f: 'a*ab'", json!("aab"), true),
        ("f: 'ab*ab'", json!("ab"), false),
        ("f: '?*?'", json!("ab"), true),
        ("f: '?*?'", json!("a"), false),
        ("f: '*?x'", json!("x"), false),
        (r"f: 'a\*c'", json!("a*c"), true),
        (r"f: 'a\*c'", json!("abc"), false),
        (r"f: 'a\\*c'", json!(r"a\bc"), true),
        (r"f: 'C:\Windows\x'", json!(r"c:\windows\X"), true),
        (r"f|endswith: '\cmd.exe'", json!(r"C:\CMD.EXE"), true),
        ("f: '*'", json!(""), true),
    ]);
}

#[test]
fn modifiers_of_place_and_case() {
    table(&[
        ("f|contains: oo", json!("fOOd"), true),
        ("f|startswith: fo", json!("FOod"), true),
        ("f|startswith: oo", json!("food"), false),
        ("f|endswith: od", json!("foOD"), true),
        ("f|contains: 'o*d'", json!("foobar d"), true),
        ("f|contains|all: [a, b]", json!("xbxa"), true),
        ("f|contains|all: [a, b]", json!("xbx"), false),
        ("f|cased: Foo", json!("Foo"), true),
        ("f|cased: Foo", json!("foo"), false),
        ("f|contains|cased: Oo", json!("fOod"), true),
        ("f|contains|cased: Oo", json!("food"), false),
        ("f|contains: 12", json!(5123), true),
        ("f|neq: foo", json!("bar"), true),
        ("f|neq: foo", json!("FOO"), false),
    ]);
}

#[test]
fn regular_expressions_search_and_keep_case() {
    table(&[
        ("f|re: 'o+d'", json!("xfoody"), true),
        ("f|re: '^o+d'", json!("food"), false),
        ("f|re: 'FOO'", json!("foo"), false),
        ("f|re|i: 'FOO'", json!("xfoo"), true),
        ("f|re|i: 'kelvin'", json!("\u{212a}elvin"), true),
        ("f|re|m: '^b$'", json!("a\nb\nc"), true),
        ("f|re: '^b$'", json!("a\nb\nc"), false),
        ("f|re|s: 'a.b'", json!("a\nb"), true),
        ("f|re: '(foo|bar)baz'", json!("xbarbaz"), true),
        ("f|re: '(foo|bar)baz'", json!("xbaz"), false),
        (r"f|re: '\d{3}\\x'", json!(r"123\x"), true),
    ]);
}

#[test]
fn encodings() {
    table(&[
        ("f|base64: foo", json!("Zm9v"), true),
        ("f|base64|contains: foobar", json!("xxZm9vYmFyxx"), true),
        // "/bin/bash" at each of the three offsets.
        ("f|base64offset|contains: /bin/bash", json!("L2Jpbi9iYXNo"), true),
        ("f|base64offset|contains: /bin/bash", json!("eC9iaW4vYmFzaHk="), true),
        ("f|base64offset|contains: /bin/bash", json!("eHkvYmluL2Jhc2h6"), true),
        ("f|base64offset|contains: /bin/bash", json!("eHkvYmluL3Jhc2h6"), false),
        // "ping" as UTF-16, the low byte first.
        ("f|wide|base64offset|contains: ping", json!("cABpAG4AZwA="), true),
        ("f|utf16le|base64|contains: ping", json!("cABpAG4AZwA="), true),
        ("f|utf16be|base64|contains: ping", json!("AHAAaQBuAGc="), true),
        ("f|utf16|base64|contains: ping", json!("//5wAGkAbgBnAA=="), true),
        ("f|windash|contains: ' -exec'", json!("x /exec"), true),
        ("f|windash|contains: ' -exec'", json!("x \u{2014}exec"), true),
        ("f|windash|contains: ' /exec'", json!("x -exec"), true),
        ("f|windash|contains: 'a-b'", json!("a/b"), false),
        ("f|contains|all|windash: [' -a', ' -b']", json!("x /b -a"), true),
    ]);
}

#[test]
fn numbers_networks_and_times() {
    table(&[
        ("f|gt: 5", json!(6), true),
        ("f|gt: 5", json!("6.5"), true),
        ("f|gt: 5", json!(5), false),
        ("f|gte: 5", json!(5), true),
        ("f|lt: 5", json!(4), true),
        ("f|lte: 5", json!("x"), false),
        ("f|cidr: 10.0.0.0/8", json!("10.9.8.7"), true),
        ("f|cidr: 10.0.0.0/8", json!("11.0.0.1"), false),
        ("f|cidr: 10.0.0.0/8", json!("::ffff:10.1.2.3"), true),
        ("f|cidr: 'fe80::/10'", json!("fe80::1%12"), true),
        ("f|cidr: 'fe80::/10'", json!("[2001:db8::1]"), false),
        ("f|cidr: '2001:db8::/32'", json!("2001:DB8:0:1::5"), true),
        ("f|cidr: ['10.0.0.0/8', '::1/128']", json!("::1"), true),
        ("f|cidr: 0.0.0.0/0", json!("1.2.3.4"), true),
        ("f|hour: 23", json!("2026-01-02T23:04:05Z"), true),
        ("f|hour|gte: 22", json!("2026-01-02 23:04:05.123"), true),
        ("f|minute: 4", json!(1_767_395_045), true),
        ("f|minute: 4", json!(1_767_395_045_000_i64), true),
        ("f|day: 2", json!("2026-01-02T23:04:05+00:00"), true),
        ("f|week: 1", json!("2026-01-02T23:04:05Z"), true),
        ("f|month: 1", json!("2026-01-02T23:04:05Z"), true),
        ("f|year: 2025", json!("2026-01-02T23:04:05Z"), false),
    ]);
}

#[test]
fn fields_that_are_not_there() {
    for (line, event, wanted) in [
        ("f: null", json!({}), true),
        ("f: null", json!({"f": null}), true),
        ("f: null", json!({"f": ""}), false),
        ("f: [null, '']", json!({"f": ""}), true),
        ("f|exists: true", json!({"f": 1}), true),
        ("f|exists: true", json!({"f": null}), false),
        ("f|exists: false", json!({}), true),
        ("f|exists: no", json!({"f": 1}), false),
        ("f: '*'", json!({}), false),
        ("f|fieldref: g", json!({"f": "Ab", "g": "aB"}), true),
        ("f|fieldref: g", json!({"f": "a"}), false),
        ("f|fieldref|endswith: g", json!({"f": r"c:\x\Ab", "g": "aB"}), true),
        ("f|fieldref|contains|cased: g", json!({"f": "xaby", "g": "aB"}), false),
    ] {
        let detection = format!("sel:\n  {line}\ncondition: sel");
        assert_eq!(matches(&detection, &event), wanted, "{line} on {event}");
    }
}

#[test]
fn keywords_stand_anywhere() {
    let keywords = "words:\n  - 'Evil'\n  - 4711\ncondition: words";
    assert!(matches(keywords, &json!({"x": {"y": ["so evil!"]}})));
    assert!(matches(keywords, &json!({"x": 4711})));
    assert!(!matches(keywords, &json!({"evil": "good"})));
    let all = "words:\n  '|all':\n    - evil\n    - 'g*d'\ncondition: words";
    assert!(matches(all, &json!({"x": "evil", "y": "so good"})));
    assert!(!matches(all, &json!({"x": "evil"})));
}

#[test]
fn conditions() {
    let searches = "sel_a:\n  a: 1\nsel_b:\n  b: 1\n_sel:\n  c: 1\nfilter_x:\n  x: 1\ncondition: ";
    for (condition, event, wanted) in [
        ("sel_a and sel_b", json!({"a": 1, "b": 1}), true),
        ("sel_a and not filter_x", json!({"a": 1, "x": 1}), false),
        ("sel_a or sel_b and filter_x", json!({"a": 1}), true),
        ("(sel_a or sel_b) and filter_x", json!({"a": 1}), false),
        ("not (sel_a or sel_b)", json!({}), true),
        ("1 of sel_*", json!({"b": 1}), true),
        ("any of sel_*", json!({"b": 1}), true),
        ("all of sel_*", json!({"b": 1}), false),
        ("2 of sel_*", json!({"a": 1, "b": 1}), true),
        ("2 of them", json!({"a": 1, "c": 1}), false),
        ("1 of them", json!({"c": 1}), false),
        ("sel_a and not 1 of filter_*", json!({"a": 1}), true),
        ("1 of s*_b", json!({"b": 1}), true),
    ] {
        assert_eq!(matches(&format!("{searches}{condition}"), &event), wanted, "{condition} on {event}");
    }
    let list = "sel:\n  - a: 1\n    b: 2\n  - c|contains: x\ncondition:\n  - sel\n  - sel";
    assert!(matches(list, &json!({"c": "xx"})));
    assert!(!matches(list, &json!({"a": 1})));
}

#[test]
fn what_cannot_be_compiled_is_refused_with_the_reason() {
    for (detection, reason) in [
        ("sel:\n  f: 1\ncondition: other", "names `other`, but the searches are: sel"),
        ("sel:\n  f: 1\ncondition: sel and 1 of filter_*", "says `1 of filter_*`, but no search is called so"),
        ("sel:\n  f|re: 'a(b'\ncondition: sel", "search `sel`: f: the regular expression `a(b` does not compile"),
        ("sel:\n  f|re: '(?=x)y'\ncondition: sel", "does not compile"),
        ("sel:\n  f|cidr: 10.0.0.0/33\ncondition: sel", "behind the slash stands a number of bits from 0 to 32"),
        ("sel:\n  f|cidr: example.org\ncondition: sel", "is no address"),
        ("sel:\n  f|gt: many\ncondition: sel", "`many` is no number to compare with"),
        ("sel:\n  f|wide: x\ncondition: sel", "compared only as Base64"),
        ("sel:\n  f|base64: 'x*y'\ncondition: sel", "a text with wildcards has no encoded form"),
        ("sel: {}\ncondition: sel", "search `sel`: it selects nothing"),
        ("sel:\n  f|unheard: x\ncondition: sel", "unheard"),
        ("sel:\n  f: x\ncondition: sel | count() > 5", "Condition"),
    ] {
        let told = refusal(detection);
        assert!(told.contains(reason), "{detection}\n{told}");
    }
}

#[test]
fn a_match_shows_what_it_rests_on() {
    let detection = "sel:\n  f|contains: a\n  g: null\nmore:\n  h: [1, 2]\nfilter:\n  x: y\ncondition: (sel or more) and not filter";
    let (rules, _) = load(&[&rule(detection)]);
    let value = json!({"f": ["bar", "foo"], "h": 3, "i": 1});
    let event = Event::new(&value);
    let shown: Vec<_> = rules.matches(&event).iter().flat_map(|found| rules.evidence(&event, found)).collect();
    let shown: Vec<_> = shown.iter().map(|shown| (shown.field.as_str(), shown.value.as_str())).collect();
    assert_eq!(shown, [("f", "bar")]);
}

#[test]
fn folding_twice_is_folding_once_for_every_character() {
    for c in (0..=u32::from(char::MAX)).filter_map(char::from_u32) {
        let folded = fold(c.encode_utf8(&mut [0; 4])).into_owned();
        assert_eq!(fold(&folded), folded, "{c:?}");
    }
}

proptest! {
    /// SG-3
    #[test]
    fn folding_keeps_characters_one_by_one(text in any::<String>()) {
        let folded = fold(&text).into_owned();
        prop_assert_eq!(folded.chars().count(), text.chars().count());
        prop_assert_eq!(fold(&folded), folded.as_str());
        let upper = text.to_ascii_uppercase();
        prop_assert_eq!(fold(&upper), folded);
    }

    /// A pattern made of the characters of a text, with single wildcards in some places, matches the text.
    #[test]
    fn a_text_matches_itself_with_holes(text in "[a-cß*?]{0,12}", holes in any::<u16>(), cut in 0..12_usize) {
        let part = |(at, c): (usize, char)| if holes >> (at % 16) & 1 == 1 { Part::One } else { Part::Text(c.to_string()) };
        let parts: Vec<Part> = text.chars().enumerate().map(part).collect();
        let cut = cut.min(parts.len());
        let with_any: Vec<Part> = parts[..cut].iter().chain([&Part::Any]).chain(&parts[cut..]).cloned().collect();
        for parts in [parts, with_any] {
            let texts = Texts::new([Pattern::new(parts)], true);
            prop_assert!(texts.matches(&text));
        }
    }
}
