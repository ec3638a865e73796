//! The shell: the only code that knows Tauri.
//!
//! Owns: the window, its commands, and handing events on. Never: a decision
//! about messages; those are whinchat-core's.

mod biometrics;
pub mod commands;
#[cfg(desktop)]
mod desktop;
mod destination;
mod diagnostics;
#[cfg(any(mobile, test))]
mod life;
mod lock;
mod log;
#[cfg(mobile)]
mod mobile;
mod notices;
#[cfg(any(mobile, test))]
mod refresh;
mod settings;
mod theme;
mod words;

#[cfg(desktop)]
use desktop as system;
#[cfg(mobile)]
use mobile as system;

use std::{path::PathBuf, process::ExitCode};

use tauri::{
    AppHandle, Emitter as _, Manager as _, RunEvent, Runtime, WebviewUrl, WebviewWindowBuilder,
};
use tokio::sync::broadcast::error::RecvError;
use whinchat_core::{
    model::AccountId,
    product,
    runtime::{Config, Event, Messenger, SessionState},
};

/// The word that begins the program in the tray, as the start at login does.
const HIDDEN: &str = "--hidden";

/// How the program was started.
#[derive(Debug, Default, PartialEq, Eq)]
struct Arguments {
    /// A data folder other than the usual one.
    data: Option<PathBuf>,
    /// Whether the window is not shown at first.
    hidden: bool,
    /// A link to follow, unread.
    link: Option<String>,
}

impl Arguments {
    fn read(mut words: impl Iterator<Item = std::ffi::OsString>) -> Result<Self, String> {
        let mut arguments = Self::default();
        while let Some(word) = words.next() {
            let text = word.to_string_lossy();
            if word == "--data" {
                let folder = words.next().ok_or("--data needs a folder")?;
                arguments.data = Some(folder.into());
            } else if word == HIDDEN {
                arguments.hidden = true;
            } else if is_link(&text) {
                arguments.link = Some(text.into_owned());
            } else {
                return Err(format!(
                    "unknown argument {text}: only --data DIR, {HIDDEN} and a {}: link are known",
                    product::SCHEME
                ));
            }
        }
        Ok(arguments)
    }

    /// Those of a second start.
    #[cfg(desktop)]
    fn of(words: impl Iterator<Item = String>) -> Result<Self, String> {
        Self::read(words.map(Into::into))
    }
}

fn is_link(word: &str) -> bool {
    let (scheme, _) = word.split_once(':').unwrap_or_default();
    scheme.eq_ignore_ascii_case(product::SCHEME)
}

/// Where a phone's system begins.
#[cfg(mobile)]
mod entry {
    #![allow(
        unsafe_code,
        reason = "the system looks for the symbol that this makes"
    )]

    #[cfg_attr(mobile, tauri::mobile_entry_point)]
    fn start() {
        let _ = super::run();
    }
}

/// Runs the app until its window is closed.
pub fn run() -> ExitCode {
    // A phone gives no words to a start; what stands there is a debugger's.
    let words = std::env::args_os().skip(1).filter(|_| cfg!(desktop));
    let arguments = match Arguments::read(words) {
        Ok(arguments) => arguments,
        Err(problem) => {
            eprintln!("{}: {problem}", product::NAME);
            return ExitCode::from(2);
        }
    };
    system::before(&arguments);
    let builder = tauri::Builder::default().manage(words::Words::english());
    let built = with_commands(system::with_plugins(builder, &arguments))
        .on_window_event(system::window_event)
        .setup(move |app| Ok(set_up(app, arguments)?))
        .build(tauri::generate_context!());
    match built {
        Ok(app) => {
            app.run(happened);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{} can't start: {error}", product::NAME);
            ExitCode::FAILURE
        }
    }
}

fn happened<R: Runtime>(app: &AppHandle<R>, event: RunEvent) {
    match event {
        RunEvent::Exit => shut_down(app),
        // Where links do not come as words of a start.
        #[cfg(any(target_os = "macos", target_os = "ios", target_os = "android"))]
        RunEvent::Opened { urls } => {
            for url in urls {
                follow(app, url.as_str());
            }
            system::front(app);
        }
        #[cfg(target_os = "macos")]
        RunEvent::Reopen { .. } => system::front(app),
        _ => {}
    }
}

