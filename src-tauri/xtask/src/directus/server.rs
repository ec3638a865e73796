//! One running Directus on SQLite, in a folder of its own, on 127.0.0.1.
//!
//! ```text
//! folder -> (template copied | bootstrapped) -> running <-> stopped or killed
//! ```
//! The administrator's password and the server's secret are random for each
//! folder and stand in `administrator.json` (0600) there. The server inherits
//! nothing of the person's environment. Dropped, the server is killed.

use super::{Installation, VERSION};
use crate::cache;
use crate::http::{self, Request};
use crate::paths;
use crate::problem::{Doing, Outcome, Problem};
use crate::process::{self, Running};
use crate::progress::Step;
use crate::random;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Longer than any start seen, also on a busy machine.
const START_BOUND: Duration = Duration::from_secs(120);
/// The program's first lines of output end here; a port taken is told within it.
const PORTS_TRIED: usize = 5;

/// What differs between servers. Durations are written as Directus takes them: `6s`, `15m`, `7d`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settings {
    port: Option<u16>,
    environment: BTreeMap<String, String>,
}

impl Settings {
    /// Listen on this port, or fail. Without it a free one is taken.
    pub fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// Any setting of Directus by its own name.
    pub fn set(mut self, name: &str, value: impl Into<String>) -> Self {
        self.environment.insert(name.to_owned(), value.into());
        self
    }

    /// The server's time zone, e.g. `America/New_York`; UTC without it.
    pub fn time_zone(self, name: &str) -> Self {
        self.set("TZ", name)
    }

    /// How long an access token lives.
    pub fn access_token_ttl(self, span: &str) -> Self {
        self.set("ACCESS_TOKEN_TTL", span)
    }

    /// How long a session lives.
    pub fn session_ttl(self, span: &str) -> Self {
        self.set("SESSION_COOKIE_TTL", span)
    }

    /// How long a refresh token lives.
    pub fn refresh_token_ttl(self, span: &str) -> Self {
        self.set("REFRESH_TOKEN_TTL", span)
    }

    /// How often the socket is pinged, in seconds.
    pub fn heartbeat(self, seconds: u32) -> Self {
        self.set("WEBSOCKETS_HEARTBEAT_PERIOD", seconds.to_string())
    }

    /// Whether there are WebSockets at all; on without it.
    pub fn websockets(self, on: bool) -> Self {
        self.set("WEBSOCKETS_ENABLED", on.to_string())
    }

    /// At most this many requests in so many seconds; unlimited without it.
    pub fn rate_limit(self, points: u32, seconds: u32) -> Self {
        self.set("RATE_LIMITER_ENABLED", "true")
            .set("RATE_LIMITER_POINTS", points.to_string())
            .set("RATE_LIMITER_DURATION", seconds.to_string())
    }
}

/// Who may do everything on a server.
#[derive(Clone, PartialEq, Eq)]
pub struct Administrator {
    /// The e-mail to sign in with.
    pub email: String,
    /// The password to sign in with.
    pub password: String,
}

impl std::fmt::Debug for Administrator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Administrator")
            .field("email", &self.email)
            .finish_non_exhaustive()
    }
}

/// A Directus in a folder, running or not.
#[derive(Debug)]
pub struct Server {
    installation: Installation,
    folder: PathBuf,
    settings: Settings,
    secret: String,
    administrator: Administrator,
    port: u16,
    running: Option<Running>,
}

impl Server {
    /// Starts the Directus in `folder`, made there first if the folder has none,
    /// and waits until it answers.
    pub fn start(installation: &Installation, folder: &Path, settings: Settings) -> Outcome<Self> {
        paths::make_private(folder)?;
        if !folder.join("data.db").is_file() {
            let template = blank_template(installation)?;
            copy_database(&template, folder)?;
        }
        let mut server = Self::in_folder(installation, folder, settings)?;
        server.run()?;
        server.own_password()?;
        Ok(server)
    }

    /// Like [`Self::start`], beginning with the stopped server that `template` holds.
    /// Its people keep their ids and passwords.
    pub fn start_from(
        installation: &Installation,
        template: &Path,
        folder: &Path,
        settings: Settings,
    ) -> Outcome<Self> {
        paths::make_private(folder)?;
        copy_database(template, folder)?;
        Self::start(installation, folder, settings)
    }

    /// Makes the Directus of a fresh folder on the database that the settings
    /// name (`DB_CLIENT` and its like), which is empty, and starts it.
    pub fn start_on(
        installation: &Installation,
        folder: &Path,
        settings: Settings,
    ) -> Outcome<Self> {
        paths::make_private(folder)?;
        let administrator = Administrator {
            email: "admin@example.com".to_owned(),
            password: random::word(24),
        };
        write_administrator(folder, &administrator, &random::word(32), None)?;
        let mut server = Self::in_folder(installation, folder, settings)?;
        let mut bootstrap = server.command("bootstrap");
        bootstrap
            .env("ADMIN_EMAIL", &administrator.email)
            .env("ADMIN_PASSWORD", &administrator.password)
            .env("PORT", "1");
        process::output("directus bootstrap", bootstrap)?;
        server.run()?;
        Ok(server)
    }

