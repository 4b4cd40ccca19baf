//! What one transformation of a pipeline changes, and in which rules.

use std::collections::BTreeMap;

use rsigma_parser::SigmaString;
use serde::Deserialize;
use serde_json::Value;

use crate::sigma::modify;
use crate::sigma::text::{Part, Pattern};

/// The words of a rule's log source.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::sigma) struct Source {
    pub product: Option<String>,
    pub service: Option<String>,
    pub category: Option<String>,
}

impl Source {
    /// The words, in the order of the fields that events carry them in.
    pub fn words(&self) -> [Option<&str>; 3] {
        [self.product.as_deref(), self.service.as_deref(), self.category.as_deref()]
    }

    /// Whether each word that stands here stands in the other source too.
    pub fn covers(&self, other: &Self) -> bool {
        let same = |(own, other): (&Option<&str>, Option<&str>)| {
            own.is_none_or(|own| other.is_some_and(|other| own.eq_ignore_ascii_case(other)))
        };
        self.words().iter().zip(other.words()).all(same)
    }
}

impl Source {
    /// Whether this source tells where the events of the other one are: it covers it, and is no mere product when the
    /// other names a service or a category.
    pub fn tells(&self, other: &Self) -> bool {
        let narrow = |source: &Self| source.service.is_some() || source.category.is_some();
        self.covers(other) && (narrow(self) || !narrow(other))
    }
}

/// What is known about a rule before it is compiled.
#[derive(Debug, Clone, Copy)]
pub(in crate::sigma) struct Subject<'a> {
    pub source: &'a Source,
    pub tags: &'a [String],
    pub correlation: bool,
}

/// A field and the patterns one of which its value must have.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::sigma) struct Condition {
    pub field: String,
    pub values: Vec<Pattern>,
}

/// One transformation.
#[derive(Debug, Clone)]
pub(super) struct Step {
    conditions: Conditions,
    pub change: Change,
}

/// The keys that a transformation may have, those of every type together.
const KEYS: [&str; 17] = [
    "id",
    "type",
    "rule_conditions",
    "rule_cond_op",
    "rule_cond_not",
    "field_name_conditions",
    "field_name_cond_op",
    "field_name_cond_not",
    "mapping",
    "prefix",
    "suffix",
    "conditions",
    "product",
    "service",
    "category",
    "log_sources",
    "message",
];

/// In which rules and for which fields a transformation is made.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Conditions {
    rule_conditions: Vec<RuleCondition>,
    rule_cond_op: Link,
    rule_cond_not: bool,
    field_name_conditions: Vec<FieldCondition>,
    field_name_cond_op: Link,
    field_name_cond_not: bool,
}

#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Link {
    #[default]
    And,
    Or,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum RuleCondition {
    Logsource { product: Option<String>, service: Option<String>, category: Option<String> },
    Tag { tag: String },
    IsSigmaRule {},
    IsSigmaCorrelationRule {},
}

#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum FieldCondition {
    IncludeFields { fields: Vec<String> },
    ExcludeFields { fields: Vec<String> },
}

/// What is changed.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Change {
    FieldNameMapping {
        mapping: BTreeMap<String, OneOrMany>,
    },
    FieldNamePrefixMapping {
        mapping: BTreeMap<String, OneOrMany>,
    },
    FieldNamePrefix {
        prefix: String,
    },
    FieldNameSuffix {
        suffix: String,
    },
    AddCondition {
        #[serde(deserialize_with = "conditions")]
        conditions: Vec<Condition>,
    },
    #[serde(rename = "change_logsource")]
    LogSource {
        product: Option<String>,
        service: Option<String>,
        category: Option<String>,
    },
    LogSources {
        log_sources: Vec<Entry>,
    },
    DropDetectionItem {},
    RuleFailure {
        message: String,
    },
    ValuePlaceholders {},
    WildcardPlaceholders {},
}

/// A log source and where its events are.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    pub source: Source,
    pub from: Vec<Class>,
}

/// A class of events, told by the values of its fields.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Class {
    #[serde(deserialize_with = "conditions")]
    pub when: Vec<Condition>,
    /// The option that switches this class on.
    pub option: Option<String>,
    #[serde(default)]
    pub fields: BTreeMap<String, OneOrMany>,
}

