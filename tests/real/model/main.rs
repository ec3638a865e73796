//! The simulator's model of Directus, held against real ones: generated scripts
//! are played on the model and on a Directus on SQLite and one on PostgreSQL,
//! with both kinds of collection, and statuses, codes, rows and events must be
//! the same. Where they differ the server is right, and the model is to be
//! mended.
//!
//! `cargo xtask model` runs it: `--scripts N`, `--from S`, `--seed S` for one
//! of them, `--database sqlite` or `postgres` for one server.
//!
//! Owns: which servers there are, and the sum. Never: a rule of a server.

mod cast;
mod model;
mod real;
mod script;
mod story;
#[cfg(test)]
mod tests;
mod transcript;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use serde_json::Value;
use whinchat_core::model::Stamps;
use whinchat_sim::server::{Account, Database};
use whinchat_tests::{Kind, Options, Person, ServerFixture};
use xtask::soak::services::{self, Postgres};
use xtask::{Outcome, Problem, process};

use model::Likeness;
use real::{Place, Real};
use script::Script;
use transcript::{Difference, Transcript};

/// `QUERY_LIMIT_MAX` of the servers: small, so that scripts go beyond it.
const LIMIT_MAX: usize = 40;
/// `MAX_PAYLOAD_SIZE` of the servers, in bytes.
const PAYLOAD_MAX: usize = 20 * 1024;
/// So many differing scripts of a server are told as stories.
const TOLD: usize = 6;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    process::whole_program(|| run(&Wanted::read(&words)?))
}

/// What is to be played, and where.
struct Wanted {
    seeds: std::ops::Range<u64>,
    databases: Vec<Database>,
}

impl Wanted {
    fn read(words: &[String]) -> Outcome<Self> {
        let (mut from, mut many) = (1, 500);
        let mut databases = vec![Database::Sqlite, Database::Postgres];
        for pair in words.chunks(2) {
            let [name, value] = pair else {
                return Err(unknown(pair));
            };
            let number = || value.parse::<u64>().map_err(|_| unknown(pair));
            match (name.as_str(), value.as_str()) {
                ("--scripts", _) => many = number()?,
                ("--from", _) => from = number()?,
                ("--seed", _) => (from, many) = (number()?, 1),
                ("--database", "sqlite") => databases = vec![Database::Sqlite],
                ("--database", "postgres") => databases = vec![Database::Postgres],
                _ => return Err(unknown(pair)),
            }
        }
        Ok(Self {
            seeds: from..from.saturating_add(many),
            databases,
        })
    }

    /// The scripts for one kind of collection: every other seed.
    fn scripts(&self, stamps: Stamps) -> impl Iterator<Item = Script> + use<> {
        self.seeds
            .clone()
            .filter(move |seed| kind_of(*seed) == stamps)
            .map(move |seed| script::write(seed, stamps))
    }
}

const fn kind_of(seed: u64) -> Stamps {
    if seed.is_multiple_of(2) {
        Stamps::Server
    } else {
        Stamps::Sender
    }
}

fn unknown(words: &[String]) -> Problem {
    Problem::new(format!("\"{}\" is not understood.", words.join(" ")))
}

/// Where a PostgreSQL has its folder: for its own user, so in no other's.
fn cluster(stamps: Stamps) -> PathBuf {
    let (program, process) = (xtask::name::program(), std::process::id());
    std::env::temp_dir().join(format!("{program}-model-{process}.{stamps:?}"))
}

/// What came out on one server.
#[derive(Debug, Default)]
struct Counted {
    scripts: usize,
    steps: usize,
    refusals: usize,
    events: usize,
    differing: usize,
}

fn run(wanted: &Wanted) -> Outcome {
    // Somebody installed one before: that one serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    services::stop_clusters_on_signals([Stamps::Sender, Stamps::Server].map(cluster).into());
    let started = Instant::now();
    let mut sum = Counted::default();
    let told = AtomicUsize::new(0);
    let results: Vec<(Database, Outcome<Counted>)> = std::thread::scope(|scope| {
        let mut running = Vec::new();
        for database in &wanted.databases {
            for stamps in [Stamps::Sender, Stamps::Server] {
                if wanted.scripts(stamps).next().is_some() {
                    let told = &told;
                    let play = move || on_one_server(wanted, *database, stamps, told);
                    running.push((*database, scope.spawn(play)));
                }
            }
        }
        running
            .into_iter()
            .map(|(database, thread)| {
                let counted = thread.join();
                let broke = |_| Err(Problem::new("A server's scripts broke off."));
                (database, counted.unwrap_or_else(broke))
            })
            .collect()
    });
    for (database, counted) in results {
        let counted = counted?;
        sum.differing += counted.differing;
        // The others play the same scripts.
        if wanted.databases.first() == Some(&database) {
            sum.scripts += counted.scripts;
            sum.steps += counted.steps;
            sum.refusals += counted.refusals;
            sum.events += counted.events;
        }
    }
    let Counted {
        scripts,
        steps,
        refusals,
        events,
        differing,
    } = sum;
    println!(
        "model: scripts={scripts} steps={steps} refusals={refusals} events={events} differing={differing} ({:.1} min)",
        started.elapsed().as_secs_f64() / 60.0
    );
    if differing > 0 {
        return Err(Problem::new(
            "The model differs from the server; the stories above have the seeds to replay.",
        ));
    }
    Ok(())
}

