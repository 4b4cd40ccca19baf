//! From files to a [`Book`]: every file is parsed, then all names are gathered, then everything is read against them.
//! What can be read is read, so that one mistake does not hide another.

use std::collections::BTreeMap;

use kernel::book::{
    Book, Check, Component, EscalationPolicy, Inhibition, Layer, Route, Rule, Schedule, SeverityRule, Step, Team,
    Threshold,
};
use kernel::book::{Channel, Hook, Person, Service};
use kernel::{Digest, Role, Seconds};

use super::address;
use super::files::{Place, Source};
use super::finding::{Note, Spot};
use super::kinds::*;
use super::rule;
use super::scalars::{self, Pointer, Range, Span, Template, Whole};
use super::shape::{Names, Placed, Reader, Shape, Sort};
use super::yaml::{self, Node, Value};

/// The window of a rule that does not say one.
const WINDOW: Seconds = Seconds::minutes(1);
/// How often a check asks when it does not say.
const CHECK_EVERY: Seconds = Seconds(30);
/// How long a check waits when it does not say.
const CHECK_TIMEOUT: Seconds = Seconds(5);
/// How often an update is owed when the severity rule does not say.
const UPDATE_EVERY: Seconds = Seconds::hours(1);

/// The YAML files as trees, in order of path.
type Trees = Vec<(Place, Node)>;

/// What was read, and the names and places in it, for the checks that need the whole.
pub(super) struct Draft {
    pub book: Book,
    pub names: Names,
}

/// Reads files in order of path.
pub(super) fn draft(sources: &[Source], digest: Digest, notes: &mut Vec<Note>) -> Draft {
    let mut trees = Trees::new();
    let mut names = Names::default();
    for (file, source) in sources.iter().enumerate() {
        let Some(place) = source.place else { continue };
        match place {
            Place::Template => name_template(file, source, &mut names, notes),
            Place::Access => {}
            _ => match source.whole.then(|| yaml::parse(file, &source.text, notes)).flatten() {
                Some(node) => trees.push((place, node)),
                None => unsure(place, &mut names),
            },
        }
    }
    for (place, node) in &trees {
        gather(*place, node, &mut names, notes);
    }
    let mut maker = Maker { trees: &trees, reader: Reader { names: &names, notes, channels: BTreeMap::new() } };
    let mut book = maker.book();
    book.digest = digest;
    texts(sources, &mut book);
    Draft { book, names }
}

fn unsure(place: Place, names: &mut Names) {
    if let Place::Named(sort) = place {
        names.unsure.insert(sort);
    }
}

/// Puts the names of one file among the names.
fn gather(place: Place, node: &Node, names: &mut Names, notes: &mut Vec<Note>) {
    let Place::Named(sort) = place else { return };
    let Value::Map(entries) = &node.value else {
        return unsure(place, names);
    };
    for (key, _) in entries {
        define(sort, &key.text, key.at, names, notes);
    }
}

fn define(sort: Sort, name: &str, at: Spot, names: &mut Names, notes: &mut Vec<Note>) {
    if let Err(wrong) = kernel::name::check(name) {
        notes.push(Note { at, rule: &rule::NAME, message: wrong.to_string(), hint: None });
    }
    // Rules and checks both name alerts, so they share their names.
    let shared = match sort {
        Sort::Check => Sort::Rule,
        Sort::Rule => Sort::Check,
        other => other,
    };
    if names.spot(sort, name).or_else(|| names.spot(shared, name)).is_some() {
        let message = format!("the {} `{name}` is defined twice", sort.noun());
        let hint = Some("rename or remove one of them; rules and checks share their names".to_owned());
        let hint = hint.filter(|_| matches!(sort, Sort::Rule | Sort::Check));
        notes.push(Note { at, rule: &rule::NAME_TWICE, message, hint });
        return;
    }
    names.spots.entry(sort).or_default().insert(name.to_owned(), at);
}

fn name_template(file: usize, source: &Source, names: &mut Names, notes: &mut Vec<Note>) {
    let at = Spot::top(file);
    define(Sort::Template, template_name(&source.path), at, names, notes);
    if let Some((line, message)) = scalars::template_error(&source.text) {
        notes.push(Note { at: Spot { line, ..at }, rule: &rule::TEMPLATE, message, hint: None });
    }
}

fn template_name(path: &str) -> &str {
    path.trim_start_matches("templates/").trim_end_matches(".txt")
}

