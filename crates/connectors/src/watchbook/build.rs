//! From files to a [`Book`]: every file is parsed, then all names are gathered, then everything is read against them.
//! What can be read is read, so that one mistake does not hide another.

use std::collections::BTreeMap;

use kernel::Digest;
use kernel::book::sigma::Sigma;
use kernel::book::{Book, Channel, Component, Inhibition, LogWatches, Route, SeverityRule};

use super::files::{Place, Source};
use super::finding::{Note, Spot};
use super::kinds::{BookFile, ComponentFile, RouteFile, RoutesFile, SeverityFile};
use super::rule;
use super::shape::{Names, Placed, Reader, Shape, Sort};
use super::sigma::{self, SigmaFile};
use super::template;
use super::yaml::{self, Node, Value};
use super::{checks, logs, make, times};

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
            Place::Access
            | Place::Prometheus
            | Place::Objectives
            | Place::Plugins
            | Place::Sigma(_)
            | Place::Scrape => {}
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
    template::check(file, template_name(&source.path), &source.text, notes);
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
        let root = self.root();
        Book {
            on_bad_rule: root.as_ref().and_then(|root| root.on_bad_rule).unwrap_or_default(),
            organisation: root.map(|root| root.organisation).unwrap_or_default(),
            services: self.named(Sort::Service, make::service),
            teams: self.named(Sort::Team, make::team),
            people: self.named(Sort::Person, make::person),
            schedules: self.named(Sort::Schedule, make::schedule),
            policies: self.named(Sort::Policy, make::policy),
            route,
            inhibitions,
            severity: self.severity(),
            channels,
            hooks: self.named(Sort::Hook, make::hook),
            rules: self.named(Sort::Rule, make::rule),
            checks: self.named(Sort::Check, checks::make),
            sigma: self.sigma(),
            logs: self.logs(),
            components: self.components(),
            sources: self.named(Sort::Source, make::source),
            intervals: self.named(Sort::Interval, times::interval),
            ..Book::default()
        }
    }

    fn root(&mut self) -> Option<BookFile> {
        let root = self.trees.iter().find(|(place, _)| *place == Place::Root);
        root.and_then(|(_, node)| BookFile::read(node, &mut self.reader))
    }

    fn sigma(&mut self) -> Sigma {
        let file = self.trees.iter().find(|(place, _)| *place == Place::Handling);
        let read = file.and_then(|(_, node)| SigmaFile::read(node, &mut self.reader));
        Sigma { handling: read.map(sigma::handling).unwrap_or_default(), ..Sigma::default() }
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
        self.named(Sort::Channel, make::channel)
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
            inhibitions.extend(file.inhibitions.into_iter().map(make::inhibition));
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
            let value = &root.value;
            if !value.mute_time_intervals.is_empty() || !value.active_time_intervals.is_empty() {
                let hint = "move the time intervals into a child route, so that something always pages";
                self.reader.note_hint(root.at, &rule::ROOT_TIMES, "the root route must page at any time", hint);
            }
            make::route(root.value, None, &mut self.reader)
        });
        (root.unwrap_or_default(), inhibitions)
    }

    fn logs(&mut self) -> LogWatches {
        let nodes = self.trees.iter().filter(|(place, _)| *place == Place::Logs).map(|(_, node)| node);
        logs::make(nodes, &mut self.reader)
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
        rules.into_iter().map(|placed| make::severity_rule(placed.value)).collect()
    }
}
