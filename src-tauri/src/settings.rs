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
use whinchat_core::{
    bridge::{Code, Problem},
    vault::write_private,
};

/// The settings, as the file and the page have them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// The account that was used last.
    pub account: Option<String>,
    /// What a newer version wrote here is kept for it.
    #[serde(flatten)]
    others: serde_json::Map<String, serde_json::Value>,
}

/// The settings of this device.
#[derive(Debug)]
pub struct Device {
    file: PathBuf,
    settings: Mutex<Settings>,
}

impl Device {
    /// Reads them from this data folder. Where there are none, or none that
    /// can be read, they are as on a new device.
    pub fn open(data: &Path) -> Self {
        let file = data.join("settings.json");
        let settings = match fs::read(&file) {
            Ok(bytes) => serde_json::from_slice(&bytes).unwrap_or_else(|_| {
                tracing::warn!("the settings can't be read");
                Settings::default()
            }),
            Err(_) => Settings::default(),
        };
        Self {
            file,
            settings: Mutex::new(settings),
        }
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
        let failed = || Problem::new(Code::StorageFailed).with("kind", "settings");
        let bytes = serde_json::to_vec_pretty(&*settings).map_err(|_| failed())?;
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
