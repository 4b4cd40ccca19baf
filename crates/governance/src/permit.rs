//! Who may do what: decides by the access policies, deny by default, and names the policy that decided. Pure in effect: a
//! cache in front remembers decisions, and dies with the policies that it was made from.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;
use std::str::FromStr as _;

use cedar_policy::{
    Authorizer, Context, Decision as Verdict, Entities, Entity, EntityId, EntityTypeName, EntityUid, PolicySet,
    Request, Response, RestrictedExpression,
};
use hashbrown::Equivalent;
use kernel::area::Resource;
use kernel::{Actor, Book, Role};
use parking_lot::RwLock;

use crate::policies::{self, PermitError, group_of};

/// How many decisions are remembered; when there are more, all are forgotten and found again.
const DECISIONS_MAX: usize = 10_000;

/// The live access policies with the people they are about. When the watchbook changes, another is made.
pub struct Permit {
    policies: PolicySet,
    /// Whether a policy names a single resource. If none does, no decision depends on which one it is.
    names_resources: bool,
    roles: HashMap<String, Vec<Role>>,
    authorizer: Authorizer,
    decided: RwLock<hashbrown::HashMap<Key, Decision>>,
}

/// What the policies say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// This policy allows it.
    Allowed {
        /// The policy's `@id`, else its place. The first in order of name, when several allow it.
        policy: Box<str>,
    },
    /// Nothing allows it, or something forbids it.
    Denied {
        /// Why, and what would be needed.
        reason: String,
    },
}

/// What a decision depends on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    actor: Actor,
    scopes: Box<[Box<str>]>,
    action: Box<str>,
    kind: &'static str,
    rank: u8,
    id: Box<str>,
}

/// The same, borrowed: hashes alike, so that a known decision costs no allocation.
#[derive(Hash)]
struct Asked<'a> {
    actor: &'a Actor,
    scopes: &'a [Box<str>],
    action: &'a str,
    kind: &'static str,
    rank: u8,
    id: &'a str,
}

impl Equivalent<Key> for Asked<'_> {
    fn equivalent(&self, key: &Key) -> bool {
        *self.actor == key.actor
            && *self.scopes == *key.scopes
            && *self.action == *key.action
            && self.kind == key.kind
            && self.rank == key.rank
            && *self.id == *key.id
    }
}

impl Asked<'_> {
    fn to_key(&self) -> Key {
        Key {
            actor: self.actor.clone(),
            scopes: self.scopes.into(),
            action: self.action.into(),
            kind: self.kind,
            rank: self.rank,
            id: self.id.into(),
        }
    }
}

impl Permit {
    /// The built-in policies and a watchbook's.
    ///
    /// # Errors
    /// When the watchbook's policies do not parse, or speak of what there is not; says where.
    pub fn new(book: &Book) -> Result<Self, PermitError> {
        let policies = policies::load(book)?;
        let names_resources =
            policies.policies().flat_map(|p| p.entity_literals()).any(|e| e.type_name().to_string() == "Resource");
        let roles = book.people.iter().map(|(name, person)| (name.as_str().to_owned(), person.roles.clone())).collect();
        Ok(Self { policies, names_resources, roles, authorizer: Authorizer::new(), decided: RwLock::default() })
    }

    /// Decides whether an actor may do something. `scopes` are those of an integration's token. An action is `AREA:VERB`;
    /// the verb `read` changes nothing, every other may.
    #[must_use]
    pub fn decide(&self, actor: &Actor, scopes: &[Box<str>], action: &str, resource: &Resource) -> Decision {
        let id = if self.names_resources { &*resource.id } else { "" };
        let rank = resource.sensitivity.byte();
        let asked = Asked { actor, scopes, action, kind: resource.kind, rank, id };
        if let Some(known) = self.decided.read().get(&asked) {
            return known.clone();
        }
        let decision = self.evaluate(actor, scopes, action, resource).unwrap_or_else(|cause| Decision::Denied {
            reason: format!("the access policies could not be evaluated: {cause}"),
        });
        let mut decided = self.decided.write();
        if decided.len() >= DECISIONS_MAX {
            decided.clear();
        }
        decided.insert(asked.to_key(), decision.clone());
        decision
    }

    fn evaluate(
        &self,
        actor: &Actor,
        scopes: &[Box<str>],
        action: &str,
        resource: &Resource,
    ) -> Result<Decision, String> {
        let principal = self.principal(actor, scopes)?;
        let act = Entity::new_no_attrs(uid("Action", action)?, HashSet::from([uid("Action", group_of(action))?]));
        let thing = thing(resource)?;
        let request = Request::new(principal.uid(), act.uid(), thing.uid(), context(action)?, None)
            .map_err(|error| error.to_string())?;
        let entities = Entities::from_entities([principal, act, thing], None).map_err(|error| error.to_string())?;
        let response = self.authorizer.is_authorized(&request, &self.policies, &entities);
        Ok(self.read(&response, actor, scopes, action))
    }

