//! The schema proven on a real Directus, from nothing to nothing: applied,
//! attacked, applied again, weakened in every way and attacked each time, removed.
//!
//! `cargo xtask verify-schema` runs it: `--db sqlite` or `postgres`, `--servers 2`
//! (two on one PostgreSQL, behind Redis; asked through the second),
//! `--without-mutations`, `--from N` (the first N weakenings passed over), `--only COLLECTION`. With
//! `--without-licence` it is seen instead that a Directus which takes no rules is
//! refused, with the reason, and left as it was.
//!
//! Owns: the story and what it prints. Never: an attack, or a rule.

mod refused;
mod weakening;

use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;
use whinchat_provision::verify::{self, Choices};
use whinchat_provision::{
    Client, Credentials, Error, Kind, Schema, State, apply, look, look_at_removal, remove,
};
use whinchat_tests::{Options, ServerFixture};
use xtask::soak::services::{self, Postgres, Redis};
use xtask::{Outcome, Problem, process};

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    process::whole_program(|| match words.as_slice() {
        [only] if only == "--without-licence" => refused::run(),
        words => run(&Wanted::read(words)?),
    })
}

/// What is to be proven, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Wanted {
    postgres: bool,
    two: bool,
    mutations: bool,
    /// So many weakenings are passed over.
    from: usize,
    /// Only the rules of this collection are weakened.
    only: Option<String>,
}

impl Wanted {
    fn read(words: &[String]) -> Outcome<Self> {
        let mut wanted = Self {
            postgres: false,
            two: false,
            mutations: true,
            from: 0,
            only: None,
        };
        let mut words = words.iter().map(String::as_str);
        while let Some(word) = words.next() {
            match (
                word,
                word.starts_with("--without")
                    .then_some("")
                    .or_else(|| words.next()),
            ) {
                ("--db", Some("sqlite")) => {}
                ("--db", Some("postgres")) => wanted.postgres = true,
                ("--servers", Some("1")) => {}
                ("--servers", Some("2")) => (wanted.two, wanted.postgres) = (true, true),
                ("--without-mutations", _) => wanted.mutations = false,
                ("--only", Some(collection)) => wanted.only = Some(collection.to_owned()),
                ("--from", Some(number)) => {
                    let number = number.parse();
                    wanted.from = number.map_err(|_| Problem::new("--from takes a number."))?;
                }
                _ => return Err(Problem::new(format!("\"{word}\" is not understood."))),
            }
        }
        Ok(wanted)
    }
}

/// Where a PostgreSQL has its folder: for its own user, so in no other's.
fn cluster() -> PathBuf {
    let (program, process) = (xtask::name::program(), std::process::id());
    std::env::temp_dir().join(format!("{program}-verify-{process}"))
}

fn run(wanted: &Wanted) -> Outcome {
    let _ = rustls::crypto::ring::default_provider().install_default();
    services::stop_clusters_on_signals(vec![cluster()]);
    // So short that the end of a token is waited for.
    let mut options = Options::default().access_token_ttl("20s");
    let mut redis = None;
    let mut postgres = None;
    if wanted.two {
        let folder = tempfile::tempdir()
            .map_err(|error| Problem::new(format!("There is no room for Redis: {error}.")))?;
        let started = Redis::start(folder.path())?;
        options = options.set("REDIS", started.url());
        redis = Some((started, folder));
    }
    let fixture = if wanted.postgres {
        let started = Postgres::start(&cluster())?;
        for (name, value) in started.settings() {
            options = options.set(name, value);
        }
        postgres = Some(started);
        ServerFixture::start_bare_on(options.clone())?
    } else {
        ServerFixture::start_bare(options.clone())
    };
    let second = wanted
        .two
        .then(|| fixture.start_beside(options))
        .transpose()?;
    let asked = second
        .as_ref()
        .map_or_else(|| fixture.url(), |(server, _)| server.url());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Problem::new(format!("There is no runtime: {error}.")))?;
    let proven = runtime.block_on(prove(wanted, &fixture, &asked));
    drop(second);
    drop(fixture);
    drop(postgres);
    drop(redis);
    proven
}