/// A name, or several of which any will do.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(in crate::sigma) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    pub fn names(&self) -> &[String] {
        match self {
            Self::One(name) => std::slice::from_ref(name),
            Self::Many(names) => names,
        }
    }
}

impl Step {
    pub fn read(value: &Value) -> Result<Self, String> {
        let known = |key: &&String| KEYS.contains(&key.as_str());
        if let Some(key) = value.as_object().into_iter().flat_map(|step| step.keys()).find(|key| !known(key)) {
            return Err(format!("the key `{key}` is not known here"));
        }
        let conditions = Conditions::deserialize(value).map_err(|error| error.to_string())?;
        let change = Change::deserialize(value).map_err(|error| error.to_string())?;
        Ok(Self { conditions, change })
    }

    /// Whether this transformation is made in the rule.
    pub fn applies(&self, subject: Subject<'_>) -> bool {
        let Conditions { rule_conditions, rule_cond_op, rule_cond_not, .. } = &self.conditions;
        rule_cond_op.over(rule_conditions, |condition| condition.holds(subject)) != *rule_cond_not
    }

    /// Whether it depends on the field whether this transformation is made.
    pub fn names_fields(&self) -> bool {
        !self.conditions.field_name_conditions.is_empty()
    }

    /// Whether this transformation is made to the field.
    pub fn touches(&self, field: &str) -> bool {
        let Conditions { field_name_conditions, field_name_cond_op, field_name_cond_not, .. } = &self.conditions;
        field_name_cond_op.over(field_name_conditions, |condition| condition.holds(field)) != *field_name_cond_not
    }
}

impl Link {
    fn over<T>(self, conditions: &[T], holds: impl Fn(&T) -> bool) -> bool {
        match self {
            Self::And => conditions.iter().all(holds),
            Self::Or => conditions.is_empty() || conditions.iter().any(holds),
        }
    }
}

impl RuleCondition {
    fn holds(&self, subject: Subject<'_>) -> bool {
        match self {
            Self::Logsource { product, service, category } => {
                let (product, service, category) = (product.clone(), service.clone(), category.clone());
                Source { product, service, category }.covers(subject.source)
            }
            Self::Tag { tag } => subject.tags.contains(tag),
            Self::IsSigmaRule {} => !subject.correlation,
            Self::IsSigmaCorrelationRule {} => subject.correlation,
        }
    }
}

impl FieldCondition {
    fn holds(&self, field: &str) -> bool {
        let among = |fields: &[String]| fields.iter().any(|known| known == field);
        match self {
            Self::IncludeFields { fields } => among(fields),
            Self::ExcludeFields { fields } => !among(fields),
        }
    }
}

/// A map of fields to a value or a list of values.
fn conditions<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<Condition>, D::Error> {
    let given = BTreeMap::<String, Value>::deserialize(deserializer)?;
    let one = |(field, value): (String, Value)| {
        let values: Option<Vec<Pattern>> = list(&value).iter().map(pattern).collect();
        let reason = || serde::de::Error::custom(format!("the condition on `{field}` needs texts or numbers"));
        let values = values.filter(|values| !values.is_empty()).ok_or_else(reason)?;
        Ok(Condition { field, values })
    };
    given.into_iter().map(one).collect()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice)
}

fn pattern(value: &Value) -> Option<Pattern> {
    match value {
        Value::String(text) => Some(modify::pattern(&SigmaString::new(text)).folded()),
        Value::Number(_) | Value::Bool(_) => Some(Pattern::new([Part::Text(value.to_string())])),
        _ => None,
    }
}

/// A map of names to a text or a list of texts.
pub(super) fn texts_by_name(value: &Value) -> Result<BTreeMap<String, Vec<String>>, String> {
    let entries = value.as_object().ok_or("this must be a map of names to values")?;
    let text = |value: &Value| match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        other => Err(format!("{other} is neither text nor number")),
    };
    let one = |(name, value): (&String, &Value)| {
        Ok((name.clone(), list(value).iter().map(text).collect::<Result<Vec<_>, String>>()?))
    };
    entries.iter().map(one).collect()
}
