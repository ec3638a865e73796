//! What people did, as the harness itself wrote it down: every text that was
//! handed to a core, and which of them the core has taken.
//!
//! The verdict rests on this, on the server's rows and on what each core
//! shows; never on a core's own word about what became of a message.

use super::proxy::lock;
use std::sync::Mutex;

/// A text handed to a core.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Whose, as an index of people.
    pub from: usize,
    /// For whom.
    pub to: usize,
    /// The text; no two are the same.
    pub text: String,
    /// The message's id, once `send` has returned: from then on it is a promise.
    pub id: Option<String>,
}

/// The log.
#[derive(Debug, Default)]
pub struct Ledger(Mutex<Vec<Said>>);

impl Ledger {
    /// Writes down what is about to be handed over, and gives its place.
    pub fn about_to(&self, from: usize, to: usize, text: String) -> usize {
        let mut said = lock(&self.0);
        said.push(Said {
            from,
            to,
            text,
            id: None,
        });
        said.len() - 1
    }

    /// `send` has returned.
    pub fn returned(&self, place: usize, id: String) {
        if let Some(said) = lock(&self.0).get_mut(place) {
            said.id = Some(id);
        }
    }

    /// Everything so far.
    pub fn all(&self) -> Vec<Said> {
        lock(&self.0).clone()
    }
}
