//! The sessions of an open account: which token is used now, and renewing.
//!
//! Owns: that one renewal runs at a time, and that what was granted is in the
//! vault before it is used or answered. Never: when to renew.
//!
//! An answer that is lost on the way leaves the vault as it was: the session
//! can be asked for again within the server's grace, and after that there are
//! the spares. A spare whose answer is lost is dead, and the next one takes its
//! place. An answer that arrives and can't be stored is kept here, unused, until
//! it can; the vault is offered it again by itself, for nobody may ask for a
//! renewal while there is no network, and a process that ends would take it along.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant as Clock},
};

use chrono::Utc;
use futures_util::future::join_all;
use secrecy::SecretString;
use tokio::sync::Mutex;

use crate::{
    bridge::Problem,
    directus::{
        call::Fault,
        http::Http,
        sessions::{self, Fresh, Pair},
    },
    engine::{Credential, Granted, Sessions},
    model::Instant,
    vault::{StoredSessions, Vault},
};

/// How long the engine is told to wait when the vault does not take a session,
/// and how often the vault is offered it meanwhile; in milliseconds.
pub const VAULT_RETRY: u32 = 5_000;

/// See the module.
pub struct Keeper {
    http: Http,
    state: Mutex<State>,
    token: RwLock<Option<SecretString>>,
}

struct State {
    vault: Arc<Vault>,
    sessions: StoredSessions,
    unstored: Option<Unstored>,
    /// Somebody offers it to the vault.
    offering: bool,
}

/// What was granted and is not in the vault yet.
struct Unstored {
    credential: Credential,
    token: SecretString,
    asked: Clock,
    lifetime: i64,
}

impl State {
    /// Whether all that was granted is in the vault.
    async fn stored(&self) -> bool {
        self.unstored.is_none() || self.vault.store_sessions(&self.sessions).await.is_ok()
    }
}

/// The wall clock, for the ends of tokens.
#[must_use]
pub fn wall() -> Instant {
    Instant(Utc::now().timestamp_millis())
}

impl Keeper {
    /// A keeper of these sessions, which are in the vault.
    #[must_use]
    pub fn new(http: Http, vault: Arc<Vault>, sessions: StoredSessions) -> Self {
        let token = sessions.session.as_ref().map(|(s, _)| s.token.clone());
        Self {
            http,
            state: Mutex::new(State {
                vault,
                sessions,
                unstored: None,
                offering: false,
            }),
            token: RwLock::new(token),
        }
    }

    /// The client that these sessions are for.
    #[must_use]
    pub const fn http(&self) -> &Http {
        &self.http
    }

