//! Who is using the cache.
//!
//! Everything that runs a Directus from it (tests, a demonstration, an install)
//! shares a lock until its process ends; whoever removes the cache must have
//! the lock alone. The lock's file stands beside the folder, so that it
//! outlives it. It holds nothing.

use crate::paths;
use crate::problem::{Doing, Outcome, Problem};
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// From now on, until this process ends, nobody removes the cache. Waits while somebody does.
pub fn share() -> Outcome {
    static SHARED: OnceLock<Outcome<File>> = OnceLock::new();
    match SHARED.get_or_init(|| share_at(&paths::cache()?)) {
        Ok(_) => Ok(()),
        Err(problem) => Err(problem.clone()),
    }
}

pub(crate) fn share_at(cache: &Path) -> Outcome<File> {
    let lock = open(cache)?;
    lock.lock_shared()
        .doing(|| format!("wait until {} is removed", cache.display()))?;
    Ok(lock)
}

/// The cache for this process alone, as long as the lock lives; refused while others use it.
pub fn alone(cache: &Path) -> Outcome<File> {
    let lock = open(cache)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(Problem::with_line(
            format!(
                "Tests, a demonstration or an install are using {} now: it would vanish under them. This shows who:",
                cache.display()
            ),
            if cfg!(target_os = "linux") {
                let name = lock_path(cache);
                let name = name.file_name().unwrap_or_default().to_string_lossy();
                format!("lslocks --output PID,COMMAND,PATH | grep '{name}'")
            } else {
                format!("lsof '{}'", lock_path(cache).display())
            },
        )),
        Err(TryLockError::Error(error)) => {
            Err(error).doing(|| format!("lock {}", lock_path(cache).display()))
        }
    }
}

fn open(cache: &Path) -> Outcome<File> {
    let path = lock_path(cache);
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).doing(|| format!("make {}", parent.display()))?;
    }
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .read(true)
        .open(&path)
        .doing(|| format!("write {}", path.display()))
}

fn lock_path(cache: &Path) -> PathBuf {
    cache.with_added_extension("lock")
}