/// No socket is left behind, and what was typed is stored.
fn shut_down<R: Runtime>(app: &AppHandle<R>) {
    if let Some(core) = app.try_state::<Messenger>() {
        tauri::async_runtime::block_on(core.shutdown());
    }
}

/// What a start was told, or a second one while this program runs.
fn heard<R: Runtime>(app: &AppHandle<R>, arguments: &Arguments) {
    if let Some(link) = &arguments.link {
        follow(app, link);
    }
}

/// Leads to where a link says, as far as it may say it.
fn follow<R: Runtime>(app: &AppHandle<R>, link: &str) {
    let (Some(core), Some(device)) = (
        app.try_state::<Messenger>(),
        app.try_state::<settings::Device>(),
    ) else {
        return;
    };
    let used = device.settings().account;
    if let Some(to) = destination::of_link(link, &core.accounts(), used.as_deref()) {
        notices::lead(app, to);
    }
}

macro_rules! commands {
    ($($name:ident,)*) => {
        /// The name of every command, for the test that all sides know the same.
        #[cfg(test)]
        const COMMANDS: &[&str] = &[$(stringify!($name),)*];

        /// The builder with every command; shared with the tests.
        fn with_commands<R: Runtime>(builder: tauri::Builder<R>) -> tauri::Builder<R> {
            builder.invoke_handler(tauri::generate_handler![$(commands::$name,)*])
        }
    };
}

commands! {
    app_info,
    accounts,
    look_around,
    discover,
    sign_in,
    unlock,
    set_passphrase,
    biometrics,
    keep_biometrics,
    unlock_by_biometrics,
    forget_biometrics,
    lock,
    used,
    open,
    stream,
    conversations,
    people,
    search,
    page,
    fetch_older,
    fetch,
    history_depth,
    set_history_depth,
    watch,
    send,
    retry,
    discard,
    save_draft,
    mark_read,
    safety,
    accept_terms,
    block,
    unblock,
    report,
    reconnect,
    unsent_messages,
    sign_out,
    close,
    set_up_begin,
    set_up_plan,
    set_up_addresses,
    set_up_apply,
    set_up_verify,
    set_up_stop,
    set_up_end,
    open_outside,
    settings,
    remember_account,
    choose,
    this_device,
    ask_to_notify,
    insets,
    hold_back,
    start_at_login,
    save_places,
    save_diagnostics,
    look_for_update,
    take_update,
    where_to,
    licences,
}

fn set_up<R: Runtime>(app: &mut tauri::App<R>, arguments: Arguments) -> tauri::Result<()> {
    let data = match &arguments.data {
        Some(folder) => folder.clone(),
        None => app.path().app_local_data_dir()?,
    };
    // Asked while the core begins.
    let scheme = tauri::async_runtime::spawn(theme::ask());
    let config = Config {
        biometrics: biometrics::of(app.handle()),
        ..Config::new(data.clone())
    };
    let core = tauri::async_runtime::block_on(Messenger::new(config))
        .map_err(|problem| std::io::Error::other(problem.to_string()))?;
    // The core has made the folder; nothing of it is changed before it is ours.
    if let Err(problem) = system::take(app.handle(), &data) {
        // To a person, and not as a panic: Tauri's for a set-up that failed.
        eprintln!("{}: {problem}", product::NAME);
        app.cleanup_before_exit();
        std::process::exit(1);
    }
    log::start(&data);
    tracing::info!(version = product::VERSION, "started");
    // What the web view keeps lies with the rest, for its owner alone.
    let of_the_view = data.join("view");
    let device = settings::Device::open(&data);
    let settings::Settings {
        choices, account, ..
    } = device.settings();
    app.manage(device);
    app.manage(commands::Streams::default());
    app.manage(lock::LastUsed::default());
    app.manage(destination::Next::default());
    app.manage(notices::Notices::begin(app.handle()));
    forward_events(app.handle().clone(), &core);
    let system_told = core.clone();
    tauri::async_runtime::spawn(async move { system_told.follow_system().await });
    app.manage(core);
    // What the page will ask for first is under way before the page is.
    if let Some(account) = account.and_then(|account| account.parse().ok()) {
        let handle = app.handle().clone();
        tauri::async_runtime::spawn(async move { commands::begin(&handle, account).await });
    }
    tauri::async_runtime::spawn(lock::follow(app.handle().clone()));
    follow_theme(app.handle().clone());
    let scheme = tauri::async_runtime::block_on(scheme).unwrap_or_default();
    let window = WebviewWindowBuilder::new(app, "main", WebviewUrl::default())
        .title(product::NAME)
        .data_directory(of_the_view)
        .disable_drag_drop_handler()
        .zoom_hotkeys_enabled(true)
        // Light or dark, and how large, before anything is painted.
        .initialization_script(theme::script(scheme, &choices))
        // The page is the only thing that this window ever shows.
        .on_navigation(|url| {
            matches!(url.scheme(), "tauri") || url.host_str() == Some("tauri.localhost")
        });
    let window = system::dress(window).build()?;
    system::made(app.handle(), &window, arguments.hidden);
    heard(app.handle(), &arguments);
    Ok(())
}

