//! A plot of series over time, drawn here as SVG: no script is needed to read it, and a table says the same beside it.

/// The size of a plot in its own units.
const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 280.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 26.0;
/// How many colours there are; further series begin again.
const HUES: usize = 8;
/// The most lines that are drawn; what is above is only in the table.
pub const LINES_MAX: usize = 40;

/// A series to be drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// What names it.
    pub label: String,
    /// Instants in milliseconds, and values; what is no finite number breaks the line.
    pub points: Vec<(i64, f64)>,
    /// The longest gap that a line bridges, in milliseconds.
    pub gap: i64,
}

/// A drawn plot.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Plot {
    /// Lines across, each with its height and its value in words.
    pub levels: Vec<(f64, String)>,
    /// Places along the bottom with their time in words.
    pub times: Vec<(f64, String)>,
    /// The lines: a colour, a path, a name.
    pub lines: Vec<Line>,
    /// How many series were not drawn.
    pub left_out: usize,
    /// The height of a threshold, and its value in words.
    pub mark: Option<(f64, String)>,
    /// Stretches of time that stand out: where each begins and how wide it is.
    pub bands: Vec<(f64, f64)>,
}

/// What stands out in a plot.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Marks {
    /// A threshold.
    pub limit: Option<f64>,
    /// Stretches of time in milliseconds.
    pub spans: Vec<(i64, i64)>,
}

/// The narrowest band that is seen.
const BAND_MIN: f64 = 1.5;

/// A line of a plot.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// The number of its colour.
    pub hue: usize,
    /// Its path in SVG's words.
    pub path: String,
    /// What names it.
    pub label: String,
}

impl Plot {
    /// Draws curves between two instants. `clock` writes an instant.
    #[must_use]
    pub fn of(curves: &[Curve], from: i64, until: i64, clock: impl Fn(i64) -> String) -> Self {
        Self::marked(curves, from, until, &Marks::default(), clock)
    }

    /// Draws curves with what stands out.
    #[must_use]
    pub fn marked(curves: &[Curve], from: i64, until: i64, marks: &Marks, clock: impl Fn(i64) -> String) -> Self {
        let values =
            || curves.iter().flat_map(|curve| &curve.points).map(|(_, value)| *value).filter(|v| v.is_finite());
        let values = || values().chain(marks.limit);
        let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
        if low > high || until <= from {
            return Self::default();
        }
        let scale = Scale::around(low, high);
        let across = |at: i64| LEFT + (at - from) as f64 / (until - from) as f64 * (WIDTH - LEFT - RIGHT);
        let line = |(number, curve): (usize, &Curve)| Line {
            hue: number % HUES,
            path: path(curve, &across, &|value| scale.height(value)),
            label: curve.label.clone(),
        };
        let sixth = (until - from) / 6;
        let band = |(begins, ends): &(i64, i64)| {
            let (begins, ends) = (across((*begins).clamp(from, until)), across((*ends).clamp(from, until)));
            (begins, (ends - begins).max(BAND_MIN))
        };
        Self {
            levels: scale.levels().map(|level| (scale.height(level), words(level))).collect(),
            times: (0..=6).map(|i| from + i * sixth).map(|at| (across(at), clock(at))).collect(),
            lines: curves.iter().enumerate().take(LINES_MAX).map(line).collect(),
            left_out: curves.len().saturating_sub(LINES_MAX),
            mark: marks.limit.map(|limit| (scale.height(limit), words(limit))),
            bands: marks.spans.iter().map(band).collect(),
        }
    }

    /// Whether there is nothing to see.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
}

/// Where values stand.
struct Scale {
    low: f64,
    high: f64,
    step: f64,
}