/// The files that are not YAML.
fn texts(sources: &[Source], book: &mut Book) {
    for source in sources.iter().filter(|source| source.whole) {
        match source.place {
            Some(Place::Template) => {
                if let Ok(name) = template_name(&source.path).parse() {
                    book.templates.insert(name, source.text.clone());
                }
            }
            // The path stands above each policy file, so that whoever parses them together can say which one is meant.
            Some(Place::Access) => book.access.push_str(&format!("// {}\n{}\n", source.path, source.text)),
            _ => {}
        }
    }
}

struct Maker<'a> {
    trees: &'a Trees,
    reader: Reader<'a>,
}

impl Maker<'_> {
    fn book(&mut self) -> Book {
        // Channels come first, because addresses depend on what their channel speaks.
        let channels = self.channels();
        self.reader.channels = channels.iter().map(|(name, channel)| (name.to_string(), channel.kind)).collect();
        let (route, inhibitions) = self.routes();
        Book {
            organisation: self.organisation(),
            services: self.named(Sort::Service, service),
            teams: self.named(Sort::Team, team),
            people: self.named(Sort::Person, person),
            schedules: self.named(Sort::Schedule, schedule),
            policies: self.named(Sort::Policy, policy),
            route,
            inhibitions,
            severity: self.severity(),
            channels,
            hooks: self.named(Sort::Hook, hook),
            rules: self.named(Sort::Rule, rule),
            checks: self.named(Sort::Check, check),
            components: self.components(),
            ..Book::default()
        }
    }

    fn organisation(&mut self) -> String {
        let root = self.trees.iter().find(|(place, _)| *place == Place::Root);
        let read = root.and_then(|(_, node)| BookFile::read(node, &mut self.reader));
        read.map(|file| file.organisation).unwrap_or_default()
    }

    /// Everything of one sort that can be read, in the order of the files. The first of two with one name stays.
    fn each<F: Shape>(&mut self, sort: Sort) -> Vec<(String, F)> {
        let nodes = self.trees.iter().filter(|(place, _)| *place == Place::Named(sort));
        let mut found = Vec::new();
        for (_, node) in nodes {
            let Some(entries) = self.reader.map(node) else { continue };
            for (key, value) in entries {
                let read = F::read(value, &mut self.reader);
                let first = self.reader.names.spot(sort, &key.text) == Some(key.at);
                found.extend(read.filter(|_| first).map(|file| (key.text.clone(), file)));
            }
        }
        found
    }

    fn named<F: Shape, N, T>(
        &mut self,
        sort: Sort,
        make: impl Fn(&str, F, &mut Reader<'_>) -> Option<T>,
    ) -> BTreeMap<N, T>
    where
        N: std::str::FromStr + Ord,
    {
        let files = self.each::<F>(sort);
        let entry = |(name, file): (String, F)| {
            let made = make(&name, file, &mut self.reader)?;
            Some((name.parse().ok()?, made))
        };
        files.into_iter().filter_map(entry).collect()
    }

    fn channels(&mut self) -> BTreeMap<kernel::ChannelName, Channel> {
        self.named(Sort::Channel, channel)
    }

    fn components(&mut self) -> Vec<Component> {
        let made = |(name, file): (String, ComponentFile)| {
            Some(Component {
                title: file.title.unwrap_or_else(|| name.clone()),
                name: name.parse().ok()?,
                description: file.description.unwrap_or_default(),
                services: file.services,
            })
        };
        self.each(Sort::Component).into_iter().filter_map(made).collect()
    }

    fn routes(&mut self) -> (Route, Vec<Inhibition>) {
        let nodes = self.trees.iter().filter(|(place, _)| *place == Place::Routes);
        let (mut root, mut inhibitions) = (None::<Placed<RouteFile>>, Vec::new());
        for (_, node) in nodes {
            let Some(file) = RoutesFile::read(node, &mut self.reader) else { continue };
            inhibitions.extend(file.inhibitions.into_iter().map(inhibition));
            match (file.route, &root) {
                (Some(second), Some(_)) => {
                    let hint = "make it a child of the other one";
                    self.reader.note_hint(second.at, &rule::ROOT_TWICE, "this is a second root route", hint);
                }
                (Some(first), None) => root = Some(first),
                (None, _) => {}
            }
        }
        let root = root.map(|root| {
            if !root.value.matchers.is_empty() {
                let hint = "move the matchers into a child route";
                self.reader.note_hint(root.at, &rule::ROOT_MATCHES, "the root route must match every alert", hint);
            }
            let policy = root.value.policy.clone();
            let route = route(root, &Route::default(), &mut self.reader);
            Route { policy, ..route }
        });
        (root.unwrap_or_default(), inhibitions)
    }

    fn severity(&mut self) -> Vec<SeverityRule> {
        let nodes = self.trees.iter().filter(|(place, _)| *place == Place::Severity);
        let mut rules: Vec<Placed<SeverityFile>> = Vec::new();
        for (_, node) in nodes {
            if matches!(&node.value, Value::Map(entries) if entries.is_empty()) {
                continue;
            }
            // Each rule is read on its own, so that one that cannot be read does not hide the others.
            for item in self.reader.list(node).unwrap_or_default() {
                rules.extend(Placed::read(item, &mut self.reader));
            }
        }
        let everything = rules.iter().position(|rule| rule.value.when.is_empty() && rule.value.tiers.is_none());
        for lost in rules.iter().skip(everything.map_or(usize::MAX, |first| first.saturating_add(1))) {
            let hint = "a rule above it matches every alert: move this one up";
            self.reader.note_hint(lost.at, &rule::UNREACHABLE, "this rule is never reached", hint);
        }
        rules.into_iter().map(|placed| severity_rule(placed.value)).collect()
    }
}

