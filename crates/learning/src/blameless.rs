//! Replaces people's names by their roles. A review asks what made the trouble possible; who happened to be there is in
//! the journal for those who need it.

use std::collections::BTreeMap;

use kernel::{Book, PersonName};

/// What somebody is called who took no role.
const SOMEBODY: &str = "a colleague";
/// The shortest first or last name that is replaced where it stands alone, in bytes.
const ALONE_MIN: usize = 3;
/// Names that are everyday words too: alone they are replaced only with a capital, or after an `@`.
const EVERYDAY: &str = "will, may, mark, grace, bill, rob, art, hope, faith, joy, dawn, june, april, rose, drew, chase, grant, ray, pat, max";

/// The names to replace, and by what.
#[derive(Debug, Clone, Default)]
pub struct Names {
    /// By the first word of the name, in lower case; the longest first.
    by_word: BTreeMap<String, Vec<Name>>,
}

#[derive(Debug, Clone)]
struct Name {
    text: String,
    role: String,
    everyday: bool,
}

impl Names {
    /// Those who took part, with their roles, by every part of their names; everybody else of the watchbook by the name in
    /// it and by the full name.
    #[must_use]
    pub fn new(people: &[(PersonName, String)], book: &Book) -> Self {
        let mut names = Self::default();
        for (person, role) in people {
            let role = format!("the {role}");
            names.add(person.as_str(), &role);
            let title = book.people.get(person).map_or("", |known| &known.title);
            names.add(title, &role);
            title.split_whitespace().filter(|part| part.len() >= ALONE_MIN).for_each(|part| names.add(part, &role));
        }
        for (name, person) in &book.people {
            names.add(name.as_str(), SOMEBODY);
            names.add(&person.title, SOMEBODY);
        }
        names
    }

    /// The first role given to a name wins: who took part comes before everybody else.
    fn add(&mut self, name: &str, role: &str) {
        let Some(word) = name.split(|c| !is_inside(c)).next().filter(|word| !word.is_empty()) else { return };
        let known = self.by_word.entry(word.to_lowercase()).or_default();
        if known.iter().all(|other| !other.text.eq_ignore_ascii_case(name)) {
            let everyday = EVERYDAY.split(", ").any(|word| word.eq_ignore_ascii_case(name));
            known.push(Name { text: name.to_owned(), role: role.to_owned(), everyday });
            known.sort_by_key(|name| std::cmp::Reverse(name.text.len()));
        }
    }

    /// The text with roles in place of names.
    #[must_use]
    pub fn hide(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find(is_inside) {
            let (before, from) = rest.split_at(at);
            let (name, after) = match self.at(from, before.ends_with('@')) {
                Some(name) => (Some(name), from.get(name.text.len()..).unwrap_or_default()),
                None => (None, from.trim_start_matches(is_inside)),
            };
            match name {
                Some(name) => {
                    out.push_str(before.strip_suffix('@').unwrap_or(before));
                    push_role(&mut out, &name.role);
                }
                None => out.push_str(&rest[..rest.len() - after.len()]),
            }
            rest = after;
        }
        out.push_str(rest);
        out
    }

    /// The longest name that a text begins with.
    fn at(&self, text: &str, called: bool) -> Option<&Name> {
        let word = text.split(|c| !is_inside(c)).next()?;
        let fits = |name: &&Name| {
            let here = text.get(..name.text.len()).filter(|here| here.eq_ignore_ascii_case(&name.text));
            let ends = !text.get(name.text.len()..).is_some_and(|rest| rest.starts_with(is_inside));
            let meant = called || !name.everyday || text.starts_with(char::is_uppercase);
            here.is_some() && ends && meant
        };
        self.by_word.get(&word.to_lowercase())?.iter().find(fits)
    }
}

/// A role at the start of a text begins with a capital.
fn push_role(out: &mut String, role: &str) {
    let mut letters = role.chars();
    match letters.next().filter(|_| out.is_empty()) {
        Some(first) => out.extend(first.to_uppercase().chain(letters)),
        None => out.push_str(role),
    }
}

fn is_inside(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}
