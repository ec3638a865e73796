//! whinchat-rpc as a program: what it prints, what it leaves, what it hides.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use serde_json::{Value, json};
use whinchat_core::diagnostics::Bundle;
use whinchat_sim::replay::replay;
use whinchat_tests::{Kind, Options, Person, ServerFixture, eventually};

use crate::client::{PASSPHRASE, PATIENCE, connections_to, sessions_on_server};

/// The program, built if need be.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let built = Command::new(cargo)
            .args(["build", "--quiet", "--package", "whinchat-rpc"])
            .current_dir(xtask::paths::repository())
            .status()
            .unwrap();
        assert!(built.success());
        xtask::paths::built("whinchat-rpc")
    })
}

/// Runs it through a shell that hands the secrets over as descriptors 3 and 4,
/// each from a file that only this test can read.
pub fn command(folder: &Path, secrets: &[&str], arguments: &[&str]) -> Command {
    let mut script = String::from("exec \"$@\"");
    for (n, secret) in secrets.iter().enumerate() {
        let file = folder.join(format!("secret-{n}"));
        std::fs::write(&file, format!("{secret}\n")).unwrap();
        let _ = write!(script, " {}<'{}'", n + 3, file.display());
    }
    let mut command = Command::new("sh");
    command
        .args(["-c", &script, "sh"])
        .arg(program())
        .args(arguments);
    command
}

fn run(mut command: Command) -> (Value, bool) {
    let output = command.stderr(Stdio::inherit()).output().unwrap();
    let line = String::from_utf8(output.stdout).unwrap();
    let answer = serde_json::from_str(&line).unwrap_or_else(|_| panic!("no JSON: {line}"));
    (answer, output.status.success())
}

/// A program that serves, and its lines.
pub struct Rpc {
    pub child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<Value>,
    account: String,
    n: u64,
}

impl Rpc {
    pub fn start(mut command: Command, account: &str, log: &Path) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(log).unwrap())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let value = serde_json::from_str(&line).unwrap_or(Value::Null);
                if sender.send(value).is_err() {
                    return;
                }
            }
        });
        Self {
            stdin: child.stdin.take(),
            child,
            lines,
            account: account.to_owned(),
            n: 0,
        }
    }

    pub fn until(&mut self, what: &str, mut is: impl FnMut(&Value) -> bool) -> Value {
        loop {
            match self.lines.recv_timeout(PATIENCE) {
                Ok(line) if is(&line) => return line,
                Ok(_) => {}
                Err(error) => panic!("{what}: {error}"),
            }
        }
    }

    fn call(&mut self, command: &str, mut arguments: Value) -> Value {
        arguments["account"] = json!(self.account);
        self.ask(&json!({"command": command, "args": arguments}))
    }

    /// Writes a command as it stands, and gives its answer.
    pub fn ask(&mut self, command: &Value) -> Value {
        self.n += 1;
        let mut line = command.clone();
        line["id"] = json!(self.n);
        writeln!(self.stdin.as_mut().unwrap(), "{line}").unwrap();
        let n = self.n;
        self.until(&command.to_string(), |line| line["id"] == json!(n))
    }

    fn live(&mut self) {
        self.until("live", |line| {
            line["event"] == "connection" && line["value"]["connection"]["state"] == "live"
        });
    }

    /// Ends stdin, and waits for the program to end by itself.
    pub fn end(mut self) {
        self.stdin = None;
        let mut ended = None;
        eventually("it ends with its input", PATIENCE, || {
            ended = self.child.try_wait().unwrap();
            ended.is_some()
        });
        assert!(ended.unwrap().success());
    }
}

