//! Syslog: messages of RFC 5424 and of its elder RFC 3164, and how they follow one another on a TCP connection (RFC 6587).
//!
//! A message is never refused for being odd: what cannot be understood is its body, whole.

use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use kernel::{Attribute, Attributes, LogEvent, Nanos, Origin, Timestamp};

/// The longest message, in bytes; a longer one is cut.
pub const MESSAGE_BYTES_MAX: usize = 64 * 1024;
/// The longest octet count that is believed: seven digits.
const COUNT_DIGITS_MAX: usize = 7;

/// The names of the facilities, by number.
const FACILITIES: [&str; 24] = [
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp",
    "audit", "alert", "clock", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
];
/// The names of the severities, by number, each with OpenTelemetry's number.
const SEVERITIES: [(&str, u8); 8] = [
    ("emerg", 21),
    ("alert", 19),
    ("crit", 18),
    ("err", 17),
    ("warning", 13),
    ("notice", 10),
    ("info", 9),
    ("debug", 5),
];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Reads one message. `peer` is the host that sent it, where it does not say itself.
#[must_use]
pub fn read(bytes: &[u8], peer: &str, received: Nanos) -> LogEvent {
    let text = String::from_utf8_lossy(bytes.get(..MESSAGE_BYTES_MAX).unwrap_or(bytes));
    let text = text.trim_end_matches(['\n', '\r', '\0']);
    let mut event = LogEvent { at: received, observed: received, ..LogEvent::default() };
    let (rest, mut known) = priority(text, &mut event).unwrap_or((text, Known::default()));
    let body = rfc5424(rest, &mut event, &mut known).or_else(|| rfc3164(rest, received, &mut event, &mut known));
    event.body = Attribute::Text(body.unwrap_or(rest).to_owned());
    event.origin = Arc::new(known.origin(peer));
    event
}

/// What a message says about where it comes from.
#[derive(Default)]
struct Known<'a> {
    facility: Option<&'static str>,
    host: &'a str,
    app: &'a str,
}

impl Known<'_> {
    fn origin(self, peer: &str) -> Origin {
        let host = if self.host.is_empty() { peer } else { self.host };
        let all = [("service.name", self.app), ("host.name", host), ("syslog.facility", self.facility.unwrap_or(""))];
        let given = all.into_iter().filter(|(_, value)| !value.is_empty());
        let resource = given.map(|(name, value)| (name.to_owned(), Attribute::Text(value.to_owned()))).collect();
        Origin { resource, scope: "syslog".to_owned(), ..Origin::default() }
    }
}

/// `<165>`: facility times eight plus severity.
fn priority<'a>(text: &'a str, event: &mut LogEvent) -> Option<(&'a str, Known<'a>)> {
    let (digits, rest) = text.strip_prefix('<')?.split_once('>')?;
    let number: usize = digits.parse().ok().filter(|_| digits.len() <= 3)?;
    let facility = Some(*FACILITIES.get(number / 8)?);
    let (name, severity) = SEVERITIES.get(number % 8)?;
    (event.severity_text, event.severity) = ((*name).to_owned(), *severity);
    Some((rest, Known { facility, ..Known::default() }))
}

/// `1 2003-10-11T22:14:15.003Z host app 111 ID47 [id@1 a="b"] message`; gives the message.
fn rfc5424<'a>(text: &'a str, event: &mut LogEvent, known: &mut Known<'a>) -> Option<&'a str> {
    let (at, rest) = text.strip_prefix("1 ")?.split_once(' ')?;
    let at = if at == "-" { None } else { Some(at.parse::<Timestamp>().ok()?) };
    let (host, rest) = rest.split_once(' ')?;
    let (app, rest) = rest.split_once(' ')?;
    let (process, rest) = rest.split_once(' ')?;
    let (id, rest) = rest.split_once(' ')?;
    let (data, message) = structured(rest)?;
    if let Some(at) = at {
        event.at = i64::try_from(at.as_nanosecond()).unwrap_or(event.at);
    }
    let given = |value: &'a str| if value == "-" { "" } else { value };
    (known.host, known.app) = (given(host), given(app));
    event.attributes = named(&[("process.pid", given(process)), ("syslog.msgid", given(id))]);
    event.attributes.extend(data);
    Some(message.strip_prefix('\u{feff}').unwrap_or(message))
}

/// `[id a="b"][id2 c="d"] message`, or `- message`.
fn structured(text: &str) -> Option<(Attributes, &str)> {
    if let Some(rest) = text.strip_prefix('-') {
        return Some((Attributes::new(), rest.strip_prefix(' ').unwrap_or(rest)));
    }
    let (mut all, mut rest) = (Attributes::new(), text);
    while let Some(inner) = rest.strip_prefix('[') {
        let name = inner.split([' ', ']']).next()?;
        let (values, after) = parameters(inner.get(name.len()..)?)?;
        all.push((name.to_owned(), Attribute::Map(values)));
        rest = after;
    }
    (rest.len() < text.len()).then(|| (all, rest.strip_prefix(' ').unwrap_or(rest)))
}

