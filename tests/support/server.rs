//! A provisioned Directus of a test's own.
//!
//! The first fixture of a kind makes a template (bootstrap, schema, people)
//! that is kept in the cache under the schema's fingerprint; every later one
//! copies it and pays only for the start. Dropped, the server is killed and its
//! folder removed.

use crate::admin::Admin;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::OnceLock;
use tempfile::TempDir;
use whinchat_provision::{Client, Credentials, Kind, NewPerson, Schema, apply, ensure_person};
use xtask::directus::{self, Installation, Server};
use xtask::http::Request;
use xtask::{Outcome, Problem};

/// How this server differs from others: Directus' own settings.
pub type Options = directus::Settings;

/// Somebody with an account on the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The id, a lower-case uuid.
    pub id: String,
    /// The e-mail to sign in with.
    pub email: String,
    /// The password to sign in with.
    pub password: String,
    /// The first name, e.g. `Alice`.
    pub first_name: String,
    /// The last name.
    pub last_name: String,
}

/// A running server with Alice, Bob, Carol and an administrator.
#[derive(Debug)]
pub struct ServerFixture {
    // Before the folder: the server is killed first.
    server: Server,
    kind: Option<Kind>,
    people: [Person; 3],
    administrator: Person,
    token: String,
    _folder: TempDir,
}

const PEOPLE: [(&str, &str); 3] = [("Alice", "Archer"), ("Bob", "Baker"), ("Carol", "Cooper")];

impl ServerFixture {
    /// Starts one. Fails the test with the line to run where Directus is not installed.
    #[track_caller]
    pub fn start(kind: Kind, options: Options) -> Self {
        match Self::try_start(Some(kind), options) {
            Ok(fixture) => fixture,
            Err(problem) => panic!("{problem}"),
        }
    }

    /// Starts one on the empty database that the options name (`DB_CLIENT` and its
    /// like), e.g. a PostgreSQL. Takes longer: there is no template to copy.
    ///
    /// # Errors
    /// Directus does not start there, or cannot be made ready.
    pub fn start_on(kind: Kind, options: Options) -> Outcome<Self> {
        let installation = installation()?;
        let folder = temporary()?;
        let home = folder.path().join("directus");
        let server = Server::start_on(&installation, &home, options)?;
        provision(&server, &Schema::of(kind))?;
        Self::of(server, Some(kind), folder)
    }

    /// Like [`Self::start_bare`], on the empty database that the options name.
    ///
    /// # Errors
    /// Directus does not start there.
    pub fn start_bare_on(options: Options) -> Outcome<Self> {
        let installation = installation()?;
        let folder = temporary()?;
        let home = folder.path().join("directus");
        let server = Server::start_on(&installation, &home, options)?;
        make_people_without_role(&server)?;
        Self::of(server, None, folder)
    }

    /// One more server on the same database, in a folder that goes with it.
    ///
    /// # Errors
    /// It does not start.
    pub fn start_beside(&self, options: Options) -> Outcome<(Server, TempDir)> {
        let folder = temporary()?;
        let home = folder.path().join("directus");
        Ok((self.server.start_beside(&home, options)?, folder))
    }

    /// Starts one as an owner has it before: nothing of the chat, and Alice, Bob and Carol
    /// are people without a role.
    #[track_caller]
    pub fn start_bare(options: Options) -> Self {
        match Self::try_start(None, options) {
            Ok(fixture) => fixture,
            Err(problem) => panic!("{problem}"),
        }
    }

    fn try_start(kind: Option<Kind>, options: Options) -> Outcome<Self> {
        let installation = installation()?;
        let name = kind.map_or_else(|| "bare".to_owned(), template_name);
        let template = directus::template(&name, |folder| {
            let mut server = Server::start(&installation, folder, Options::default())?;
            match kind {
                Some(kind) => provision(&server, &Schema::of(kind))?,
                None => make_people_without_role(&server)?,
            }
            server.stop();
            Ok(())
        })?;
        let folder = temporary()?;
        let server = Server::start_from(
            &installation,
            &template,
            &folder.path().join("directus"),
            options,
        )?;
        Self::of(server, kind, folder)
    }

