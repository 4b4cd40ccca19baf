//! `watchkeeper demo`: starts a real server over an example watchbook, a real shop beside it, breaks the shop, and does what a
//! responder would do, through the same addresses as everybody else. Everything it prints is read from the server.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use axum::routing::post;
use axum::{Json, Router};
use clap::Args;
use kernel::Book;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::cli::Place;
use crate::failure::Failure;
use crate::local;
use crate::out;
use crate::workload::Shop;

/// How long the server may take until it says where it is.
const START_WITHIN: Duration = Duration::from_secs(30);
/// How long any one step of the outage may take.
const STEP_WITHIN: Duration = Duration::from_secs(90);
/// How often the journal is looked at for news.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// The channel of the example watchbook at whose address the demo's pager listens.
const PAGER: &str = "pager";

/// What the demo's own hands may do.
const SCOPES: [&str; 7] =
    ["alerts:read", "incidents:read", "incidents:write", "comms:read", "comms:write", "journal:read", "learning:read"];

/// `watchkeeper demo`
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// The data directory.
    #[arg(long, default_value = "./watchkeeper-data", value_name = "DIR")]
    data: PathBuf,
    /// The example watchbook.
    #[arg(long, default_value = "examples/watchbook", value_name = "DIR")]
    watchbook: PathBuf,
    /// Where the server listens.
    #[arg(long, default_value = "127.0.0.1:9093", value_name = "ADDRESS")]
    listen: String,
    /// End after the outage instead of leaving the server up to look at.
    #[arg(long)]
    exit: bool,
}

/// Plays one outage.
///
/// # Errors
/// When a part does not start, or a step does not happen in time.
pub async fn run(args: DemoArgs) -> Result<ExitCode, Failure> {
    let book = crate::book::load(&args.watchbook)?;
    let pages = open_pager(&book).await?;
    let place = Place { data: args.data.clone(), database: None };
    let token = local::fresh_token(&place, "demo", &SCOPES).await?;
    let (mut server, url, invite) = start_server(&args).await?;
    let ended = play(token, &url, &invite, pages, &book).await;
    match &ended {
        Ok(()) if !args.exit => {
            say("", &format!("Look around: {url}   (Ctrl-C ends it)"));
            tokio::select! {
                () = crate::serve::told_to_stop() => {}
                _ = server.wait() => {}
            }
        }
        _ => {}
    }
    stop(&mut server).await;
    ended?;
    verify(&args).await
}

/// A pager: takes signed webhooks and hands each message on.
async fn open_pager(book: &Book) -> Result<mpsc::UnboundedReceiver<Value>, Failure> {
    let (heard, pages) = mpsc::unbounded_channel();
    let channel = book.channels.iter().find(|(name, _)| name.as_str() == PAGER);
    let port = channel.and_then(|(_, channel)| reqwest::Url::parse(&channel.url).ok()?.port());
    let port = port.ok_or_else(|| {
        let hint = "play the demo on the example watchbook, or on a copy of it";
        Failure::new(format!("the watchbook has no channel {PAGER:?} at a port of this machine")).hint(hint)
    })?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await.map_err(|error| {
        let hint = "stop what uses it; the example watchbook names this port";
        Failure::new(format!("the demo's pager cannot listen on port {port}: {error}")).hint(hint)
    })?;
    let take = move |Json(message): Json<Value>| {
        let heard = heard.clone();
        async move {
            // The demo may have stopped listening; the page is delivered all the same.
            let _ = heard.send(message);
        }
    };
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/{*any}", post(take))).await });
    Ok(pages)
}

/// Starts the server as a process of its own, and reads from it where it is and how the first person gets in.
async fn start_server(args: &DemoArgs) -> Result<(Child, String, String), Failure> {
    let program = std::env::current_exe().map_err(|error| Failure::new(format!("cannot find myself: {error}")))?;
    let mut server = Command::new(program)
        .args(["serve", "--print-invite"])
        .args(["--listen", &args.listen])
        .arg("--data")
        .arg(&args.data)
        .arg("--watchbook")
        .arg(&args.watchbook)
        .env("RUST_LOG", std::env::var("RUST_LOG").unwrap_or_else(|_| "warn".into()))
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| Failure::new(format!("cannot start the server: {error}")))?;
    let output = server.stdout.take().ok_or_else(|| Failure::new("the server has no output"))?;
    let mut lines = BufReader::new(output).lines();
    let (mut url, mut invite) = (None, None);
    let reading = async {
        while let Ok(Some(line)) = lines.next_line().await {
            say("server", &line);
            if let Some(at) = line.strip_prefix("Watchkeeper is at ") {
                url = Some(at.to_owned());
            } else if let Some((_, link)) = line.split_once(": ").filter(|_| line.starts_with("Log in")) {
                invite = Some(link.to_owned());
                break;
            }
        }
    };
    if timeout(START_WITHIN, reading).await.is_err() {
        return Err(Failure::new(format!("the server did not start within {} s", START_WITHIN.as_secs())));
    }
    let told = url.zip(invite).ok_or_else(|| Failure::new("the server ended before it said where it is"))?;
    tokio::spawn(async move {
        while let Ok(Some(line)) = lines.next_line().await {
            say("server", &line);
        }
    });
    Ok((server, told.0, told.1))
}

