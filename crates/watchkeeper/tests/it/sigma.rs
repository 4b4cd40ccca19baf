//! Sigma rules of a running server: log events that come in by JSON lines and by syslog raise alerts, a responder's word on one
//! counts, and a restart changes nothing.

use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::hook::Hook;
use crate::server::{Base, Server, of};
use crate::shop;

const REFUND: &str = "
title: A refund without an order
id: 5c1d1c4e-0b7f-4a53-9d3a-0f7f8f6f0a01
level: critical
author: the <img src=x> shop
logsource: {category: shop}
detection:
  sel:
    action: refund
    order: null
  condition: sel
";

/// Rules of this kind are asked of what comes by syslog, with nothing said about its source.
const INVALID_USER: &str = "
title: Login of an unknown user
id: 5c1d1c4e-0b7f-4a53-9d3a-0f7f8f6f0a02
level: high
logsource: {product: linux, service: sshd}
detection:
  keywords: ['Invalid user']
  condition: keywords
";

const PIPELINE: &str = "
sources:
  - { when: { service.name: checkout }, category: shop }
labels: { service: checkout }
";

fn raised<'a>(alerts: &'a Value, title: &str) -> Option<&'a Value> {
    alerts.as_array()?.iter().find(|alert| alert["labels"]["alertname"] == title)
}

async fn lines(server: &Server, body: &str) {
    let request = server.request(Method::POST, "/v1/lines?service=checkout").body(body.to_owned());
    assert!(request.send().await.unwrap().status().is_success());
}

#[tokio::test]
async fn log_events_of_two_doors_raise_alerts_by_sigma_rules() {
    let syslog = format!("127.0.0.1:{}", testkit::free_port());
    let hook = Hook::start().await;
    let mut book = shop::book("webhook", &hook.url);
    book.push(("sigma/rules/shop/refund.yml", REFUND.to_owned()));
    book.push(("sigma/rules/linux/invalid_user.yml", INVALID_USER.to_owned()));
    book.push(("sigma.yaml", PIPELINE.to_owned()));
    let mut server = Server::open_with(Base::Sqlite, &book, &["--syslog", &syslog]).await;

    let token = "ghp_0123456789abcdefghijABCDEFGHIJ012345";
    let refund = json!({ "action": "refund", "order": null, "host": "till-<b>1", "note": token }).to_string();
    lines(&server, &format!("{refund}\n{refund}\n")).await;
    let alerts = server.until_get("/alerts", |alerts| raised(alerts, "A refund without an order").is_some()).await;
    let alert = raised(&alerts, "A refund without an order").unwrap();
    assert_eq!((&alert["labels"]["host"], &alert["labels"]["severity"]), (&json!("till-<b>1"), &json!("critical")));
    assert_eq!(alert["annotations"]["author"], "the <img src=x> shop");
    server.fact("PageOpened").await;

    let mut stream = TcpStream::connect(&syslog).await.unwrap();
    stream.write_all(b"<38>1 - gate sshd 77 - - Invalid user eve from 192.0.2.7 port 4000\n").await.unwrap();
    let alerts = server.until_get("/alerts", |alerts| raised(alerts, "Login of an unknown user").is_some()).await;
    assert_eq!(raised(&alerts, "Login of an unknown user").unwrap()["labels"]["host"], "gate");

    let fingerprint = alert["fingerprint"].as_str().unwrap();
    let rule = alert["labels"]["rule"].as_str().unwrap();
    let judged = ["sigma", "judge", rule, fingerprint, "false-positive", "--note", "a test", "--server", &server.url];
    let token = ["--token", &server.token];
    server.asked(&judged.iter().chain(&token).copied().collect::<Vec<_>>()).await;
    let rules = server.get("/sigma/rules?text=refund").await;
    assert_eq!((&rules[0]["judged"], &rules[0]["precision"]), (&json!(1), &json!(0.0)));
    assert_eq!(rules[0]["matches_24h"], 2);
    assert!(!rules.to_string().contains("ghp_"), "secrets are masked before rules see them");
    let page = server.page("/sigma").await;
    assert!(page.contains("A refund without an order") && page.contains("0 %, 1 judged"));
    assert!(!page.contains("<img src=x") && !page.contains("till-<b>"), "what rules and events say is escaped");
    assert!(server.page(&format!("/alerts/{fingerprint}")).await.contains("It was judged false."));

    server.restart().await;
    lines(&server, &refund).await;
    let path = "/sigma/rules?text=refund";
    while server.get(path).await[0]["matches_24h"] != 3 {
        lines(&server, "another line").await;
    }
    let facts = server.facts().await;
    assert_eq!(of(&facts, "SignalRaised").count(), 2, "what is raised is not raised again");
}

#[tokio::test]
async fn what_is_wrong_with_sigma_files_is_told_with_all_else() {
    let home = testkit::temp_dir();
    let write = |name: &str, text: &str| {
        let path = home.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    shop::book("webhook", "http://127.0.0.1:9/").iter().for_each(|(name, text)| write(name, text));
    write("sigma/rules/good.yml", REFUND);
    write("sigma/rules/odd.yml", "title: Odd\nlogsource: {product: x}\ndetection: {sel: {a: 1}, condition: other}\n");
    let check = async || {
        let mut command = crate::server::binary();
        command.args(["watchbook", "check"]).arg(home.path());
        let output = command.output().await.unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (code, said) = check().await;
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("sigma/rules/odd.yml:1:1: warning: Odd: the condition names `other`"), "{said}");

    write(
        "sigma/filters/all.yml",
        "title: All\nlogsource: {}\nfilter: {rules: any, sel: {a: 1}, condition: not sel}\n",
    );
    write("sigma/elsewhere.yml", "a: 1\n");
    write("sigma.yaml", "quiet: soon\nrules: { nobody: { mode: dark } }\n");
    let (code, said) = check().await;
    assert_eq!(code, Some(5), "{said}");
    for wanted in [
        "sigma/filters/all.yml:1:1: All: this filter has no owner",
        "sigma/elsewhere.yml:1:1: `sigma/elsewhere.yml` has no place in a watchbook",
        "sigma.yaml:1:8: `soon` is not a duration",
        "`dark` is not live or shadow",
    ] {
        assert!(said.contains(wanted), "{wanted}\n{said}");
    }
}

#[tokio::test]
async fn rules_are_tried_on_events_without_a_server() {
    let home = testkit::temp_dir();
    let (rules, events) = (home.path().join("rules"), home.path().join("events.jsonl"));
    std::fs::create_dir_all(&rules).unwrap();
    std::fs::write(rules.join("refund.yml"), REFUND).unwrap();
    std::fs::write(&events, "{\"action\":\"refund\",\"order\":null}\n{\"action\":\"sale\"}\nnonsense\n").unwrap();
    let mut command = crate::server::binary();
    command.args(["sigma", "match"]).arg(&rules).arg(&events).args(["--category", "shop", "--json"]);
    let output = command.output().await.unwrap();
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let found: Value = serde_json::from_str(out.trim()).unwrap_or_else(|error| panic!("{error}: {out}{err}"));
    assert_eq!((&found["event"], &found["title"]), (&json!(1), &json!("A refund without an order")));
    assert!(err.contains("events.jsonl:3: "), "{err}");
}
