//! Two texts line by line: what went and what came.

/// The most lines of a text that are compared; longer ones are shown as gone and come.
const LINES_MAX: usize = 400;

/// What became of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is in both.
    Stays,
    /// It is only in the first.
    Goes,
    /// It is only in the second.
    Comes,
}

impl Fate {
    /// The sign before the line.
    #[must_use]
    pub fn sign(self) -> &'static str {
        match self {
            Self::Stays => " ",
            Self::Goes => "-",
            Self::Comes => "+",
        }
    }

    /// The end of the class name that colours the line.
    #[must_use]
    pub fn class(self) -> &'static str {
        match self {
            Self::Stays => "stays",
            Self::Goes => "goes",
            Self::Comes => "comes",
        }
    }
}

/// The lines of two texts, in order.
#[must_use]
pub fn lines(before: &str, after: &str) -> Vec<(Fate, String)> {
    let (a, b): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let common = if a.len() > LINES_MAX || b.len() > LINES_MAX { Vec::new() } else { common(&a, &b) };
    let (mut out, mut i, mut j) = (Vec::new(), 0, 0);
    let mut pass = |fate: Fate, line: &str| out.push((fate, line.to_owned()));
    for (x, y) in common.into_iter().chain([(a.len(), b.len())]) {
        a.get(i..x).into_iter().flatten().for_each(|line| pass(Fate::Goes, line));
        b.get(j..y).into_iter().flatten().for_each(|line| pass(Fate::Comes, line));
        a.get(x).into_iter().for_each(|line| pass(Fate::Stays, line));
        (i, j) = (x + 1, y + 1);
    }
    out
}

/// The places of a longest common part.
fn common(a: &[&str], b: &[&str]) -> Vec<(usize, usize)> {
    let width = b.len() + 1;
    let mut best = vec![0_usize; (a.len() + 1) * width];
    let at = |best: &[usize], i: usize, j: usize| best.get(i * width + j).copied().unwrap_or(0);
    for (i, x) in a.iter().enumerate().rev() {
        for (j, y) in b.iter().enumerate().rev() {
            let value = if x == y { at(&best, i + 1, j + 1) + 1 } else { at(&best, i + 1, j).max(at(&best, i, j + 1)) };
            best.get_mut(i * width + j).into_iter().for_each(|place| *place = value);
        }
    }
    let (mut i, mut j, mut found) = (0, 0, Vec::new());
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        if x == y {
            found.push((i, j));
            (i, j) = (i + 1, j + 1);
        } else if at(&best, i + 1, j) >= at(&best, i, j + 1) {
            i += 1;
        } else {
            j += 1;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_stay_go_and_come() {
        let told = |before: &str, after: &str| {
            lines(before, after).iter().map(|(fate, line)| format!("{}{line}", fate.sign())).collect::<Vec<_>>()
        };
        assert_eq!(told("a\nfor: 1m\nb", "a\nfor: 5m\nkeep: 5m\nb"), [" a", "-for: 1m", "+for: 5m", "+keep: 5m", " b"]);
        assert_eq!(told("", "a"), ["+a"]);
        assert_eq!(told("a", ""), ["-a"]);
    }

    proptest::proptest! {
        #[test]
        fn nothing_is_lost(a in "[ab\n]{0,30}", b in "[ab\n]{0,30}") {
            let all = lines(&a, &b);
            let side = |other: Fate| all.iter().filter(|(fate, _)| *fate != other).map(|(_, l)| l.clone()).collect::<Vec<_>>();
            proptest::prop_assert_eq!(side(Fate::Comes), a.lines().map(str::to_owned).collect::<Vec<_>>());
            proptest::prop_assert_eq!(side(Fate::Goes), b.lines().map(str::to_owned).collect::<Vec<_>>());
        }
    }
}
