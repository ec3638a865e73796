//! One thing that is tried: who asks what, and what must become of it.

use super::call::{Call, Way};
use super::world::Who;
use crate::schema::Action;

/// What must become of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Expect {
    /// The server refuses.
    Refusal,
    /// The server refuses, or gives nothing.
    Nothing,
    /// Whatever it says, nothing that is watched has changed.
    NoEffect,
    /// Whatever it gives, a field of this name is not in it.
    Lacks(String),
    /// It is done.
    Done,
    /// It is done, and something is given.
    Given,
}

impl Expect {
    /// Whether this is an attack; else it is the allowed sister of one.
    pub(super) fn is_attack(&self) -> bool {
        !matches!(self, Self::Done | Self::Given)
    }
}

/// What must be after it as it was before.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Watch {
    pub collection: &'static str,
    pub id: String,
}

/// Something to try.
#[derive(Debug, Clone)]
pub(super) struct Trial {
    /// What it is in words, e.g. `reading a conversation of others by its key`.
    pub what: String,
    /// What would be known or done if it worked.
    pub would: String,
    pub collection: &'static str,
    pub action: Action,
    pub way: Way,
    pub who: Who,
    pub call: Call,
    pub expect: Expect,
    /// Rows that it must not change, or make.
    pub watch: Vec<Watch>,
    /// Codes that are a refusal of just this.
    pub also: &'static [&'static str],
    /// Why the server can't refuse it whatever the rules: then it is told, not counted.
    pub known: Option<&'static str>,
}

impl Trial {
    /// The start of one; the rest is set by name.
    pub(super) fn new(
        (collection, action, way): (&'static str, Action, Way),
        who: Who,
        call: Call,
        expect: Expect,
        what: impl Into<String>,
    ) -> Self {
        Self {
            what: what.into(),
            would: String::new(),
            collection,
            action,
            way,
            who,
            call,
            expect,
            watch: Vec::new(),
            also: &[],
            known: None,
        }
    }

    pub(super) fn would(self, would: impl Into<String>) -> Self {
        Self {
            would: would.into(),
            ..self
        }
    }

    pub(super) fn watching(mut self, collection: &'static str, id: impl Into<String>) -> Self {
        self.watch.push(Watch {
            collection,
            id: id.into(),
        });
        self
    }

    pub(super) fn or(self, also: &'static [&'static str]) -> Self {
        Self { also, ..self }
    }

    pub(super) fn known_if(self, reason: Option<&'static str>) -> Self {
        Self {
            known: reason,
            ..self
        }
    }

    /// Its name: the same on every run of the same schema.
    pub(super) fn name(&self) -> String {
        format!(
            "{} {} {}: {}",
            self.action.name(),
            self.collection,
            self.way.name(),
            self.what
        )
    }
}
