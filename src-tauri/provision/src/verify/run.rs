//! From a sweep to a sweep: everything between is undone, also where it breaks off.

use super::call::Way;
use super::judge::{Told, holds_field, judge};
use super::report::{Finding, Known, Report, Verdict};
use super::trial::{Expect, Trial, Watch};
use super::world::{FIRST_NEW, World, subjects};
use super::writing::Writing;
use super::{cells, events, private, reading, stories, sweep};
use crate::client::Answer;
use crate::ids::{PROBES, probe};
use crate::schema::Schema;
use crate::{Client, Error, look};
use serde_json::Value;
use std::collections::BTreeMap;

/// The longest part of an answer that is told, in characters.
const TOLD: usize = 300;

/// What is wanted beside the plain run.
#[derive(Debug, Clone, Default)]
pub struct Choices {
    /// End at the first leak.
    pub until_the_first_leak: bool,
    /// Try this collection before the others.
    pub first: Option<String>,
}

/// Attacks a server that is ready, and says what came of it. `told` hears how far it is:
/// how many trials are done, of how many, and what is tried.
///
/// # Errors
/// [`Error::NotReady`] where something is left to be made: then nothing was tried. Any other
/// where the server does not answer: then a sweep was tried, and [`sweep`] ends it later.
pub async fn verify(
    client: &Client,
    schema: &Schema,
    told: impl FnMut(usize, usize, &str),
) -> Result<Report, Error> {
    let plan = look(client, schema).await?;
    if !plan.refusals.is_empty() {
        return Err(Error::NotSafe(plan.refusals));
    }
    if !plan.is_empty() {
        return Err(Error::NotReady(plan.steps.len()));
    }
    attack(client, schema, &Choices::default(), told).await
}

/// The same on a server as it is, whatever its rules say.
///
/// # Errors
/// As [`verify`].
pub async fn attack(
    client: &Client,
    schema: &Schema,
    choices: &Choices,
    told: impl FnMut(usize, usize, &str),
) -> Result<Report, Error> {
    sweep(client, schema).await?;
    let done = between(client, schema, choices, told).await;
    if matches!(done, Err(Error::TwoAtOnce)) {
        // What is there is the other one's.
        return done;
    }
    let swept = sweep(client, schema).await;
    let report = done?;
    swept?;
    Ok(report)
}

async fn between(
    client: &Client,
    schema: &Schema,
    choices: &Choices,
    mut told: impl FnMut(usize, usize, &str),
) -> Result<Report, Error> {
    let world = World::make(client, schema).await?;
    let mut subjects = subjects();
    if let Some(first) = &choices.first {
        subjects.sort_by_key(|subject| subject.collection != first);
    }
    let sights = private::sights(client, schema).await?;
    let writing = Writing::new(schema, &subjects);
    let port = client.base().port_or_known_default().unwrap_or(80);

    // Reading before writing: what is read is then as it was made.
    let mut trials = Vec::new();
    let mut later = stories::stories(&writing, port);
    if let Some(first) = &choices.first {
        later.sort_by_key(|story| !story.iter().any(|trial| trial.collection == first));
    }
    for subject in &subjects {
        trials.extend(reading::trials(schema, subject));
        if choices.first.as_deref() == Some(subject.collection) {
            trials.extend(
                sights
                    .iter()
                    .filter(|sight| sight.collection == subject.collection)
                    .flat_map(private::trials),
            );
            trials.extend(writing.trials(subject, &private_fields(&sights, subject.collection)));
        }
    }
    let others = |collection: &str| choices.first.as_deref() != Some(collection);
    trials.extend(
        sights
            .iter()
            .filter(|sight| others(sight.collection))
            .flat_map(private::trials),
    );
    for subject in subjects.iter().filter(|subject| others(subject.collection)) {
        trials.extend(writing.trials(subject, &private_fields(&sights, subject.collection)));
    }
    trials.extend(later.into_iter().flatten());

    let mut run = Run {
        world: &world,
        known: BTreeMap::new(),
        findings: Vec::new(),
    };
    let of = trials.len() + 2;
    for (done, trial) in trials.iter().enumerate() {
        told(done, of, &trial.name());
        run.one(trial).await?;
        if choices.until_the_first_leak && run.has_leaked() {
            return Ok(run.report(schema, true));
        }
    }
    told(of - 2, of, "what is told live");
    run.findings
        .extend(events::attack(&world, &subjects).await?);
    // A rule that is tried alone has nothing to do with it.
    let lives = client
        .token_lives()
        .filter(|_| !choices.until_the_first_leak);
    let late = events::after_the_token(&world, lives).await?;
    let tried_late = !late.is_empty();
    run.findings.extend(late);
    told(of - 1, of, "what is known to have a limit");
    for trial in stories::limits(&world, &writing).await? {
        run.one(&trial).await?;
    }
    run.nothing_came_late(&writing, &subjects).await?;
    if !world.is_still_ours().await? {
        return Err(Error::TwoAtOnce);
    }
    told(of, of, "everything");
    let early = choices.until_the_first_leak && run.has_leaked();
    let mut report = run.report(schema, early);
    if !tried_late {
        report.limits.push(NOT_TRIED.to_owned());
    }
    Ok(report)
}

