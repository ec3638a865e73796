//! Names of people.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::StoreError;
use crate::model::{Person, PersonId};

/// How names are compared when searching: lower case, whole words apart.
#[must_use]
pub fn fold(text: &str) -> String {
    text.to_lowercase()
}

/// Writes a person down; says whether anything changed.
///
/// # Errors
/// SQLite's.
pub fn save(tx: &Connection, person: &Person) -> Result<bool, StoreError> {
    let changed = tx
        .prepare_cached(
            "INSERT INTO person (id, name, folded) VALUES (?1, ?2, ?3)
             ON CONFLICT (id) DO UPDATE SET name = excluded.name, folded = excluded.folded
             WHERE name <> excluded.name",
        )?
        .execute(params![
            person.id.to_string(),
            person.name,
            fold(&person.name)
        ])?;
    Ok(changed > 0)
}

/// A person's name, if it is known.
///
/// # Errors
/// SQLite's.
pub fn name(tx: &Connection, id: PersonId) -> Result<Option<String>, StoreError> {
    Ok(tx
        .prepare_cached("SELECT name FROM person WHERE id = ?1")?
        .query_row([id.to_string()], |row| row.get(0))
        .optional()?)
}

/// People whose name holds `query`, by name.
///
/// # Errors
/// SQLite's.
pub fn find(
    tx: &Connection,
    query: &str,
    offset: u32,
    limit: u32,
) -> Result<Vec<Person>, StoreError> {
    let mut statement = tx.prepare_cached(
        "SELECT id, name FROM person WHERE instr(folded, ?1) > 0 OR ?1 = ''
         ORDER BY folded, id LIMIT ?2 OFFSET ?3",
    )?;
    let rows = statement.query_map(params![fold(query.trim()), limit, offset], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?))
    })?;
    let mut people = Vec::new();
    for row in rows {
        let (id, name) = row?;
        people.push(Person {
            id: id.parse().map_err(|_| StoreError::Corrupt("person.id"))?,
            name,
        });
    }
    Ok(people)
}
