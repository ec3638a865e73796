//! A look around without an account: made-up conversations in memory.
//!
//! Owns: what stands in them. It is an account of this session only, with nobody's
//! sessions in its vault: the engine asks a server for nothing without one, so
//! nothing leaves the device, and what is written waits until it is erased. Its
//! server is a name that no machine can have.
//!
//! Never: an account that could be signed in to.

use std::sync::Arc;

use rusqlite::Connection;
use uuid::Uuid;

use super::{InMemory, Messenger, Record, Stage, keeper::wall, locked, store_problem};
use crate::{
    bridge::{AccountSummary, Code, Problem, VaultKind},
    model::{AccountId, ConversationId, Instant, Message, MessageId, Person, PersonId, Stamps},
    product,
    store::{
        self, Key, Place, StoreError, conversations, facts, held, index, messages, people, safety,
    },
    vault::{self, Vault},
};

/// RFC 6761 gives `.invalid` to nobody.
const SERVER: &str = "https://sample.invalid";
const ME: &str = "You";

/// One that was written: how many minutes ago, by them or by me, and what.
type Said = (i64, bool, &'static str);

const HOUR: i64 = 60;
const DAY: i64 = 24 * HOUR;

/// With whom, how many of the last are unread, and what was said.
const CONVERSATIONS: [(&str, usize, &[Said]); 4] = [
    (
        "Alice",
        0,
        &[
            (2 * DAY + 95, true, "Is the workshop on Saturday still on?"),
            (2 * DAY + 92, false, "It is. Ten o'clock, at the boathouse."),
            (
                2 * DAY + 91,
                false,
                "Bring gloves, the varnish gets everywhere.",
            ),
            (2 * DAY + 80, true, "Will do. Shall I bring coffee too?"),
            (2 * DAY + 79, false, "You would make many friends."),
            (
                DAY + 300,
                false,
                "Here is the list for the paint:\n\n1. primer, grey\n2. white, two tins\n3. a good brush",
            ),
            (
                DAY + 290,
                true,
                "Got it. The shop closes at six, I'll go on the way home.",
            ),
            (74, true, "Paint is in the boot, brush too."),
            (70, false, "Wonderful, thank you!"),
            (69, false, "See you at ten then."),
        ],
    ),
    (
        "Bob",
        2,
        &[
            (
                3 * DAY + 40,
                false,
                "Have you read https://www.rfc-editor.org/rfc/rfc6455 to the end?",
            ),
            (3 * DAY + 20, true, "Up to the part about closing. Twice."),
            (3 * DAY + 18, false, "That is where everybody stops."),
            (
                DAY + 30,
                true,
                "A connection that goes silent isn't closed, it is only quiet. I wrote a test for that.",
            ),
            (DAY + 25, false, "Does it fail without the fix?"),
            (DAY + 24, true, "It does. That took longer than the fix."),
            (22, false, "Good. Lunch?"),
            (21, false, "The place with the soup, at half past twelve."),
        ],
    ),
    (
        "Carol",
        0,
        &[
            (6 * DAY, false, "Train is on time so far."),
            (6 * DAY - 50, true, "I'm on platform 4, by the clock."),
            (
                6 * DAY - 55,
                false,
                "I see you. The one with the enormous umbrella?",
            ),
            (6 * DAY - 56, true, "It was raining when I left!"),
            (
                4 * DAY,
                true,
                "Pictures from the lake are on the shared drive.",
            ),
            (
                4 * DAY - 10,
                false,
                "The one with the heron is going on the wall.",
            ),
        ],
    ),
    (
        "Dan",
        0,
        &[
            (9 * DAY, false, "The key is under the third flower pot."),
            (9 * DAY - 5, true, "There are four flower pots."),
            (9 * DAY - 6, false, "Third from the left."),
            (9 * DAY - 9, true, "Found it. The cat sends her regards."),
        ],
    ),
];

impl Messenger {
    /// Made-up conversations to look around in, in place of those that were there.
    ///
    /// # Errors
    /// `storage_failed`.
    pub async fn look_around(&self) -> Result<AccountSummary, Problem> {
        let before: Vec<AccountId> = {
            let memory = locked(&self.0.memory);
            let samples = memory.values().filter(|account| account.record.sample);
            samples.map(|account| account.record.id).collect()
        };
        for account in before {
            self.close(account).await;
            self.erase_memory(account).await?;
        }
        let me = Person {
            id: PersonId::new(Uuid::new_v4()),
            name: ME.to_owned(),
        };
        let record = Record {
            id: AccountId::new(Uuid::new_v4()),
            server: SERVER.to_owned(),
            email: String::new(),
            name: ME.to_owned(),
            person: me.id,
            vault: VaultKind::SessionOnly,
            left: None,
            sample: true,
            stage: Stage::Ready,
        };
        let now = wall();
        let key = vault::new_key()?;
        let database = tokio::task::spawn_blocking(move || {
            make(&key, &me, now).map_err(|error| store_problem(&error))
        })
        .await
        .unwrap_or_else(|_| Err(Problem::new(Code::StorageFailed).with("kind", "database")))?;
        let file = vault::passphrase_file(&self.0.folders.of(record.id));
        let kind = VaultKind::SessionOnly;
        let vault = Vault::prepare(kind, &self.0.service, record.id, file, None).await?;
        locked(&self.0.vaults).insert(record.id, Arc::new(vault));
        let account = InMemory {
            record: record.clone(),
            writer: Arc::new(std::sync::Mutex::new(database)),
        };
        locked(&self.0.memory).insert(record.id, account);
        Ok(record.summary(None))
    }
}

/// The database: all of it held, so that there is nothing to ask a server for.
fn make(key: &Key, me: &Person, now: Instant) -> Result<Connection, StoreError> {
    let mut database = store::open(Place::Memory, key)?;
    store::set_me(&database, me.id, &me.name)?;
    store::before_transaction(&database, false)?;
    let tx = database.transaction()?;
    for (name, unread, said) in CONVERSATIONS {
        let person = Person {
            id: PersonId::new(Uuid::new_v4()),
            name: name.to_owned(),
        };
        let with = ConversationId::Direct(person.id);
        people::save(&tx, &person)?;
        for (ago, mine, text) in said {
            let (sender, receiver) = if *mine {
                (me.id, person.id)
            } else {
                (person.id, me.id)
            };
            let message = Message {
                id: MessageId::new(Uuid::new_v4()),
                content: (*text).to_owned(),
                sender,
                receiver,
                stamp: before(now, *ago),
                updated: None,
            };
            messages::save(&tx, &message, with)?;
        }
        held::hold(&tx, with, &held::beginning(), &held::open_end())?;
        conversations::refresh(&tx, with)?;
        let read = said.len().saturating_sub(unread + 1);
        if let Some((ago, ..)) = said.get(read) {
            let until = (before(now, *ago).0, "~".to_owned());
            conversations::mark_read(&tx, with, &until, me.id)?;
        }
    }
    index::update(&tx)?;
    facts::set(&tx, facts::LISTED, "1")?;
    facts::set_stamps(&tx, Stamps::Server)?;
    // Nothing is sent, so there is nothing to agree to.
    let accepted = safety::Accepted {
        version: product::TERMS,
        at: now.0,
    };
    safety::set_accepted(&tx, accepted)?;
    tx.commit()?;
    Ok(database)
}

fn before(now: Instant, minutes: i64) -> Instant {
    now.plus(-minutes * 60_000)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use crate::{
        bridge::{Anchor, Batch, Change, Code, ConnectionState, MessageState, Older, Unsent},
        model::{AccountId, ConversationId},
        runtime::{Config, Messenger},
        store::{search::Search, words::Query},
    };

    async fn messenger() -> (tempfile::TempDir, Messenger) {
        let data = tempfile::tempdir().unwrap();
        let messenger = Messenger::new(Config::new(data.path().to_owned()));
        (data, messenger.await.unwrap())
    }

    fn files(folder: &std::path::Path) -> usize {
        std::fs::read_dir(folder).unwrap().count()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn one_can_look_around_read_search_and_write_and_nothing_is_sent_or_kept() {
        let (data, messenger) = messenger().await;
        let sample = messenger.look_around().await.unwrap();
        assert!(sample.sample);
        let account: AccountId = sample.id.parse().unwrap();
        let mut stream = messenger.subscribe(account).unwrap();
        let opened = messenger.open(account).await.unwrap();
        let list = opened.list.conversations;
        assert_eq!((list.len(), opened.unread), (4, 2));
        let newest: ConversationId = list[0].id.parse().unwrap();
        let page = messenger
            .page(account, newest, Anchor::Newest, 50)
            .await
            .unwrap();
        assert!(page.messages.len() >= 8 && page.older == Older::Beginning);
        let search = Search {
            query: Query::read("boathouse"),
            ..Search::default()
        };
        let found = messenger.search(account, search, None, 10).await.unwrap();
        assert_eq!(found.found.len(), 1);

        let sent = messenger.send(account, newest, "Hello").await.unwrap();
        let unsent = messenger.unsent_messages(account).await.unwrap();
        assert_eq!(unsent.len(), 1, "{sent:?}");
        assert_eq!(unsent[0].state, MessageState::Queued);
        // Nobody's sessions are held, so nobody can be asked.
        let ended = |batch: Batch| {
            let mut states = batch.changes.into_iter().filter_map(|change| match change {
                Change::Connection(connection) => Some(connection.state),
                _ => None,
            });
            states.any(|state| state == ConnectionState::SignInNeeded)
        };
        loop {
            let next = tokio::time::timeout(Duration::from_secs(60), stream.next());
            if ended(next.await.unwrap().unwrap()) {
                break;
            }
        }
        assert_eq!(files(&data.path().join("accounts")), 0);

        let told = messenger.sign_out(account, Unsent::Discard).await.unwrap();
        assert!(!told.secrets_left);
        assert!(messenger.accounts().is_empty());
        let gone = messenger.open(account).await.unwrap_err();
        assert_eq!(gone.code, Code::AccountUnknown);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn whoever_looks_around_again_begins_anew() {
        let (_data, messenger) = messenger().await;
        let first = messenger.look_around().await.unwrap();
        let account: AccountId = first.id.parse().unwrap();
        messenger.open(account).await.unwrap();
        let second = messenger.look_around().await.unwrap();
        assert_ne!(first.id, second.id);
        let ids: Vec<String> = messenger.accounts().into_iter().map(|one| one.id).collect();
        assert_eq!(ids, [second.id]);
        messenger.shutdown().await;
        assert!(messenger.accounts().is_empty());
    }
}