async fn play(
    token: String,
    url: &str,
    login: &str,
    mut pages: mpsc::UnboundedReceiver<Value>,
    book: &Book,
) -> Result<(), Failure> {
    let shop = Shop::open(format!("{url}/v1/metrics"), book).await?;
    say("shop", "six services are in the watchbook; checkout, payments and storefront run here and push OTLP metrics");
    let mut journal = Journal::new(url, token);
    journal.skip().await?;
    say("shop", "payments breaks: its card gateway refuses our certificate");
    shop.break_payments();
    journal.until("AlertOpened").await?;
    let page = own_page(&mut pages, url).await?;
    acknowledge(&page, url).await?;
    journal.until("PageAcknowledged").await?;
    let incident = journal.incident().await?;
    outage(&mut journal, &incident, &shop).await?;
    say("", &format!("Status page: {url}/status   Log in: {login}"));
    Ok(())
}

/// What the commander does: takes command, tells customers, mitigates, resolves, and looks at the review.
async fn outage(journal: &mut Journal, incident: &str, shop: &Shop) -> Result<(), Failure> {
    let person = journal.pager_person.clone();
    journal.post(&format!("incidents/{incident}/assign"), json!({ "role": "commander", "person": person })).await?;
    journal.until("RoleAssigned").await?;
    journal.publish_draft().await?;
    journal
        .post(
            &format!("incidents/{incident}/note"),
            json!({ "text": "The card gateway refuses our certificate, which expired." }),
        )
        .await?;
    journal
        .post(
            &format!("incidents/{incident}/impact"),
            json!({ "impact": { "summary": "Customers cannot pay by card" } }),
        )
        .await?;
    say("shop", "the certificate is renewed: payments works again");
    shop.repair_payments();
    journal.until("PageClosed").await?;
    journal.post(&format!("incidents/{incident}/mitigate"), json!({ "how": "renewed the certificate" })).await?;
    journal.until("IncidentMitigated").await?;
    journal.update(incident, "resolved", "Card payments work again. An expired certificate was renewed.").await?;
    journal
        .post(&format!("incidents/{incident}/resolve"), json!({ "how": "payments has been healthy since the renewal" }))
        .await?;
    journal.until("ReviewOpened").await
}

/// Waits for a page of this demo's own server; another one on this machine may send to the same pager.
async fn own_page(pages: &mut mpsc::UnboundedReceiver<Value>, url: &str) -> Result<Value, Failure> {
    let ours = |page: &Value| {
        let link = page.pointer("/watchkeeper/acknowledge_url").and_then(Value::as_str);
        link.is_some_and(|link| link.starts_with(url))
    };
    let waiting = async {
        while let Some(page) = pages.recv().await {
            if ours(&page) {
                return Some(page);
            }
        }
        None
    };
    let page = timeout(STEP_WITHIN, waiting).await.ok().flatten();
    page.ok_or_else(|| Failure::new(format!("no page came to the pager within {} s", STEP_WITHIN.as_secs())))
}

/// Follows the signed link of a page, as the person who was paged.
async fn acknowledge(page: &Value, url: &str) -> Result<(), Failure> {
    let link = page.pointer("/watchkeeper/acknowledge_url").and_then(Value::as_str);
    let link = link.ok_or_else(|| Failure::new("the page carries no link to acknowledge it"))?;
    let title = page.pointer("/commonAnnotations/summary").and_then(Value::as_str).unwrap_or("an alert");
    say("pager", &format!("BEEP: {title}"));
    say("pager", &format!("acknowledged by its link, {}…", &link[..link.len().min(url.len() + 12)]));
    let answer = reqwest::Client::new().post(link).send().await;
    let answer = answer.map_err(|error| Failure::new(format!("the link cannot be followed: {error}")))?;
    if answer.status().is_success() || answer.status().is_redirection() {
        return Ok(());
    }
    Err(Failure::new(format!("the link was refused: status {}", answer.status())))
}

/// Reads the journal as it grows, and tells each fact.
struct Journal {
    client: reqwest::Client,
    api: String,
    token: String,
    next: u64,
    pager_person: String,
    incident: Option<String>,
}

impl Journal {
    fn new(url: &str, token: String) -> Self {
        let api = format!("{url}/api/v1");
        Self { client: reqwest::Client::new(), api, token, next: 0, pager_person: String::new(), incident: None }
    }

    async fn get(&self, path: &str) -> Result<Value, Failure> {
        let asked = self.client.get(format!("{}/{path}", self.api)).bearer_auth(&self.token);
        answer(asked, path).await
    }

