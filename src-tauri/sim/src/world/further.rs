//! A world in which one device goes on from where a story ended that somebody
//! handed over: its server has the rows that the story told of.
//!
//! Owns: how much of a server can be made of a bundle. Never: a claim that the
//! server was like that: of what the device was never told, nobody knows.

use rusqlite::Connection;
use whinchat_core::{
    diagnostics::{Answered, Bundle, Entry, Heard, Page, Row as Told, Told as Input},
    store::{
        outbox::{self, JobState},
        people, safety,
    },
};

use super::*;

/// Rows as the story told of them last.
struct Known(BTreeMap<MessageId, Told>);

impl Known {
    fn of(bundle: &Bundle) -> Self {
        let mut known = Self(BTreeMap::new());
        for kept in bundle.messages.iter().filter(|kept| !kept.pending) {
            known.row(kept.row);
        }
        for entry in &bundle.entries {
            let Entry::Input(taken) = entry else {
                continue;
            };
            match &taken.told {
                Input::Socket(_, Heard::Rows(_, page)) => known.page(page),
                Input::Socket(_, Heard::Deleted(_, ids)) => {
                    for id in ids {
                        known.0.remove(id);
                    }
                }
                Input::Answered { result, .. } => match result {
                    Ok(Answered::Messages(page)) => known.page(page),
                    Ok(Answered::Created(Some(row))) => known.row(*row),
                    _ => {}
                },
                _ => {}
            }
        }
        known
    }

    fn page(&mut self, page: &Page) {
        for row in &page.messages {
            self.row(*row);
        }
    }

    /// A page that was asked for before a row changed may come after it.
    fn row(&mut self, row: Told) {
        let newer = self
            .0
            .get(&row.id)
            .is_none_or(|known| known.updated <= row.updated);
        if newer {
            self.0.insert(row.id, row);
        }
    }
}

impl World {
    /// The world after a story, whose store is this in the end and has none of
    /// what is `gone` any more; `None` where the story does not tell enough of the
    /// server.
    ///
    /// # Errors
    /// The store's.
    pub fn further(
        bundle: &Bundle,
        store: Connection,
        gone: &BTreeSet<MessageId>,
    ) -> Result<Option<Self>, StoreError> {
        let last = bundle.entries.iter().rev().find_map(|entry| match entry {
            Entry::Input(taken) => Some(taken.wall),
            _ => None,
        });
        let (Some(last), Some(stamps)) = (last, facts::stamps(&store)?) else {
            return Ok(None);
        };
        let me = facts::me(&store)?;
        let zone = match stamps {
            Stamps::Sender => facts::offset(&store)?,
            Stamps::Server => 0,
        };
        let mut known = Known::of(bundle);
        let hidden: BTreeSet<PersonId> = safety::blocks(&store)?
            .into_iter()
            .filter(|block| block.wanted)
            .map(|block| block.person)
            .collect();
        // Of those who are blocked nothing is shown that could be held against it.
        known.0.retain(|id, row| {
            !gone.contains(id) && !hidden.contains(&row.from) && !hidden.contains(&row.to)
        });
        let mine = known
            .0
            .values()
            .filter(|row| row.from == me || row.to == me);
        let newest = mine.clone().map(|row| row.stamp - zone).max();
        let setting = Setting {
            kind: Some(stamps),
            ..Setting::of(0)
        };
        let shape = Shape {
            owners: vec![0],
            instances: 1,
            clocks_agree: false,
            days: Days::Ordinary,
            ..setting.shape()
        };
        let settings = Settings {
            stamps,
            zone,
            database: Database::Sqlite,
            twelve: false,
            limit_max: 100_000,
            payload_max: 1_000_000,
            heartbeat: 30_000,
            lifetimes: Lifetimes {
                session: 86_400_000,
                access: 900_000,
                refresh: 7 * 86_400_000,
            },
            // No row is from later than now.
            skews: vec![newest.map_or(0, |newest| (newest - last).max(0))],
        };
        let root = Rng::new(0);
        let mut server = Server::new(settings, root.split("server"));
        let mut everybody = BTreeSet::from([me]);
        for row in mine {
            everybody.extend([row.from, row.to]);
            server.rows.all.insert(
                row.id.to_string(),
                Row {
                    id: row.id.to_string(),
                    content: Some(row.text.placeholder()),
                    sender: row.from,
                    receiver: row.to,
                    timestamp: Some(row.stamp),
                    created: row.stamp,
                    updated: row.updated,
                    orphan: false,
                    weight: 0,
                },
            );
        }
        for job in outbox::all(&store)? {
            everybody.insert(job.conversation.peer());
            if job.state == JobState::Refused {
                server.refused.insert(job.message.to_string());
            }
        }
        for person in everybody {
            let account = Account {
                first: people::name(&store, person)?.unwrap_or_default(),
                last: String::new(),
                admin: false,
                active: true,
                listed: true,
                blocks_all: false,
            };
            server.people.insert(person, account);
        }
        let mut client = Client::new("the device", me, 0, Defect::None)?;
        client.store = store;
        let mut world = Self {
            now: last - crate::server::EPOCH + 1_000,
            queue: BTreeMap::new(),
            sequence: 0,
            server,
            clients: vec![client],
            links: vec![Link::new(20)],
            wires: BTreeMap::new(),
            flights: BTreeMap::new(),
            counter: 0,
            people: vec![me],
            log: Log::default(),
            rng: root.split("run"),
            healed: false,
            numbers: BTreeMap::new(),
            out: Outcome::default(),
            setting,
            shape,
            scenes: Vec::new(),
        };
        world.sign_in(0);
        Ok(Some(world))
    }

    /// Lets the device start, connect and catch up; gives what is not as it
    /// should be then.
    ///
    /// # Errors
    /// The store's.
    pub fn heals(mut self) -> Result<Vec<Finding>, StoreError> {
        self.heal()?;
        let start = self.now;
        let mut verdict = Verdict::default();
        for minutes in [1, 2, 4, 8] {
            self.until(start + minutes * MINUTE)?;
            verdict = self.verdict(Quiet::Soon)?;
            if verdict.problems.is_empty() || !self.out.findings.is_empty() {
                break;
            }
        }
        for (kind, words) in verdict.problems {
            self.found(kind, words);
        }
        for unknown in std::mem::take(&mut self.server.unknown) {
            self.found(Kind::Broken, format!("the model does not know: {unknown}"));
        }
        Ok(self.out.findings)
    }
}