impl Drop for Rpc {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn sign_in(
    server: &ServerFixture,
    person: &Person,
    folder: &Path,
    more: &[&str],
    secrets: &[&str],
) -> (Value, bool) {
    let data = folder.join("data");
    let url = server.url();
    let mut arguments = vec![
        "sign-in",
        "--data",
        data.to_str().unwrap(),
        "--server",
        &url,
    ];
    arguments.extend(["--email", &person.email, "--password-fd", "3"]);
    arguments.push("--accept-terms");
    arguments.extend(more);
    run(command(folder, secrets, &arguments))
}

#[test]
fn two_programs_talk_through_dead_proxies_and_nothing_secret_is_written_anywhere() {
    let server = ServerFixture::start(Kind::Stamped, Options::default());
    let (alice, bob) = (server.alice().clone(), server.bob().clone());
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let mut programs = Vec::new();
    for (person, folder) in [&alice, &bob].into_iter().zip(&folders) {
        let folder = folder.path();
        let passphrase = ["--vault", "passphrase", "--passphrase-fd", "4"];
        let (answer, fine) = sign_in(
            &server,
            person,
            folder,
            &passphrase,
            &[&person.password, PASSPHRASE],
        );
        assert!(fine, "{answer}");
        let account = answer["ok"]["id"].as_str().unwrap().to_owned();
        let data = folder.join("data");
        let arguments = [
            "serve",
            "--data",
            data.to_str().unwrap(),
            "--events",
            "--log",
            "debug",
            "--unlock",
            &account,
            "--passphrase-fd",
            "3",
        ];
        let mut serve = command(folder, &[PASSPHRASE], &arguments);
        // A port that nobody listens on: this machine is reached directly.
        for proxy in [
            "HTTP_PROXY",
            "http_proxy",
            "HTTPS_PROXY",
            "ALL_PROXY",
            "all_proxy",
        ] {
            serve.env(proxy, "http://127.0.0.1:9");
        }
        serve.env_remove("NO_PROXY").env_remove("no_proxy");
        let mut program = Rpc::start(serve, &account, &folder.join("log"));
        let opened = program.call("open", json!({}));
        assert_eq!(opened["ok"]["account"]["person"], json!(person.id));
        program.live();
        programs.push(program);
    }
    let [a, b] = programs.as_mut_slice() else {
        panic!("two programs");
    };
    let text = "A text that stands in no log";
    let to_bob = format!("dm:{}", bob.id);
    let sent = a.call("send", json!({"conversation": to_bob, "text": text}));
    let id = sent["ok"]["id"].clone();
    let arrived = b.until("a message", |line| line["event"] == "message");
    assert_eq!(arrived["value"]["message"]["id"], id);
    assert_eq!(arrived["value"]["message"]["text"], text);
    let page =
        json!({"conversation": format!("dm:{}", alice.id), "anchor": {"at": "newest"}, "limit": 5});
    let page = b.call("page", page);
    assert_eq!(page["ok"]["messages"][0]["id"], id);
    let bad = a.call("dance", json!({}));
    assert_eq!(bad["error"]["code"], "bad_command");

    // What they hand over is told again to the same end, and lies among the files
    // that are searched below.
    for (program, folder) in programs.iter_mut().zip(&folders) {
        let saved = program.call("save_diagnostics", json!({"folder": folder.path()}));
        let path = saved["ok"]["path"].as_str().unwrap();
        let bundle = Bundle::read(std::fs::read(path).unwrap().as_slice()).unwrap();
        let replayed = replay(&bundle).unwrap();
        assert!(replayed.from_the_beginning && replayed.inputs > 10);
        assert_eq!(replayed.same, replayed.inputs, "{:?}", replayed.differs);
        assert_eq!(replayed.findings, []);
        let told = std::fs::read_to_string(path).unwrap();
        for personal in [
            alice.email.as_str(),
            bob.email.as_str(),
            "127.0.0.1",
            "localhost",
            "Alice",
            "Bob",
        ] {
            assert!(!told.contains(personal), "{personal}");
        }
        let none = program.call(
            "save_diagnostics",
            json!({"folder": folder.path().join("none")}),
        );
        assert_eq!(none["error"]["code"], "file_not_saved");
    }

    // While they are signed in: files, logs, command lines and environments.
    let mut secrets = vec![
        alice.password.clone(),
        bob.password.clone(),
        PASSPHRASE.to_owned(),
    ];
    let tokens = [&alice, &bob].map(|person| server.tokens_on_server(person));
    assert_eq!(tokens.iter().flatten().count(), 6, "three sessions each");
    secrets.extend(tokens.into_iter().flatten());
    // How every token begins; less of it stands in an encrypted file by chance.
    secrets.push("eyJhbGci".to_owned());
    for (program, folder) in programs.iter().zip(&folders) {
        for n in 0..2 {
            let _ = std::fs::remove_file(folder.path().join(format!("secret-{n}")));
        }
        let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
        assert!(log.contains("opened"), "the log is written: {log}");
        for personal in [text, &alice.email, &bob.email] {
            assert!(!log.contains(personal));
        }
        let process = PathBuf::from(format!("/proc/{}", program.child.id()));
        let mut searched = files_below(folder.path());
        searched.extend([process.join("cmdline"), process.join("environ")]);
        assert!(searched.len() > 5);
        for file in searched {
            let bytes = std::fs::read(&file).unwrap();
            for secret in secrets.iter().chain([&text.to_owned()]) {
                let found = bytes
                    .windows(secret.len())
                    .any(|part| part == secret.as_bytes());
                assert!(!found, "a secret stands in {}", file.display());
            }
        }
    }
    for program in programs {
        program.end();
    }
    eventually("no connection", PATIENCE, || {
        connections_to(server.port()) == 0
    });
    assert_eq!(
        sessions_on_server(&server, &alice),
        3,
        "closed, not signed out"
    );
}

pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files
}

