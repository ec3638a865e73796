//! Diagnostics, into a file of a person's own.
//!
//! Owns: the file, which is new, for its owner alone, and whole or not there.
//! Never: what is in it; that is `crate::diagnostics`'. It is never sent.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use super::{Messenger, keeper::wall};
use crate::{
    bridge::{Code, DiagnosticsSaved, Problem},
    diagnostics::Surroundings,
    model::AccountId,
    product,
};

/// Names that are tried where others are taken.
const NAMES: u32 = 100;

impl Messenger {
    /// Writes what an open account's engine was told into a new file in this
    /// folder.
    ///
    /// # Errors
    /// `account_unknown` where it is not open, `file_not_saved`; the database's.
    pub async fn save_diagnostics(
        &self,
        account: AccountId,
        folder: PathBuf,
        surroundings: Surroundings,
    ) -> Result<DiagnosticsSaved, Problem> {
        let account = self.running(account)?;
        let (bundle, written) = account.machine.diagnostics(surroundings).await?;
        let bytes = u64::try_from(bundle.len()).unwrap_or(u64::MAX);
        let stamp: String = wall().to_naive().replace('T', "-").replace(':', "");
        let saving = tokio::task::spawn_blocking(move || save(&folder, &stamp, &bundle));
        let path = saving
            .await
            .unwrap_or_else(|_| Err(io::Error::other("no thread")))
            .map_err(|error| problem(&error))?;
        tracing::info!(bytes, inputs = written.inputs, "diagnostics saved");
        Ok(DiagnosticsSaved {
            path: path.to_string_lossy().into_owned(),
            bytes,
            inputs: u32::try_from(written.inputs).unwrap_or(u32::MAX),
            from_the_beginning: written.from_the_beginning,
        })
    }
}

fn problem(error: &io::Error) -> Problem {
    let kind = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "full",
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => "denied",
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => "missing",
        _ => "other",
    };
    Problem::new(Code::FileNotSaved).with("kind", kind)
}

/// Writes a file that was not there, for its owner alone. What can't be written
/// whole is taken away again.
fn save(folder: &Path, stamp: &str, bytes: &[u8]) -> io::Result<PathBuf> {
    let name = product::NAME.to_lowercase();
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    for n in 1..=NAMES {
        let more = if n == 1 {
            String::new()
        } else {
            format!("-{n}")
        };
        let path = folder.join(format!("{name}-diagnostics-{stamp}{more}.jsonl"));
        let mut file = match options.open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
            Err(error) => return Err(error),
        };
        let whole = file.write_all(bytes).and_then(|()| file.sync_all());
        if let Err(error) = whole {
            let _ = fs::remove_file(&path);
            return Err(error);
        }
        return Ok(path);
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_a_new_one_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let first = save(folder.path(), "20261126-120000", b"one").unwrap();
        let second = save(folder.path(), "20261126-120000", b"two").unwrap();
        assert_ne!(first, second);
        assert_eq!(fs::read(&first).unwrap(), b"one");
        assert_eq!(fs::read(&second).unwrap(), b"two");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(
                fs::metadata(&first).unwrap().permissions().mode() & 0o777,
                0o600
            );
        }
    }

    #[test]
    fn where_there_is_no_folder_it_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let none = save(&folder.path().join("none"), "now", b"x").unwrap_err();
        assert_eq!(problem(&none).args["kind"], "missing");
        let file = folder.path().join("file");
        fs::write(&file, b"x").unwrap();
        let none = save(&file, "now", b"x").unwrap_err();
        assert_eq!(problem(&none).args["kind"], "missing");
        let full = io::Error::from(io::ErrorKind::StorageFull);
        assert_eq!(problem(&full).args["kind"], "full");
    }
}
