//! What the small tables held when an account was opened.
//!
//! Owns: which facts and columns are let in, and how a store is made of them
//! again. Never: messages, which the store has and the journal does not; they
//! are put to it when a bundle is written.

use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    told::{KeptRow, Owned},
    veil::{Text, Veil, Word},
};
use crate::{
    bridge::{Code, Depth, Problem, ReportReason},
    directus::safety::{Owner, Report},
    model::{ConversationId, Instant, MessageId, Person, PersonId},
    store::{
        StoreError, facts,
        messages::Kept,
        outbox::{self, Job, JobState},
        people,
        safety::{self, Accepted, Block, BlockState},
        whole::{self, Conversation, Filling, Held},
    },
};

/// Rows of a table that are kept at most.
const MOST: u32 = 5_000;

/// Facts that are a number, an id or a plain word.
const PLAIN: &[&str] = &[
    facts::ME,
    facts::LISTED,
    facts::CURSOR_CREATED,
    facts::CURSOR_UPDATED,
    facts::PEOPLE_READ,
    facts::COMPARED_WHOLE,
    facts::SPARE_RENEWED,
    facts::REVISION,
    facts::STAMPS,
    facts::OFFSET,
    safety::DELETION,
];

/// A place in a conversation: stamp and id.
type Spot = (i64, Word);

/// One row of a small table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Small {
    /// A fact.
    Fact(String, Word),
    /// How much is to be kept.
    Depth(Depth),
    /// Which terms were accepted, and when.
    Terms(u32, i64),
    /// What the owner says.
    Owner(Owned),
    /// A person, and what stands for the name.
    Person(PersonId, Text),
    /// A conversation.
    Conversation {
        /// With whom.
        with: PersonId,
        /// Its newest message.
        last: Option<MessageId>,
        /// When something happened last.
        activity: i64,
        /// How many are unread.
        unread: i64,
        /// Up to where it was read.
        read: Option<Spot>,
        /// What stands for the draft.
        draft: Option<Text>,
        /// When it was typed.
        drafted: Option<i64>,
    },
    /// What is held of a conversation without a gap.
    Held(PersonId, Spot, Spot),
    /// A job of the outbox.
    Job {
        /// Its place in the order.
        number: i64,
        /// The message.
        message: MessageId,
        /// To whom.
        to: PersonId,
        /// Where it stands.
        state: JobState,
        /// How often it was tried.
        attempts: i64,
        /// Why it was refused.
        problem: Option<(Code, Vec<(Word, Word)>)>,
    },
    /// A block.
    Block {
        /// Of whom.
        person: PersonId,
        /// Its key on the server.
        key: Uuid,
        /// Whether it is to hold.
        wanted: bool,
        /// What has become of it.
        state: BlockState,
        /// Since when.
        since: i64,
    },
    /// A report.
    Report {
        /// Its place in the order.
        number: i64,
        /// Its key on the server.
        id: Uuid,
        /// About whom.
        about: Option<PersonId>,
        /// About which message.
        message: Option<MessageId>,
        /// Why.
        reason: ReportReason,
        /// What stands for the words.
        comment: Text,
        /// What stands for the copy.
        copy: Option<Text>,
        /// Whether the server refused it.
        refused: bool,
    },
    /// The highest number that a table ever had.
    Highest(String, i64),
}

/// All of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Opening {
    /// The rows.
    pub rows: Vec<Small>,
    /// Whether no table had more rows than are kept.
    pub whole: bool,
}

fn spot(veil: &Veil, (stamp, id): &(i64, String)) -> Spot {
    (*stamp, veil.word(id))
}

fn told((stamp, id): Spot) -> (i64, String) {
    let id = match id {
        // Before and after every message: the places without an id.
        Word::Veiled(Text::NONE) => String::new(),
        id => id.told(),
    };
    (stamp, id)
}

impl Opening {
    /// Reads them.
    ///
    /// # Errors
    /// SQLite's.
    pub fn read(tx: &Connection, veil: &Veil) -> Result<Self, StoreError> {
        let mut rows = Vec::new();
        let mut whole = true;
        for (name, value) in whole::facts(tx)? {
            rows.extend(fact(&name, &value, veil));
        }
        let people = whole::people(tx, MOST + 1)?;
        whole &= people.len() <= MOST as usize;
        rows.extend(
            people
                .into_iter()
                .map(|Person { id, name }| Small::Person(id, veil.text(&name))),
        );
        let conversations = whole::conversations(tx, MOST + 1)?;
        whole &= conversations.len() <= MOST as usize;
        rows.extend(conversations.into_iter().map(|row| {
            let Conversation {
                id,
                last_message,
                activity,
                unread,
                read,
                draft,
                drafted,
            } = row;
            Small::Conversation {
                with: id.peer(),
                last: last_message,
                activity,
                unread,
                read: read.map(|read| spot(veil, &read)),
                draft: draft.map(|draft| veil.text(&draft)),
                drafted,
            }
        }));
        let held = whole::held(tx, MOST + 1)?;
        whole &= held.len() <= MOST as usize;
        rows.extend(held.into_iter().map(|row| {
            let Held {
                conversation,
                from,
                until,
            } = row;
            Small::Held(conversation.peer(), spot(veil, &from), spot(veil, &until))
        }));
        rows.extend(outbox::all(tx)?.into_iter().map(|job| {
            let Job {
                number,
                message,
                conversation,
                state,
                attempts,
                problem,
            } = job;
            Small::Job {
                number,
                message,
                to: conversation.peer(),
                state,
                attempts,
                problem: problem.map(|problem| kept_problem(veil, &problem)),
            }
        }));
        rows.extend(safety::blocks(tx)?.into_iter().map(|block| {
            let Block {
                person,
                key,
                wanted,
                state,
                since,
            } = block;
            Small::Block {
                person,
                key,
                wanted,
                state,
                since: since.0,
            }
        }));
        let reports = whole::reports(tx, MOST + 1)?;
        whole &= reports.len() <= MOST as usize;
        for whole::Report {
            number,
            report,
            refused,
        } in reports
        {
            let Report {
                id,
                about,
                message,
                reason,
                comment,
                copy,
            } = report;
            rows.push(Small::Report {
                number,
                id,
                about,
                message,
                reason,
                comment: veil.text(&comment),
                copy: copy.map(|copy| veil.text(&copy)),
                refused,
            });
        }
        for table in whole::NUMBERED {
            rows.push(Small::Highest(table.to_owned(), whole::highest(tx, table)?));
        }
        Ok(Self { rows, whole })
    }

