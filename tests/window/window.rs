//! Two real windows on a real Directus, driven as a person would: typing,
//! clicking, looking. Needs a display, a bus and a keychain of its own, as
//! `cargo xtask test` gives.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use whinchat_tests::{Kind, Options, Person, ServerFixture, eventually};
use xtask::{Outcome, paths, webdriver::Window};

const BOUND: Duration = Duration::from_secs(60);

/// The texts of the bubbles, in their order.
const TEXTS: &str = "return [...document.querySelectorAll('[data-message]')].map(e => e.innerText)";

fn app() -> PathBuf {
    paths::built("whinchat")
}

/// Signs in as a person does: typing.
fn sign_in(window: &Window, server: &ServerFixture, person: &Person) -> Outcome {
    window.type_into("#server", &server.url())?;
    window.click("#continue")?;
    window.type_into("#email", &person.email)?;
    window.type_into("#password", &person.password)?;
    window.click("#continue")?;
    ready(window)
}

fn ready(window: &Window) -> Outcome {
    window
        .until(
            "the conversations",
            "return ['list', 'conversation'].includes(document.body.dataset.ready)",
            &json!([]),
        )
        .map(drop)
}

fn live(window: &Window) -> Outcome {
    window
        .until(
            "a live connection",
            "return document.querySelector('#connection')?.dataset.state === 'live'",
            &json!([]),
        )
        .map(drop)
}

/// Opens the conversation with somebody found by name.
fn open_with(window: &Window, person: &Person) -> Outcome {
    window.click("#find-people")?;
    window.type_into("#people-search", &person.first_name)?;
    window.click(&format!("[data-person=\"{}\"]", person.id))?;
    window
        .until(
            "the composer",
            "return document.body.dataset.ready === 'conversation' && !!document.querySelector('#composer')",
            &json!([]),
        )
        .map(drop)
}

fn say(window: &Window, text: &str) -> Outcome {
    window.type_into("#composer", &format!("{text}\n"))
}

/// Waits until the text stands in exactly one bubble, in this state.
fn shown_once(window: &Window, text: &str, state: &str) -> Outcome {
    window
        .until(
            &format!("{text}, once and {state}"),
            "const with_text = [...document.querySelectorAll('[data-message]')]
               .filter(e => e.innerText.includes(arguments[0]));
             return with_text.length === 1 && with_text[0].dataset.state === arguments[1]",
            &json!([text, state]),
        )
        .map(drop)
}

fn count_on_server(server: &ServerFixture, text: &str) -> usize {
    let filter = json!({"content": {"_eq": text}});
    server.fresh_admin().messages_where(&filter).len()
}

fn told(result: Outcome) {
    if let Err(problem) = result {
        panic!("{problem}");
    }
}

struct Folders {
    _folder: tempfile::TempDir,
    alice: PathBuf,
    bob: PathBuf,
}

fn folders() -> Folders {
    let folder = tempfile::tempdir().expect("a temporary folder");
    Folders {
        alice: folder.path().join("alice"),
        bob: folder.path().join("bob"),
        _folder: folder,
    }
}

fn talk(kind: Kind) -> Outcome {
    let mut server = ServerFixture::start(kind, Options::default());
    let (alice, bob) = (server.alice().clone(), server.bob().clone());
    let folders = folders();
    let hers = Window::open(&app(), &folders.alice)?;
    let his = Window::open(&app(), &folders.bob)?;
    sign_in(&hers, &server, &alice)?;
    sign_in(&his, &server, &bob)?;
    live(&hers)?;
    live(&his)?;
    open_with(&hers, &bob)?;
    open_with(&his, &alice)?;

    say(&hers, "Hello Bob")?;
    shown_once(&his, "Hello Bob", "sent")?;
    say(&his, "Hello Alice")?;
    shown_once(&hers, "Hello Alice", "sent")?;
    shown_once(&hers, "Hello Bob", "sent")?;

    nothing_secret_lies_about(&folders.alice, &[&alice.password], &hers);

    // The server dies while twenty are being sent, and comes back.
    for number in 0..20 {
        say(&hers, &format!("number {number:02}"))?;
        if number == 7 {
            server.kill9();
        }
    }
    server.restart();
    for number in 0..20 {
        let text = format!("number {number:02}");
        shown_once(&hers, &text, "sent")?;
        shown_once(&his, &text, "sent")?;
        assert_eq!(count_on_server(&server, &text), 1, "{text}");
    }
    let order = |window: &Window| -> Vec<String> {
        let texts = window.run(TEXTS, &json!([])).unwrap_or_default();
        let texts = texts.as_array().cloned().unwrap_or_default();
        texts
            .iter()
            .filter_map(Value::as_str)
            .filter_map(|text| text.lines().find(|line| line.starts_with("number ")))
            .map(str::to_owned)
            .collect()
    };
    let expected: Vec<String> = (0..20)
        .map(|number| format!("number {number:02}"))
        .collect();
    assert_eq!(order(&hers), expected);
    assert_eq!(order(&his), expected);

    // The app is killed with a message typed while the server is away.
    server.kill9();
    say(&hers, "typed before the app was killed")?;
    hers.until(
        "the bubble",
        "return [...document.querySelectorAll('[data-message]')].some(e => e.innerText.includes('typed before'))",
        &json!([]),
    )?;
    let process = hers.app_process().expect("the app runs");
    let killed = Command::new("kill")
        .args(["-9", &process.to_string()])
        .status();
    assert!(killed.is_ok_and(|status| status.success()));
    drop(hers);
    server.restart();
    let hers = Window::open(&app(), &folders.alice)?;
    ready(&hers)?;
    open_with(&hers, &bob)?;
    shown_once(&hers, "typed before the app was killed", "sent")?;
    shown_once(&his, "typed before the app was killed", "sent")?;
    assert_eq!(
        count_on_server(&server, "typed before the app was killed"),
        1
    );

    hers.close();
    his.close();
    eventually("no socket is left at the server", BOUND, || {
        sockets(server.port()) == 0
    });
    Ok(())
}

