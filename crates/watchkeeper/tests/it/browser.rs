//! The screens as people use them, in a real browser: the whole path by clicking, the first minutes by keyboard alone, reading
//! without JavaScript, and every screen on a phone.

use axum::Router;
use axum::routing::post;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::driver::{Browser, ENTER, ESCAPE, Kind, TAB};
use crate::server::{Base, Server, of, told};
use crate::shop;

/// A check that succeeds once a second, so that there are samples.
const CHECKS: &str = "
port: { service: checkout, tcp: { address: \"ADDRESS\" }, every: 1s }
";
/// A rule that fires on them.
const RULES: &str = "
groups:
  - name: ports
    interval: 1s
    rules:
      - alert: PortUp
        expr: check_up > 0
        labels: { service: checkout, severity: info }
";

/// An objective of the check.
const OBJECTIVE: &str = "
version: prometheus/v1
service: checkout
slos:
  - name: answers
    objective: 99.9
    description: The port answers.
    sli: { raw: { error_ratio_query: '1 - avg_over_time(check_up[{{.window}}])' } }
    alerting: { name: AnswersBurn, labels: { service: checkout } }
";
/// A security rule that the log event of these tests meets.
const REFUND: &str = "
title: A refund without an order
id: 5c1d1c4e-0b7f-4a53-9d3a-0f7f8f6f0a01
level: low
logsource: { category: shop }
detection: { sel: { action: refund }, condition: sel }
";
const SIGMA: &str = "
sources:
  - { when: { service.name: checkout }, category: shop }
";

const PASSWORD: &str = "lanterns on the harbour";
/// How many times the Tab key is pressed at most to come to something.
const TABS_MAX: usize = 40;

/// A server whose messages are all taken, and the link by which Ada sets a new password.
async fn open() -> (Server, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let pager = format!("http://{address}/");
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/", post(async || "taken"))).await });
    let mut book = shop::book("webhook", &pager);
    book.push(("checks.yaml", CHECKS.replace("ADDRESS", &address)));
    let mut server = Server::open(Base::Sqlite, &book).await;
    server.terminate().await;
    let book = server.book();
    let link = server.cli(&["invite", "ada", "--url", &server.url, "--watchbook", book.to_str().unwrap()]).await;
    server.start().await;
    (server, link.trim().to_owned())
}

/// Sets the password behind the link, and is logged in.
async fn enter(browser: &Browser, link: &str) {
    browser.go(link).await;
    browser.fill("#invite-password", PASSWORD).await;
    browser.fill("#invite-again", PASSWORD).await;
    browser.click("//button[.='Set password and log in']").await;
    browser.sees("//h1[.='Now']").await;
}

/// Sends the alert of these tests as Prometheus does, firing or resolved.
async fn alert(server: &Server, firing: bool) {
    let ends_at = (!firing).then_some("2026-01-01T00:00:00Z");
    let starts_at = (!firing).then_some("2025-12-31T00:00:00Z");
    let alert = json!({
        "labels": { "alertname": "CardsRefused", "service": "checkout", "severity": "critical" },
        "annotations": { "summary": "Cards are refused" }, "startsAt": starts_at, "endsAt": ends_at,
    });
    told(server.request(Method::POST, "/api/v2/alerts").json(&json!([alert]))).await;
}

/// The browser had no complaint, and asked nobody but the server.
async fn assert_clean(browser: &Browser, server: &Server) {
    assert_eq!(browser.complaints().await, Vec::<String>::new());
    let (requests, ours) = (browser.requests().await, format!("{}/", server.url));
    // The browser's own first page is within the browser.
    let within = |url: &&String| ["data:", "chrome://"].iter().any(|scheme| url.starts_with(scheme));
    let foreign: Vec<_> = requests.iter().filter(|url| !url.starts_with(&ours) && !within(url)).collect();
    assert_eq!(foreign, Vec::<&String>::new());
    assert!(requests.iter().any(|url| url.ends_with("/live")), "the screens were live");
}

#[tokio::test]
async fn a_person_clicks_the_whole_path() {
    let Some(browser) = Browser::open(Kind::Desktop).await else { return };
    let (server, link) = open().await;
    enter(&browser, &link).await;
    page(&browser, &server).await;
    command(&browser).await;
    tell_customers(&browser).await;
    end(&browser, &server).await;
    review(&browser).await;
    prove(&browser).await;
    browser.click(".self a").await;
    browser.click("//button[.='Log out']").await;
    browser.sees("#login-person").await;
    browser.go(&server.url).await;
    browser.sees("#login-person").await;
    assert_clean(&browser, &server).await;
}

/// An alert shows up on *Now* by itself; its page is opened and acknowledged.
async fn page(browser: &Browser, server: &Server) {
    browser.reads("All quiet.").await;
    browser.script("window.before = true").await;
    alert(server, true).await;
    browser.sees("//*[@id='now']//a[.='Cards are refused']").await;
    assert_eq!(browser.script("return window.before").await, json!(true), "the page was not loaded again");
    browser.click("[id^=page-]").await;
    browser.click("#page-view [id^=ack-]").await;
    browser.sees("//dt[.='Acknowledged by']/following-sibling::dd[contains(., 'Ada Lindqvist')]").await;
}

/// Takes command in the incident room, corrects the severity, writes a note.
async fn command(browser: &Browser) {
    browser.click("//a[contains(., 'INC-1')]").await;
    browser.click("#take-command").await;
    browser.reads("that is you").await;
    browser.click("//summary[.='Severity']").await;
    browser.click("//select[@id='severity-severity']/option[.='P2']").await;
    browser.fill("#severity-why", "bank transfers still work").await;
    browser.click("//form[contains(@action, '/severity')]//button").await;
    browser.sees("//*[@id='room-head'][.//*[.='P2'] and contains(., 'bank transfers still work')]").await;
    browser.fill("#note-text", "The certificate has expired").await;
    browser.click("//button[.='Add note']").await;
    browser.sees("//*[@id='timeline']//p[.='The certificate has expired']").await;
}

/// Words an update anew, publishes it, and reads it where customers do.
async fn tell_customers(browser: &Browser) {
    browser.click("//summary[.='Revise the draft']").await;
    browser.fill("#draft-text", "Cards are refused at the moment. We are working on it.").await;
    browser.click("//button[.='Save draft']").await;
    browser.sees("//*[@id='draft']//p[contains(., 'Cards are refused at the moment')]").await;
    browser.click("#publish").await;
    browser.sees("//*[@id='published']//p[contains(., 'Cards are refused at the moment')]").await;
    browser.click("//header/a[.='Status page']").await;
    browser.sees("//main[@id='status']//p[contains(., 'Cards are refused at the moment')]").await;
    browser.sees("//*[contains(@class, 'comp')][contains(., 'Orders')][contains(., 'Major outage')]").await;
}

/// The alert is over, and so is the incident.
async fn end(browser: &Browser, server: &Server) {
    browser.go(&format!("{}/incidents/1", server.url)).await;
    alert(server, false).await;
    browser.sees("//*[@id='room-pages']//*[.='Closed']").await;
    browser.click("//summary[.='Mitigated']").await;
    browser.fill("#mitigate-how", "the certificate was renewed").await;
    browser.click("//button[.='It is mitigated']").await;
    browser.sees("//*[@id='room-head']//*[.='Mitigated']").await;
    browser.click("//summary[.='Resolve']").await;
    browser.fill("#resolve-how", "no card was refused for ten minutes").await;
    browser.click("//button[.='It is resolved']").await;
    browser.sees("//*[@id='room-head']//*[.='Resolved']").await;
}

/// Writes the review, adds an action, publishes, and reads it as a document.
async fn review(browser: &Browser) {
    browser.click("//a[.='Open the review']").await;
    let sections = [
        ("summary", "Cards were refused because a certificate had expired."),
        ("impact", "Nobody could pay by card."),
        ("contributing_factors", "The certificate was renewed by hand."),
    ];
    for (section, text) in sections {
        browser.fill(&format!("#{section}-text"), text).await;
        browser.click(&format!("#section-{section} button")).await;
        browser.sees(&format!("//textarea[@id='{section}-text'][.='{text}']")).await;
    }
    browser.click("//summary[.='Add an action']").await;
    browser.fill("#action-title", "Renew certificates by a program").await;
    browser.fill("#action-due", "12152099").await;
    browser.click("//form[contains(@action, '/actions')]//button[.='Add']").await;
    browser.sees("//*[@id='action-1'][contains(., 'due 2099-12-15')]").await;
    browser.click("//button[.='Publish']").await;
    browser.sees("//*[contains(@class, 'chip')][.='Published']").await;
    browser.sees("//p[contains(@class, 'prose')][contains(., 'a certificate had expired')]").await;
}

/// Opens the newest fact of the journal and its proof.
async fn prove(browser: &Browser) {
    browser.click("//nav//a[contains(., 'Journal')]").await;
    browser.click("#facts tbody tr:nth-child(1) a").await;
    browser.sees("//h1[contains(., 'ReviewPublished')]").await;
    browser.sees("//h3[.='Signed checkpoint']/following-sibling::pre[contains(., 'watchkeeper')]").await;
}

/// Adds a rule over the check, an objective, a security rule, and log events, so that every screen about monitoring has
/// something to show; waits until the rule fires.
async fn monitored(server: &Server) {
    server.write("prometheus/ports.yaml", RULES);
    server.write("slo/checkout.yaml", OBJECTIVE);
    server.write("sigma/rules/refund.yml", REFUND);
    server.write("sigma.yaml", SIGMA);
    server.signal("HUP");
    let named = |fact: &&Value| fact["body"]["AlertOpened"]["labels"]["alertname"] == "PortUp";
    server.until("PortUp", |facts| of(facts, "AlertOpened").find(named).cloned()).await;
    let line = r#"{"level":"error","msg":"the card was refused","order":17}"#;
    let refund = r#"{"level":"info","msg":"refund of order 18 by till 2","action":"refund"}"#;
    told(server.request(Method::POST, "/v1/lines?service=checkout").body(format!("{line}\n{refund}\n"))).await;
}

/// Reads the noise of a rule, the budget of an objective, judges what a security rule found, and goes from a pattern to its
/// log events.
#[tokio::test]
async fn a_person_looks_at_what_was_found_by_clicking() {
    let Some(browser) = Browser::open(Kind::Desktop).await else { return };
    let (server, link) = open().await;
    monitored(&server).await;
    enter(&browser, &link).await;
    browser.click("//nav//a[contains(., 'Rules')]").await;
    browser.click("//*[@id='rules']//a[.='PortUp']").await;
    browser.sees("//h1[.='PortUp']").await;
    browser.sees("//h2[.='Noise']/ancestor::section//dt[.='fired']/following-sibling::dd[contains(., 'once')]").await;
    browser.click("//a[@class='crumb'][.='Rules']").await;
    browser.click("//main//a[@href='/slos']").await;
    browser.sees("//h1[.='SLOs']").await;
    browser.sees("//section[.//h2[.='checkout · answers']]//dt[.='budget left']").await;
    browser.click("//a[.='its rules']").await;
    browser.sees("//h1[.='Rules']").await;
    browser.sees("//*[@id='rules']//a[.='AnswersBurn']").await;
    browser.click("//nav//a[contains(., 'Security')]").await;
    browser.sees("//*[@id='sigma']//tr[contains(., 'A refund without an order')]").await;
    browser.click("//*[@id='sigma']//button[.='Right']").await;
    browser.sees("//*[@id='sigma']//td[contains(., '100 %, 1 judged')]").await;
    browser.click("//nav//a[contains(., 'Logs')]").await;
    browser.click("//nav[@aria-label='Views of logs']/a[.='Patterns']").await;
    browser.sees("//h1[.='Log patterns']").await;
    browser.click("//*[@id='patterns']//a[.='the card was refused']").await;
    browser.reads("Only events of the pattern").await;
    browser.sees("//*[@id='events']//*[.='the card was refused']").await;
    assert_clean(&browser, &server).await;
}

#[tokio::test]
async fn a_person_looks_at_what_was_found_by_keyboard_alone() {
    let Some(browser) = Browser::open(Kind::Desktop).await else { return };
    let (server, link) = open().await;
    monitored(&server).await;
    enter(&browser, &link).await;
    browser.press("gu").await;
    browser.sees("//h1[.='Rules']").await;
    browser.press(&format!("/PortUp{ENTER}")).await;
    browser.sees("//input[@id='text'][@value='PortUp']").await;
    tab_to(&browser, "PortUp").await;
    browser.press(ENTER).await;
    browser.sees("//h2[.='Noise']").await;
    browser.press("gu").await;
    browser.sees("//input[@id='text'][@value='']").await;
    tab_to(&browser, "1 SLO").await;
    browser.press(ENTER).await;
    browser.sees("//h1[.='SLOs']").await;
    browser.press("gd").await;
    browser.sees("//*[@id='sigma']//button[.='Right']").await;
    browser.press("/").await;
    tab_to(&browser, "Right").await;
    browser.press(ENTER).await;
    browser.sees("//*[@id='sigma']//td[contains(., '100 %, 1 judged')]").await;
    browser.press("gl").await;
    browser.sees("//h1[.='Logs']").await;
    browser.press("p").await;
    browser.sees("//h1[.='Log patterns']").await;
    browser.press(&format!("/refused{ENTER}")).await;
    browser.sees("//input[@id='text'][@value='refused']").await;
    tab_to(&browser, "the card was refused").await;
    browser.press(ENTER).await;
    browser.reads("Only events of the pattern").await;
    assert_clean(&browser, &server).await;
}

/// Looks at a rule, plots its query, finds the words of a log event, and sees what a check found.
#[tokio::test]
async fn a_person_looks_at_what_is_monitored_by_clicking() {
    let Some(browser) = Browser::open(Kind::Desktop).await else { return };
    let (server, link) = open().await;
    monitored(&server).await;
    enter(&browser, &link).await;
    browser.click("//nav//a[contains(., 'Rules')]").await;
    browser.sees("//*[@id='rules']//*[contains(@class, 'chip')][.='1 firing']").await;
    browser.fill("#text", "nothing is called so").await;
    browser.click("//button[.='Look']").await;
    browser.reads("No rule here is like that").await;
    browser.fill("#text", "PortUp").await;
    browser.click("//button[.='Look']").await;
    browser.click("//a[@title='Plot it']").await;
    browser.sees("//section[@id='answer']//*[name()='path']").await;
    browser.fill("#query", "sum by (").await;
    browser.click("//button[.='Ask']").await;
    browser.sees("//*[@role='alert'][contains(., 'sum by (') or contains(., 'parse')]").await;
    browser.click("//nav//a[contains(., 'Logs')]").await;
    browser.fill("#text", "refused").await;
    browser.click("//button[.='Look']").await;
    browser.sees("//*[@id='events']//*[.='the card was refused']").await;
    browser.click("//nav//a[contains(., 'Checks')]").await;
    browser.sees("//*[@id='checks']//*[contains(@class, 'chip')][.='Healthy']").await;
    assert_clean(&browser, &server).await;
}

/// Replays the live rule, reads what it would have done, and replays the suggestion's place: the same rules again, changed.
#[tokio::test]
async fn a_person_replays_a_rule_by_clicking() {
    let Some(browser) = Browser::open(Kind::Desktop).await else { return };
    let (server, link) = open().await;
    monitored(&server).await;
    enter(&browser, &link).await;
    browser.go(&format!("{}/rules", server.url)).await;
    browser.click("//a[.='backtest']").await;
    browser.sees("//textarea[@id='rules'][contains(., 'alert: PortUp')]").await;
    browser.click("#replay").await;
    browser.sees("//*[@id='rule-1']//dt[.='Firings']/following-sibling::dd[.='1']").await;
    browser.sees("//*[@id='rule-1']//*[name()='rect'][@class='band']").await;
    browser.click("//a[.='Change the rules']").await;
    browser.fill("#compare", &RULES.replace("> 0", "> 5")).await;
    browser.click("#replay").await;
    browser.sees("//*[@id='difference']//td[.='ports/PortUp']/following-sibling::td[.='0']").await;
    browser.click("//nav//a[contains(., 'Rules')]").await;
    browser.click("//div[@class='acts']/a[.='Backtest']").await;
    browser.sees("//*[@id='before']//a[contains(@href, '/backtest/2')]").await;
    assert_clean(&browser, &server).await;
    // The browser itself complains of the refusal's status.
    browser.fill("#rules", "groups: 5").await;
    browser.click("#replay").await;
    browser.sees("#backtest-rules-wrong").await;
}

#[tokio::test]
async fn a_person_looks_at_what_is_monitored_by_keyboard_alone() {
    let Some(browser) = Browser::open(Kind::Desktop).await else { return };
    let (server, link) = open().await;
    monitored(&server).await;
    enter(&browser, &link).await;
    for (keys, title) in [("gu", "Rules"), ("gc", "Checks"), ("gl", "Logs"), ("ge", "Explore")] {
        browser.press(keys).await;
        browser.sees(&format!("//h1[.='{title}']")).await;
    }
    browser.press("/").await;
    assert_eq!(focus(&browser).await, "query");
    browser.press("check_up").await;
    tab_to(&browser, "Ask").await;
    browser.press(ENTER).await;
    browser.sees("//section[@id='answer']//*[name()='path']").await;
    browser.press("gu").await;
    browser.sees("//h1[.='Rules']").await;
    browser.press("b").await;
    browser.sees("//h1[.='Backtest']").await;
    tab_to(&browser, "rule").await;
    tab_to(&browser, "Take it").await;
    browser.press(ENTER).await;
    browser.sees("//textarea[@id='rules'][contains(., 'alert: PortUp')]").await;
    tab_to(&browser, "replay").await;
    browser.press(ENTER).await;
    browser.sees("//*[@id='rule-1']//dt[.='Firings']/following-sibling::dd[.='1']").await;
    browser.press("e").await;
    browser.sees("//textarea[@id='rules'][contains(., 'alert: PortUp')]").await;
    assert_clean(&browser, &server).await;
}

/// The id of whatever has the focus, or its words when it has none.
async fn focus(browser: &Browser) -> String {
    let focus = browser.script("const e = document.activeElement; return e.id || e.textContent.trim()").await;
    focus.as_str().unwrap().to_owned()
}

/// Presses Tab until something has the focus.
async fn tab_to(browser: &Browser, wanted: &str) {
    let mut passed = Vec::new();
    for _ in 0..TABS_MAX {
        browser.press(TAB).await;
        passed.push(focus(browser).await);
        if passed.last().is_some_and(|focus| focus == wanted) {
            return;
        }
    }
    panic!("{wanted} was not reached: {passed:?}");
}

#[tokio::test]
async fn a_person_logs_in_and_acknowledges_by_keyboard_alone() {
    let Some(browser) = Browser::open(Kind::Desktop).await else { return };
    let (server, link) = open().await;
    alert(&server, true).await;
    server.fact("PageOpened").await;
    browser.go(&link).await;
    browser.press(&format!("{PASSWORD}{TAB}{PASSWORD}{ENTER}")).await;
    browser.sees("//h1[.='Now']").await;
    browser.press(TAB).await;
    assert_eq!(focus(&browser).await, "Skip to the screen");
    browser.press(ENTER).await;
    assert_eq!(focus(&browser).await, "main");
    browser.press("?").await;
    browser.sees("//dialog//dt[.='Acknowledge the first open page']").await;
    browser.press(ESCAPE).await;
    browser.press("gj").await;
    browser.sees("//h1[.='Journal']").await;
    browser.press("gn").await;
    browser.sees("//h1[.='Now']").await;
    browser.press("j").await;
    assert_eq!(focus(&browser).await, "inc-1");
    tab_to(&browser, "ack-1").await;
    browser.press(ENTER).await;
    browser.sees("//*[@id='now']//*[contains(@class, 'chip')][.='Acknowledged']").await;
    assert_eq!(of(&server.facts().await, "PageAcknowledged").next().unwrap()["actor"], "person:ada");
    assert_clean(&browser, &server).await;
}

/// Every screen, and words that must be on it.
const SCREENS: [(&str, &str); 28] = [
    ("/", "Cards are refused"),
    ("/incidents", "INC-1"),
    ("/incidents/1", "nobody can order"),
    ("/incidents/new", "Declare an incident"),
    ("/pages/1", "Who was told"),
    ("/oncall", "The shifts in words"),
    ("/services", "taking orders"),
    ("/services/checkout", "Whom it pages"),
    ("/silences", "New silence"),
    ("/reviews", "Open actions"),
    ("/traces", "POST /orders/with/a/long/path"),
    ("/traces/5b8efff798038103d269b633813fc60c", "Its log events"),
    ("/rules", "PortUp"),
    ("/rules/ports/PortUp", "by the journal since"),
    ("/slos", "budget left"),
    ("/sigma", "A refund without an order"),
    ("/logs/patterns", "the card was refused"),
    ("/backtest", "A live rule"),
    ("/backtest/1", "As written"),
    ("/checks", "Healthy"),
    ("/explore?query=check_up", "1 series"),
    ("/logs", "the card was refused"),
    ("/journal", "IncidentDeclared"),
    ("/journal/0", "Signed checkpoint"),
    ("/me", "Your next shifts"),
    ("/admin/tokens", "Invite a person"),
    ("/keys", "Take command"),
    ("/status", "Orders"),
];

/// Sends a trace of a span and a part of it, as an SDK does.
async fn trace(server: &Server) {
    let now = server.get("/now").await["at"].as_str().unwrap().parse::<kernel::Timestamp>().unwrap().as_nanosecond();
    let span = |id: &str, parent: &str, name: &str, ago: i128| {
        json!({ "traceId": "5b8efff798038103d269b633813fc60c", "spanId": id, "parentSpanId": parent, "name": name,
                "startTimeUnixNano": (now - ago).to_string(), "endTimeUnixNano": now.to_string() })
    };
    let name = format!("POST /orders/with/a/long/path/{}", "and-no-place-to-break".repeat(8));
    let spans =
        [span("eee19b7ec3c1b173", "", &name, 2_000_000), span("eee19b7ec3c1b174", "eee19b7ec3c1b173", "pay", 500)];
    let body = json!({ "resourceSpans": [{ "scopeSpans": [{ "spans": spans }] }] });
    told(server.request(Method::POST, "/v1/traces").json(&body)).await;
}

/// Looks at every screen with an incident going on.
async fn look_at_all(browser: &Browser, server: &Server, link: &str) -> Vec<Value> {
    trace(server).await;
    alert(server, true).await;
    server.fact("IncidentDeclared").await;
    monitored(server).await;
    enter(browser, link).await;
    browser.go(&format!("{}/backtest?rule=ports%2FPortUp", server.url)).await;
    browser.click("#replay").await;
    browser.reads("As written").await;
    let mut widths = Vec::new();
    for (path, words) in SCREENS {
        browser.go(&format!("{}{path}", server.url)).await;
        browser.reads(words).await;
        let width = browser.script("return document.documentElement.scrollWidth - window.innerWidth").await;
        widths.push(json!([path, width]));
    }
    widths
}

#[tokio::test]
async fn every_screen_is_read_without_javascript() {
    let Some(browser) = Browser::open(Kind::WithoutJavaScript).await else { return };
    let (server, link) = open().await;
    look_at_all(&browser, &server, &link).await;
    browser.go(&server.url).await;
    browser.click("[id^=ack-]").await;
    browser.reads("Acknowledged").await;
    let requests = browser.requests().await;
    assert!(!requests.iter().any(|url| url.ends_with("/live")), "no script ran: {requests:?}");
}

#[tokio::test]
async fn no_screen_is_wider_than_a_phone() {
    let Some(browser) = Browser::open(Kind::Phone).await else { return };
    let (server, link) = open().await;
    let widths = look_at_all(&browser, &server, &link).await;
    let wide: Vec<_> = widths.iter().filter(|one| one[1] != 0).collect();
    assert_eq!(wide, Vec::<&Value>::new());
    assert_clean(&browser, &server).await;
}
