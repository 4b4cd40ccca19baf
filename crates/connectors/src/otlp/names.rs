//! Prometheus' names for what OTLP calls otherwise: metrics, units, labels.

/// A metric's name with its unit and its kind, such as `http_requests_total` or `queue_wait_seconds`.
pub(super) fn metric(name: &str, unit: &str, kind: Kind) -> String {
    let mut full = sanitized(name, |c| c == ':');
    if kind == Kind::Counter {
        full.truncate(full.strip_suffix("_total").unwrap_or(&full).len());
    }
    for word in unit_words(unit, kind) {
        let is_there =
            full.split('_').collect::<Vec<_>>().windows(word.split('_').count()).any(|w| w.join("_") == word);
        if !is_there {
            full.push('_');
            full.push_str(&word);
        }
    }
    if kind == Kind::Counter {
        full.push_str("_total");
    }
    full
}

/// What kind of metric a name is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A sum that only grows.
    Counter,
    /// A value that goes up and down.
    Gauge,
    /// Anything with parts of its own.
    Distribution,
}

/// A label's name: letters, digits and `_`, not beginning with a digit.
pub(super) fn label(name: &str) -> String {
    sanitized(name, |_| false)
}

fn sanitized(name: &str, also: impl Fn(char) -> bool) -> String {
    let fits = |c: char| if c.is_ascii_alphanumeric() || c == '_' || also(c) { c } else { '_' };
    let mut plain: String = name.chars().map(fits).collect();
    if plain.starts_with(|c: char| c.is_ascii_digit()) {
        plain.insert(0, '_');
    }
    plain
}

/// The words that a unit adds: `By/s` adds `bytes` and `per_second`. Annotations in braces add none.
fn unit_words(unit: &str, kind: Kind) -> Vec<String> {
    let unit = unit.trim();
    if unit == "1" {
        return if kind == Kind::Gauge { vec!["ratio".to_owned()] } else { Vec::new() };
    }
    let (main, per) = unit.split_once('/').map_or((unit, None), |(main, per)| (main, Some(per)));
    let known =
        |part: &str| Some(part.trim()).filter(|part| !part.is_empty() && !part.contains('{')).map(str::to_owned);
    let main = known(main).map(|part| word(&part).unwrap_or_else(|| label(&part)));
    let per = per.and_then(known).map(|part| format!("per_{}", per_word(&part).unwrap_or_else(|| label(&part))));
    main.into_iter().chain(per).filter(|word| !word.is_empty()).collect()
}

fn word(unit: &str) -> Option<String> {
    const WORDS: [(&str, &str); 30] = [
        ("d", "days"),
        ("h", "hours"),
        ("min", "minutes"),
        ("s", "seconds"),
        ("ms", "milliseconds"),
        ("us", "microseconds"),
        ("ns", "nanoseconds"),
        ("By", "bytes"),
        ("KiBy", "kibibytes"),
        ("MiBy", "mebibytes"),
        ("GiBy", "gibibytes"),
        ("TiBy", "tibibytes"),
        ("KBy", "kilobytes"),
        ("kBy", "kilobytes"),
        ("MBy", "megabytes"),
        ("GBy", "gigabytes"),
        ("TBy", "terabytes"),
        ("m", "meters"),
        ("V", "volts"),
        ("A", "amperes"),
        ("J", "joules"),
        ("W", "watts"),
        ("g", "grams"),
        ("Cel", "celsius"),
        ("Hz", "hertz"),
        ("%", "percent"),
        ("1", ""),
        ("bit", "bits"),
        ("K", "kelvin"),
        ("Pa", "pascals"),
    ];
    WORDS.iter().find(|(short, _)| *short == unit).map(|(_, word)| (*word).to_owned())
}

fn per_word(unit: &str) -> Option<String> {
    const WORDS: [(&str, &str); 7] =
        [("s", "second"), ("m", "minute"), ("h", "hour"), ("d", "day"), ("w", "week"), ("mo", "month"), ("y", "year")];
    WORDS.iter().find(|(short, _)| *short == unit).map(|(_, word)| (*word).to_owned())
}