/// Established connections to the server that are not its own (those of tests
/// close at once).
fn sockets(port: u16) -> usize {
    let table = std::fs::read_to_string("/proc/net/tcp").unwrap_or_default();
    let remote = format!(":{port:04X}");
    table
        .lines()
        .filter(|line| {
            let mut columns = line.split_whitespace().skip(2);
            columns
                .next()
                .is_some_and(|remote_address| remote_address.ends_with(&remote))
                && columns.next() == Some("01")
        })
        .count()
}

/// No token, no password in any file of the data folder, in the page, or on a
/// command line.
fn nothing_secret_lies_about(data: &Path, secrets: &[&str], window: &Window) {
    // Every JSON web token starts so: `{"alg":`.
    let mut secrets: Vec<Vec<u8>> = secrets
        .iter()
        .map(|secret| secret.as_bytes().to_vec())
        .collect();
    secrets.push(b"eyJhbGci".to_vec());
    let holds = |bytes: &[u8]| {
        secrets.iter().any(|secret| {
            bytes
                .windows(secret.len())
                .any(|part| part == secret.as_slice())
        })
    };
    let mut folders = vec![data.to_owned()];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("the data folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(bytes) = std::fs::read(&path) {
                files += 1;
                assert!(!holds(&bytes), "a secret lies in {}", path.display());
            }
        }
    }
    assert!(files > 0, "there are files to look at");
    for entry in std::fs::read_dir("/proc").expect("/proc") {
        let path = entry.expect("an entry").path().join("cmdline");
        let line = std::fs::read(path).unwrap_or_default();
        assert!(!holds(&line), "a secret stands on a command line");
    }
    let page = window
        .run(
            "return document.documentElement.outerHTML + JSON.stringify(Object.entries(localStorage))",
            &json!([]),
        )
        .unwrap_or_default();
    assert!(
        !holds(page.as_str().unwrap_or_default().as_bytes()),
        "a secret stands in the page"
    );
    let injected = window
        .run(
            "const s = document.createElement('script');
             s.textContent = 'window.__injected = true';
             document.body.append(s);
             return window.__injected === true",
            &json!([]),
        )
        .unwrap_or(Value::Null);
    assert_eq!(
        injected, false,
        "the content policy blocks an injected script"
    );
}

#[test]
fn two_windows_talk_on_a_server_with_its_own_stamps_through_its_death_and_the_apps() {
    told(talk(Kind::Stamped));
}

#[test]
fn two_windows_talk_on_the_tutorials_five_fields_through_its_death_and_the_apps() {
    told(talk(Kind::Tutorial));
}

#[test]
fn a_conversation_of_five_hundred_is_paged_to_its_beginning() {
    told((|| {
        let server = ServerFixture::start(Kind::Stamped, Options::default());
        let (alice, bob) = (server.alice().clone(), server.bob().clone());
        let rows: Vec<Value> = (0..500)
            .map(|number| {
                json!({
                    "id": format!("018f0000-0000-7000-8000-{number:012x}"),
                    "content": format!("message {number:03}"),
                    "sender_id": if number % 3 == 0 { &alice.id } else { &bob.id },
                    "receiver_id": if number % 3 == 0 { &bob.id } else { &alice.id },
                    "timestamp": "2026-01-01T00:00:00Z",
                })
            })
            .collect();
        for part in rows.chunks(100) {
            server.fresh_admin().insert_rows(&json!(part));
        }
        let folders = folders();
        let window = Window::open(&app(), &folders.alice)?;
        sign_in(&window, &server, &alice)?;
        open_with(&window, &bob)?;
        window.until(
            "the newest message",
            "return [...document.querySelectorAll('[data-message]')].some(e => e.innerText.includes('message 499'))",
            &json!([]),
        )?;
        // A person scrolls up until nothing more comes.
        window.until(
            "the first message",
            "const first = [...document.querySelectorAll('[data-message]')].find(e => e.innerText.includes('message 000'));
             if (first) return true;
             let box = document.querySelector('[data-message]');
             while (box && !(box.scrollHeight > box.clientHeight + 50 && getComputedStyle(box).overflowY !== 'visible')) box = box.parentElement;
             if (box) box.scrollTop = 0;
             return false",
            &json!([]),
        )?;
        let bubbles = window.run(
            "return document.querySelectorAll('[data-message]').length",
            &json!([]),
        )?;
        assert!(
            bubbles.as_u64().is_some_and(|count| count <= 250),
            "{bubbles} bubbles"
        );
        window.close();
        Ok(())
    })());
}
