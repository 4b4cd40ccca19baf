//! Tunings of a rule as dots: how often each fires, and how late. The table beside says the same.

/// The size in its own units.
const WIDTH: f64 = 480.0;
const HEIGHT: f64 = 240.0;
const LEFT: f64 = 62.0;
const RIGHT: f64 = 18.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 40.0;

/// What a dot stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Another tuning beats it.
    Other,
    /// No other one beats it.
    Pareto,
    /// The rule as it is written.
    Own,
    /// The one to take.
    Suggested,
}

impl Kind {
    /// The end of the class name that colours the dot.
    #[must_use]
    pub fn class(self) -> &'static str {
        match self {
            Self::Other => "other",
            Self::Pareto => "pareto",
            Self::Own => "own",
            Self::Suggested => "suggested",
        }
    }
}

/// A tuning to be drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Tuned {
    /// How often it fires.
    pub firings: usize,
    /// How late it fires, in seconds.
    pub late: f64,
    /// What it is.
    pub kind: Kind,
    /// Whether no other one beats it.
    pub best: bool,
    /// What it says when it is pointed at.
    pub says: String,
}

/// A dot.
#[derive(Debug, Clone, PartialEq)]
pub struct Dot {
    /// Where it is.
    pub x: f64,
    /// Where it is.
    pub y: f64,
    /// What it is.
    pub kind: Kind,
    /// What it says.
    pub says: String,
}

/// Dots with their axes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scatter {
    /// The dots, the weightiest last.
    pub dots: Vec<Dot>,
    /// The line through those that nothing beats.
    pub line: String,
    /// Places along the bottom, and how many firings they mean.
    pub across: Vec<(f64, String)>,
    /// Heights, and how late they mean.
    pub up: Vec<(f64, String)>,
}

impl Scatter {
    /// Draws tunings.
    #[must_use]
    pub fn of(tunings: &[Tuned], span: impl Fn(f64) -> String) -> Self {
        let most = tunings.iter().map(|one| one.firings).max().unwrap_or(0).max(1);
        let latest = tunings.iter().map(|one| one.late).fold(0.0, f64::max);
        let earliest = tunings.iter().map(|one| one.late).fold(0.0, f64::min);
        let tall = (latest - earliest).max(1.0);
        let x = |firings: f64| LEFT + firings / as_float(most) * (WIDTH - LEFT - RIGHT);
        let y = |late: f64| HEIGHT - BOTTOM - (late - earliest) / tall * (HEIGHT - TOP - BOTTOM);
        let dot =
            |one: &Tuned| Dot { x: x(as_float(one.firings)), y: y(one.late), kind: one.kind, says: one.says.clone() };
        let best: Vec<Dot> = tunings.iter().filter(|one| one.best).map(dot).collect();
        let mut dots: Vec<Dot> = tunings.iter().map(dot).collect();
        dots.sort_by_key(|dot| dot.kind);
        let halves = if most > 1 { vec![0, most / 2, most] } else { vec![0, most] };
        let heights =
            if latest > earliest { vec![earliest, f64::midpoint(earliest, latest), latest] } else { vec![earliest] };
        Self {
            line: line(best),
            across: halves.into_iter().map(|firings| (x(as_float(firings)), firings.to_string())).collect(),
            up: heights.into_iter().map(|late| (y(late), span(late))).collect(),
            dots,
        }
    }
}

/// Through the dots that nothing beats, from left to right.
fn line(mut best: Vec<Dot>) -> String {
    best.sort_by(|a, b| a.x.total_cmp(&b.x).then(b.y.total_cmp(&a.y)));
    let place = |(i, dot): (usize, &Dot)| format!("{}{:.1} {:.1}", if i == 0 { "M" } else { "L" }, dot.x, dot.y);
    best.iter().enumerate().map(place).collect()
}

fn as_float(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fewer_firings_are_left_and_later_ones_above() {
        let one = |firings, late, kind| Tuned { firings, late, kind, best: kind != Kind::Other, says: String::new() };
        let all = [one(10, 0.0, Kind::Own), one(2, 60.0, Kind::Suggested), one(9, 90.0, Kind::Other)];
        let scatter = Scatter::of(&all, |late| format!("{late} s"));
        let at = |kind| scatter.dots.iter().find(|dot| dot.kind == kind).map(|dot| (dot.x, dot.y)).unwrap();
        assert!(at(Kind::Suggested).0 < at(Kind::Own).0 && at(Kind::Suggested).1 < at(Kind::Own).1);
        assert_eq!(scatter.line.matches(['M', 'L']).count(), 2);
        assert_eq!(scatter.across.last().unwrap().1, "10");
        assert!(Scatter::of(&[], |_| String::new()).dots.is_empty());
    }
}
