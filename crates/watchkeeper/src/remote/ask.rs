//! One request to a running server, and its answer as the user sees it.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use serde_json::{Value, json};

use super::operation::Operation;
use crate::failure::{Exit, Failure};
use crate::out;
use crate::table::{Columns, Paper};

/// Where a server is when nobody says where.
pub const SERVER: &str = "http://127.0.0.1:9093";
/// How long a connection may take to open.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// How long an answer may take, whole.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

/// How a running server is reached.
#[derive(Debug, Clone, Args)]
pub struct Server {
    /// Where the server is.
    #[arg(long, env = "WATCHKEEPER_URL", default_value = SERVER, global = true, value_name = "URL")]
    pub server: String,
    /// The API token; not needed for what the server lets programs of its own machine do.
    #[arg(long, env = "WATCHKEEPER_TOKEN", global = true, hide_env_values = true, value_name = "TOKEN")]
    pub token: Option<String>,
}

/// A verb that acts on this machine's journal, or on a running server when one is named.
#[derive(Debug, Clone, Args)]
pub struct MaybeServer {
    /// Ask the server there, instead of taking this machine's journal for a moment.
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// The API token of an administrator, for --server.
    #[arg(long, env = "WATCHKEEPER_TOKEN", hide_env_values = true, value_name = "TOKEN")]
    token: Option<String>,
}

impl MaybeServer {
    /// The server that was named.
    pub fn named(&self) -> Option<Server> {
        self.server.clone().map(|server| Server { server, token: self.token.clone() })
    }
}

/// How an answer is shown to people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A list, and what to say when it is empty.
    List(Columns, &'static str),
    /// A thing, field by field; of the lists in it, these columns. A field without columns is left out.
    Thing(&'static [(&'static str, Columns)]),
    /// What a command made.
    Done,
    /// One field of the answer and nothing else, so that it can be kept in a file.
    Field(&'static str),
}

/// What is asked of the server.
#[derive(Debug)]
pub struct Ask {
    /// Which operation.
    pub operation: &'static Operation,
    /// The names in its path, in order.
    pub names: Vec<String>,
    /// The query.
    pub query: Vec<(&'static str, String)>,
    /// The body.
    pub body: Option<Value>,
    /// How the answer is shown.
    pub shape: Shape,
}

impl Ask {
    /// Reads a list.
    pub fn list(operation: &'static Operation, columns: Columns, empty: &'static str) -> Self {
        Self { operation, names: Vec::new(), query: Vec::new(), body: None, shape: Shape::List(columns, empty) }
    }

    /// Reads a thing.
    pub fn thing(operation: &'static Operation) -> Self {
        Self { operation, names: Vec::new(), query: Vec::new(), body: None, shape: Shape::Thing(&[]) }
    }

    /// Asks for something to be done.
    pub fn act(operation: &'static Operation, body: Value) -> Self {
        Self { operation, names: Vec::new(), query: Vec::new(), body: Some(without_nulls(body)), shape: Shape::Done }
    }

    /// With the next name of the path.
    pub fn name(mut self, name: impl ToString) -> Self {
        self.names.push(name.to_string());
        self
    }

    /// With a parameter of the query, when there is one.
    pub fn query(mut self, key: &'static str, value: Option<impl ToString>) -> Self {
        self.query.extend(value.map(|value| (key, value.to_string())));
        self
    }

    /// Shown in another way.
    pub fn shown(self, shape: Shape) -> Self {
        Self { shape, ..self }
    }

    /// The whole address. Names are encoded, whatever is in them.
    fn url(&self, server: &Server) -> Result<Url, Failure> {
        let wrong = || {
            let message = format!("{:?} is no address of a server", server.server);
            Failure::new(message).hint("write http://host:port").exit(Exit::Usage)
        };
        let mut url = Url::parse(&server.server).ok().filter(|url| url.has_host()).ok_or_else(wrong)?;
        let mut names = self.names.iter();
        let segments = self.operation.path.split('/').filter(|segment| !segment.is_empty());
        let filled = segments.map(|part| if part.starts_with('{') { names.next().map_or("", |n| n) } else { part });
        url.path_segments_mut().map_err(|()| wrong())?.pop_if_empty().extend(["api", "v1"]).extend(filled);
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        Ok(url)
    }