#[test]
fn the_keychain_keeps_an_account_over_a_restart_and_nothing_after_signing_out() {
    let service = format!("whinchat-tests-{}", std::process::id());
    let server = ServerFixture::start(Kind::Stamped, Options::default());
    let alice = server.alice().clone();
    let folder = tempfile::tempdir().unwrap();
    let named = ["--keychain-service", service.as_str()];
    let (answer, fine) = sign_in(&server, &alice, folder.path(), &named, &[&alice.password]);
    assert!(fine, "is there a keychain here? {answer}");
    let account = answer["ok"]["id"].as_str().unwrap().to_owned();
    let kept = |name: &str| {
        let entry = keyring::Entry::new(&service, &format!("{account}/{name}")).unwrap();
        entry.get_secret().ok()
    };
    assert_eq!(kept("database").map(|key| key.len()), Some(32));
    assert!(kept("sessions").is_some());

    let data = folder.path().join("data");
    let data = data.to_str().unwrap();
    let mut arguments = vec!["serve", "--data", data, "--events"];
    arguments.extend(named);
    let serve = command(folder.path(), &[], &arguments);
    let mut program = Rpc::start(serve, &account, &folder.path().join("log"));
    program.call("open", json!({}));
    program.live();
    program.end();

    let mut arguments = vec!["sign-out", "--data", data, "--account", &alice.email];
    arguments.extend(named);
    let (answer, fine) = run(command(folder.path(), &[], &arguments));
    assert!(fine, "{answer}");
    assert_eq!(
        answer,
        json!({"ok": {"server_told": true, "secrets_left": false}})
    );
    assert!(kept("database").is_none() && kept("sessions").is_none());
    assert_eq!(sessions_on_server(&server, &alice), 0);
}

