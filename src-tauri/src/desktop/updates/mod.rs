//! A newer version of this program, where the build may bring one.
//!
//! ```text
//! idle ──asked──> nothing newer
//!   │
//!   └───asked──> found ──taken──> fetched, its signature checked ──> in place ──> begins anew
//!                  ^                          │
//!                  └──────────────────────────┘ it failed: the program stays as it is
//! ```
//! Owns: asking the publisher's address, and what was found until it is taken.
//! Never: asking by itself, an older version, or a file that was not signed as
//! the very version it is offered as. A build for a store or a package has no
//! address, and offers nothing of this; nor does a program on Linux that is no
//! AppImage, which whoever installed it brings up to date.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use serde::Serialize;
use tauri::{AppHandle, Emitter as _, Manager as _, Runtime};
use tauri_plugin_updater::{Error, Update, Updater, UpdaterExt as _};
use whinchat_core::bridge::{Code, Problem};

/// How long the publisher's server may be silent.
const PATIENCE: Duration = Duration::from_secs(30);
/// Of what a version brings, this much is shown, in characters.
const NOTES: usize = 4_000;
/// The longest name of a version.
const VERSION: usize = 64;

/// A newer version, as a person is asked about it. Its words are the
/// publisher's, over https, and not signed: they are shown and never followed.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Newer {
    version: String,
    notes: String,
}

/// What was found, until it is taken.
#[derive(Default)]
struct Found(Mutex<Option<Update>>);

/// Makes ready for it, where this build may bring newer versions.
pub fn begin<R: Runtime>(app: &AppHandle<R>) {
    let told = app.config().plugins.0.contains_key("updater");
    if !told || !is_replaceable(app) {
        return;
    }
    let plugin = tauri_plugin_updater::Builder::new().build();
    match app.plugin(plugin) {
        Ok(()) => {
            app.manage(Found::default());
        }
        Err(error) => tracing::warn!(%error, "newer versions can't be asked for"),
    }
}

/// Whether this program is one file that is its person's own.
#[cfg(target_os = "linux")]
fn is_replaceable<R: Runtime>(app: &AppHandle<R>) -> bool {
    app.env().appimage.is_some()
}

/// Elsewhere every program that is told an address is.
#[cfg(not(target_os = "linux"))]
fn is_replaceable<R: Runtime>(_app: &AppHandle<R>) -> bool {
    true
}

/// Whether newer versions can be asked for here.
pub fn are_offered<R: Runtime>(app: &AppHandle<R>) -> bool {
    app.try_state::<Found>().is_some()
}

/// Asks whether there is a newer version.
///
/// # Errors
/// `update_failed`.
pub async fn look<R: Runtime>(app: &AppHandle<R>) -> Result<Option<Newer>, Problem> {
    let Some(found) = app.try_state::<Found>() else {
        return Err(failed("install"));
    };
    let update = updater(app)
        .map_err(problem)?
        .check()
        .await
        .map_err(problem)?;
    let newer = update.as_ref().map(|update| Newer {
        version: plain(&update.version, VERSION),
        notes: plain(update.body.as_deref().unwrap_or_default(), NOTES),
    });
    *found.0.lock().unwrap_or_else(PoisonError::into_inner) = update;
    Ok(newer)
}

/// Fetches what was found and puts it in place; the page is told of every
/// further hundredth as the event `update`. The program then has to begin anew.
///
/// # Errors
/// `update_failed`: the program is as it was, and can be asked again.
pub async fn take<R: Runtime>(app: &AppHandle<R>) -> Result<(), Problem> {
    let found = app.try_state::<Found>();
    let update = found.and_then(|found| {
        let mut found = found.0.lock().unwrap_or_else(PoisonError::into_inner);
        found.take()
    });
    let Some(update) = update else {
        return Err(failed("install"));
    };
    let mut progress = Progress::default();
    update
        .download_and_install(
            |bytes, of| {
                if let Some(hundredths) = progress.more(bytes, of) {
                    let _ = app.emit("update", hundredths);
                }
            },
            || {},
        )
        .await
        .map_err(problem)
}

fn updater<R: Runtime>(app: &AppHandle<R>) -> Result<Updater, Error> {
    let ending = app.clone();
    app.updater_builder()
        .timeout(PATIENCE)
        // Said here and not left to what is usual: an older one is none.
        .version_comparator(|current, offered| offered.version > current)
        // Where the installer takes the program's place (Windows).
        .on_before_exit(move || {
            crate::shut_down(&ending);
            ending.cleanup_before_exit();
        })
        .build()
}

