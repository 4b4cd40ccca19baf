//! Signatures against the published vectors of Standard Webhooks.

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