/// ` a="b" c="d"]rest`, with `\"`, `\\` and `\]` escaped.
fn parameters(mut text: &str) -> Option<(Attributes, &str)> {
    let mut values = Attributes::new();
    while let Some(rest) = text.strip_prefix(' ') {
        let (name, rest) = rest.split_once("=\"")?;
        let (mut value, mut end) = (String::new(), None);
        let mut chars = rest.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    end = Some(at + 1);
                    break;
                }
                '\\' => match chars.next()? {
                    (_, escaped @ ('"' | '\\' | ']')) => value.push(escaped),
                    (_, other) => value.extend(['\\', other]),
                },
                plain => value.push(plain),
            }
        }
        values.push((name.to_owned(), Attribute::Text(value)));
        text = rest.get(end?..)?;
    }
    text.strip_prefix(']').map(|rest| (values, rest))
}

/// `Oct 11 22:14:15 host app[111]: message`; gives the message. The year and the zone, which it does not tell, are those
/// that bring it nearest to when it came, in UTC.
fn rfc3164<'a>(text: &'a str, received: Nanos, event: &mut LogEvent, known: &mut Known<'a>) -> Option<&'a str> {
    let (stamp, rest) = (text.get(..15)?, text.get(15..)?.strip_prefix(' ')?);
    event.at = old_instant(stamp, received)?;
    let (host, message) = rest.split_once(' ')?;
    known.host = host;
    let end = message.find(|c: char| !(c.is_alphanumeric() || "-_./".contains(c)))?;
    let (app, after) = message.split_at(end);
    let (process, after) = after.strip_prefix('[').and_then(|inner| inner.split_once(']')).unwrap_or(("", after));
    let Some(body) = after.strip_prefix(':').filter(|_| !app.is_empty()) else { return Some(message) };
    known.app = app;
    event.attributes = named(&[("process.pid", process)]);
    Some(body.trim_start())
}

fn old_instant(stamp: &str, received: Nanos) -> Option<Nanos> {
    let mut words = stamp.split_ascii_whitespace();
    let (month, day, time) = (words.next()?, words.next()?, words.next()?);
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    let time: jiff::civil::Time = time.parse().ok()?;
    let now = TimeZone::UTC.to_datetime(Timestamp::from_nanosecond(i128::from(received)).ok()?);
    let in_year = |year: i16| {
        let date = Date::new(year, i8::try_from(month).ok()?, day.parse().ok()?).ok()?;
        let at = TimeZone::UTC.to_timestamp(date.to_datetime(time)).ok()?;
        i64::try_from(at.as_nanosecond()).ok()
    };
    let years = [now.year() - 1, now.year(), now.year() + 1];
    years.into_iter().filter_map(in_year).min_by_key(|at| at.abs_diff(received))
}

fn named(pairs: &[(&str, &str)]) -> Attributes {
    let given = pairs.iter().filter(|(_, value)| !value.is_empty());
    given.map(|(name, value)| ((*name).to_owned(), Attribute::Text((*value).to_owned()))).collect()
}

/// Takes the next message off the front of what a connection has sent so far; `None` when it is not whole yet. Messages
/// are counted (`17 <34>1 …`) or end with a line. One that passes [`MESSAGE_BYTES_MAX`] is handed out in pieces.
pub fn next_message(buffer: &mut Vec<u8>) -> Option<Vec<u8>> {
    let (start, end, next) = counted(buffer).or_else(|| by_line(buffer))?;
    let message = buffer.get(start..end).unwrap_or_default().to_vec();
    buffer.drain(..next.min(buffer.len()));
    Some(message)
}

/// Start, end and what follows of a counted message.
fn counted(buffer: &[u8]) -> Option<(usize, usize, usize)> {
    let digits = buffer.iter().take(COUNT_DIGITS_MAX + 1).take_while(|byte| byte.is_ascii_digit()).count();
    let is_count = (1..=COUNT_DIGITS_MAX).contains(&digits) && buffer.get(digits) == Some(&b' ');
    if !is_count || buffer.first() == Some(&b'0') || buffer.get(digits + 1).is_some_and(|byte| *byte != b'<') {
        return None;
    }
    let count: usize = std::str::from_utf8(buffer.get(..digits)?).ok()?.parse().ok()?;
    let start = digits + 1;
    let end = start + count.min(MESSAGE_BYTES_MAX);
    (buffer.len() >= end).then_some((start, end, end))
}

