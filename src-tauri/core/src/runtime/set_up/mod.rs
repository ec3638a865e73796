//! Setting up a server, by its administrator.
//!
//! Owns: a session of an administrator's own, one at a time, that lives in
//! memory only. It is no account: nothing of it is in the vault, in a folder or
//! in the log, and it ends on every way out, also with the program. Never: what
//! is made on a server; that is whinchat-provision's.
//!
//! ```text
//!  none --begin--> idle --plan--> idle --apply (hash), verify--> busy --> idle
//!   ^               |                                             | stop: at once; of a proof
//!   '----- end -----'<-------------------- end -------------------'   its people are taken away
//! ```

mod told;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use secrecy::{ExposeSecret as _, SecretString};
use tokio_util::sync::CancellationToken;
use whinchat_provision::{
    AddressKind, Addresses, Client, Credentials, Error, Kind, Schema, ServerFacts, State,
    apply_planned, plan, set_addresses,
    verify::{sweep, verify},
};

use super::{Messenger, locked, stream::Event};
use crate::{
    bridge::{
        Code, Problem, ServerFound, SetUpAddresses, SetUpApplied, SetUpPlan, SetUpProgress,
        SetUpProof, SetUpSignIn,
    },
    directus::{address::Server, discover, http::Http},
};

/// How long the server is given to hear that the session is over.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long what a proof has made on a server may take to be taken away again.
const SWEEPING: Duration = Duration::from_secs(60);

/// How long somebody waits who has tried too often, where the server does not say.
const WAIT_SECONDS: u32 = 60;

/// The session of whoever sets up a server.
pub(super) struct SettingUp {
    client: Client,
    host: String,
    /// Held by what is being done: one thing at a time.
    busy: tokio::sync::Mutex<()>,
    /// Breaks off what is being done.
    stop: Mutex<CancellationToken>,
    /// Breaks off everything: the session is over.
    over: CancellationToken,
}

impl SettingUp {
    /// Makes the session.
    async fn begin(request: SetUpSignIn) -> Result<(Self, ServerFound), Problem> {
        let SetUpSignIn {
            server,
            email,
            password,
            code,
        } = request;
        let password = SecretString::from(password);
        let code = code
            .filter(|code| !code.trim().is_empty())
            .map(SecretString::from);
        let server = Server::read(&server)?;
        let host = server.host();
        // Whoever answers there is a Directus, and its certificate is trusted.
        let http = Http::new(server).map_err(|_| Problem::new(Code::CertificateUntrusted))?;
        let mut found = discover::find(&http).await?;
        let with_code = code.is_some();
        let email = email.trim().to_owned();
        let password = password.expose_secret().to_owned();
        let credentials = match code {
            None => Credentials::Password { email, password },
            Some(code) => Credentials::PasswordAndCode {
                email,
                password,
                code: code.expose_secret().trim().to_owned(),
            },
        };
        let client = Client::sign_in(&found.url, credentials)
            .await
            .map_err(|error| sign_in_problem(&error, with_code, &host))?;
        let setting_up = Self {
            client,
            host,
            busy: tokio::sync::Mutex::default(),
            stop: Mutex::default(),
            over: CancellationToken::new(),
        };
        match setting_up.check().await {
            Ok(facts) => {
                found.version = facts.version.or(found.version);
                Ok((setting_up, found))
            }
            Err(problem) => {
                setting_up.end().await;
                Err(problem)
            }
        }
    }

    /// Whether this person can do it at all.
    async fn check(&self) -> Result<ServerFacts, Problem> {
        let facts = ServerFacts::read(&self.client)
            .await
            .map_err(|error| self.problem(&error))?;
        // One that is too old knows no policies, so that nobody seems to be one.
        discover::check_version(facts.version.as_deref())?;
        if facts.administrator {
            Ok(facts)
        } else {
            Err(Problem::new(Code::NotAdministrator).with("host", &self.host))
        }
    }

    async fn plan(&self) -> Result<SetUpPlan, Problem> {
        let _busy = self.busy.lock().await;
        self.look().await
    }

