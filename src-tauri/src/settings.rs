//! What this device remembers between two starts, beside the accounts.
//!
//! Owns: `settings.json` in the data folder (0600), read once, before the
//! window is made. Never: a secret, or anything of one account alone; that is
//! the core's.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use whinchat_core::{
    bridge::{Code, Problem},
    vault::write_private,
};

/// Light or dark, as a person chose it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Theme {
    /// Light.
    Light,
    /// Dark.
    Dark,
    /// As the desktop has it; also what a newer version wrote and nobody here knows.
    #[default]
    #[serde(other)]
    System,
}

/// Hours without notices, in minutes after local midnight. From 22:00 until
/// 7:00 goes over midnight; from an hour until the same hour is never.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quiet {
    /// When they begin.
    pub from: u16,
    /// When they have ended.
    pub until: u16,
}

impl Quiet {
    /// Whether this minute of the day lies within.
    #[must_use]
    pub const fn holds(self, minute: u16) -> bool {
        if self.from <= self.until {
            self.from <= minute && minute < self.until
        } else {
            self.from <= minute || minute < self.until
        }
    }
}

/// What a person chose for this device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Choices {
    /// Light or dark.
    pub theme: Theme,
    /// The size of all text, in percent of the system's.
    pub text_size: u16,
    /// Whether more stands on one screen, with less room around it.
    pub compact: bool,
    /// Whether new messages raise notices.
    pub notices: bool,
    /// Whether a notice tells what was written.
    pub show_text: bool,
    /// Hours without notices.
    pub quiet: Option<Quiet>,
    /// Whether closing the window leaves the program running.
    pub close_to_tray: bool,
    /// After so many minutes without use, what has a passphrase is locked.
    pub lock_after: Option<u16>,
    /// Whether a phone keeps the screen out of pictures and its overview of apps.
    pub hide_screen: bool,
}

impl Default for Choices {
    fn default() -> Self {
        Self {
            theme: Theme::System,
            text_size: 100,
            compact: false,
            notices: true,
            show_text: true,
            quiet: None,
            close_to_tray: false,
            lock_after: None,
            hide_screen: false,
        }
    }
}

/// The sizes of text that may be chosen, in percent.
const SIZES: std::ops::RangeInclusive<u16> = 80..=200;
/// Minutes of a day.
const DAY: u16 = 24 * 60;

impl Choices {
    /// The same within what makes sense, whoever wrote it.
    #[must_use]
    fn sane(mut self) -> Self {
        self.text_size = self.text_size.clamp(*SIZES.start(), *SIZES.end());
        self.quiet = self
            .quiet
            .filter(|quiet| quiet.from < DAY && quiet.until < DAY);
        self.lock_after = self.lock_after.map(|minutes| minutes.clamp(1, DAY));
        self
    }
}

/// The settings, as the file and the page have them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// The account that was used last.
    pub account: Option<String>,
    /// What a person chose.
    pub choices: Choices,
    /// What a newer version wrote here is kept for it.
    #[serde(flatten)]
    others: serde_json::Map<String, serde_json::Value>,
}

/// The settings of this device.
#[derive(Debug)]
pub struct Device {
    data: PathBuf,
    file: PathBuf,
    settings: Mutex<Settings>,
    chosen: Notify,
}

impl Device {
    /// Reads them from this data folder. Where there are none, or none that
    /// can be read, they are as on a new device.
    pub fn open(data: &Path) -> Self {
        let file = data.join("settings.json");
        let mut settings = match fs::read(&file) {
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_else(|_| {
                tracing::warn!("the settings can't be read");
                Settings::default()
            }),
            Err(_) => Settings::default(),
        };
        settings.choices = settings.choices.sane();
        Self {
            data: data.to_owned(),
            file,
            settings: Mutex::new(settings),
            chosen: Notify::new(),
        }
    }