fn by_line(buffer: &[u8]) -> Option<(usize, usize, usize)> {
    // Digits at the front may be a count whose rest is on its way.
    if buffer.first().is_some_and(|byte| (b'1'..=b'9').contains(byte)) && waits_for_count(buffer) {
        return None;
    }
    let end = buffer.iter().position(|byte| *byte == b'\n');
    match end {
        Some(end) => Some((0, end, end + 1)),
        None if buffer.len() >= MESSAGE_BYTES_MAX => Some((0, MESSAGE_BYTES_MAX, MESSAGE_BYTES_MAX)),
        None => None,
    }
}

fn waits_for_count(buffer: &[u8]) -> bool {
    let digits = buffer.iter().take(COUNT_DIGITS_MAX + 1).take_while(|byte| byte.is_ascii_digit()).count();
    let rest = buffer.get(digits..).unwrap_or_default();
    digits <= COUNT_DIGITS_MAX && matches!(rest, [] | [b' '] | [b' ', b'<', ..]) && buffer.len() < MESSAGE_BYTES_MAX
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-01-02T00:00:00Z
    const RECEIVED: Nanos = 1_767_312_000_000_000_000;

    fn shown(message: &str) -> String {
        let event = read(message.as_bytes(), "peer", RECEIVED);
        let at = Timestamp::from_nanosecond(i128::from(event.at)).unwrap();
        let resource = Attribute::Map(event.origin.resource.clone());
        let attributes = Attribute::Map(event.attributes.clone());
        format!("{at} {} {} | {resource} | {attributes} | {}", event.severity_text, event.severity, event.body)
    }

    #[test]
    fn messages_of_rfc_5424_are_understood() {
        assert_eq!(
            shown(
                "<165>1 2003-10-11T22:14:15.003Z host.example app 111 ID47 [ex@1 a=\"1\" b=\"x\\\"]\"][y] \u{feff}said"
            ),
            "2003-10-11T22:14:15.003Z notice 10 | {\"service.name\": \"app\", \"host.name\": \"host.example\", \
             \"syslog.facility\": \"local4\"} | {\"process.pid\": \"111\", \"syslog.msgid\": \"ID47\", \
             \"ex@1\": {\"a\": \"1\", \"b\": \"x\\\"]\"}, \"y\": {}} | said"
        );
        assert_eq!(
            shown("<34>1 - - - - - - "),
            "2026-01-02T00:00:00Z crit 18 | {\"host.name\": \"peer\", \"syslog.facility\": \"auth\"} | {} | "
        );
    }

    #[test]
    fn messages_of_rfc_3164_are_understood_and_get_the_nearest_year() {
        assert_eq!(
            shown("<13>Dec 31 23:59:59 web1 sshd[42]: Failed password"),
            "2025-12-31T23:59:59Z notice 10 | {\"service.name\": \"sshd\", \"host.name\": \"web1\", \
             \"syslog.facility\": \"user\"} | {\"process.pid\": \"42\"} | Failed password"
        );
        assert!(shown("<13>Jan  1 00:00:00 web1 no colon").ends_with("| {} | no colon"));
    }

    #[test]
    fn what_is_no_syslog_is_a_message() {
        for odd in
            ["", "<", "<999>x", "<13", "plain text", "<13>1 yesterday", "<13>1 2003-10-11T22:14:15Z h a p i [x", "🦀"]
        {
            let event = read(odd.as_bytes(), "peer", RECEIVED);
            assert!(odd.ends_with(&event.body.to_string()), "{odd:?} became {:?}", event.body);
            assert_eq!(event.at, RECEIVED);
        }
    }

    #[test]
    fn messages_follow_one_another_counted_or_by_line() {
        let mut buffer = b"9 <13>a\nb c<13>x\n12345 no count\n7 <13>".to_vec();
        let mut next = || next_message(&mut buffer).map(|message| String::from_utf8(message).unwrap());
        assert_eq!(next().unwrap(), "<13>a\nb c");
        assert_eq!(next().unwrap(), "<13>x");
        assert_eq!(next().unwrap(), "12345 no count");
        assert_eq!(next(), None);
        buffer.extend(b"abc");
        assert_eq!(next_message(&mut buffer).unwrap(), b"<13>abc");
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_a_message(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            let _ = read(&bytes, "peer", RECEIVED);
        }

        #[test]
        fn a_stream_gives_the_same_messages_however_it_is_cut(lines in "(<13>[a-z ]{0,9}\n){0,9}", cut in 0_usize..60) {
            let cut = cut.min(lines.len());
            let (mut whole, mut pieces) = (lines.clone().into_bytes(), lines.as_bytes()[..cut].to_vec());
            let all: Vec<_> = std::iter::from_fn(|| next_message(&mut whole)).collect();
            let mut found: Vec<_> = std::iter::from_fn(|| next_message(&mut pieces)).collect();
            pieces.extend(&lines.as_bytes()[cut..]);
            found.extend(std::iter::from_fn(|| next_message(&mut pieces)));
            proptest::prop_assert_eq!(all, found);
        }
    }
}
