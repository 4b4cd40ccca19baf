//! From a field with modifiers and values to a tree of tests, as the Sigma specification of modifiers says.

use std::sync::Arc;

use regex::{Regex, RegexBuilder};
use rsigma_parser::{DetectionItem, Modifier, SigmaString, SigmaValue, SpecialChar, StringPart};

use super::clock::Unit;
use super::encode;
use super::event::float_text;
use super::item::{Compare, Item, Network, Place, Target, Test, Texts, Tree};
use super::text::{Part, Pattern};
use super::view::FieldId;

/// The most bytes that one compiled regular expression may take; one that needs more is refused.
pub const REGEX_BYTES_MAX: usize = 10 * 1024 * 1024;
/// From how many bytes on a compiled regular expression is a large one.
pub const REGEX_LARGE_BYTES: usize = 512 * 1024;
/// The most large regular expressions of all rules in use together.
pub const REGEX_LARGE_MAX: usize = 100;

/// What the compiler knows about names.
pub(super) trait Names {
    /// The fields that a rule's field stands for.
    fn fields(&mut self, name: &str) -> Vec<FieldId>;
    /// The values of a placeholder; none when nobody filled it, which is noted.
    fn placeholder(&mut self, name: &str) -> Option<Vec<String>>;
    /// Whether there may be one more large regular expression.
    fn large_regex(&mut self) -> bool;
}

/// A value while modifiers are applied to it.
#[derive(Debug, Clone)]
enum Draft {
    Pattern(Pattern),
    Bytes(Vec<u8>),
    Bool(bool),
    Null,
}

/// What the modifiers say beside changing values.
#[derive(Debug, Clone, Copy, Default)]
struct Manner {
    all: bool,
    cased: bool,
    negated: bool,
    exists: bool,
    other_field: bool,
    network: bool,
    regex: bool,
    flags: (bool, bool, bool),
    place: Option<Place>,
    compare: Option<Compare>,
    unit: Option<Unit>,
}

/// The tree that an item of a detection makes.
pub(super) fn item(item: &DetectionItem, names: &mut dyn Names) -> Result<Tree, String> {
    let fields = item.field.name.as_deref().map(|name| names.fields(name));
    let targets: Vec<Target> = match &fields {
        Some(fields) => fields.iter().map(|field| Target::Field(*field)).collect(),
        None => vec![Target::Anywhere],
    };
    let place = || item.field.name.as_deref().unwrap_or("a keyword").to_owned();
    values(&item.values, &item.field.modifiers, &targets, names).map_err(|reason| format!("{}: {reason}", place()))
}

/// The tree for values without a field: each may stand anywhere in the event.
pub(super) fn keywords(given: &[SigmaValue], names: &mut dyn Names) -> Result<Tree, String> {
    values(given, &[], &[Target::Anywhere], names).map_err(|reason| format!("a keyword: {reason}"))
}

fn values(
    given: &[SigmaValue],
    modifiers: &[Modifier],
    targets: &[Target],
    names: &mut dyn Names,
) -> Result<Tree, String> {
    if given.is_empty() {
        return Err("there is no value to compare with".to_owned());
    }
    let manner = Manner::of(modifiers);
    let mut groups: Vec<Vec<Test>> = Vec::new();
    let mut patterns = Vec::new();
    for value in given {
        let drafts = apply(value, modifiers, names)?;
        let mut tests = Vec::new();
        for draft in drafts {
            let draft = if targets == [Target::Anywhere] { draft.anywhere(manner) } else { draft };
            match draft {
                Draft::Pattern(pattern) if manner.is_text() => patterns.push(pattern),
                draft => tests.push(manner.test(draft, names)?),
            }
        }
        if manner.all && !patterns.is_empty() {
            tests.push(texts(std::mem::take(&mut patterns), manner.cased));
        }
        // A value whose placeholder nobody filled leaves nothing to compare with.
        if tests.is_empty() && patterns.is_empty() {
            tests.push(Test::Never);
        }
        groups.push(tests);
    }
    if !patterns.is_empty() {
        groups.push(vec![texts(patterns, manner.cased)]);
    }
    Ok(manner.link(groups, targets))
}

fn texts(patterns: Vec<Pattern>, cased: bool) -> Test {
    Test::Texts(Arc::new(Texts::new(patterns, cased)))
}

