//! Asks a target over HTTP. Everything is bounded: time by the target's timeout, size by the job's limit, packed or not.

use std::io::Read as _;
use std::path::Path;
use std::time::{Duration, Instant};

use kernel::book::SecretRef;
use kernel::book::scrape::{Asking, BODY_BYTES_MAX, Login, ScrapeJob};
use reqwest::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap};
use reqwest::{Certificate, Client, Identity, RequestBuilder, Response, StatusCode, redirect};

use super::discovery::regular;
use super::target::Target;
use crate::exposition::Form;
use crate::http::{self, CONNECT_TIMEOUT, IDLE_TIMEOUT};
use crate::outbound::secret::Secret;
use crate::text;

/// The forms that are read, the best first.
const FORMS: &str = "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
                     text/plain;version=0.0.4;q=0.5,*/*;q=0.1";
/// How Prometheus tells a target how long it has.
const TIMEOUT_HEADER: &str = "X-Prometheus-Scrape-Timeout-Seconds";

/// What a target said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The text.
    pub body: Vec<u8>,
    /// How it is written.
    pub form: Form,
}

/// Asks the targets of one job. Cheap to clone.
#[derive(Clone)]
pub struct Scraper {
    client: Client,
    ask: Asking,
    body_max: u64,
}

impl Scraper {
    /// Reads whom a job trusts. Blocks on the file system for a moment.
    ///
    /// # Errors
    /// When a certificate or key cannot be used; says which.
    pub fn new(job: &ScrapeJob) -> Result<Self, String> {
        let agent = concat!("watchkeeper-scrape/", env!("CARGO_PKG_VERSION"));
        let mut client = Client::builder().connect_timeout(CONNECT_TIMEOUT).pool_idle_timeout(IDLE_TIMEOUT);
        client = client.redirect(redirect::Policy::none()).user_agent(agent);
        let tls = &job.ask.tls;
        if let Some(path) = &tls.ca_file {
            let trusted = Certificate::from_pem_bundle(&read(path)?).map_err(|error| format!("{path}: {error}"))?;
            client = client.tls_certs_only(trusted);
        }
        if let Some((cert, key)) = &tls.identity {
            let pem = [read(cert)?, read(key)?].concat();
            client = client.identity(Identity::from_pem(&pem).map_err(|error| format!("{cert}, {key}: {error}"))?);
        }
        let client = client.tls_danger_accept_invalid_certs(tls.skip_verify).build();
        let client = client.map_err(|error| format!("HTTP cannot be set up: {error}"))?;
        let body_max = job.limits.body.map_or(BODY_BYTES_MAX, std::num::NonZeroU64::get);
        Ok(Self { client, ask: job.ask.clone(), body_max })
    }

    /// Asks once, until the answer begins.
    ///
    /// # Errors
    /// Says in one line why there is no answer.
    pub async fn begin(&self, target: &Target) -> Result<Begun, String> {
        let began = Instant::now();
        let response = within(target.timeout, target, self.ask(target)).await?;
        Ok(Begun { response, left: target.timeout.saturating_sub(began.elapsed()), body_max: self.body_max })
    }

    async fn ask(&self, target: &Target) -> Result<Response, String> {
        let request = self.client.get(&target.url).header(ACCEPT, FORMS).header(ACCEPT_ENCODING, "gzip");
        let request = request.header(TIMEOUT_HEADER, seconds(target.timeout));
        let response = self.logged_in(request).await?.send().await.map_err(|error| http::fault(&error).1)?;
        match response.status() {
            StatusCode::OK => Ok(response),
            status => Err(format!("status {status}")),
        }
    }

    async fn logged_in(&self, request: RequestBuilder) -> Result<RequestBuilder, String> {
        match &self.ask.login {
            None => Ok(request),
            Some(Login::Basic { user, password_file: None }) => Ok(request.basic_auth(user, Some(""))),
            Some(Login::Basic { user, password_file: Some(file) }) => {
                let secret = Secret::read(&SecretRef::File(file.clone())).await?;
                Ok(request.basic_auth(user, Some(secret.expose())))
            }
            Some(Login::Header { kind, file }) => {
                let secret = Secret::read(&SecretRef::File(file.clone())).await?;
                Ok(request.header(AUTHORIZATION, format!("{kind} {}", secret.expose())))
            }
        }
    }
}

/// An answer that has begun. What of it did not come yet waits at the target.
#[derive(Debug)]
pub struct Begun {
    response: Response,
    /// How much is left of the target's timeout.
    left: Duration,
    body_max: u64,
}

impl Begun {
    /// Reads the rest, in what is left of the target's timeout from now on.
    ///
    /// # Errors
    /// Says in one line why there is no answer.
    pub async fn read(self, target: &Target) -> Result<Answer, String> {
        let form = Form::of(header(self.response.headers(), CONTENT_TYPE.as_str()));
        let body = within(self.left, target, body(self.response, self.body_max)).await?;
        Ok(Answer { body, form })
    }
}

async fn within<T>(
    span: Duration,
    target: &Target,
    work: impl Future<Output = Result<T, String>>,
) -> Result<T, String> {
    let late = |_| Err(format!("no answer within {:?}", target.timeout));
    tokio::time::timeout(span, work).await.unwrap_or_else(late)
}

async fn body(response: Response, body_max: u64) -> Result<Vec<u8>, String> {
    let packed = header(response.headers(), CONTENT_ENCODING.as_str()).eq_ignore_ascii_case("gzip");
    let max = usize::try_from(body_max).unwrap_or(usize::MAX);
    let too_large = || format!("the answer has more than {max} bytes (body_size_limit)");
    let body = http::beginning(response, max.saturating_add(1)).await.map_err(|error| http::fault(&error).1)?;
    if body.len() > max {
        return Err(too_large());
    }
    if !packed {
        return Ok(body);
    }
    let mut plain = Vec::new();
    let unpacked = flate2::read::MultiGzDecoder::new(&*body).take(body_max.saturating_add(1)).read_to_end(&mut plain);
    unpacked.map_err(|error| format!("the answer is not gzip: {}", text::one_line(&error.to_string(), 100)))?;
    if plain.len() > max { Err(too_large()) } else { Ok(plain) }
}

fn header<'h>(headers: &'h HeaderMap, name: &str) -> &'h str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
}

fn seconds(span: Duration) -> String {
    span.as_secs_f64().to_string()
}

fn read(path: &str) -> Result<Vec<u8>, String> {
    const PEM_BYTES_MAX: u64 = 1 << 20;
    let mut bytes = Vec::new();
    let file = regular(Path::new(path)).and_then(|file| file.take(PEM_BYTES_MAX).read_to_end(&mut bytes));
    file.map_err(|error| format!("{path} cannot be read: {error}"))?;
    Ok(bytes)
}
