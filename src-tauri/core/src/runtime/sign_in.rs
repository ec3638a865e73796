//! Signing in: how an account comes to this device, or back to its server.
//!
//! Owns: the order of things. Whatever fails, no half of an account is left:
//! not on the server (both sessions are ended), not here.
//!
//! ```text
//!  address -> Directus? -> vault works? -> e-mail, password, code -> who am I
//!   -> WebSockets, collection -> known already? -> record, key, database, sessions
//! ```

use std::{sync::Arc, time::Duration};

use secrecy::SecretString;

use super::{
    InMemory, Messenger, Record, Stage,
    keeper::{end_sessions, wall},
    locked, store_problem,
    stream::SessionState,
};
use crate::{
    bridge::{AccountSummary, Action, Code, Problem, SignIn, VaultKind},
    directus::{
        address::Server,
        call::{Answer, Call, Fault, Reason},
        discover,
        http::Http,
        sessions::{self, Login},
    },
    model::{AccountId, Person, Stamps},
    store::{self, Key, Place},
    vault::{self, StoredSessions, Vault, passphrase_file},
};

/// What the server granted, and to whom.
struct SignedIn {
    sessions: StoredSessions,
    me: Person,
}

impl Messenger {
    /// Signs in: makes a new account, or renews the sessions of one.
    ///
    /// # Errors
    /// Those of [`Messenger::discover`]; `password_wrong`, `code_needed`,
    /// `code_wrong`, `suspended`, `too_many_tries`, `server_busy`,
    /// `websockets_off`, `chat_missing`, or in their place `set_up_needed`, where
    /// this person administers the server; `account_exists`, `account_unknown`;
    /// `vault_unavailable`, `vault_unreadable`, `passphrase_needed`,
    /// `passphrase_short`, `passphrase_wrong`; `disk_full`, `storage_failed`.
    pub async fn sign_in(&self, request: SignIn) -> Result<AccountSummary, Problem> {
        let SignIn {
            server,
            email,
            password,
            code,
            vault: kind,
            passphrase,
            account,
        } = request;
        let password = SecretString::from(password);
        let code = code
            .filter(|code| !code.trim().is_empty())
            .map(SecretString::from);
        let passphrase = passphrase.map(SecretString::from);

        let server = Server::read(&server)?;
        let http = Http::new(server).map_err(|_| Problem::new(Code::CertificateUntrusted))?;
        discover::find(&http).await?;
        let known = match account {
            None => None,
            Some(id) => {
                let id: AccountId = id.parse().map_err(|_| Problem::new(Code::AccountUnknown))?;
                Some(self.known(id, &http, passphrase.clone()).await?)
            }
        };
        let id = known.as_ref().map_or_else(
            || AccountId::new(uuid::Uuid::new_v4()),
            |(record, _)| record.id,
        );
        // Before the password is used: a session that can't be kept is worse
        // than none.
        let vault = match &known {
            Some((_, vault)) => Arc::clone(vault),
            None => {
                let file = passphrase_file(&self.0.folders.of(id));
                Arc::new(Vault::prepare(kind, &self.0.service, id, file, passphrase).await?)
            }
        };
        let login = Login {
            email: email.trim(),
            password: &password,
            code: code.as_ref(),
        };
        let signed_in = enter(&http, login).await?;
        let kept = self
            .keep(
                &http,
                login.email,
                kind,
                id,
                known.map(|(r, _)| r),
                vault,
                &signed_in,
            )
            .await;
        match kept {
            Ok(record) => {
                self.hub(record.id).session(SessionState::SignedIn);
                Ok(record.summary(None))
            }
            Err(problem) => {
                end_sessions(&http, &signed_in.sessions).await;
                Err(problem)
            }
        }
    }

    /// The account to sign in again, with its vault open.
    async fn known(
        &self,
        id: AccountId,
        http: &Http,
        passphrase: Option<SecretString>,
    ) -> Result<(Record, Arc<Vault>), Problem> {
        let record = self.record(id)?;
        if record.server != http.server().as_str() {
            return Err(Problem::new(Code::AccountUnknown));
        }
        if record.vault == VaultKind::Passphrase
            && !locked(&self.0.vaults).contains_key(&id)
            && let Some(passphrase) = passphrase
        {
            self.unlock(id, passphrase).await?;
        }
        let vault = self.vault(&record)?;
        Ok((record, vault))
    }

