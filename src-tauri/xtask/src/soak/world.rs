//! Where a run takes place: one Directus on SQLite, or two on PostgreSQL and
//! Redis, made ready, with four people on it.

use super::device::Person;
use super::services::{Postgres, Redis};
use super::verdict::Row;
use crate::directus::{Installation, Server, Settings};
use crate::http::Request;
use crate::problem::{Doing, Outcome, Problem};
use crate::{name, paths, process, random};
use serde_json::{Value, json};
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

const NAMES: [(&str, &str); 4] = [
    ("Alice", "Archer"),
    ("Bob", "Baker"),
    ("Carol", "Cooper"),
    ("Dan", "Dyer"),
];

/// How long the server is asked before it counts as silent.
const BOUND: Duration = Duration::from_secs(120);

/// The servers, and what they stand on.
pub struct World {
    /// One or two, each with the same rows.
    pub servers: Vec<Server>,
    /// Where there are two.
    pub redis: Option<Redis>,
    /// Who has an account.
    pub people: Vec<Person>,
    settings: Settings,
    // After the servers, which must let go of it first.
    _postgres: Option<Postgres>,
}

impl World {
    /// Makes it ready and starts it as the run wants it.
    ///
    /// # Errors
    /// Something of it does not start.
    pub fn start(installation: &Installation, folder: &Path, two: bool) -> Outcome<Self> {
        let mut plain = Settings::default();
        let (mut postgres, mut redis) = (None, None);
        if two {
            // Beside the others: its owner must be able to reach it.
            let cluster = folder.with_extension("postgres");
            let database = Postgres::start(&cluster)?;
            for (name, value) in database.settings() {
                plain = plain.set(name, value);
            }
            postgres = Some(database);
            let bus = Redis::start(&folder.join("redis"))?;
            plain = plain.set("REDIS", bus.url());
            redis = Some(bus);
        }
        let home = folder.join("directus");
        let mut first = if two {
            Server::start_on(installation, &home, plain.clone())?
        } else {
            Server::start(installation, &home, plain.clone())?
        };
        let people = provision(&first)?;
        // Only now: making it ready takes longer than a token of the run lives.
        let harsh = plain
            .access_token_ttl("6s")
            .session_ttl("6s")
            .heartbeat(10)
            .rate_limit(25, 1);
        first.restart_with(harsh.clone())?;
        let mut servers = vec![first];
        if two && let Some(first) = servers.first() {
            let second = first.start_beside(&folder.join("directus-2"), harsh.clone())?;
            servers.push(second);
        }
        Ok(Self {
            servers,
            redis,
            people,
            settings: harsh,
            _postgres: postgres,
        })
    }

    /// Starts the servers again under another secret, which no session was
    /// signed with: only refresh tokens, which are rows, are still good.
    ///
    /// # Errors
    /// One does not start.
    pub fn end_sessions(&mut self) -> Outcome {
        let settings = self.settings.clone().set("SECRET", random::word(32));
        for server in &mut self.servers {
            server.restart_with(settings.clone())?;
        }
        Ok(())
    }
}

/// Every row of the chat, as an administrator reads it.
///
/// # Errors
/// The server does not answer in time.
pub fn rows(server: &Server) -> Outcome<Vec<Row>> {
    // "Too fast" is an answer as well: then again.
    let found = process::poll(BOUND, || {
        let token = server.administrator_token().ok()?;
        let path = "/items/chat_messages?limit=-1&fields=id,content,sender_id,receiver_id";
        let answer = Request::get(path).token(&token).send(server.port()).ok()?;
        if !answer.ok() {
            return None;
        }
        answer.json().get_mut("data").map(Value::take)
    });
    let data = found.ok_or_else(|| Problem::new("The server gives no rows."))?;
    let rows = data.as_array().map(Vec::as_slice).unwrap_or_default();
    let text = |row: &Value, field: &str| {
        let value = row.get(field).and_then(Value::as_str);
        value.unwrap_or_default().to_owned()
    };
    Ok(rows
        .iter()
        .map(|row| Row {
            id: text(row, "id"),
            text: text(row, "content"),
            sender: text(row, "sender_id"),
            receiver: text(row, "receiver_id"),
        })
        .collect())
}

/// Schema and people, by the provisioning program.
fn provision(server: &Server) -> Outcome<Vec<Person>> {
    let mut people: Vec<Person> = NAMES
        .iter()
        .map(|(first, _)| Person {
            id: String::new(),
            email: format!("{}@example.com", first.to_lowercase()),
            password: random::word(16),
        })
        .collect();
    let wanted: Vec<Value> = people
        .iter()
        .zip(NAMES)
        .map(|(person, (first, last))| {
            json!({
                "email": person.email, "password": person.password,
                "first_name": first, "last_name": last,
            })
        })
        .collect();
    let administrator = server.administrator();
    let order = json!({
        "server": server.url(), "kind": "full", "people": wanted,
        "email": administrator.email, "password": administrator.password,
    });
    let log = server.folder().join("provision.log");
    let errors = std::fs::File::create(&log).doing(|| format!("write {}", log.display()))?;
    let mut command = process::clean_command(paths::built(&name::provision()));
    command
        .arg("apply")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(errors);
    let mut running = process::start(&name::provision(), command)?;
    if let Some(mut input) = running.child().stdin.take() {
        // One that has ended already has said why.
        let _ = input.write_all(order.to_string().as_bytes());
    }
    let mut said = String::new();
    if let Some(mut output) = running.child().stdout.take() {
        use std::io::Read as _;
        output
            .read_to_string(&mut said)
            .doing(|| "hear how far the server is".to_owned())?;
    }
    let done = running.wait(BOUND).is_some_and(|status| status.success());
    let answer: Value =
        serde_json::from_str(said.lines().last().unwrap_or_default()).unwrap_or_default();
    let ids = answer.get("people").filter(|_| done).ok_or_else(|| {
        Problem::new(format!(
            "The server could not be made ready: {}",
            process::tail(&log, 4)
        ))
    })?;
    for person in &mut people {
        let id = ids.get(&person.email).and_then(Value::as_str);
        id.unwrap_or_default().clone_into(&mut person.id);
    }
    Ok(people)
}
