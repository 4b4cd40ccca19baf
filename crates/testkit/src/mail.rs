//! A real SMTP server for tests, aiosmtpd, that hands on every mail it takes. It ends when it is dropped, and also when the
//! test process dies, because it reads from it.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::Value;

/// How long a mail, or the start of the server, may take.
const PATIENCE: Duration = Duration::from_secs(60);

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

/// A running mail server.
#[derive(Debug)]
pub struct Mailbox {
    server: Child,
    lines: Receiver<String>,
    port: u16,
}

impl Mailbox {
    /// Starts the server. `None` when no Python has aiosmtpd; then a line beginning with `skipped:` says so and the test
    /// should return.
    ///
    /// # Panics
    /// When there is one, but it does not start.
    #[must_use]
    pub fn open() -> Option<Self> {
        let python = crate::python_with("aiosmtpd")?;
        let mut command = Command::new(python);
        command.args(["-c", SERVER]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut server = command.spawn().expect("Python can be run");
        let output = BufReader::new(server.stdout.take().expect("its output is piped"));
        let (sender, lines) = channel();
        std::thread::spawn(move || output.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let port = lines.recv_timeout(PATIENCE).expect("the mail server says its port");
        Some(Self { server, lines, port: port.parse().expect("a port is a number") })
    }

    /// The port of 127.0.0.1 on which it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The next mail: `from`, `to`, `login`, `headers` by their names in small letters, `kind`, `plain` and `html`.
    ///
    /// # Panics
    /// When none comes.
    #[must_use]
    pub fn mail(&self) -> Value {
        let line = self.lines.recv_timeout(PATIENCE).expect("a mail arrives");
        serde_json::from_str(&line).expect("the mail server writes JSON")
    }
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
