//! An event while rules look at it: every field hashed once, every text folded at most once.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::HashMap;

use super::event::{Event, Scalar};
use super::text::fold;

/// The number of a field that some rule names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct FieldId(u32);

/// The fields that the rules name.
#[derive(Debug, Default)]
pub(super) struct Fields(HashMap<Box<str>, FieldId>);

impl Fields {
    /// The number of a field; a new one when no rule has named it yet.
    pub fn id(&mut self, name: &str) -> FieldId {
        if let Some(id) = self.0.get(name) {
            return *id;
        }
        let id = FieldId(u32::try_from(self.0.len()).unwrap_or(u32::MAX));
        self.0.insert(name.into(), id);
        id
    }
}

/// No value.
const NONE: u32 = u32::MAX;

/// An event seen through the fields of the rules.
pub(super) struct View<'e> {
    event: &'e Event<'e>,
    /// For each field the place of its first value, and for each value the place of the next one of its field.
    first: Vec<u32>,
    next: Vec<u32>,
    folded: Vec<OnceCell<Cow<'e, str>>>,
}

impl<'e> View<'e> {
    /// Looks up each field of the event once.
    pub fn new(fields: &Fields, event: &'e Event<'e>) -> Self {
        let count = event.fields.len();
        let (mut first, mut next) = (vec![NONE; fields.0.len()], vec![NONE; count]);
        for (at, field) in event.fields.iter().enumerate().rev() {
            let known = fields.0.get(&*field.name).and_then(|id| first.get_mut(id.0 as usize));
            if let (Some(first), Some(next), Ok(at)) = (known, next.get_mut(at), u32::try_from(at)) {
                *next = std::mem::replace(first, at);
            }
        }
        Self { event, first, next, folded: vec![OnceCell::new(); count] }
    }

    /// The places of a field's values.
    pub fn places(&self, field: FieldId) -> impl Iterator<Item = usize> {
        let mut at = self.first.get(field.0 as usize).copied().unwrap_or(NONE);
        std::iter::from_fn(move || {
            let place = (at != NONE).then_some(at as usize)?;
            at = self.next.get(place).copied().unwrap_or(NONE);
            Some(place)
        })
    }

    /// The places of all values of all fields.
    pub fn everywhere(&self) -> std::ops::Range<usize> {
        0..self.event.fields.len()
    }

    /// The name of the field whose value is at a place.
    pub fn name(&self, place: usize) -> Option<&str> {
        self.event.fields.get(place).map(|field| &*field.name)
    }

    /// The value at a place.
    pub fn value(&self, place: usize) -> Option<&Scalar<'e>> {
        self.event.fields.get(place).map(|field| &field.value)
    }

    /// The text at a place as it was written.
    pub fn text(&self, place: usize) -> Option<Cow<'_, str>> {
        self.value(place)?.text()
    }

    /// The text at a place as it is compared without case.
    pub fn folded(&self, place: usize) -> Option<&str> {
        let cell = self.folded.get(place)?;
        if let Some(known) = cell.get() {
            return Some(known);
        }
        let folded = match &self.event.fields.get(place)?.value {
            Scalar::Text(text) => fold(text),
            // Numbers and truth values have no case.
            other => Cow::Owned(other.text()?.into_owned()),
        };
        Some(cell.get_or_init(|| folded))
    }
}
