//! OTLP over gRPC: the three export services on a listener of their own. Callers are known as at every other door.

use axum::Router;
use axum::extract::{FromRequestParts as _, Request, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use connectors::otlp;
use engine::Read;
use opentelemetry_proto::tonic::collector::logs::v1::logs_service_server::{LogsService, LogsServiceServer};
use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsPartialSuccess, ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use opentelemetry_proto::tonic::collector::metrics::v1::metrics_service_server::{
    MetricsService, MetricsServiceServer,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsPartialSuccess, ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{TraceService, TraceServiceServer};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use tonic::codec::CompressionEncoding::{Gzip, Zstd};
use tonic::service::Routes;
use tonic::{Code, Status};

use super::{PUSH, Rest, UNPACKED_BYTES_MAX, grpc_code, nanos_now};
use crate::doors::aside::aside;
use crate::doors::caller::Program;
use crate::doors::reply::Problem;
use crate::state::AppState;

/// The services, to be served with HTTP/2.
pub fn app(state: AppState) -> Router {
    let door = Door(state.clone());
    macro_rules! open {
        ($server:ident) => {
            $server::new(door.clone())
                .accept_compressed(Gzip)
                .accept_compressed(Zstd)
                .max_decoding_message_size(UNPACKED_BYTES_MAX)
        };
    }
    let routes = Routes::new(open!(MetricsServiceServer))
        .add_service(open!(LogsServiceServer))
        .add_service(open!(TraceServiceServer));
    routes.into_axum_router().layer(middleware::from_fn_with_state(state, known))
}

/// Lets in who may push.
async fn known(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    let may = match Program::from_request_parts(&mut parts, &state).await {
        Ok(Program(actor)) => state.engine.may(&actor, Read::of(PUSH)).map_err(Problem::from),
        Err(problem) => Err(problem),
    };
    match may {
        Ok(_) => next.run(Request::from_parts(parts, body)).await,
        Err(problem) => refusal(&problem).into_http::<axum::body::Body>().into_response(),
    }
}

fn refusal(problem: &Problem) -> Status {
    let code = if problem.status == StatusCode::TOO_MANY_REQUESTS { 14 } else { grpc_code(problem.status) };
    Status::new(Code::from_i32(code), problem.message.clone())
}

/// The state behind the three services.
#[derive(Clone)]
struct Door(AppState);

/// What a request's records came to, as gRPC answers.
fn told<T>(kept: Result<Rest, Problem>, answer: impl FnOnce(Option<(i64, String)>) -> T) -> Answer<T> {
    let rest = kept.map_err(|problem| refusal(&problem))?;
    let partial =
        (rest.count > 0 || !rest.why.is_empty()).then(|| (i64::try_from(rest.count).unwrap_or(i64::MAX), rest.why));
    Ok(tonic::Response::new(answer(partial)))
}

type Answer<T> = Result<tonic::Response<T>, Status>;

#[tonic::async_trait]
impl MetricsService for Door {
    async fn export(
        &self,
        request: tonic::Request<ExportMetricsServiceRequest>,
    ) -> Answer<ExportMetricsServiceResponse> {
        let keep = move |state: &AppState| {
            super::keep_samples(state, state.totals.translate(request.into_inner(), state.engine.now()))
        };
        told(aside(&self.0, keep).await, |partial| {
            let partial = partial.map(|(rejected_data_points, error_message)| ExportMetricsPartialSuccess {
                rejected_data_points,
                error_message,
            });
            ExportMetricsServiceResponse { partial_success: partial }
        })
    }
}

#[tonic::async_trait]
impl LogsService for Door {
    async fn export(&self, request: tonic::Request<ExportLogsServiceRequest>) -> Answer<ExportLogsServiceResponse> {
        let keep =
            move |state: &AppState| super::keep_logs(state, otlp::log_events(request.into_inner(), nanos_now(state)));
        told(aside(&self.0, keep).await, |partial| {
            let partial = partial.map(|(rejected_log_records, error_message)| ExportLogsPartialSuccess {
                rejected_log_records,
                error_message,
            });
            ExportLogsServiceResponse { partial_success: partial }
        })
    }
}

#[tonic::async_trait]
impl TraceService for Door {
    async fn export(&self, request: tonic::Request<ExportTraceServiceRequest>) -> Answer<ExportTraceServiceResponse> {
        let keep = move |state: &AppState| super::keep_spans(state, otlp::spans(request.into_inner()));
        told(aside(&self.0, keep).await, |partial| {
            let partial = partial
                .map(|(rejected_spans, error_message)| ExportTracePartialSuccess { rejected_spans, error_message });
            ExportTraceServiceResponse { partial_success: partial }
        })
    }
}
