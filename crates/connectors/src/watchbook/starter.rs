//! The small good watchbook that `watchkeeper init` writes: one team, one person to edit, one schedule, mail.

/// The files of the starter watchbook, as paths with `/` and contents. It loads without findings as it is.
#[must_use]
pub fn starter() -> &'static [(&'static str, &'static str)] {
    macro_rules! files {
        ($($path:literal),* $(,)?) => { &[$(($path, include_str!(concat!("starter/", $path)))),*] };
    }
    files![
        "watchkeeper.yaml",
        "services.yaml",
        "teams.yaml",
        "people.yaml",
        "schedules.yaml",
        "policies.yaml",
        "routes.yaml",
        "severity.yaml",
        "channels.yaml",
        "status.yaml",
        "templates/investigating.txt",
        "templates/resolved.txt",
    ]
}
