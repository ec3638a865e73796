//! What an interface is told as it happens.
//!
//! Owns: the streams of an account, what each of them watches, their numbers,
//! and the events that any part of an interface can listen to. Never: a wait;
//! a reader that is too slow loses batches and sees the gap in their numbers.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde::Serialize;
use tokio::sync::{broadcast, mpsc};

use crate::{
    bridge::{Batch, Change, Connection, ConnectionState, MessageRow, SetUpProgress},
    engine::Notice,
    model::{AccountId, ConversationId},
};

/// How many batches a reader may be behind.
const BEHIND: usize = 256;

/// What is worth telling beyond the screen that is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "event", content = "value")]
pub enum Event {
    /// A message of somebody else came that was not known before.
    Message {
        /// The account.
        account: String,
        /// The message.
        message: Box<MessageRow>,
    },
    /// The state of the connection has changed.
    Connection {
        /// The account.
        account: String,
        /// The connection now.
        connection: Connection,
    },
    /// The number of unread messages has changed.
    Unread {
        /// The account.
        account: String,
        /// Over all conversations.
        unread: i64,
    },
    /// The account's session has begun or ended.
    Session {
        /// The account.
        account: String,
        /// What has become of it.
        state: SessionState,
    },
    /// A step of setting up a server is about to be done.
    SetUp(SetUpProgress),
}

/// What has become of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SessionState {
    /// A person has signed in.
    SignedIn,
    /// No session is left: e-mail and password are needed again.
    SignInNeeded,
    /// A person has signed out; the account is gone.
    SignedOut,
    /// The app lock has closed it: its passphrase is needed again.
    Locked,
}

/// The streams of one account. They outlive its closing and opening.
pub struct Hub {
    account: AccountId,
    streams: Mutex<Streams>,
    events: broadcast::Sender<Event>,
}

struct Streams {
    next: u64,
    open: BTreeMap<u64, Stream>,
    connection: Connection,
    revision: i64,
}

struct Stream {
    watching: Option<ConversationId>,
    n: i64,
    sender: mpsc::Sender<Batch>,
}

/// One stream, until it is dropped.
pub struct Subscription {
    hub: Arc<Hub>,
    id: u64,
    receiver: mpsc::Receiver<Batch>,
}

impl Subscription {
    /// The next batch; `None` after the account was signed out.
    pub async fn next(&mut self) -> Option<Batch> {
        self.receiver.recv().await
    }

    /// Names this stream to [`Hub::watch`].
    #[must_use]
    pub const fn id(&self) -> u64 {
        self.id
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.hub.streams().open.remove(&self.id);
    }
}

impl Hub {
    /// The streams of this account: none yet.
    #[must_use]
    pub fn new(account: AccountId, events: broadcast::Sender<Event>) -> Self {
        Self {
            account,
            streams: Mutex::new(Streams {
                next: 0,
                open: BTreeMap::new(),
                connection: Connection {
                    state: ConnectionState::Connecting,
                    retry_at: None,
                    problem: None,
                },
                revision: 0,
            }),
            events,
        }
    }

    fn streams(&self) -> MutexGuard<'_, Streams> {
        self.streams.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One more stream. Its first batch has number 1.
    #[must_use]
    pub fn subscribe(self: &Arc<Self>) -> Subscription {
        let (sender, receiver) = mpsc::channel(BEHIND);
        let mut streams = self.streams();
        streams.next += 1;
        let id = streams.next;
        let stream = Stream {
            watching: None,
            n: 0,
            sender,
        };
        streams.open.insert(id, stream);
        Subscription {
            hub: Arc::clone(self),
            id,
            receiver,
        }
    }

    /// Sets what a stream watches, or all of them, and gives the union.
    pub fn watch(
        &self,
        stream: Option<u64>,
        conversation: Option<ConversationId>,
    ) -> BTreeSet<ConversationId> {
        for (id, open) in &mut self.streams().open {
            if stream.is_none_or(|stream| stream == *id) {
                open.watching = conversation;
            }
        }
        self.watched()
    }

    /// What is watched by anybody.
    #[must_use]
    pub fn watched(&self) -> BTreeSet<ConversationId> {
        let streams = self.streams();
        streams.open.values().filter_map(|s| s.watching).collect()
    }

    /// The connection as it was shown last.
    #[must_use]
    pub fn connection(&self) -> Connection {
        self.streams().connection.clone()
    }

