//! Signing in, renewing and signing out, on the wire.
//!
//! Owns: the routes under `/auth`, and what their refusals mean to a person.
//! Never: where a token is kept, or when one is renewed.
//!
//! Two ways of being signed in, as measured on 11.17.4:
//!
//! - `mode: session` gives a cookie; what stands in it is good as Bearer and
//!   on the socket. Renewing it twice within 10 s gives the same next one, so
//!   an answer that is lost on the way can be asked for again.
//! - `mode: json` gives a refresh token that is dead the moment it is used.
//!   It lives longer, and two of them are kept as spares.
//!
//! One one-time code serves for all. A suspended person is told
//! `INVALID_CREDENTIALS` at sign-in, as with a wrong password; the server says
//! `USER_SUSPENDED` only when a session is renewed. A refused renewal sets an
//! empty cookie.

use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::{
    address::Server,
    call::{Call, Fault, Reason, Refusal},
    discover::{get, http_problem, not_now},
    fault,
    http::{Credentials, Http, HttpAnswer, HttpError},
    rest::{HttpRequest, Method},
};
use crate::bridge::{Code, Problem};

/// The cookie's name, unless the server's owner has changed it.
const COOKIE: &str = "directus_session_token";

/// A `mode: session` session.
#[derive(Clone)]
pub struct Session {
    /// The cookie's name.
    pub cookie: String,
    /// What stands in it: a token to use, and what it is renewed with.
    pub token: SecretString,
}

/// What signing in or renewing gave.
pub struct Fresh<T> {
    /// The session, or the pair of tokens.
    pub granted: T,
    /// How long the token lives, in milliseconds from the question.
    pub lifetime: i64,
}

/// A `mode: json` renewal: the next refresh token, and a token to use.
pub struct Pair {
    /// What it is renewed with next time.
    pub refresh: SecretString,
    /// The token to use.
    pub access: SecretString,
}

/// What a person signs in with.
#[derive(Clone, Copy)]
pub struct Login<'a> {
    /// E-mail.
    pub email: &'a str,
    /// Password.
    pub password: &'a SecretString,
    /// One-time code.
    pub code: Option<&'a SecretString>,
}

fn post(path: &str, body: Value) -> HttpRequest {
    HttpRequest {
        method: Method::Post,
        path: path.to_owned(),
        query: Vec::new(),
        body: Some(body),
    }
}

fn login_request(login: Login<'_>, mode: &str) -> HttpRequest {
    let mut body = json!({
        "email": login.email,
        "password": login.password.expose_secret(),
        "mode": mode,
    });
    if let (Some(code), Some(body)) = (login.code, body.as_object_mut()) {
        body.insert("otp".to_owned(), json!(code.expose_secret().trim()));
    }
    post("/auth/login", body)
}

async fn log_in(http: &Http, login: Login<'_>, mode: &str) -> Result<HttpAnswer, Problem> {
    let answer = http
        .send(&login_request(login, mode), Credentials::None)
        .await
        .map_err(|error| http_problem(http.server(), error))?;
    if answer.status == 200 {
        return Ok(answer);
    }
    Err(refused(http.server(), &answer, login.code.is_some()))
}

/// What a refusal of a sign-in means to the person.
fn refused(server: &Server, answer: &HttpAnswer, with_code: bool) -> Problem {
    if let Some(problem) = not_now(answer) {
        return problem;
    }
    let code = fault::code(&answer.body).map(|(code, _)| code);
    match (answer.status, code.as_deref()) {
        (_, Some("INVALID_OTP")) if with_code => Problem::new(Code::CodeWrong),
        (_, Some("INVALID_OTP")) => Problem::new(Code::CodeNeeded),
        (_, Some("USER_SUSPENDED")) => Problem::new(Code::Suspended),
        // A field that is empty or no e-mail is INVALID_PAYLOAD.
        (_, Some("INVALID_CREDENTIALS" | "INVALID_PAYLOAD")) => Problem::new(Code::PasswordWrong),
        (_, None) => Problem::new(Code::NotDirectus).with("host", server.host()),
        (status, _) => Problem::new(Code::ServerError).with("status", status),
    }
}

