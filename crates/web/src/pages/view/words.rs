//! Times and spans in words, exactly as `assets/app.js` writes them, so that a page does not change when its script starts.

use kernel::Timestamp;

/// How long ago an instant was, or how far ahead it lies: `just now`, `12 s ago`, `in 3 h 20 min`, `4 d ago`.
#[must_use]
pub fn ago(at: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(at).as_secs();
    match seconds {
        -4..=4 => "just now".into(),
        5.. => format!("{} ago", span(seconds.unsigned_abs())),
        _ => format!("in {}", span(seconds.unsigned_abs())),
    }
}

/// A span in at most two units: `12 s`, `5 min`, `3 h 20 min`, `4 d`.
#[must_use]
pub fn span(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min"),
        (0, 1..=9, _) if minutes % 60 != 0 => format!("{hours} h {} min", minutes % 60),
        (0, _, _) => format!("{hours} h"),
        (1..=3, _, _) if hours % 24 != 0 => format!("{days} d {} h", hours % 24),
        _ => format!("{days} d"),
    }
}

/// A span as a clock shows it: `4:07`, `1:04:07`, `2 d 03:12`.
#[must_use]
pub fn clock(seconds: u64) -> String {
    let (s, m, h, d) = (seconds % 60, seconds / 60 % 60, seconds / 3600 % 24, seconds / 86_400);
    match (d, h) {
        (0, 0) => format!("{m}:{s:02}"),
        (0, _) => format!("{h}:{m:02}:{s:02}"),
        _ => format!("{d} d {h:02}:{m:02}"),
    }
}

/// `1 alert`, `2 alerts`.
#[must_use]
pub fn count(n: usize, one: &str, many: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {many}") }
}

/// The one or two letters by which a person is known at a glance.
#[must_use]
pub fn initials(title: &str) -> String {
    let mut words = title.split_whitespace().filter_map(|word| word.chars().next());
    let first = words.next();
    first.into_iter().chain(words.next_back()).flat_map(char::to_uppercase).collect()
}

/// One of eight colours for a person, the same each time.
#[must_use]
pub fn colour(name: &str) -> u8 {
    // FNV-1a: short, and spreads short names well.
    let hash = name.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    u8::try_from((hash >> 13) % 8).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_at_most_two_units() {
        let cases = [
            (0, "0 s", "0:00"),
            (59, "59 s", "0:59"),
            (61, "1 min", "1:01"),
            (3600, "1 h", "1:00:00"),
            (12_000, "3 h 20 min", "3:20:00"),
            (36_060, "10 h", "10:01:00"),
            (90_000, "1 d 1 h", "1 d 01:00"),
            (400_000, "4 d", "4 d 15:06"),
        ];
        for (seconds, words, hands) in cases {
            assert_eq!((span(seconds).as_str(), clock(seconds).as_str()), (words, hands));
        }
    }

    #[test]
    fn the_past_and_the_future_are_told_apart() {
        let at = |second| Timestamp::from_second(second).unwrap();
        assert_eq!(ago(at(98), at(100)), "just now");
        assert_eq!(ago(at(40), at(100)), "1 min ago");
        assert_eq!(ago(at(400), at(100)), "in 5 min");
    }

    #[test]
    fn people_are_known_by_letters_and_colour() {
        assert_eq!(initials("Ada King Lovelace"), "AL");
        assert_eq!(initials("ada"), "A");
        assert_eq!(initials(""), "");
        assert!(colour("ada") < 8);
    }
}