    /// The token that was granted last.
    #[must_use]
    pub fn token(&self) -> Option<SecretString> {
        self.token
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn set_token(&self, token: Option<SecretString>) {
        *self.token.write().unwrap_or_else(PoisonError::into_inner) = token;
    }

    /// What there is to go on with.
    pub async fn held(&self) -> Sessions {
        let state = self.state.lock().await;
        Sessions {
            session: state.sessions.session.as_ref().map(|(_, end)| *end),
            spare: !state.sessions.spares.is_empty(),
        }
    }

    /// As they are now.
    pub async fn sessions(&self) -> StoredSessions {
        self.state.lock().await.sessions.clone()
    }

    /// Keeps them in this vault from now on. Where it does not take them now, it is given
    /// them at the next change.
    pub async fn keep_in(&self, vault: Arc<Vault>) {
        let mut state = self.state.lock().await;
        state.vault = vault;
        // One may have been renewed since they were written there.
        let _ = state.vault.store_sessions(&state.sessions).await;
    }

    /// A person has signed in again: stores these in place of the others.
    ///
    /// # Errors
    /// `vault_unavailable`: the others are still there.
    pub async fn replace(&self, sessions: StoredSessions) -> Result<(), Problem> {
        let mut state = self.state.lock().await;
        state.vault.store_sessions(&sessions).await?;
        self.set_token(sessions.session.as_ref().map(|(s, _)| s.token.clone()));
        state.sessions = sessions;
        state.unstored = None;
        Ok(())
    }

    /// Renews one credential. Not to be dropped half-way: an answer that is on
    /// its way would be lost.
    ///
    /// # Errors
    /// [`Fault::SignIn`] and [`Fault::Permanent`]: it is dead.
    pub async fn renew(&self, credential: Credential) -> Result<Granted, Fault> {
        let mut state = self.state.lock().await;
        let asked = Clock::now();
        if state.unstored.is_some() {
            let granted = self.store(&mut state, asked).await?;
            if granted.credential == credential && granted.lifetime > 0 {
                return Ok(granted);
            }
        }
        let asked_wall = wall();
        let (token, lifetime) = match credential {
            Credential::Session => {
                let Some((old, _)) = &state.sessions.session else {
                    return Err(Fault::SignIn);
                };
                match sessions::renew_session(&self.http, old).await {
                    Ok(Fresh { granted, lifetime }) => {
                        let token = granted.token.clone();
                        state.sessions.session = Some((granted, asked_wall.plus(lifetime)));
                        (token, lifetime)
                    }
                    Err(fault) => return Err(self.failed(&mut state, credential, fault).await),
                }
            }
            Credential::Spare => {
                let Fresh { granted, lifetime } = self.renew_spares(&mut state).await?;
                (granted.access, lifetime)
            }
        };
        state.unstored = Some(Unstored {
            credential,
            token,
            asked,
            lifetime,
        });
        self.store(&mut state, asked).await
    }

    /// Renews the spare that waited longest; where the server does not know it
    /// any more, the next.
    async fn renew_spares(&self, state: &mut State) -> Result<Fresh<Pair>, Fault> {
        loop {
            let Some(old) = state.sessions.spares.first() else {
                return Err(Fault::SignIn);
            };
            match sessions::renew_spare(&self.http, old).await {
                Ok(fresh) => {
                    state.sessions.spares.remove(0);
                    state.sessions.spares.push(fresh.granted.refresh.clone());
                    return Ok(fresh);
                }
                Err(fault) => {
                    let fault = self.failed(state, Credential::Spare, fault).await;
                    if fault != Fault::SignIn {
                        return Err(fault);
                    }
                }
            }
        }
    }

    /// Puts what was granted into the vault, and only then into use. `asked` is
    /// the moment of this question, from which the lifetime is counted.
    async fn store(&self, state: &mut State, asked: Clock) -> Result<Granted, Fault> {
        if state.vault.store_sessions(&state.sessions).await.is_err() {
            return Err(Fault::Transient {
                retry_after: Some(i64::from(VAULT_RETRY)),
                status: 0,
            });
        }
        let Some(unstored) = state.unstored.take() else {
            return Err(Fault::Network);
        };
        self.set_token(Some(unstored.token));
        let waited = asked.saturating_duration_since(unstored.asked).as_millis();
        let waited = i64::try_from(waited).unwrap_or(i64::MAX);
        Ok(Granted {
            credential: unstored.credential,
            lifetime: unstored.lifetime.saturating_sub(waited),
        })
    }

    /// A credential that the server calls dead is not asked for again at the
    /// next start. Whether the vault takes that is of no account.
    async fn failed(&self, state: &mut State, credential: Credential, fault: Fault) -> Fault {
        if fault == Fault::SignIn {
            tracing::warn!(?credential, "the server does not know it any more");
            match credential {
                Credential::Session => state.sessions.session = None,
                Credential::Spare => drop(state.sessions.spares.remove(0)),
            }
            let _ = state.vault.store_sessions(&state.sessions).await;
        }
        fault
    }

    /// Offers the vault what it did not take, this often, until it takes it or
    /// there is nothing to take any more. It comes into use with the next
    /// renewal. Returns at once where somebody else is at it.
    pub async fn offer(&self, every: Duration) {
        {
            let mut state = self.state.lock().await;
            if state.unstored.is_none() || std::mem::replace(&mut state.offering, true) {
                return;
            }
        }
        loop {
            tokio::time::sleep(every).await;
            let mut state = self.state.lock().await;
            if state.stored().await {
                state.offering = false;
                return;
            }
        }
    }

    /// Waits until no renewal is under way and tries once more to store what was
    /// granted, at most this long.
    pub async fn settle(&self, patience: Duration) {
        let settled = async { self.state.lock().await.stored().await };
        let _ = tokio::time::timeout(patience, settled).await;
    }

    /// Ends both sessions on the server, within `patience`. `true` if the
    /// server knows.
    pub async fn end(&self, patience: Duration) -> bool {
        let ended = async {
            let state = self.state.lock().await;
            end_sessions(&self.http, &state.sessions).await
        };
        let ended = tokio::time::timeout(patience, ended).await.unwrap_or(false);
        self.set_token(None);
        ended
    }
}

/// Ends these sessions, all at once. `true` if the server knows.
pub async fn end_sessions(http: &Http, sessions: &StoredSessions) -> bool {
    let session = async {
        match &sessions.session {
            Some((session, _)) => sessions::end_session(http, session).await.is_ok(),
            None => true,
        }
    };
    let spares = join_all(
        sessions
            .spares
            .iter()
            .map(|spare| sessions::end_spare(http, spare)),
    );
    let (session, spares) = tokio::join!(session, spares);
    session && spares.iter().all(Result::is_ok)
}
