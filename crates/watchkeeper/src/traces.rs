//! The server's own traces, sent by OTLP over HTTP when `OTEL_EXPORTER_OTLP_ENDPOINT` or its variant for traces is set; the
//! other variables of OpenTelemetry's specification hold as well. A collector that is away costs spans and one line in the
//! log, never a request. Attributes name routes, commands and channels; no paths, people or texts.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::extract::{MatchedPath, Request};
use axum::http::{HeaderMap, Method};
use axum::middleware::Next;
use axum::response::Response;
use opentelemetry::propagation::{Extractor, TextMapPropagator as _};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::SpanExporter as Otlp;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter};
use tokio::runtime::Handle;
use tracing::field::Empty;
use tracing::{Instrument as _, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

/// The name under which the spans are found, unless `OTEL_SERVICE_NAME` says another.
const SERVICE: &str = "watchkeeper";
/// The crates whose spans are sent.
const OURS: [&str; 4] = ["engine", "store", "watchkeeper", "web"];
/// How long stopping waits for the last spans.
const FLUSH_MAX: Duration = Duration::from_secs(5);

/// Where spans go.
#[derive(Debug, Clone)]
pub struct Traces(SdkTracerProvider);

impl Traces {
    /// Sends spans where the environment says; `None` when it says nothing. Call it on the runtime that is to send them.
    ///
    /// # Errors
    /// When what the environment says cannot be used.
    pub fn from_env() -> Result<Option<Self>, String> {
        let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let endpoint =
            set("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT").or_else(|| set(opentelemetry_otlp::OTEL_EXPORTER_OTLP_ENDPOINT));
        let off = set("OTEL_SDK_DISABLED").is_some_and(|value| value.eq_ignore_ascii_case("true"))
            || set("OTEL_TRACES_EXPORTER").is_some_and(|value| value == "none");
        if endpoint.is_none() || off {
            return Ok(None);
        }
        let otlp = Otlp::builder().with_http().build().map_err(|error| error.to_string())?;
        let runtime = Handle::try_current().map_err(|error| error.to_string())?;
        let sender = Sender { otlp: Arc::new(otlp), runtime, away: AtomicBool::new(false) };
        let provider = SdkTracerProvider::builder().with_batch_exporter(sender).with_resource(resource());
        Ok(Some(Self(provider.build())))
    }

    /// What hands spans of ours over; events stay in the log.
    pub fn layer<S>(&self) -> impl Layer<S> + use<S>
    where
        S: Subscriber + for<'span> LookupSpan<'span>,
    {
        let ours = |target: &str| OURS.contains(&target.split("::").next().unwrap_or(target));
        tracing_opentelemetry::layer()
            .with_tracer(self.0.tracer(SERVICE))
            .with_location(false)
            .with_threads(false)
            .with_target(false)
            .with_tracked_inactivity(false)
            .with_filter(filter_fn(move |about| about.is_span() && ours(about.target())))
    }

    /// Sends what is left, and ends.
    pub async fn flush(self) {
        let flushing = tokio::task::spawn_blocking(move || self.0.shutdown_with_timeout(FLUSH_MAX));
        if let Ok(Err(error)) = flushing.await {
            tracing::warn!(%error, "the last spans may not have been sent");
        }
    }
}

/// What the environment says about this process, with our own name where it says none.
fn resource() -> Resource {
    let told = Resource::builder().build();
    let name = told.get(&opentelemetry::Key::from_static_str("service.name")).map(|name| name.to_string());
    // What the SDK says when nobody has said anything.
    if name.is_some_and(|name| !name.starts_with("unknown_service")) {
        return told;
    }
    Resource::builder().with_service_name(SERVICE).build()
}

/// Sends batches on the server's own runtime, because the SDK's thread has none, and says once when nobody takes them.
#[derive(Debug)]
struct Sender {
    otlp: Arc<Otlp>,
    runtime: Handle,
    away: AtomicBool,
}

impl SpanExporter for Sender {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let (otlp, spans) = (Arc::clone(&self.otlp), batch.len());
        let sent = self.runtime.spawn(async move { otlp.export(batch).await }).await;
        let sent = sent.unwrap_or_else(|error| Err(OTelSdkError::InternalFailure(error.to_string())));
        match (&sent, self.away.swap(sent.is_err(), Ordering::Relaxed)) {
            (Err(error), false) => {
                tracing::warn!(%error, spans, "spans are lost: the trace collector does not take them");
            }
            (Ok(()), true) => tracing::info!("the trace collector takes spans again"),
            _ => {}
        }
        // What is lost has been said; the SDK would say it again for each batch.
        Ok(())
    }

    fn set_resource(&mut self, resource: &Resource) {
        if let Some(otlp) = Arc::get_mut(&mut self.otlp) {
            otlp.set_resource(resource);
        }
    }
}

/// Gives each request its span, under the caller's when the request names one.
pub async fn request(request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let method = method(request.method());
    let span = tracing::debug_span!(
        "request",
        otel.name = format!("{method} {route}").trim_end(),
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = method,
        http.route = route,
        http.response.status_code = Empty,
    );
    let parent = TraceContextPropagator::new().extract(&Headers(request.headers()));
    if let Err(error) = span.set_parent(parent) {
        tracing::debug!(%error, "a request's trace begins here");
    }
    let response = next.run(request).instrument(span.clone()).await;
    span.record("http.response.status_code", i64::from(response.status().as_u16()));
    if response.status().is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
    response
}

/// A method by its known name: what a caller makes up is not an attribute.
fn method(method: &Method) -> &str {
    match *method {
        Method::GET | Method::HEAD | Method::POST | Method::PUT | Method::PATCH | Method::DELETE | Method::OPTIONS => {
            method.as_str()
        }
        _ => "_OTHER",
    }
}

/// A request's headers, as the propagator reads them.
struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(axum::http::HeaderName::as_str).collect()
    }
}