    fn of(server: Server, kind: Option<Kind>, folder: TempDir) -> Outcome<Self> {
        let token = server.administrator_token()?;
        let admin = Admin::new(server.port(), token.clone());
        let people = PEOPLE.map(|(first, last)| find_person(&admin, &new_person(first, last)));
        let me = admin.call("GET", "/users/me?fields=id,first_name,last_name", None);
        let text = |key: &str| {
            me.get(key)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let administrator = Person {
            id: text("id"),
            email: server.administrator().email.clone(),
            password: server.administrator().password.clone(),
            first_name: text("first_name"),
            last_name: text("last_name"),
        };
        Ok(Self {
            server,
            kind,
            people,
            administrator,
            token,
            _folder: folder,
        })
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// The port of 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// Which collection of messages it has. Fails the test on a bare server.
    #[track_caller]
    pub fn kind(&self) -> Kind {
        self.kind
            .expect("a bare server has no collection of messages")
    }

    /// Alice.
    pub fn alice(&self) -> &Person {
        let [alice, _, _] = &self.people;
        alice
    }

    /// Bob.
    pub fn bob(&self) -> &Person {
        let [_, bob, _] = &self.people;
        bob
    }

    /// Carol.
    pub fn carol(&self) -> &Person {
        let [_, _, carol] = &self.people;
        carol
    }

    /// The administrator, who reads everything and can chat as well.
    pub fn administrator(&self) -> &Person {
        &self.administrator
    }

    /// An administrator's calls, with a token taken at the start. Where access tokens
    /// live only seconds, ask for a fresh one by [`Self::fresh_admin`].
    pub fn admin(&self) -> Admin {
        Admin::new(self.port(), self.token.clone())
    }

    /// An administrator's calls, signed in just now.
    #[track_caller]
    pub fn fresh_admin(&self) -> Admin {
        match self.server.administrator_token() {
            Ok(token) => Admin::new(self.port(), token),
            Err(problem) => panic!("{problem}"),
        }
    }

    /// Makes one more person of the chat, e.g. for a test of wrong passwords.
    #[track_caller]
    pub fn add_person(&self, first_name: &str, last_name: &str) -> Person {
        let admin = self.fresh_admin();
        let new = new_person(first_name, last_name);
        let role = admin.call(
            "GET",
            &format!("/users/{}?fields=role", self.alice().id),
            None,
        );
        let body = json!({
            "email": new.email, "first_name": new.first_name, "last_name": new.last_name,
            "password": new.password, "role": role.get("role"), "status": "active",
        });
        admin.call("POST", "/users", Some(&body));
        find_person(&admin, &new)
    }

    /// Signs a person in by REST and gives an access token: for looking at the server with their eyes.
    #[track_caller]
    pub fn token_of(&self, person: &Person) -> String {
        let body = json!({ "email": person.email, "password": person.password, "mode": "json" });
        let answer = Request::with_body("POST", "/auth/login", &body).send(self.port());
        let json = answer.expect("the server answers a sign-in").json();
        match json.pointer("/data/access_token").and_then(Value::as_str) {
            Some(token) => token.to_owned(),
            None => panic!("{} was refused: {json}", person.email),
        }
    }

    /// A person's own calls by REST.
    #[track_caller]
    pub fn as_person(&self, person: &Person) -> Admin {
        Admin::new(self.port(), self.token_of(person))
    }

    /// The tokens of a person's sessions, from the server's own database: what
    /// it really thinks, and secrets that must lie nowhere else.
    #[track_caller]
    pub fn tokens_on_server(&self, person: &Person) -> Vec<String> {
        let database = self.database();
        let mut statement = database
            .prepare("SELECT token FROM directus_sessions WHERE user = ?")
            .expect("the server keeps sessions");
        let tokens = statement.query_map([&person.id], |row| row.get(0));
        tokens
            .and_then(Iterator::collect)
            .expect("sessions can be read")
    }

    /// The server's own database, beside the running server.
    #[track_caller]
    pub fn database(&self) -> rusqlite::Connection {
        let file = find_database(self.folder()).expect("the server has a database file");
        let database = rusqlite::Connection::open(file).expect("it can be opened");
        database
            .busy_timeout(std::time::Duration::from_secs(10))
            .expect("it can wait");
        database
    }

    /// Ends the server as a power cut would.
    pub fn kill9(&mut self) {
        self.server.kill();
    }

    /// Asks the server to end, as its owner would.
    pub fn stop(&mut self) {
        self.server.stop();
    }

    /// Starts it again, with the same data on the same port.
    #[track_caller]
    pub fn restart(&mut self) {
        if let Err(problem) = self.server.restart() {
            panic!("{problem}");
        }
    }

    /// Starts it again with other settings, with the same data on the same port.
    #[track_caller]
    pub fn restart_with(&mut self, options: Options) {
        if let Err(problem) = self.server.restart_with(options) {
            panic!("{problem}");
        }
    }

    /// The server's process, while it runs.
    pub fn process_id(&self) -> Option<u32> {
        self.server.process_id()
    }

    /// Where the server keeps its data and its log; gone with the fixture.
    pub fn folder(&self) -> &Path {
        self.server.folder()
    }
}

fn installation() -> Outcome<Installation> {
    directus::find().map_err(|_| {
        Problem::with_line(
            "Directus is not installed: run cargo xtask test.",
            "cargo xtask test",
        )
    })
}

fn temporary() -> Outcome<TempDir> {
    tempfile::tempdir().map_err(|error| Problem::new(format!("No temporary folder: {error}.")))
}

fn find_database(folder: &Path) -> Option<std::path::PathBuf> {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).ok()?.flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "db") {
                return Some(path);
            }
        }
    }
    None
}

