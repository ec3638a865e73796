//! What this program remembers on the server: the schema's version, and what the owner says
//! of themselves: where they are reached, and where their terms are.
//!
//! One row with a known key. Everybody who may chat reads it; nobody but an administrator
//! writes.

use super::{FieldType, Part, collection, key, may_read, plain, stamp, word};
use crate::addresses::LONGEST;
use serde_json::json;

/// The collection of the one row.
pub const SETUP: &str = "chat_setup";
/// The key of that row.
pub const SETUP_ROW: &str = "01936f00-c4a7-7000-8000-000000000001";

pub(super) fn part() -> Part {
    Part {
        collections: vec![collection(
            SETUP,
            "build",
            vec![
                key(),
                plain("version", FieldType::Integer),
                word("contact", LONGEST),
                word("terms", LONGEST),
                stamp("date_updated", &["date-updated"]),
            ],
        )],
        rules: vec![may_read(
            SETUP,
            vec!["id", "version", "contact", "terms"],
            json!({ "id": { "_eq": SETUP_ROW } }),
        )],
    }
}