fn service(name: &str, file: ServiceFile, reader: &mut Reader<'_>) -> Option<Service> {
    if file.depends_on.iter().any(|other| other.as_str() == name) {
        let at = reader.names.spot(Sort::Service, name)?;
        reader.note_hint(at, &rule::SELF_DEPENDENCY, format!("`{name}` depends on itself"), "take it out");
    }
    let Whole(tier) = file.tier;
    Some(Service {
        title: file.title.unwrap_or_else(|| name.to_owned()),
        owner: file.owner,
        tier,
        function: file.function.unwrap_or_default(),
        depends_on: file.depends_on,
        regions: file.regions,
        policy: file.policy,
        runbook: file.runbook,
    })
}

fn team(name: &str, file: TeamFile, _: &mut Reader<'_>) -> Option<Team> {
    let title = file.title.unwrap_or_else(|| name.to_owned());
    Some(Team { title, members: file.members.0, policy: file.policy, room: file.room })
}

fn person(name: &str, file: PersonFile, _: &mut Reader<'_>) -> Option<Person> {
    Some(Person {
        title: file.title.unwrap_or_else(|| name.to_owned()),
        time_zone: file.time_zone.unwrap_or(jiff::tz::TimeZone::UTC),
        contacts: file.contacts,
        roles: file.roles.map_or_else(|| vec![Role::Viewer], |roles| roles.0),
    })
}

fn schedule(name: &str, file: ScheduleFile, _: &mut Reader<'_>) -> Option<Schedule> {
    let layer =
        |layer: LayerFile| Layer { people: layer.people.0, start: layer.start, turn: layer.turn, hours: layer.hours };
    Some(Schedule {
        title: file.title.unwrap_or_else(|| name.to_owned()),
        time_zone: file.time_zone,
        layers: file.layers.0.into_iter().map(layer).collect(),
    })
}

fn policy(name: &str, file: PolicyFile, _: &mut Reader<'_>) -> Option<EscalationPolicy> {
    let step = |step: StepFile| Step { targets: step.page.0, wait: step.wait.0 };
    Some(EscalationPolicy {
        title: file.title.unwrap_or_else(|| name.to_owned()),
        steps: file.steps.0.into_iter().map(step).collect(),
        repeat: file.repeat.map_or(0, |Whole(times)| times),
    })
}

/// A route and its children, which take from it what they do not say themselves.
fn route(file: Placed<RouteFile>, parent: &Route, reader: &mut Reader<'_>) -> Route {
    let file = file.value;
    let mut made = Route {
        matchers: file.matchers,
        group_by: file.group_by.unwrap_or_else(|| parent.group_by.clone()),
        group_wait: file.group_wait.unwrap_or(parent.group_wait),
        group_interval: file.group_interval.map_or(parent.group_interval, |Span(span)| span),
        repeat_interval: file.repeat_interval.map_or(parent.repeat_interval, |Span(span)| span),
        policy: file.policy.or_else(|| parent.policy.clone()),
        proceed: file.proceed.unwrap_or(false),
        routes: Vec::new(),
    };
    // The policy of the root is the catch-all, behind those of services and owners: children do not take it over.
    let root = made.matchers.is_empty() && *parent == Route::default();
    let inherited = Route { policy: made.policy.clone().filter(|_| !root), ..made.clone() };
    let mut taken = false;
    for child in file.routes {
        if taken {
            let hint = "a sibling above it matches every alert and does not say `continue: true`";
            reader.note_hint(child.at, &rule::UNREACHABLE, "this route is never reached", hint);
        }
        taken |= child.value.matchers.is_empty() && child.value.proceed != Some(true);
        made.routes.push(route(child, &inherited, reader));
    }
    made
}

fn inhibition(file: InhibitionFile) -> Inhibition {
    Inhibition { source: file.source.0, target: file.target.0, equal: file.equal }
}