fn private_fields(sights: &[private::Sight], collection: &str) -> Vec<String> {
    sights
        .iter()
        .filter(|sight| sight.collection == collection)
        .flat_map(|sight| sight.fields.iter().map(|field| field.name.clone()))
        .collect()
}

struct Run<'a> {
    world: &'a World,
    /// Rows as they were last seen.
    known: BTreeMap<Watch, Value>,
    findings: Vec<Finding>,
}

impl Run<'_> {
    async fn one(&mut self, trial: &Trial) -> Result<(), Error> {
        for watch in &trial.watch {
            if !self.known.contains_key(watch) {
                let row = if is_new(&watch.id) {
                    Value::Null
                } else {
                    self.held(watch).await?
                };
                self.known.insert(watch.clone(), row);
            }
        }
        let answer = trial.call.make(self.world, trial.who).await?;
        let mut verdict = verdict(trial, &answer);
        let mut shown = shorten(&answer);
        let mut changed = Vec::new();
        for watch in &trial.watch {
            let now = self.held(watch).await?;
            if self.known.get(watch) != Some(&now) {
                changed.push(format!("{} {}", watch.collection, watch.id));
            }
        }
        if trial.expect.is_attack() {
            if !changed.is_empty() {
                verdict = Verdict::Leaked;
                shown = format!("{shown} (changed: {})", changed.join(", "));
                self.known.clear();
            }
        } else if !matches!(trial.expect, Expect::Given) {
            self.known.clear();
        }
        if let (Verdict::Leaked, Some(reason)) = (&verdict, trial.known) {
            verdict = Verdict::Known(Known::new(reason));
        }
        self.findings.push(Finding {
            name: trial.name(),
            collection: trial.collection.to_owned(),
            action: trial.action,
            way: trial.way,
            who: trial.who.name().to_owned(),
            attack: trial.expect.is_attack(),
            would: trial.would.clone(),
            request: trial.call.to_string(),
            answer: shown,
            verdict,
        });
        Ok(())
    }

    /// The row as the administrator sees it, without what lists others and what reading
    /// alone changes; null where there is none.
    async fn held(&self, watch: &Watch) -> Result<Value, Error> {
        let path = format!("{}/{}", super::call::path(watch.collection), watch.id);
        let answer = self
            .world
            .admin
            .ask(reqwest::Method::GET, &path, &[], None)
            .await?;
        if answer.status == 403 || answer.status == 404 {
            return Ok(Value::Null);
        }
        if answer.status >= 300 {
            return Err(Error::refused("GET", &path, &answer));
        }
        let mut row = answer.body.get("data").cloned().unwrap_or_default();
        if let Value::Object(map) = &mut row {
            map.retain(|name, value| {
                !value.is_array() && !matches!(name.as_str(), "last_access" | "last_page")
            });
        }
        Ok(row)
    }

    /// Whatever was refused stays undone: nothing that an attack would have made is there.
    async fn nothing_came_late(
        &mut self,
        writing: &Writing<'_>,
        subjects: &[super::world::Subject],
    ) -> Result<(), Error> {
        if writing.last() > FIRST_NEW + sweep::MOST_NEW {
            return Err(Error::Shape("the sweep".to_owned(), "room for all keys"));
        }
        let watched: Vec<(usize, Watch)> = self
            .findings
            .iter()
            .enumerate()
            .filter(|(_, finding)| {
                finding.attack && finding.way == Way::Socket && finding.verdict == Verdict::Refused
            })
            .flat_map(|(index, finding)| {
                subjects
                    .iter()
                    .filter(|subject| subject.collection == finding.collection)
                    .filter_map(|subject| {
                        key_in(&finding.request).map(|id| (subject.collection, id))
                    })
                    .map(move |(collection, id)| (index, Watch { collection, id }))
                    .collect::<Vec<_>>()
            })
            .collect();
        for (index, watch) in watched {
            if is_new(&watch.id) && !self.held(&watch).await?.is_null() {
                let finding = &mut self.findings[index];
                finding.verdict = Verdict::Leaked;
                finding.answer.push_str(" (made late)");
            }
        }
        Ok(())
    }

    fn has_leaked(&self) -> bool {
        self.findings
            .iter()
            .any(|finding| matches!(finding.verdict, Verdict::Leaked))
    }

    fn report(self, schema: &Schema, ended_early: bool) -> Report {
        Report {
            cells: cells::table(schema, &self.findings),
            findings: self.findings,
            limits: limits(),
            left: left(),
            ended_early,
        }
    }
}