#[test]
fn without_a_keychain_nothing_is_kept_in_its_place() {
    let server = ServerFixture::start(Kind::Stamped, Options::default());
    let alice = server.alice().clone();
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let url = server.url();
    let arguments = [
        "sign-in",
        "--data",
        data.to_str().unwrap(),
        "--server",
        &url,
        "--email",
        &alice.email,
        "--password-fd",
        "3",
    ];
    let mut command = command(folder.path(), &[&alice.password], &arguments);
    command.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere/bus");
    let (answer, fine) = run(command);
    assert!(!fine);
    assert_eq!(answer["error"]["code"], "vault_unavailable");
    assert_eq!(answer["error"]["action"], "choose_vault");
    assert_eq!(files_below(&data), Vec::<PathBuf>::new());
    assert_eq!(
        sessions_on_server(&server, &alice),
        0,
        "the password was not used"
    );
}

#[test]
fn the_echo_bot_of_twenty_lines_answers() {
    let server = ServerFixture::start(Kind::Stamped, Options::default());
    let (alice, bob) = (server.alice().clone(), server.bob().clone());
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let passphrase = ["--vault", "passphrase", "--passphrase-fd", "4"];
    let accounts = [&alice, &bob].map(|person| {
        let folder = &folders[usize::from(person.id == bob.id)];
        let secrets = [person.password.as_str(), PASSPHRASE];
        let (answer, fine) = sign_in(&server, person, folder.path(), &passphrase, &secrets);
        assert!(fine, "{answer}");
        answer["ok"]["id"].as_str().unwrap().to_owned()
    });
    let script = xtask::paths::repository().join("tests/real/messenger/echo.py");
    let serve = |n: usize, bot: bool| {
        let folder = folders[n].path();
        let data = folder.join("data");
        let arguments = [
            "serve",
            "--data",
            data.to_str().unwrap(),
            "--events",
            "--unlock",
            &accounts[n],
            "--passphrase-fd",
            "3",
        ];
        let program = command(folder, &[PASSPHRASE], &arguments);
        if !bot {
            return program;
        }
        // The bot starts the program as it would be started without it.
        let mut echo = Command::new("python3");
        echo.arg(&script)
            .arg(program.get_program())
            .args(program.get_args());
        echo
    };
    let lines = std::fs::read_to_string(&script).unwrap();
    assert!(
        lines.lines().count() <= 22,
        "twenty lines and what they are"
    );
    // What is there when Bob's first list is read counts as read, and tells
    // nobody; so the bot begins after that.
    let log = folders[1].path().join("log");
    let mut first = Rpc::start(serve(1, false), &accounts[1], &log);
    first.call("open", json!({}));
    first.live();
    first.end();
    let bot = serve(1, true)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let _bot = Ended(bot);
    let mut program = Rpc::start(
        serve(0, false),
        &accounts[0],
        &folders[0].path().join("log"),
    );
    assert_eq!(program.call("protocol", json!({}))["ok"]["protocol"], 1);
    program.call("open", json!({}));
    program.live();
    let to_bob = format!("dm:{}", bob.id);
    program.call(
        "send",
        json!({"conversation": to_bob, "text": "is there an echo?"}),
    );
    let echo = program.until("the echo", |line| line["event"] == "message");
    assert_eq!(echo["value"]["message"]["text"], "is there an echo?");
    assert_eq!(echo["value"]["message"]["sender"], json!(bob.id));
    let search = json!({"query": "echo", "conversation": null, "person": null, "from": null, "until": null, "after": null, "limit": 10});
    let found = program.call("search", search);
    assert_eq!(found["ok"]["found"].as_array().unwrap().len(), 2, "{found}");
    program.call("set_history_depth", json!({"depth": {"to": "everything"}}));
    let depth = program.call("history_depth", json!({}));
    assert_eq!(depth["ok"], json!({"to": "everything"}));
    let jump = json!({"conversation": to_bob, "anchor": {"at": "around", "sort": echo["value"]["message"]["id"]}, "limit": 10});
    assert_eq!(program.call("fetch", jump.clone())["ok"], Value::Null);
    assert_eq!(
        program.call("page", jump)["ok"]["messages"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    program.end();
}

/// Ends with the test, also where that fails; what it has started ends when
/// nobody writes to it any more.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
