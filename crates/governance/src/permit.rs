//! Who may do what: Cedar policies, the built-in ones and the watchbook's, deny by default. Pure in effect: a cache in front
//! remembers decisions, and dies with the policies it was made from.

use std::collections::{HashMap, HashSet};
use std::str::FromStr as _;

use cedar_policy::{
    Authorizer, Context, Decision as Verdict, Entities, Entity, EntityId, EntityTypeName, EntityUid, PolicySet, Request,
    RestrictedExpression,
};
use kernel::area::Resource;
use kernel::{Actor, Book, Role};
use parking_lot::RwLock;

/// The policies that are always there.
const DEFAULT: &str = include_str!("../policies/default.cedar");
/// How many decisions are remembered.
const CACHE_MAX: usize = 10_000;

/// The live access policies with the people they are about.
pub struct Permit {
    policies: PolicySet,
    roles: HashMap<String, Vec<Role>>,
    authorizer: Authorizer,
    cache: RwLock<HashMap<String, Decision>>,
}

/// What the policies say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// This policy allows it.
    Allowed {
        /// The policy's `@id`, else its number.
        policy: Box<str>,
    },
    /// Nothing allows it, or something forbids it.
    Denied {
        /// Why, and what would be needed.
        reason: String,
    },
}

/// Why access policies cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PermitError {
    /// They do not parse.
    #[error("access policies: {0}")]
    Syntax(String),
}

impl Permit {
    /// The built-in policies and a watchbook's.
    ///
    /// # Errors
    /// When the watchbook's policies do not parse, with what Cedar says of the place.
    pub fn new(book: &Book) -> Result<Self, PermitError> {
        let text = format!("{DEFAULT}\n{}", book.access);
        let parsed = PolicySet::from_str(&text).map_err(|error| PermitError::Syntax(error.to_string()))?;
        let roles = book.people.iter().map(|(name, person)| (name.as_str().to_owned(), person.roles.clone())).collect();
        Ok(Self { policies: parsed, roles, authorizer: Authorizer::new(), cache: RwLock::default() })
    }

    /// Decides whether an actor may do something. `scopes` are those of an integration's token.
    #[must_use]
    pub fn decide(&self, actor: &Actor, scopes: &[Box<str>], action: &str, resource: &Resource) -> Decision {
        let key = format!(
            "{actor}|{}|{action}|{}|{}|{}",
            scopes.join(","),
            resource.kind,
            resource.sensitivity.byte(),
            resource.id
        );
        if let Some(known) = self.cache.read().get(&key) {
            return known.clone();
        }
        let decision = self.evaluate(actor, scopes, action, resource).unwrap_or_else(|cause| Decision::Denied {
            reason: format!("the access policies could not be evaluated: {cause}"),
        });
        let mut cache = self.cache.write();
        if cache.len() >= CACHE_MAX {
            cache.clear();
        }
        cache.insert(key, decision.clone());
        decision
    }

    fn evaluate(&self, actor: &Actor, scopes: &[Box<str>], action: &str, resource: &Resource) -> Result<Decision, String> {
        let principal = self.principal(actor, scopes)?;
        let act = action_entity(action)?;
        let thing = resource_entity(resource)?;
        let request = Request::new(principal.uid(), act.uid(), thing.uid(), context(action)?, None)
            .map_err(|error| error.to_string())?;
        let entities = [principal, act, thing].into_iter().chain(role_entities()?);
        let entities = Entities::from_entities(entities, None).map_err(|error| error.to_string())?;
        let response = self.authorizer.is_authorized(&request, &self.policies, &entities);
        let mut deciding: Vec<String> = response.diagnostics().reason().map(|id| self.name_of(id)).collect();
        deciding.sort();
        Ok(match (response.decision(), deciding.into_iter().next()) {
            (Verdict::Allow, policy) => Decision::Allowed { policy: policy.unwrap_or_default().into() },
            (Verdict::Deny, Some(policy)) => Decision::Denied { reason: format!("policy {policy} forbids it to {actor}") },
            (Verdict::Deny, None) => Decision::Denied { reason: self.nothing_allows(actor, scopes, action) },
        })
    }

    fn name_of(&self, id: &cedar_policy::PolicyId) -> String {
        let named = self.policies.policy(id).and_then(|policy| policy.annotation("id"));
        named.map_or_else(|| id.to_string(), str::to_owned)
    }

