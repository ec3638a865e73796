//! The demonstration as it is started: the program itself, with real windows on a real
//! Directus, on a display and in folders of its own.
//!
//! Needs what `cargo xtask test` installs; compiles the app where it is not compiled.
#![cfg(target_os = "linux")]

use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use xtask::http::{Request, encode};
use xtask::process::{self, Running};
use xtask::{desktop, name, paths, random};

/// From nothing compiled, on a busy machine.
const BOUND: Duration = Duration::from_secs(1800);
const SOON: Duration = Duration::from_secs(60);

/// Folders of a test's own. While it has them, no other test here runs.
struct Place {
    folder: PathBuf,
    _alone: MutexGuard<'static, ()>,
}

impl Place {
    fn new() -> Self {
        static ALONE: Mutex<()> = Mutex::new(());
        let alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = std::env::temp_dir().join(format!("xtask-demo-{}", random::word(8)));
        fs::create_dir_all(folder.join("home")).unwrap();
        Self {
            folder,
            _alone: alone,
        }
    }

    fn demo(&self) -> PathBuf {
        self.folder.join("demo")
    }

    /// Starts a chore whose demonstration is in this place.
    fn start(&self, chore: &[&str], variables: &[(&str, &str)]) -> Chore {
        let mut command = process::bound_command(env!("CARGO_BIN_EXE_xtask"));
        command
            .args(chore)
            .env(name::variable("DEMO"), self.demo())
            .env(name::variable("CACHE"), paths::cache().unwrap())
            .env("WEBKIT_DISABLE_DMABUF_RENDERER", "1")
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut running = process::start("a chore", command).unwrap();
        let (send, lines) = channel();
        let output = BufReader::new(running.child().stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                println!("    {line}");
                // Somebody who has heard enough still lets it speak.
                let _ = send.send(line);
            }
        });
        Chore {
            running,
            lines,
            said: Vec::new(),
        }
    }

    /// Processes that know this place: children inherit its name in a variable, or are
    /// given a folder in it.
    fn processes(&self) -> Vec<(u32, String)> {
        let mark = self.folder.to_str().unwrap();
        let read = |path: PathBuf| {
            let bytes = fs::read(path).unwrap_or_default();
            String::from_utf8_lossy(&bytes).replace('\0', " ")
        };
        fs::read_dir("/proc")
            .unwrap()
            .flatten()
            .filter_map(|entry| {
                let id = entry.file_name().to_str()?.parse().ok()?;
                let line = read(entry.path().join("cmdline"));
                let all = format!("{line} {}", read(entry.path().join("environ")));
                all.contains(mark).then_some((id, line))
            })
            .collect()
    }

    #[track_caller]
    fn no_process_is_left(&self) {
        process::poll(SOON, || self.processes().is_empty().then_some(()));
        assert_eq!(self.processes(), [], "these outlived the demonstration");
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

struct Chore {
    running: Running,
    lines: Receiver<String>,
    said: Vec<String>,
}

impl Chore {
    /// Waits for a line with these words.
    #[track_caller]
    fn says(&mut self, words: &str) -> String {
        loop {
            match self.lines.recv_timeout(BOUND) {
                Ok(line) => {
                    self.said.push(line.clone());
                    if line.contains(words) {
                        return line;
                    }
                }
                Err(_) => {
                    let (_, errors) = self.ends();
                    panic!(
                        "it never said \"{words}\", but:\n{:#?}\n{errors}",
                        self.said
                    );
                }
            }
        }
    }

    /// Waits for its end, and gives its status and what it said of errors.
    #[track_caller]
    fn ends(&mut self) -> (ExitStatus, String) {
        let mut errors = String::new();
        if let Some(mut stderr) = self.running.child().stderr.take() {
            stderr.read_to_string(&mut errors).unwrap();
        }
        let status = self.running.wait(BOUND).expect("it ends");
        self.said.extend(self.lines.iter());
        (status, errors)
    }

    fn signal(&self, signal: &str) {
        kill(signal, self.running.id());
    }
}

fn kill(signal: &str, id: u32) {
    let mut command = Command::new("sh");
    command.args(["-c", "kill -s \"$0\" \"$1\"", signal, &id.to_string()]);
    process::output("kill", command).unwrap();
}

/// What the administrator of the demonstration in this folder is answered.
#[track_caller]
fn ask(folder: &Path, method: &str, path: &str, body: Option<&Value>) -> Value {
    let read = |file: &str| -> Value {
        serde_json::from_str(&fs::read_to_string(folder.join(file)).unwrap()).unwrap()
    };
    let port = u16::try_from(read("state.json")["port"].as_u64().unwrap()).unwrap();
    let administrator = read("server/administrator.json");
    let who = json!({"email": administrator["email"], "password": administrator["password"]});
    let signed_in = Request::with_body("POST", "/auth/login", &who).send(port);
    let signed_in = signed_in.unwrap().json();
    let token = signed_in["data"]["access_token"].as_str().unwrap();
    let mut request = Request::get(path).token(token);
    request.method = method;
    request.body = body;
    let answer = request.send(port).unwrap();
    assert!(answer.ok(), "{method} {path}: {}", answer.text);
    answer.json()["data"].take()
}

fn texts(folder: &Path) -> Vec<String> {
    let rows = ask(folder, "GET", "/items/chat_messages?limit=-1", None);
    let rows = rows.as_array().unwrap();
    rows.iter()
        .map(|row| row["content"].as_str().unwrap().to_owned())
        .collect()
}

/// Alice writes to Bob from somewhere else.
fn write_from_elsewhere(folder: &Path, text: &str) {
    let id = |email: &str| {
        let path = format!("/users?filter[email][_eq]={}", encode(email));
        ask(folder, "GET", &path, None)[0]["id"].clone()
    };
    let row = json!({
        "id": "01936000-0000-7000-8000-ffffffffffff", "content": text,
        "sender_id": id("alice@example.com"), "receiver_id": id("bob@example.com"),
        "timestamp": "2026-11-23T10:00:00Z",
    });
    ask(folder, "POST", "/items/chat_messages", Some(&row));
}

#[test]
fn hostile_variables_and_settings_do_no_harm() {
    let place = Place::new();
    let real = std::env::home_dir().unwrap();
    let of_rust = |name: &str, usual: &str| {
        let set = std::env::var(name).ok();
        set.unwrap_or_else(|| real.join(usual).to_str().unwrap().to_owned())
    };
    let (cargo, rustup) = (
        of_rust("CARGO_HOME", ".cargo"),
        of_rust("RUSTUP_HOME", ".rustup"),
    );
    let home = place.folder.join("home");
    fs::write(
        home.join(".npmrc"),
        "omit=dev\noffline=true\nignore-scripts=true\nproxy=http://127.0.0.1:9\n",
    )
    .unwrap();
    let gone = "http://127.0.0.1:9";
    let mut chore = place.start(
        &["demo", "--check"],
        &[
            ("HOME", home.to_str().unwrap()),
            ("CARGO_HOME", &cargo),
            ("RUSTUP_HOME", &rustup),
            ("NODE_OPTIONS", "--require=/nonexistent"),
            ("NODE_ENV", "production"),
            ("npm_config_offline", "true"),
            ("npm_config_omit", "dev"),
            ("DB_CLIENT", "oracledb"),
            ("PUBLIC_URL", "https://example.invalid"),
            ("HTTP_PROXY", gone),
            ("http_proxy", gone),
            ("HTTPS_PROXY", gone),
            ("https_proxy", gone),
            ("ALL_PROXY", gone),
            ("DISPLAY", ":4711"),
            ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent"),
        ],
    );
    let (status, errors) = chore.ends();
    let last = chore.said.last().cloned().unwrap_or_default();
    assert!(status.success(), "{status}: {errors}");
    assert!(last.starts_with("demo: ok sent=6 received=6 in "), "{last}");
    place.no_process_is_left();
}

#[test]
fn a_demonstration_keeps_its_messages_has_its_place_alone_and_leaves_no_process_behind() {
    let place = Place::new();
    let folder = place.demo();
    let display = desktop::Display::start().unwrap();
    let shown = [("DISPLAY", display.name())];

    let mut first = place.start(&["demo"], &shown);
    first.says("Both windows are open.");
    let history = texts(&folder).len();
    write_from_elsewhere(&folder, "Kept until the next time.");

    let (status, errors) = place.start(&["demo"], &shown).ends();
    assert!(!status.success());
    let owner = first.running.id();
    assert!(
        errors.contains(&format!(
            "A demonstration is running already, as process {owner}: close its windows, or end it by\n\n    kill {owner}\n"
        )),
        "{errors}"
    );
    let (status, errors) = place.start(&["clean"], &[]).ends();
    assert!(
        !status.success() && errors.contains("is running already"),
        "{errors}"
    );

    first.signal("TERM");
    let (status, errors) = first.ends();
    assert!(status.success(), "{status}: {errors}");
    place.no_process_is_left();

    // Somebody else has taken its port; a closed terminal ends it.
    let state: Value =
        serde_json::from_str(&fs::read_to_string(folder.join("state.json")).unwrap()).unwrap();
    let port = u16::try_from(state["port"].as_u64().unwrap()).unwrap();
    let other = TcpListener::bind(("127.0.0.1", port)).unwrap();
    let mut second = place.start(&["demo"], &shown);
    second.says(&format!(
        "Port {port}, which the demonstration had, is taken"
    ));
    second.says("Both windows are open.");
    let kept = texts(&folder);
    assert_eq!(kept.len(), history + 1);
    assert!(kept.iter().any(|text| text == "Kept until the next time."));
    second.signal("HUP");
    assert!(second.ends().0.success());
    place.no_process_is_left();
    drop(other);

    // From nothing; a window that is killed is a failure.
    let mut third = place.start(&["demo", "--fresh"], &shown);
    third.says("Steps:");
    let erased = third.says("Erased the demonstration in");
    assert!(erased.ends_with("are free."), "{erased}");
    third.says("Both windows are open.");
    assert_eq!(texts(&folder).len(), history);
    let data = folder.join("bob");
    let app = paths::built(name::program());
    let window = format!("{} --data {}", app.display(), data.display());
    let processes = place.processes();
    let found = processes.iter().find(|(_, line)| line.trim() == window);
    let (window, _) = found.unwrap_or_else(|| panic!("no {window} in {processes:#?}"));
    kill("KILL", *window);
    let (status, errors) = third.ends();
    assert_eq!(status.code(), Some(1));
    assert!(
        errors.starts_with("Bob's window ended by itself (signal: 9"),
        "{errors}"
    );
    place.no_process_is_left();
}