    /// Starts one more on the same database, with the same secret, in a folder of its own.
    pub fn start_beside(&self, folder: &Path, settings: Settings) -> Outcome<Self> {
        paths::make_private(folder)?;
        write_administrator(folder, &self.administrator, &self.secret, None)?;
        let mut server = Self::in_folder(&self.installation, folder, settings)?;
        server.run()?;
        Ok(server)
    }

    fn in_folder(installation: &Installation, folder: &Path, settings: Settings) -> Outcome<Self> {
        let (administrator, secret) = read_administrator(folder)?;
        Ok(Self {
            installation: installation.clone(),
            folder: folder.to_path_buf(),
            port: settings.port.unwrap_or_default(),
            settings,
            secret,
            administrator,
            running: None,
        })
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The port of 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Who may do everything here.
    pub fn administrator(&self) -> &Administrator {
        &self.administrator
    }

    /// Where its data and its log are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What it wrote, all starts together.
    pub fn log(&self) -> PathBuf {
        self.folder.join("directus.log")
    }

    /// Whether the process is there.
    pub fn is_running(&mut self) -> bool {
        self.running
            .as_mut()
            .is_some_and(|running| running.ended().is_none())
    }

    /// The process id, while it runs.
    pub fn process_id(&self) -> Option<u32> {
        self.running.as_ref().map(Running::id)
    }

    /// Ends it as a power cut would.
    pub fn kill(&mut self) {
        if let Some(mut running) = self.running.take() {
            running.kill();
        }
    }

    /// Asks it to end, and waits until it has.
    pub fn stop(&mut self) {
        if let Some(mut running) = self.running.take() {
            running.stop(Duration::from_secs(20));
        }
    }

    /// Starts it again with the same data on the same port.
    pub fn restart(&mut self) -> Outcome {
        self.kill();
        self.settings.port = Some(self.port);
        self.run()
    }

    /// Starts it again with other settings, with the same data on the same port.
    pub fn restart_with(&mut self, settings: Settings) -> Outcome {
        self.kill();
        self.settings = settings.port(self.port);
        self.run()
    }

    fn run(&mut self) -> Outcome {
        if let Some(port) = self.settings.port {
            self.port = port;
            return if http::is_free(port) {
                self.run_here()
            } else {
                Err(taken(port))
            };
        }
        let mut last = Problem::new("No port of 127.0.0.1 is free.");
        for _ in 0..PORTS_TRIED {
            self.port = http::free_port().doing(|| "find a free port".to_owned())?;
            match self.run_here() {
                Ok(()) => return Ok(()),
                // Somebody else took the port in between: the next one.
                Err(problem) if !http::is_free(self.port) => last = problem,
                Err(problem) => return Err(problem),
            }
        }
        Err(last)
    }

    fn run_here(&mut self) -> Outcome {
        let log = self.log();
        let mut command = self.command("start");
        let output = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&log)
            .doing(|| format!("write {}", log.display()))?;
        let errors = output
            .try_clone()
            .doing(|| format!("write {}", log.display()))?;
        command.stdin(Stdio::null()).stdout(output).stderr(errors);
        let mut running = process::start("Directus", command)?;
        let end = Instant::now() + START_BOUND;
        loop {
            if let Some(status) = running.wait(Duration::from_millis(100)) {
                let tail = process::tail(&log, 8);
                return Err(Problem::new(format!(
                    "Directus ended while starting ({status}). Its log says:\n{tail}"
                )));
            }
            if self.answers() {
                self.running = Some(running);
                return Ok(());
            }
            if Instant::now() > end {
                return Err(Problem::new(format!(
                    "Directus did not answer within {} s. Its log says:\n{}",
                    START_BOUND.as_secs(),
                    process::tail(&log, 8)
                )));
            }
        }
    }

    fn answers(&self) -> bool {
        Request::get("/server/ping")
            .patience(Duration::from_secs(5))
            .send(self.port)
            .is_ok_and(|answer| answer.ok() && answer.text == "pong")
    }

    /// A command of Directus' own with this server's settings and nothing else.
    fn command(&self, verb: &str) -> Command {
        let mut command = base_command(&self.installation, &self.folder, &self.secret, verb);
        command
            .env("PORT", self.port.to_string())
            .env("PUBLIC_URL", self.url());
        command.envs(&self.settings.environment);
        command
    }

