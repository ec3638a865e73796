//! An answer as it is kept, or why there was none. See `told`.

use serde::{Deserialize, Serialize};

use super::{
    super::veil::{Text, Veil, Word},
    rows::{Page, Row},
};
use crate::{
    directus::{
        call::{Answer, DayTotal, Fault, Reason, Refusal, Total},
        safety::{Owner, Told as ToldOf},
    },
    model::{Instant, Person, PersonId},
};

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Answered {
    /// [`Answer::Probed`].
    Probed,
    /// [`Answer::Messages`].
    Messages(Page),
    /// [`Answer::People`].
    People {
        /// Who, and what stands for their names.
        people: Vec<(PersonId, Text)>,
        /// How many rows there were.
        rows: u32,
    },
    /// [`Answer::Totals`]: sender, receiver, count, newest.
    Totals(Vec<(PersonId, PersonId, u64, Option<i64>)>),
    /// [`Answer::Days`]: sender, receiver, day, count.
    Days(Vec<(PersonId, PersonId, i64, u64)>),
    /// [`Answer::Created`].
    Created(Option<Row>),
    /// What the owner says.
    Owner(Owned),
    /// Whom I have blocked.
    Blocks(Vec<PersonId>),
    /// It is done.
    Done,
}

/// What the owner says of themselves: [`Owner`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Owned {
    /// The version of the schema.
    pub version: Option<u32>,
    /// Where they are reached.
    pub contact: Option<Text>,
    /// Where their terms are.
    pub terms: Option<Text>,
}

/// Why there is no answer: [`Fault`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Failed {
    /// Nothing is known.
    Network,
    /// The server could not do it now.
    Transient {
        /// How long to wait.
        retry_after: Option<i64>,
        /// The HTTP status.
        status: u16,
    },
    /// The token is not accepted.
    SignIn,
    /// The server refuses.
    Permanent {
        /// What kind of refusal.
        reason: Reason,
        /// The field that it named.
        field: Option<Word>,
        /// The HTTP status.
        status: u16,
    },
}

impl Answered {
    pub(super) fn of(answer: &Answer, veil: &Veil) -> Self {
        match answer {
            Answer::Probed => Self::Probed,
            Answer::Messages(rows) => Self::Messages(Page::of(rows, veil)),
            Answer::People { people, rows } => Self::People {
                people: people
                    .iter()
                    .map(|Person { id, name }| (*id, veil.text(name)))
                    .collect(),
                rows: *rows,
            },
            Answer::Totals(totals) => Self::Totals(
                totals
                    .iter()
                    .map(
                        |Total {
                             sender,
                             receiver,
                             count,
                             newest,
                         }| {
                            (*sender, *receiver, *count, newest.map(|at| at.0))
                        },
                    )
                    .collect(),
            ),
            Answer::Days(days) => Self::Days(
                days.iter()
                    .map(
                        |DayTotal {
                             sender,
                             receiver,
                             day,
                             count,
                         }| (*sender, *receiver, day.0, *count),
                    )
                    .collect(),
            ),
            Answer::Created(row) => Self::Created(row.as_ref().map(|row| Row::of(row, veil))),
            Answer::Safety(ToldOf::Owner(owner)) => Self::Owner(Owned::of(owner, veil)),
            Answer::Safety(ToldOf::Blocks(people)) => Self::Blocks(people.clone()),
            Answer::Safety(ToldOf::Done) => Self::Done,
        }
    }

    pub(super) fn again(self) -> Answer {
        match self {
            Self::Probed => Answer::Probed,
            Self::Messages(page) => Answer::Messages(page.again()),
            Self::People { people, rows } => Answer::People {
                people: people
                    .into_iter()
                    .map(|(id, name)| Person {
                        id,
                        name: name.placeholder(),
                    })
                    .collect(),
                rows,
            },
            Self::Totals(totals) => Answer::Totals(
                totals
                    .into_iter()
                    .map(|(sender, receiver, count, newest)| Total {
                        sender,
                        receiver,
                        count,
                        newest: newest.map(Instant),
                    })
                    .collect(),
            ),
            Self::Days(days) => Answer::Days(
                days.into_iter()
                    .map(|(sender, receiver, day, count)| DayTotal {
                        sender,
                        receiver,
                        day: Instant(day),
                        count,
                    })
                    .collect(),
            ),
            Self::Created(row) => Answer::Created(row.map(Row::again)),
            Self::Owner(owner) => Answer::Safety(ToldOf::Owner(owner.again())),
            Self::Blocks(people) => Answer::Safety(ToldOf::Blocks(people)),
            Self::Done => Answer::Safety(ToldOf::Done),
        }
    }
}

impl Owned {
    /// Keeps what the owner says.
    #[must_use]
    pub fn of(owner: &Owner, veil: &Veil) -> Self {
        let Owner {
            version,
            contact,
            terms,
        } = owner;
        let text = |text: &Option<String>| text.as_deref().map(|text| veil.text(text));
        Self {
            version: *version,
            contact: text(contact),
            terms: text(terms),
        }
    }

    /// The same over placeholders.
    #[must_use]
    pub fn again(self) -> Owner {
        Owner {
            version: self.version,
            contact: self.contact.map(Text::placeholder),
            terms: self.terms.map(Text::placeholder),
        }
    }
}

impl Failed {
    pub(super) fn of(fault: &Fault, veil: &Veil) -> Self {
        match fault {
            Fault::Network => Self::Network,
            Fault::Transient {
                retry_after,
                status,
            } => Self::Transient {
                retry_after: *retry_after,
                status: *status,
            },
            Fault::SignIn => Self::SignIn,
            Fault::Permanent(Refusal {
                reason,
                field,
                status,
            }) => Self::Permanent {
                reason: *reason,
                field: field.as_deref().map(|field| veil.word(field)),
                status: *status,
            },
        }
    }

    pub(super) fn again(self) -> Fault {
        match self {
            Self::Network => Fault::Network,
            Self::Transient {
                retry_after,
                status,
            } => Fault::Transient {
                retry_after,
                status,
            },
            Self::SignIn => Fault::SignIn,
            Self::Permanent {
                reason,
                field,
                status,
            } => Fault::Permanent(Refusal {
                reason,
                field: field.map(|field| field.told()),
                status,
            }),
        }
    }
}