impl Manner {
    fn of(modifiers: &[Modifier]) -> Self {
        let mut manner = Self::default();
        for modifier in modifiers {
            match modifier {
                Modifier::All => manner.all = true,
                Modifier::Cased => manner.cased = true,
                Modifier::Neq => manner.negated = true,
                Modifier::Exists => manner.exists = true,
                Modifier::FieldRef => manner.other_field = true,
                Modifier::Cidr => manner.network = true,
                Modifier::Re => manner.regex = true,
                Modifier::IgnoreCase => manner.flags.0 = true,
                Modifier::Multiline => manner.flags.1 = true,
                Modifier::DotAll => manner.flags.2 = true,
                Modifier::Contains => manner.place = Some(Place::Inside),
                Modifier::StartsWith => manner.place = Some(Place::Start),
                Modifier::EndsWith => manner.place = Some(Place::End),
                Modifier::Gt => manner.compare = Some(Compare::Greater),
                Modifier::Gte => manner.compare = Some(Compare::AtLeast),
                Modifier::Lt => manner.compare = Some(Compare::Less),
                Modifier::Lte => manner.compare = Some(Compare::AtMost),
                Modifier::Minute => manner.unit = Some(Unit::Minute),
                Modifier::Hour => manner.unit = Some(Unit::Hour),
                Modifier::Day => manner.unit = Some(Unit::Day),
                Modifier::Week => manner.unit = Some(Unit::Week),
                Modifier::Month => manner.unit = Some(Unit::Month),
                Modifier::Year => manner.unit = Some(Unit::Year),
                // These change values, which `apply` does.
                Modifier::Base64
                | Modifier::Base64Offset
                | Modifier::Wide
                | Modifier::Utf16be
                | Modifier::Utf16
                | Modifier::WindAsh
                | Modifier::Expand => {}
            }
        }
        manner
    }

    /// Whether values are compared as texts with wildcards.
    fn is_text(self) -> bool {
        let other = self.exists || self.other_field || self.network || self.regex;
        !other && self.compare.is_none() && self.unit.is_none()
    }

    fn test(self, draft: Draft, names: &mut dyn Names) -> Result<Test, String> {
        let plain = match &draft {
            Draft::Pattern(pattern) => pattern.plain(),
            _ => None,
        };
        let text = || plain.ok_or_else(|| "its modifiers need a text without wildcards".to_owned());
        match draft {
            Draft::Null => Ok(Test::Null),
            Draft::Bool(wanted) if self.exists => Ok(Test::Exists(wanted)),
            Draft::Bytes(_) => Err("UTF-16 is compared only as Base64: add `base64` or `base64offset`".to_owned()),
            _ if self.exists => match text()? {
                "true" | "yes" => Ok(Test::Exists(true)),
                "false" | "no" => Ok(Test::Exists(false)),
                other => Err(format!("`exists` needs true or false, not `{other}`")),
            },
            Draft::Bool(flag) => Ok(texts(vec![Pattern::literal(flag.to_string())], false)),
            _ if self.regex => regex(text()?, self.flags, names).map(Test::Regex),
            _ if self.network => Network::parse(text()?).map(Test::Network),
            _ if self.other_field => self.other(text()?, names),
            _ => {
                let text = text()?;
                let number = text.parse().map_err(|_| format!("`{text}` is no number to compare with"))?;
                let compare = self.compare.unwrap_or(Compare::Equal);
                Ok(self.unit.map_or(Test::Number(compare, number), |unit| Test::Time(unit, compare, number)))
            }
        }
    }

    fn other(self, name: &str, names: &mut dyn Names) -> Result<Test, String> {
        let place = self.place.unwrap_or(Place::Whole);
        match names.fields(name).as_slice() {
            [field] => Ok(Test::Other { field: *field, place, cased: self.cased }),
            _ => Err(format!("`fieldref` needs one field, but {name} is mapped to several")),
        }
    }

    /// All values together: each group is one value, over each field that the rule's field stands for.
    fn link(self, groups: Vec<Vec<Test>>, targets: &[Target]) -> Tree {
        let of_target = |target: Target| {
            let one = |tests: &Vec<Test>| {
                Tree::any(tests.iter().map(|test| Tree::Item(Item { target, test: test.clone() })).collect())
            };
            let trees: Vec<Tree> = groups.iter().filter(|tests| !tests.is_empty()).map(one).collect();
            if self.all { Tree::all(trees) } else { Tree::any(trees) }
        };
        let tree = Tree::any(targets.iter().copied().map(of_target).collect());
        if self.negated { Tree::Not(Box::new(tree)) } else { tree }
    }
}

impl Draft {
    /// A keyword may stand anywhere in a value.
    fn anywhere(self, manner: Manner) -> Self {
        match self {
            Self::Pattern(pattern) if manner.is_text() => Self::Pattern(pattern.open(true, true)),
            Self::Bool(flag) => Self::Pattern(Pattern::literal(flag.to_string()).open(true, true)),
            other => other,
        }
    }
}