    #[expect(clippy::too_many_arguments, reason = "each is one thing that is kept")]
    async fn keep(
        &self,
        http: &Http,
        email: &str,
        kind: VaultKind,
        id: AccountId,
        known: Option<Record>,
        vault: Arc<Vault>,
        signed_in: &SignedIn,
    ) -> Result<Record, Problem> {
        // Held so that nobody opens, closes or erases it meanwhile.
        let open = self.0.open.lock().await;
        let server = http.server().as_str();
        let person = signed_in.me.id;
        let same =
            |record: &Record| record.id != id && record.server == server && record.person == person;
        let taken = self.0.folders.ready().iter().any(same)
            || locked(&self.0.memory).values().any(|a| same(&a.record));
        if taken {
            return Err(Problem::new(Code::AccountExists));
        }
        let Some(mut record) = known else {
            let record = Record {
                id,
                server: server.to_owned(),
                email: email.to_owned(),
                name: signed_in.me.name.clone(),
                person,
                vault: kind,
                left: None,
                sample: false,
                stage: Stage::Making,
            };
            return self.make(record, vault, signed_in).await;
        };
        if record.person != person {
            // Another person's messages are not this one's to go on with.
            return Err(Problem::new(Code::AccountUnknown));
        }
        match open.get(&id) {
            Some(running) => {
                running.keeper.replace(signed_in.sessions.clone()).await?;
                let held = running.keeper.held().await;
                running.machine.restart(held).await;
            }
            None => {
                let _lock = match record.vault {
                    VaultKind::SessionOnly => None,
                    VaultKind::Keychain | VaultKind::Passphrase => Some(self.0.folders.lock(id)?),
                };
                vault.store_sessions(&signed_in.sessions).await?;
            }
        }
        email.clone_into(&mut record.email);
        record.name.clone_from(&signed_in.me.name);
        if record.vault == VaultKind::SessionOnly {
            if let Some(memory) = locked(&self.0.memory).get_mut(&id) {
                memory.record = record.clone();
            }
        } else {
            self.0.folders.write(&record)?;
        }
        Ok(record)
    }

    /// A new account, whole or not at all.
    async fn make(
        &self,
        mut record: Record,
        vault: Arc<Vault>,
        signed_in: &SignedIn,
    ) -> Result<Record, Problem> {
        let me = signed_in.me.clone();
        if record.vault == VaultKind::SessionOnly {
            vault.store_key(&vault::new_key()?).await?;
            vault.store_sessions(&signed_in.sessions).await?;
            let key = vault.key().await?;
            let database = make_database(None, key, me).await?;
            record.stage = Stage::Ready;
            let memory = InMemory {
                record: record.clone(),
                writer: Arc::new(std::sync::Mutex::new(database)),
            };
            locked(&self.0.memory).insert(record.id, memory);
        } else {
            let lock = self.0.folders.make(&record)?;
            let made = async {
                vault.store_key(&vault::new_key()?).await?;
                let path = self.0.folders.database(record.id);
                drop(make_database(Some(path), vault.key().await?, me).await?);
                vault.store_sessions(&signed_in.sessions).await?;
                record.stage = Stage::Ready;
                self.0.folders.write(&record)
            }
            .await;
            drop(lock);
            if let Err(problem) = made {
                let _ = vault.erase().await;
                let _ = self.0.folders.erase(record.id);
                return Err(problem);
            }
        }
        locked(&self.0.vaults).insert(record.id, vault);
        Ok(record)
    }
}

async fn make_database(
    path: Option<std::path::PathBuf>,
    key: Key,
    me: Person,
) -> Result<rusqlite::Connection, Problem> {
    tokio::task::spawn_blocking(move || {
        let place = path.as_deref().map_or(Place::Memory, Place::File);
        let database = store::open(place, &key).map_err(|e| store_problem(&e))?;
        store::set_me(&database, me.id, &me.name).map_err(|e| store_problem(&e))?;
        Ok(database)
    })
    .await
    .unwrap_or_else(|_| Err(Problem::new(Code::StorageFailed).with("kind", "database")))
}