fn data(answer: &HttpAnswer) -> Option<serde_json::Map<String, Value>> {
    let value: Value = serde_json::from_slice(&answer.body).ok()?;
    value.get("data")?.as_object().cloned()
}

fn lifetime(data: &serde_json::Map<String, Value>) -> Option<i64> {
    data.get("expires")?.as_i64().filter(|millis| *millis > 0)
}

/// The cookie by its usual name, or the one whose value looks like a token.
fn session(answer: &HttpAnswer) -> Option<Fresh<Session>> {
    let looks =
        |(_, value): &&(String, SecretString)| value.expose_secret().split('.').count() == 3;
    let (cookie, token) = answer
        .cookies
        .iter()
        .find(|(name, _)| name == COOKIE)
        .or_else(|| answer.cookies.iter().find(looks))?;
    Some(Fresh {
        granted: Session {
            cookie: cookie.clone(),
            token: token.clone(),
        },
        lifetime: lifetime(&data(answer)?)?,
    })
}

fn pair(answer: &HttpAnswer) -> Option<Fresh<Pair>> {
    let data = data(answer)?;
    let secret = |name| {
        let text = data.get(name)?.as_str()?;
        (!text.is_empty() && text.len() <= 8192).then(|| SecretString::from(text.to_owned()))
    };
    Some(Fresh {
        granted: Pair {
            refresh: secret("refresh_token")?,
            access: secret("access_token")?,
        },
        lifetime: lifetime(&data)?,
    })
}

/// Signs in with `mode: session`.
///
/// # Errors
/// `password_wrong`, `code_needed`, `code_wrong`, `suspended`,
/// `too_many_tries`, `server_busy`, and those of speaking to a server at all.
pub async fn log_in_session(http: &Http, login: Login<'_>) -> Result<Fresh<Session>, Problem> {
    let answer = log_in(http, login, "session").await?;
    session(&answer).ok_or_else(|| Problem::new(Code::ServerError).with("status", 200))
}

/// Signs in with `mode: json`, for the spare.
///
/// # Errors
/// As [`log_in_session`].
pub async fn log_in_spare(http: &Http, login: Login<'_>) -> Result<SecretString, Problem> {
    let answer = log_in(http, login, "json").await?;
    let pair = pair(&answer).ok_or_else(|| Problem::new(Code::ServerError).with("status", 200))?;
    Ok(pair.granted.refresh)
}

/// How long the renewal of a session may take. The server's grace is 10 s: an
/// answer that is late must leave time to ask again within it.
const RENEWAL: Duration = Duration::from_secs(4);

/// Renews a session. Repeated within the server's grace it gives the same one.
///
/// # Errors
/// [`Fault::SignIn`] or [`Fault::Permanent`]: it is dead, or, with
/// [`Reason::Suspended`], its person may not use it now.
pub async fn renew_session(http: &Http, old: &Session) -> Result<Fresh<Session>, Fault> {
    let request = post("/auth/refresh", json!({"mode": "session"}));
    let renewing = renewal(http, &request, Credentials::Cookie(&old.cookie, &old.token));
    let answer = timeout(RENEWAL, renewing)
        .await
        .unwrap_or(Err(Fault::Network))?;
    session(&answer).ok_or(Fault::Transient {
        retry_after: None,
        status: answer.status,
    })
}