impl Scale {
    /// A scale in round steps that holds two values.
    fn around(low: f64, high: f64) -> Self {
        // A line that never moves stands in a scale of its own size.
        let size = high.abs().max(low.abs());
        let span = if high - low > size * 1e-9 {
            high - low
        } else if size > 0.0 {
            size
        } else {
            1.0
        };
        let rough = span / 4.0;
        let power = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 2.5, 5.0, 10.0].into_iter().map(|m| m * power).find(|step| *step >= rough);
        let step = step.unwrap_or(rough);
        let low = if low >= 0.0 && low <= span { 0.0 } else { (low / step).floor() * step };
        let high = ((high / step).ceil() * step).max(low + step);
        Self { low, high, step }
    }

    fn height(&self, value: f64) -> f64 {
        TOP + (self.high - value) / (self.high - self.low) * (HEIGHT - TOP - BOTTOM)
    }

    fn levels(&self) -> impl Iterator<Item = f64> {
        let (low, step, high) = (self.low, self.step, self.high + self.step / 2.0);
        (0..20).map(move |i| low + f64::from(i) * step).take_while(move |level| *level < high)
    }
}

/// A path that breaks where there are no values for longer than the curve bridges.
fn path(curve: &Curve, across: &dyn Fn(i64) -> f64, height: &dyn Fn(f64) -> f64) -> String {
    let (mut text, mut last) = (String::new(), None::<i64>);
    for &(at, value) in &curve.points {
        if !value.is_finite() {
            last = None;
            continue;
        }
        let joined = last.is_some_and(|last| at - last <= curve.gap);
        let (x, y) = (across(at), height(value));
        text += &if joined { format!("L{x:.1} {y:.1}") } else { format!("M{x:.1} {y:.1}h.01") };
        last = Some(at);
    }
    text
}

/// A value in few characters: `1.5k`, `20M`, `0.003`.
#[must_use]
pub fn words(value: f64) -> String {
    let size = value.abs();
    let (scaled, unit) = match size {
        _ if size >= 1e15 || (size > 0.0 && size < 1e-4) => return format!("{value:.2e}"),
        _ if size >= 1e12 => (value / 1e12, "T"),
        _ if size >= 1e9 => (value / 1e9, "G"),
        _ if size >= 1e6 => (value / 1e6, "M"),
        _ if size >= 1e4 => (value / 1e3, "k"),
        _ => (value, ""),
    };
    let text = format!("{scaled:.4}");
    let short = text.trim_end_matches('0').trim_end_matches('.');
    format!("{}{unit}", if short == "-0" { "0" } else { short })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_short() {
        for (value, text) in
            [(0.0, "0"), (1.5, "1.5"), (12_500.0, "12.5k"), (2e7, "20M"), (0.003, "0.003"), (1e-7, "1.00e-7")]
        {
            assert_eq!(words(value), text);
        }
    }

    #[test]
    fn a_line_breaks_where_there_is_nothing() {
        let curve =
            Curve { label: "a".into(), points: vec![(0, 1.0), (10, 2.0), (100, 1.0), (110, f64::NAN)], gap: 10 };
        let plot = Plot::of(&[curve], 0, 120, |at| at.to_string());
        assert_eq!(plot.lines[0].path.matches('M').count(), 2);
        assert_eq!((plot.times.len(), plot.left_out), (7, 0));
        assert!(plot.levels.len() >= 3, "{:?}", plot.levels);
    }

    #[test]
    fn nothing_is_an_empty_plot() {
        assert!(Plot::of(&[], 0, 10, |_| String::new()).is_empty());
        let none = Curve { label: String::new(), points: vec![(0, f64::NAN)], gap: 1 };
        assert!(Plot::of(&[none], 0, 10, |_| String::new()).is_empty());
    }

    #[test]
    fn a_line_that_never_moves_has_a_scale_that_people_can_read() {
        let top = |value| {
            let curve = Curve { label: String::new(), points: vec![(0, value)], gap: 1 };
            Plot::of(&[curve], 0, 10, |at| at.to_string()).levels.pop().unwrap().1
        };
        assert_eq!((top(0.0), top(1.0), top(250.0)), ("0.25".into(), "1".into(), "300".into()));
    }

    proptest::proptest! {
        #[test]
        fn any_values_are_drawn_within_the_plot(values in proptest::collection::vec(proptest::num::f64::ANY, 0..20)) {
            let points = values.iter().zip(0_i64..).map(|(value, at)| (at, *value)).collect();
            let plot = Plot::of(&[Curve { label: String::new(), points, gap: 1 }], 0, 20, |at| at.to_string());
            proptest::prop_assert!(plot.levels.len() <= 20);
        }
    }
}
