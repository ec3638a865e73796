//! One running program a data folder.
//!
//! Owns: under which name a program on this data folder is found, and the lock
//! on the folder. Never: what is done with what the second one was started for.
//!
//! | folder | Linux | macOS, Windows |
//! |---|---|---|
//! | the usual one | a second start hands its words over and ends | the same |
//! | another (`--data`) | the same, under a name of its own | a second start says so and ends |
//!
//! tauri-plugin-single-instance knows a program by its identifier, and only on
//! Linux by another name: elsewhere a program on another folder would be taken
//! for the one on the usual folder. The lock holds everywhere, also where there
//! is no bus to find each other by; the core's own lock is an account's.

use std::{
    fs::{File, OpenOptions, TryLockError},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    io,
    path::Path,
};

use tauri::{AppHandle, Runtime, plugin::TauriPlugin};
use whinchat_core::product;

/// Held for as long as the program runs.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "closing the file unlocks it")] File);

/// Takes the data folder for this program; `None` where another has it.
///
/// # Errors
/// The system's, where the file can't be made.
pub fn lock(data: &Path) -> io::Result<Option<Lock>> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(data.join("lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(Lock(file))),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// The name that a program on this folder is found by; `None` for the usual one.
fn name(data: Option<&Path>) -> Option<String> {
    let folder = std::path::absolute(data?).ok()?;
    let folder = folder.canonicalize().unwrap_or(folder);
    let mut hasher = DefaultHasher::new();
    folder.hash(&mut hasher);
    Some(format!(
        "{}.at{:016x}",
        product::IDENTIFIER,
        hasher.finish()
    ))
}

/// What finds the program that runs on this folder already, and hands it the
/// words of this start. `None` where there is no way to.
pub fn plugin<R: Runtime>(
    data: Option<&Path>,
    heard: impl Fn(&AppHandle<R>, Vec<String>) + Send + Sync + 'static,
) -> Option<TauriPlugin<R>> {
    let builder = tauri_plugin_single_instance::Builder::new()
        .callback(move |app, words, _folder| heard(app, words));
    match name(data) {
        None => Some(builder.build()),
        Some(name) if cfg!(target_os = "linux") => Some(builder.dbus_id(name).build()),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_held_by_one() {
        let data = tempfile::tempdir().unwrap();
        let held = lock(data.path()).unwrap();
        assert!(held.is_some());
        assert!(lock(data.path()).unwrap().is_none());
        drop(held);
        assert!(lock(data.path()).unwrap().is_some());
        assert!(lock(&data.path().join("none")).is_err());
    }

    #[test]
    fn each_folder_has_a_name_of_its_own_however_it_is_written() {
        let data = tempfile::tempdir().unwrap();
        let other = tempfile::tempdir().unwrap();
        assert_eq!(name(None), None);
        let named = name(Some(data.path())).unwrap();
        assert_eq!(name(Some(&data.path().join("."))).unwrap(), named);
        assert_ne!(name(Some(other.path())).unwrap(), named);
        // As D-Bus has it: no part begins with a digit.
        assert!(
            named
                .split('.')
                .all(|part| part.starts_with(char::is_alphabetic))
        );
        assert!(name(Some(&data.path().join("not there yet"))).is_some());
    }
}
