//! The demo's monitored workload: a small shop that really serves, really calls itself, really measures, and can be broken on
//! purpose. Nothing of it knows Watchkeeper except the address to which its metrics go.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use kernel::Book;
use serde_json::json;
use tokio::net::TcpListener;

use crate::failure::Failure;

/// The services that run; the example watchbook's health checks name their ports.
const SERVICES: [&str; 3] = ["checkout", PAYMENTS, "storefront"];
/// The one that breaks.
const PAYMENTS: &str = "payments";
/// How often a customer buys something.
const ORDER_EVERY: Duration = Duration::from_millis(50);
/// How often each service says how it is.
const PUSH_EVERY: Duration = Duration::from_secs(1);

/// The running shop.
#[derive(Clone)]
pub struct Shop(Arc<Parts>);

struct Parts {
    /// Whether payments answers with errors.
    broken: AtomicBool,
    /// Calls to payments since the last push, and how many failed.
    calls: AtomicU64,
    errors: AtomicU64,
    client: reqwest::Client,
    otlp: String,
    /// Where payments takes payments.
    pay: String,
}

impl Shop {
    /// Opens the services, sends customers, and pushes metrics to an OTLP/HTTP address.
    ///
    /// # Errors
    /// When the watchbook checks no port of a service, or a port is taken.
    pub async fn open(otlp: String, book: &Book) -> Result<Self, Failure> {
        let pay = format!("http://127.0.0.1:{}/pay", port(book, PAYMENTS)?);
        let parts = Parts {
            broken: AtomicBool::new(false),
            calls: AtomicU64::new(0),
            errors: AtomicU64::new(0),
            client: reqwest::Client::new(),
            otlp,
            pay,
        };
        let shop = Self(Arc::new(parts));
        for name in SERVICES {
            let port = port(book, name)?;
            let listener = TcpListener::bind(("127.0.0.1", port)).await.map_err(|error| {
                let hint = "stop what uses it; the example watchbook names these ports";
                Failure::new(format!("{name} cannot listen on port {port}: {error}")).hint(hint)
            })?;
            let pay = name == PAYMENTS;
            let router = Router::new()
                .route("/health", get(move |shop: State<Self>| async move { shop.health(pay) }))
                .route("/pay", get(|shop: State<Self>| async move { shop.health(true) }))
                .with_state(shop.clone());
            tokio::spawn(async move { axum::serve(listener, router).await });
        }
        tokio::spawn(shop.clone().customers());
        tokio::spawn(shop.clone().measure());
        Ok(shop)
    }

    /// Makes payments fail.
    pub fn break_payments(&self) {
        self.0.broken.store(true, Ordering::Relaxed);
    }

    /// Makes payments work again.
    pub fn repair_payments(&self) {
        self.0.broken.store(false, Ordering::Relaxed);
    }

    fn health(&self, pay: bool) -> (StatusCode, &'static str) {
        if pay && self.0.broken.load(Ordering::Relaxed) {
            return (StatusCode::SERVICE_UNAVAILABLE, "the card gateway refuses our certificate\n");
        }
        (StatusCode::OK, "ok\n")
    }

    /// Customers buy: checkout calls payments over HTTP and counts what fails.
    async fn customers(self) {
        let mut ticks = tokio::time::interval(ORDER_EVERY);
        loop {
            ticks.tick().await;
            let answer = self.0.client.get(&self.0.pay).send().await;
            self.0.calls.fetch_add(1, Ordering::Relaxed);
            if !answer.is_ok_and(|response| response.status().is_success()) {
                self.0.errors.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// Pushes the measured share of failed calls by OTLP/HTTP.
    async fn measure(self) {
        let mut ticks = tokio::time::interval(PUSH_EVERY);
        loop {
            ticks.tick().await;
            let calls = self.0.calls.swap(0, Ordering::Relaxed);
            let errors = self.0.errors.swap(0, Ordering::Relaxed);
            if calls == 0 {
                continue;
            }
            #[expect(clippy::cast_precision_loss, reason = "a handful of calls a second")]
            let ratio = errors as f64 / calls as f64;
            // A push that fails is lost, as it is for any exporter; the next one comes in a second.
            let _ = self.0.client.post(&self.0.otlp).json(&metrics(ratio, calls)).send().await;
        }
    }
}

/// The port on which the watchbook looks for a service.
fn port(book: &Book, name: &str) -> Result<u16, Failure> {
    let check = book.checks.values().find(|check| check.service.as_str() == name);
    let port = check.and_then(|check| reqwest::Url::parse(check.probe.url()?).ok()?.port());
    let hint = "play the demo on the example watchbook, or on a copy of it";
    port.ok_or_else(|| Failure::new(format!("the watchbook checks no port of {name}")).hint(hint))
}

fn metrics(ratio: f64, calls: u64) -> serde_json::Value {
    let text = |key: &str, value: &str| json!({ "key": key, "value": { "stringValue": value } });
    let gauge = |name: &str, point: serde_json::Value| json!({ "name": name, "gauge": { "dataPoints": [point] } });
    json!({ "resourceMetrics": [{
        "resource": { "attributes": [text("service.name", "payments")] },
        "scopeMetrics": [{ "scope": { "name": "shop" }, "metrics": [
            gauge("shop_error_ratio", json!({ "asDouble": ratio })),
            gauge("shop_calls_per_second", json!({ "asInt": calls.to_string() })),
        ] }],
    }] })
}
