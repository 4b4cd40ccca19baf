//! The command line against the API's own description: every operation has a verb, every verb asks what it says, and every field
//! of a request can be given.

use std::collections::{BTreeMap, BTreeSet};

use clap::{CommandFactory as _, Parser as _};
use serde_json::Value;

use super::ask::{Ask, Server};
use super::operation::{ALL, Operation};
use crate::cli::Cli;

/// What the API says of itself.
fn described() -> Value {
    serde_json::from_str(&web::api::openapi_json()).unwrap()
}

/// One command line for each operation; several where fields exclude each other.
const LINES: &[&str] = &[
    "now",
    "now --watch",
    "sigma show",
    "sigma list --text linux",
    "sigma judge sigma:1 0011223344556677 true-positive --note seen",
    "alert list service=checkout severity=~\"warning|info\"",
    "alert show 0011223344556677",
    "alert why 0011223344556677",
    "alert report alertname=Full service=checkout --annotation summary=full --starts-at 1h --ends-at 2h --generator-url http://g",
    "alert acknowledge 0011223344556677 --note mine",
    "alert resolve 0011223344556677 --note over",
    "page list --all",
    "page show 7",
    "page acknowledge 7 --note mine",
    "silence list",
    "silence show abc",
    "silence add service=checkout --lasts 1h --starts-at 5m --comment move --replaces abc",
    "silence add service=checkout --ends-at 1h --comment move",
    "silence expire abc",
    "oncall",
    "oncall list",
    "oncall shifts primary --from 1h --until 2d",
    "oncall overrides primary",
    "oncall override primary ada --from 1h --until 8h",
    "oncall cancel override-1",
    "incident list",
    "incident show INC-1",
    "incident declare down --severity P1 --why orders --service a --service b --impact none --users-percent 20 --function f \
     --sensitivity internal --update-every 30m",
    "incident assign INC-1 commander ada",
    "incident unassign INC-1 scribe ada",
    "incident handover INC-1 commander bruno calm",
    "incident note INC-1 seen",
    "incident severity INC-1 P2 less",
    "incident impact INC-1 --impact none --users-percent 20 --function f",
    "incident mitigate INC-1 restarted",
    "incident resolve INC-1 holds",
    "incident reopen INC-1 back",
    "update list",
    "update show 1",
    "update draft --incident INC-1 --notice N-1 --title t --stage identified --text x --component a=major_outage \
     --next-update-in 30m --sensitivity internal",
    "update revise 1 --title t --stage identified --text x --component a=operational --next-update-in 30m",
    "update publish 1 --revision 2",
    "update discard 1",
    "notice reopen N-1 back",
    "status",
    "review list",
    "review show 1",
    "review markdown 1",
    "review write 1 summary --text x --revision 0",
    "review ask 1 title --owner ada --due 2026-12-24 --kind prevent",
    "review complete 1 2 link",
    "review drop 1 2 moot",
    "review publish 1",
    "signal list",
    "signal dismiss rule service=checkout",
    "traces search --service a --operation b --min-duration 5ms --error --attribute a=b --source lake --from 1h --until 5m --limit 5",
    "traces show 5b8efff798038103d269b633813fc60c --source lake --offset 1 --limit 5",
    "backtest list",
    "backtest start Cargo.toml --history 1d --compare Cargo.toml",
    "backtest show 1",
    "backtest cancel 1",
    "check beat nightly-backup",
    "rules noise --since 7d",
    "slo status",
    "logs search refused --service checkout --level error --pattern t1 --trace 5 --attribute a=b --source lake --since 1h --from 2026-01-05T09:00:00Z \
     --until 2026-01-05T10:00:00Z --limit 5 --cursor 1-0",
    "logs export refused --service checkout --level error --pattern t1 --trace 5 --attribute a=b --source lake --since 1h --from 2026-01-05T09:00:00Z \
     --until 2026-01-05T10:00:00Z --limit 5 --cursor 1-0",
    "logs list",
    "logs patterns refused --service checkout --limit 5 --offset 5",
    "logs findings --service checkout",
    "target list",
    "source list",
    "change list",
    "change report deployed --service checkout --at 1h --link http://d --detail by=ci",
    "service list",
    "person list",
    "person end-sessions ada",
    "invite ada --lasts 1h --server http://s",
    "token list",
    "token issue ci --scope alerts:write --lasts 1d --server http://s",
    "token revoke ci --server http://s",
    "watchbook live",
    "watchbook apply",
    "journal list --from 1 --limit 5 --stream incidents/INC-1",
    "journal show 3",
    "journal follow --from 3",
    "journal head",
    "journal sign",
];

