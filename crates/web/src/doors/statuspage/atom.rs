//! The feed of notices, in Atom (RFC 4287).

use std::fmt::Write as _;

use comms::PublicNotice;
use kernel::Timestamp;

/// Foreign text within markup. What XML cannot hold at all is left out.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => out.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => out.push(c),
        }
    }
    out
}

/// The feed as text.
pub(super) fn feed(organisation: &str, base_url: &str, notices: &[PublicNotice<'_>], updated: Timestamp) -> String {
    let (title, base) = (escaped(&format!("{organisation} status")), escaped(base_url));
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<feed xmlns=\"http://www.w3.org/2005/Atom\">\n  <id>{base}/status</id>\n  \
         <title>{title}</title>\n  <updated>{updated}</updated>\n  <author><name>{}</name></author>\n  \
         <link rel=\"alternate\" type=\"text/html\" href=\"{base}/status\"/>\n  \
         <link rel=\"self\" type=\"application/atom+xml\" href=\"{base}/status.atom\"/>\n",
        escaped(organisation)
    );
    for notice in notices {
        entry(&mut text, &base, notice);
    }
    text.push_str("</feed>\n");
    text
}

fn entry(text: &mut String, base: &str, notice: &PublicNotice<'_>) {
    let mut told = String::new();
    for update in &notice.updates {
        // The content is HTML, so what it says is escaped once as HTML and once more as XML.
        let _ = write!(told, "<p><b>{}</b> {:.0}</p><p>{}</p>", update.stage.title(), update.at, escaped(update.text));
    }
    // Writing into memory cannot fail.
    let _ = write!(
        text,
        "  <entry>\n    <id>{base}/status#{id}</id>\n    <title>{title}</title>\n    <published>{published}</published>\n    \
         <updated>{updated}</updated>\n    <link rel=\"alternate\" type=\"text/html\" href=\"{base}/status#{id}\"/>\n    \
         <content type=\"html\">{content}</content>\n  </entry>\n",
        id = notice.id,
        title = escaped(notice.title),
        published = notice.created_at,
        updated = notice.updated_at,
        content = escaped(&told),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_cannot_break_the_feed() {
        assert_eq!(escaped("a<b>&\"c\"\u{0}\u{8}\n"), "a&lt;b&gt;&amp;&quot;c&quot;\n");
    }
}