fn on_one_server(
    wanted: &Wanted,
    database: Database,
    stamps: Stamps,
    told: &AtomicUsize,
) -> Outcome<Counted> {
    // Neither zone has a summer time, and one is half an hour beside the others.
    let (kind, zone, zone_name) = match stamps {
        Stamps::Sender => (Kind::Tutorial, -5 * 3_600_000, "America/Bogota"),
        Stamps::Server => (Kind::Stamped, 19_800_000, "Asia/Kolkata"),
    };
    let mut options = Options::default()
        .time_zone(zone_name)
        .access_token_ttl("6h")
        .session_ttl("1s")
        .set("QUERY_LIMIT_MAX", LIMIT_MAX.to_string())
        .set("MAX_PAYLOAD_SIZE", PAYLOAD_MAX.to_string());
    // Before the fixture: it is stopped last.
    let mut held = None;
    let fixture = match database {
        Database::Sqlite => ServerFixture::start(kind, options),
        Database::Postgres => {
            let postgres = Postgres::start(&cluster(stamps))?;
            for (name, value) in postgres.settings() {
                options = options.set(name, value);
            }
            held = Some(postgres);
            ServerFixture::start_on(kind, options)?
        }
    };
    let place = place(&fixture)?;
    let likeness = Likeness {
        database,
        zone,
        limit_max: LIMIT_MAX,
        payload_max: PAYLOAD_MAX,
        people: everybody(&fixture),
    };
    let mut real = Real::open(place)?;
    let mut counted = Counted::default();
    for script in wanted.scripts(stamps) {
        let (server, model) = both(&script, &likeness, &mut real)?;
        counted.scripts += 1;
        let (steps, events) = model.counts();
        counted.steps += steps;
        counted.events += events;
        counted.refusals += model.refusals();
        let Some(difference) = differ(&script, &server, &model) else {
            continue;
        };
        counted.differing += 1;
        let (shortest, difference) = if told.fetch_add(1, Ordering::SeqCst) < TOLD {
            story::shrink(&script, difference, |script| {
                let (server, model) = both(script, &likeness, &mut real)?;
                Ok(differ(script, &server, &model))
            })?
        } else {
            (script.clone(), difference)
        };
        println!(
            "script --seed {} on {database:?}, {kind:?}:\n{}",
            script.seed,
            story::tell(&shortest, &difference)
        );
    }
    drop(real);
    drop(fixture);
    drop(held);
    Ok(counted)
}

fn both(
    script: &Script,
    likeness: &Likeness,
    real: &mut Real,
) -> Outcome<(Transcript, Transcript)> {
    let (model, foretold) = model::play(script, likeness);
    let server = real.play(script, &foretold)?;
    Ok((server, model))
}

fn differ(script: &Script, server: &Transcript, model: &Transcript) -> Option<Difference> {
    let text = format!("{script:?}");
    transcript::compare(server, model, &|id| text.contains(id))
}

/// Makes the people of the scripts, and signs them in.
fn place(fixture: &ServerFixture) -> Outcome<Place> {
    let people = real::people(&fixture.admin(), &fixture.alice().id);
    let mut tokens = Vec::new();
    let mut expired = String::new();
    for (who, email, password) in people {
        let person = Person {
            email,
            password,
            ..fixture.alice().clone()
        };
        tokens.push((who, fixture.token_of(&person)));
        if who == script::Who::Alice {
            expired = real::ended_session(&fixture.url(), &person.email, &person.password)?;
        }
    }
    Ok(Place {
        url: fixture.url(),
        tokens,
        expired,
        administrator: fixture.token_of(fixture.administrator()),
    })
}

/// Everybody who has an account, as the model keeps them.
fn everybody(fixture: &ServerFixture) -> Vec<(whinchat_core::model::PersonId, Account)> {
    let path = "/users?limit=-1&fields=id,first_name,last_name,role.name";
    let people = fixture.admin().call("GET", path, None);
    let account = |one: &Value| {
        let text = |name: &str| one.pointer(name).and_then(Value::as_str);
        let account = Account {
            first: text("/first_name")?.to_owned(),
            last: text("/last_name")?.to_owned(),
            admin: text("/role/name") == Some("Administrator")
                || text("/id") == Some(&cast::id_of(script::Who::Root).to_string()),
            active: true,
            listed: text("/role/name") == Some("Chat"),
            blocks_all: false,
        };
        Some((text("/id")?.parse().ok()?, account))
    };
    people
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(account)
        .collect()
}