fn new_person(first: &str, last: &str) -> NewPerson {
    let lower = first.to_lowercase();
    NewPerson {
        email: format!("{lower}@example.com"),
        first_name: first.to_owned(),
        last_name: last.to_owned(),
        password: format!("{lower}-on-a-server-for-tests"),
    }
}

fn find_person(admin: &Admin, new: &NewPerson) -> Person {
    let path = format!(
        "/users?fields=id&filter[email][_eq]={}",
        xtask::http::encode(&new.email)
    );
    let found = admin.call("GET", &path, None);
    let id = found.pointer("/0/id").and_then(Value::as_str);
    Person {
        id: id
            .unwrap_or_else(|| panic!("{} has an account", new.email))
            .to_owned(),
        email: new.email.clone(),
        password: new.password.clone(),
        first_name: new.first_name.clone(),
        last_name: new.last_name.clone(),
    }
}

/// Applies the schema and makes the people, on a thread with a runtime of its own, so
/// that an async test may call it.
fn provision(server: &Server, schema: &Schema) -> Outcome {
    static RUNTIME: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
    let administrator = server.administrator().clone();
    let url = server.url();
    let work = async move {
        let credentials = Credentials::Password {
            email: administrator.email,
            password: administrator.password,
        };
        let client = Client::sign_in(&url, credentials).await?;
        apply(&client, schema, |_, _, _| {}).await?;
        for (first, last) in PEOPLE {
            ensure_person(&client, schema, &new_person(first, last)).await?;
        }
        Ok::<(), whinchat_provision::Error>(())
    };
    let runtime = RUNTIME.get_or_init(|| {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime can be made")
    });
    std::thread::scope(|scope| scope.spawn(|| runtime.block_on(work)).join())
        .map_err(|_| Problem::new("Making the server ready broke off."))?
        .map_err(|error| Problem::new(format!("The server could not be made ready: {error}.")))
}

fn make_people_without_role(server: &Server) -> Outcome {
    let admin = Admin::new(server.port(), server.administrator_token()?);
    for (first, last) in PEOPLE {
        let new = new_person(first, last);
        let body = json!({
            "email": new.email, "first_name": new.first_name, "last_name": new.last_name,
            "password": new.password, "status": "active",
        });
        admin.call("POST", "/users", Some(&body));
    }
    Ok(())
}

/// The kind and a fingerprint of its schema: a changed schema gets a template of its own.
fn template_name(kind: Kind) -> String {
    let schema = Schema::of(kind);
    let text = serde_json::to_string(&(schema, PEOPLE)).unwrap_or_default();
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in text.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    let kind = match kind {
        Kind::Tutorial => "tutorial",
        Kind::Stamped => "stamped",
        Kind::Full => "full",
    };
    format!("{kind}-{hash:016x}")
}
