//! The local database: SQLCipher, numbered migrations, queries by subject.
//!
//! Owns: the schema, every SQL statement, and what may be dropped and fetched
//! again. Never: a decision about what to fetch or send, a clock, a thread.
//!
//! Every function takes a [`Connection`]; inside a step that is the step's
//! transaction, elsewhere a short read transaction of its own.

pub mod conversations;
pub mod facts;
pub mod held;
pub mod index;
pub mod messages;
pub mod outbox;
pub mod people;
pub mod rebuild;
pub mod safety;
pub mod search;
pub mod whole;
pub mod words;

#[cfg(test)]
mod file_tests;

use std::{fs, path::Path, time::Duration};

use rusqlite::{Connection, OpenFlags, config::DbConfig, functions::FunctionFlags};

use crate::model::PersonId;

/// What can go wrong with the local database.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite said so. Its text never holds values, only names.
    #[error("database: {0}")]
    Sql(#[from] rusqlite::Error),
    /// The database's folder or file can't be used.
    #[error("database file: {0}")]
    File(#[from] std::io::Error),
    /// The file was written by a newer Whinchat.
    #[error("database of version {found}, newer than {known}")]
    TooNew {
        /// What the file says.
        found: u32,
        /// The newest that is known here.
        known: u32,
    },
    /// The database holds what this program never writes. Names a column.
    #[error("database holds no usable {0}")]
    Corrupt(&'static str),
}

/// What kind of trouble a [`StoreError`] is, as far as something follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The disk is full.
    Full,
    /// The file or its disk takes no writes.
    ReadOnly,
    /// Another program holds the file.
    Locked,
    /// Written by a newer Whinchat.
    TooNew,
    /// The file may be damaged: whoever has its key should look with
    /// [`rebuild::is_sound`].
    Doubtful,
    /// Anything else.
    Other,
}

impl StoreError {
    /// What kind of trouble this is.
    #[must_use]
    pub fn trouble(&self) -> Trouble {
        use rusqlite::ErrorCode;
        match self {
            Self::Sql(error) => match error.sqlite_error_code() {
                Some(ErrorCode::DiskFull) => Trouble::Full,
                Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => Trouble::ReadOnly,
                Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Trouble::Locked,
                // A forged page is one of these, by where SQLCipher meets it.
                Some(
                    ErrorCode::DatabaseCorrupt
                    | ErrorCode::NotADatabase
                    | ErrorCode::OutOfMemory
                    | ErrorCode::SystemIoFailure
                    | ErrorCode::Unknown,
                ) => Trouble::Doubtful,
                _ => Trouble::Other,
            },
            Self::File(error) => match error.kind() {
                std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
                    Trouble::Full
                }
                std::io::ErrorKind::ReadOnlyFilesystem | std::io::ErrorKind::PermissionDenied => {
                    Trouble::ReadOnly
                }
                _ => Trouble::Other,
            },
            Self::TooNew { .. } => Trouble::TooNew,
            // A wrong key or owner is no damage.
            Self::Corrupt("key" | "owner") => Trouble::Other,
            Self::Corrupt(_) => Trouble::Doubtful,
        }
    }
}

/// Where a database lies.
#[derive(Debug, Clone, Copy)]
pub enum Place<'a> {
    /// In an encrypted file.
    File(&'a Path),
    /// In memory only, gone with the connection.
    Memory,
}

/// A database key: 32 random bytes, wiped when dropped.
pub struct Key(pub [u8; 32]);