/// Renews a spare. The old refresh token is dead from then on, whether the
/// answer arrives or not: so the way there is tried first with a question that
/// may get lost, and the answer is waited for as long as any.
///
/// # Errors
/// As [`renew_session`].
pub async fn renew_spare(http: &Http, old: &SecretString) -> Result<Fresh<Pair>, Fault> {
    let answer = http.send(&get("/server/ping"), Credentials::None).await;
    let answer = answer.map_err(|_| Fault::Network)?;
    if answer.status != 200 || answer.body.trim_ascii() != b"pong" {
        return Err(Fault::Transient {
            retry_after: answer.retry_after,
            status: answer.status,
        });
    }
    let body = json!({"mode": "json", "refresh_token": old.expose_secret()});
    let answer = renewal(http, &post("/auth/refresh", body), Credentials::None).await?;
    pair(&answer).ok_or(Fault::Transient {
        retry_after: None,
        status: answer.status,
    })
}

async fn renewal(
    http: &Http,
    request: &HttpRequest,
    credentials: Credentials<'_>,
) -> Result<HttpAnswer, Fault> {
    match http.send(request, credentials).await {
        Ok(answer) if answer.status == 200 => Ok(answer),
        // Only Directus itself may say that a session is dead, not the sign-in
        // page of some network in between.
        Ok(answer) => Err(match fault::code(&answer.body) {
            None => Fault::Transient {
                retry_after: answer.retry_after,
                status: answer.status,
            },
            Some((code, _)) if code == "USER_SUSPENDED" => Fault::Permanent(Refusal {
                reason: Reason::Suspended,
                field: None,
                status: answer.status,
            }),
            Some(_) => fault::fault(&Call::Me, answer.status, answer.retry_after, &answer.body),
        }),
        Err(_) => Err(Fault::Network),
    }
}

/// Ends a session.
///
/// # Errors
/// It could not be ended, and ends by itself in time.
pub async fn end_session(http: &Http, session: &Session) -> Result<(), HttpError> {
    let request = post("/auth/logout", json!({"mode": "session"}));
    let credentials = Credentials::Cookie(&session.cookie, &session.token);
    ended(http.send(&request, credentials).await?.status)
}

/// Ends the spare.
///
/// # Errors
/// As [`end_session`].
pub async fn end_spare(http: &Http, refresh: &SecretString) -> Result<(), HttpError> {
    let body = json!({"mode": "json", "refresh_token": refresh.expose_secret()});
    let request = post("/auth/logout", body);
    ended(http.send(&request, Credentials::None).await?.status)
}

/// A session that the server does not know any more has ended as well.
const fn ended(status: u16) -> Result<(), HttpError> {
    match status {
        200..=299 | 400 | 401 | 403 => Ok(()),
        _ => Err(HttpError::Silent),
    }
}

/// What a signed-in person is told about the server.
pub struct ServerFacts {
    /// Its version, where it tells.
    pub version: Option<String>,
    /// Whether it has WebSockets; `None` where it tells nothing about itself.
    pub websockets: Option<bool>,
}

/// Asks `/server/info`, which tells more to who is signed in.
///
/// # Errors
/// Those of speaking to a server.
pub async fn server_facts(http: &Http, token: &SecretString) -> Result<ServerFacts, Problem> {
    let answer = http
        .send(&get("/server/info"), Credentials::Bearer(token))
        .await
        .map_err(|error| http_problem(http.server(), error))?;
    if let Some(problem) = not_now(&answer) {
        return Err(problem);
    }
    let data = data(&answer).unwrap_or_default();
    let version = data.get("version").and_then(Value::as_str);
    Ok(ServerFacts {
        version: version.map(str::to_owned),
        websockets: version.map(|_| {
            data.get("websocket")
                .and_then(|websocket| websocket.get("rest"))
                .is_some_and(Value::is_object)
        }),
    })
}

/// Whether this person administers the server. Where it can't be learned, they don't: before
/// version 11 there is no such question.
pub async fn is_administrator(http: &Http, token: &SecretString) -> bool {
    let asked = http
        .send(&get("/policies/me/globals"), Credentials::Bearer(token))
        .await;
    asked
        .ok()
        .filter(|answer| answer.status == 200)
        .and_then(|answer| data(&answer)?.get("admin_access")?.as_bool())
        .unwrap_or(false)
}