    /// The request, ready to be sent.
    pub fn request(&self, server: &Server) -> Result<RequestBuilder, Failure> {
        let method = Method::from_bytes(self.operation.method.as_bytes()).unwrap_or(Method::GET);
        let client = reqwest::Client::builder().connect_timeout(CONNECT_WITHIN).build();
        let client = client.map_err(|error| Failure::new(format!("cannot set up HTTP: {error}")))?;
        let mut request = client.request(method, self.url(server)?);
        if let Some(body) = &self.body {
            request = request.json(body);
        }
        if let Some(token) = &server.token {
            request = request.bearer_auth(token);
        }
        Ok(request)
    }

    /// Asks, and gives what the server said.
    pub async fn answer(&self, server: &Server) -> Result<Value, Failure> {
        let answer = send(self.request(server)?.timeout(ANSWER_WITHIN), server).await?;
        let text = answer.text().await.map_err(|error| Failure::new(format!("the answer broke off: {error}")))?;
        Ok(serde_json::from_str(&text).unwrap_or_else(|_| json!({ "text": text })))
    }

    /// Asks, and prints what the server said.
    pub async fn run(&self, server: &Server, json: bool) -> Result<ExitCode, Failure> {
        let answer = self.answer(server).await?;
        show(&answer, self.shape, json)?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Prints an answer.
///
/// # Errors
/// When it cannot be printed.
pub fn show(answer: &Value, shape: Shape, json: bool) -> Result<(), Failure> {
    if json { out::line(format_args!("{answer:#}")) } else { out::print(Paper::of_stdout().answer(answer, shape)) }
}

/// Fields that were not given are left out.
fn without_nulls(mut body: Value) -> Value {
    if let Some(fields) = body.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    body
}

/// Sends a request; an answer that is a refusal becomes a failure with a way out.
pub async fn send(request: RequestBuilder, server: &Server) -> Result<Response, Failure> {
    let answer = request.send().await.map_err(|error| {
        let cause = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
        let hint = "is it running? start it with: watchkeeper serve; name another with --server or WATCHKEEPER_URL";
        Failure::new(format!("cannot reach {}: {cause}", server.server)).hint(hint)
    })?;
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    let text = answer.text().await.unwrap_or_default();
    Err(refusal(status, &serde_json::from_str(&text).unwrap_or(Value::Null), server))
}

fn refusal(status: StatusCode, said: &Value, server: &Server) -> Failure {
    let told = said.get("error").and_then(Value::as_str);
    let message = match told {
        Some(told) => told.to_owned(),
        None => format!("{} answered with status {} and no reason", server.server, status.as_u16()),
    };
    let report = said.get("report").and_then(Value::as_str).map_or_else(String::new, |report| format!("\n{report}"));
    let failure = Failure::new(format!("{message}{}", report.trim_end())).said(said.clone());
    match status.as_u16() {
        401 | 403 if server.token.is_none() => failure.exit(Exit::Denied).hint(
            "give a token by WATCHKEEPER_TOKEN or --token; an administrator issues one on the page Tokens, \
             or while no server runs: watchkeeper token issue NAME --scope AREA:read --scope AREA:write",
        ),
        401 | 403 => failure.exit(Exit::Denied).hint("use a token that has the scope; an administrator issues one"),
        422 if said.get("findings").is_some() => failure.exit(Exit::Unsound),
        400 | 413 => failure.exit(Exit::Usage),
        404 | 409 | 422 => failure.exit(Exit::Refused),
        408 | 429 | 503 => failure.hint("try again in a moment; /readyz of the server says what is wrong"),
        _ if told.is_none() => failure.hint("is that a Watchkeeper server, of this version?"),
        _ => failure,
    }
}
