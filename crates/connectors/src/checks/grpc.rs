//! The gRPC probe: `grpc.health.v1.Health/Check`, as gRPC's health checking protocol describes it.

use hyper_util::rt::TokioIo;
use kernel::book::probe::{GrpcProbe, HostPort};
use tokio::io::{AsyncRead, AsyncWrite};
use tonic::codegen::http::Uri;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Endpoint;
use tonic::{Code, Request, Status};
use tonic_prost::ProstCodec;
use tower::service_fn;

use super::tls::Trust;
use super::{Broken, Way, tcp};
use crate::http::Fault;

const CHECK: PathAndQuery = PathAndQuery::from_static("/grpc.health.v1.Health/Check");

/// `grpc.health.v1.HealthCheckRequest`
#[derive(Clone, PartialEq, prost::Message)]
struct HealthRequest {
    #[prost(string, tag = "1")]
    service: String,
}

/// `grpc.health.v1.HealthCheckResponse`
#[derive(Clone, PartialEq, prost::Message)]
struct HealthResponse {
    #[prost(int32, tag = "1")]
    status: i32,
}

/// A connection, encrypted or not.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

pub(super) async fn judge(trust: &Trust, probe: &GrpcProbe, way: Way) -> Result<(), Broken> {
    let stream = open(trust, &probe.url, way).await?;
    let mut stream = Some(TokioIo::new(stream));
    // One connection and no second: what is lost is a failure.
    let once = service_fn(move |_: Uri| {
        let stream = stream.take();
        async move { stream.ok_or_else(|| std::io::Error::other("the connection was lost")) }
    });
    let wrong = |error: tonic::transport::Error| (Fault::Protocol, format!("what answers is no gRPC: {error}"));
    let endpoint = Endpoint::from_shared(probe.url.clone()).map_err(wrong)?;
    let channel = endpoint.connect_with_connector(once).await.map_err(wrong)?;
    let mut client = tonic::client::Grpc::new(channel).max_decoding_message_size(super::BODY_BYTES_MAX);
    client.ready().await.map_err(wrong)?;
    let codec: ProstCodec<HealthRequest, HealthResponse> = ProstCodec::default();
    let request = Request::new(HealthRequest { service: probe.service.clone() });
    let answer = client.unary(request, CHECK, codec).await.map_err(|status| refused(&status, &probe.service))?;
    match answer.into_inner().status {
        1 => Ok(()),
        2 => Err((Fault::Unhealthy, "its health is NOT_SERVING".to_owned())),
        other => Err((Fault::Unhealthy, format!("its health is not known: status {other}"))),
    }
}

/// A connection to the host of a URL, encrypted when that says https.
async fn open(trust: &Trust, url: &str, way: Way) -> Result<Box<dyn Stream>, Broken> {
    let address = || (Fault::Address, "the address is not valid".to_owned());
    let url = reqwest::Url::parse(url).map_err(|_| address())?;
    let host = url.host_str().ok_or_else(address)?.trim_matches(['[', ']']).to_owned();
    let port = url.port_or_known_default().ok_or_else(address)?;
    let stream = tcp::connect(&HostPort { host: host.clone(), port }, way).await?;
    if url.scheme() == "https" {
        return Ok(Box::new(trust.encrypt(stream, &host, vec![b"h2".to_vec()]).await?));
    }
    Ok(Box::new(stream))
}

fn refused(status: &Status, service: &str) -> Broken {
    match status.code() {
        Code::NotFound => (Fault::Unhealthy, format!("it knows no service {service:?}")),
        Code::Unimplemented => (Fault::Status, "it has no health service, grpc.health.v1.Health".to_owned()),
        Code::DeadlineExceeded | Code::Cancelled => (Fault::Timeout, "no answer in time".to_owned()),
        Code::Unavailable | Code::Unknown | Code::Internal => {
            (Fault::Protocol, format!("the answer broke off: {}", status.message()))
        }
        code => (Fault::Status, format!("status {code:?}: {}", status.message())),
    }
}
