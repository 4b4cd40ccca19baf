//! What a listing asks for: the query of `/alerts`, `/alerts/groups` and `/silences`.

use kernel::Matcher;
use kernel::matcher::Comparison;

use crate::doors::query::pairs;
use crate::doors::reply::Problem;

/// What a listing asks for.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub filter: Vec<Matcher>,
    pub receiver: Option<Matcher>,
    pub active: bool,
    pub silenced: bool,
    pub inhibited: bool,
}

impl Wanted {
    /// Reads a query. Names that Alertmanager does not know are passed over, as it does.
    pub(super) fn parse(query: Option<&str>) -> Result<Self, Problem> {
        let mut wanted = Self { filter: Vec::new(), receiver: None, active: true, silenced: true, inhibited: true };
        for (name, value) in pairs(query.unwrap_or_default()) {
            match name.as_str() {
                "filter" => {
                    let matcher = value.parse().map_err(|error| bad("filter", &error))?;
                    wanted.filter.push(matcher);
                }
                "receiver" => {
                    let matcher = Matcher::new("receiver", Comparison::Matches, &value);
                    wanted.receiver = Some(matcher.map_err(|error| bad("receiver", &error))?);
                }
                "active" => wanted.active = flag("active", &value)?,
                "silenced" => wanted.silenced = flag("silenced", &value)?,
                "inhibited" => wanted.inhibited = flag("inhibited", &value)?,
                _ => {}
            }
        }
        Ok(wanted)
    }
}

fn bad(field: &str, error: &kernel::matcher::MatcherError) -> Problem {
    Problem::bad(format!("{field}: {error}")).field(field)
}

fn flag(name: &str, value: &str) -> Result<bool, Problem> {
    value.parse().map_err(|_| Problem::bad(format!("{name}: {value:?} is neither true nor false")).field(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_read_as_clients_write_it() {
        let query = "filter=alertname%3D%22Disk+full%22&filter=team!~%22a%7Cb%22&active=false&receiver=pay.*&other=1";
        let wanted = Wanted::parse(Some(query)).unwrap();
        let filter: Vec<String> = wanted.filter.iter().map(ToString::to_string).collect();
        assert_eq!(filter, [r#"alertname="Disk full""#, r#"team!~"a|b""#]);
        assert!(!wanted.active && wanted.silenced && wanted.inhibited);
        assert!(wanted.receiver.unwrap().accepts("payments"));
    }

    #[test]
    fn a_bad_query_names_its_field() {
        for (query, field) in [("filter=x", "filter"), ("receiver=(", "receiver"), ("silenced=maybe", "silenced")] {
            let problem = Wanted::parse(Some(query)).unwrap_err();
            assert_eq!((problem.status.as_u16(), problem.field.as_deref()), (400, Some(field)), "{query}");
        }
    }
}
