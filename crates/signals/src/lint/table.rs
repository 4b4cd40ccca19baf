//! The table of all codes as a page, so that the document and the code cannot disagree.

use std::fmt::Write as _;

use super::{CODES, Level};

/// The page of all codes, in Markdown.
#[must_use]
pub fn table() -> String {
    let mut page = String::from(
        "# Findings of `rules check`\n\n\
         Made from the table in `signals::lint`; a test keeps it current. A policy makes a code or a family an error or \
         silences it. A comment silences a code for a rule, within it or directly above: \
         `# watchkeeper disable CODE REASON`; for a file: `# watchkeeper file/disable CODE REASON`. \
         pint's comments work as well.\n\n\
         | code | level | finds | why it matters | a way out |\n|---|---|---|---|---|\n",
    );
    for code in CODES {
        let level = match code.level {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Info => "info",
        };
        let _ = writeln!(page, "| `{}` | {level} | {} | {} | {} |", code.code, code.finds, code.why, code.fix);
    }
    page
}
