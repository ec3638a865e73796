//! Where programs are started as a person starts them: a display whose picture
//! can be looked at, a keychain, and a data folder with an account in it.
//!
//! Owns: these, for a run. The account is Alice's, with a made-up database; its
//! server is a port that nobody listens on, so that nothing but the start is
//! measured, and the program says that it is offline.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use secrecy::SecretString;
use serde_json::json;
use tempfile::TempDir;
use whinchat_core::{
    directus::sessions::Session,
    model::{AccountId, Instant},
    product,
    store::{self, safety},
    vault::{StoredSessions, Vault},
};
use xtask::{
    desktop::{Display, Keychain},
    http, process, random,
};

use crate::{
    Outcome, block_on,
    history::{self, key, person},
};

/// The word that makes this program keep an account's secrets and end.
pub const KEEP: &str = "--keep-secrets-of";

/// See the module.
pub struct Desk {
    // In the order in which they end.
    keychain: Keychain,
    display: Display,
    folder: TempDir,
}

impl Desk {
    /// Makes one.
    pub fn start() -> Outcome<Self> {
        let folder = tempfile::tempdir()?;
        let picture = folder.path().join("picture");
        fs::create_dir(&picture)?;
        let display = Display::start_pictured(&picture)?;
        let password = random::word(16);
        let place = folder.path().join("keychain");
        let keychain = Keychain::start(&place, &password, Some(display.name()))?;
        for home in ["home", "run"] {
            xtask::paths::make_private(&folder.path().join(home))?;
        }
        Ok(Self {
            keychain,
            display,
            folder,
        })
    }

    /// The display's picture, in the shape of `xwd`.
    pub fn picture(&self) -> PathBuf {
        self.folder.path().join("picture/Xvfb_screen0")
    }

    /// A program on this desk, in an environment of its own.
    pub fn command(&self, program: &Path) -> Command {
        let mut command = process::clean_command(program);
        command
            .env("DISPLAY", self.display.name())
            .env("DBUS_SESSION_BUS_ADDRESS", self.keychain.address())
            .env("HOME", self.folder.path().join("home"))
            .env("XDG_RUNTIME_DIR", self.folder.path().join("run"))
            .env("GDK_BACKEND", "x11")
            .env("NO_AT_BRIDGE", "1")
            .env("GTK_A11Y", "none")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    /// A data folder with an account that holds so many messages; its id.
    pub fn account(&self, held: usize) -> Outcome<(PathBuf, AccountId)> {
        let data = self.folder.path().join(format!("data-{held}"));
        let id = AccountId::new(uuid::Uuid::from_u128(
            0xACC0_0000_0000_4000_8000_0000_0000_0000 + held as u128,
        ));
        let folder = data.join("accounts").join(id.to_string());
        if folder.is_dir() {
            return Ok((data, id));
        }
        xtask::paths::make_private(&data)?;
        xtask::paths::make_private(&folder)?;
        let messages = folder.join("messages.db");
        history::copied(held, &messages)?;
        accept_terms(&messages)?;
        let nobody = http::free_port()?;
        let record = json!({
            "id": id.to_string(),
            "server": format!("http://127.0.0.1:{nobody}"),
            "email": "alice@example.com",
            "name": "Alice Archer",
            "person": person(0).to_string(),
            "vault": "keychain",
            "stage": "ready",
        });
        xtask::paths::write_private(&folder.join("account.json"), &record.to_string())?;
        let mut keep = self.command(&std::env::current_exe()?);
        keep.args([KEEP, &id.to_string()]).stderr(Stdio::inherit());
        if process::run("the bench", keep)?.success() {
            Ok((data, id))
        } else {
            Err("the keychain keeps nothing".into())
        }
    }
}

/// Else a start shows what is asked before the first message, over the list.
fn accept_terms(messages: &Path) -> Outcome {
    let database = store::open(store::Place::File(messages), &key())?;
    let accepted = safety::Accepted {
        version: product::TERMS,
        at: history::BEGINNING,
    };
    Ok(safety::set_accepted(&database, accepted)?)
}

/// Keeps the key of the made-up databases and a session for this account, in the
/// keychain of this process' environment.
pub fn keep_secrets(account: &str) -> Outcome {
    let account = account.parse().map_err(|_| "no account's id")?;
    let vault = Vault::keychain(product::IDENTIFIER, account);
    block_on(async {
        vault.store_key(&key()).await?;
        let session = Session {
            cookie: "directus_session_token".to_owned(),
            token: SecretString::from("not.a.token".to_owned()),
        };
        let sessions = StoredSessions {
            session: Some((session, Instant(i64::from(i32::MAX) * 1_000))),
            spares: Vec::new(),
        };
        Ok(vault.store_sessions(&sessions).await?)
    })
}

/// How much memory a process and all that it has started have, in MB: each page
/// divided by how many share it (PSS).
pub fn memory(process: u32) -> Outcome<f64> {
    let mut all = vec![process];
    let mut at = 0;
    while let Some(&parent) = all.get(at) {
        at += 1;
        for task in fs::read_dir(format!("/proc/{parent}/task"))?.flatten() {
            let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
            all.extend(
                children
                    .split_whitespace()
                    .filter_map(|id| id.parse::<u32>().ok()),
            );
        }
    }
    let mut kilobytes = 0.0;
    for process in all {
        let rollup = fs::read_to_string(format!("/proc/{process}/smaps_rollup"))?;
        let pss = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
        let pss = pss.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok());
        kilobytes += pss.ok_or("a process does not tell its memory")?;
    }
    Ok(kilobytes / 1024.0)
}
