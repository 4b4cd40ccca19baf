//! Signatures against the published vectors of Standard Webhooks.

use std::process::Command;

use connectors::signature::sign;
use serde_json::Value;

use crate::peer::data;

#[test]
fn signatures_are_those_of_the_vectors() {
    let path = data("integrations/signatures/vectors.json");
    let Ok(text) = std::fs::read_to_string(&path) else {
        println!("skipped: {} is not there", path.display());
        return;
    };
    let all: Vec<Value> = serde_json::from_str(&text).unwrap();
    let vectors: Vec<&Value> = all.iter().filter(|vector| vector["vendor"] == "standard-webhooks").collect();
    assert!(!vectors.is_empty());
    for vector in vectors {
        let header = |name: &str| vector["headers"][name].as_str().unwrap();
        let timestamp = header("webhook-timestamp").parse().unwrap();
        let (secret, body) = (vector["secret"].as_str().unwrap(), vector["body"].as_str().unwrap());
        let signature = sign(secret, header("webhook-id"), timestamp, body.as_bytes());
        assert_eq!(signature.as_deref(), Ok(header("webhook-signature")));
    }
}

#[test]
fn several_secrets_give_several_signatures_and_a_bad_one_gives_none() {
    let both = sign("whsec_AQID whsec_BAUG", "m", 1, b"x").unwrap();
    let each: Vec<_> = ["AQID", "BAUG"].map(|secret| sign(secret, "m", 1, b"x").unwrap()).into();
    assert_eq!(both, each.join(" "));
    for secret in ["", "whsec_", "whsec_*", "whsec_AQID *"] {
        assert!(sign(secret, "m", 1, b"x").is_err(), "{secret}");
    }
}

/// Checks a signature, and that a wrong one is not taken: secret, id, timestamp, signature, body.
const VERIFY: &str = r#"
import sys
from standardwebhooks import Webhook

secret, identity, timestamp, signature, body = sys.argv[1:]
headers = {"webhook-id": identity, "webhook-timestamp": timestamp, "webhook-signature": signature}
Webhook(secret).verify(body, headers)
for name, wrong in (("webhook-id", "other"), ("webhook-signature", "v1,AAAA")):
    try:
        Webhook(secret).verify(body, {**headers, name: wrong})
    except Exception:
        continue
    sys.exit("a wrong " + name + " was taken")
"#;

#[test]
fn the_official_library_takes_our_signature() {
    let Some(python) = testkit::python_with("standardwebhooks") else { return };
    let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    #[expect(clippy::disallowed_methods, reason = "the library compares with the system's clock")]
    let now = kernel::Timestamp::now().as_second();
    for body in ["{}", r#"{"title":"Checkout fails \u0000 ü","n":[1,2]}"#] {
        let signature = sign(secret, "page-12-1", now, body.as_bytes()).unwrap();
        let arguments = ["-c", VERIFY, secret, "page-12-1", &now.to_string(), &signature, body];
        let output = Command::new(&python).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}