/// How much of a file has come.
#[derive(Default)]
struct Progress {
    bytes: u64,
    told: u64,
}

impl Progress {
    /// So many bytes more, of so many in all; gives the hundredths where they
    /// have become more.
    fn more(&mut self, bytes: usize, of: Option<u64>) -> Option<u64> {
        self.bytes = self.bytes.saturating_add(bytes as u64);
        let hundredths = self.bytes.saturating_mul(100).checked_div(of?)?.min(100);
        (hundredths > self.told).then(|| {
            self.told = hundredths;
            hundredths
        })
    }
}

/// Without what would move or hide other text, and not longer than this.
fn plain(text: &str, most: usize) -> String {
    text.chars()
        .filter(|sign| *sign == '\n' || !sign.is_control())
        .filter(|sign| !matches!(sign, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
        .take(most)
        .collect()
}

fn failed(kind: &str) -> Problem {
    Problem::new(Code::UpdateFailed).with("kind", kind)
}

/// Says which of three it was; the error's own words go to the log, where
/// there is nothing but the publisher's addresses in them.
fn problem(error: Error) -> Problem {
    tracing::warn!(%error, "no newer version");
    failed(match error {
        Error::Reqwest(_)
        | Error::Network(_)
        | Error::ReleaseNotFound
        | Error::Serialization(_)
        | Error::Semver(_)
        | Error::UrlParse(_)
        | Error::TargetNotFound(_)
        | Error::TargetsNotFound(_) => "network",
        Error::Minisign(_)
        | Error::Base64(_)
        | Error::SignatureUtf8(_)
        | Error::SignedVersionMismatch { .. }
        | Error::MissingSignedVersion => "signature",
        _ => "install",
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        io::{Read as _, Write as _},
        net::TcpListener,
        thread,
    };

    use serde_json::{Value, json};
    use tauri::test::{MockRuntime, mock_builder};

    // The program, and its signature as two versions by a key that signs nothing else.
    const PROGRAM: &[u8] = include_bytes!("program");
    const KEY: &str = include_str!("key.pub");
    const NEWER: &str = include_str!("newer.sig");
    const OLDER: &str = include_str!("older.sig");
    const NEWER_VERSION: &str = "99.1.0";

    /// A publisher's server that answers `many` requests with these.
    fn publisher(many: usize, manifest: impl Fn(&str) -> Value, file: Vec<u8>) -> String {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let manifest = manifest(&origin).to_string();
        thread::spawn(move || {
            for connection in listener.incoming().take(many) {
                let mut connection = connection.unwrap();
                let mut asked = Vec::new();
                let mut part = [0; 1024];
                while !asked.windows(4).any(|end| end == b"\r\n\r\n") {
                    match connection.read(&mut part).unwrap() {
                        0 => break,
                        read => asked.extend_from_slice(&part[..read]),
                    }
                }
                let body = if asked.starts_with(b"GET /latest.json") {
                    manifest.as_bytes()
                } else {
                    &file
                };
                let head = format!(
                    "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                    body.len()
                );
                connection.write_all(head.as_bytes()).unwrap();
                connection.write_all(body).unwrap();
            }
        });
        origin
    }

    fn manifest(origin: &str, version: &str, signature: &str) -> Value {
        let target = format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH);
        json!({
            "version": version, "notes": "Quicker.\u{202e}\u{7}", "pub_date": "2026-11-26T00:00:00Z",
            "platforms": { target: { "signature": signature, "url": format!("{origin}/program") } },
        })
    }

    /// An app that may ask at this address.
    fn app(origin: &str) -> tauri::App<MockRuntime> {
        let mut context = tauri::test::mock_context(tauri::test::noop_assets());
        context.package_info_mut().version = "1.0.0".parse().unwrap();
        let config: Value =
            serde_json::from_str(include_str!("../../../packaging/variants/updates.json")).unwrap();
        let mut updater = config["plugins"]["updater"].clone();
        assert_eq!(updater["requireSignedVersion"], json!(true));
        updater["pubkey"] = json!(KEY.trim());
        updater["endpoints"] = json!([format!("{origin}/latest.json")]);
        context
            .config_mut()
            .plugins
            .0
            .insert("updater".to_owned(), updater);
        mock_builder().build(context).unwrap()
    }

    /// As [`begin`], in a program that may be replaced.
    fn offering(origin: &str) -> tauri::App<MockRuntime> {
        let app = app(origin);
        app.handle()
            .plugin(tauri_plugin_updater::Builder::new().build())
            .unwrap();
        app.manage(Found::default());
        app
    }

    fn kind(problem: &Problem) -> &str {
        assert_eq!(problem.code, Code::UpdateFailed);
        &problem.args["kind"]
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_newer_version_is_found_and_told_in_plain_words() {
        let origin = publisher(1, |at| manifest(at, NEWER_VERSION, NEWER), Vec::new());
        let app = offering(&origin);
        let newer = look(app.handle()).await.unwrap().unwrap();
        assert_eq!(newer.version, NEWER_VERSION);
        assert_eq!(newer.notes, "Quicker.");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_older_version_or_the_same_is_none() {
        for version in ["0.9.9", "1.0.0", "1.0.0-beta.1"] {
            let origin = publisher(1, |at| manifest(at, version, OLDER), Vec::new());
            let app = offering(&origin);
            assert_eq!(look(app.handle()).await.unwrap(), None, "{version}");
            // And nothing is there to be taken.
            assert_eq!(kind(&take(app.handle()).await.unwrap_err()), "install");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_is_not_signed_as_what_it_is_offered_as_is_refused() {
        let mut changed = PROGRAM.to_vec();
        changed.push(0);
        for (signature, file) in [
            // An older program that is offered as a newer one.
            (OLDER, PROGRAM.to_vec()),
            // Another program than the one that was signed.
            (NEWER, changed),
            ("bm90IGEgc2lnbmF0dXJl", PROGRAM.to_vec()),
        ] {
            let origin = publisher(2, |at| manifest(at, NEWER_VERSION, signature), file);
            let app = offering(&origin);
            assert!(look(app.handle()).await.unwrap().is_some());
            assert_eq!(kind(&take(app.handle()).await.unwrap_err()), "signature");
        }
    }

    /// What Linux does; elsewhere an installer would be started.
    #[cfg(target_os = "linux")]
    #[tokio::test(flavor = "multi_thread")]
    async fn what_is_signed_takes_the_programs_place() {
        let origin = publisher(2, |at| manifest(at, NEWER_VERSION, NEWER), PROGRAM.to_vec());
        let app = offering(&origin);
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("app.AppImage");
        std::fs::write(&program, b"\x7fELF the program of today").unwrap();
        let updater = app.updater_builder().executable_path(&program).build();
        let update = updater.unwrap().check().await.unwrap();
        *app.state::<Found>().0.lock().unwrap() = update;
        take(app.handle()).await.unwrap();
        assert_eq!(std::fs::read(&program).unwrap(), PROGRAM);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_server_that_is_away_is_told_as_that() {
        let free = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let origin = format!("http://{}", free.local_addr().unwrap());
        drop(free);
        let app = offering(&origin);
        assert_eq!(kind(&look(app.handle()).await.unwrap_err()), "network");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_build_without_an_address_and_a_package_offer_none() {
        let plain = mock_builder()
            .build(tauri::test::mock_context(tauri::test::noop_assets()))
            .unwrap();
        begin(plain.handle());
        assert!(!are_offered(plain.handle()));
        assert_eq!(kind(&look(plain.handle()).await.unwrap_err()), "install");
        // It has an address, and is no AppImage.
        let told = app("https://example.com");
        begin(told.handle());
        assert_eq!(are_offered(told.handle()), !cfg!(target_os = "linux"));
    }

    #[test]
    fn progress_is_told_a_hundredth_at_a_time_and_never_without_a_size() {
        let mut progress = Progress::default();
        assert_eq!(progress.more(1, Some(1_000)), None);
        assert_eq!(progress.more(9, Some(1_000)), Some(1));
        assert_eq!(progress.more(9, Some(1_000)), None);
        assert_eq!(progress.more(5_000, Some(1_000)), Some(100));
        assert_eq!(progress.more(5_000, Some(1_000)), None);
        assert_eq!(Progress::default().more(5, None), None);
        assert_eq!(Progress::default().more(5, Some(0)), None);
    }
}
