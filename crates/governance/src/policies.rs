//! Access policies as text: the built-in ones and the watchbook's, parsed, named, and checked against what they may speak of.
//! They decide nothing here: see `permit`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::str::FromStr as _;

use cedar_policy::{EntityUid, Policy, PolicyId, PolicySet, Schema, ValidationMode, Validator};
use kernel::Book;
use miette::Diagnostic as _;

/// The policies that are always there.
const DEFAULT: &str = include_str!("../policies/default.cedar");
/// What policies may speak of, without the actions.
const SCHEMA: &str = include_str!("../policies/schema.cedarschema");
/// The areas whose actions policies and scopes may name: those of the journal, and what the doors add.
pub const AREAS: [&str; 11] = [
    "alerts",
    "comms",
    "governance",
    "incidents",
    "journal",
    "learning",
    "me",
    "signals",
    "status",
    "telemetry",
    "watchbook",
];
/// The most policies that a watchbook may add.
pub const POLICIES_MAX: usize = 1000;

/// Why access policies cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PermitError {
    /// They do not parse.
    #[error("access policies, line {line}, column {column}: {message}")]
    Syntax {
        /// The line within the policies' text, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// What is wrong.
        message: String,
    },
    /// They parse, but say what cannot be meant.
    #[error("access policy {policy}: {message}")]
    Meaning {
        /// The policy's `@id`, else its place.
        policy: String,
        /// What is wrong, and a way out.
        message: String,
    },
    /// There are too many.
    #[error("there are {0} access policies: at most {POLICIES_MAX} are accepted")]
    TooMany(usize),
    /// The built-in policies are broken, which a test rules out.
    #[error("the built-in access policies are broken: {0}")]
    Internal(String),
}

/// The built-in policies and a watchbook's, each under its `@id`.
pub(crate) fn load(book: &Book) -> Result<PolicySet, PermitError> {
    let own = parse(DEFAULT).map_err(|error| PermitError::Internal(error.to_string()))?;
    let added = parse(&book.access)?;
    if added.num_of_policies() > POLICIES_MAX {
        return Err(PermitError::TooMany(added.num_of_policies()));
    }
    if let Some(template) = added.templates().next() {
        let message = "it has a slot such as ?principal, which nothing fills: name the principal".to_owned();
        return Err(PermitError::Meaning { policy: template.id().to_string(), message });
    }
    let mut all = PolicySet::new();
    for policy in own.policies().chain(added.policies()) {
        let name = name_of(policy);
        all.add(policy.new_id(PolicyId::new(&name))).map_err(|_| PermitError::Meaning {
            message: "another policy has the same @id: give it one of its own".to_owned(),
            policy: name,
        })?;
    }
    validate(&all, book)?;
    Ok(all)
}

fn parse(text: &str) -> Result<PolicySet, PermitError> {
    PolicySet::from_str(text).map_err(|errors| {
        let offset = errors.labels().and_then(|mut labels| labels.next()).map_or(0, |label| label.offset());
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        PermitError::Syntax {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            message: errors.to_string(),
        }
    })
}

/// A policy's `@id`, else what Cedar calls it by its place.
fn name_of(policy: &Policy) -> String {
    policy.annotation("id").filter(|id| !id.is_empty()).map_or_else(|| policy.id().to_string(), str::to_owned)
}

fn validate(policies: &PolicySet, book: &Book) -> Result<(), PermitError> {
    let mut actions = BTreeSet::new();
    for policy in policies.policies() {
        for literal in policy.entity_literals() {
            check_literal(&literal, book, &mut actions)
                .map_err(|message| PermitError::Meaning { policy: name_of(policy), message })?;
        }
    }
    let schema = schema(&actions).map_err(|error| PermitError::Internal(error.to_string()))?;
    let result = Validator::new(schema).validate(policies, ValidationMode::Strict);
    match result.validation_errors().next() {
        Some(error) => Err(PermitError::Meaning { policy: error.policy_id().to_string(), message: error.to_string() }),
        None => Ok(()),
    }
}

/// Checks that a policy names something that exists, and collects the single actions.
fn check_literal(literal: &EntityUid, book: &Book, actions: &mut BTreeSet<String>) -> Result<(), String> {
    let id = literal.id().unescaped();
    match literal.type_name().to_string().as_str() {
        "Action" if id == "read" || AREAS.contains(&id) => {}
        "Action" if id.split_once(':').is_some_and(|(area, verb)| AREAS.contains(&area) && !verb.is_empty()) => {
            actions.insert(id.to_owned());
        }
        "Action" => {
            return Err(format!(
                "there is no action {id:?}: write read, an area or AREA:VERB, of {}",
                AREAS.join(", ")
            ));
        }
        "Person" if !book.people.contains_key(id) => {
            return Err(format!("there is no person {id:?}: add them under people, or take them out here"));
        }
        _ => {}
    }
    Ok(())
}

fn schema(actions: &BTreeSet<String>) -> Result<Schema, Box<dyn std::error::Error>> {
    const APPLIES: &str =
        "appliesTo { principal: [Person, Integration, System, Anonymous], resource: [Resource], context: Asked };";
    let mut text = SCHEMA.to_owned();
    for group in AREAS.iter().chain(&["read"]) {
        writeln!(text, "action {group:?} {APPLIES}")?;
    }
    for action in actions {
        writeln!(text, "action {action:?} in [{:?}] {APPLIES}", group_of(action))?;
    }
    Ok(Schema::from_cedarschema_str(&text)?.0)
}

/// The group that an action stands in: `read`, else its area.
pub(crate) fn group_of(action: &str) -> &str {
    match action.split_once(':') {
        Some((_, "read")) => "read",
        Some((area, _)) => area,
        None => action,
    }
}
