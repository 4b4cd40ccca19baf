//! Which atoms of a word are values by their form alone: numbers, identifiers, addresses, paths, hosts. Knows no system.

/// The shortest run of hexadecimal letters that is a number though it has no digit.
const HEX_LETTERS_MIN: usize = 8;
/// The longest number that makes a name such as `eth0` still a name; with more digits it is an identifier.
const NAME_DIGITS_MAX: usize = 3;
/// The longest address that is written with colons, in bytes.
const COLON_ADDRESS_BYTES_MAX: usize = 48;

/// What an atom is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It says what happened.
    Word,
    /// It says to what.
    Value,
    /// A name of so many bytes, and the number of one of its kind: `eth0`, `worker12`.
    Numbered { name: usize },
}

/// Whether a byte belongs inside an atom. What is not ASCII does: it is a letter of some language.
pub(crate) fn is_inside(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || byte >= 0x80
        || matches!(byte, b'_' | b'-' | b'.' | b'/' | b'@' | b'\\' | b'$' | b'%' | b'+' | b'~')
}

/// How long the atom is at the start of a text. A URL and a path with a drive hold delimiters and are one atom all the
/// same; two dots end an atom.
pub(crate) fn length(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let plain = bytes.iter().position(|byte| !is_inside(*byte)).unwrap_or(bytes.len());
    let after = &rest[plain..];
    if after.starts_with("://") {
        return bytes.iter().position(ends_url).unwrap_or(bytes.len());
    }
    if plain == 1 && (after.starts_with(":\\") || after.starts_with(":/")) {
        let more = bytes.iter().skip(2).position(|byte| !is_inside(*byte));
        return more.map_or(bytes.len(), |length| length + 2);
    }
    bytes[..plain].windows(2).position(|two| two == b"..").filter(|dots| *dots > 0).unwrap_or(plain)
}

fn ends_url(byte: &u8) -> bool {
    byte.is_ascii_whitespace()
        || matches!(byte, b'"' | b'\'' | b'<' | b'>' | b'(' | b')' | b'[' | b']' | b'{' | b'}' | b',' | b';' | b'|')
}

/// What an atom is, given what follows it in the line.
pub(crate) fn kind(atom: &str, after: &str) -> Kind {
    let bytes = atom.as_bytes();
    if let Some(name) = numbered_name(bytes) {
        return Kind::Numbered { name };
    }
    let is_value = bytes.iter().any(u8::is_ascii_digit)
        || is_path(bytes)
        || stands_for_value(atom)
        || (bytes.contains(&b'@') && is_mail(atom))
        || (bytes.contains(&b'.') && is_host(atom, after))
        || (bytes.len() >= HEX_LETTERS_MIN && bytes.iter().all(u8::is_ascii_hexdigit));
    if is_value { Kind::Value } else { Kind::Word }
}

/// How long the name is that a short number ends.
fn numbered_name(bytes: &[u8]) -> Option<usize> {
    let digits = bytes.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
    let name = bytes.len() - digits;
    let letters = bytes[..name].iter().all(u8::is_ascii_alphabetic);
    (name > 1 && letters && (1..=NAME_DIGITS_MAX).contains(&digits)).then_some(name)
}

/// A path has a root, a drive, a scheme or more than one slash. `I/O` and `and/or` are none.
fn is_path(bytes: &[u8]) -> bool {
    let slashes = bytes.iter().filter(|byte| **byte == b'/').count();
    let rooted = matches!(bytes, [b'/', next, ..] | [b'~', b'/', next, ..] if *next != b'/');
    rooted || slashes > 1 || bytes.contains(&b'\\') || (slashes > 0 && bytes.windows(2).any(|two| two == b":/"))
}

/// Words that only ever stand for a value; `root` is the account that every system has.
fn stands_for_value(atom: &str) -> bool {
    const WORDS: [&str; 7] = ["true", "false", "null", "nil", "none", "nan", "root"];
    atom.len() <= 5 && WORDS.iter().any(|word| atom.eq_ignore_ascii_case(word))
}

fn is_mail(atom: &str) -> bool {
    atom.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty())
}