/// Fields that a description has and a verb leaves out on purpose.
const LEFT_OUT: [(&str, &str, &str); 3] = [
    ("update revise", "notice", "a draft stays with its notice"),
    ("update revise", "incident", "a draft stays with its incident"),
    ("update revise", "sensitivity", "a draft stays as sensitive as it is"),
];

fn asked(line: &str) -> (Ask, Server) {
    let words = std::iter::once("watchkeeper").chain(line.split_whitespace());
    let cli = Cli::try_parse_from(words).unwrap_or_else(|error| unreachable!("{line}: {error}"));
    cli.remote().unwrap_or_else(|| unreachable!("{line} asks no server"))
}

#[test]
fn every_operation_of_the_api_has_a_verb() {
    let described = described();
    let mut api = BTreeSet::new();
    for (path, methods) in described["paths"].as_object().unwrap() {
        let path = path.strip_prefix("/api/v1").unwrap().to_owned();
        api.extend(methods.as_object().unwrap().keys().map(|method| (method.to_uppercase(), path.clone())));
    }
    let table: BTreeSet<(String, String)> =
        ALL.iter().map(|known| (known.method.to_owned(), known.path.to_owned())).collect();
    assert_eq!(api.difference(&table).collect::<Vec<_>>(), Vec::<&_>::new(), "operations without a verb");
    assert_eq!(table.difference(&api).collect::<Vec<_>>(), Vec::<&_>::new(), "verbs without an operation");
    assert_eq!(table.len(), ALL.len(), "an operation stands in the table twice");
}

#[test]
fn every_verb_asks_for_the_operation_that_the_table_says() {
    let mut seen: BTreeMap<&str, &Operation> = BTreeMap::new();
    for line in LINES {
        let (ask, _) = asked(line);
        let operation = ask.operation;
        let verb = if *line == "oncall" { "oncall list" } else { line };
        assert!(verb == operation.verb || verb.starts_with(&format!("{} ", operation.verb)), "{line}: {operation:?}");
        assert_eq!(ask.names.len(), operation.path.matches('{').count(), "{line}: the path has other names");
        seen.insert(operation.verb, operation);
    }
    let missing: Vec<&str> = ALL.iter().map(|known| known.verb).filter(|verb| !seen.contains_key(verb)).collect();
    assert_eq!(missing, Vec::<&str>::new(), "no line tries these");
}

#[test]
fn every_field_of_a_request_can_be_given_and_no_other_is_sent() {
    let described = described();
    let mut sent: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for line in LINES {
        let (ask, _) = asked(line);
        let fields = ask.body.as_ref().and_then(Value::as_object).into_iter().flat_map(|body| body.keys().cloned());
        let query = ask.query.iter().map(|(key, _)| (*key).to_owned());
        sent.entry(ask.operation.verb).or_default().extend(fields.chain(query));
    }
    for operation in ALL {
        let about = &described["paths"][format!("/api/v1{}", operation.path)][operation.method.to_lowercase()];
        let left_out = |field: &str| LEFT_OUT.iter().any(|(verb, out, _)| *verb == operation.verb && *out == field);
        let told: BTreeSet<String> = fields(about, &described).into_iter().filter(|field| !left_out(field)).collect();
        assert_eq!(sent[operation.verb], told, "{}", operation.verb);
    }
}

