//! Where things are kept between runs.
//!
//! The cache holds what can be fetched or made again (Directus, template
//! databases, tools); the data folder holds the demo. Both can be moved by a
//! variable of our own, which the tests use.

use crate::name;
use crate::problem::{Doing, Outcome, Problem};
use std::env;
use std::fs;
use std::path::{Path, PathBuf};

/// The folder for what can be fetched again: `$XDG_CACHE_HOME/NAME` or `~/.cache/NAME`
/// (on Windows `%LOCALAPPDATA%\NAME\cache`). The variable `NAME_XTASK_CACHE` moves it.
pub fn cache() -> Outcome<PathBuf> {
    let program = name::program();
    place(
        &name::variable("CACHE"),
        "XDG_CACHE_HOME",
        ".cache",
        program,
        &format!("{program}\\cache"),
    )
}

/// The demo's folder: `$XDG_DATA_HOME/NAME-demo` or `~/.local/share/NAME-demo`
/// (on Windows `%LOCALAPPDATA%\NAME-demo`). The variable `NAME_XTASK_DEMO` moves it.
pub fn demo() -> Outcome<PathBuf> {
    let folder = format!("{}-demo", name::program());
    place(
        &name::variable("DEMO"),
        "XDG_DATA_HOME",
        ".local/share",
        &folder,
        &folder,
    )
}

fn place(ours: &str, xdg: &str, below_home: &str, name: &str, windows: &str) -> Outcome<PathBuf> {
    if let Some(path) = set(ours) {
        return Ok(path);
    }
    if cfg!(windows) {
        return set("LOCALAPPDATA")
            .map(|base| base.join(windows))
            .ok_or_else(|| {
                Problem::new("LOCALAPPDATA is not set, so there is no place for files.")
            });
    }
    if let Some(base) = set(xdg).filter(|base| base.is_absolute()) {
        return Ok(base.join(name));
    }
    env::home_dir()
        .filter(|home| home.is_absolute())
        .map(|home| home.join(below_home).join(name))
        .ok_or_else(|| Problem::with_line("There is no home folder.", "export HOME=/home/you"))
}

fn set(variable: &str) -> Option<PathBuf> {
    env::var_os(variable)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}

/// The repository this crate was built from.
pub fn repository() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent()
        .and_then(Path::parent)
        .unwrap_or(here)
        .to_path_buf()
}

/// Where cargo puts what it builds.
pub fn target() -> PathBuf {
    set("CARGO_TARGET_DIR").unwrap_or_else(|| repository().join("target"))
}

/// A program of this workspace, as `cargo build` leaves it.
pub fn built(program: &str) -> PathBuf {
    target()
        .join("debug")
        .join(format!("{program}{}", env::consts::EXE_SUFFIX))
}

/// A program of this workspace, as `cargo build --release` leaves it.
pub fn released(program: &str) -> PathBuf {
    target()
        .join("release")
        .join(format!("{program}{}", env::consts::EXE_SUFFIX))
}

/// Bytes in all files below `folder`; 0 where there is none. Links are not followed.
pub fn size(folder: &Path) -> u64 {
    let mut total = 0;
    let mut open = vec![folder.to_path_buf()];
    while let Some(folder) = open.pop() {
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries.flatten() {
            let Ok(meta) = entry.metadata() else { continue };
            if meta.is_dir() {
                open.push(entry.path());
            } else {
                total += meta.len();
            }
        }
    }
    total
}

/// Writes a file that only its owner may read, whole or not at all.
pub fn write_private(path: &Path, text: &str) -> Outcome {
    use std::io::Write;
    let part = path.with_extension(format!("part-{}", std::process::id()));
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    let write = || {
        let mut file = options.open(&part)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&part, path)
    };
    write().doing(|| format!("write {}", path.display()))
}

/// Makes a folder that only its owner may enter.
pub fn make_private(folder: &Path) -> Outcome {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder
        .create(folder)
        .doing(|| format!("make the folder {}", folder.display()))
}

/// Removes a folder if it is there.
pub fn remove(folder: &Path) -> Outcome {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).doing(|| format!("remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}

/// Bytes free for this person on the disk that holds `folder` (or its nearest parent).
/// `None` where the system's `df` does not say.
pub fn free_space(folder: &Path) -> Option<u64> {
    let there = folder.ancestors().find(|path| path.exists())?;
    let output = std::process::Command::new("df")
        .arg("-Pk")
        .arg(there)
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let kilobytes: u64 = text
        .lines()
        .nth(1)?
        .split_whitespace()
        .nth(3)?
        .parse()
        .ok()?;
    Some(kilobytes.saturating_mul(1024))
}

/// Removes a file if it is there.
pub fn remove_file(path: &Path) -> Outcome {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).doing(|| format!("remove {}", path.display()))
        }
        _ => Ok(()),
    }
}