    /// The plan, unless the session ends meanwhile.
    async fn look(&self) -> Result<SetUpPlan, Problem> {
        let schema = Schema::of(Kind::Full);
        tokio::select! {
            biased;
            () = self.over.cancelled() => Err(Problem::new(Code::SetUpEnded)),
            state = State::read(&self.client, &schema) => {
                let state = state.map_err(|error| self.problem(&error))?;
                let record = state.record.clone().unwrap_or_default();
                Ok(SetUpPlan {
                    addresses: SetUpAddresses {
                        contact: record.contact,
                        terms: record.terms,
                    },
                    ..told::plan(&plan(&schema, &state))
                })
            }
        }
    }

    /// Writes the owner's addresses down, if the server is ready.
    async fn addresses(&self, typed: [(AddressKind, &str); 2]) -> Result<SetUpAddresses, Problem> {
        let _busy = self.busy.lock().await;
        let mut wanted = Addresses::default();
        for (kind, typed) in typed {
            let blank = typed.trim().is_empty();
            let address = kind.read(typed);
            if address.is_none() && !blank {
                return Err(Problem::new(Code::OwnersAddressInvalid).with("field", kind.field()));
            }
            match kind {
                AddressKind::Contact => wanted.contact = Some(address),
                AddressKind::Terms => wanted.terms = Some(address),
            }
        }
        let plan = self.look().await?;
        if !(plan.steps.is_empty() && plan.refusals.is_empty()) {
            return Err(Problem::new(Code::SetUpChanged));
        }
        set_addresses(&self.client, &wanted)
            .await
            .map_err(|error| self.problem(&error))?;
        tracing::info!("the owner's addresses were written down");
        Ok(SetUpAddresses {
            contact: wanted.contact.flatten(),
            terms: wanted.terms.flatten(),
        })
    }

    async fn apply(
        &self,
        plan: String,
        mut tell: impl FnMut(SetUpProgress) + Send,
    ) -> Result<SetUpApplied, Problem> {
        let _busy = self.busy.lock().await;
        let stop = self.stoppable();
        let schema = Schema::of(Kind::Full);
        let applying = apply_planned(&self.client, &schema, Some(&plan), |number, of, step| {
            tell(SetUpProgress {
                number: told::number(number),
                of: told::number(of),
                step: Some(told::step(step)),
                trying: None,
            });
        });
        let stopped = tokio::select! {
            biased;
            // A request that is on its way may still be heard; done again, it meets itself.
            () = stop.cancelled() => true,
            applied = applying => {
                let applied = applied.map_err(|error| self.problem(&error))?;
                tracing::info!(steps = applied.steps.len(), "a server was set up");
                false
            }
        };
        let left = self.look().await?;
        Ok(SetUpApplied {
            before: plan,
            stopped,
            left,
        })
    }

    /// Attacks the server; none where it was broken off. Whatever happens, the people made for
    /// it are taken away again, or it is tried.
    async fn verify(
        &self,
        mut tell: impl FnMut(SetUpProgress) + Send,
    ) -> Result<Option<SetUpProof>, Problem> {
        let _busy = self.busy.lock().await;
        let stop = self.stoppable();
        let schema = Schema::of(Kind::Full);
        let verifying = verify(&self.client, &schema, |done, of, trying| {
            tell(SetUpProgress {
                number: told::number(done).saturating_add(1).min(told::number(of)),
                of: told::number(of),
                step: None,
                trying: Some(trying.to_owned()),
            });
        });
        let report = tokio::select! {
            biased;
            () = stop.cancelled() => None,
            report = verifying => Some(report.map_err(|error| self.problem(&error))?),
        };
        let Some(report) = report else {
            let swept = tokio::time::timeout(SWEEPING, sweep(&self.client, &schema)).await;
            if !matches!(swept, Ok(Ok(_))) {
                tracing::warn!("people of a proof are left; the next one takes them away");
            }
            return Ok(None);
        };
        tracing::info!(private = report.is_private(), "a server was attacked");
        Ok(Some(told::proof(&report)))
    }

    /// What breaks off that which is begun now.
    fn stoppable(&self) -> CancellationToken {
        let stop = self.over.child_token();
        *locked(&self.stop) = stop.clone();
        stop
    }

    fn stop(&self) {
        locked(&self.stop).cancel();
    }

    /// Breaks off what is being done, and ends the session.
    async fn end(&self) {
        self.over.cancel();
        let _busy = self.busy.lock().await;
        let _ = tokio::time::timeout(PATIENCE, self.client.sign_out()).await;
    }

