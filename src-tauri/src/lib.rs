//! The shell: the only code that knows Tauri.
//!
//! Owns: the window, its commands, and handing events on. Never: a decision
//! about messages; those are whinchat-core's.

pub mod commands;
mod settings;
mod theme;

use std::{path::PathBuf, process::ExitCode};

use tauri::{Emitter as _, Manager as _, RunEvent, Runtime, WebviewUrl, WebviewWindowBuilder};
use tokio::sync::broadcast::error::RecvError;
use whinchat_core::{
    product,
    runtime::{Config, Event, Messenger},
};

/// How the program was started.
#[derive(Debug, Default, PartialEq, Eq)]
struct Arguments {
    /// A data folder other than the usual one.
    data: Option<PathBuf>,
}

impl Arguments {
    fn read(mut words: impl Iterator<Item = std::ffi::OsString>) -> Result<Self, String> {
        let mut arguments = Self::default();
        while let Some(word) = words.next() {
            if word == "--data" {
                let folder = words.next().ok_or("--data needs a folder")?;
                arguments.data = Some(folder.into());
            } else {
                return Err(format!(
                    "unknown argument {}: only --data DIR is known",
                    word.to_string_lossy()
                ));
            }
        }
        Ok(arguments)
    }
}

/// Runs the app until its window is closed.
pub fn run() -> ExitCode {
    let arguments = match Arguments::read(std::env::args_os().skip(1)) {
        Ok(arguments) => arguments,
        Err(problem) => {
            eprintln!("{}: {problem}", product::NAME);
            return ExitCode::from(2);
        }
    };
    let built = with_commands(tauri::Builder::default())
        .setup(move |app| Ok(set_up(app, arguments)?))
        .build(tauri::generate_context!());
    match built {
        Ok(app) => {
            app.run(|app, event| {
                if let RunEvent::Exit = event {
                    // No socket is left behind, and what was typed is stored.
                    if let Some(core) = app.try_state::<Messenger>() {
                        tauri::async_runtime::block_on(core.shutdown());
                    }
                }
            });
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{} can't start: {error}", product::NAME);
            ExitCode::FAILURE
        }
    }
}

macro_rules! commands {
    ($($name:ident,)*) => {
        /// The builder with every command; shared with the tests.
        fn with_commands<R: Runtime>(builder: tauri::Builder<R>) -> tauri::Builder<R> {
            builder.invoke_handler(tauri::generate_handler![$(commands::$name,)*])
        }
    };
}

commands! {
    app_info,
    accounts,
    discover,
    sign_in,
    unlock,
    open,
    stream,
    conversations,
    people,
    page,
    fetch_older,
    watch,
    send,
    retry,
    discard,
    save_draft,
    mark_read,
    reconnect,
    unsent_messages,
    sign_out,
    close,
    open_outside,
    settings,
    remember_account,
}

fn set_up<R: Runtime>(app: &mut tauri::App<R>, arguments: Arguments) -> tauri::Result<()> {
    let data = match arguments.data {
        Some(folder) => folder,
        None => app.path().app_local_data_dir()?,
    };
    app.manage(settings::Device::open(&data));
    app.manage(commands::Streams::default());
    let core = tauri::async_runtime::block_on(Messenger::new(Config::new(data)))
        .map_err(|problem| std::io::Error::other(problem.to_string()))?;
    forward_events(app.handle().clone(), &core);
    app.manage(core);
    let scheme = tauri::async_runtime::block_on(theme::ask());
    let mut window = WebviewWindowBuilder::new(app, "main", WebviewUrl::default())
        .title(product::NAME)
        .inner_size(1040.0, 720.0)
        .min_inner_size(320.0, 420.0)
        .disable_drag_drop_handler()
        .zoom_hotkeys_enabled(true)
        // The page is the only thing that this window ever shows.
        .on_navigation(|url| {
            matches!(url.scheme(), "tauri") || url.host_str() == Some("tauri.localhost")
        });
    let script = theme::script(scheme);
    if !script.is_empty() {
        window = window.initialization_script(script);
    }
    window.build()?;
    Ok(())
}

/// Hands the core's events to whoever listens in a page: `message`,
/// `connection`, `unread` and `session`.
fn forward_events<R: Runtime>(app: tauri::AppHandle<R>, core: &Messenger) {
    let mut events = core.events();
    tauri::async_runtime::spawn(async move {
        loop {
            let event = match events.recv().await {
                Ok(event) => event,
                // What was missed is in the store; the stream tells pages that.
                Err(RecvError::Lagged(_)) => continue,
                Err(RecvError::Closed) => break,
            };
            let name = match &event {
                Event::Message { .. } => "message",
                Event::Connection { .. } => "connection",
                Event::Unread { .. } => "unread",
                Event::Session { .. } => "session",
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
        assert!(
            read(&["--password", "x"])
                .unwrap_err()
                .contains("--password")
        );
    }

    #[test]
    fn the_product_has_one_name_and_one_identifier() {
        let config: serde_json::Value =
            serde_json::from_str(include_str!("../../tauri.conf.json")).unwrap();
        assert_eq!(config["productName"], product::NAME);
        assert_eq!(config["identifier"], product::IDENTIFIER);
        assert_eq!(config["version"], product::VERSION);
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

    #[test]
    fn a_command_outside_the_capabilities_is_refused_and_those_inside_answer() {
        let folder = tempfile::tempdir().unwrap();
        let app = with_commands(mock_builder())
            .build(tauri::generate_context!())
            .unwrap();
        let config = Config {
            keychain_service: "app.whinchat.Whinchat.tests".to_owned(),
            ..Config::new(folder.path().to_owned())
        };
        let core = tauri::async_runtime::block_on(Messenger::new(config)).unwrap();
        app.manage(core);
        let window = WebviewWindowBuilder::new(&app, "main", WebviewUrl::default())
            .build()
            .unwrap();
        let none = ask(&window, "accounts", serde_json::json!({})).unwrap();
        assert_eq!(none, serde_json::json!([]));
        let info = ask(&window, "app_info", serde_json::json!({})).unwrap();
        assert_eq!(info["name"], product::NAME);
        let bad = ask(&window, "discover", serde_json::json!({"address": "a b"})).unwrap_err();
        assert_eq!(bad["code"], "address_invalid");
        for outside in [
            "plugin:event|emit",
            "plugin:window|close",
            "plugin:opener|open_url",
        ] {
            let refused = ask(&window, outside, serde_json::json!({})).unwrap_err();
            let said = refused.to_string();
            assert!(
                said.contains("not allowed") || said.contains("not found"),
                "{outside}: {said}"
            );
        }
        let other = WebviewWindowBuilder::new(&app, "other", WebviewUrl::default())
            .build()
            .unwrap();
        let refused = ask(&other, "accounts", serde_json::json!({})).unwrap_err();
        assert!(refused.to_string().contains("not allowed"), "{refused}");
    }
}
