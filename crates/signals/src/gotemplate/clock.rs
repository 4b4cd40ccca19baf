//! Times and durations as Go prints them. Reads no clock.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// The layout that Go's `Time.String` uses.
const LAYOUT: &str = "2006-01-02 15:04:05.999999999 -0700 MST";
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// What each piece of a layout stands for, longer ones before their beginnings.
const PIECES: [&str; 28] = [
    "January", "Jan", "Monday", "Mon", "MST", "2006", "002", "__2", "_2", "01", "02", "03", "04", "05", "06", "15",
    "PM", "pm", "Z07:00", "Z0700", "-07:00", "-0700", "-07", "1", "2", "3", "4", "5",
];

/// The civil time in UTC.
pub(super) fn civil(millis: i64) -> DateTime {
    let known = Timestamp::from_millisecond(millis).unwrap_or(if millis < 0 { Timestamp::MIN } else { Timestamp::MAX });
    TimeZone::UTC.to_datetime(known)
}

/// A time as it is printed: `2009-11-10 23:00:00 +0000 UTC`.
pub(super) fn time(millis: i64) -> String {
    format(civil(millis), LAYOUT)
}

/// A time in a layout that is written as Go's reference time, `Mon Jan 2 15:04:05 MST 2006`.
pub(super) fn format(time: DateTime, layout: &str) -> String {
    let (mut out, mut rest) = (String::new(), layout);
    while let Some(c) = rest.chars().next() {
        if let Some((piece, after)) = PIECES.iter().find_map(|piece| Some((*piece, rest.strip_prefix(piece)?))) {
            out.push_str(&part(time, piece));
            rest = after;
        } else if let Some((fraction, after)) = fraction(time, rest) {
            out.push_str(&fraction);
            rest = after;
        } else {
            out.push(c);
            rest = rest.get(c.len_utf8()..).unwrap_or("");
        }
    }
    out
}

fn part(time: DateTime, piece: &str) -> String {
    let month = MONTHS.get(usize::from(time.month().unsigned_abs()).wrapping_sub(1)).copied().unwrap_or("");
    let day = weekday(time);
    let start = |name: &str| name.chars().take(3).collect::<String>();
    let half_day = if time.hour() % 12 == 0 { 12 } else { time.hour() % 12 };
    let afternoon = time.hour() >= 12;
    match piece {
        "January" => month.to_owned(),
        "Jan" => start(month),
        "Monday" => day.to_owned(),
        "Mon" => start(day),
        "MST" => "UTC".to_owned(),
        "2006" => format!("{:04}", time.year()),
        "06" => format!("{:02}", time.year().rem_euclid(100)),
        "002" => format!("{:03}", time.day_of_year()),
        "__2" => format!("{:3}", time.day_of_year()),
        "01" => format!("{:02}", time.month()),
        "1" => time.month().to_string(),
        "02" => format!("{:02}", time.day()),
        "_2" => format!("{:2}", time.day()),
        "2" => time.day().to_string(),
        "15" => format!("{:02}", time.hour()),
        "03" => format!("{half_day:02}"),
        "3" => half_day.to_string(),
        "04" => format!("{:02}", time.minute()),
        "4" => time.minute().to_string(),
        "05" => format!("{:02}", time.second()),
        "5" => time.second().to_string(),
        "PM" => if afternoon { "PM" } else { "AM" }.to_owned(),
        "pm" => if afternoon { "pm" } else { "am" }.to_owned(),
        "Z07:00" | "Z0700" => "Z".to_owned(),
        "-07:00" => "+00:00".to_owned(),
        "-0700" => "+0000".to_owned(),
        _ => "+00".to_owned(),
    }
}

/// The day of the week.
pub(super) fn weekday(time: DateTime) -> &'static str {
    let day = usize::from(time.weekday().to_monday_zero_offset().unsigned_abs());
    DAYS.get(day).copied().unwrap_or("")
}

/// The name of the month.
pub(super) fn month(time: DateTime) -> String {
    part(time, "January")
}

/// A fraction of the second, written `.000` or, without zeros at its end, `.999`; and what follows in the layout.
fn fraction(time: DateTime, layout: &str) -> Option<(String, &str)> {
    let mark = layout.chars().next().filter(|c| matches!(c, '.' | ','))?;
    let digits = layout.get(1..)?;
    let kind = digits.chars().next().filter(|c| matches!(c, '0' | '9'))?;
    let after = digits.trim_start_matches(kind);
    if after.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let count = (digits.len() - after.len()).min(9);
    let nanos = format!("{:09}", time.subsec_nanosecond());
    let shown = nanos.get(..count).unwrap_or(&nanos);
    let shown = if kind == '9' { shown.trim_end_matches('0') } else { shown };
    let text = if shown.is_empty() { String::new() } else { format!("{mark}{shown}") };
    Some((text, after))
}

/// A duration as Go prints it: `1h2m3.5s`, `1.5ms`, `0s`.
pub(super) fn duration(nanos: i64) -> String {
    const SECOND: u64 = 1_000_000_000;
    let sign = if nanos < 0 { "-" } else { "" };
    let whole = nanos.unsigned_abs();
    let short = [("ns", 1), ("µs", 1_000), ("ms", 1_000_000)];
    if whole == 0 {
        return "0s".to_owned();
    }
    if whole < SECOND {
        let (unit, size) = short.into_iter().rev().find(|(_, size)| whole >= *size).unwrap_or(("ns", 1));
        return format!("{sign}{}{unit}", decimal(whole, size));
    }
    let (hours, minutes) = (whole / (3600 * SECOND), whole / (60 * SECOND) % 60);
    let seconds = decimal(whole % (60 * SECOND), SECOND);
    match (hours, minutes) {
        (0, 0) => format!("{sign}{seconds}s"),
        (0, minutes) => format!("{sign}{minutes}m{seconds}s"),
        (hours, minutes) => format!("{sign}{hours}h{minutes}m{seconds}s"),
    }
}

/// A count of a unit, with what is left as a fraction without zeros at its end.
fn decimal(value: u64, unit: u64) -> String {
    let places = usize::try_from(unit.ilog10()).unwrap_or(0);
    let rest = format!("{:0places$}", value % unit);
    let rest = rest.trim_end_matches('0');
    let dot = if rest.is_empty() || unit == 1 { "" } else { "." };
    format!("{}{dot}{}", value / unit, if dot.is_empty() { "" } else { rest })
}
