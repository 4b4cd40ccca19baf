//! Verbs that ask a running server through its API: what a page can do, the command line can do.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use kernel::{Seconds, Severity};
use serde_json::{Value, json};

use crate::failure::{Exit, Failure};
use crate::table;

/// How a running server is reached.
#[derive(Debug, Clone, Args)]
pub struct Server {
    /// Where the server is.
    #[arg(long, env = "WATCHKEEPER_URL", default_value = "http://127.0.0.1:9093", global = true, value_name = "URL")]
    pub server: String,
    /// The API token; not needed for what the server lets programs of its own machine do.
    #[arg(long, env = "WATCHKEEPER_TOKEN", global = true, hide_env_values = true, value_name = "TOKEN")]
    pub token: Option<String>,
    /// Print the server's JSON as it is.
    #[arg(long, global = true)]
    pub json: bool,
}

/// The verbs that need a server.
#[derive(Debug, Subcommand)]
pub enum RemoteVerb {
    /// What fires, who is paged, who is on call, which incidents are open.
    Now(#[command(flatten)] Server),
    /// Alerts: list, explain, acknowledge, resolve.
    Alert {
        #[command(subcommand)]
        verb: AlertVerb,
        #[command(flatten)]
        server: Server,
    },
    /// Pages: list, show, acknowledge.
    Page {
        #[command(subcommand)]
        verb: PageVerb,
        #[command(flatten)]
        server: Server,
    },
    /// Silences: list, add, expire.
    Silence {
        #[command(subcommand)]
        verb: SilenceVerb,
        #[command(flatten)]
        server: Server,
    },
    /// Incidents: list, show, declare, command, note, mitigate, resolve, reopen.
    Incident {
        #[command(subcommand)]
        verb: IncidentVerb,
        #[command(flatten)]
        server: Server,
    },
    /// Updates for the status page: list, draft, publish.
    Update {
        #[command(subcommand)]
        verb: UpdateVerb,
        #[command(flatten)]
        server: Server,
    },
    /// Who is on call now.
    Oncall(#[command(flatten)] Server),
    /// Reviews: list, show, publish.
    Review {
        #[command(subcommand)]
        verb: ReviewVerb,
        #[command(flatten)]
        server: Server,
    },
}

/// `watchkeeper alert …`
#[derive(Debug, Subcommand)]
pub enum AlertVerb {
    /// List what fires.
    List,
    /// Say why an alert paged somebody or nobody.
    Why {
        /// The alert's fingerprint.
        alert: String,
    },
    /// Take all pages of an alert.
    Acknowledge {
        /// The alert's fingerprint.
        alert: String,
        /// What to say about it.
        #[arg(long, default_value = "")]
        note: String,
    },
    /// Say that an alert is over.
    Resolve {
        /// The alert's fingerprint.
        alert: String,
        /// What to say about it.
        #[arg(long, default_value = "")]
        note: String,
    },
}

/// `watchkeeper page …`
#[derive(Debug, Subcommand)]
pub enum PageVerb {
    /// List open pages.
    List,
    /// Show a page with its deliveries.
    Show {
        /// The page's number.
        page: u64,
    },
    /// Take a page.
    Acknowledge {
        /// The page's number.
        page: u64,
        /// What to say about it.
        #[arg(long, default_value = "")]
        note: String,
    },
}

/// `watchkeeper silence …`
#[derive(Debug, Subcommand)]
pub enum SilenceVerb {
    /// List silences.
    List,
    /// Mute what meets all matchers.
    Add {
        /// Conditions such as service=checkout or severity=~"warning|info".
        #[arg(required = true)]
        matchers: Vec<String>,
        /// For how long.
        #[arg(long, default_value = "2h")]
        lasts: Seconds,
        /// Why.
        #[arg(long)]
        comment: String,
    },
    /// End a silence now.
    Expire {
        /// The silence's id.
        id: String,
    },
}

/// `watchkeeper incident …`
#[derive(Debug, Subcommand)]
pub enum IncidentVerb {
    /// List incidents, open ones first.
    List,
    /// Show an incident with its timeline.
    Show {
        /// Such as INC-42.
        incident: String,
    },
    /// Declare an incident.
    Declare {
        /// What is wrong, in one line.
        title: String,
        /// How bad it is, P1 to P5.
        #[arg(long)]
        severity: Severity,
        /// Why it is as bad as that.
        #[arg(long)]
        why: String,
        /// The services it is about.
        #[arg(long = "service", value_name = "SERVICE")]
        services: Vec<String>,
    },
    /// Give a role to somebody.
    Assign {
        /// Such as INC-42.
        incident: String,
        /// Such as commander, deputy, scribe, communications_lead.
        role: String,
        /// Who takes it.
        person: String,
    },
    /// Write into the timeline.
    Note {
        /// Such as INC-42.
        incident: String,
        /// What happened.
        text: String,
    },
    /// Say that users no longer notice it.
    Mitigate {
        /// Such as INC-42.
        incident: String,
        /// By what.
        how: String,
    },
    /// Say that it is over.
    Resolve {
        /// Such as INC-42.
        incident: String,
        /// By what.
        how: String,
    },
    /// Say that it was not over.
    Reopen {
        /// Such as INC-42.
        incident: String,
        /// Why.
        why: String,
    },
}

/// `watchkeeper update …`
#[derive(Debug, Subcommand)]
pub enum UpdateVerb {
    /// List notices with their updates.
    List,
    /// Publish a drafted update.
    Publish {
        /// The update's number.
        update: u32,
    },
}

/// `watchkeeper review …`
#[derive(Debug, Subcommand)]
pub enum ReviewVerb {
    /// List reviews.
    List,
    /// Show a review.
    Show {
        /// The review's number.
        review: u32,
    },
    /// Publish a review.
    Publish {
        /// The review's number.
        review: u32,
    },
}

/// What is asked of the server.
struct Request {
    path: String,
    body: Option<Value>,
    columns: &'static [&'static str],
}

fn get(path: impl Into<String>, columns: &'static [&'static str]) -> Request {
    Request { path: path.into(), body: None, columns }
}

