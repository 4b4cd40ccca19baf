//! E-mail against a real SMTP server: aiosmtpd.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel as pipe};
use std::time::Duration;

use kernel::book::Channel;
use kernel::port::Deliver as _;
use kernel::{ChannelKind, Delivery, Outcome};
use serde_json::Value;

use crate::peer::{channel, links, outbound, page};

/// Prints its port, then each mail as one line of JSON. Recipients say how it should answer; `ada:hunter22` may log in.
const SERVER: &str = r#"
import asyncio, email, email.policy, json, sys
from aiosmtpd.smtp import AuthResult, SMTP

class Keep:
    async def handle_RCPT(self, server, session, envelope, address, options):
        for word, code in (("later", "451 4.7.1 greylisted, come back"), ("never", "550 5.1.1 no such mailbox")):
            if address.startswith(word):
                return code
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        part = lambda kind: mail.get_body((kind,)).get_content().replace("\r\n", "\n")
        print(json.dumps({
            "from": envelope.mail_from, "to": envelope.rcpt_tos, "login": session.auth_data and session.auth_data.decode(),
            "headers": {name.lower(): str(value) for name, value in mail.items()},
            "kind": mail.get_content_type(), "plain": part("plain"), "html": part("html"),
        }), flush=True)
        return "250 2.0.0 queued as 4711"

def login(server, session, envelope, mechanism, data):
    good = (data.login, data.password) == (b"ada", b"hunter22")
    return AuthResult(success=good, handled=False, auth_data=data.login)

async def serve():
    smtp = lambda: SMTP(Keep(), hostname="127.0.0.1", authenticator=login, auth_require_tls=False)
    server = await asyncio.get_running_loop().create_server(smtp, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)

asyncio.run(serve())
"#;

struct Mailbox {
    server: Child,
    lines: Receiver<String>,
    port: String,
}

impl Mailbox {
    /// Starts the server with the first Python that has aiosmtpd.
    fn open() -> Option<Self> {
        let has_it = |python: &String| {
            let tried = Command::new(python).args(["-c", "import aiosmtpd"]).stderr(Stdio::null()).status();
            tried.is_ok_and(|status| status.success())
        };
        let named = std::env::var("WATCHKEEPER_PYTHON").ok();
        let mut pythons = named.into_iter().chain(["python3", "/usr/bin/python3"].map(str::to_owned));
        let Some(python) = pythons.find(has_it) else {
            println!("skipped: no Python has aiosmtpd; name one by WATCHKEEPER_PYTHON");
            return None;
        };
        let mut command = Command::new(python);
        command.args(["-c", SERVER]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut server = command.spawn().unwrap();
        let output = BufReader::new(server.stdout.take().unwrap());
        let (sender, lines) = pipe();
        std::thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let port = lines.recv_timeout(Duration::from_secs(20)).expect("the mail server says its port");
        Some(Self { server, lines, port })
    }

    fn channel(&self, secret: Option<&str>) -> (Channel, Option<tempfile::NamedTempFile>) {
        channel(ChannelKind::Email, format!("smtp://127.0.0.1:{}", self.port), secret)
    }

    fn mail(&self) -> Value {
        let line = self.lines.recv_timeout(Duration::from_secs(20)).expect("a mail arrives");
        serde_json::from_str(&line).unwrap()
    }
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

async fn send(delivery: &Delivery, channel: &Channel) -> Outcome {
    outbound().deliver(delivery, channel, &links()).await
}

#[tokio::test]
async fn a_page_arrives_as_a_threaded_mail() {
    let Some(mailbox) = Mailbox::open() else { return };
    let (channel, _none) = mailbox.channel(None);
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
    let (channel, _none) = mailbox.channel(None);
    let Outcome::Failed { reason, .. } = send(&page("later@example.com"), &channel).await else { panic!("not failed") };
    assert!(reason.contains("greylisted"), "{reason}");
    let Outcome::Refused { reason } = send(&page("never@example.com"), &channel).await else { panic!("not refused") };
    assert!(reason.contains("no such mailbox"), "{reason}");
}

#[tokio::test]
async fn a_login_is_made_and_a_wrong_one_is_refused_without_showing_it() {
    let Some(mailbox) = Mailbox::open() else { return };
    let (good, _file) = mailbox.channel(Some("ada:hunter22"));
    assert!(matches!(send(&page("ada@example.com"), &good).await, Outcome::Accepted { .. }));
    assert_eq!(mailbox.mail()["login"], "ada");
    let (bad, _file) = mailbox.channel(Some("ada:hunter23"));
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
        [format!("smtp://127.0.0.1:{}?tls=required", mailbox.port), format!("smtps://127.0.0.1:{}", mailbox.port)]
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