    /// The data folder.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// As they are now.
    pub fn settings(&self) -> Settings {
        self.settings
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Remembers the account that is used.
    ///
    /// # Errors
    /// `storage_failed`: it is remembered until the end of the program only.
    pub fn remember(&self, account: String) -> Result<(), Problem> {
        let mut settings = self.settings.lock().unwrap_or_else(PoisonError::into_inner);
        if settings.account.as_ref() == Some(&account) {
            return Ok(());
        }
        settings.account = Some(account);
        self.write(&settings)
    }

    /// Keeps what a person chose, and gives it as it is kept.
    ///
    /// # Errors
    /// `storage_failed`: it is kept until the end of the program only.
    pub fn choose(&self, choices: Choices) -> Result<Choices, Problem> {
        let choices = choices.sane();
        let mut settings = self.settings.lock().unwrap_or_else(PoisonError::into_inner);
        if settings.choices != choices {
            settings.choices = choices.clone();
            self.chosen.notify_one();
            self.write(&settings)?;
        }
        Ok(choices)
    }

    /// Lets the one who waits for a choice look at the clock now.
    #[cfg(mobile)]
    pub fn look(&self) {
        self.chosen.notify_one();
    }

    /// Waits until something else is chosen; for one who waits.
    pub async fn changed(&self) {
        self.chosen.notified().await;
    }

    fn write(&self, settings: &Settings) -> Result<(), Problem> {
        let failed = || Problem::new(Code::StorageFailed).with("kind", "settings");
        let bytes = serde_json::to_vec_pretty(settings).map_err(|_| failed())?;
        write_private(&self.file, &bytes).map_err(|_| failed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_account_that_was_used_last_is_remembered() {
        let data = tempfile::tempdir().unwrap();
        assert_eq!(Device::open(data.path()).settings(), Settings::default());
        let device = Device::open(data.path());
        device.remember("one".to_owned()).unwrap();
        device.remember("two".to_owned()).unwrap();
        let again = Device::open(data.path()).settings();
        assert_eq!(again.account.as_deref(), Some("two"));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let file = fs::metadata(data.path().join("settings.json")).unwrap();
            assert_eq!(file.permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn what_was_chosen_is_kept_within_what_makes_sense() {
        let data = tempfile::tempdir().unwrap();
        let device = Device::open(data.path());
        let chosen = Choices {
            theme: Theme::Dark,
            text_size: 5000,
            quiet: Some(Quiet {
                from: 22 * 60,
                until: 24 * 60,
            }),
            close_to_tray: true,
            ..Choices::default()
        };
        let kept = device.choose(chosen).unwrap();
        assert_eq!((kept.text_size, kept.quiet), (200, None));
        assert_eq!(Device::open(data.path()).settings().choices, kept);
        // What an older version left out is as on a new device, and what a
        // newer one wrote takes nothing else with it.
        let file = data.path().join("settings.json");
        let newer = br#"{"account":"one","choices":{"theme":"sepia","text_size":1,"tint":3}}"#;
        fs::write(&file, newer).unwrap();
        let settings = Device::open(data.path()).settings();
        assert_eq!(settings.account.as_deref(), Some("one"));
        let mended = Choices {
            text_size: 80,
            ..Choices::default()
        };
        assert_eq!(settings.choices, mended);
    }

    #[test]
    fn quiet_hours_go_over_midnight() {
        let at = |from: u16, until: u16, minute: u16| Quiet { from, until }.holds(minute);
        let (ten, seven, noon) = (22 * 60, 7 * 60, 12 * 60);
        assert!(at(ten, seven, ten) && at(ten, seven, 0) && at(ten, seven, seven - 1));
        assert!(!at(ten, seven, seven) && !at(ten, seven, noon));
        assert!(at(seven, noon, seven) && !at(seven, noon, noon) && !at(seven, noon, 0));
        assert!(!at(noon, noon, noon), "never");
    }

    #[test]
    fn what_cannot_be_read_is_as_new_and_what_is_not_known_is_kept() {
        let data = tempfile::tempdir().unwrap();
        let file = data.path().join("settings.json");
        fs::write(&file, b"{ half").unwrap();
        assert_eq!(Device::open(data.path()).settings(), Settings::default());
        fs::write(&file, br#"{"account":null,"colour":"blue"}"#).unwrap();
        let device = Device::open(data.path());
        device.remember("one".to_owned()).unwrap();
        let text = fs::read_to_string(&file).unwrap();
        assert!(text.contains("blue") && text.contains("one"), "{text}");
        fs::remove_dir_all(data.path()).unwrap();
        let failed = device.remember("two".to_owned()).unwrap_err();
        assert_eq!(failed.code, Code::StorageFailed);
        assert_eq!(device.settings().account.as_deref(), Some("two"));
    }
}
