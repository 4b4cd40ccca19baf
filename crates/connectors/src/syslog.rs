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
    // Nothing was sent after it came: the sender's clock is ahead of ours.
    event.at = event.at.min(received);
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
/// that bring it nearest to when it came. The host may be missing, and so may the program.
fn rfc3164<'a>(text: &'a str, received: Nanos, event: &mut LogEvent, known: &mut Known<'a>) -> Option<&'a str> {
    let (stamp, rest) = (text.get(..15)?, text.get(15..)?.strip_prefix(' ')?);
    event.at = old_instant(stamp, received)?;
    let spaced = |(_, _, body): &(&str, &str, &str)| body.is_empty() || body.starts_with(' ');
    let tagged = tag(rest).filter(spaced).or_else(|| {
        let (host, after) = rest.split_once(' ')?;
        known.host = host;
        tag(after)
    });
    let Some((app, process, body)) = tagged else {
        return Some(if known.host.is_empty() { rest } else { rest.get(known.host.len() + 1..)? });
    };
    known.app = app;
    event.attributes = named(&[("process.pid", process)]);
    Some(body.trim_start())
}

/// `app[111]:message` in its three parts.
fn tag(text: &str) -> Option<(&str, &str, &str)> {
    let (app, after) = text.split_at(text.find(|c: char| !(c.is_alphanumeric() || "-_./".contains(c)))?);
    let (process, after) = after.strip_prefix('[').and_then(|inner| inner.split_once(']')).unwrap_or(("", after));
    after.strip_prefix(':').filter(|_| !app.is_empty()).map(|body| (app, process, body))
}

/// A quarter of an hour: zones differ from UTC by so many of these.
const QUARTER: Nanos = 15 * 60 * 1_000_000_000;
/// How many of them a zone is away from UTC at most: 14 hours.
const QUARTERS_MAX: Nanos = 14 * 4;
/// No zone is so few of them behind UTC that the message cannot just as well be late.
const LATE_QUARTERS: std::ops::RangeInclusive<Nanos> = -3..=0;

/// How far ahead of UTC the clock went that showed `local` when it was `received`, as far as that can be told.
fn zone(local: Nanos, received: Nanos) -> Nanos {
    let quarters = local.saturating_sub(received).saturating_add(QUARTER / 2).div_euclid(QUARTER);
    if quarters.abs() > QUARTERS_MAX || LATE_QUARTERS.contains(&quarters) { 0 } else { quarters * QUARTER }
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
    let local = years.into_iter().filter_map(in_year).min_by_key(|at| at.abs_diff(received))?;
    Some(local.saturating_sub(zone(local, received)))
}

fn named(pairs: &[(&str, &str)]) -> Attributes {
    let given = pairs.iter().filter(|(_, value)| !value.is_empty());
    given.map(|(name, value)| ((*name).to_owned(), Attribute::Text((*value).to_owned()))).collect()
}

/// What a connection sends: messages that are counted (`17 <34>1 …`) or end with a line. One that passes
/// [`MESSAGE_BYTES_MAX`] is handed out in pieces.
#[derive(Debug, Default)]
pub struct Stream {
    buffer: Vec<u8>,
    /// How many bytes of the counted message at hand are still to come.
    rest: usize,
}

impl Stream {
    /// Where what comes next is put, behind what came before.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    /// Takes the next message off the front; `None` when it is not whole yet. Empty lines are no messages.
    pub fn next_message(&mut self) -> Option<Vec<u8>> {
        loop {
            let message = self.piece()?;
            if !message.trim_ascii().is_empty() {
                return Some(message);
            }
        }
    }

    /// What is left when the connection ends: its last message may end with it.
    #[must_use]
    pub fn last_message(self) -> Option<Vec<u8>> {
        Some(self.buffer).filter(|rest| !rest.trim_ascii().is_empty())
    }

    fn piece(&mut self) -> Option<Vec<u8>> {
        let begun = if self.rest > 0 { Some((0, self.rest)) } else { count(&self.buffer) };
        let (start, end, next) = match begun {
            Some((start, count)) => {
                let (end, rest) = counted(&self.buffer, start, count)?;
                self.rest = rest;
                (start, end, end)
            }
            None => by_line(&self.buffer)?,
        };
        let message = self.buffer.get(start..end).unwrap_or_default().to_vec();
        self.buffer.drain(..next.min(self.buffer.len()));
        Some(message)
    }
}

/// The end of the next piece of a message of which `count` bytes are to come, and how many are to come after it.
fn counted(buffer: &[u8], start: usize, count: usize) -> Option<(usize, usize)> {
    let length = count.min(MESSAGE_BYTES_MAX);
    (buffer.len() >= start + length).then_some((start + length, count - length))
}

