//! A disk that a test can fill.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A small file system that is gone when this is dropped.
#[derive(Debug)]
pub struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Mounts one of so many mebibytes over a directory. `None` where the machine does not let us; then a line beginning
    /// with `skipped:` says so and the test should return.
    #[must_use]
    pub fn mount(over: &Path, mebibytes: u32) -> Option<Self> {
        let size = format!("size={mebibytes}m");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(over).status();
        if mounted.is_ok_and(|status| status.success()) {
            return Some(Self(over.to_owned()));
        }
        eprintln!("skipped: this user cannot mount a small disk");
        None
    }

    /// Where it is mounted.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Fills it to the last byte.
    ///
    /// # Panics
    /// When the filling cannot even be begun.
    pub fn fill(&self) {
        use std::io::Write as _;
        let mut filler = std::fs::File::create(self.filler()).expect("a file can be created");
        let some = [1; 4096];
        while filler.write(&some).is_ok_and(|written| written > 0) {}
    }

    /// Makes room again after [`Self::fill`].
    ///
    /// # Panics
    /// When it was not filled.
    pub fn clear(&self) {
        std::fs::remove_file(self.filler()).expect("it was filled");
    }

    fn filler(&self) -> PathBuf {
        self.0.join("filler")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // The files may be open for a moment longer; a lazy unmount does not mind.
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}