    /// What an error of the work means to the administrator.
    fn problem(&self, error: &Error) -> Problem {
        // Its words may hold a name or a value of the server's: the kind will do.
        tracing::warn!(kind = kind_of(error), "setting up failed");
        problem(error, &self.host)
    }
}

impl Messenger {
    /// Signs an administrator in to set up a server. Whoever did before is
    /// signed out. Nothing is kept but a session in memory.
    ///
    /// # Errors
    /// Those of [`Messenger::discover`]; `password_wrong`, `code_needed`,
    /// `code_wrong`, `suspended`, `too_many_tries`, `server_busy`;
    /// `not_administrator`.
    pub async fn set_up_begin(&self, request: SetUpSignIn) -> Result<ServerFound, Problem> {
        // Held until it is there, so that whoever ends it meanwhile finds it.
        let mut held = self.0.setting_up.lock().await;
        if let Some(before) = held.take() {
            before.end().await;
        }
        let (setting_up, found) = SettingUp::begin(request).await?;
        *held = Some(Arc::new(setting_up));
        Ok(found)
    }

    /// What would be done to the server that is being set up.
    ///
    /// # Errors
    /// `set_up_ended` where none is, and those of speaking to a server.
    pub async fn set_up_plan(&self) -> Result<SetUpPlan, Problem> {
        self.setting_up().await?.plan().await
    }

    /// Writes the owner's addresses into the record of a server that is ready;
    /// blank takes one away.
    ///
    /// # Errors
    /// `owners_address_invalid`; `set_up_changed` where something is left to be
    /// made; and as [`Messenger::set_up_plan`].
    pub async fn set_up_addresses(
        &self,
        contact: &str,
        terms: &str,
    ) -> Result<SetUpAddresses, Problem> {
        let typed = [(AddressKind::Contact, contact), (AddressKind::Terms, terms)];
        self.setting_up().await?.addresses(typed).await
    }

    /// Does it, if the plan still has this hash. Each step is told as an
    /// [`Event::SetUp`] before it is done.
    ///
    /// # Errors
    /// `set_up_changed`, `set_up_not_safe`: nothing was done. `set_up_refused`,
    /// and as [`Messenger::set_up_plan`]: what was done stays, and the rest can
    /// be done again.
    pub async fn set_up_apply(&self, plan: String) -> Result<SetUpApplied, Problem> {
        let tell = self.tell_progress();
        self.setting_up().await?.apply(plan, tell).await
    }

    /// Attacks the server that is being set up, and is ready, with people made for it and taken
    /// away again. Each attempt is told as an [`Event::SetUp`]. None where it was broken off.
    ///
    /// # Errors
    /// `set_up_changed` where something is left to be made, `set_up_not_safe`: nothing was
    /// tried. And as [`Messenger::set_up_plan`].
    pub async fn set_up_verify(&self) -> Result<Option<SetUpProof>, Problem> {
        let tell = self.tell_progress();
        self.setting_up().await?.verify(tell).await
    }

    fn tell_progress(&self) -> impl FnMut(SetUpProgress) + Send + use<> {
        let events = self.0.events.clone();
        move |progress| {
            // Nobody may be listening.
            let _ = events.send(Event::SetUp(progress));
        }
    }

    /// Breaks off what is being done to the server, if anything is.
    pub async fn set_up_stop(&self) {
        if let Ok(setting_up) = self.setting_up().await {
            setting_up.stop();
        }
    }

    /// Ends the session for setting up, if there is one.
    pub async fn set_up_end(&self) {
        let held = tokio::time::timeout(PATIENCE, self.0.setting_up.lock()).await;
        // One that is being made has all the time that a program's end has.
        let setting_up = held.ok().and_then(|mut held| held.take());
        if let Some(setting_up) = setting_up {
            setting_up.end().await;
        }
    }

    async fn setting_up(&self) -> Result<Arc<SettingUp>, Problem> {
        let held = self.0.setting_up.lock().await.clone();
        held.ok_or_else(|| Problem::new(Code::SetUpEnded))
    }
}

