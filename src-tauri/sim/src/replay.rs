//! A story that somebody handed over, told again: the real engine on a store as
//! it was when the account was opened, given the same inputs at the same times.
//!
//! Owns: the comparison, step by step, of what the engine wants done now with
//! what it wanted then, and what the judges can see without knowing what people
//! did. In the end the device goes on beside a server that has the rows that it
//! was told of, and must agree with it. Never: a judgement by texts; there are none.

use std::{collections::BTreeSet, fmt};

use rusqlite::Connection;
use whinchat_core::{
    bridge::Change,
    diagnostics::{Bundle, Entry, Mark, Taken, Veil, marks},
    engine::{Effect, Engine, Input, Notice},
    model::{Instant, MessageId},
    store::{self, Key, Place, StoreError, messages},
};

use crate::{
    oracle::{self, Kind, Stored},
    page::{Batch, Page},
    world::{
        World,
        words::{effect_words, input_words},
    },
};

const KEY: Key = Key([7; 32]);

/// The judges look after so many inputs, and at the end.
const LOOK_AFTER: usize = 50;

/// Where a story told again is another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// At which input, counted from one.
    pub input: usize,
    /// When that was.
    pub at: Instant,
    /// What it was.
    pub told: String,
    /// What the engine wanted done then.
    pub then: Vec<Mark>,
    /// And now, each with its words.
    pub now: Vec<(Mark, String)>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "it differs at input {}, {}: {}",
            self.input, self.at, self.told
        )?;
        for place in 0..self.then.len().max(self.now.len()) {
            let then = self.then.get(place);
            let now = self.now.get(place);
            if then == now.map(|(mark, _)| mark) {
                continue;
            }
            let then = then.map_or_else(|| "nothing".to_owned(), Mark::to_string);
            let now = now.map_or_else(
                || "nothing".to_owned(),
                |(mark, words)| format!("{mark} ({words})"),
            );
            writeln!(f, "  effect {}: then {then}, now {now}", place + 1)?;
        }
        Ok(())
    }
}

/// What a story told again has come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replayed {
    /// How many inputs there were.
    pub inputs: usize,
    /// After how many of them the engine wanted the same.
    pub same: usize,
    /// Whether it begins where the account was opened, with all that was there.
    pub from_the_beginning: bool,
    /// The first step that differs.
    pub differs: Option<Difference>,
    /// What the judges found, with the input before which it was not so.
    pub findings: Vec<(usize, Kind, String)>,
}

impl Replayed {
    /// The last line.
    #[must_use]
    pub fn line(&self) -> String {
        format!(
            "replay: inputs={} same={} from_the_beginning={} findings={}",
            self.inputs,
            self.same,
            if self.from_the_beginning { "yes" } else { "no" },
            self.findings.len(),
        )
    }
}

/// Tells a story again.
///
/// # Errors
/// The store's: also where what is in the bundle can be in no store.
pub fn replay(bundle: &Bundle) -> Result<Replayed, StoreError> {
    let store = store::open(Place::Memory, &KEY)?;
    store.execute_batch("BEGIN IMMEDIATE")?;
    bundle.opening.fill(&store, &bundle.messages)?;
    store.execute_batch("COMMIT")?;
    let mut run = Run {
        store,
        engine: None,
        page: Page::default(),
        shown: 0,
        stored: None,
        announced: BTreeSet::new(),
        gone: BTreeSet::new(),
        replayed: Replayed {
            inputs: 0,
            same: 0,
            from_the_beginning: bundle.about.from_the_beginning && bundle.about.whole,
            differs: None,
            findings: Vec::new(),
        },
    };
    for entry in &bundle.entries {
        match entry {
            Entry::Engine(began) => {
                run.store.execute_batch("BEGIN IMMEDIATE")?;
                let engine = Engine::resume(&run.store, began.seed)?;
                run.store.execute_batch("COMMIT")?;
                let engine = engine.with_pages(began.pages());
                run.engine = Some(if began.safety {
                    engine.with_safety()
                } else {
                    engine
                });
                run.open_page()?;
            }
            Entry::Input(taken) => run.takes(taken)?,
            Entry::Undone(_) => {}
        }
    }
    run.look()?;
    // What is wrong already heals nothing by itself, and a part tells too little.
    if run.replayed.from_the_beginning
        && run.replayed.findings.is_empty()
        && let Some(world) = World::further(bundle, run.store, &run.gone)?
    {
        for finding in world.heals()? {
            let words = format!("once it has healed: {}", finding.words);
            let inputs = run.replayed.inputs;
            run.replayed.findings.push((inputs, finding.kind, words));
        }
    }
    Ok(run.replayed)
}

