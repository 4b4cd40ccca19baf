//! Matrix against a real homeserver: Synapse. It is skipped where Synapse is not installed.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use kernel::port::Deliver as _;
use kernel::{ChannelKind, Outcome};
use reqwest::Client;
use serde_json::{Value, json};

use crate::peer::{channel, links, outbound, page};

/// How long Synapse may take until it answers.
const PATIENCE: Duration = Duration::from_secs(90);

/// Registers a user by the shared secret, as Synapse's own tool does, and prints an access token.
const REGISTER: &str = r#"
import hashlib, hmac, json, sys, urllib.request
base, secret = sys.argv[1:]
url = base + "/_synapse/admin/v1/register"
nonce = json.load(urllib.request.urlopen(url))["nonce"]
mac = hmac.new(secret.encode(), b"\x00".join([nonce.encode(), b"pager", b"correct horse", b"notadmin"]), hashlib.sha1)
asked = {"nonce": nonce, "username": "pager", "password": "correct horse", "admin": False, "mac": mac.hexdigest()}
request = urllib.request.Request(url, json.dumps(asked).encode(), {"content-type": "application/json"})
print(json.load(urllib.request.urlopen(request))["access_token"])
"#;

/// A homeserver of its own, in a folder of its own.
struct Synapse {
    server: Child,
    url: String,
    python: String,
    _place: tempfile::TempDir,
}

impl Synapse {
    async fn start() -> Option<Self> {
        let (python, place) = (testkit::python_with("synapse")?, tempfile::tempdir().unwrap());
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let data = place.path().display();
        let config = format!(
            "server_name: localhost\npid_file: {data}/pid\nreport_stats: false\nregistration_shared_secret: secret\n\
             macaroon_secret_key: secret\nform_secret: secret\nsigning_key_path: {data}/signing.key\n\
             media_store_path: {data}/media\ntrusted_key_servers: []\nsuppress_key_server_warning: true\n\
             database: {{ name: sqlite3, args: {{ database: '{data}/home.db' }} }}\n\
             listeners: [ {{ port: {port}, bind_addresses: [127.0.0.1], type: http, tls: false, resources: [ {{ names: [client] }} ] }} ]\n"
        );
        let file = place.path().join("home.yaml");
        std::fs::write(&file, config).unwrap();
        let run = |arguments: &[&str]| {
            let mut command = Command::new(&python);
            command.args(["-m", "synapse.app.homeserver", "-c"]).arg(&file).args(arguments);
            command.current_dir(place.path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            command.spawn().unwrap()
        };
        assert!(run(&["--generate-keys"]).wait().unwrap().success());
        let synapse = Self { server: run(&[]), url: format!("http://127.0.0.1:{port}"), python, _place: place };
        synapse.answers().await;
        Some(synapse)
    }

    async fn answers(&self) {
        let (start, client) = (Instant::now(), Client::new());
        while client.get(format!("{}/health", self.url)).send().await.is_err() {
            assert!(start.elapsed() < PATIENCE, "Synapse does not answer");
            tokio::task::yield_now().await;
        }
    }

    fn token(&self) -> String {
        let output = Command::new(&self.python).args(["-c", REGISTER, &self.url, "secret"]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    async fn ask(&self, token: &str, path: &str, body: Option<Value>) -> Value {
        let url = format!("{}/_matrix/client/v3/{path}", self.url);
        let client = Client::new();
        let request = body.map_or_else(|| client.get(&url), |body| client.post(&url).json(&body));
        request.bearer_auth(token).send().await.unwrap().json().await.unwrap()
    }
}

impl Drop for Synapse {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_homeserver_takes_each_message_once() {
    let Some(synapse) = Synapse::start().await else { return };
    let token = synapse.token();
    let room = synapse.ask(&token, "createRoom", Some(json!({ "name": "Incidents" }))).await;
    let room = room["room_id"].as_str().unwrap();

    let (matrix, _file) = channel(ChannelKind::Matrix, synapse.url.clone(), Some(&token));
    let delivery = page(room);
    let first = outbound().deliver(&delivery, &matrix, &links()).await;
    let again = outbound().deliver(&delivery, &matrix, &links()).await;
    assert!(matches!(&first, Outcome::Accepted { by } if by.starts_with("127.0.0.1: event $")), "{first:?}");
    assert_eq!(first, again, "a repeat under the same id is the same event");

    let said = synapse.ask(&token, &format!("rooms/{room}/messages?dir=b&limit=50"), None).await;
    let messages: Vec<&Value> =
        said["chunk"].as_array().unwrap().iter().filter(|event| event["type"] == "m.room.message").collect();
    assert_eq!(messages.len(), 1, "{said}");
    let content = &messages[0]["content"];
    assert!(content["body"].as_str().unwrap().starts_with("[P1] Checkout fails"), "{content}");
    assert!(content["formatted_body"].as_str().unwrap().contains("&lt;more&gt;"), "{content}");

    let (wrong, _file) = channel(ChannelKind::Matrix, synapse.url.clone(), Some("syt_wrong"));
    let refused = outbound().deliver(&delivery, &wrong, &links()).await;
    assert!(matches!(&refused, Outcome::Refused { reason } if reason.contains("M_UNKNOWN_TOKEN")), "{refused:?}");
    let outcome = outbound().deliver(&page("!nowhere:localhost"), &matrix, &links()).await;
    assert!(matches!(&outcome, Outcome::Refused { reason } if reason.contains("M_FORBIDDEN")), "{outcome:?}");
}