    /// Shows changes to every stream that they concern, and tells the events
    /// among them.
    pub fn show(&self, revision: i64, changes: &[Change]) {
        let mut streams = self.streams();
        streams.revision = streams.revision.max(revision);
        for change in changes {
            match change {
                Change::Connection(connection) => {
                    streams.connection = connection.clone();
                    self.tell(Event::Connection {
                        account: self.account.to_string(),
                        connection: connection.clone(),
                    });
                }
                Change::Unread(unread) => self.tell(Event::Unread {
                    account: self.account.to_string(),
                    unread: *unread,
                }),
                _ => {}
            }
        }
        streams.open.retain(|_, stream| {
            let watching = stream.watching.map(|id| id.to_string());
            let mine: Vec<Change> = changes
                .iter()
                .filter(|change| concerns(change, watching.as_deref()))
                .cloned()
                .collect();
            if mine.is_empty() {
                return !stream.sender.is_closed();
            }
            stream.n += 1;
            let batch = Batch {
                account: self.account.to_string(),
                n: stream.n,
                revision,
                changes: mine,
            };
            // Full: this one is lost, and the next one's number says so.
            !matches!(
                stream.sender.try_send(batch),
                Err(mpsc::error::TrySendError::Closed(_))
            )
        });
    }

    /// The store begins anew: every stream's next batch leaves a number out, so
    /// that its reader asks for everything again.
    pub fn begin_anew(&self) {
        for stream in self.streams().open.values_mut() {
            stream.n += 1;
        }
    }

    /// The highest revision that was shown.
    #[must_use]
    pub fn revision(&self) -> i64 {
        self.streams().revision
    }

    /// Shows a state of the connection that no engine has decided.
    pub fn show_connection(&self, connection: Connection) {
        let revision = self.streams().revision;
        self.show(revision, &[Change::Connection(connection)]);
    }

    /// Tells what an engine finds worth telling.
    pub fn notify(&self, notice: Notice) {
        let account = self.account.to_string();
        self.tell(match notice {
            Notice::Arrived(message) => Event::Message { account, message },
            Notice::SignInNeeded => Event::Session {
                account,
                state: SessionState::SignInNeeded,
            },
        });
    }

    /// Tells that the session has begun or ended. After signing out, every
    /// stream ends.
    pub fn session(&self, state: SessionState) {
        self.tell(Event::Session {
            account: self.account.to_string(),
            state,
        });
        if state == SessionState::SignedOut {
            self.streams().open.clear();
        }
    }

    fn tell(&self, event: Event) {
        // Nobody listening is fine.
        let _ = self.events.send(event);
    }
}

/// Messages are only for who watches their conversation.
fn concerns(change: &Change, watching: Option<&str>) -> bool {
    match change {
        Change::Message(row) => watching == Some(row.conversation.as_str()),
        Change::MessageGone { conversation, .. } => watching == Some(conversation.as_str()),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::PersonId;

    fn hub() -> (Arc<Hub>, broadcast::Receiver<Event>) {
        let (events, told) = broadcast::channel(16);
        let account = AccountId::new(uuid::Uuid::from_u128(1));
        (Arc::new(Hub::new(account, events)), told)
    }

    fn gone(conversation: ConversationId) -> Change {
        Change::MessageGone {
            conversation: conversation.to_string(),
            id: String::new(),
        }
    }

    #[tokio::test]
    async fn messages_reach_only_the_streams_that_watch_their_conversation() {
        let (hub, _told) = hub();
        let with = |n| ConversationId::Direct(PersonId::new(uuid::Uuid::from_u128(n)));
        let (bob, carol) = (with(2), with(3));
        let (mut one, mut two) = (hub.subscribe(), hub.subscribe());
        hub.watch(Some(one.id()), Some(bob));
        let watched = hub.watch(Some(two.id()), Some(carol));
        assert_eq!(watched.len(), 2);
        hub.show(7, &[gone(bob), Change::Unread(1)]);
        hub.show(8, &[gone(carol)]);
        let batch = one.next().await.unwrap();
        assert_eq!((batch.n, batch.revision, batch.changes.len()), (1, 7, 2));
        let batch = two.next().await.unwrap();
        assert_eq!((batch.n, batch.changes.len()), (1, 1));
        let batch = two.next().await.unwrap();
        assert_eq!((batch.n, batch.revision, batch.changes.len()), (2, 8, 1));
        drop(two);
        assert_eq!(hub.watched().len(), 1);
    }

    #[tokio::test]
    async fn a_reader_that_is_too_slow_sees_the_gap_in_the_numbers() {
        let (hub, mut told) = hub();
        let mut slow = hub.subscribe();
        let many = i64::try_from(BEHIND).unwrap() + 3;
        for n in 1..=many {
            hub.show(n, &[Change::Unread(n)]);
            assert!(told.try_recv().is_ok());
        }
        let mut last = 0;
        for _ in 0..BEHIND {
            let n = slow.next().await.unwrap().n;
            assert_eq!(n, last + 1);
            last = n;
        }
        hub.show(many + 1, &[Change::Unread(0)]);
        let n = slow.next().await.unwrap().n;
        assert_eq!(n, last + 4, "three batches are missing, and it shows");
    }

    #[tokio::test]
    async fn streams_end_when_the_account_is_signed_out() {
        let (hub, mut told) = hub();
        let mut stream = hub.subscribe();
        hub.session(SessionState::SignedOut);
        assert!(stream.next().await.is_none());
        assert!(matches!(
            told.try_recv(),
            Ok(Event::Session {
                state: SessionState::SignedOut,
                ..
            })
        ));
    }
}
