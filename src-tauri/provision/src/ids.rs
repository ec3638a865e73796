//! Keys of what is made once on a server, chosen here: a request whose answer was lost can
//! be made again, and meets itself.

/// The role of ours.
pub(crate) const ROLE: &str = "01936f00-c4a7-7000-8000-000000000010";
/// The folder of avatars.
pub(crate) const FOLDER: &str = "01936f00-c4a7-7000-8000-000000000020";

/// What the key of everything begins with that a verification makes: people, rows, files.
/// Apps show no person whose key begins so.
pub const PROBES: &str = "01936f00-c4a8-7000-8000-";

/// The key of one thing that a verification makes.
pub(crate) fn probe(number: u32) -> String {
    format!("{PROBES}{number:012x}")
}

/// The policy of this name.
pub(crate) fn policy(name: &str) -> Option<&'static str> {
    match name {
        "Chat" => Some("01936f00-c4a7-7000-8000-000000000031"),
        "Chat own rows" => Some("01936f00-c4a7-7000-8000-000000000032"),
        "Chat group admin" => Some("01936f00-c4a7-7000-8000-000000000033"),
        _ => None,
    }
}
