//! E-mail against a real SMTP server: aiosmtpd.

use kernel::book::Channel;
use kernel::port::Deliver as _;
use kernel::{ChannelKind, Delivery, Outcome};
use testkit::mail::Mailbox;

use crate::peer::{channel, links, outbound, page};

fn mail_channel(mailbox: &Mailbox, secret: Option<&str>) -> (Channel, Option<tempfile::NamedTempFile>) {
    channel(ChannelKind::Email, format!("smtp://127.0.0.1:{}", mailbox.port()), secret)
}

async fn send(delivery: &Delivery, channel: &Channel) -> Outcome {
    outbound().deliver(delivery, channel, &links()).await
}

#[tokio::test]
async fn a_page_arrives_as_a_threaded_mail() {
    let Some(mailbox) = Mailbox::open() else { return };
    let (channel, _none) = mail_channel(&mailbox, None);
    let outcome = send(&page("Ada Lovelace <ada@example.com>"), &channel).await;
    assert_eq!(outcome, Outcome::Accepted { by: "127.0.0.1: 250 2.0.0 queued as 4711".to_owned() });
    let mail = mailbox.mail();
    assert_eq!((&mail["from"], &mail["to"][0]), (&"pager@watch.example.com".into(), &"ada@example.com".into()));
    assert_eq!(mail["kind"], "multipart/alternative");
    let headers = [
        ("subject", "[P1] Checkout fails Bcc: mallory@example.com"),
        ("message-id", "<page-12-1@watch.example.com>"),
        ("in-reply-to", "<thread-page-12@watch.example.com>"),
        ("references", "<thread-page-12@watch.example.com>"),
        ("auto-submitted", "auto-generated"),
        ("date", "Thu, 25 Feb 2021 15:02:10 +0000"),
    ];
    for (name, value) in headers {
        assert_eq!(mail["headers"][name], value, "{name}");
    }
    assert_eq!(mail["headers"].get("bcc"), None);
    let plain = mail["plain"].as_str().unwrap();
    assert!(plain.starts_with("5 % of payments & <more> fail.\nSince 14:02.\n\nService: checkout\n"), "{plain}");
    assert!(plain.contains("Acknowledge: https://watch.example.com/ack/12?sig=a&b\n"), "{plain}");
    let html = mail["html"].as_str().unwrap();
    assert!(html.contains(r#"<a href="https://watch.example.com/ack/12?sig=a&amp;b">Acknowledge</a>"#), "{html}");
    assert!(html.contains("eu &lt;west&gt;"), "{html}");
}

#[tokio::test]
async fn the_server_may_say_later_or_never() {
    let Some(mailbox) = Mailbox::open() else { return };
    let (channel, _none) = mail_channel(&mailbox, None);
    let Outcome::Failed { reason, .. } = send(&page("later@example.com"), &channel).await else { panic!("not failed") };
    assert!(reason.contains("greylisted"), "{reason}");
    let Outcome::Refused { reason } = send(&page("never@example.com"), &channel).await else { panic!("not refused") };
    assert!(reason.contains("no such mailbox"), "{reason}");
}

#[tokio::test]
async fn a_login_is_made_and_a_wrong_one_is_refused_without_showing_it() {
    let Some(mailbox) = Mailbox::open() else { return };
    let (good, _file) = mail_channel(&mailbox, Some("ada:hunter22"));
    assert!(matches!(send(&page("ada@example.com"), &good).await, Outcome::Accepted { .. }));
    assert_eq!(mailbox.mail()["login"], "ada");
    let (bad, _file) = mail_channel(&mailbox, Some("ada:hunter23"));
    let Outcome::Refused { reason } = send(&page("ada@example.com"), &bad).await else { panic!("not refused") };
    assert!(reason.contains("535") || reason.to_lowercase().contains("auth"), "{reason}");
    assert!(!reason.contains("hunter23"), "{reason}");
}

#[tokio::test]
async fn a_password_is_never_sent_plainly_to_another_machine() {
    for url in ["smtp://mail.example.com:25", "smtp://mail.example.com?tls=opportunistic"] {
        let (channel, _file) = channel(ChannelKind::Email, url.to_owned(), Some("ada:hunter22"));
        let outcome = send(&page("ada@example.com"), &channel).await;
        let reason = "a password is not sent plainly: use smtps:// or ?tls=required".to_owned();
        assert_eq!(outcome, Outcome::Refused { reason }, "{url}");
    }
}

#[tokio::test]
async fn encryption_that_is_demanded_is_not_done_without() {
    let Some(mailbox) = Mailbox::open() else { return };
    for url in
        [format!("smtp://127.0.0.1:{}?tls=required", mailbox.port()), format!("smtps://127.0.0.1:{}", mailbox.port())]
    {
        let (channel, _none) = channel(ChannelKind::Email, url.clone(), None);
        let outcome = send(&page("ada@example.com"), &channel).await;
        assert!(!matches!(outcome, Outcome::Accepted { .. }), "{url}: {outcome:?}");
    }
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused() {
    let (mut mail, _none) = channel(ChannelKind::Email, "smtp://127.0.0.1:9".to_owned(), None);
    let cases = [("nobody", "the recipient is no mail address"), ("", "the address names no mail address")];
    for (to, says) in cases {
        let Outcome::Refused { reason } = send(&page(to), &mail).await else { panic!("{to}") };
        assert!(reason.starts_with(says), "{reason}");
    }
    let Outcome::Failed { reason, .. } = send(&page("ada@example.com"), &mail).await else { panic!("nobody listens") };
    assert!(reason.contains("refused"), "{reason}");
    mail.from = None;
    assert!(matches!(send(&page("ada@example.com"), &mail).await, Outcome::Refused { .. }));
    for url in ["mail.example.com", "http://mail.example.com", "smtp://mail.example.com?tls=maybe"] {
        let (mail, _none) = channel(ChannelKind::Email, url.to_owned(), None);
        assert!(matches!(send(&page("ada@example.com"), &mail).await, Outcome::Refused { .. }), "{url}");
    }
}