/// Where a counted message begins, and how many bytes it has.
fn count(buffer: &[u8]) -> Option<(usize, usize)> {
    let digits = buffer.iter().take(COUNT_DIGITS_MAX + 1).take_while(|byte| byte.is_ascii_digit()).count();
    let is_count = (1..=COUNT_DIGITS_MAX).contains(&digits) && buffer.get(digits) == Some(&b' ');
    if !is_count || buffer.first() == Some(&b'0') || buffer.get(digits + 1).is_some_and(|byte| *byte != b'<') {
        return None;
    }
    let count: usize = std::str::from_utf8(buffer.get(..digits)?).ok()?.parse().ok()?;
    Some((digits + 1, count))
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

    /// When a message of RFC 3164 happened that came at midnight of the second of January.
    fn at(stamp: &str) -> String {
        let event = read(format!("<13>{stamp} web1 app: x").as_bytes(), "peer", RECEIVED);
        Timestamp::from_nanosecond(i128::from(event.at)).unwrap().to_string()
    }

    #[test]
    fn the_zone_of_a_message_without_one_is_that_which_brings_it_nearest() {
        for (stamp, expected) in [
            ("Jan  2 02:00:00", "2026-01-02T00:00:00Z"), // Kyiv
            ("Jan  2 05:44:30", "2026-01-01T23:59:30Z"), // Kathmandu, half a minute late
            ("Jan  2 13:55:00", "2026-01-01T23:55:00Z"), // Kiritimati
            ("Jan  1 18:58:00", "2026-01-01T23:58:00Z"), // New York
            ("Jan  1 23:20:00", "2026-01-01T23:20:00Z"), // in UTC and late
            ("Jan  2 00:05:00", "2026-01-02T00:00:00Z"), // in UTC, its clock is fast
            ("Jan  1 08:00:00", "2026-01-01T08:00:00Z"), // no zone is so far behind
        ] {
            assert_eq!(at(stamp), expected, "{stamp}");
        }
    }

    #[test]
    fn what_says_that_it_is_of_the_future_happened_when_it_came() {
        assert_eq!(read(b"<13>1 2027-01-01T00:00:00Z h a - - - x", "peer", RECEIVED).at, RECEIVED);
    }

    #[test]
    fn a_host_or_a_program_may_be_missing() {
        let resource = |message: &str| shown(message).split(" | ").skip(1).collect::<Vec<_>>().join(" | ");
        let facility = "\"syslog.facility\": \"user\"";
        for (rest, name, host, expected) in [
            ("su: 'su root' failed", "\"service.name\": \"su\", ", "peer", "{} | 'su root' failed"),
            ("su[7]: failed", "\"service.name\": \"su\", ", "peer", "{\"process.pid\": \"7\"} | failed"),
            ("web1 reboot", "", "web1", "{} | reboot"),
            ("reboot", "", "peer", "{} | reboot"),
            ("fe80::1 su: failed", "\"service.name\": \"su\", ", "fe80::1", "{} | failed"),
        ] {
            let expected = format!("{{{name}\"host.name\": \"{host}\", {facility}}} | {expected}");
            assert_eq!(resource(&format!("<13>Jan  1 00:00:00 {rest}")), expected, "{rest}");
        }
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

    fn all(stream: &mut Stream) -> Vec<String> {
        std::iter::from_fn(|| stream.next_message()).map(|message| String::from_utf8(message).unwrap()).collect()
    }

    fn stream(bytes: &[u8]) -> Stream {
        Stream { buffer: bytes.to_vec(), rest: 0 }
    }

    #[test]
    fn messages_follow_one_another_counted_or_by_line() {
        let mut stream = stream(b"9 <13>a\nb c<13>x\n12345 no count\n7 <13>");
        assert_eq!(all(&mut stream), ["<13>a\nb c", "<13>x", "12345 no count"]);
        stream.buffer().extend(b"abc");
        assert_eq!(all(&mut stream), ["<13>abc"]);
    }

    #[test]
    fn a_line_may_end_behind_a_counted_message_and_is_none() {
        assert_eq!(all(&mut stream(b"5 <13>a\n5 <13>b\r\n\n<13>c\n")), ["<13>a", "<13>b", "<13>c"]);
    }

    #[test]
    fn a_counted_message_that_is_too_long_comes_in_pieces_and_the_next_is_whole() {
        let long = MESSAGE_BYTES_MAX + 1000;
        let sent = format!("{long} <13>{}5 <13>b", "7 <1".repeat(long / 4 - 1));
        for cut in [10, MESSAGE_BYTES_MAX / 2, MESSAGE_BYTES_MAX + 500, sent.len()] {
            let mut stream = stream(&sent.as_bytes()[..cut]);
            let mut found = all(&mut stream);
            stream.buffer().extend(&sent.as_bytes()[cut..]);
            found.extend(all(&mut stream));
            let lengths: Vec<usize> = found.iter().map(String::len).collect();
            assert_eq!(lengths, [MESSAGE_BYTES_MAX, 1000, 5], "cut at {cut}");
        }
    }

    #[test]
    fn the_last_message_may_end_with_the_connection() {
        assert_eq!(stream(b"<13>x").last_message().unwrap(), b"<13>x");
        assert_eq!(stream(b" \n").last_message(), None);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_a_message(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300)) {
            let _ = read(&bytes, "peer", RECEIVED);
        }

        #[test]
        fn a_stream_gives_the_same_messages_however_it_is_cut(lines in "(<13>[a-z ]{0,9}\n){0,9}", cut in 0_usize..60) {
            let cut = cut.min(lines.len());
            let mut pieces = stream(&lines.as_bytes()[..cut]);
            let mut found = all(&mut pieces);
            pieces.buffer().extend(&lines.as_bytes()[cut..]);
            found.extend(all(&mut pieces));
            proptest::prop_assert_eq!(all(&mut stream(lines.as_bytes())), found);
        }
    }
}
