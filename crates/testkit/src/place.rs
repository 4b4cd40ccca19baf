//! Places that a test may use and that vanish with it: directories and ports.

use std::net::TcpListener;

/// A directory that is removed when it is dropped.
///
/// # Panics
/// When the machine has no room for it.
#[must_use]
pub fn temp_dir() -> tempfile::TempDir {
    tempfile::Builder::new().prefix("watchkeeper-").tempdir().expect("a temporary directory can be made")
}

/// A port of 127.0.0.1 on which nothing listens at this moment. Prefer to bind port 0 where that is possible: between
/// this call and the binding another program may take the port.
///
/// # Panics
/// When no port is free.
#[must_use]
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("a bound listener has an address").port()
}
