//! Rule files and objectives of a running server: what they say, how noisy they are, and what is left out when one is bad.

use std::process::Output;

use reqwest::Method;
use serde_json::{Value, json};

use crate::server::{Base, Server, binary, told};
use crate::shop;

const RULES: &str = "
groups:
  - name: orders
    interval: 1s
    rules:
      - alert: FewOrders
        expr: orders < 1
        labels: { severity: warning, service: checkout }
        annotations: { summary: Hardly anybody orders }
";

const SLOS: &str = "
version: prometheus/v1
service: checkout
slos:
  - name: orders
    objective: 99.9
    interval: 1s
    sli: { raw: { error_ratio_query: 'avg_over_time(order_errors:ratio[{{.window}}])' } }
    alerting:
      name: OrdersBurn
      page_alert: { labels: { service: checkout } }
";

async fn run(arguments: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } = binary().args(arguments).output().await.unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

/// Says what two gauges are now.
async fn measure(server: &Server, orders: f64, errors: f64) {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos().to_string();
    let gauge = |name: &str, value: f64| json!({ "name": name, "gauge": { "dataPoints": [{ "asDouble": value, "timeUnixNano": now }] } });
    let metrics = [gauge("orders", orders), gauge("order_errors:ratio", errors)];
    let body = json!({ "resourceMetrics": [{ "scopeMetrics": [{ "metrics": metrics }] }] });
    told(server.request(Method::POST, "/v1/metrics").json(&body)).await;
}

#[tokio::test]
async fn objectives_burn_and_rules_are_noisy() {
    let nowhere = format!("http://127.0.0.1:{}/", testkit::free_port());
    let mut book = shop::book("webhook", &nowhere);
    book.push(("prometheus/orders.yaml", RULES.to_owned()));
    book.push(("slo/checkout.yaml", SLOS.to_owned()));
    let server = Server::open(Base::Sqlite, &book).await;
    let slos = server.get("/slos").await;
    assert_eq!(
        (&slos[0]["name"], &slos[0]["burning"], &slos[0]["file"]),
        (&json!("orders"), &json!("unknown"), &json!("slo/checkout.yaml"))
    );
    measure(&server, 0.0, 0.5).await;
    server.fact("PageOpened").await;
    let slos = server.until_get("/slos", |slos| slos[0]["burning"] == "page").await;
    assert!(slos[0]["burn_rate"].as_f64().is_some_and(|rate| (rate - 500.0).abs() < 1.0), "{slos}");
    assert_eq!(slos[0]["burns"].as_array().map(Vec::len), Some(4));
    server.until_get("/slos", |slos| slos[0]["budget_left"].as_f64().is_some_and(|left| left < 0.0)).await;
    let status = server.cli_of(&["slo", "status"]).await;
    assert!(status.contains("BURN RATE") && status.contains("page"), "{status}");

    let page = server.until("a page about few orders", |facts| {
        facts
            .iter()
            .find(|fact| fact["body"]["PageOpened"]["title"].as_str().is_some_and(|title| title.contains("FewOrders")))
            .cloned()
    });
    let page = page.await["body"]["PageOpened"]["page"].as_u64().unwrap();
    server.post(&format!("/pages/{page}/acknowledge"), json!({ "note": "looking" })).await;
    let report = server.get("/rules/noise?since=1d").await;
    let of = |name: &str| -> Value {
        report["rules"].as_array().unwrap().iter().find(|rule| rule["rule"] == name).cloned().unwrap()
    };
    assert_eq!(
        (of("FewOrders")["firings"].as_u64(), of("FewOrders")["paged"].as_u64()),
        (Some(1), Some(1)),
        "{report}"
    );
    assert_eq!(of("OrdersBurn")["file"], "slo/checkout.yaml");
    let noise = server.cli_of(&["rules", "noise", "--since", "1d"]).await;
    assert!(noise.contains("FewOrders") && noise.contains("ACTED ON"), "{noise}");
    let screen = server.page("/rules/orders/FewOrders").await;
    assert!(screen.contains("Noise") && screen.contains("Firing"), "{screen}");
    assert!(server.page("/slos").await.contains("Burns fast"));
    assert!(server.page("/rules").await.contains("checkout-orders"));
}