fn verdict(trial: &Trial, answer: &Answer) -> Verdict {
    let told = judge(answer, trial.also);
    let unless = |leaked: bool| {
        if leaked {
            Verdict::Leaked
        } else {
            Verdict::Refused
        }
    };
    match (&trial.expect, told) {
        (Expect::Done, Told::Bare | Told::Shown) | (Expect::Given, Told::Shown) => Verdict::Allowed,
        (Expect::Done | Expect::Given, _) => Verdict::NotAllowed,
        (_, Told::Odd(why)) => Verdict::Unclear(why),
        (_, Told::Refused(_)) => Verdict::Refused,
        (Expect::Refusal, Told::Bare | Told::Shown) => Verdict::Leaked,
        (Expect::NoEffect, _) => Verdict::Refused,
        (Expect::Nothing, told) => unless(told == Told::Shown),
        (Expect::Lacks(field), _) => unless(holds_field(&answer.body, field)),
    }
}

/// A key that only a trial could have made.
fn is_new(id: &str) -> bool {
    let number = id
        .strip_prefix(PROBES)
        .and_then(|rest| u32::from_str_radix(rest, 16).ok());
    number.is_some_and(|number| number >= FIRST_NEW)
}

/// The first key of a new row that a request names.
fn key_in(request: &str) -> Option<String> {
    let mut rest = request;
    while let Some(at) = rest.find(PROBES) {
        let key: String = rest[at..].chars().take(probe(0).len()).collect();
        if is_new(&key) {
            return Some(key);
        }
        rest = &rest[at + PROBES.len()..];
    }
    None
}

fn shorten(answer: &Answer) -> String {
    let body: String = answer.body.to_string().chars().take(TOLD).collect();
    format!("{} {body}", answer.status)
}

/// What takes too long to be waited for.
const NOT_TRIED: &str = "What a socket is told once its token has ended was not tried, for tokens live \
     longer here than a minute. On Directus 11.x (measured on 11.17.4, and not on 12.4) it has the \
     system's rights then for up to ten seconds: somebody with an account and a program of their own can \
     listen to events of others. No rule can close this; a newer Directus does. The app drops such frames.";

/// What attacks from outside can't prove.
fn limits() -> Vec<String> {
    [
        "The server's operator, and whoever has an administrator's account or a copy of its database or backups, reads every message, file, name and time. Messages are not encrypted end to end.",
        "The operator and whoever runs the proxy see who signs in when, from which address.",
        "Only the roles' rules are tried: a Flow, an extension or another policy of a person's can open what the rules close.",
        "Deleting an account or a group, and what Directus does beside the messenger's collections, is tried only as far as it is named above.",
    ]
    .map(str::to_owned)
    .to_vec()
}

fn left() -> Vec<String> {
    [
        "Directus' activity log has entries of the probes' requests, and its revisions of their accounts and files: it lets nobody delete these.",
    ]
    .map(str::to_owned)
    .to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_new_key_of_a_request_is_found() {
        let request = format!(
            "socket {{\"message_id\":\"{}\",\"id\":\"{}\"}}",
            probe(0x221),
            probe(0x1003)
        );
        assert_eq!(key_in(&request), Some(probe(0x1003)));
        assert_eq!(key_in("nothing"), None);
    }
}
