//! "Did you mean": the known word nearest to what was written. Knows nothing of watchbooks.

/// Words longer than this are not compared.
const WORD_CHARS_MAX: usize = 100;

/// The candidate nearest to a word, when one is near enough to be what was meant.
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).max(1);
    let ranked = candidates.into_iter().filter_map(|candidate| {
        let distance = if candidate.eq_ignore_ascii_case(word) { 0 } else { distance(word, candidate) };
        (distance <= limit).then_some((distance, candidate))
    });
    ranked.min().map(|(_, candidate)| candidate)
}

/// The hint for a word that is not known: the nearest candidate, else all of them when they are few.
pub(crate) fn hint<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str> + Clone) -> Option<String> {
    /// More than this many candidates are not listed.
    const LISTED_MAX: usize = 12;
    if let Some(near) = nearest(word, candidates.clone()) {
        return Some(format!("did you mean `{near}`?"));
    }
    let all: Vec<String> = candidates.into_iter().take(LISTED_MAX + 1).map(|known| format!("`{known}`")).collect();
    (!all.is_empty() && all.len() <= LISTED_MAX).then(|| format!("known are {}", all.join(", ")))
}

/// How many insertions, deletions, changes and swaps of neighbours lead from one word to the other.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().max(b.len()) > WORD_CHARS_MAX {
        return usize::MAX;
    }
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut cost = (last[j] + usize::from(x != y)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && a[i - 1] == *y && *x == b[j - 1] {
                cost = cost.min(before[j - 1] + 1);
            }
            row.push(cost);
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_the_textbook() {
        let table = [("", "", 0), ("abc", "abc", 0), ("abc", "acb", 1), ("abc", "ab", 1), ("kitten", "sitting", 3)];
        for (a, b, steps) in table {
            assert_eq!((distance(a, b), distance(b, a)), (steps, steps), "{a} {b}");
        }
    }

    #[test]
    fn a_hint_is_the_nearest_or_the_list() {
        let known = ["checkout", "payments", "search"];
        assert_eq!(hint("chekcout", known).as_deref(), Some("did you mean `checkout`?"));
        assert_eq!(hint("Payments", known).as_deref(), Some("did you mean `payments`?"));
        assert_eq!(hint("zzz", known).as_deref(), Some("known are `checkout`, `payments`, `search`"));
        assert_eq!(hint("zzz", []), None);
    }
}