impl Drop for Key {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

fn wipe(bytes: &mut [u8]) {
    bytes.fill(0);
    std::hint::black_box(bytes);
}

const MIGRATIONS: &[&str] = &[
    include_str!("migrations/001.sql"),
    include_str!("migrations/002.sql"),
    include_str!("migrations/003.sql"),
    include_str!("migrations/004.sql"),
    include_str!("migrations/005.sql"),
    include_str!("migrations/006.sql"),
];

/// The newest schema that this program knows.
#[must_use]
pub fn newest_schema() -> u32 {
    u32::try_from(MIGRATIONS.len()).unwrap_or(u32::MAX)
}

/// Opens for reading and writing, migrating as needed; the file is made 0600.
///
/// # Errors
/// A wrong key, a damaged or newer file, a full disk.
pub fn open(place: Place<'_>, key: &Key) -> Result<Connection, StoreError> {
    let mut connection = match place {
        Place::File(path) => {
            private_file(path)?;
            let connection = Connection::open_with_flags(
                path,
                OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
            )?;
            unlock(&connection, key)?;
            connection
        }
        Place::Memory => Connection::open_in_memory()?,
    };
    settle(&connection)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    durable(&connection, true)?;
    // A table that is made anew must not take with it what refers to it.
    connection.pragma_update(None, "foreign_keys", false)?;
    migrate(&mut connection, place)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // Where every step was whole, nothing is noted.
    let tx = connection.transaction()?;
    index::update(&tx)?;
    tx.commit()?;
    Ok(connection)
}

/// How much of a file a reader keeps decrypted at most, in KiB, with a minus as
/// SQLite wants it. A search looks at a page of the file for each text; while a
/// word is being typed it looks at the same ones again at every letter.
const READERS_CACHE: i64 = -8_192;

/// Opens a second connection for reading only (`query_only`).
///
/// A WAL database opened read-only would still need its `-shm` writable, so
/// it is opened for writing and told not to.
///
/// # Errors
/// As [`open`].
pub fn open_reader(path: &Path, key: &Key) -> Result<Connection, StoreError> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    unlock(&connection, key)?;
    settle(&connection)?;
    connection.pragma_update(None, "cache_size", READERS_CACHE)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

/// Opens a file that may be damaged, for reading what is left of it. It is
/// neither migrated nor written.
///
/// # Errors
/// As [`open`].
fn open_damaged(path: &Path, key: &Key) -> Result<Connection, StoreError> {
    open_reader(path, key)
}

/// To be called before a transaction. What a person did, and what became of it
/// as long as something waits to be sent, must survive a loss of power; what
/// can be fetched again may be undone by one. `true`: this one survives.
///
/// # Errors
/// SQLite's.
pub fn before_transaction(connection: &Connection, ordered: bool) -> Result<bool, StoreError> {
    let kept = ordered || outbox::any(connection)?;
    durable(connection, kept)?;
    Ok(kept)
}

fn durable(connection: &Connection, yes: bool) -> Result<(), StoreError> {
    let level = if yes { "FULL" } else { "NORMAL" };
    connection.pragma_update(None, "synchronous", level)?;
    Ok(())
}

/// Writes down whose database this is. Once, right after it was made; the
/// same person again changes only the name.
///
/// # Errors
/// SQLite's, and another person's database.
pub fn set_me(connection: &Connection, me: PersonId, name: &str) -> Result<(), StoreError> {
    match facts::me(connection) {
        Ok(known) if known != me => return Err(StoreError::Corrupt("owner")),
        Ok(_) => {}
        Err(StoreError::Corrupt(_)) => facts::set(connection, facts::ME, &me.to_string())?,
        Err(error) => return Err(error),
    }
    people::save(
        connection,
        &crate::model::Person {
            id: me,
            name: name.to_owned(),
        },
    )?;
    Ok(())
}

/// Drops everything that can be fetched again; keeps what a person wrote and
/// has not been sent, drafts, and the names.
///
/// # Errors
/// SQLite's.
pub fn forget_fetched(tx: &Connection) -> Result<(), StoreError> {
    tx.execute_batch(
        "DELETE FROM message WHERE pending = 0;
         DELETE FROM tally;
         DELETE FROM held;
         DELETE FROM set_aside;
         UPDATE conversation SET unread = 0, read_stamp = NULL, read_id = NULL;
         DELETE FROM fact WHERE name IN ('listed', 'cursor_created', 'cursor_updated', 'offset');",
    )?;
    Ok(())
}

fn private_file(path: &Path) -> Result<(), StoreError> {
    let mut options = fs::OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?;
    Ok(())
}

fn unlock(connection: &Connection, key: &Key) -> Result<(), StoreError> {
    use std::fmt::Write as _;
    let mut pragma = String::with_capacity(96);
    pragma.push_str("PRAGMA key = \"x'");
    for byte in &key.0 {
        let _ = write!(pragma, "{byte:02x}");
    }
    pragma.push_str("'\"");
    let result = connection.execute_batch(&pragma);
    let mut bytes = pragma.into_bytes();
    wipe(&mut bytes);
    // The error is not passed on: SQLite may quote the statement, key and all.
    result.map_err(|_| StoreError::Corrupt("key"))
}

fn settle(connection: &Connection) -> Result<(), StoreError> {
    connection.busy_timeout(Duration::from_secs(5))?;
    // All that a step and a screen may ask.
    connection.set_prepared_statement_cache_capacity(128);
    // Else every statement with `LIMIT ?` is prepared anew whenever it is run.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    let kind = FunctionFlags::SQLITE_UTF8
        | FunctionFlags::SQLITE_DETERMINISTIC
        | FunctionFlags::SQLITE_INNOCUOUS;
    // The index is written with these.
    connection.create_scalar_function("indexed_words", 1, kind, |of| {
        Ok(words::indexed(of.get_raw(0).as_str()?))
    })?;
    connection.create_scalar_function("indexed_about", 2, kind, |of| {
        Ok(words::about(
            of.get_raw(0).as_str()?,
            of.get_raw(1).as_str()?,
        ))
    })?;
    // Reads the first page, so that a wrong key or a damaged file shows here.
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    Ok(())
}

fn migrate(connection: &mut Connection, place: Place<'_>) -> Result<(), StoreError> {
    let known = newest_schema();
    let found: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found > known {
        return Err(StoreError::TooNew { found, known });
    }
    if found == known {
        return Ok(());
    }
    if let (Place::File(path), true) = (place, found > 0) {
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        fs::copy(path, path.with_extension(format!("before-{known}")))?;
    }
    let tx = connection.transaction()?;
    for sql in MIGRATIONS.iter().skip(found as usize) {
        tx.execute_batch(sql)?;
    }
    tx.pragma_update(None, "user_version", known)?;
    tx.commit()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: Key = Key([7; 32]);

    #[test]
    fn the_file_is_private_encrypted_and_opens_only_with_its_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("chat.db");
        let connection = open(Place::File(&path), &KEY).unwrap();
        facts::set(&connection, "marker", "a very recognisable text").unwrap();
        drop(connection);
        let bytes = fs::read(&path).unwrap();
        assert!(!bytes.starts_with(b"SQLite format 3"));
        assert!(!bytes.windows(12).any(|part| part == b"recognisable"));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(
                fs::metadata(&path).unwrap().permissions().mode() & 0o777,
                0o600
            );
        }
        let error = open(Place::File(&path), &Key([8; 32])).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("0808"));
        let again = open_reader(&path, &KEY).unwrap();
        assert_eq!(
            facts::get(&again, "marker").unwrap().as_deref(),
            Some("a very recognisable text")
        );
        assert!(
            facts::set(&again, "marker", "x").is_err(),
            "a reader never writes"
        );
    }

    #[test]
    fn a_newer_database_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("chat.db");
        let connection = open(Place::File(&path), &KEY).unwrap();
        connection.pragma_update(None, "user_version", 999).unwrap();
        drop(connection);
        let error = open(Place::File(&path), &KEY).unwrap_err();
        assert!(
            matches!(error, StoreError::TooNew { found: 999, .. }),
            "{error:?}"
        );
    }

    #[test]
    fn another_persons_database_is_not_taken_over() {
        let connection = open(Place::Memory, &KEY).unwrap();
        let [alice, bob] = [1, 2].map(|n| PersonId::new(uuid::Uuid::from_u128(n)));
        set_me(&connection, alice, "Alice").unwrap();
        set_me(&connection, alice, "Alice Archer").unwrap();
        assert!(set_me(&connection, bob, "Bob").is_err());
        assert_eq!(facts::me(&connection).unwrap(), alice);
    }
}