/// What the server's people and the owner's own things are, to see that all of it stays.
async fn inventory(owner: &Client) -> Result<Value, Error> {
    let mut all = json!({});
    for (path, fields) in [
        ("collections", "collection"),
        ("fields", "collection,field,type"),
        ("relations", "collection,field,related_collection"),
        ("roles", "id,name"),
        ("policies", "id,name"),
        ("permissions", "id,policy,collection,action"),
        ("folders", "id,name"),
        ("files", "id,title"),
        ("users", "id,email,first_name,last_name,role,status"),
    ] {
        let held = owner
            .get(&format!("{path}?limit=-1&fields={fields}"))
            .await?;
        all[path] = json!(named(&held, fields));
    }
    Ok(all)
}

/// The rows by these fields, in an order of their own: some answers have more fields, and
/// none has an order.
fn named(rows: &Value, fields: &str) -> Vec<String> {
    let mut all: Vec<String> = rows
        .as_array()
        .into_iter()
        .flatten()
        .map(|row| {
            let parts: Vec<String> = fields
                .split(',')
                .map(|name| row[name].to_string())
                .collect();
            parts.join(" ")
        })
        .collect();
    all.sort();
    all
}

fn sentence(error: &Error) -> Problem {
    Problem::new(format!("Not proven: {error}."))
}

async fn prove(wanted: &Wanted, fixture: &ServerFixture, url: &str) -> Outcome {
    let began = Instant::now();
    let person = fixture.administrator();
    let credentials = Credentials::Password {
        email: person.email.clone(),
        password: person.password.clone(),
    };
    let owner = Client::sign_in(url, credentials)
        .await
        .map_err(|error| sentence(&error))?;
    let schema = Schema::of(Kind::Full);
    let before = inventory(&owner).await.map_err(|error| sentence(&error))?;
    let done = apply(&owner, &schema, |_, _, _| {})
        .await
        .map_err(|error| sentence(&error))?;
    println!("applied: steps={}", done.steps.len());
    let ready = inventory(&owner).await.map_err(|error| sentence(&error))?;

    let report = verify::verify(&owner, &schema, |_, _, _| {})
        .await
        .map_err(|error| sentence(&error))?;
    println!("{}", report.line());
    if !report.is_private() {
        println!("{}", report.in_words());
        for cell in report
            .cells
            .iter()
            .filter(|cell| cell.attacks == 0 && cell.reason.is_none())
        {
            println!("without an attack, and without a reason: {cell:?}");
        }
        return Err(Problem::new(
            "The schema is not private; what worked stands above.",
        ));
    }
    let after = inventory(&owner).await.map_err(|error| sentence(&error))?;
    same("the verification", &ready, &after)?;
    let again = look(&owner, &schema)
        .await
        .map_err(|error| sentence(&error))?;
    println!("applied again: steps={}", again.steps.len());
    if !again.is_empty() {
        return Err(Problem::new("A server that is ready is not left alone."));
    }
    if wanted.mutations {
        weaken(&owner, &schema, wanted).await?;
    }
    let gone = remove(&owner, false, |_, _, _| {})
        .await
        .map_err(|error| sentence(&error))?;
    println!("removed: steps={}", gone.steps.len());
    let left = look_at_removal(&owner, false)
        .await
        .map_err(|error| sentence(&error))?;
    if !left.steps.is_empty() {
        return Err(Problem::new(format!(
            "Something is left: {:?}.",
            left.steps
        )));
    }
    let end = inventory(&owner).await.map_err(|error| sentence(&error))?;
    same("applying and removing", &before, &end)?;
    owner.sign_out().await;
    println!(
        "verify-schema: {:.1} min",
        began.elapsed().as_secs_f64() / 60.0
    );
    Ok(())
}

fn same(what: &str, before: &Value, after: &Value) -> Outcome {
    for (name, held) in before.as_object().into_iter().flatten() {
        if &after[name] != held {
            return Err(Problem::new(format!(
                "After {what}, /{name} is not as it was:\n{held}\n{}",
                after[name]
            )));
        }
    }
    Ok(())
}

