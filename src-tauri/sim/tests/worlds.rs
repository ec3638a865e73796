//! The promise, in worlds made from seeds: nothing lost, nothing doubled,
//! nothing foreign, and all agree in the end. And that the judges see it when
//! a promise is broken.

use whinchat_core::model::Stamps;
use whinchat_sim::{
    client::{Death, Defect},
    oracle::Kind,
    run::{self, Sum},
    shape::Days,
    story::{Happening, Manner, Scene},
    world::Setting,
};

/// Many seeds are `cargo xtask sim`'s; these are for who changes a line.
fn all_keep_the_promise(seeds: std::ops::RangeInclusive<u64>, clients: Option<usize>) {
    let mut sum = Sum::default();
    for seed in seeds {
        let setting = Setting {
            clients,
            ..Setting::of(seed)
        };
        let outcome = run::seed(&setting).unwrap();
        for finding in &outcome.findings {
            println!(
                "seed {seed} at {}: {:?} {}",
                finding.at, finding.kind, finding.words
            );
        }
        sum.add(seed, &outcome);
    }
    println!("{}\n{}", sum.table.text(), sum.line());
    assert!(
        sum.failed.is_empty(),
        "whinchat-sim --seed {:?}",
        sum.failed
    );
}

#[test]
fn nobody_loses_a_message_in_worlds_of_every_shape() {
    all_keep_the_promise(1..=40, None);
}

#[test]
fn eight_clients_with_two_devices_of_a_person_lose_no_message() {
    all_keep_the_promise(1001..=1004, Some(8));
}

#[test]
fn the_same_seed_gives_the_same_run_to_the_byte() {
    for seed in [3, 4, 5] {
        let setting = Setting {
            trace: true,
            ..Setting::of(seed)
        };
        let (one, two) = (run::seed(&setting).unwrap(), run::seed(&setting).unwrap());
        assert!(one.trace.len() > 1_000);
        assert_eq!(one.trace, two.trace);
        assert_eq!(one.hash, two.hash);
        assert_ne!(one.hash, run::seed(&Setting::of(seed + 1)).unwrap().hash);
    }
}

/// A short talk: each writes, one answer is lost, one connection breaks.
fn short_talk() -> Vec<Scene> {
    let scene = |at, what| Scene { at, what };
    vec![
        scene(
            4_000,
            Happening::Send {
                client: 0,
                to: 1,
                count: 2,
            },
        ),
        scene(
            4_500,
            Happening::LoseAnswer {
                client: 0,
                count: 1,
            },
        ),
        scene(
            4_600,
            Happening::Send {
                client: 0,
                to: 1,
                count: 1,
            },
        ),
        scene(
            6_000,
            Happening::Post {
                from: 2,
                to: 0,
                count: 1,
                ago: 0,
                how: Manner::Plain,
            },
        ),
        scene(7_000, Happening::Cut { client: 0 }),
        scene(
            9_000,
            Happening::Send {
                client: 1,
                to: 0,
                count: 1,
            },
        ),
    ]
}

/// A seed whose world is ordinary and whose clocks agree.
fn quiet_seed() -> u64 {
    (1..)
        .find(|seed| {
            let shape = Setting::of(*seed).shape();
            shape.days == Days::Ordinary && shape.clocks_agree && shape.instances == 1
        })
        .unwrap()
}

/// Dies at every step of the short talk, once in each way.
fn dies_at_every_step(kind: Stamps, deaths: &[Death]) {
    let base = Setting {
        kind: Some(kind),
        clients: Some(2),
        ..Setting::of(quiet_seed())
    };
    let plain = run::tell(&base, &short_talk()).unwrap();
    assert_eq!(plain.findings, []);
    let mut runs = 0;
    for step in 0..90 {
        for death in deaths {
            let setting = Setting {
                die_at: Some((0, step, *death)),
                ..base.clone()
            };
            let outcome = run::tell(&setting, &short_talk()).unwrap();
            assert_eq!(outcome.findings, [], "{death:?} at step {step}");
            runs += 1;
        }
    }
    println!("{runs} deaths in {} steps survived", plain.steps);
}

#[test]
fn dying_before_or_after_any_commit_loses_and_doubles_nothing() {
    dies_at_every_step(Stamps::Server, &[Death::BeforeCommit, Death::AfterCommit]);
}

#[test]
fn dying_between_effects_or_losing_power_loses_and_doubles_nothing() {
    dies_at_every_step(Stamps::Sender, &[Death::AfterEffects(1), Death::Power]);
}

/// How many seeds it takes to see a defect.
fn caught(defect: Defect, kind: Kind) {
    for seed in 1..=60 {
        let setting = Setting {
            defect,
            ..Setting::of(seed)
        };
        let outcome = run::seed(&setting).unwrap();
        if outcome.findings.iter().any(|finding| finding.kind == kind) {
            println!("{defect:?} is caught as {kind:?} by seed {seed}");
            return;
        }
    }
    panic!("{defect:?} was never caught");
}

#[test]
fn a_client_that_forgets_to_commit_is_caught_losing() {
    caught(Defect::ForgetsCommit, Kind::Lost);
}

#[test]
fn a_client_that_answers_before_it_commits_is_caught_losing() {
    caught(Defect::EffectsFirst, Kind::Lost);
}

#[test]
fn a_client_that_tries_again_with_another_id_is_caught_doubling() {
    caught(Defect::FreshId, Kind::Doubled);
}

#[test]
fn a_client_that_drops_rows_is_caught_diverging() {
    caught(Defect::DropsRows, Kind::Diverged);
}

#[test]
fn a_page_that_ignores_a_gap_is_caught_diverging() {
    caught(Defect::IgnoresGap, Kind::Diverged);
}

#[test]
fn a_client_that_keeps_a_foreign_row_is_caught() {
    caught(Defect::KeepsForeign, Kind::Foreign);
}

#[test]
fn a_failing_story_is_shrunk_to_what_it_takes() {
    let setting = Setting {
        defect: Defect::ForgetsCommit,
        ..Setting::of(2)
    };
    let story = run::story(&setting);
    let short = run::shrink(&setting, story.clone(), Kind::Lost).unwrap();
    assert!(short.len() <= 3 && short.len() < story.len(), "{short:?}");
    let again = run::tell(&setting, &short).unwrap();
    assert!(
        again
            .findings
            .iter()
            .any(|finding| finding.kind == Kind::Lost)
    );
}
