//! Functions that make a number of a number, each by itself: `abs`, `round`, `hour` and their like.

use super::float;
use super::grid::{Column, Grid};
use super::numbers::{larger, smaller};
use crate::{Histogram, Labels, Value};

/// The columns with a function over their numbers; histograms are left out.
pub(super) fn over_floats(columns: Vec<Column>, function: impl Fn(usize, f64) -> f64) -> Vec<Column> {
    over(columns, |step, value| value.float().map(|value| function(step, value)))
}

/// The columns with a function over their histograms; numbers are left out.
pub(super) fn over_histograms(columns: Vec<Column>, function: impl Fn(&Histogram) -> f64) -> Vec<Column> {
    over(columns, |_, value| match value {
        Value::Histogram(histogram) => Some(function(histogram)),
        Value::Float(_) => None,
    })
}

fn over(columns: Vec<Column>, function: impl Fn(usize, &Value) -> Option<f64>) -> Vec<Column> {
    let change = |mut column: Column| {
        for (step, cell) in column.cells.iter_mut().enumerate() {
            *cell = cell.as_ref().and_then(|value| function(step, value)).map(Value::Float);
        }
        column.drop_name = true;
        column
    };
    columns.into_iter().map(change).filter(Column::has_any).collect()
}

/// The function of a name that takes nothing but the number.
pub(super) fn function(name: &str) -> Option<fn(f64) -> f64> {
    let function: fn(f64) -> f64 = match name {
        "abs" => f64::abs,
        "ceil" => f64::ceil,
        "floor" => f64::floor,
        "exp" => f64::exp,
        "sqrt" => f64::sqrt,
        "ln" => f64::ln,
        "log2" => f64::log2,
        "log10" => f64::log10,
        "sin" => f64::sin,
        "cos" => f64::cos,
        "tan" => f64::tan,
        "asin" => f64::asin,
        "acos" => f64::acos,
        "atan" => f64::atan,
        "sinh" => f64::sinh,
        "cosh" => f64::cosh,
        "tanh" => f64::tanh,
        "asinh" => f64::asinh,
        "acosh" => f64::acosh,
        "atanh" => f64::atanh,
        "rad" => |value| value * std::f64::consts::PI / 180.0,
        "deg" => |value| value * 180.0 / std::f64::consts::PI,
        "sgn" => sign,
        _ => return None,
    };
    Some(function)
}

fn sign(value: f64) -> f64 {
    match value {
        _ if value > 0.0 => 1.0,
        _ if value < 0.0 => -1.0,
        _ => value,
    }
}

/// A number between two others.
pub(super) fn clamped(value: f64, least: f64, most: f64) -> f64 {
    larger(least, smaller(most, value))
}

/// The next multiple of `to`; upwards from the middle. Multiplying by the inverse loses less than dividing.
pub(super) fn rounded(value: f64, to: f64) -> f64 {
    let inverse = 1.0 / to;
    (value * inverse + 0.5).floor() / inverse
}

/// What is asked of a date.
pub(super) type OfDate = fn(Date) -> i64;

/// An instant of the calendar, in UTC.
#[derive(Debug, Clone, Copy)]
pub(super) struct Date {
    year: i64,
    month: i64,
    day: i64,
    /// Since 1970.
    days: i64,
    /// Since midnight.
    seconds: i64,
}

const DAY: i64 = 86_400;

