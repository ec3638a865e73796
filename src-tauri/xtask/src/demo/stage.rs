//! The demonstration made ready: the server with its people, the keychain, both
//! of them signed in.
//!
//! `state.json` (0600) remembers the port, the passwords, and who is signed in
//! at which address, so that a second start finds everything as it was.

use super::{entries, world};
use crate::desktop::Keychain;
use crate::directus::{Installation, Server, Settings};
use crate::http::{self, Request};
use crate::name;
use crate::paths;
use crate::problem::{Doing, Outcome, Problem};
use crate::process;
use crate::progress::{Step, say};
use crate::random;
use serde_json::{Map, Value, json};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, SystemTime};

/// Signing in, also on a busy machine.
const BOUND: Duration = Duration::from_secs(120);

/// Everything but the windows. Dropped, it ends.
pub struct Stage {
    // In the order in which they end.
    _keychain: Option<Keychain>,
    server: Server,
    folder: PathBuf,
    environment: Vec<(String, String)>,
    state: State,
}

/// Starts the server on the port of the last time, or on another where that is taken.
pub fn start_server(installation: &Installation, folder: &Path) -> Outcome<Server> {
    let mut state = State::read(folder)?;
    let settings = settings(&state);
    let step = Step::begin("Directus, started");
    let server = Server::start(installation, &folder.join("server"), settings)?;
    step.done();
    state.set("port", json!(server.port()))?;
    Ok(server)
}

/// A server with the same people and history, and no window: for a phone. With it
/// come the people's e-mails and passwords.
pub fn serve(installation: &Installation, folder: &Path) -> Outcome<(Server, Accounts)> {
    let server = start_server(installation, folder)?;
    let accounts = people(&server, folder)?;
    history(&server, folder)?;
    Ok((server, accounts))
}

/// The e-mails and passwords of Alice, Bob and Carol.
pub type Accounts = [(String, String); 3];

/// Puts the people on the server, where they are missing, who have said nothing yet.
pub fn people(server: &Server, folder: &Path) -> Outcome<Accounts> {
    let mut state = State::read(folder)?;
    provision(server, &mut state, Vec::new())?;
    let mut account = |person| {
        Ok((
            world::Person::email(person),
            state.secret(&password_key(person))?,
        ))
    };
    let [alice, bob, carol] = &world::PEOPLE;
    Ok([account(alice)?, account(bob)?, account(carol)?])
}

/// Puts on the server what they have said, the last of it just before now.
pub fn history(server: &Server, folder: &Path) -> Outcome {
    let mut state = State::read(folder)?;
    provision(server, &mut state, world::history(SystemTime::now()))
}

fn settings(state: &State) -> Settings {
    match state.port() {
        None => Settings::default(),
        Some(port) if http::is_free(port) => Settings::default().port(port),
        Some(port) => {
            say(format!(
                "Port {port}, which the demonstration had, is taken by another program: it moves to another, \
                 and Alice and Bob sign in anew. Their messages are on the server and stay."
            ));
            Settings::default()
        }
    }
}

impl Stage {
    /// Puts people and history on the server and signs Alice and Bob in.
    pub fn set(server: Server, folder: &Path, display: Option<&str>) -> Outcome<Self> {
        let mut state = State::read(folder)?;
        provision(&server, &mut state, world::history(SystemTime::now()))?;
        let mut environment = Vec::new();
        if let Some(display) = display {
            environment.push(("DISPLAY".to_owned(), display.to_owned()));
        }
        // Elsewhere the system's own keychain is always there.
        let keychain = if cfg!(target_os = "linux") {
            let password = state.secret("keychain")?;
            let keychain = Keychain::start(&folder.join("keychain"), &password, display)?;
            let address = keychain.address().to_owned();
            environment.push(("DBUS_SESSION_BUS_ADDRESS".to_owned(), address));
            Some(keychain)
        } else {
            None
        };
        let mut stage = Self {
            _keychain: keychain,
            server,
            folder: folder.to_path_buf(),
            environment,
            state,
        };
        for person in world::PEOPLE.iter().take(2) {
            stage.sign_in(person)?;
        }
        Ok(stage)
    }

    /// The data folder of a window.
    pub fn data(&self, who: &str) -> PathBuf {
        self.folder.join(who)
    }