/// Tells pages the desktop's further choices of light or dark, as the event
/// `theme`: `light`, `dark`, or empty where the desktop has no preference. What
/// a person chose here goes before it; that is the page's to know.
fn follow_theme<R: Runtime>(app: AppHandle<R>) {
    tauri::async_runtime::spawn(theme::follow(move |scheme| {
        let name = scheme.map_or("", theme::Scheme::name);
        app.emit("theme", name).is_ok()
    }));
}

/// Hands the core's events to whoever listens in a page: `message`,
/// `connection`, `unread`, `session` and `set_up`. What is locked or gone has no
/// notices left.
fn forward_events<R: Runtime>(app: AppHandle<R>, core: &Messenger) {
    let mut events = core.events();
    tauri::async_runtime::spawn(async move {
        loop {
            let event = match events.recv().await {
                Ok(event) => event,
                // What was missed is in the store; the stream tells pages that.
                Err(RecvError::Lagged(_)) => continue,
                Err(RecvError::Closed) => break,
            };
            if let Event::Session {
                account,
                state: SessionState::Locked | SessionState::SignedOut,
            } = &event
                && let Ok(account) = account.parse::<AccountId>()
                && let Some(notices) = app.try_state::<notices::Notices>()
            {
                notices.end(account);
            }
            let name = match &event {
                Event::Message { .. } => "message",
                Event::Connection { .. } => "connection",
                Event::Unread { .. } => "unread",
                Event::Session { .. } => "session",
                Event::SetUp(_) => "set_up",
            };
            if app.emit(name, &event).is_err() {
                break;
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::collections::BTreeSet;
    use tauri::test::{INVOKE_KEY, MockRuntime, get_ipc_response, mock_builder};

    #[test]
    fn only_a_data_folder_may_be_given() {
        let read = |words: &[&str]| {
            Arguments::read(
                words
                    .iter()
                    .map(std::ffi::OsString::from)
                    .collect::<Vec<_>>()
                    .into_iter(),
            )
        };
        assert_eq!(read(&[]), Ok(Arguments::default()));
        assert_eq!(read(&["--data", "d"]).unwrap().data, Some("d".into()));
        assert!(read(&["--data"]).is_err());
        for bad in ["--password", "https://chat.example", "-whinchat:x", "x"] {
            let said = read(&[bad, "x"]).unwrap_err();
            assert!(said.contains(bad), "{said}");
        }
        let started = read(&["--hidden", "whinchat://open"]).unwrap();
        assert!(started.hidden && started.data.is_none());
        assert_eq!(started.link.as_deref(), Some("whinchat://open"));
        let second = Arguments::of(["WHINCHAT:x".to_owned()].into_iter()).unwrap();
        assert_eq!(second.link.as_deref(), Some("WHINCHAT:x"));
    }

    /// The folder that is looked into before Tauri is there is Tauri's own.
    #[cfg(target_os = "linux")]
    #[test]
    fn the_usual_folder_is_the_same_before_and_after_the_start() {
        let folder = tempfile::tempdir().unwrap();
        let app = app(folder.path());
        let named = app.path().app_local_data_dir().unwrap();
        assert_eq!(desktop::usual(), Some(named));
    }

    #[test]
    fn a_second_start_brings_its_link_to_the_page_that_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let app = app(folder.path());
        let window = window(&app, "main");
        let where_to = || ask(&window, "where_to", json!({})).unwrap();
        assert_eq!(where_to(), json!(null));
        let link = |text: &str| Arguments {
            link: Some(text.to_owned()),
            ..Arguments::default()
        };
        heard(app.handle(), &link("whinchat://open"));
        assert_eq!(where_to(), json!(null), "it only opens the app");
        let bob = "5463fbc0-a420-446b-a024-e58abb0969e5";
        let to_bob = format!("whinchat://person/{bob}?server=evil.example");
        heard(app.handle(), &link(&to_bob));
        let unknown = json!({"to": "server_unknown", "host": "evil.example"});
        assert_eq!(where_to(), unknown, "nobody here is signed in to it");
        assert_eq!(where_to(), json!(null), "once");
        heard(app.handle(), &link("whinchat://send?text=hi"));
        assert_eq!(where_to(), json!({"to": "link_unknown"}));
    }

    #[test]
    fn the_product_has_one_name_and_one_identifier() {
        let config: serde_json::Value =
            serde_json::from_str(include_str!("../../tauri.conf.json")).unwrap();
        assert_eq!(config["productName"], product::NAME);
        assert_eq!(config["identifier"], product::IDENTIFIER);
        assert_eq!(config["version"], product::VERSION);
    }

    /// What the packages tell a system about links, and what is made of it.
    #[test]
    fn a_package_hands_links_over() {
        let config: serde_json::Value =
            serde_json::from_str(include_str!("../../tauri.conf.json")).unwrap();
        let schemes = &config["plugins"]["deep-link"]["desktop"]["schemes"];
        assert_eq!(*schemes, json!([product::SCHEME]));
        let template = include_str!("../packaging/linux/app.desktop");
        // The bundler's own has no place for an address.
        assert!(template.contains("\nExec={{exec}} %u\n"));
        let handled = format!("\nMimeType=x-scheme-handler/{};\n", product::SCHEME);
        assert!(template.contains(&handled));
        for kind in ["deb", "rpm"] {
            let named = &config["bundle"]["linux"][kind]["desktopTemplate"];
            assert_eq!(*named, "src-tauri/packaging/linux/app.desktop", "{kind}");
        }
    }

    fn ask(
        window: &tauri::WebviewWindow<MockRuntime>,
        command: &str,
        body: serde_json::Value,
    ) -> Result<serde_json::Value, serde_json::Value> {
        let url = if cfg!(windows) {
            "http://tauri.localhost"
        } else {
            "tauri://localhost"
        };
        get_ipc_response(
            window,
            tauri::webview::InvokeRequest {
                cmd: command.to_owned(),
                callback: tauri::ipc::CallbackFn(0),
                error: tauri::ipc::CallbackFn(1),
                url: url.parse().unwrap(),
                body: body.into(),
                headers: tauri::http::HeaderMap::default(),
                invoke_key: INVOKE_KEY.to_owned(),
            },
        )
        .map(|body| body.deserialize().unwrap())
    }

    /// An app as it is, on a data folder of its own.
    fn app(data: &std::path::Path) -> tauri::App<MockRuntime> {
        let app = with_commands(mock_builder())
            .build(tauri::generate_context!())
            .unwrap();
        let config = Config {
            keychain_service: "app.whinchat.Whinchat.tests".to_owned(),
            ..Config::new(data.to_owned())
        };
        let core = tauri::async_runtime::block_on(Messenger::new(config)).unwrap();
        app.manage(core);
        app.manage(settings::Device::open(data));
        app.manage(lock::LastUsed::default());
        app.manage(commands::Streams::default());
        app.manage(destination::Next::default());
        app.manage(notices::Notices::silent());
        app.manage(words::Words::english());
        app
    }

    fn window(app: &tauri::App<MockRuntime>, label: &str) -> tauri::WebviewWindow<MockRuntime> {
        WebviewWindowBuilder::new(app, label, WebviewUrl::default())
            .build()
            .unwrap()
    }

    /// What stands between these two marks, wherever they are.
    fn between<'a>(text: &'a str, before: &str, after: char) -> BTreeSet<&'a str> {
        text.split(before)
            .skip(1)
            .filter_map(|rest| rest.split(after).next())
            .collect()
    }

    #[test]
    fn handlers_permissions_bridge_and_page_know_the_same_commands() {
        let handlers: BTreeSet<&str> = COMMANDS.iter().copied().collect();
        assert_eq!(handlers.len(), COMMANDS.len(), "each once");

        let permissions = include_str!("../permissions/messenger.toml");
        let (_, allowed) = permissions.split_once("commands.allow = [").unwrap();
        let (allowed, _) = allowed.split_once(']').unwrap();
        let allowed: BTreeSet<&str> = allowed
            .split(',')
            .map(|word| word.trim().trim_matches('"'))
            .filter(|word| !word.is_empty())
            .collect();
        assert_eq!(allowed, handlers, "permissions/messenger.toml");

        let page = include_str!("../../ui/api.js");
        let mut called = between(page, "call('", '\'');
        called.extend(between(page, "ask('", '\''));
        called.extend(between(page, "inTurn('", '\''));
        assert_eq!(called, handlers, "ui/api.js");

        // Those that are the window's alone: a password, a passphrase, a
        // channel, a browser, this device.
        let bridge = between(
            include_str!("../../ui/types/bridge.ts"),
            "\"command\": \"",
            '"',
        );
        assert!(!bridge.is_empty());
        let own: BTreeSet<&str> = handlers.difference(&bridge).copied().collect();
        let known = [
            "app_info",
            "ask_to_notify",
            "choose",
            "hold_back",
            "insets",
            "keep_biometrics",
            "licences",
            "lock",
            "look_for_update",
            "open_outside",
            "remember_account",
            "save_places",
            "set_passphrase",
            "set_up_begin",
            "settings",
            "sign_in",
            "start_at_login",
            "stream",
            "take_update",
            "this_device",
            "unlock",
            "used",
            "where_to",
        ];
        assert_eq!(own, known.into_iter().collect());
        assert!(bridge.is_subset(&handlers), "the bridge's commands");
    }

    /// Each command with arguments of the right shape, and the code that it
    /// answers while there is no account; none where it answers.
    fn questions() -> Vec<(&'static str, serde_json::Value, Option<&'static str>)> {
        let id = "5463fbc0-a420-446b-a024-e58abb0969e5";
        let dm = format!("dm:{id}");
        let unknown = Some("account_unknown");
        let of_account = |more: serde_json::Value| {
            let mut arguments = json!({"account": id});
            for (name, value) in more.as_object().unwrap() {
                arguments[name] = value.clone();
            }
            arguments
        };
        let sign_in = json!({"request": {
            "server": "two words", "email": "alice@example.com", "password": "secret", "code": null,
            "vault": "session_only", "passphrase": null, "account": null,
        }});
        let set_up = json!({"request": {
            "server": "two words", "email": "alice@example.com", "password": "secret", "code": null,
        }});
        let over = Some("set_up_ended");
        vec![
            ("app_info", json!({}), None),
            ("accounts", json!({}), None),
            ("look_around", json!({}), None),
            (
                "discover",
                json!({"address": "a b"}),
                Some("address_invalid"),
            ),
            ("sign_in", sign_in, Some("address_invalid")),
            (
                "unlock",
                of_account(json!({"passphrase": "correct horse"})),
                unknown,
            ),
            (
                "set_passphrase",
                of_account(json!({"old": null, "new": null})),
                unknown,
            ),
            ("biometrics", of_account(json!({})), unknown),
            (
                "keep_biometrics",
                of_account(json!({"passphrase": "correct horse"})),
                unknown,
            ),
            ("unlock_by_biometrics", of_account(json!({})), unknown),
            ("forget_biometrics", of_account(json!({})), unknown),
            ("lock", json!({}), None),
            ("used", json!({}), None),
            ("open", of_account(json!({})), unknown),
            (
                "stream",
                of_account(json!({"channel": "__CHANNEL__:7"})),
                unknown,
            ),
            (
                "conversations",
                of_account(json!({"query": "", "after": null, "limit": 50})),
                unknown,
            ),
            (
                "people",
                of_account(json!({"query": "", "offset": 0, "limit": 50})),
                unknown,
            ),
            (
                "page",
                of_account(json!({"conversation": dm, "anchor": {"at": "newest"}, "limit": 50})),
                unknown,
            ),
            (
                "search",
                of_account(json!({
                    "query": "needle", "conversation": null, "person": null,
                    "from": null, "until": null, "after": null, "limit": 50,
                })),
                unknown,
            ),
            (
                "fetch_older",
                of_account(json!({"conversation": dm})),
                unknown,
            ),
            (
                "fetch",
                of_account(json!({"conversation": dm, "anchor": {"at": "newest"}})),
                unknown,
            ),
            ("history_depth", of_account(json!({})), unknown),
            (
                "set_history_depth",
                of_account(json!({"depth": {"to": "days", "count": 30}})),
                unknown,
            ),
            ("watch", of_account(json!({"conversation": null})), unknown),
            (
                "send",
                of_account(json!({"conversation": dm, "text": "Hi"})),
                unknown,
            ),
            ("retry", of_account(json!({"message": id})), unknown),
            ("discard", of_account(json!({"message": id})), unknown),
            (
                "save_draft",
                of_account(json!({"conversation": dm, "text": "H"})),
                unknown,
            ),
            (
                "mark_read",
                of_account(json!({"conversation": dm, "until": "0"})),
                unknown,
            ),
            ("safety", of_account(json!({})), unknown),
            ("accept_terms", of_account(json!({"version": 1})), unknown),
            ("block", of_account(json!({"person": id})), unknown),
            ("unblock", of_account(json!({"person": id})), unknown),
            (
                "report",
                of_account(json!({
                    "person": null, "message": null, "reason": "spam", "comment": "",
                    "with_text": false,
                })),
                unknown,
            ),
            ("reconnect", of_account(json!({})), unknown),
            ("unsent_messages", of_account(json!({})), unknown),
            ("sign_out", of_account(json!({"unsent": "ask"})), unknown),
            ("close", of_account(json!({})), None),
            ("set_up_begin", set_up, Some("address_invalid")),
            ("set_up_plan", json!({}), over),
            (
                "set_up_addresses",
                json!({"contact": "", "terms": ""}),
                over,
            ),
            ("set_up_apply", json!({"plan": "0"}), over),
            ("set_up_verify", json!({}), over),
            ("set_up_stop", json!({}), None),
            ("set_up_end", json!({}), None),
            (
                "open_outside",
                json!({"url": "file:///etc/passwd"}),
                Some("address_invalid"),
            ),
            ("settings", json!({}), None),
            ("remember_account", of_account(json!({})), None),
            ("choose", json!({"choices": {"theme": "dark"}}), None),
            ("this_device", json!({}), None),
            ("ask_to_notify", json!({}), None),
            ("insets", json!({}), None),
            ("hold_back", json!({"on": true}), None),
            (
                "start_at_login",
                json!({"on": true}),
                Some("storage_failed"),
            ),
            ("save_places", json!({}), None),
            (
                "save_diagnostics",
                of_account(json!({"place": "app"})),
                unknown,
            ),
            ("look_for_update", json!({}), Some("update_failed")),
            ("take_update", json!({}), Some("update_failed")),
            ("where_to", json!({}), None),
            ("licences", json!({}), None),
        ]
    }

    #[test]
    fn every_command_answers_what_it_should_and_refuses_what_it_is_not_given() {
        let folder = tempfile::tempdir().unwrap();
        let app = app(folder.path());
        let window = window(&app, "main");
        let asked: BTreeSet<&str> = questions().iter().map(|(name, ..)| *name).collect();
        assert_eq!(asked, COMMANDS.iter().copied().collect(), "all are asked");
        for (command, arguments, refused) in questions() {
            let answer = ask(&window, command, arguments.clone());
            match (answer, refused) {
                (Ok(_), None) => {}
                (Err(problem), Some(code)) => {
                    assert_eq!(problem["code"], code, "{command}: {problem}");
                    assert!(problem["action"].is_string() && problem["args"].is_object());
                }
                (answer, refused) => panic!("{command}: {answer:?}, not {refused:?}"),
            }
            // Without any one of its arguments it does nothing, but for those
            // that may be null.
            for name in arguments.as_object().unwrap().keys() {
                let mut less = arguments.clone();
                less.as_object_mut().unwrap().remove(name);
                if arguments[name].is_null() {
                    continue;
                }
                let said = ask(&window, command, less).unwrap_err().to_string();
                assert!(
                    said.contains("invalid args"),
                    "{command} without {name}: {said}"
                );
            }
        }
        // Whoever looked around has that alone.
        let sample = ask(&window, "accounts", json!({})).unwrap();
        assert_eq!(sample.as_array().map(Vec::len), Some(1));
        assert_eq!(sample[0]["sample"], true);
        let info = ask(&window, "app_info", json!({})).unwrap();
        assert_eq!(info["name"], product::NAME);
        let settings = ask(&window, "settings", json!({})).unwrap();
        assert_eq!(settings["account"], "5463fbc0-a420-446b-a024-e58abb0969e5");
        assert_eq!(settings["choices"]["theme"], "dark");
        assert_eq!(settings["choices"]["notices"], true);
        let device = ask(&window, "this_device", json!({})).unwrap();
        assert!(device["stored"].as_i64().unwrap() > 0);
        assert_eq!(device["tray"], false);
        assert_eq!(device["starts_at_login"], json!(null));
        assert_eq!(device["phone"], json!(null));
        let licences = ask(&window, "licences", json!({})).unwrap();
        for named in ["Apache License", "MIT License", "sqlcipher-src", "ksni"] {
            assert!(licences.as_str().unwrap().contains(named), "{named}");
        }
        let bad = ask(&window, "remember_account", json!({"account": "../x"})).unwrap_err();
        assert_eq!(bad["code"], "account_unknown");
        assert_eq!(
            app.state::<commands::Streams>().count(),
            0,
            "none was opened"
        );
    }

    #[test]
    fn what_the_capabilities_do_not_name_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let app = app(folder.path());
        // The page's own window may do nothing of the system's. All of these
        // are registered: one that is not would be refused for another reason.
        let main = window(&app, "main");
        for outside in [
            "plugin:event|emit",
            "plugin:event|emit_to",
            "plugin:window|close",
            "plugin:window|create",
            "plugin:webview|create_webview_window",
            "plugin:webview|internal_toggle_devtools",
            "plugin:app|version",
            "plugin:path|resolve_directory",
            "plugin:resources|close",
            "plugin:image|from_path",
        ] {
            refused(&main, outside, json!({}));
        }
        // What the capabilities name is not refused.
        let listen = json!({"event": "theme", "target": {"kind": "Any"}, "handler": 3});
        ask(&main, "plugin:event|listen", listen).unwrap();
        // Any other window may call none of the messenger's.
        let other = window(&app, "other");
        for (command, arguments, _) in questions() {
            refused(&other, command, arguments);
        }
    }

    fn refused(
        window: &tauri::WebviewWindow<MockRuntime>,
        command: &str,
        arguments: serde_json::Value,
    ) {
        let said = ask(window, command, arguments).unwrap_err().to_string();
        assert!(said.contains("not allowed"), "{command}: {said}");
        assert!(
            !said.contains("not found"),
            "{command} is no command: {said}"
        );
    }
}