#[tokio::test]
async fn a_bad_rule_is_left_out_when_the_watchbook_says_so() {
    let nowhere = format!("http://127.0.0.1:{}/", testkit::free_port());
    let mut book = shop::book("webhook", &nowhere);
    let bad = format!(
        "{RULES}      - alert: Unreadable\n        expr: orders > 9\n        annotations: {{ summary: '{{{{ .Nothing | nothing }}}}' }}\n"
    );
    book.push(("prometheus/orders.yaml", bad.clone()));
    book.iter_mut()
        .filter(|(name, _)| *name == "watchkeeper.yaml")
        .for_each(|(_, text)| text.push_str("on_bad_rule: load_the_rest\n"));
    let server = Server::open(Base::Sqlite, &book).await;
    let live = server.get("/watchbook").await;
    assert!(live["left_out"][0]["what"].as_str().is_some_and(|what| what.contains("Unreadable")), "{live}");
    let rules = server.page("/rules").await;
    assert!(rules.contains("Left out") && rules.contains("FewOrders"), "{rules}");
    let directory = server.book().display().to_string();
    let (code, said, _) = run(&["watchbook", "check", &directory]).await;
    assert!(code == Some(0) && said.contains("[RF013]") && said.contains("left out"), "{said}");
    let (code, said, _) = run(&["watchbook", "check", "--on-bad-rule", "refuse", &directory]).await;
    assert!(code == Some(5) && said.contains("prometheus/orders.yaml:10"), "{said}");
    server.write("prometheus/again.yaml", RULES);
    let (_, said, _) = run(&["watchbook", "check", &directory]).await;
    assert!(
        said.contains("[RF014]")
            && said.contains("prometheus/again.yaml:6")
            && said.contains("prometheus/orders.yaml:6"),
        "{said}"
    );
}

#[tokio::test]
async fn rules_of_objectives_take_windows_and_plugins_from_files() {
    let place = testkit::temp_dir();
    let write = |name: &str, text: &str| {
        let path = place.path().join(name);
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let slo = write(
        "slo.yaml",
        "version: prometheus/v1\nservice: shop\nslos:\n- name: orders\n  objective: 99\n  sli: { plugin: { id: mine, options: { job: web } } }\n  alerting: { name: Burns }\n  watchkeeper: { period: 7d }\n",
    );
    let windows = write(
        "windows.yaml",
        "apiVersion: sloth.slok.dev/v1\nkind: AlertWindows\nspec:\n  sloPeriod: 7d\n  page:\n    quick: { errorBudgetPercent: 8, shortWindow: 7m, longWindow: 1h }\n    slow: { errorBudgetPercent: 12.5, shortWindow: 30m, longWindow: 6h }\n  ticket:\n    quick: { errorBudgetPercent: 20, shortWindow: 2h, longWindow: 1d }\n    slow: { errorBudgetPercent: 42, shortWindow: 6h, longWindow: 3d }\n",
    );
    let plugins = write("plugins.yaml", "mine: 'errors:ratio{job=\"{{.options.job}}\"}[{{.window}}]'\n");
    let (code, _, said) = run(&["slo", "generate", &slo]).await;
    assert!(code == Some(5) && said.contains("`mine`"), "a plugin that nobody gives: {said}");
    let (code, rules, said) = run(&["slo", "generate", &slo, "--windows", &windows, "--plugins", &plugins]).await;
    assert_eq!(code, Some(0), "{said}");
    assert!(rules.contains("errors:ratio{job=\\\"web\\\"}[7m]"), "{rules}");
    assert!(rules.contains("slo:sli_error:ratio_rate7m") && rules.contains("(13.44 * 0.01)"), "{rules}");
    let bad = write("bad.yaml", "apiVersion: sloth.slok.dev/v1\nkind: AlertWindows\nspec: { sloPeriod: 7d }\n");
    let (code, _, said) = run(&["slo", "generate", &slo, "--windows", &bad, "--plugins", &plugins]).await;
    assert!(code == Some(5) && said.contains("bad.yaml"), "{said}");
}