    /// What the windows need to know of display and keychain.
    pub fn environment(&self) -> &[(String, String)] {
        &self.environment
    }

    /// A person's id on the server.
    pub fn id(&self, who: &str) -> Outcome<String> {
        let email = format!("{who}@example.com");
        let id = self.state.0.pointer(&format!("/people/{email}"));
        id.and_then(Value::as_str)
            .map(str::to_owned)
            .ok_or_else(|| Problem::new(format!("{email} is not on the server.")))
    }

    /// How many messages on the server begin so.
    pub fn count(&self, beginning: &str) -> Outcome<usize> {
        let filter = json!({ "content": { "_starts_with": beginning } }).to_string();
        let path = format!(
            "/items/chat_messages?limit=-1&fields=id&filter={}",
            http::encode(&filter)
        );
        let token = self.server.administrator_token()?;
        let answer = Request::get(&path).token(&token).send(self.server.port());
        let rows = answer.ok().and_then(|answer| {
            let json = answer.json();
            json.get("data").and_then(Value::as_array).map(Vec::len)
        });
        rows.ok_or_else(|| Problem::new("The server does not count its messages."))
    }

    /// Tells who is there, and how to look at the server.
    pub fn introduce(&self) {
        say("\nPeople of the demonstration (they exist on this machine only):");
        for person in &world::PEOPLE {
            say(format!(
                "  {:<6} {:<19} password {}",
                person.first,
                person.email(),
                self.state.text(&password_key(person)).unwrap_or_default()
            ));
        }
        let administrator = self.server.administrator();
        say(format!(
            "\nThe server, as its owner sees it:\n  {}/admin\n  {} password {}\n",
            self.server.url(),
            administrator.email,
            administrator.password
        ));
    }

    /// Signs a person in to their data folder, unless they are at this address.
    fn sign_in(&mut self, person: &world::Person) -> Outcome {
        let who = person.first.to_lowercase();
        let key = format!("signed_in_{who}");
        let data = self.data(&who);
        if data.is_dir() && self.state.text(&key) == Some(self.server.url()) {
            return Ok(());
        }
        let step = Step::begin(format!("{}, signed in", person.first));
        // A folder that was signed in at another address, or only half.
        entries::forget(&data, &person.email())?;
        paths::remove(&data)?;
        let password = self.state.secret(&password_key(person))?;
        let log = data.with_extension("sign-in.log");
        let output = fs::File::create(&log).doing(|| format!("write {}", log.display()))?;
        let errors = output
            .try_clone()
            .doing(|| format!("write {}", log.display()))?;
        let mut command = process::bound_command(paths::built(&name::rpc()));
        command
            .arg("sign-in")
            .arg("--data")
            .arg(&data)
            .args(["--server", &self.server.url()])
            .args(["--email", &person.email(), "--password-fd", "0"])
            .arg("--accept-terms")
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(output)
            .stderr(errors);
        let mut running = process::start(&name::rpc(), command)?;
        if let Some(mut input) = running.child().stdin.take() {
            // One that has ended already has said why.
            let _ = writeln!(input, "{password}");
        }
        match running.wait(BOUND) {
            Some(status) if status.success() => {}
            _ => {
                return Err(Problem::new(format!(
                    "{} could not be signed in: {}",
                    person.first,
                    process::tail(&log, 4)
                )));
            }
        }
        step.done();
        self.state.set(&key, json!(self.server.url()))
    }
}

/// Erases the demonstration in `folder`, with what its windows keep in a keychain of the
/// person's, and gives how many bytes that frees.
pub fn erase(folder: &Path) -> Outcome<u64> {
    for person in &world::PEOPLE {
        let data = folder.join(person.first.to_lowercase());
        entries::forget(&data, &person.email())?;
    }
    let size = paths::size(folder);
    paths::remove(folder)?;
    Ok(size)
}

fn password_key(person: &world::Person) -> String {
    format!("password_{}", person.first.to_lowercase())
}

