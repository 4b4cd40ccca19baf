//! The official PagerDuty client for Python, unmodified, over TLS as it insists: only its base URL is ours.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::json;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::hook::Hook;
use crate::server::{Base, PATIENCE, Server};
use crate::shop;

/// Ends TLS and hands the bytes on to a port of this machine. Prints its own port.
const FRONT: &str = r#"
import asyncio, ssl, sys

async def pump(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()

async def join(reader, writer):
    ours = await asyncio.open_connection("127.0.0.1", int(sys.argv[2]))
    await asyncio.gather(pump(reader, ours[1]), pump(ours[0], writer), return_exceptions=True)

async def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[1] + "/cert.pem", sys.argv[1] + "/key.pem")
    server = await asyncio.start_server(join, "127.0.0.1", 0, ssl=context)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)

asyncio.run(main())
"#;

/// One call of the client; prints the key that it was given.
const CLIENT: &str = r#"
import sys, pagerduty
url, key, verb, *rest = sys.argv[1:]
client = pagerduty.EventsApiV2Client(key, base_url=url)
if verb == "trigger":
    links = [{"href": "http://runbook", "text": "Runbook"}]
    print(client.trigger("The queue is full", "checkout", custom_details={"depth": 7}, links=links))
elif verb == "change":
    # Version 7.2.0 of the client fails by itself where it is to take the time.
    client.submit("deployed 1.2", "checkout", {"build": 7}, timestamp="2026-11-24T09:00:00+00:00")
else:
    print(getattr(client, verb)(*rest))
"#;

/// TLS in front of a server, and the client that knows its certificate.
struct Front {
    python: String,
    place: TempDir,
    url: String,
    _process: Child,
}

impl Front {
    /// `None` where a part of it is missing; then the test should return.
    async fn start(server: &Server) -> Option<Self> {
        let python = testkit::python_with("pagerduty")?;
        let place = testkit::temp_dir();
        certify(place.path()).await?;
        let port = server.url.rsplit(':').next().unwrap();
        let mut command = Command::new(&python);
        command.args(["-c", FRONT]).arg(place.path()).arg(port).kill_on_drop(true);
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let port = timeout(PATIENCE, lines.next_line()).await.unwrap().unwrap().expect("the front says its port");
        Some(Self { python, place, url: format!("https://127.0.0.1:{port}"), _process: process })
    }

    /// One call of the client; what it printed, or why it failed.
    async fn call(&self, key: &str, arguments: &[&str]) -> Result<String, String> {
        let mut command = Command::new(&self.python);
        command.args(["-c", CLIENT, &self.url, key]).args(arguments).kill_on_drop(true);
        let output = command.env("SSL_CERT_FILE", certificate(self.place.path())).output().await.unwrap();
        let said = |bytes| String::from_utf8_lossy(bytes).trim().to_owned();
        if output.status.success() { Ok(said(&output.stdout)) } else { Err(said(&output.stderr)) }
    }
}

fn certificate(place: &Path) -> PathBuf {
    place.join("cert.pem")
}

/// Makes a certificate of 127.0.0.1 that is its own authority.
async fn certify(place: &Path) -> Option<()> {
    let mut command = Command::new("openssl");
    command.args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]);
    command.args(["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]);
    command.arg("-out").arg(certificate(place)).arg("-keyout").arg(place.join("key.pem"));
    let Ok(output) = command.output().await else {
        eprintln!("skipped: openssl is not installed");
        return None;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(())
}

#[tokio::test]
async fn the_official_client_triggers_acknowledges_resolves_and_tells_of_changes() {
    let hook = Hook::start().await;
    let server = Server::open(Base::Sqlite, &shop::book("webhook", &hook.url)).await;
    let Some(front) = Front::start(&server).await else { return };
    let key = front.call(&server.token, &["trigger"]).await.unwrap();
    let opened = server.fact("PageRequested").await;
    let alert = &server.get("/alerts").await[0];
    assert_eq!(alert["labels"]["dedup_key"], key);
    assert_eq!((&alert["labels"]["service"], &alert["labels"]["severity"]), (&json!("checkout"), &json!("critical")));
    assert_eq!((&alert["source"], &opened["body"]["PageRequested"]["person"]), (&json!("tests"), &json!("ada")));
    assert_eq!(front.call(&server.token, &["acknowledge", &key]).await.as_ref(), Ok(&key));
    assert_eq!(server.fact("PageAcknowledged").await["actor"], "integration:tests");
    assert_eq!(front.call(&server.token, &["resolve", &key]).await.as_ref(), Ok(&key));
    server.fact("PageClosed").await;
    front.call(&server.token, &["change"]).await.unwrap();
    let change = &server.get("/changes").await[0];
    assert_eq!((&change["summary"], &change["details"]), (&json!("deployed 1.2"), &json!({ "build": "7" })));
    let stranger = front.call(&format!("{}0", server.token), &["trigger"]).await.unwrap_err();
    assert!(stranger.contains("401"), "{stranger}");
}
