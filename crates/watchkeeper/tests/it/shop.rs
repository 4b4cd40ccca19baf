//! The small watchbook that these tests run on. Messages leave by the one channel that a test names.

/// A watchbook as files and texts.
pub type Files = Vec<(&'static str, String)>;

const PEOPLE: &str = "
ada:
  title: Ada Lindqvist
  contacts: [{ out: ada@example.org }]
  roles: [administrator, commander, communications]
bruno:
  contacts: [{ out: bruno@example.org }]
  roles: [responder]
";

const SERVICES: &str = "
checkout: { owner: money, tier: 1, function: taking orders }
search: { owner: money, tier: 3 }
";

const TEAMS: &str = "money: { members: [ada, bruno], policy: money }";

const SCHEDULES: &str = "
money:
  time_zone: Europe/Berlin
  layers: [{ people: [ada], start: 2026-01-05 09:00, turn: 1w }]
";

const POLICIES: &str = "
money:
  steps:
    - { page: [schedule: money], wait: 30m }
    - { page: [person: bruno], wait: 30m }
";

const ROUTES: &str = "
route:
  group_by: [alertname, service]
  group_wait: 0s
  group_interval: 1s
  repeat_interval: 4h
  policy: money
  routes:
    - { matchers: ['severity=\"info\"'], group_wait: 1d }
    - matchers: ['service=~\".+\"']
";

const SEVERITY: &str = "
- { when: ['severity=\"critical\"'], tiers: 1, severity: P1, declare: true, update_every: 30m, why: nobody can order }
- { severity: P4, why: customers do not notice }
";

const STATUS: &str = "orders: { title: Orders, services: [checkout] }";

/// The watchbook, with `out` as a channel of a kind at an address.
pub fn book(kind: &str, url: &str) -> Files {
    let from = if kind == "email" { "\n  from: pager@watch.example.org" } else { "" };
    let channel = format!("out:\n  kind: {kind}\n  url: {url}{from}\n");
    let texts = [
        ("watchkeeper.yaml", "organisation: Corner Shop\n"),
        ("people.yaml", PEOPLE),
        ("services.yaml", SERVICES),
        ("teams.yaml", TEAMS),
        ("schedules.yaml", SCHEDULES),
        ("policies.yaml", POLICIES),
        ("routes.yaml", ROUTES),
        ("severity.yaml", SEVERITY),
        ("status.yaml", STATUS),
    ];
    texts.into_iter().map(|(name, text)| (name, text.to_owned())).chain([("channels.yaml", channel)]).collect()
}
