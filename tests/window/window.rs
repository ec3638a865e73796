//! Two real windows on a real Directus, driven as a person would: typing,
//! clicking, looking. Needs a display, a bus and a keychain of its own, as
//! `cargo xtask test` gives.

mod at_home;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use whinchat_core::diagnostics::Bundle;
use whinchat_sim::replay::replay;
use whinchat_tests::{Kind, Options, Person, Relay, ServerFixture, eventually};
use xtask::{Outcome, paths, webdriver::Window};

const BOUND: Duration = Duration::from_secs(60);

/// The texts of the bubbles, in their order.
const TEXTS: &str = "return [...document.querySelectorAll('[data-message]')].map(e => e.innerText)";

fn app() -> PathBuf {
    paths::built("whinchat")
}

/// Signs in as a person does: typing.
fn sign_in(window: &Window, address: &str, person: &Person) -> Outcome {
    window.type_into("#server", address)?;
    window.click("#continue")?;
    window.type_into("#email", &person.email)?;
    window.type_into("#password", &person.password)?;
    window.click("#continue")?;
    ready(window)?;
    accept_the_terms(window)
}

/// Before the first message; pressed by script, for the dialog is still coming in when it is there.
/// It goes once the core has it; until then nothing behind it can be pressed.
fn accept_the_terms(window: &Window) -> Outcome {
    window.until(
        "the terms",
        "const accept = document.querySelector('#terms-accept');
         accept?.click();
         return accept !== null",
        &json!([]),
    )?;
    window
        .until(
            "the terms, accepted",
            "return document.querySelector('dialog') === null",
            &json!([]),
        )
        .map(drop)
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

/// Waits for a live connection, and asks for it as an impatient person does: a
/// server that was away for long is tried again only after a while.
fn live_again(window: &Window) -> Outcome {
    window
        .until(
            "a live connection again",
            "const c = document.querySelector('#connection');
             if (c?.dataset.state === 'waiting') c.querySelector('button')?.click();
             return c?.dataset.state === 'live'",
            &json!([]),
        )
        .map(drop)
}

/// Opens the conversation with somebody found by name.
fn open_with(window: &Window, person: &Person) -> Outcome {
    window.click("#find-people")?;
    window.type_into("#people-search", &person.first_name)?;
    // Found and pressed at once: every letter that was typed may bring the list anew.
    window.until(
        "the person",
        "const found = document.querySelector(`[data-person='${arguments[0]}']`);
         found?.click();
         return found !== null",
        &json!([person.id]),
    )?;
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
    // Each by a relay of its own, which sees what the server sees of it.
    let relays = [0, 1].map(|_| Relay::start(server.port()));
    let [her_relay, his_relay] = &relays;
    sign_in(&hers, &her_relay.url(), &alice)?;
    sign_in(&his, &his_relay.url(), &bob)?;
    live(&hers)?;
    live(&his)?;
    open_with(&hers, &bob)?;
    open_with(&his, &alice)?;

    say(&hers, "Hello Bob")?;
    shown_once(&his, "Hello Bob", "sent")?;
    say(&his, "Hello Alice")?;
    shown_once(&hers, "Hello Alice", "sent")?;
    shown_once(&hers, "Hello Bob", "sent")?;

    nothing_secret_lies_about(&folders.alice, &server, &alice, &hers)?;

    // The server dies while twenty are being sent, and comes back.
    for number in 0..20 {
        say(&hers, &format!("number {number:02}"))?;
        if number == 7 {
            server.kill9();
        }
    }
    server.restart();
    live_again(&hers)?;
    live_again(&his)?;
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
    live_again(&his)?;
    shown_once(&his, "typed before the app was killed", "sent")?;
    assert_eq!(
        count_on_server(&server, "typed before the app was killed"),
        1
    );

    for (window, relay) in [(hers, her_relay), (his, his_relay)] {
        assert!(relay.open() > 0, "it was connected until now");
        window.close();
        eventually("no socket is left after quitting", BOUND, || {
            relay.open() == 0
        });
    }
    Ok(())
}

/// A process and all that it has started, the web view's among them.
fn family(process: u32) -> Vec<u32> {
    let mut all = vec![process];
    let mut at = 0;
    while let Some(&parent) = all.get(at) {
        at += 1;
        let tasks = std::fs::read_dir(format!("/proc/{parent}/task"));
        for task in tasks.into_iter().flatten().flatten() {
            let children = std::fs::read_to_string(task.path().join("children"));
            let children = children.unwrap_or_default();
            all.extend(
                children
                    .split_whitespace()
                    .filter_map(|word| word.parse::<u32>().ok()),
            );
        }
    }
    all
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_symlink() {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files
}

/// Where the web view may keep something outside the data folder.
fn folders_of_the_view() -> Vec<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let home = variable("HOME").unwrap_or_default();
    let mut folders = Vec::new();
    for (name, below) in [
        ("XDG_DATA_HOME", ".local/share"),
        ("XDG_CACHE_HOME", ".cache"),
        ("XDG_CONFIG_HOME", ".config"),
    ] {
        let base = variable(name).unwrap_or_else(|| home.join(below));
        // Not `whinchat` in the cache: there the tests' own Directus lies.
        for own in ["app.whinchat.Whinchat", "webkitgtk"] {
            folders.push(base.join(own));
        }
    }
    folders
}

/// While she is signed in: no token, no password and no message in any file
/// that can be read as it is (the log among them), in the page, on a command
/// line or in an environment.
fn nothing_secret_lies_about(
    data: &Path,
    server: &ServerFixture,
    person: &Person,
    window: &Window,
) -> Outcome {
    let tokens = server.tokens_on_server(person);
    assert_eq!(tokens.len(), 3, "a session and two spares, opaque all");
    // Every JSON web token starts so: `{"alg":`.
    let mut secrets = vec![person.password.clone(), "eyJhbGci".to_owned()];
    secrets.extend(tokens.iter().cloned());
    let holds = |bytes: &[u8], secrets: &[String]| {
        secrets.iter().any(|secret| {
            bytes
                .windows(secret.len())
                .any(|part| part == secret.as_bytes())
        })
    };

    let mut files = files_below(data);
    let has = |name: &str| files.iter().any(|path| path.ends_with(name));
    assert!(has("messages.db") && has("settings.json"), "{files:?}");
    let log = data.join("logs").join("whinchat.log");
    let said = std::fs::read_to_string(&log).expect("there is a log");
    assert!(said.contains("opened"), "it says what happens: {said}");
    for personal in ["Hello Bob", "Hello Alice", &person.email] {
        assert!(!said.contains(personal), "{personal} stands in the log");
    }
    let view = data.join("view");
    assert!(
        view.is_dir(),
        "the web view keeps its things in the data folder"
    );
    files.extend(folders_of_the_view().iter().flat_map(|at| files_below(at)));
    for path in files {
        // The web view's processes take files away as they please.
        let Ok(bytes) = std::fs::read(&path) else {
            continue;
        };
        let mut secrets = secrets.clone();
        secrets.push("Hello Bob".to_owned());
        assert!(
            !holds(&bytes, &secrets),
            "a secret lies in {}",
            path.display()
        );
    }

    let app = window.app_process().expect("the app runs");
    let processes = family(app);
    assert!(processes.len() >= 2, "the web view's processes are there");
    for process in processes {
        for what in ["cmdline", "environ"] {
            let path = format!("/proc/{process}/{what}");
            let bytes = std::fs::read(&path).unwrap_or_default();
            assert!(!holds(&bytes, &secrets), "a secret stands in {path}");
        }
    }
    // What only this server knows must stand on nobody's command line.
    for entry in std::fs::read_dir("/proc").expect("/proc").flatten() {
        for what in ["cmdline", "environ"] {
            let bytes = std::fs::read(entry.path().join(what)).unwrap_or_default();
            let path = entry.path();
            assert!(!holds(&bytes, &tokens), "a token stands in {path:?}");
        }
    }

    let page = window.run(
        "return document.documentElement.outerHTML
           + [...document.querySelectorAll('input, textarea')].map(e => e.value).join()
           + JSON.stringify([Object.entries(localStorage), Object.entries(sessionStorage), document.cookie])",
        &json!([]),
    )?;
    let page = page.as_str().expect("the page's text");
    assert!(page.contains("Hello Bob"), "it is the page: {page}");
    assert!(
        !holds(page.as_bytes(), &secrets),
        "a secret stands in the page"
    );
    let injected = window.run(
        "const s = document.createElement('script');
         s.textContent = 'window.__injected = true';
         document.body.append(s);
         return [window.__injected === true, s.isConnected]",
        &json!([]),
    )?;
    assert_eq!(
        injected,
        json!([false, true]),
        "the content policy blocks an injected script"
    );
    Ok(())
}

#[test]
fn two_windows_talk_on_a_server_with_its_own_stamps_through_its_death_and_the_apps() {
    told(talk(Kind::Stamped));
}

#[test]
fn two_windows_talk_on_the_tutorials_five_fields_through_its_death_and_the_apps() {
    told(talk(Kind::Tutorial));
}

/// Scrolls up to the beginning as a person does, and looks at what stands there
/// at every step.
const TO_THE_BEGINNING: &str = "
  const seen = window.seen ??= { texts: {}, most: 0, doubled: [], disordered: 0 };
  const bubbles = [...document.querySelectorAll('[data-message]')];
  // Not innerText: what is out of view is not rendered, and has none.
  const now = bubbles.map(e => [e.dataset.message, /message \\d{3}/.exec(e.textContent)?.[0]]);
  for (const [id, text] of now) {
    if ((seen.texts[text] ??= id) !== id) seen.doubled.push(text);
  }
  if (new Set(now.map(([id]) => id)).size !== now.length) seen.doubled.push('an id');
  if (new Set(now.map(([, text]) => text)).size !== now.length) seen.doubled.push('a text');
  if (now.some(([, text], at) => at > 0 && text <= now[at - 1][1])) seen.disordered += 1;
  seen.most = Math.max(seen.most, now.length);
  if (now[0]?.[1] === 'message 000') return JSON.stringify(seen);
  document.querySelector('.scroller').scrollTop = 0;
  return false";

fn page_to_the_beginning(kind: Kind) -> Outcome {
    let server = ServerFixture::start(kind, Options::default());
    let (alice, bob) = (server.alice().clone(), server.bob().clone());
    let rows: Vec<Value> = (0..500)
        .map(|number| {
            json!({
                "id": format!("018f0000-0000-7000-8000-{number:012x}"),
                "content": format!("message {number:03}"),
                "sender_id": if number % 3 == 0 { &alice.id } else { &bob.id },
                "receiver_id": if number % 3 == 0 { &bob.id } else { &alice.id },
                // Four a minute: some pages begin within a second, as it happens.
                "timestamp": format!("2026-01-01T{:02}:{:02}:{:02}Z", number / 240, number / 4 % 60, number % 4 * 15),
            })
        })
        .collect();
    for part in rows.chunks(100) {
        server.fresh_admin().insert_rows(&json!(part));
    }
    let folders = folders();
    let window = Window::open(&app(), &folders.alice)?;
    sign_in(&window, &server.url(), &alice)?;
    open_with(&window, &bob)?;
    window.until(
        "the newest message",
        "return [...document.querySelectorAll('[data-message]')].some(e => e.innerText.includes('message 499'))",
        &json!([]),
    )?;
    let seen = window.until("the first message", TO_THE_BEGINNING, &json!([]))?;
    let seen: Value =
        serde_json::from_str(seen.as_str().unwrap_or_default()).expect("what was seen");
    let texts = seen["texts"].as_object().expect("texts");
    let expected: Vec<String> = (0..500).map(|n| format!("message {n:03}")).collect();
    let mut numbers: Vec<&String> = texts.keys().collect();
    numbers.sort();
    assert_eq!(numbers, expected.iter().collect::<Vec<_>>(), "each came");
    for (number, text) in expected.iter().enumerate() {
        let id = format!("018f0000-0000-7000-8000-{number:012x}");
        assert_eq!(texts[text], id, "and as itself");
    }
    assert_eq!(seen["doubled"], json!([]), "none twice");
    assert_eq!(seen["disordered"], 0, "always in order");
    let most = seen["most"].as_u64().unwrap_or(u64::MAX);
    assert!(most <= 250, "{most} bubbles at once");
    window.close();
    Ok(())
}

#[test]
fn five_hundred_are_paged_to_the_beginning_each_once_on_a_server_with_its_own_stamps() {
    told(page_to_the_beginning(Kind::Stamped));
}

#[test]
fn five_hundred_are_paged_to_the_beginning_each_once_on_the_tutorials_five_fields() {
    told(page_to_the_beginning(Kind::Tutorial));
}

#[test]
fn started_again_without_a_network_it_goes_straight_into_the_conversations() {
    told((|| {
        let server = ServerFixture::start(Kind::Stamped, Options::default());
        let (alice, bob) = (server.alice().clone(), server.bob().clone());
        let folders = folders();
        let relay = Relay::start(server.port());
        let window = Window::open(&app(), &folders.alice)?;
        sign_in(&window, &relay.url(), &alice)?;
        live(&window)?;
        open_with(&window, &bob)?;
        say(&window, "Read me on the train")?;
        shown_once(&window, "Read me on the train", "sent")?;
        window.close();
        eventually("no socket is left after quitting", BOUND, || {
            relay.open() == 0
        });
        // From here on there is nobody at that address.
        drop(relay);
        let window = Window::open(&app(), &folders.alice)?;
        ready(&window)?;
        window.click(&format!("[data-conversation=\"dm:{}\"]", bob.id))?;
        shown_once(&window, "Read me on the train", "sent")?;
        window.until(
            "that it is not connected, in words",
            "const c = document.querySelector('#connection');
             return ['waiting', 'connecting', 'offline'].includes(c?.dataset.state) && c.innerText.length > 3",
            &json!([]),
        )?;
        // What is written now waits.
        say(&window, "Written on the train")?;
        let wait = "const b = [...document.querySelectorAll('[data-message]')].filter(e => e.innerText.includes('Written on'));
             return b.length === 1 && ['queued', 'sending'].includes(b[0].dataset.state)";
        window.until("that it waits", wait, &json!([]))?;
        assert_eq!(count_on_server(&server, "Written on the train"), 0);
        window.close();
        Ok(())
    })());
}

/// Waits until the page is at this step before an account is open.
fn at_step(window: &Window, step: &str) -> Outcome {
    window
        .until(
            step,
            "return document.querySelector('.stage')?.dataset.step === arguments[0]",
            &json!([step]),
        )
        .map(drop)
}

#[test]
fn an_administrator_sets_a_server_up_in_the_window_and_goes_on_to_the_chat() {
    told((|| {
        let server = ServerFixture::start_bare(Options::default());
        let owner = server.administrator().clone();
        let folders = folders();
        let before = server.tokens_on_server(&owner).len();
        let window = Window::open(&app(), &folders.alice)?;
        window.type_into("#server", &server.url())?;
        window.click("#continue")?;
        window.type_into("#email", &owner.email)?;
        window.type_into("#password", &owner.password)?;
        window.click("#continue")?;
        at_step(&window, "set-up-who")?;
        window.type_into("#admin-password", &owner.password)?;
        window.click("#set-up-continue")?;
        at_step(&window, "set-up-plan")?;
        assert_eq!(server.tokens_on_server(&owner).len(), before + 1);
        let hashes = "return [...document.querySelectorAll('.hash')].map(e => e.innerText)";
        let planned = window.run(hashes, &json!([]))?;
        window.click("#set-up-continue")?;
        window.until(
            "a step that is done",
            "return document.querySelector('#set-up-progress')?.value > 0",
            &json!([]),
        )?;
        at_step(&window, "set-up-ready")?;
        let made = window.run(hashes, &json!([]))?;
        assert_eq!((&made[0], made[1] == planned[0]), (&planned[0], false));
        window.click("#set-up-continue")?;
        ready(&window)?;
        accept_the_terms(&window)?;
        live(&window)?;
        eventually("only the chat's sessions are there", BOUND, || {
            server.tokens_on_server(&owner).len() == before + 3
        });
        // It is looked at again later, by who has an account; and who leaves is signed out.
        window.click("#menu")?;
        window.click("#accounts")?;
        window.click("#account-add")?;
        window.type_into("#server", &server.url())?;
        window.click("#continue")?;
        window.click("#administer")?;
        window.type_into("#admin-email", &owner.email)?;
        window.type_into("#admin-password", &owner.password)?;
        window.click("#set-up-continue")?;
        at_step(&window, "set-up-ready")?;
        assert_eq!(server.tokens_on_server(&owner).len(), before + 4);
        window.click("#set-up-leave")?;
        at_step(&window, "person")?;
        eventually("the session for setting up is over", BOUND, || {
            server.tokens_on_server(&owner).len() == before + 3
        });
        // The driver ends the app as kill does, so this says nothing of closing the window.
        window.close();
        Ok(())
    })());
}

/// Diagnostics, saved from the settings: the file has no word of what was said, and the
/// simulator tells its story again.
fn diagnostics_are_saved(window: &Window, data: &Path, said: &str) -> Outcome {
    window.click("#diagnostics-open")?;
    let own = "const place = document.querySelector('#diagnostics-place');
         if (!place) return false;
         place.value = 'app';
         place.dispatchEvent(new Event('change'));
         return true";
    window.until("where diagnostics can go", own, &json!([]))?;
    window.click("#diagnostics-save")?;
    window.until(
        "the saved diagnostics",
        "return !!document.querySelector('#diagnostics-saved')",
        &json!([]),
    )?;
    window.click("#diagnostics-close")?;
    let files = files_below(&data.join("diagnostics"));
    assert_eq!(files.len(), 1, "{files:?}");
    let text = std::fs::read_to_string(&files[0]).unwrap();
    assert!(!text.contains(said), "diagnostics hold what was said");
    let bundle = Bundle::read(text.as_bytes()).unwrap();
    let again = replay(&bundle).unwrap();
    assert!(
        again.from_the_beginning && again.inputs > 0 && again.same == again.inputs,
        "{}",
        again.line()
    );
    assert_eq!(again.findings, []);
    Ok(())
}

/// Set, locked by a key, refused to a stranger, opened again.
fn locks(kind: Kind) -> Outcome {
    let server = ServerFixture::start(kind, Options::default());
    let (alice, bob) = (server.alice().clone(), server.bob().clone());
    let folders = folders();
    let window = Window::open(&app(), &folders.alice)?;
    sign_in(&window, &server.url(), &alice)?;
    live(&window)?;
    open_with(&window, &bob)?;
    say(&window, "Before the lock")?;
    shown_once(&window, "Before the lock", "sent")?;
    let key = |key: &str| {
        let press = "document.dispatchEvent(new KeyboardEvent('keydown', { key: arguments[0], ctrlKey: true }))";
        window.run(press, &json!([key]))
    };
    key(",")?;
    diagnostics_are_saved(&window, &folders.alice, "Before the lock")?;
    key(",")?;
    window.click("#passphrase-set")?;
    window.type_into("#passphrase-new", "correct horse battery")?;
    window.type_into("#passphrase-again", "correct horse battery")?;
    window.click("#passphrase-submit")?;
    window.until(
        "what a passphrase offers",
        "return !!document.querySelector('#lock-now')",
        &json!([]),
    )?;
    window.click("#settings-close")?;
    window.type_into("#composer", "Half a thought")?;
    key("l")?;
    window.type_into("#passphrase", "another horse")?;
    window.click("#continue")?;
    window.until(
        "the refusal",
        "return document.querySelector('#passphrase-error')?.dataset.code === 'passphrase_wrong'
           && !document.body.innerText.includes('Before the lock')",
        &json!([]),
    )?;
    window.type_into("#passphrase", "correct horse battery")?;
    window.click("#continue")?;
    live(&window)?;
    open_with(&window, &bob)?;
    shown_once(&window, "Before the lock", "sent")?;
    window.until(
        "what was typed",
        "return document.querySelector('#composer')?.value === 'Half a thought'",
        &json!([]),
    )?;
    window.close();
    Ok(())
}

#[test]
fn an_account_is_locked_in_the_window_and_opened_with_its_passphrase_alone() {
    told(locks(Kind::Stamped));
}