/// Schema, people and messages, by the provisioning program. Only what is missing is made.
fn provision(server: &Server, state: &mut State, messages: Vec<Value>) -> Outcome {
    let mut people = Vec::new();
    for person in &world::PEOPLE {
        people.push(json!({
            "email": person.email(),
            "first_name": person.first,
            "last_name": person.last,
            "password": state.secret(&password_key(person))?,
        }));
    }
    let administrator = server.administrator();
    let order = json!({
        "server": server.url(),
        "email": administrator.email,
        "password": administrator.password,
        "kind": "full",
        "people": people,
        "messages": messages,
    });
    let mut step = Step::begin("schema, people and history");
    let log = server.folder().join("provision.log");
    let errors = fs::File::create(&log).doing(|| format!("write {}", log.display()))?;
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
    let mut last = String::new();
    if let Some(output) = running.child().stdout.take() {
        use std::io::BufRead;
        for line in std::io::BufReader::new(output).lines() {
            last = line.doing(|| "hear how far the server is".to_owned())?;
            if !last.starts_with('{') {
                step.at(last.clone());
            }
        }
    }
    let done = running.wait(BOUND).is_some_and(|status| status.success());
    let answer: Value = serde_json::from_str(&last).unwrap_or_default();
    match answer.get("people") {
        Some(people) if done => {
            state.set("people", people.clone())?;
            step.done();
            Ok(())
        }
        _ => Err(Problem::new(format!(
            "The server could not be made ready: {}",
            process::tail(&log, 4)
        ))),
    }
}

/// `state.json`.
struct State(Value, PathBuf);

impl State {
    fn read(folder: &Path) -> Outcome<Self> {
        let path = folder.join("state.json");
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => "{}".to_owned(),
            Err(error) => return Err(error).doing(|| format!("read {}", path.display())),
        };
        let damaged = || {
            Problem::with_line(
                format!("{} is damaged. To begin again:", path.display()),
                "cargo xtask demo --fresh",
            )
        };
        let value: Value = serde_json::from_str(&text).map_err(|_| damaged())?;
        if !value.is_object() {
            return Err(damaged());
        }
        Ok(Self(value, path))
    }

    fn text(&self, key: &str) -> Option<String> {
        self.0.get(key).and_then(Value::as_str).map(str::to_owned)
    }

    fn port(&self) -> Option<u16> {
        let port = self.0.get("port").and_then(Value::as_u64)?;
        u16::try_from(port).ok()
    }

    /// A password of this demonstration's own, made and kept the first time.
    fn secret(&mut self, key: &str) -> Outcome<String> {
        if let Some(secret) = self.text(key) {
            return Ok(secret);
        }
        let secret = random::word(12);
        self.set(key, json!(secret))?;
        Ok(secret)
    }

    fn set(&mut self, key: &str, value: Value) -> Outcome {
        if let Value::Object(map) = &mut self.0 {
            let map: &mut Map<String, Value> = map;
            map.insert(key.to_owned(), value);
        }
        paths::write_private(&self.1, &self.0.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> PathBuf {
        let folder = std::env::temp_dir().join(format!("xtask-stage-{}", random::word(8)));
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn a_port_that_is_taken_moves_and_one_that_is_free_is_kept() {
        let folder = folder();
        let mut state = State::read(&folder).unwrap();
        assert_eq!(settings(&state), Settings::default(), "the first time");
        let other = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = other.local_addr().unwrap().port();
        state.set("port", json!(port)).unwrap();
        let state = State::read(&folder).unwrap();
        assert_eq!(settings(&state), Settings::default(), "taken: any other");
        drop(other);
        let kept = Settings::default().port(port);
        let free = process::poll(Duration::from_secs(10), || {
            (settings(&state) == kept).then_some(())
        });
        assert!(free.is_some(), "free: the one it had");
        paths::remove(&folder).unwrap();
    }

    #[test]
    fn what_was_made_once_is_found_again_and_only_its_owner_reads_it() {
        let folder = folder();
        let secret = State::read(&folder).unwrap().secret("keychain").unwrap();
        let again = State::read(&folder).unwrap().secret("keychain").unwrap();
        assert_eq!(secret, again);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let path = folder.join("state.json");
            let mode = fs::metadata(path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        for damaged in ["{", "[]", ""] {
            fs::write(folder.join("state.json"), damaged).unwrap();
            let problem = State::read(&folder).map(|_| ()).unwrap_err();
            assert_eq!(problem.run.as_deref(), Some("cargo xtask demo --fresh"));
        }
        paths::remove(&folder).unwrap();
    }
}