    /// Gives the administrator of a copied template a password of this folder's own.
    fn own_password(&mut self) -> Outcome {
        if !self.folder.join("template").is_file() {
            return Ok(());
        }
        let token = self.administrator_token()?;
        let fresh = Administrator {
            password: random::word(24),
            ..self.administrator.clone()
        };
        let body = json!({ "password": fresh.password });
        // Written before it holds: what is on disk is tried first, then what it replaced.
        write_administrator(
            &self.folder,
            &fresh,
            &self.secret,
            Some(&self.administrator.password),
        )?;
        let answer = Request::with_body("PATCH", "/users/me", &body)
            .token(&token)
            .send(self.port);
        match answer {
            Ok(answer) if answer.ok() => {}
            Ok(answer) => {
                return Err(Problem::new(format!(
                    "Directus did not take a new password ({}).",
                    answer.status
                )));
            }
            Err(error) => {
                return Err(Problem::new(format!(
                    "Directus did not take a new password: {error}."
                )));
            }
        }
        write_administrator(&self.folder, &fresh, &self.secret, None)?;
        self.administrator = fresh;
        paths::remove_file(&self.folder.join("template"))
    }

    /// Signs the administrator in and gives an access token.
    pub fn administrator_token(&self) -> Outcome<String> {
        let before = read_previous_password(&self.folder);
        let mut refused = Value::Null;
        for password in [Some(self.administrator.password.clone()), before]
            .into_iter()
            .flatten()
        {
            let body =
                json!({ "email": self.administrator.email, "password": password, "mode": "json" });
            let answer = Request::with_body("POST", "/auth/login", &body)
                .send(self.port)
                .map_err(|error| {
                    Problem::new(format!("Directus did not answer the sign-in: {error}."))
                })?;
            let mut json = answer.json();
            if let Some(token) = json.pointer("/data/access_token").and_then(Value::as_str) {
                return Ok(token.to_owned());
            }
            refused = json
                .pointer_mut("/errors/0/extensions/code")
                .map(Value::take)
                .unwrap_or_default();
        }
        Err(Problem::new(format!(
            "Directus refused its administrator's password ({refused})."
        )))
    }

    /// What the administrator reads there: the rows of this path.
    ///
    /// # Errors
    /// The server refuses, or does not answer.
    pub fn rows(&self, path: &str) -> Outcome<Vec<Value>> {
        let token = self.administrator_token()?;
        let answer = Request::get(path).token(&token).send(self.port());
        let rows = answer.ok().and_then(|answer| {
            let json = answer.json();
            json.get("data").and_then(Value::as_array).cloned()
        });
        rows.ok_or_else(|| Problem::new("The server does not answer its administrator."))
    }
}

fn taken(port: u16) -> Problem {
    let line = if cfg!(target_os = "linux") {
        format!("ss -ltnp 'sport = :{port}'")
    } else {
        format!("lsof -i :{port}")
    };
    Problem::with_line(
        format!("Port {port} of 127.0.0.1 is taken by another program. This shows which:"),
        line,
    )
}

fn base_command(installation: &Installation, folder: &Path, secret: &str, verb: &str) -> Command {
    let mut command = process::clean_command(installation.node());
    command
        .arg(installation.cli())
        .arg(verb)
        .current_dir(folder);
    let fixed = [
        ("HOST", "127.0.0.1"),
        ("DB_CLIENT", "sqlite3"),
        ("DB_FILENAME", "./data.db"),
        ("STORAGE_LOCATIONS", "local"),
        ("STORAGE_LOCAL_ROOT", "./uploads"),
        ("EXTENSIONS_PATH", "./extensions"),
        ("CONFIG_PATH", "./no-such-file.env"),
        ("WEBSOCKETS_ENABLED", "true"),
        ("TELEMETRY", "false"),
        ("EMAIL_VERIFY_SETUP", "false"),
        ("LOGIN_STALL_TIME", "0"),
        ("PRESSURE_LIMITER_ENABLED", "false"),
        ("LOG_STYLE", "raw"),
        ("TZ", "UTC"),
        ("NO_COLOR", "1"),
    ];
    command
        .envs(fixed)
        .env("SECRET", secret)
        .env("NODE_COMPILE_CACHE", installation.compiled())
        .env("HOME", folder);
    command
}

/// The template that has nothing in it. Making it fills what Node keeps compiled, so an
/// install that is laid out anew needs another.
const BLANK: &str = "blank-2";

