//! What a client hands over is told again to the same end; and that it is told
//! where it is not.

use std::collections::BTreeSet;

use uuid::Uuid;
use whinchat_core::{
    bridge::MessageState,
    diagnostics::{Bundle, Entry, Ordered, Taken, Told},
    model::{MessageId, Stamps},
    store::{self, Key, Place},
};
use whinchat_sim::{
    oracle::{self, Kind},
    replay::{Replayed, replay},
    run,
    world::{Setting, World},
};

fn bundles(seed: u64, kind: Option<Stamps>) -> Vec<Bundle> {
    let setting = Setting {
        kind,
        journals: true,
        ..Setting::of(seed)
    };
    let outcome = run::seed(&setting).unwrap();
    assert_eq!(outcome.findings, [], "seed {seed}");
    let bundles = outcome.bundles.iter();
    bundles
        .map(|bundle| Bundle::read(bundle.as_slice()).unwrap())
        .collect()
}

fn is_the_same(seed: u64, bundle: &Bundle) -> Replayed {
    let replayed = replay(bundle).unwrap();
    if let Some(difference) = &replayed.differs {
        println!("seed {seed}: {difference}");
    }
    assert_eq!(replayed.findings, [], "seed {seed}");
    assert_eq!(replayed.same, replayed.inputs, "seed {seed}");
    assert!(replayed.from_the_beginning, "seed {seed}");
    replayed
}

fn all_are_the_same(seeds: std::ops::RangeInclusive<u64>, kind: Stamps) {
    let (mut told, mut inputs) = (0, 0);
    for seed in seeds {
        for bundle in bundles(seed, Some(kind)) {
            inputs += is_the_same(seed, &bundle).inputs;
            told += 1;
        }
    }
    println!("{told} bundles, {inputs} inputs");
    assert!(told > 20 && inputs > 2_000);
}

#[test]
fn what_is_handed_over_is_told_again_to_the_same_end_with_stamps_of_the_server() {
    all_are_the_same(1..=15, Stamps::Server);
}

#[test]
fn what_is_handed_over_is_told_again_to_the_same_end_with_stamps_of_senders() {
    all_are_the_same(16..=30, Stamps::Sender);
}

#[test]
fn a_journal_changes_nothing_of_the_world_that_it_is_kept_in() {
    for seed in 31..=36 {
        let plain = run::seed(&Setting::of(seed)).unwrap();
        let kept = run::seed(&Setting {
            journals: true,
            ..Setting::of(seed)
        });
        let kept = kept.unwrap();
        assert_eq!(kept.hash, plain.hash, "seed {seed}");
        assert_eq!((kept.steps, kept.requests), (plain.steps, plain.requests));
        assert!(plain.bundles.is_empty() && !kept.bundles.is_empty());
    }
}

/// A bundle in which somebody sends, and the input in which they do.
fn one_who_sends() -> (Bundle, usize) {
    (1..60)
        .flat_map(|seed| bundles(seed, None))
        .find_map(|bundle| {
            let inputs = taken(&bundle);
            let place = inputs
                .iter()
                .skip(20)
                .position(|taken| matches!(taken.told, Told::Order(_, Ordered::Send { .. })))?;
            Some((bundle, 20 + place))
        })
        .unwrap()
}

fn taken(bundle: &Bundle) -> Vec<Taken> {
    let inputs = bundle.entries.iter().filter_map(|entry| match entry {
        Entry::Input(taken) => Some(taken.clone()),
        _ => None,
    });
    inputs.collect()
}

fn change(bundle: &mut Bundle, input: usize, change: impl FnOnce(&mut Taken)) {
    let inputs = bundle.entries.iter_mut().filter_map(|entry| match entry {
        Entry::Input(taken) => Some(taken),
        _ => None,
    });
    change(inputs.into_iter().nth(input).unwrap());
}

#[test]
fn an_input_that_was_another_is_told_where_it_came() {
    let (mut bundle, place) = one_who_sends();
    is_the_same(0, &bundle);
    change(&mut bundle, place, |taken| {
        let Told::Order(_, Ordered::Send { id, .. }) = &mut taken.told else {
            unreachable!()
        };
        *id = MessageId::new(Uuid::from_u128(id.uuid().as_u128() + 1));
    });
    let replayed = replay(&bundle).unwrap();
    let difference = replayed.differs.unwrap();
    assert_eq!(difference.input, place + 1);
    assert!(difference.told.contains("Send("), "{difference}");
    let said = difference.to_string();
    assert!(
        said.contains("then reply:") && said.contains("now reply:"),
        "{said}"
    );
    assert!(replayed.same < replayed.inputs);
    let (input, kind, _) = &replayed.findings[0];
    assert_eq!((*input, *kind), (place + 1, Kind::Diverged));
}

