//! What people did, as they would tell it: the only witness besides the
//! server's rows and the screens.
//!
//! Owns: every message that somebody wrote, with the number in its text.
//! Never: what an engine believes.

use std::collections::BTreeMap;

use whinchat_core::model::{MessageId, PersonId};

/// One message that somebody wrote.
#[derive(Debug, Clone)]
pub struct Written {
    /// Its number; the text holds it as `#12#`.
    pub number: usize,
    /// Who wrote it.
    pub sender: PersonId,
    /// To whom.
    pub receiver: PersonId,
    /// On which client; none for a plain POST.
    pub client: Option<usize>,
    /// The id it was given.
    pub id: MessageId,
    /// Its send returned: a promise.
    pub promised: bool,
    /// Its send was answered with a failure of the device: it must not be anywhere.
    pub declined: bool,
    /// An administrator has given it to others as well.
    pub given: Vec<PersonId>,
    /// It was refused at some time, so that its place in the order is its own.
    pub refused: bool,
    /// Its discard returned: it must not be anywhere.
    pub discarded: bool,
    /// Someone asked to discard it and never heard.
    pub doubtful: bool,
}

/// All of them.
#[derive(Debug, Clone, Default)]
pub struct Log {
    /// In the order of writing.
    pub written: Vec<Written>,
    by_id: BTreeMap<MessageId, usize>,
}

impl Log {
    /// Writes one down; its number.
    pub fn write(
        &mut self,
        client: Option<usize>,
        sender: PersonId,
        receiver: PersonId,
        id: MessageId,
    ) -> usize {
        let number = self.written.len();
        self.written.push(Written {
            number,
            sender,
            receiver,
            client,
            id,
            promised: false,
            declined: false,
            given: Vec::new(),
            refused: false,
            discarded: false,
            doubtful: false,
        });
        self.by_id.insert(id, number);
        number
    }

    /// The message with this id.
    #[must_use]
    pub fn with_id(&self, id: MessageId) -> Option<usize> {
        self.by_id.get(&id).copied()
    }
}

/// The text of a message: words, and its number where any copy shows it.
#[must_use]
pub fn text(number: usize) -> String {
    format!("#{number}# a word or two")
}

/// The numbers that stand in a text.
pub fn numbers(text: &str) -> impl Iterator<Item = usize> + '_ {
    text.split('#').filter_map(|part| part.parse().ok())
}