    fn read(&self, response: &Response, actor: &Actor, scopes: &[Box<str>], action: &str) -> Decision {
        // Cedar leaves a policy that fails out; a forbidding one must not be lost like that.
        if let Some(error) = response.diagnostics().errors().next() {
            return Decision::Denied { reason: format!("an access policy could not be evaluated: {error}") };
        }
        let policy = response.diagnostics().reason().map(ToString::to_string).min();
        match (response.decision(), policy) {
            (Verdict::Allow, policy) => Decision::Allowed { policy: policy.unwrap_or_default().into() },
            (Verdict::Deny, Some(policy)) => {
                Decision::Denied { reason: format!("the policy {policy} forbids it to {actor}") }
            }
            (Verdict::Deny, None) => Decision::Denied { reason: self.nothing_allows(actor, scopes, action) },
        }
    }

    fn nothing_allows(&self, actor: &Actor, scopes: &[Box<str>], action: &str) -> String {
        match actor {
            Actor::Person(name) => {
                let roles: Vec<&str> = self.roles_of(name.as_str()).iter().map(|role| role_name(*role)).collect();
                let roles = if roles.is_empty() { "no role".to_owned() } else { roles.join(", ") };
                format!("no policy allows {action} to {name}, who has {roles}: ask an administrator")
            }
            Actor::Integration(name) => {
                format!("the token {name} has the scopes [{}]: {} is needed", scopes.join(", "), scope_of(action))
            }
            Actor::System(_) => format!("no policy allows {action} to {actor}"),
            Actor::Anonymous => format!("{action} is not for everybody: log in first"),
        }
    }

    fn roles_of(&self, person: &str) -> &[Role] {
        self.roles.get(person).map_or(&[], Vec::as_slice)
    }

    fn principal(&self, actor: &Actor, scopes: &[Box<str>]) -> Result<Entity, String> {
        match actor {
            Actor::Person(name) => {
                let roles = self.roles_of(name.as_str()).iter().flat_map(|role| contained(*role));
                let parents = roles.map(|role| uid("Role", role_name(*role))).collect::<Result<_, _>>()?;
                Ok(Entity::new_no_attrs(uid("Person", name.as_str())?, parents))
            }
            Actor::Integration(name) => {
                let scopes = scopes.iter().map(|scope| RestrictedExpression::new_string(scope.to_string()));
                let attributes = HashMap::from([("scopes".to_owned(), RestrictedExpression::new_set(scopes))]);
                Entity::new(uid("Integration", name)?, attributes, HashSet::new()).map_err(|error| error.to_string())
            }
            Actor::System(area) => Ok(Entity::with_uid(uid("System", area)?)),
            Actor::Anonymous => Ok(Entity::with_uid(uid("Anonymous", "anonymous")?)),
        }
    }
}

/// The scope that covers an action: its area, and whether it reads or may write.
fn scope_of(action: &str) -> String {
    let (area, verb) = action.split_once(':').unwrap_or((action, ""));
    format!("{area}:{}", if verb == "read" { "read" } else { "write" })
}

fn context(action: &str) -> Result<Context, String> {
    let text = |value: String| RestrictedExpression::new_string(value);
    let pairs = [("scope".to_owned(), text(scope_of(action))), ("action".to_owned(), text(action.to_owned()))];
    Context::from_pairs(pairs).map_err(|error| error.to_string())
}

/// A resource, called `kind/id`, or `kind` alone when it is all of them.
fn thing(resource: &Resource) -> Result<Entity, String> {
    let text = |value: &str| RestrictedExpression::new_string(value.to_owned());
    let attributes = HashMap::from([
        ("kind".to_owned(), text(resource.kind)),
        ("rank".to_owned(), RestrictedExpression::new_long(i64::from(resource.sensitivity.byte()))),
        ("sensitivity".to_owned(), text(resource.sensitivity.as_str())),
    ]);
    let name = match &*resource.id {
        "" => resource.kind.to_owned(),
        id => format!("{}/{id}", resource.kind),
    };
    Entity::new(uid("Resource", &name)?, attributes, HashSet::new()).map_err(|error| error.to_string())
}

/// A role and those that it contains.
fn contained(role: Role) -> &'static [Role] {
    match role {
        Role::Viewer => &[Role::Viewer],
        Role::Responder => &[Role::Responder, Role::Viewer],
        Role::Commander => &[Role::Commander, Role::Responder, Role::Viewer],
        Role::Communications => &[Role::Communications, Role::Viewer],
        Role::Auditor => &[Role::Auditor],
        Role::Administrator => &[Role::Administrator, Role::Commander, Role::Responder, Role::Viewer],
    }
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::Viewer => "viewer",
        Role::Responder => "responder",
        Role::Commander => "commander",
        Role::Communications => "communications",
        Role::Auditor => "auditor",
        Role::Administrator => "administrator",
    }
}

fn uid(kind: &str, id: &str) -> Result<EntityUid, String> {
    let kind = EntityTypeName::from_str(kind).map_err(|error| error.to_string())?;
    Ok(EntityUid::from_type_name_and_id(kind, EntityId::new(id)))
}