    async fn post(&self, path: &str, body: Value) -> Result<Value, Failure> {
        let asked = self.client.post(format!("{}/{path}", self.api)).bearer_auth(&self.token).json(&body);
        answer(asked, path).await
    }

    /// Drafts an update and publishes it.
    async fn update(&mut self, incident: &str, stage: &str, text: &str) -> Result<(), Failure> {
        let status = if stage == "resolved" { "operational" } else { "major_outage" };
        let components = json!([{ "component": "payments", "status": status }]);
        let draft = json!({
            "incident": incident, "title": "Card payments fail", "stage": stage, "text": text, "components": components,
        });
        let drafted = self.post("updates", draft).await?;
        let update = drafted.get("update").and_then(Value::as_u64);
        let update = update.ok_or_else(|| Failure::new(format!("the server drafted no update: {drafted}")))?;
        self.post(&format!("updates/{update}/publish"), json!({})).await?;
        self.until("UpdatePublished").await
    }

    /// Publishes the update that Watchkeeper drafted when the incident was declared.
    async fn publish_draft(&mut self) -> Result<(), Failure> {
        let updates = self.get("updates").await?;
        let mut drafts = updates.as_array().into_iter().flatten();
        let draft = drafts.rfind(|update| update.get("state").and_then(Value::as_str) == Some("draft"));
        let number = draft.and_then(|update| update.get("update")).and_then(Value::as_u64);
        let number = number.ok_or_else(|| Failure::new(format!("there is no draft to publish: {updates}")))?;
        self.post(&format!("updates/{number}/publish"), json!({})).await?;
        self.until("UpdatePublished").await
    }

    /// Goes to the end of what is there.
    async fn skip(&mut self) -> Result<(), Failure> {
        while !self.news().await?.is_empty() {}
        Ok(())
    }

    /// The facts since the last look.
    async fn news(&mut self) -> Result<Vec<Value>, Failure> {
        let facts = self.get(&format!("journal?from={}&limit=500", self.next)).await?;
        let facts = facts.as_array().cloned().unwrap_or_default();
        if let Some(last) = facts.last().and_then(|fact| fact.get("seq")).and_then(Value::as_u64) {
            self.next = last + 1;
        }
        Ok(facts)
    }

    /// Tells each fact as it happens, until one of a kind does.
    async fn until(&mut self, kind: &str) -> Result<(), Failure> {
        let waiting = async {
            loop {
                let facts = self.news().await?;
                facts.iter().for_each(|fact| self.tell(fact));
                if facts.iter().any(|fact| fact.get("kind").and_then(Value::as_str) == Some(kind)) {
                    return Ok(());
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        timeout(STEP_WITHIN, waiting)
            .await
            .unwrap_or_else(|_| Err(Failure::new(format!("no {kind} within {} s", STEP_WITHIN.as_secs()))))
    }

    async fn incident(&mut self) -> Result<String, Failure> {
        self.incident.clone().ok_or_else(|| Failure::new("no incident was declared for the page"))
    }

    fn tell(&mut self, fact: &Value) {
        let field = |name: &str| fact.get(name).and_then(Value::as_str).unwrap_or_default();
        let (kind, stream) = (field("kind"), field("stream"));
        if kind == "IncidentDeclared" {
            self.incident = Some(stream.to_owned());
        }
        if kind == "PageAcknowledged" {
            self.pager_person = field("actor").trim_start_matches("person:").to_owned();
        }
        let seq = fact.get("seq").and_then(Value::as_u64).unwrap_or_default();
        say("fact", &format!("{seq:>4} {kind} {stream}  by {}", field("actor")));
    }
}

async fn answer(asked: reqwest::RequestBuilder, path: &str) -> Result<Value, Failure> {
    let answer = asked.send().await.map_err(|error| Failure::new(format!("{path}: {error}")))?;
    let status = answer.status();
    let text = answer.text().await.map_err(|error| Failure::new(format!("{path}: {error}")))?;
    if !status.is_success() {
        return Err(Failure::new(format!("{path}: status {}: {text}", status.as_u16())));
    }
    Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
}

/// Ends the server as a supervisor would.
async fn stop(server: &mut Child) {
    if let Some(pid) = server.id() {
        let _ = Command::new("kill").arg(pid.to_string()).status().await;
    }
    let _ = timeout(Duration::from_secs(10), server.wait()).await;
}

async fn verify(args: &DemoArgs) -> Result<ExitCode, Failure> {
    let place = Place { data: args.data.clone(), database: None };
    say("", "watchkeeper journal verify");
    crate::journal::run(crate::journal::JournalVerb::Verify { checkpoint: None, place }, false).await
}

fn say(who: &str, what: &str) {
    let colour = std::io::stdout().is_terminal();
    let (dim, plain) = if colour { ("\u{1b}[2m", "\u{1b}[0m") } else { ("", "") };
    // The play goes on to its end, which puts everything away, also when nobody looks on.
    let _ = out::line(format_args!("{dim}{who:>8}{plain}  {what}"));
}