/// The fields of an operation's body and query.
fn fields(about: &Value, whole: &Value) -> BTreeSet<String> {
    let parameters = about["parameters"].as_array().into_iter().flatten();
    let query = parameters.filter(|one| one["in"] == "query").map(|one| one["name"].as_str().unwrap().to_owned());
    let schema = &about["requestBody"]["content"]["application/json"]["schema"]["$ref"];
    let body = schema.as_str().and_then(|target| whole.pointer(target.trim_start_matches('#')));
    let properties = body.and_then(|body| body["properties"].as_object());
    query.chain(properties.into_iter().flat_map(|all| all.keys().cloned())).collect()
}

#[test]
fn a_query_is_asked_as_the_clients_of_prometheus_ask() {
    let path = |line: &str| {
        let (ask, server) = asked(line);
        let url = ask.request(&server).unwrap().build().unwrap().url().clone();
        format!("{}?{}", url.path(), url.query().unwrap_or_default())
    };
    let at = "2026-11-24T09:00:00Z";
    assert_eq!(path("query a+b"), "/api/v1/query?query=a%2Bb");
    let encoded = "2026-11-24T09%3A00%3A00Z";
    assert_eq!(path(&format!("query up --at {at}")), format!("/api/v1/query?query=up&time={encoded}"));
    let range = path(&format!("query up --at {at} --range 1h"));
    assert_eq!(range, format!("/api/v1/query_range?query=up&start=2026-11-24T08%3A00%3A00Z&end={encoded}&step=60"));
}

#[test]
fn names_in_a_path_cannot_lead_elsewhere() {
    let (ask, server) = asked("alert show ../../tokens?x#y --server http://host:1/base/");
    let request = ask.request(&server).unwrap().build().unwrap();
    assert_eq!(request.url().as_str(), "http://host:1/base/api/v1/alerts/..%2F..%2Ftokens%3Fx%23y");
}

#[test]
fn the_command_line_describes_itself() {
    Cli::command().debug_assert();
    let mut commands = vec![Cli::command()];
    while let Some(command) = commands.pop() {
        assert!(command.get_about().is_some(), "{} says nothing of itself", command.get_name());
        let silent = command.get_arguments().find(|argument| argument.get_help().is_none());
        assert!(silent.is_none(), "{}: {silent:?} says nothing of itself", command.get_name());
        commands.extend(command.get_subcommands().cloned());
    }
}

#[test]
fn completions_and_pages_of_the_manual_name_every_verb() {
    let pages: BTreeMap<String, String> = crate::manual::pages(Cli::command())
        .into_iter()
        .map(|(name, page)| (name, String::from_utf8(page).unwrap()))
        .collect();
    for operation in ALL {
        let page = &pages[&format!("watchkeeper-{}.1", operation.verb.replace(' ', "-"))];
        assert!(page.contains("EXIT STATUS") && page.contains("json"), "{page}");
    }
    for shell in [clap_complete::Shell::Bash, clap_complete::Shell::Zsh, clap_complete::Shell::Fish] {
        let mut script = Vec::new();
        clap_complete::generate(shell, &mut Cli::command(), "watchkeeper", &mut script);
        let script = String::from_utf8(script).unwrap();
        for word in ALL.iter().flat_map(|operation| operation.verb.split(' ')) {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
}

#[test]
fn the_page_about_the_command_line_names_every_verb_and_every_exit_code() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/cli.md")).unwrap();
    for (code, meaning) in crate::failure::EXITS {
        assert!(page.contains(&format!("| {code} | {meaning} |\n")), "{code}");
    }
    for noun in Cli::command().get_subcommands() {
        let begins = format!("| `{}` |", noun.get_name());
        let row = page.lines().find(|line| line.starts_with(&begins));
        let row = row.unwrap_or_else(|| unreachable!("no row begins {begins}"));
        for verb in noun.get_subcommands() {
            assert!(row.contains(&format!("`{}`", verb.get_name())), "{row} has no {}", verb.get_name());
        }
    }
}