fn post(path: impl Into<String>, body: Value) -> Request {
    Request { path: path.into(), body: Some(body), columns: &[] }
}

/// Does what was asked and prints what the server said.
pub async fn run(verb: RemoteVerb) -> Result<ExitCode, Failure> {
    let (server, request) = match verb {
        RemoteVerb::Now(server) => (server, get("now", &[])),
        RemoteVerb::Alert { verb, server } => (server, alert(verb)),
        RemoteVerb::Page { verb, server } => (server, page(verb)),
        RemoteVerb::Silence { verb, server } => (server, silence(verb)),
        RemoteVerb::Incident { verb, server } => (server, incident(verb)),
        RemoteVerb::Update { verb, server } => (server, update(verb)),
        RemoteVerb::Oncall(server) => (server, get("oncall", &["schedule", "person", "until"])),
        RemoteVerb::Review { verb, server } => (server, review(verb)),
    };
    let answer = ask(&server, &request).await?;
    if server.json {
        println!("{answer:#}");
    } else {
        print!("{}", table::human(&answer, request.columns));
    }
    Ok(ExitCode::SUCCESS)
}

fn alert(verb: AlertVerb) -> Request {
    match verb {
        AlertVerb::List => get("alerts", &["fingerprint", "state", "starts_at", "labels"]),
        AlertVerb::Why { alert } => get(format!("alerts/{alert}/why"), &[]),
        AlertVerb::Acknowledge { alert, note } => post(format!("alerts/{alert}/acknowledge"), json!({ "note": note })),
        AlertVerb::Resolve { alert, note } => post(format!("alerts/{alert}/resolve"), json!({ "note": note })),
    }
}

fn page(verb: PageVerb) -> Request {
    match verb {
        PageVerb::List => get("pages", &["page", "severity", "state", "title"]),
        PageVerb::Show { page } => get(format!("pages/{page}"), &[]),
        PageVerb::Acknowledge { page, note } => post(format!("pages/{page}/acknowledge"), json!({ "note": note })),
    }
}

fn silence(verb: SilenceVerb) -> Request {
    match verb {
        SilenceVerb::List => get("silences", &["id", "state", "ends_at", "matchers", "comment"]),
        SilenceVerb::Add { matchers, lasts, comment } => {
            post("silences", json!({ "matchers": matchers, "lasts": lasts, "comment": comment }))
        }
        SilenceVerb::Expire { id } => post(format!("silences/{id}/expire"), json!({})),
    }
}

fn incident(verb: IncidentVerb) -> Request {
    let act = |incident: &str, act: &str, body: Value| post(format!("incidents/{incident}/{act}"), body);
    match verb {
        IncidentVerb::List => get("incidents", &["incident", "severity", "phase", "commander", "title"]),
        IncidentVerb::Show { incident } => get(format!("incidents/{incident}"), &[]),
        IncidentVerb::Declare { title, severity, why, services } => {
            post("incidents", json!({ "title": title, "severity": severity, "why": why, "services": services }))
        }
        IncidentVerb::Assign { incident, role, person } => {
            act(&incident, "assign", json!({ "role": role, "person": person }))
        }
        IncidentVerb::Note { incident, text } => act(&incident, "note", json!({ "text": text })),
        IncidentVerb::Mitigate { incident, how } => act(&incident, "mitigate", json!({ "how": how })),
        IncidentVerb::Resolve { incident, how } => act(&incident, "resolve", json!({ "how": how })),
        IncidentVerb::Reopen { incident, why } => act(&incident, "reopen", json!({ "why": why })),
    }
}

fn update(verb: UpdateVerb) -> Request {
    match verb {
        UpdateVerb::List => get("updates", &["update", "notice", "stage", "text"]),
        UpdateVerb::Publish { update } => post(format!("updates/{update}/publish"), json!({})),
    }
}

fn review(verb: ReviewVerb) -> Request {
    match verb {
        ReviewVerb::List => get("reviews", &["review", "incident", "state", "title"]),
        ReviewVerb::Show { review } => get(format!("reviews/{review}"), &[]),
        ReviewVerb::Publish { review } => post(format!("reviews/{review}/publish"), json!({})),
    }
}

async fn ask(server: &Server, request: &Request) -> Result<Value, Failure> {
    let url = format!("{}/api/v1/{}", server.server.trim_end_matches('/'), request.path);
    let client = reqwest::Client::new();
    let mut asked = match &request.body {
        Some(body) => client.post(&url).json(body),
        None => client.get(&url),
    };
    if let Some(token) = &server.token {
        asked = asked.bearer_auth(token);
    }
    let answer = asked.send().await.map_err(|error| {
        Failure::new(format!("cannot reach {}: {error}", server.server)).hint("is it running? watchkeeper serve")
    })?;
    let status = answer.status();
    let text = answer.text().await.map_err(|error| Failure::new(format!("the answer broke off: {error}")))?;
    let value: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
    if status.is_success() {
        return Ok(value);
    }
    let told = value.get("error").and_then(Value::as_str).unwrap_or("the server said no more");
    let exit = match status.as_u16() {
        400 => Exit::Usage,
        401 | 403 => Exit::Denied,
        404 | 409 | 422 => Exit::Refused,
        _ => Exit::Failed,
    };
    Err(Failure::new(format!("{told} (status {})", status.as_u16())).exit(exit))
}
