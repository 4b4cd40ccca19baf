//! Links between pages: the file is there, and the heading too.

use super::page::{Page, root};

/// The links of a page that lead nowhere in this repository. Other sites are not asked.
pub fn broken(page: &Page) -> Vec<String> {
    let mut found = Vec::new();
    for link in page.prose.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
        if link.contains("://") || link.starts_with("mailto:") {
            continue;
        }
        let (file, heading) = link.split_once('#').unwrap_or((link, ""));
        let here = root().join(&page.name);
        let target = if file.is_empty() { here } else { here.with_file_name("").join(file) };
        if !target.exists() {
            found.push(format!("{}: {link} leads to no file", page.name));
        } else if !heading.is_empty() && !headings(&std::fs::read_to_string(&target).unwrap()).any(|h| h == heading) {
            found.push(format!("{}: {link} leads to no heading", page.name));
        }
    }
    found
}

/// Headings as links name them: lower case, blanks as hyphens, without other signs.
fn headings(text: &str) -> impl Iterator<Item = String> {
    text.lines().filter(|line| line.starts_with('#')).map(|line| {
        let title = line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
        title.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_')).collect()
    })
}
