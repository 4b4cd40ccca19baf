//! How a message reads: as a heading, as plain text, as simple HTML.

use kernel::delivery::Message;
use kernel::port::Links;

use crate::text;

/// The longest heading, in bytes.
pub(super) const HEADING_BYTES_MAX: usize = 250;

/// One line that begins with the severity.
pub(super) fn heading(message: &Message) -> String {
    let title = text::one_line(&message.title, HEADING_BYTES_MAX);
    message.severity.map_or_else(|| title.clone(), |severity| format!("[{severity}] {title}"))
}

/// The links that a message may carry, the most urgent first.
pub(super) fn links(links: &Links) -> impl Iterator<Item = (&'static str, &str)> {
    let acknowledge = links.acknowledge.as_deref().map(|link| ("Acknowledge", link));
    let page = Some(("Open", links.page.as_str())).filter(|(_, link)| !link.is_empty());
    acknowledge.into_iter().chain(page)
}

/// The details as lines of text.
pub(super) fn details(message: &Message) -> String {
    let line = |(name, value): &(String, String)| format!("{name}: {value}");
    message.details.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Everything as plain text, without the heading.
pub(super) fn plain(message: &Message, all: &Links) -> String {
    let named = links(all).map(|(name, link)| format!("{name}: {link}")).collect::<Vec<_>>().join("\n");
    let parts = [message.body.clone(), details(message), named];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n")
}

/// Everything as HTML, with the heading.
pub(super) fn html(message: &Message, all: &Links) -> String {
    let mut page = format!("<p><strong>{}</strong></p>", text::html(&heading(message)));
    if !message.body.is_empty() {
        page += &format!("<p>{}</p>", text::html(&message.body).replace('\n', "<br>"));
    }
    if !message.details.is_empty() {
        let item = |(name, value): &(String, String)| format!("<li>{}: {}</li>", text::html(name), text::html(value));
        page += &format!("<ul>{}</ul>", message.details.iter().map(item).collect::<String>());
    }
    let anchor = |(name, link): (&str, &str)| format!(r#"<a href="{}">{name}</a>"#, text::html(link));
    let anchors: Vec<String> = links(all).map(anchor).collect();
    if !anchors.is_empty() {
        page += &format!("<p>{}</p>", anchors.join(" &middot; "));
    }
    page
}
