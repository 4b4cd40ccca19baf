//! E-mail over SMTP: plain text and simple HTML, threaded by what the message is about.
//!
//! `smtp://host:port` speaks plainly, `smtp://host:port?tls=required` demands STARTTLS, `?tls=opportunistic` takes it when
//! offered, `smtps://host:port` is encrypted from the first byte. The secret is `user:password`; it is never sent plainly
//! to another machine.

use std::time::{Duration, SystemTime};

use kernel::{Outcome, Timestamp};
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Tls, TlsParameters};
use lettre::transport::smtp::{AsyncSmtpTransportBuilder, Error};
use lettre::{AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use reqwest::Url;

use super::{Attempted, Job, host, words};
use crate::http::{CONNECT_TIMEOUT, REASON_BYTES_MAX, failed, refused};
use crate::text;

pub(super) async fn send(job: &Job<'_>) -> Attempted {
    let url = Url::parse(&job.channel.url).ok().filter(|url| url.has_host());
    let url =
        url.ok_or_else(|| refused("the channel's url is no mail server: write smtp://host:port or smtps://host:port"))?;
    let mail = mail(job)?;
    let transport: AsyncSmtpTransport<Tokio1Executor> = transport(job, &url)?.build();
    let response = transport.send(mail).await.map_err(|error| outcome(&error))?;
    let said: Vec<&str> = response.message().collect();
    Ok(format!("{}: {} {}", host(&url), response.code(), text::one_line(&said.join(" "), REASON_BYTES_MAX)))
}

fn transport(job: &Job<'_>, url: &Url) -> Result<AsyncSmtpTransportBuilder, Outcome> {
    let server = host(url).trim_start_matches('[').trim_end_matches(']').to_owned();
    let parameters = || TlsParameters::new(server.clone()).map_err(|error| refused(format!("no encryption: {error}")));
    let asked = url.query_pairs().find(|(name, _)| name == "tls").map(|(_, value)| value.into_owned());
    let (tls, port) = match (url.scheme(), asked.as_deref()) {
        ("smtps", None) => (Tls::Wrapper(parameters()?), 465),
        ("smtp", None) => (Tls::None, 25),
        ("smtp", Some("required")) => (Tls::Required(parameters()?), 587),
        ("smtp", Some("opportunistic")) => (Tls::Opportunistic(parameters()?), 25),
        _ => {
            return Err(refused(
                "the channel's url asks for unknown encryption: write smtp://, smtps://, ?tls=required or ?tls=opportunistic",
            ));
        }
    };
    let local = matches!(server.as_str(), "localhost" | "127.0.0.1" | "::1");
    let is_plain = !local && matches!(tls, Tls::None | Tls::Opportunistic(_));
    let builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(server);
    let builder = builder.port(url.port().unwrap_or(port)).timeout(Some(CONNECT_TIMEOUT)).tls(tls);
    match job.secret {
        None => Ok(builder),
        Some(_) if is_plain => Err(refused("a password is not sent plainly: use smtps:// or ?tls=required")),
        Some(secret) => {
            let (user, password) =
                secret.expose().split_once(':').ok_or_else(|| refused("the channel's secret is not user:password"))?;
            Ok(builder.credentials(Credentials::new(user.to_owned(), password.to_owned())))
        }
    }
}

fn mail(job: &Job<'_>) -> Result<Message, Outcome> {
    let message = &job.delivery.message;
    let from = job.channel.from.as_deref().ok_or_else(|| refused("the channel names no sender: add from"))?;
    let from: Mailbox = from.parse().map_err(|error| refused(format!("the sender is no mail address: {error}")))?;
    let to = job.recipient("mail address")?;
    let to: Mailbox = to.parse().map_err(|error| refused(format!("the recipient is no mail address: {error}")))?;

    let domain = from.email.domain().to_owned();
    let thread = format!("<{}@{domain}>", id_word(&thread_of(job)));
    let mail = Message::builder()
        .message_id(Some(format!("<{}@{domain}>", id_word(&job.delivery.id.0))))
        .in_reply_to(thread.clone())
        .references(thread)
        .date(system_time(job.now))
        .from(from)
        .to(to)
        .subject(words::heading(message))
        // No person wrote it, so no other machine should answer (RFC 3834).
        .raw_header(HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned()));
    let plain = SinglePart::plain(words::plain(message, job.links) + "\n");
    let html = SinglePart::html(words::html(message, job.links));
    mail.multipart(MultiPart::alternative().singlepart(plain).singlepart(html))
        .map_err(|error| refused(format!("no mail can be made of the message: {error}")))
}

/// What the message is about: mails of one page stand together even though the mail that began the thread never was.
fn thread_of(job: &Job<'_>) -> String {
    let message = &job.delivery.message;
    let path = || format!("thread{}", message.path);
    message.acknowledge.as_ref().map_or_else(path, |offer| format!("thread-page-{}", offer.page))
}

/// A text as the left side of a message id: other characters than letters, digits, `-` and `.` become `_` and their number.
fn id_word(text: &str) -> String {
    let mut word = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii_alphanumeric() || matches!(c, '-' | '.') {
            word.push(c);
        } else {
            word += &format!("_{:x}_", u32::from(c));
        }
    }
    word
}

fn system_time(at: Timestamp) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(at.as_second()).unwrap_or(0))
}

/// What a failed session means. A `4xx` code and a broken connection pass; a `5xx` code and a wrong setting do not.
fn outcome(error: &Error) -> Outcome {
    let mut reason = error.to_string();
    if let Some(cause) = std::error::Error::source(error) {
        reason = format!("{reason}: {cause}");
    }
    let reason = text::one_line(&reason, REASON_BYTES_MAX);
    if error.is_permanent() || error.is_client() { refused(reason) } else { failed(reason) }
}