/// Whether the collection has a field that the permission does not list.
fn has_more_fields(schema: &Schema, collection: &str, content: &Value) -> bool {
    let listed = content["fields"].as_array().cloned().unwrap_or_default();
    let Some(declared) = schema.collection(collection).filter(|held| !held.directus) else {
        return true;
    };
    let lists = schema.reverses();
    let lists = lists.iter().filter(|list| list.collection == collection);
    let mut names = declared
        .fields
        .iter()
        .map(|field| field.name)
        .chain(lists.map(|list| list.name));
    names.any(|name| !listed.contains(&json!(name)))
}

/// Weakens one permission after the other, and sees that the attacks notice.
async fn weaken(owner: &Client, schema: &Schema, wanted: &Wanted) -> Outcome {
    let state = State::read(owner, schema)
        .await
        .map_err(|error| sentence(&error))?;
    let (mut made, mut caught, mut explained) = (0, 0, 0);
    let mut slipped = Vec::new();
    let mut number = 0;
    let mut controlled = BTreeSet::new();
    for ((policy, collection, action), held) in &state.permissions {
        let more = has_more_fields(schema, collection, &held.content);
        for weakening in weakening::of(*action, &held.content, more) {
            number += 1;
            let other = wanted.only.as_ref().is_some_and(|only| only != collection);
            if number <= wanted.from || other {
                continue;
            }
            let choices = Choices {
                until_the_first_leak: true,
                first: Some(collection.clone()),
            };
            if controlled.insert(collection.clone()) {
                control(owner, schema, &choices).await?;
            }
            let name = format!(
                "{policy}: {} {collection}: {}",
                action.name(),
                weakening.what
            );
            made += 1;
            let path = format!("permissions/{}", held.id);
            owner
                .patch(&path, &weakening.change)
                .await
                .map_err(|error| sentence(&error))?;
            let tried = verify::attack(owner, schema, &choices, |_, _, _| {}).await;
            owner
                .patch(&path, &held.content)
                .await
                .map_err(|error| sentence(&error))?;
            let report = tried.map_err(|error| sentence(&error))?;
            if report.count().leaks > 0 {
                caught += 1;
                let by = report.leaked().next().map(|finding| finding.name.clone());
                println!("caught    {name}: {}", by.unwrap_or_default());
            } else if let Some(reason) = weakening::explanation(&name) {
                explained += 1;
                println!("explained {name}: {reason}");
            } else {
                println!("SLIPPED   {name}: {}", weakening.change);
                slipped.push(name);
            }
        }
    }
    println!("mutations: made={made} caught={caught} explained={explained}");
    let plan = look(owner, schema)
        .await
        .map_err(|error| sentence(&error))?;
    if !plan.is_empty() {
        return Err(Problem::new("A weakened rule was not put right again."));
    }
    if slipped.is_empty() && explained <= weakening::MOST_EXPLAINED {
        return Ok(());
    }
    Err(Problem::new(format!(
        "{} weakenings slipped through:\n{}",
        slipped.len(),
        slipped.join("\n")
    )))
}

/// The same attacks, in the same order, on what was not weakened: what they find there
/// proves nothing.
async fn control(owner: &Client, schema: &Schema, choices: &Choices) -> Outcome {
    let report = verify::attack(owner, schema, choices, |_, _, _| {})
        .await
        .map_err(|error| sentence(&error))?;
    let first = choices.first.as_deref().unwrap_or_default();
    println!("control   {first} first: leaks={}", report.count().leaks);
    match report.leaked().next() {
        None => Ok(()),
        Some(finding) => Err(Problem::new(format!(
            "What was not weakened leaks as well, in this order: {}",
            finding.name
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_are_read() {
        let read = |line: &str| {
            let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            Wanted::read(&words)
        };
        let all = Wanted {
            postgres: true,
            two: true,
            mutations: false,
            from: 0,
            only: None,
        };
        assert_eq!(read("--servers 2 --without-mutations").unwrap(), all);
        assert_eq!(read("--from 90").unwrap().from, 90);
        let only = read("--only chat_reports").unwrap().only;
        assert_eq!(only.as_deref(), Some("chat_reports"));
        assert!(!read("--db sqlite").unwrap().postgres);
        assert!(read("--db oracle").is_err());
    }
}