/// How many `mode: json` sessions are kept for when the other one is gone. A
/// renewal of theirs whose answer is lost costs one, and only the password can
/// make a new one.
const SPARES: usize = 2;
/// How often they are asked for, all together.
const SPARE_TRIES: u32 = 6;
/// Between a try that came too early and the next: as long as the windows in which Directus
/// counts requests last.
const SPARE_PAUSE: Duration = Duration::from_secs(1);

/// Signs in, and sees whether one can talk there. If not, signs out.
async fn enter(http: &Http, login: Login<'_>) -> Result<SignedIn, Problem> {
    let asked = wall();
    let session = sessions::log_in_session(http, login).await?;
    let mut sessions = StoredSessions {
        session: Some((session.granted.clone(), asked.plus(session.lifetime))),
        spares: Vec::new(),
    };
    // At once, for a token may live for seconds only.
    let me = match who_am_i(http, &session.granted.token).await {
        Ok(me) => me,
        Err(problem) => {
            end_sessions(http, &sessions).await;
            return Err(problem);
        }
    };
    // A one-time code serves again on 11.17.4. Where it does not, there is no
    // spare, and a session that ends while offline asks for the password.
    let mut tries = SPARE_TRIES;
    while sessions.spares.len() < SPARES && tries > 0 {
        tries -= 1;
        match sessions::log_in_spare(http, login).await {
            Ok(spare) => sessions.spares.push(spare),
            // The password is here now and never again: a server that is only
            // short of breath is given a moment.
            Err(problem) if problem.action == Action::Retry && tries > 0 => {
                tracing::info!(code = ?problem.code, "a spare session is asked for again");
                tokio::time::sleep(SPARE_PAUSE).await;
            }
            Err(problem) => {
                tracing::warn!(code = ?problem.code, "no spare session");
                break;
            }
        }
    }
    Ok(SignedIn { sessions, me })
}

/// Who I am, and whether this server has what talking takes.
async fn who_am_i(http: &Http, token: &SecretString) -> Result<Person, Problem> {
    let facts = sessions::server_facts(http, token).await?;
    discover::check_version(facts.version.as_deref())?;
    if facts.websockets == Some(false) {
        return Err(not_ready(http, token, Code::WebsocketsOff).await);
    }
    let me = match http.call(&Call::Me, token).await.0 {
        Ok(Answer::People { people, .. }) => people.into_iter().next(),
        Ok(_) => None,
        Err(fault) => return Err(fault_problem(http, &fault)),
    };
    let me = me.ok_or_else(|| Problem::new(Code::ServerError).with("status", 200))?;
    let probe = Call::Probe {
        stamps: Stamps::Sender,
    };
    match http.call(&probe, token).await.0 {
        Ok(_) => Ok(me),
        Err(Fault::Permanent(refusal)) if refusal.reason == Reason::Forbidden => {
            Err(not_ready(http, token, Code::ChatMissing).await)
        }
        Err(fault) => Err(fault_problem(http, &fault)),
    }
}

/// A server that lacks something: whoever administers it can set it up, everybody else
/// is told what it lacks.
async fn not_ready(http: &Http, token: &SecretString, lacks: Code) -> Problem {
    let code = if sessions::is_administrator(http, token).await {
        Code::SetUpNeeded
    } else {
        lacks
    };
    Problem::new(code).with("host", http.server().host())
}

fn fault_problem(http: &Http, fault: &Fault) -> Problem {
    match fault {
        Fault::Network => Problem::new(Code::HostSilent).with("host", http.server().host()),
        Fault::Transient {
            retry_after: Some(millis),
            status: 429,
        } => Problem::new(Code::TooManyTries).with("seconds", ((millis + 999) / 1000).max(1)),
        Fault::Transient { .. } => Problem::new(Code::ServerBusy),
        Fault::SignIn => Problem::new(Code::ServerError).with("status", 401),
        Fault::Permanent(refusal) => Problem::new(Code::ServerError).with("status", refusal.status),
    }
}