/// Whether an atom with dots names a host: a port follows, or it ends in a top-level domain and does not begin with one,
/// as the names of packages do.
fn is_host(atom: &str, after: &str) -> bool {
    let atom = atom.trim_end_matches('.');
    let (Some((first, _)), Some((_, last))) = (atom.split_once('.'), atom.rsplit_once('.')) else { return false };
    let inside = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let labels = atom.split('.').all(|label| !label.is_empty() && label.bytes().all(inside));
    let port = after.strip_prefix(':').is_some_and(|rest| rest.as_bytes().first().is_some_and(u8::is_ascii_digit));
    labels && (port || (is_domain(last) && !is_package(first)))
}

/// Top-level domains that logs show, and names that stand for one inside a house. Countries have two letters, and so
/// have the endings of source files and libraries.
fn is_domain(label: &str) -> bool {
    const LONG: [&str; 17] = [
        "com",
        "org",
        "net",
        "edu",
        "gov",
        "mil",
        "int",
        "info",
        "biz",
        "arpa",
        "local",
        "localdomain",
        "internal",
        "intranet",
        "lan",
        "corp",
        "home",
    ];
    const FILES: [&str; 14] = ["so", "py", "rb", "sh", "md", "rs", "cc", "js", "go", "pl", "ps", "gz", "id", "is"];
    let country = label.len() == 2 && label.bytes().all(|byte| byte.is_ascii_lowercase()) && !FILES.contains(&label);
    country || LONG.contains(&label)
}

/// How names of packages begin: with a domain that is not a host's first label, or with the name of a platform.
fn is_package(label: &str) -> bool {
    const ROOTS: [&str; 16] = [
        "com", "org", "net", "edu", "gov", "io", "java", "javax", "jdk", "sun", "scala", "kotlin", "android",
        "androidx", "system", "dalvik",
    ];
    ROOTS.contains(&label)
}

/// How long the hardware or IPv6 address is at the start of a text: groups of hexadecimal digits parted by colons.
pub(crate) fn colon_address(rest: &str) -> Option<usize> {
    let bytes = rest.as_bytes();
    if !bytes.iter().take(5).any(|byte| *byte == b':') {
        return None;
    }
    let outside = |byte: &u8| !(byte.is_ascii_hexdigit() || *byte == b':');
    let end = bytes
        .iter()
        .take(COLON_ADDRESS_BYTES_MAX)
        .position(outside)
        .unwrap_or(bytes.len().min(COLON_ADDRESS_BYTES_MAX));
    let joined = bytes.get(end).is_some_and(|byte| byte.is_ascii_alphanumeric() || *byte == b'_');
    let address = rest[..end].trim_end_matches(':');
    let groups = || address.split(':');
    let hardware = groups().count() == 6 && groups().all(|group| matches!(group.len(), 1 | 2));
    let internet = groups().count() > 2 && address.bytes().any(|byte| byte.is_ascii_digit());
    let fits = groups().all(|group| group.len() <= 4);
    (!joined && fits && (hardware || internet)).then_some(address.len())
}

/// Units of sizes, times, rates and frequencies, as they stand after a number.
pub(crate) fn is_unit(word: &str) -> bool {
    const UNITS: [&str; 60] = [
        "b",
        "kb",
        "mb",
        "gb",
        "tb",
        "pb",
        "kib",
        "mib",
        "gib",
        "tib",
        "byte",
        "bytes",
        "bit",
        "bits",
        "k",
        "m",
        "g",
        "kbytes",
        "mbytes",
        "ns",
        "us",
        "ms",
        "s",
        "sec",
        "secs",
        "second",
        "seconds",
        "msec",
        "msecs",
        "usec",
        "nsec",
        "millisecond",
        "milliseconds",
        "min",
        "mins",
        "minute",
        "minutes",
        "h",
        "hr",
        "hrs",
        "hour",
        "hours",
        "day",
        "days",
        "hz",
        "khz",
        "mhz",
        "ghz",
        "bps",
        "kbps",
        "mbps",
        "gbps",
        "kb/s",
        "mb/s",
        "gb/s",
        "%",
        "am",
        "pm",
        "utc",
        "gmt",
    ];
    word.len() <= 12 && UNITS.iter().any(|unit| word.eq_ignore_ascii_case(unit))
}

/// Names of months and days of the week, whole or by three letters.
pub(crate) fn is_calendar(word: &str) -> bool {
    const NAMES: [&str; 19] = [
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
        "Monday",
        "Tuesday",
        "Wednesday",
        "Thursday",
        "Friday",
        "Saturday",
        "Sunday",
    ];
    (3..=9).contains(&word.len()) && NAMES.iter().any(|name| *name == word || name.get(..3) == Some(word))
}
