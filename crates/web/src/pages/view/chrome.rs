//! What frames every screen: who looks, when, where they are, and how their last form went.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use kernel::Timestamp;

use super::html::{Html, escape};
use super::words;

/// The screens in the rail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tab {
    /// What is firing, who is paged, who is on call.
    Now,
    /// Incidents.
    Incidents,
    /// Who is on call.
    OnCall,
    /// Services.
    Services,
    /// Silences.
    Silences,
    /// Reviews.
    Reviews,
    /// The journal.
    Journal,
    /// Rule files and their alerts.
    Rules,
    /// Queries and their plots.
    Explore,
    /// Log events.
    Logs,
    /// Traces.
    Traces,
    /// Health checks.
    Checks,
    /// Sigma rules.
    Sigma,
    /// API tokens.
    Tokens,
    /// One's own page.
    Me,
    /// None of them.
    #[default]
    Other,
}

/// Which colours somebody prefers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Theme {
    /// As their device says.
    #[default]
    Auto,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

/// Who is logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Who {
    /// Their name in the watchbook.
    pub name: String,
    /// What people call them.
    pub title: String,
    /// Whether they manage access.
    pub administers: bool,
}

impl Who {
    /// Their name and what people call them.
    #[must_use]
    pub fn named(&self) -> super::Named {
        super::Named::new(&self.name, &self.title)
    }
}

/// A form that was refused, with everything that was typed into it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Refused {
    /// Which form of the page.
    pub form: String,
    /// Which field broke the rule; `None` when no single one did.
    pub field: Option<String>,
    /// The rule and a way out.
    pub message: String,
    /// What was typed.
    pub typed: BTreeMap<String, String>,
}

/// The frame of a screen.
#[derive(Debug, Clone, Default)]
pub struct Chrome {
    /// The screen's title.
    pub title: String,
    /// Which screen of the rail it belongs to.
    pub tab: Tab,
    /// Who looks; `None` when nobody is logged in.
    pub who: Option<Who>,
    /// The token that every form must carry.
    pub csrf: String,
    /// Which colours they prefer.
    pub theme: Theme,
    /// The organisation's name.
    pub organisation: String,
    /// Where the assets are, without a slash at the end.
    pub assets: String,
    /// The path of this page, to come back to.
    pub path: String,
    /// The place of the next fact when this was rendered; live updates go on from there.
    pub seq: u64,
    /// When this was rendered.
    pub now: Timestamp,
    /// The reader's time zone.
    pub zone: Option<TimeZone>,
    /// How many alerts fire and are not muted.
    pub firing: usize,
    /// How many pages nobody has acknowledged.
    pub unacknowledged: usize,
    /// How many incidents are open.
    pub open_incidents: usize,
    /// What is wrong with this server itself, if anything.
    pub trouble: Option<String>,
    /// What the last form did.
    pub done: Option<&'static str>,
    /// Why the last form did nothing.
    pub refused: Option<Refused>,
}

