//! Sessions and tokens, with the two ways in which Directus renews them.
//!
//! ```text
//! mode session: token --renew--> next token        (again within the grace: the same next)
//!               token --grace over--> dead          token --logout--> dead at once
//! mode json:    refresh --renew--> next refresh, access   (old refresh dead at once)
//! ```
//!
//! Owns: which token is good until when. Never: what it allows.

use std::collections::BTreeMap;

use whinchat_core::model::PersonId;

/// `SESSION_REFRESH_GRACE_PERIOD`.
pub const GRACE: i64 = 10_000;

/// How long tokens live, in milliseconds.
#[derive(Debug, Clone, Copy)]
pub struct Lifetimes {
    /// `SESSION_COOKIE_TTL`.
    pub session: i64,
    /// `ACCESS_TOKEN_TTL`.
    pub access: i64,
    /// `REFRESH_TOKEN_TTL`.
    pub refresh: i64,
}

#[derive(Debug, Clone)]
struct Session {
    person: PersonId,
    ends: i64,
    next: Option<String>,
    replaced_at: Option<i64>,
}

#[derive(Debug, Clone)]
struct Refresh {
    person: PersonId,
    ends: i64,
}

/// Everything that is signed in.
#[derive(Debug, Clone)]
pub struct SessionTable {
    /// How long tokens live.
    pub lifetimes: Lifetimes,
    counter: u64,
    sessions: BTreeMap<String, Session>,
    refreshes: BTreeMap<String, Refresh>,
    access: BTreeMap<String, (PersonId, i64)>,
    /// Refresh tokens that were used just now.
    spent: BTreeMap<String, (PersonId, i64)>,
}

/// Two renewals with one refresh token this close together are both answered
/// with 200, and only the first one's tokens work.
const RACE: i64 = 200;

/// Why a token is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// 401 `TOKEN_EXPIRED`.
    Expired,
    /// 401 `INVALID_CREDENTIALS`.
    Invalid,
}

/// What a renewal of the spare gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotated {
    /// The new refresh token.
    pub refresh: String,
    /// The new access token.
    pub access: String,
}

impl SessionTable {
    /// Nobody is signed in.
    #[must_use]
    pub const fn new(lifetimes: Lifetimes) -> Self {
        Self {
            lifetimes,
            counter: 0,
            sessions: BTreeMap::new(),
            refreshes: BTreeMap::new(),
            access: BTreeMap::new(),
            spent: BTreeMap::new(),
        }
    }

    fn name(&mut self, kind: &str) -> String {
        self.counter += 1;
        format!("{kind}-{:06}", self.counter)
    }

    /// Signs in for a session; its token.
    pub fn open_session(&mut self, person: PersonId, now: i64) -> String {
        let token = self.name("session");
        let session = Session {
            person,
            ends: now + self.lifetimes.session,
            next: None,
            replaced_at: None,
        };
        self.sessions.insert(token.clone(), session);
        token
    }

    /// Signs in with `mode: json`; the refresh token.
    pub fn open_spare(&mut self, person: PersonId, now: i64) -> String {
        let token = self.name("refresh");
        let ends = now + self.lifetimes.refresh;
        self.refreshes
            .insert(token.clone(), Refresh { person, ends });
        token
    }

    /// Who a bearer or socket token speaks for, and until when.
    ///
    /// # Errors
    /// A token that is over or was never given.
    pub fn check(&self, token: &str, now: i64) -> Result<(PersonId, i64), Refused> {
        if let Some(session) = self.sessions.get(token) {
            let dead = session.replaced_at.is_some_and(|at| now > at + GRACE);
            if now >= session.ends {
                return Err(Refused::Expired);
            }
            if dead {
                return Err(Refused::Invalid);
            }
            return Ok((session.person, session.ends));
        }
        match self.access.get(token) {
            Some((_, ends)) if now >= *ends => Err(Refused::Expired),
            Some((person, ends)) => Ok((*person, *ends)),
            None => Err(Refused::Invalid),
        }
    }

    /// `POST /auth/refresh {"mode":"session"}` with the cookie: the next
    /// session, and whether it was given before.
    ///
    /// # Errors
    /// A session that is over, revoked, or was replaced too long ago.
    pub fn renew_session(&mut self, token: &str, now: i64) -> Result<(String, bool), Refused> {
        let session = self.sessions.get(token).ok_or(Refused::Invalid)?.clone();
        if now >= session.ends {
            return Err(Refused::Invalid);
        }
        if let (Some(next), Some(at)) = (session.next, session.replaced_at) {
            return if now <= at + GRACE {
                Ok((next, true))
            } else {
                Err(Refused::Invalid)
            };
        }
        let next = self.open_session(session.person, now);
        if let Some(old) = self.sessions.get_mut(token) {
            old.next = Some(next.clone());
            old.replaced_at = Some(now);
        }
        Ok((next, false))
    }

    /// `POST /auth/refresh {"mode":"json"}`.
    ///
    /// # Errors
    /// A refresh token that was used, is over, or was never given.
    pub fn renew_spare(&mut self, token: &str, now: i64) -> Result<Rotated, Refused> {
        let Some(old) = self.refreshes.remove(token) else {
            let raced = self
                .spent
                .get(token)
                .is_some_and(|(_, at)| now - at <= RACE);
            return if raced {
                Ok(Rotated {
                    refresh: self.name("refresh"),
                    access: self.name("access"),
                })
            } else {
                Err(Refused::Invalid)
            };
        };
        self.spent.insert(token.to_owned(), (old.person, now));
        if now >= old.ends {
            return Err(Refused::Invalid);
        }
        let refresh = self.open_spare(old.person, now);
        let access = self.name("access");
        self.access
            .insert(access.clone(), (old.person, now + self.lifetimes.access));
        Ok(Rotated { refresh, access })
    }

    /// Whether a refresh token would still be taken.
    #[must_use]
    pub fn spare_lives(&self, token: &str, now: i64) -> bool {
        self.refreshes
            .get(token)
            .is_some_and(|refresh| now < refresh.ends)
    }

    /// Whether a session's token would still be renewed.
    #[must_use]
    pub fn session_lives(&self, token: &str, now: i64) -> bool {
        self.sessions.get(token).is_some_and(|session| {
            now < session.ends && session.replaced_at.is_none_or(|at| now <= at + GRACE)
        })
    }

    /// Ends every session of a person at once, as suspension and a password
    /// change do; access tokens already given live on.
    pub fn revoke(&mut self, person: PersonId) {
        self.sessions.retain(|_, session| session.person != person);
        self.refreshes.retain(|_, refresh| refresh.person != person);
    }
}