/// The values that one value becomes.
fn apply(value: &SigmaValue, modifiers: &[Modifier], names: &mut dyn Names) -> Result<Vec<Draft>, String> {
    let raw = modifiers.contains(&Modifier::Re) || modifiers.contains(&Modifier::Cidr);
    let mut drafts = vec![draft(value, raw)];
    // Placeholders stand for values, so they are filled before anything else is done with them.
    if modifiers.contains(&Modifier::Expand) {
        drafts = each(drafts, |pattern| encode::expand(&pattern, names))?;
    }
    for modifier in modifiers {
        drafts = match modifier {
            Modifier::WindAsh => each(drafts, |pattern| Ok(encode::dashes(&pattern)))?,
            Modifier::Wide => bytes(drafts, encode::utf16_little)?,
            Modifier::Utf16be => bytes(drafts, encode::utf16_big)?,
            Modifier::Utf16 => bytes(drafts, encode::utf16_marked)?,
            Modifier::Base64 => encoded(drafts, |bytes| vec![encode::base64(bytes)])?,
            Modifier::Base64Offset => encoded(drafts, encode::base64_offsets)?,
            Modifier::Contains if !raw => each(drafts, |pattern| Ok(vec![pattern.open(true, true)]))?,
            Modifier::StartsWith if !raw => each(drafts, |pattern| Ok(vec![pattern.open(false, true)]))?,
            Modifier::EndsWith if !raw => each(drafts, |pattern| Ok(vec![pattern.open(true, false)]))?,
            _ => drafts,
        };
    }
    if modifiers.contains(&Modifier::FieldRef) {
        return Ok(vec![draft(value, true)]);
    }
    Ok(drafts)
}

fn draft(value: &SigmaValue, raw: bool) -> Draft {
    match value {
        SigmaValue::String(text) if raw => Draft::Pattern(Pattern::literal(text.original.clone())),
        SigmaValue::String(text) => Draft::Pattern(pattern(text)),
        SigmaValue::Integer(number) => Draft::Pattern(Pattern::literal(number.to_string())),
        SigmaValue::Float(number) => Draft::Pattern(Pattern::literal(float_text(*number))),
        SigmaValue::Bool(flag) => Draft::Bool(*flag),
        SigmaValue::Null => Draft::Null,
    }
}

/// The parser's string as a pattern.
pub(super) fn pattern(text: &SigmaString) -> Pattern {
    Pattern::new(text.parts.iter().map(|part| match part {
        StringPart::Plain(text) => Part::Text(text.clone()),
        StringPart::Special(SpecialChar::WildcardMulti) => Part::Any,
        StringPart::Special(SpecialChar::WildcardSingle) => Part::One,
    }))
}

fn each(
    drafts: Vec<Draft>,
    mut change: impl FnMut(Pattern) -> Result<Vec<Pattern>, String>,
) -> Result<Vec<Draft>, String> {
    let mut changed = Vec::new();
    for draft in drafts {
        match draft {
            Draft::Pattern(pattern) => changed.extend(change(pattern)?.into_iter().map(Draft::Pattern)),
            Draft::Bool(flag) => {
                changed.extend(change(Pattern::literal(flag.to_string()))?.into_iter().map(Draft::Pattern))
            }
            other => changed.push(other),
        }
    }
    Ok(changed)
}

fn bytes(drafts: Vec<Draft>, encode: impl Fn(&str) -> Vec<u8>) -> Result<Vec<Draft>, String> {
    let of = |draft: Draft| match draft {
        Draft::Pattern(pattern) => match pattern.plain() {
            Some(text) => Ok(Draft::Bytes(encode(text))),
            None => Err("a text with wildcards has no encoded form".to_owned()),
        },
        other => Ok(other),
    };
    drafts.into_iter().map(of).collect()
}

fn encoded(drafts: Vec<Draft>, encode: impl Fn(&[u8]) -> Vec<String>) -> Result<Vec<Draft>, String> {
    let mut changed = Vec::new();
    for draft in bytes(drafts, |text| text.as_bytes().to_vec())? {
        match draft {
            Draft::Bytes(bytes) => {
                changed.extend(encode(&bytes).into_iter().map(|text| Draft::Pattern(Pattern::literal(text))));
            }
            other => changed.push(other),
        }
    }
    Ok(changed)
}

fn regex(text: &str, flags: (bool, bool, bool), names: &mut dyn Names) -> Result<Regex, String> {
    let (ignore_case, multiline, dot_all) = flags;
    let build = |bytes: usize| {
        let mut builder = RegexBuilder::new(text);
        builder.case_insensitive(ignore_case).multi_line(multiline).dot_matches_new_line(dot_all);
        builder.size_limit(bytes).build()
    };
    let built = match build(REGEX_LARGE_BYTES) {
        Err(regex::Error::CompiledTooBig(_)) if names.large_regex() => build(REGEX_BYTES_MAX),
        built => built,
    };
    built.map_err(|error| format!("the regular expression `{text}` does not compile: {error}"))
}