    /// About how many bytes it takes.
    #[must_use]
    pub fn weight(&self) -> usize {
        size_of_val(self.rows.as_slice())
    }

    /// Fills an empty database with it and with these messages.
    ///
    /// # Errors
    /// SQLite's; `Corrupt` where no person is said whose database it was.
    pub fn fill(&self, tx: &Connection, messages: &[KeptRow]) -> Result<(), StoreError> {
        let mut facts = Vec::new();
        for row in &self.rows {
            match row {
                Small::Fact(name, value) if PLAIN.contains(&name.as_str()) => {
                    facts.push((name.clone(), value.told()));
                }
                Small::Depth(depth) => facts::set_depth(tx, *depth)?,
                Small::Terms(version, at) => {
                    let (version, at) = (*version, *at);
                    safety::set_accepted(tx, Accepted { version, at })?;
                }
                Small::Owner(owner) => {
                    safety::set_owner(tx, &owner.clone().again())?;
                }
                _ => {}
            }
        }
        let filling = Filling::begin(tx, &facts)?;
        let me = facts::me(tx)?;
        for kept in messages {
            let KeptRow {
                row,
                pending,
                typed,
            } = *kept;
            let kept = Kept {
                message: row.again(),
                pending,
                typed: typed.map(Instant),
            };
            filling.message(me, &kept)?;
        }
        let mut conversations = Vec::new();
        let mut highest = Vec::new();
        for row in self.rows.iter().cloned() {
            match row {
                Small::Person(id, name) => {
                    let name = name.placeholder();
                    people::save(tx, &Person { id, name })?;
                }
                Small::Conversation {
                    with,
                    last,
                    activity,
                    unread,
                    read,
                    draft,
                    drafted,
                } => conversations.push(Conversation {
                    id: ConversationId::Direct(with),
                    last_message: last,
                    activity,
                    unread,
                    read: read.map(told),
                    draft: draft.map(Text::placeholder),
                    drafted,
                }),
                Small::Held(with, from, until) => filling.held(&Held {
                    conversation: ConversationId::Direct(with),
                    from: told(from),
                    until: told(until),
                })?,
                Small::Job {
                    number,
                    message,
                    to,
                    state,
                    attempts,
                    problem,
                } => filling.job(&Job {
                    number,
                    message,
                    conversation: ConversationId::Direct(to),
                    state,
                    attempts,
                    problem: problem.map(told_problem),
                })?,
                Small::Block {
                    person,
                    key,
                    wanted,
                    state,
                    since,
                } => safety::save_block(
                    tx,
                    &Block {
                        person,
                        key,
                        wanted,
                        state,
                        since: Instant(since),
                    },
                )?,
                Small::Report {
                    number,
                    id,
                    about,
                    message,
                    reason,
                    comment,
                    copy,
                    refused,
                } => filling.report(&whole::Report {
                    number,
                    report: Report {
                        id,
                        about,
                        message,
                        reason,
                        comment: comment.placeholder(),
                        copy: copy.map(Text::placeholder),
                    },
                    refused,
                })?,
                Small::Highest(table, number) => highest.push((table, number)),
                Small::Fact(..) | Small::Depth(_) | Small::Terms(..) | Small::Owner(_) => {}
            }
        }
        filling.end(&conversations, &highest)
    }
}

fn fact(name: &str, value: &str, veil: &Veil) -> Option<Small> {
    if PLAIN.contains(&name) {
        return Some(Small::Fact(name.to_owned(), veil.word(value)));
    }
    match name {
        facts::DEPTH => serde_json::from_str(value).ok().map(Small::Depth),
        safety::TERMS => {
            let Accepted { version, at } = serde_json::from_str(value).ok()?;
            Some(Small::Terms(version, at))
        }
        safety::OWNER => {
            let owner: Owner = serde_json::from_str(value).ok()?;
            Some(Small::Owner(Owned::of(&owner, veil)))
        }
        _ => None,
    }
}

fn kept_problem(veil: &Veil, problem: &Problem) -> (Code, Vec<(Word, Word)>) {
    let args = problem.args.iter();
    let args = args.map(|(name, value)| (veil.word(name), veil.word(value)));
    (problem.code, args.collect())
}

fn told_problem((code, args): (Code, Vec<(Word, Word)>)) -> Problem {
    args.into_iter()
        .fold(Problem::new(code), |problem, (name, value)| {
            problem.with(&name.told(), value.told())
        })
}
