//! What the product is called: the one place for its name and identifier.
//!
//! Whoever ships this under another name changes it here and in
//! `tauri.conf.json`; a test says when the two disagree.

/// The name that a person reads.
pub const NAME: &str = "Whinchat";

/// The identifier that systems know it by; also the name under which the
/// keychain files its entries.
pub const IDENTIFIER: &str = "app.whinchat.Whinchat";

/// What links to it begin with.
pub const SCHEME: &str = "whinchat";

/// The version of this build.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The version of the terms (`TERMS.md`, and in the app's own words). Raised when they
/// mean something else: then everybody is asked again.
pub const TERMS: u32 = 1;

/// Address that the sign-in starts with; empty where none is built in.
pub const DEFAULT_SERVER: &str = "";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_app_is_called_the_same_everywhere() {
        let config: serde_json::Value =
            serde_json::from_str(include_str!("../../../tauri.conf.json")).unwrap();
        assert_eq!(config["productName"], NAME);
        assert_eq!(config["identifier"], IDENTIFIER);
        assert_eq!(config["version"], VERSION);
    }

    #[test]
    fn the_terms_say_which_version_they_are() {
        let text = include_str!("../../../TERMS.md");
        assert!(text.contains(&format!("Version {TERMS}.")), "{text}");
    }
}