/// A stopped Directus, bootstrapped once for this version and kept in the cache.
fn blank_template(installation: &Installation) -> Outcome<PathBuf> {
    template_of(installation.version(), BLANK, |folder| {
        let administrator = Administrator {
            email: "admin@example.com".to_owned(),
            password: random::word(24),
        };
        let secret = random::word(32);
        write_administrator(folder, &administrator, &secret, None)?;
        let mut bootstrap = base_command(installation, folder, &secret, "bootstrap");
        bootstrap
            .env("ADMIN_EMAIL", &administrator.email)
            .env("ADMIN_PASSWORD", &administrator.password)
            .env("PORT", "1");
        run_bootstrap(installation, bootstrap, &folder.join("bootstrap.log"))
    })
}

/// Makes the tables, telling how many of the changes that Directus has made to them over
/// the years are done.
fn run_bootstrap(installation: &Installation, mut command: Command, log: &Path) -> Outcome {
    let output = fs::File::create(log).doing(|| format!("write {}", log.display()))?;
    let errors = output
        .try_clone()
        .doing(|| format!("write {}", log.display()))?;
    command.stdin(Stdio::null()).stdout(output).stderr(errors);
    let changes = installation.count_migrations();
    let mut step = Step::begin("an empty Directus, made once");
    let mut running = process::start("directus bootstrap", command)?;
    loop {
        match running.wait(Duration::from_millis(500)) {
            Some(status) if status.success() => {
                step.done();
                return Ok(());
            }
            Some(status) => {
                return Err(Problem::new(format!(
                    "Directus could not make its tables ({status}). Its log says:\n{}",
                    process::tail(log, 8)
                )));
            }
            None => {
                let said = fs::read_to_string(log).unwrap_or_default();
                let done = said.matches("\"Applying ").count();
                step.at(format!("{done}/{changes} steps"));
            }
        }
    }
}

/// The folder of a template in the cache, made by `make` the first time: in a
/// folder beside it, which gets its name only when it is whole.
pub fn template(name: &str, make: impl FnOnce(&Path) -> Outcome) -> Outcome<PathBuf> {
    template_of(VERSION, name, make)
}

fn template_of(version: &str, name: &str, make: impl FnOnce(&Path) -> Outcome) -> Outcome<PathBuf> {
    cache::share()?;
    let all = paths::cache()?.join("templates");
    paths::make_private(&all)?;
    let home = all.join(format!("{version}-{name}"));
    let lock_path = all.join(format!("{version}-{name}.lock"));
    let lock = fs::File::create(&lock_path).doing(|| format!("write {}", lock_path.display()))?;
    lock.lock()
        .doing(|| "wait for another server being made ready".to_owned())?;
    if !home.join("data.db").is_file() {
        let part = all.join(format!("{version}-{name}.part"));
        paths::remove(&part)?;
        paths::make_private(&part)?;
        make(&part)?;
        fs::rename(&part, &home).doing(|| format!("move {}", home.display()))?;
    }
    Ok(home)
}

/// Copies what makes a stopped server into a fresh folder; the database last, for it is what counts.
fn copy_database(template: &Path, folder: &Path) -> Outcome {
    let text = fs::read_to_string(template.join("administrator.json"))
        .doing(|| format!("read the template {}", template.display()))?;
    paths::write_private(&folder.join("administrator.json"), &text)?;
    let (administrator, _) = read_administrator(folder)?;
    write_administrator(folder, &administrator, &random::word(32), None)?;
    paths::write_private(
        &folder.join("template"),
        "the administrator's password is still the template's\n",
    )?;
    let part = folder.join("data.db.part");
    fs::copy(template.join("data.db"), &part).doing(|| format!("copy to {}", part.display()))?;
    fs::rename(&part, folder.join("data.db")).doing(|| "put the database in place".to_owned())
}

fn read_administrator(folder: &Path) -> Outcome<(Administrator, String)> {
    let path = folder.join("administrator.json");
    let text = fs::read_to_string(&path).doing(|| format!("read {}", path.display()))?;
    let json: Value = serde_json::from_str(&text).unwrap_or_default();
    let text = |key: &str| json.get(key).and_then(Value::as_str).map(str::to_owned);
    match (text("email"), text("password"), text("secret")) {
        (Some(email), Some(password), Some(secret)) => {
            Ok((Administrator { email, password }, secret))
        }
        _ => Err(Problem::new(format!(
            "{} is damaged: remove the server's folder.",
            path.display()
        ))),
    }
}

fn read_previous_password(folder: &Path) -> Option<String> {
    let text = fs::read_to_string(folder.join("administrator.json")).ok()?;
    let json: Value = serde_json::from_str(&text).ok()?;
    json.get("previous")
        .and_then(Value::as_str)
        .map(str::to_owned)
}

fn write_administrator(
    folder: &Path,
    administrator: &Administrator,
    secret: &str,
    previous: Option<&str>,
) -> Outcome {
    let json = json!({
        "email": administrator.email,
        "password": administrator.password,
        "secret": secret,
        "previous": previous,
    });
    paths::write_private(&folder.join("administrator.json"), &json.to_string())
}