/// What a refusal of the sign-in means to the person.
fn sign_in_problem(error: &Error, with_code: bool, host: &str) -> Problem {
    let code = match error {
        Error::Refused { code, .. } => code.as_str(),
        _ => "",
    };
    match code {
        "INVALID_OTP" if with_code => Problem::new(Code::CodeWrong),
        "INVALID_OTP" => Problem::new(Code::CodeNeeded),
        "USER_SUSPENDED" => Problem::new(Code::Suspended),
        // A field that is empty or no e-mail is INVALID_PAYLOAD.
        "INVALID_CREDENTIALS" | "INVALID_PAYLOAD" => Problem::new(Code::PasswordWrong),
        _ => problem(error, host),
    }
}

fn problem(error: &Error, host: &str) -> Problem {
    match error {
        Error::Address(_) => Problem::new(Code::AddressInvalid),
        Error::NoAnswer(_) => Problem::new(Code::HostSilent).with("host", host),
        Error::Refused { status: 401, .. } => Problem::new(Code::SetUpEnded),
        Error::Refused { status: 429, .. } => {
            Problem::new(Code::TooManyTries).with("seconds", WAIT_SECONDS)
        }
        Error::Refused {
            status: 502..=504, ..
        } => Problem::new(Code::ServerBusy),
        Error::Refused { status, code, .. } => Problem::new(Code::SetUpRefused)
            .with("status", status)
            .with("reason", reason(code)),
        Error::Licence => Problem::new(Code::SetUpRefused)
            .with("status", 403)
            .with("reason", "RESOURCE_RESTRICTED"),
        Error::NotSafe(refusals) => Problem::new(Code::SetUpNotSafe).with("count", refusals.len()),
        Error::OtherPlan(_) | Error::NotReady(_) => Problem::new(Code::SetUpChanged),
        Error::TwoAtOnce => Problem::new(Code::ServerBusy),
        Error::File(..) | Error::Shape(..) => Problem::new(Code::ServerError).with("status", 200),
    }
}

/// A code of the server's as it may be shown: it is the server's word.
fn reason(code: &str) -> String {
    let fits = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    if (1..=64).contains(&code.len()) && code.chars().all(fits) {
        code.to_owned()
    } else {
        "?".to_owned()
    }
}

const fn kind_of(error: &Error) -> &'static str {
    match error {
        Error::Address(_) => "address",
        Error::NoAnswer(_) => "no answer",
        Error::Refused { .. } => "refused",
        Error::Licence => "licence",
        Error::NotSafe(_) => "not safe",
        Error::OtherPlan(_) => "other plan",
        Error::NotReady(_) => "not ready",
        Error::TwoAtOnce => "two at once",
        Error::File(..) => "file",
        Error::Shape(..) => "shape",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, code: &str) -> Error {
        Error::Refused {
            method: "POST".to_owned(),
            path: "auth/login".to_owned(),
            status,
            code: code.to_owned(),
            message: "in the server's words".to_owned(),
        }
    }

    #[test]
    fn a_refused_sign_in_says_what_is_wrong_with_what_was_typed() {
        let of = |status, code, with| sign_in_problem(&refused(status, code), with, "host").code;
        assert_eq!(of(401, "INVALID_OTP", false), Code::CodeNeeded);
        assert_eq!(of(401, "INVALID_OTP", true), Code::CodeWrong);
        assert_eq!(of(401, "INVALID_CREDENTIALS", false), Code::PasswordWrong);
        assert_eq!(of(400, "INVALID_PAYLOAD", false), Code::PasswordWrong);
        assert_eq!(of(403, "USER_SUSPENDED", false), Code::Suspended);
        assert_eq!(of(429, "REQUESTS_EXCEEDED", false), Code::TooManyTries);
        assert_eq!(of(503, "SERVICE_UNAVAILABLE", false), Code::ServerBusy);
    }

    #[test]
    fn a_refused_step_names_the_servers_code_and_nothing_else_that_it_says() {
        let told = problem(&refused(400, "INVALID_FOREIGN_KEY"), "host");
        assert_eq!(told.code, Code::SetUpRefused);
        assert_eq!(told.args["reason"], "INVALID_FOREIGN_KEY");
        let strange = problem(&refused(500, "<b>come here</b>"), "host");
        assert_eq!(strange.args["reason"], "?");
        assert_eq!(
            problem(&refused(401, "TOKEN_EXPIRED"), "host").code,
            Code::SetUpEnded
        );
        assert_eq!(
            problem(&Error::OtherPlan("x".to_owned()), "host").code,
            Code::SetUpChanged
        );
    }
}