fn severity_rule(file: SeverityFile) -> SeverityRule {
    // The shape has bounded both ends to 1-4.
    let tier = |number: u16| u8::try_from(number).unwrap_or(u8::MAX);
    SeverityRule {
        when: file.when,
        tiers: file.tiers.map(|Range(low, high)| (tier(low), tier(high))),
        severity: file.severity,
        declare: file.declare.unwrap_or(false),
        update_every: file.update_every.map_or(UPDATE_EVERY, |Span(span)| span),
        why: file.why,
    }
}

fn channel(_: &str, file: ChannelFile, reader: &mut Reader<'_>) -> Option<Channel> {
    file.url.demand(address::schemes(file.kind), reader);
    let sender = file.from.as_ref().is_some_and(|from| address::is_mailbox(from));
    if file.kind == kernel::ChannelKind::Email && !sender {
        let hint = "add `from: watchkeeper@example.org`";
        reader.note_hint(file.url.at, &rule::SENDER, "a mail channel needs the address it sends from", hint);
    }
    Some(Channel { kind: file.kind, url: file.url.text, from: file.from, secret: file.secret })
}

fn hook(_: &str, file: HookFile, _: &mut Reader<'_>) -> Option<Hook> {
    let Pointer(items) = file.items.unwrap_or_default();
    let plain = |pairs: Pairs<Template>| pairs.0.into_iter().map(|(name, text)| (name, text.0)).collect();
    let status = file.status.map_or_else(|| "firing".to_owned(), |Template(text)| text);
    Some(Hook { items, labels: plain(file.labels), annotations: plain(file.annotations), status })
}

fn rule(_: &str, file: RuleFile, reader: &mut Reader<'_>) -> Option<Rule> {
    if let Some(clear) = file.clear.as_ref().filter(|clear| overlap(file.raise, clear.value)) {
        let hint = "let it clear on the other side: raise \"> 0.05\", clear \"< 0.01\"";
        reader.note_hint(clear.at, &rule::HYSTERESIS, "some values both raise and clear", hint);
    }
    Some(Rule {
        metric: file.metric.0,
        matchers: file.matchers,
        reduce: file.reduce.unwrap_or(kernel::book::Reduce::Last),
        window: file.window.map_or(WINDOW, |Span(span)| span),
        raise: file.raise,
        clear: file.clear.map_or_else(|| opposite(file.raise), |clear| clear.value),
        hold: file.hold.unwrap_or(Seconds::ZERO),
        labels: file.labels,
        annotations: file.annotations.0.into_iter().map(|(name, text)| (name, text.0)).collect(),
    })
}

fn opposite(threshold: Threshold) -> Threshold {
    match threshold {
        Threshold::Above(x) => Threshold::AtMost(x),
        Threshold::AtLeast(x) => Threshold::Below(x),
        Threshold::Below(x) => Threshold::AtLeast(x),
        Threshold::AtMost(x) => Threshold::Above(x),
    }
}

/// Whether some value meets both conditions. Of two that point the same way, the further one's values meet both; of two
/// that point at each other, what lies between their numbers does.
fn overlap(raise: Threshold, clear: Threshold) -> bool {
    use Threshold::{Above, AtLeast, AtMost, Below};
    match (raise, clear) {
        (Above(_) | AtLeast(_), Above(_) | AtLeast(_)) | (Below(_) | AtMost(_), Below(_) | AtMost(_)) => true,
        (AtLeast(low), AtMost(high)) | (AtMost(high), AtLeast(low)) => low <= high,
        (Above(low) | AtLeast(low), Below(high) | AtMost(high))
        | (Below(high) | AtMost(high), Above(low) | AtLeast(low)) => low < high,
    }
}

fn check(_: &str, file: CheckFile, reader: &mut Reader<'_>) -> Option<Check> {
    file.url.demand(address::HTTP, reader);
    let every = file.every.map_or(CHECK_EVERY, |Span(span)| span);
    if let Some(timeout) = file.timeout.as_ref().filter(|timeout| timeout.value.0 > every) {
        let message = format!("an answer may take longer than the {every} between two questions");
        reader.note_hint(timeout.at, &rule::SLOW_CHECK, message, "make `timeout` at most `every`");
    }
    let Range(low, high) = file.status.unwrap_or(Range(200, 299));
    Some(Check {
        service: file.service,
        url: file.url.text,
        every,
        timeout: file.timeout.map_or(CHECK_TIMEOUT.min(every), |timeout| timeout.value.0),
        status: (low, high),
        contains: file.contains,
        failures: file.failures.map_or(3, |Whole(times)| times),
        successes: file.successes.map_or(2, |Whole(times)| times),
        labels: file.labels,
    })
}