struct Run {
    store: Connection,
    engine: Option<Engine>,
    page: Page,
    shown: i64,
    stored: Option<Stored>,
    announced: BTreeSet<String>,
    /// What was here, and of which the server said that it has it no more.
    gone: BTreeSet<MessageId>,
    replayed: Replayed,
}

impl Run {
    fn takes(&mut self, taken: &Taken) -> Result<(), StoreError> {
        self.replayed.inputs += 1;
        // What comes before the first engine has nobody to hear it.
        let Some(mut engine) = self.engine.take() else {
            return Ok(());
        };
        let input = taken.told.clone().again();
        let words = input_words(&input);
        let watching = match &input {
            Input::Watching(conversations) => Some(conversations.first().copied()),
            _ => None,
        };
        self.store.execute_batch("BEGIN IMMEDIATE")?;
        let stepped = engine.step_alone(&self.store, taken.now(), input);
        let effects = match stepped {
            Ok(effects) => effects,
            Err(error) => {
                self.store.execute_batch("ROLLBACK")?;
                self.found(Kind::Broken, format!("{error} at {words}"));
                return Ok(());
            }
        };
        self.store.execute_batch("COMMIT")?;
        for (id, _) in engine.take_replaced() {
            if messages::get(&self.store, id)?.is_none() {
                self.gone.insert(id);
            } else {
                self.gone.remove(&id);
            }
        }
        self.engine = Some(engine);
        let now = marks(&effects, &Veil::Placeholders);
        if now == taken.effects {
            self.replayed.same += 1;
        } else if self.replayed.differs.is_none() {
            let difference = Difference {
                input: self.replayed.inputs,
                at: Instant(taken.wall),
                told: words,
                then: taken.effects.clone(),
                now: now
                    .into_iter()
                    .zip(effects.iter().map(effect_words))
                    .collect(),
            };
            if self.replayed.from_the_beginning {
                let words = format!("not as it was told: {}", difference.told);
                self.found(Kind::Diverged, words);
            }
            self.replayed.differs = Some(difference);
        }
        self.performs(effects)?;
        if let Some(watching) = watching
            && watching != self.page.watching
        {
            self.page.watching = watching;
            self.page.open(&self.store)?;
        }
        if self.replayed.inputs.is_multiple_of(LOOK_AFTER) {
            self.look()?;
        }
        Ok(())
    }

    /// Of what it wants done, what a screen and whoever is told see.
    fn performs(&mut self, effects: Vec<Effect>) -> Result<(), StoreError> {
        for effect in effects {
            match effect {
                Effect::Show(revision, changes) => {
                    for change in &changes {
                        if let Change::MessageGone { id, .. } = change {
                            self.announced.remove(id);
                        }
                    }
                    self.shown += 1;
                    let batch = Batch {
                        n: self.shown,
                        revision,
                        changes,
                    };
                    if self.page.take(&batch) {
                        self.page.open(&self.store)?;
                    }
                }
                Effect::Notify(Notice::Arrived(row)) if !self.announced.insert(row.id.clone()) => {
                    self.found(Kind::Doubled, format!("{} is announced again", row.id));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn open_page(&mut self) -> Result<(), StoreError> {
        let watching = self.page.watching;
        self.page = Page::default();
        self.page.watching = watching;
        self.shown = 0;
        self.page.open(&self.store)
    }

    fn look(&mut self) -> Result<(), StoreError> {
        let mut stored = Stored::now(&self.store, self.stored.take())?;
        let mut found = oracle::alone(&self.store, &mut stored)?;
        // What is on a screen is fed by what was shown since an engine began.
        if self.engine.is_some()
            && let Some(words) = self.page.contradiction(&self.store, &stored)?
        {
            found.push((Kind::Diverged, words));
        }
        self.stored = Some(stored);
        for (kind, words) in found {
            self.found(kind, words);
        }
        Ok(())
    }

    fn found(&mut self, kind: Kind, words: String) {
        let known = self.replayed.findings.iter();
        if !known
            .clone()
            .any(|(_, of, said)| *of == kind && *said == words)
        {
            self.replayed
                .findings
                .push((self.replayed.inputs, kind, words));
        }
    }
}