#[test]
fn an_engine_that_decides_otherwise_is_told_where_it_first_does() {
    let (bundle, _) = one_who_sends();
    let mut other = bundle.clone();
    for entry in &mut other.entries {
        if let Entry::Engine(began) = entry {
            // Pages of the catch-up: a defect that only a later answer shows.
            began.pages[0] += 1;
        }
    }
    let replayed = replay(&other).unwrap();
    let difference = replayed.differs.unwrap();
    let asks = |taken: &Taken| {
        taken
            .effects
            .iter()
            .any(|mark| mark.to_string().starts_with("ask_messages"))
    };
    let asked = taken(&bundle).iter().position(asks).unwrap();
    assert!(difference.input > asked, "{difference}");
    assert!(
        difference.to_string().contains("ask_messages"),
        "{difference}"
    );
    assert_eq!(
        replayed.same.min(difference.input - 1),
        difference.input - 1
    );
}

#[test]
fn a_message_that_was_there_and_is_not_in_the_bundle_is_missed() {
    let mut missed = 0;
    for seed in 1..=12 {
        for mut bundle in bundles(seed, None) {
            if bundle.messages.len() < 5 {
                continue;
            }
            let pending = bundle.messages.iter().any(|kept| kept.pending);
            if pending {
                continue;
            }
            bundle.messages.clear();
            let replayed = replay(&bundle).unwrap();
            missed += usize::from(replayed.same < replayed.inputs);
        }
    }
    assert!(missed > 3, "{missed}");
}

#[test]
fn no_word_of_a_message_is_in_what_is_handed_over() {
    for seed in [1, 16, 40] {
        let setting = Setting {
            journals: true,
            ..Setting::of(seed)
        };
        let outcome = run::seed(&setting).unwrap();
        for bundle in &outcome.bundles {
            let bundle = String::from_utf8(bundle.clone()).unwrap();
            for secret in ["word or two", "changed", "#", "Alice", "Bob", "Test"] {
                assert!(!bundle.contains(secret), "seed {seed}: {secret}");
            }
        }
    }
}

/// What the program prints last, and whether it found nothing.
fn told_by_the_program(name: &str, bundle: &[u8]) -> (String, bool) {
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&file, bundle).unwrap();
    let said = std::process::Command::new(env!("CARGO_BIN_EXE_whinchat-sim"))
        .arg("--replay")
        .arg(&file)
        .output()
        .unwrap();
    let last = String::from_utf8(said.stdout).unwrap();
    let last = last.lines().last().unwrap_or_default().to_owned();
    (last, said.status.success())
}

#[test]
fn the_program_says_it_on_its_last_line_and_by_how_it_ends() {
    let setting = Setting {
        journals: true,
        ..Setting::of(7)
    };
    let bundle = run::seed(&setting).unwrap().bundles.remove(0);
    let inputs = taken(&Bundle::read(bundle.as_slice()).unwrap()).len();
    let (last, whole) = told_by_the_program("same.jsonl", &bundle);
    let same = format!("replay: inputs={inputs} same={inputs} from_the_beginning=yes findings=0");
    assert_eq!((last, whole), (same, true));
    let other = String::from_utf8(bundle)
        .unwrap()
        .replacen("\"seed\":", "\"seed\":1", 1);
    let (last, whole) = told_by_the_program("other.jsonl", other.as_bytes());
    assert!(
        last.starts_with("replay: ") && last.ends_with("findings=1"),
        "{last}"
    );
    assert!(!whole);
    let (last, whole) = told_by_the_program("none.jsonl", b"notes\n");
    assert_eq!((last, whole), (String::new(), false));
}

#[test]
fn a_row_that_is_shown_otherwise_than_it_was_told_is_missed_once_all_has_healed() {
    let mut missed = 0;
    for seed in 1..=8 {
        for bundle in bundles(seed, Some(Stamps::Server)) {
            let made = || {
                let store = store::open(Place::Memory, &Key([7; 32])).unwrap();
                bundle.opening.fill(&store, &bundle.messages).unwrap();
                store
            };
            let store = made();
            let listed = oracle::conversations(&store).unwrap();
            let shown = listed.iter().find_map(|with| {
                let rows = oracle::held(&store, *with).unwrap().rows;
                rows.into_iter().find(|row| row.state == MessageState::Sent)
            });
            let Some(row) = shown else {
                continue;
            };
            // No count and no cursor tells of this.
            let planted = "UPDATE message SET content = 'other words' WHERE id = ?1";
            store.execute(planted, [&row.id]).unwrap();
            let findings = |store| {
                let world = World::further(&bundle, store, &BTreeSet::new()).unwrap();
                let findings = world.unwrap().heals().unwrap();
                findings
                    .iter()
                    .filter(|one| one.kind == Kind::Diverged)
                    .count()
            };
            missed += usize::from(findings(store) > findings(made()));
        }
    }
    assert!(missed > 2, "{missed}");
}
