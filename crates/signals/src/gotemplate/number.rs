//! Numbers as Go reads and prints them: `strconv` and the float verbs of `fmt`.

/// The digits of a number: `0.d1d2d3 * 10^point`.
struct Digits {
    negative: bool,
    digits: String,
    point: i32,
}

/// The shortest digits that read back as the same number, or so many that are wanted, rounded half to even.
fn digits(value: f64, wanted: Option<usize>) -> Digits {
    let written = wanted.map_or_else(|| format!("{value:e}"), |wanted| format!("{value:.*e}", wanted.max(1) - 1));
    let (mantissa, exponent) = written.split_once('e').unwrap_or((&written, "0"));
    let mut digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    let kept = digits.trim_end_matches('0').len();
    digits.truncate(kept);
    let point = if digits.is_empty() { 0 } else { exponent.parse::<i32>().unwrap_or(0) + 1 };
    Digits { negative: value.is_sign_negative(), digits, point }
}

/// Formats as Go's `strconv.FormatFloat` with a verb of `e`, `E`, `f`, `F`, `g` or `G`; without a precision the shortest
/// that reads back as the same number. Infinities have a sign, and `NaN` has none.
pub(super) fn float(value: f64, verb: char, precision: Option<usize>) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    match (verb, precision) {
        ('f' | 'F', Some(precision)) => format!("{value:.precision$}"),
        ('f' | 'F', None) => format!("{value}"),
        ('e' | 'E', Some(precision)) => scientific(&digits(value, Some(precision + 1)), precision, verb),
        ('e' | 'E', None) => {
            let digits = digits(value, None);
            let precision = digits.digits.len().saturating_sub(1);
            scientific(&digits, precision, verb)
        }
        _ => general(value, verb, precision),
    }
}

fn general(value: f64, verb: char, precision: Option<usize>) -> String {
    let digits = digits(value, precision);
    let count = i32::try_from(digits.digits.len()).unwrap_or(i32::MAX);
    let limit = match precision {
        None => 6,
        Some(precision) => {
            let precision = i32::try_from(precision.max(1)).unwrap_or(i32::MAX);
            if precision > count && count >= digits.point { count } else { precision }
        }
    };
    let exponent = digits.point - 1;
    if exponent < -4 || exponent >= limit {
        let wanted = digits.digits.len().saturating_sub(1);
        let verb = if verb == 'G' { 'E' } else { 'e' };
        return scientific(&digits, wanted, verb);
    }
    plain(&digits)
}

fn sign(digits: &Digits) -> &'static str {
    if digits.negative { "-" } else { "" }
}

fn scientific(digits: &Digits, precision: usize, verb: char) -> String {
    let first = digits.digits.get(..1).unwrap_or("0");
    let rest = digits.digits.get(1..).unwrap_or("");
    let exponent = if digits.digits.is_empty() { 0 } else { digits.point - 1 };
    let mark = if exponent < 0 { '-' } else { '+' };
    let exponent = exponent.unsigned_abs();
    let dot = if precision > 0 { "." } else { "" };
    format!("{}{first}{dot}{rest:0<precision$}{verb}{mark}{exponent:02}", sign(digits))
}

/// All digits, without an exponent.
fn plain(digits: &Digits) -> String {
    let count = digits.digits.len();
    let point = usize::try_from(digits.point).unwrap_or(0);
    let whole = match digits.digits.get(..point.min(count)) {
        Some("") | None => "0".to_owned(),
        Some(whole) => format!("{whole:0<point$}"),
    };
    let fraction = digits.digits.get(point.min(count)..).unwrap_or("");
    if fraction.is_empty() {
        return format!("{}{whole}", sign(digits));
    }
    let zeros = usize::try_from(-digits.point).unwrap_or(0);
    format!("{}{whole}.{:0<zeros$}{fraction}", sign(digits), "")
}

/// An integer literal of Go, with its prefix and underscores; `None` when it is none.
pub(super) fn parse_int(literal: &str) -> Option<i128> {
    let (negative, text) = match literal.strip_prefix('-') {
        Some(text) => (true, text),
        None => (false, literal.strip_prefix('+').unwrap_or(literal)),
    };
    let lower = text.to_ascii_lowercase();
    let prefixed =
        [("0x", 16), ("0b", 2), ("0o", 8)].into_iter().find_map(|(p, base)| Some((lower.strip_prefix(p)?, base)));
    let octal = lower.strip_prefix('0').filter(|rest| !rest.is_empty()).map(|rest| (rest, 8));
    let (digits, radix) = prefixed.or(octal).unwrap_or((&lower, 10));
    let digits = without_underscores(digits)?;
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    let value = i128::from(u64::from_str_radix(&digits, radix).ok()?);
    Some(if negative { -value } else { value }).filter(|value| *value >= i128::from(i64::MIN))
}

/// A text without the underscores between its digits; `None` when one stands elsewhere.
fn without_underscores(text: &str) -> Option<String> {
    let misplaced = text.ends_with('_') || text.contains("__");
    (!misplaced).then(|| text.replace('_', ""))
}

/// A number as Go's `strconv.ParseFloat` reads it, `Inf` and `NaN` and hexadecimal ones included.
pub(super) fn parse_float(text: &str) -> Option<f64> {
    let unsigned = text.trim_start_matches(['+', '-']);
    if text.len() > unsigned.len() + 1 {
        return None;
    }
    if unsigned.get(..2).is_some_and(|prefix| prefix.eq_ignore_ascii_case("0x")) {
        let value = hexadecimal(unsigned.get(2..)?)?;
        return Some(if text.starts_with('-') { -value } else { value });
    }
    match unsigned.to_ascii_lowercase().as_str() {
        "nan" if text.len() == unsigned.len() => Some(f64::NAN),
        "nan" => None,
        "inf" | "infinity" => Some(if text.starts_with('-') { f64::NEG_INFINITY } else { f64::INFINITY }),
        lower if lower.starts_with(|c: char| c.is_ascii_digit() || c == '.') => {
            // What is too large is an error in Go.
            text.parse::<f64>().ok().filter(|value| value.is_finite())
        }
        _ => None,
    }
}

/// A hexadecimal float: digits with a point, then a binary exponent.
fn hexadecimal(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once(['p', 'P'])?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = without_underscores(&format!("{whole}{fraction}"))?;
    if digits.is_empty() || digits.len() > 15 {
        return None;
    }
    let value = u64::from_str_radix(&digits, 16).ok()?;
    let places = i32::try_from(fraction.len()).ok()?.checked_mul(4)?;
    let exponent = exponent.parse::<i32>().ok()?.checked_sub(places)?;
    // Sixty bits at most were read; those past the fifty-third are rounded.
    let value = value as f64;
    Some(value * 2f64.powi(exponent))
}
