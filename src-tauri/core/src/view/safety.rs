//! What a screen shows of blocks, reports, terms and the owner.

use rusqlite::Connection;

use crate::{
    bridge::{BlockReach, BlockedRow, Safety, TermsAccepted},
    product,
    store::{
        StoreError, facts, people,
        safety::{self as kept, BlockState},
    },
};

/// All of it.
///
/// # Errors
/// SQLite's.
pub fn safety(connection: &Connection) -> Result<Safety, StoreError> {
    let owner = kept::owner(connection)?;
    let plain = owner.as_ref().is_some_and(|owner| !owner.has_blocks());
    let owner = owner.unwrap_or_default();
    let mut blocked = Vec::new();
    for block in kept::blocks(connection)? {
        if !block.wanted {
            continue;
        }
        blocked.push(BlockedRow {
            person: block.person.to_string(),
            name: people::name(connection, block.person)?.unwrap_or_default(),
            since: block.since.0,
            reach: match block.state {
                BlockState::Told => BlockReach::Server,
                BlockState::Waiting if !plain => BlockReach::Waiting,
                BlockState::Waiting | BlockState::Refused => BlockReach::Device,
            },
        });
    }
    blocked.sort_by(|a, b| {
        (people::fold(&a.name), &a.person).cmp(&(people::fold(&b.name), &b.person))
    });
    let (reports_waiting, reports_refused) = kept::reports(connection)?;
    Ok(Safety {
        terms_version: product::TERMS,
        accepted: kept::accepted(connection)?.map(|accepted| TermsAccepted {
            version: accepted.version,
            at: accepted.at,
        }),
        blocks_on_server: owner.has_blocks(),
        reports_on_server: owner.has_reports(),
        contact: owner.contact,
        owner_terms: owner.terms,
        blocked,
        reports_waiting,
        reports_refused,
        deletion_asked: facts::instant(connection, kept::DELETION)?.map(|at| at.0),
    })
}
