//! What the comparison must be able to do without any server: see one thing
//! that is otherwise, and tell it shortly.

use serde_json::{Value, json};
use whinchat_core::model::Stamps;
use whinchat_sim::server::{Account, Database};

use crate::{
    cast::id_of,
    differ,
    model::{self, Likeness},
    script::{self, PEOPLE, Script, Who},
    story,
    transcript::{Difference, Transcript},
};

fn likeness(database: Database) -> Likeness {
    let account = |who: Who| Account {
        first: who.name().to_owned(),
        last: "Script".to_owned(),
        admin: who == Who::Root,
        active: true,
        listed: true,
        blocks_all: false,
    };
    Likeness {
        database,
        zone: -5 * 3_600_000,
        limit_max: 40,
        payload_max: 20 * 1024,
        people: PEOPLE.map(|who| (id_of(who), account(who))).to_vec(),
    }
}

fn scripts() -> impl Iterator<Item = Script> {
    (1..=24).map(|seed| script::write(seed, crate::kind_of(seed)))
}

fn play(script: &Script) -> Transcript {
    model::play(script, &likeness(Database::Sqlite)).0
}

#[test]
fn two_plays_of_one_model_are_the_same_and_of_two_databases_are_not() {
    let mut differing = 0;
    for script in scripts() {
        assert_eq!(differ(&script, &play(&script), &play(&script)), None);
        let other = model::play(&script, &likeness(Database::Postgres)).0;
        differing += usize::from(differ(&script, &play(&script), &other).is_some());
    }
    assert!(differing > 0, "the databases differ, and no script sees it");
}

#[test]
fn an_altered_status_code_or_row_is_found_in_the_step_where_it_is() {
    for script in scripts() {
        let model = play(&script);
        for step in 0..model.said.len() {
            for alter in [
                |said: &mut crate::transcript::Said| said.status += 1,
                |said: &mut crate::transcript::Said| match &mut said.body {
                    Value::Object(body) if body.contains_key("errors") => {
                        said.body = json!({"errors": [{"extensions": {"code": "OTHER"}}]});
                    }
                    body => *body = json!({"data": [{"id": "another", "content": "x"}]}),
                },
            ] {
                let mut altered = model.clone();
                alter(&mut altered.said[step]);
                let found = differ(&script, &model, &altered);
                assert!(
                    matches!(found, Some(Difference::Answer { step: at, .. }) if at == step),
                    "seed {} step {step}: {found:?}",
                    script.seed
                );
            }
        }
    }
}

#[test]
fn an_event_too_many_or_too_few_or_altered_is_found() {
    let mut tried = 0;
    for script in scripts() {
        let model = play(&script);
        for who in PEOPLE {
            let heard = model.heard.get(&who).cloned().unwrap_or_default();
            for place in 0..heard.len() {
                let mut fewer = heard.clone();
                fewer.remove(place);
                let mut more = heard.clone();
                more.push(heard[place].clone());
                let mut other = heard.clone();
                other[place]["uid"] = json!("another");
                for frames in [fewer, more, other] {
                    let mut altered = model.clone();
                    altered.heard.insert(who, frames);
                    let found = differ(&script, &model, &altered);
                    assert!(
                        matches!(found, Some(Difference::Events { who: of, .. }) if of == who),
                        "seed {}: {found:?}",
                        script.seed
                    );
                    tried += 1;
                }
            }
            // In another order they are the same.
            let mut altered = model.clone();
            altered.heard.entry(who).or_default().reverse();
            assert_eq!(differ(&script, &model, &altered), None);
        }
    }
    assert!(tried > 200, "only {tried} were tried");
}

#[test]
fn a_stamp_of_another_step_is_found_and_another_clock_is_not() {
    let script = (1..)
        .map(|seed| script::write(seed, Stamps::Server))
        .find(|script| {
            play(script)
                .said
                .iter()
                .any(|said| said.body.pointer("/data/date_created").is_some())
        })
        .expect("some script makes a row");
    let model = play(&script);
    let mut later = model.clone();
    for began in &mut later.began {
        *began -= 3;
    }
    assert_eq!(differ(&script, &model, &later), None);
    let mut altered = model.clone();
    let stamp = altered
        .said
        .iter_mut()
        .find_map(|said| said.body.pointer_mut("/data/date_created"))
        .expect("it has one");
    *stamp = json!("2020-01-01T00:00:00.000Z");
    assert!(differ(&script, &model, &altered).is_some());
}

#[test]
fn a_wrong_rule_is_told_as_the_shortest_story() {
    // A model that lets everything be longer than the server does.
    let lax = Likeness {
        payload_max: 1 << 30,
        ..likeness(Database::Sqlite)
    };
    let differs = |script: &Script| {
        let wrong = model::play(script, &lax).0;
        Ok(differ(script, &play(script), &wrong))
    };
    let (script, difference) = (1..)
        .map(|seed| script::write(seed, crate::kind_of(seed)))
        .find_map(|script| Some((script.clone(), differs(&script).ok()??)))
        .expect("some script is too long");
    let (shortest, difference) = story::shrink(&script, difference, differs).expect("no server");
    assert_eq!(shortest.steps.len(), 1, "{:?}", shortest.steps);
    let told = story::tell(&shortest, &difference);
    assert!(
        told.contains("INVALID_PAYLOAD") && told.contains("by the model  200"),
        "{told}"
    );
}