    fn nothing_allows(&self, actor: &Actor, scopes: &[Box<str>], action: &str) -> String {
        match actor {
            Actor::Person(name) => {
                let roles: Vec<String> = self.roles_of(name.as_str()).iter().map(|role| role_name(*role)).collect();
                let roles = if roles.is_empty() { "no role".to_owned() } else { roles.join(", ") };
                format!("no policy allows {action} to {name}, who has {roles}: ask an administrator")
            }
            Actor::Integration(name) => {
                let needed = scope_of(action);
                format!("token {name} has the scopes [{}], {needed} is needed", scopes.join(", "))
            }
            Actor::System(_) | Actor::Anonymous => format!("no policy allows {action} to {actor}: log in first"),
        }
    }

    fn roles_of(&self, person: &str) -> &[Role] {
        self.roles.get(person).map_or(&[], Vec::as_slice)
    }

    fn principal(&self, actor: &Actor, scopes: &[Box<str>]) -> Result<Entity, String> {
        let (kind, id, parents) = match actor {
            Actor::Person(name) => {
                let parents = self.roles_of(name.as_str()).iter().map(|r| uid("Role", &role_name(*r)));
                ("Person", name.as_str(), parents.collect::<Result<HashSet<_>, _>>()?)
            }
            Actor::Integration(name) => ("Integration", &**name, HashSet::new()),
            Actor::System(area) => ("System", &**area, HashSet::new()),
            Actor::Anonymous => ("Anonymous", "anonymous", HashSet::new()),
        };
        let scopes = scopes.iter().map(|scope| RestrictedExpression::new_string(scope.to_string()));
        let attributes = HashMap::from([("scopes".to_owned(), RestrictedExpression::new_set(scopes))]);
        Entity::new(uid(kind, id)?, attributes, parents).map_err(|error| error.to_string())
    }
}

/// The scope that covers an action: its area and whether it reads or writes.
fn scope_of(action: &str) -> String {
    let (area, verb) = action.split_once(':').unwrap_or((action, ""));
    format!("{area}:{}", if verb == "read" { "read" } else { "write" })
}

fn context(action: &str) -> Result<Context, String> {
    let text = |value: String| RestrictedExpression::new_string(value);
    let pairs = [("scope".to_owned(), text(scope_of(action))), ("action".to_owned(), text(action.to_owned()))];
    Context::from_pairs(pairs).map_err(|error| error.to_string())
}

/// An action stands in the group of its area, and a reading one in the group `read`.
fn action_entity(action: &str) -> Result<Entity, String> {
    let (area, verb) = action.split_once(':').unwrap_or((action, ""));
    let mut parents = HashSet::new();
    if verb == "read" {
        parents.insert(uid("Action", "read")?);
    } else {
        parents.insert(uid("Action", area)?);
    }
    Entity::new(uid("Action", action)?, HashMap::new(), parents).map_err(|error| error.to_string())
}

fn resource_entity(resource: &Resource) -> Result<Entity, String> {
    let attributes = HashMap::from([
        ("kind".to_owned(), RestrictedExpression::new_string(resource.kind.to_owned())),
        ("rank".to_owned(), RestrictedExpression::new_long(i64::from(resource.sensitivity.byte()))),
    ]);
    Entity::new(uid("Resource", &resource.id)?, attributes, HashSet::new()).map_err(|error| error.to_string())
}

fn role_entities() -> Result<Vec<Entity>, String> {
    let contained = [
        (Role::Viewer, None),
        (Role::Responder, Some(Role::Viewer)),
        (Role::Commander, Some(Role::Responder)),
        (Role::Communications, Some(Role::Viewer)),
        (Role::Auditor, None),
        (Role::Administrator, Some(Role::Commander)),
    ];
    let entity = |(role, within): (Role, Option<Role>)| {
        let parents = within.map(|r| uid("Role", &role_name(r))).into_iter().collect::<Result<HashSet<_>, _>>()?;
        Entity::new(uid("Role", &role_name(role))?, HashMap::new(), parents).map_err(|error| error.to_string())
    };
    contained.into_iter().map(entity).collect()
}

fn role_name(role: Role) -> String {
    format!("{role:?}").to_lowercase()
}

fn uid(kind: &str, id: &str) -> Result<EntityUid, String> {
    let kind = EntityTypeName::from_str(kind).map_err(|error| error.to_string())?;
    Ok(EntityUid::from_type_name_and_id(kind, EntityId::new(id)))
}