impl Date {
    /// The date of an instant. The calendar is extended to all years; the algorithm is Howard Hinnant's
    /// `civil_from_days`, over eras of 400 years.
    fn of(seconds: i128) -> Self {
        // At most 2^63 seconds, so that the days fit.
        let (days, seconds) = (seconds.div_euclid(DAY.into()) as i64, seconds.rem_euclid(DAY.into()) as i64);
        let from_march = days + 719_468;
        let era = from_march.div_euclid(146_097);
        let day_of_era = from_march.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * month + 2) / 5 + 1;
        let month = if month < 10 { month + 3 } else { month - 9 };
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        Self { year, month, day, days, seconds }
    }

    fn is_leap_year(self) -> bool {
        self.year % 4 == 0 && (self.year % 100 != 0 || self.year % 400 == 0)
    }

    fn days_in_month(self) -> i64 {
        match self.month {
            2 => 28 + i64::from(self.is_leap_year()),
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        }
    }

    fn day_of_year(self) -> i64 {
        const BEFORE: [i64; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
        let month = usize::try_from(self.month - 1).unwrap_or(0);
        let leap = i64::from(self.month > 2 && self.is_leap_year());
        BEFORE.get(month).copied().unwrap_or(0) + self.day + leap
    }
}

/// The function of a name that takes a date.
pub(super) fn of_date(name: &str) -> Option<OfDate> {
    let function: OfDate = match name {
        "year" => |date| date.year,
        "month" => |date| date.month,
        "day_of_month" => |date| date.day,
        "day_of_week" => |date| (date.days + 4).rem_euclid(7),
        "day_of_year" => Date::day_of_year,
        "days_in_month" => Date::days_in_month,
        "hour" => |date| date.seconds / 3_600,
        "minute" => |date| date.seconds % 3_600 / 60,
        _ => return None,
    };
    Some(function)
}

/// What a function says of the date of an instant in seconds. What is no number of seconds in 64 bits, such as infinity, is
/// the last instant that Prometheus can count, 292277026596-12-04 15:30:08.
pub(super) fn dated(seconds: f64, function: OfDate) -> f64 {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    let countable = (-LIMIT..LIMIT).contains(&seconds);
    function(Date::of(if countable { seconds as i128 } else { LIMIT as i128 })) as f64
}

/// What a function says of the date of each step.
pub(super) fn dates(grid: Grid, function: OfDate) -> Vec<Column> {
    let cells = grid.instants().map(|at| float(dated((at / 1000) as f64, function))).collect();
    vec![Column { labels: Labels::default(), drop_name: false, cells }]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        // Seconds, and year, month, day, weekday, day of the year, days of the month, hour, minute.
        let cases = [
            (0.0, [1970, 1, 1, 4, 1, 31, 0, 0]),
            (951_782_400.0, [2000, 2, 29, 2, 60, 29, 0, 0]),
            (1_136_239_445.0, [2006, 1, 2, 1, 2, 31, 22, 4]),
            (1_230_768_000.0, [2009, 1, 1, 4, 1, 31, 0, 0]),
            (1_230_767_999.0, [2008, 12, 31, 3, 366, 31, 23, 59]),
            (-1.0, [1969, 12, 31, 3, 365, 31, 23, 59]),
            (f64::NAN, [292_277_026_596, 12, 4, 0, 339, 31, 15, 30]),
            (f64::NEG_INFINITY, [292_277_026_596, 12, 4, 0, 339, 31, 15, 30]),
        ];
        let names = ["year", "month", "day_of_month", "day_of_week", "day_of_year", "days_in_month", "hour", "minute"];
        for (seconds, expected) in cases {
            let found = names.map(|name| dated(seconds, of_date(name).unwrap()) as i64);
            assert_eq!(found, expected, "{seconds}");
        }
        assert!(of_date("second").is_none());
        assert!(
            [f64::NAN, f64::INFINITY, f64::MIN].iter().all(|far| dated(*far, of_date("year").unwrap()).is_finite())
        );
    }

    #[test]
    fn numbers_are_rounded_upwards_from_the_middle() {
        assert_eq!((rounded(2.5, 1.0), rounded(-2.5, 1.0), rounded(4.9, 5.0)), (3.0, -2.0, 5.0));
        assert_eq!((clamped(5.0, 0.0, 3.0), clamped(-5.0, 0.0, 3.0)), (3.0, 0.0));
        assert!(clamped(f64::NAN, 0.0, 1.0).is_nan());
    }
}