impl Chrome {
    /// The value of `data-theme`, when the reader chose one.
    #[must_use]
    pub fn theme_name(&self) -> Option<&'static str> {
        match self.theme {
            Theme::Auto => None,
            Theme::Light => Some("light"),
            Theme::Dark => Some("dark"),
        }
    }

    /// Marks the rail's current screen.
    #[must_use]
    pub fn current(&self, tab: &str) -> Html {
        let here = format!("{:?}", self.tab).eq_ignore_ascii_case(tab);
        Html::trusted(if here { r#" aria-current="page""#.into() } else { String::new() })
    }

    /// An icon of the sprite. The words beside it say what it means.
    #[must_use]
    pub fn icon(&self, name: &str) -> Html {
        Html::trusted(format!(
            r#"<svg class="i" aria-hidden="true"><use href="{}/icons.svg#{}"/></svg>"#,
            escape(&self.assets),
            escape(name)
        ))
    }

    /// An instant in the reader's zone: `24 Nov 2026 03:12:45 CET`.
    #[must_use]
    pub fn local(&self, at: &Timestamp) -> String {
        self.civil(at, "%-d %b %Y %H:%M:%S %Z")
    }

    /// An instant in the reader's zone, in a form of `strftime`.
    #[must_use]
    pub fn civil(&self, at: &Timestamp, format: &str) -> String {
        let zone = self.zone.clone().unwrap_or(TimeZone::UTC);
        at.to_zoned_datetime(zone).strftime(format).to_string()
    }

    fn time(&self, at: &Timestamp, attributes: &str, text: &str) -> Html {
        Html::trusted(format!(
            r#"<time datetime="{at}" title="{}"{attributes}>{}</time>"#,
            escape(&self.local(at)),
            escape(text)
        ))
    }

    /// How long ago an instant was, kept current by the script.
    #[must_use]
    pub fn ago(&self, at: &Timestamp) -> Html {
        self.time(at, r#" data-time="ago""#, &words::ago(*at, self.now))
    }

    /// How long ago an instant was, without the word "ago".
    #[must_use]
    pub fn since(&self, at: &Timestamp) -> Html {
        let seconds = self.now.duration_since(*at).as_secs().unsigned_abs();
        self.time(at, r#" data-time="since""#, &words::span(seconds))
    }

    /// A clock that counts up from an instant.
    #[must_use]
    pub fn elapsed(&self, at: &Timestamp) -> Html {
        let seconds = self.now.duration_since(*at).as_secs().unsigned_abs();
        self.time(at, r#" data-time="up""#, &words::clock(seconds))
    }

    /// A clock that counts down to an instant, and says so when it is over.
    #[must_use]
    pub fn left(&self, at: &Timestamp) -> Html {
        let seconds = at.duration_since(self.now).as_secs();
        let clock = words::clock(seconds.unsigned_abs());
        if seconds < 0 {
            return self.time(at, r#" data-time="down" class="bad""#, &format!("{clock} late"));
        }
        self.time(at, r#" data-time="down""#, &clock)
    }

    /// Whether an instant has passed.
    #[must_use]
    pub fn passed(&self, at: &Timestamp) -> bool {
        *at < self.now
    }

    /// The date and time of day: `24 Nov 03:12`.
    #[must_use]
    pub fn stamp(&self, at: &Timestamp) -> Html {
        self.time(at, "", &self.civil(at, "%-d %b %H:%M"))
    }

    /// The date and time of day to the second: `24 Nov 03:12:45`.
    #[must_use]
    pub fn moment(&self, at: &Timestamp) -> Html {
        self.time(at, "", &self.civil(at, "%-d %b %H:%M:%S"))
    }

    /// The date and time of day with the zone, where a reader may not know it: `24 Nov 03:12 CET`.
    #[must_use]
    pub fn zoned(&self, at: &Timestamp) -> Html {
        self.time(at, "", &self.civil(at, "%-d %b %H:%M %Z"))
    }

    /// The date: `24 Nov 2026`.
    #[must_use]
    pub fn date(&self, at: &Timestamp) -> Html {
        self.time(at, "", &self.civil(at, "%-d %b %Y"))
    }

    /// The time of day to the second: `03:12:45`.
    #[must_use]
    pub fn time_of_day(&self, at: &Timestamp) -> Html {
        self.time(at, "", &self.civil(at, "%H:%M:%S"))
    }

    /// The day an instant falls on, to head a list: `Tuesday, 24 November`.
    #[must_use]
    pub fn day(&self, at: &Timestamp) -> String {
        self.civil(at, "%A, %-d %B")
    }

    /// An instant as an `<input type="datetime-local">` wants it, in the reader's zone.
    #[must_use]
    pub fn for_input(&self, at: &Timestamp) -> String {
        self.civil(at, "%Y-%m-%dT%H:%M")
    }

    /// What the reader's zone is called: `Europe/Berlin (CET)`.
    #[must_use]
    pub fn zone_name(&self) -> String {
        let named = self.zone.as_ref().and_then(|zone| zone.iana_name());
        named.map_or_else(|| "UTC".into(), |name| format!("{name} ({})", self.civil(&self.now, "%Z")))
    }

    /// Whether a name is the reader's own.
    #[must_use]
    pub fn is_me(&self, name: &str) -> bool {
        self.who.as_ref().is_some_and(|who| who.name == name)
    }

    /// The hidden field that every form must carry.
    #[must_use]
    pub fn token(&self) -> Html {
        Html::trusted(format!(r#"<input type="hidden" name="csrf" value="{}">"#, escape(&self.csrf)))
    }

    fn refusal_of(&self, form: &str) -> Option<&Refused> {
        self.refused.as_ref().filter(|refused| refused.form == form)
    }

    /// Whether a form was refused.
    #[must_use]
    pub fn failed(&self, form: &str) -> bool {
        self.refusal_of(form).is_some()
    }

    /// What stands in a field: what was typed when the form was refused, else the default.
    #[must_use]
    pub fn typed<'a>(&'a self, form: &str, field: &str, default: &'a str) -> &'a str {
        self.refusal_of(form).and_then(|refused| refused.typed.get(field)).map_or(default, String::as_str)
    }

    /// Marks an option that is chosen.
    #[must_use]
    pub fn chosen(&self, form: &str, field: &str, default: &str, option: &str) -> Html {
        let chosen = self.typed(form, field, default) == option;
        Html::trusted(if chosen { " selected".into() } else { String::new() })
    }

    /// Marks a field that broke a rule, for readers and for the keyboard.
    #[must_use]
    pub fn marks(&self, form: &str, field: &str) -> Html {
        let wrong = self.refusal_of(form).is_some_and(|refused| refused.field.as_deref() == Some(field));
        if !wrong {
            return Html::default();
        }
        let id = escape(&format!("{form}-{field}-wrong"));
        Html::trusted(format!(r#" aria-invalid="true" aria-describedby="{id}" autofocus"#))
    }

    /// The message beside a field that broke a rule.
    #[must_use]
    pub fn wrong(&self, form: &str, field: &str) -> Html {
        let refused = self.refusal_of(form).filter(|refused| refused.field.as_deref() == Some(field));
        let Some(refused) = refused else { return Html::default() };
        let id = escape(&format!("{form}-{field}-wrong"));
        Html::trusted(format!(r#"<p class="wrong" id="{id}" role="alert">{}</p>"#, escape(&refused.message)))
    }

    /// The message of a form that was refused for no single field.
    #[must_use]
    pub fn wrong_form(&self, form: &str) -> Html {
        let refused = self.refusal_of(form).filter(|refused| refused.field.is_none());
        let Some(refused) = refused else { return Html::default() };
        Html::trusted(format!(r#"<p class="wrong" role="alert">{}</p>"#, escape(&refused.message)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(field: Option<&str>) -> Chrome {
        let typed = BTreeMap::from([("text".to_owned(), "<b>".to_owned())]);
        let refused =
            Refused { form: "note".into(), field: field.map(Into::into), message: "too <short>".into(), typed };
        Chrome { refused: Some(refused), ..Chrome::default() }
    }

    #[test]
    fn a_refusal_stands_beside_its_field_and_nowhere_else() {
        let chrome = refused(Some("text"));
        assert!(chrome.wrong("note", "text").as_str().contains("too &lt;short&gt;"));
        assert!(chrome.marks("note", "text").as_str().contains("aria-invalid"));
        assert_eq!(chrome.wrong("note", "other"), Html::default());
        assert_eq!(chrome.wrong("silence", "text"), Html::default());
        assert_eq!(chrome.wrong_form("note"), Html::default());
        assert_eq!((chrome.typed("note", "text", ""), chrome.typed("silence", "text", "x")), ("<b>", "x"));
        assert!(refused(None).wrong_form("note").as_str().contains("role=\"alert\""));
    }

    #[test]
    fn clocks_say_when_they_are_late() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let chrome = Chrome { now: at(1000), ..Chrome::default() };
        assert!(chrome.left(&at(1065)).as_str().ends_with(">1:05</time>"));
        assert!(chrome.left(&at(935)).as_str().ends_with(">1:05 late</time>"));
        assert!(chrome.elapsed(&at(935)).as_str().ends_with(">1:05</time>"));
    }
}
