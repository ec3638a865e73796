//! Finds out what stands at an address.
//!
//! Owns: the two questions (`/server/ping`, `/server/info`) and which problem
//! each wrong answer is. Never: a credential; whoever answers here has not
//! been trusted yet.

use std::time::Duration;

use serde_json::Value;
use tokio::time::timeout;

use super::{
    address::Server,
    http::{Credentials, Http, HttpAnswer, HttpError},
    rest::{HttpRequest, Method},
};
use crate::bridge::{Code, Problem, ServerFound};

/// The oldest major version that is known to speak as this program expects.
const OLDEST: u64 = 11;

/// How long somebody who waits for an address to be found is left waiting.
const PATIENCE: Duration = Duration::from_secs(12);

/// Longest project name and version that are taken, in characters.
const MAX_NAME: usize = 100;
const MAX_VERSION: usize = 20;

/// A problem that happened while speaking to a server.
#[must_use]
pub fn http_problem(server: &Server, error: HttpError) -> Problem {
    let code = match error {
        HttpError::Unknown => Code::HostUnknown,
        HttpError::Silent => Code::HostSilent,
        HttpError::Untrusted => Code::CertificateUntrusted,
        HttpError::TooLarge => Code::NotDirectus,
    };
    Problem::new(code).with("host", server.host())
}

/// A problem for an answer that says "not now", if it is one.
#[must_use]
pub fn not_now(answer: &HttpAnswer) -> Option<Problem> {
    let code = match answer.status {
        429 => Code::TooManyTries,
        502..=504 => Code::ServerBusy,
        _ => return None,
    };
    let mut problem = Problem::new(code);
    if let Some(millis) = answer.retry_after {
        problem = problem.with("seconds", ((millis + 999) / 1000).max(1));
    } else if code == Code::TooManyTries {
        problem = problem.with("seconds", 60);
    }
    Some(problem)
}

/// A GET of one path.
pub(super) fn get(path: &str) -> HttpRequest {
    HttpRequest {
        method: Method::Get,
        path: path.to_owned(),
        query: Vec::new(),
        body: None,
    }
}

/// Finds the Directus at an address as typed.
///
/// # Errors
/// `address_invalid`, `address_insecure`, `host_unknown`, `host_silent`,
/// `certificate_untrusted`, `not_directus`, `server_busy`, `too_many_tries`,
/// `server_too_old`.
pub async fn discover(typed: &str) -> Result<ServerFound, Problem> {
    let server = Server::read(typed)?;
    let http = Http::new(server).map_err(|_| Problem::new(Code::CertificateUntrusted))?;
    find(&http).await
}

/// Finds the Directus that this client speaks to.
///
/// # Errors
/// As [`discover`].
pub async fn find(http: &Http) -> Result<ServerFound, Problem> {
    let server = http.server();
    let ask = async |path| {
        let request = get(path);
        let asked = timeout(PATIENCE, http.send(&request, Credentials::None)).await;
        asked
            .unwrap_or(Err(HttpError::Silent))
            .map_err(|error| http_problem(server, error))
    };
    let not_directus = || Problem::new(Code::NotDirectus).with("host", server.host());

    let ping = ask("/server/ping").await?;
    if let Some(problem) = not_now(&ping) {
        return Err(problem);
    }
    if ping.status != 200 || ping.body.trim_ascii() != b"pong" {
        return Err(not_directus());
    }
    let info = ask("/server/info").await?;
    if let Some(problem) = not_now(&info) {
        return Err(problem);
    }
    let facts: Value = serde_json::from_slice(&info.body).map_err(|_| not_directus())?;
    let data = facts.get("data").and_then(Value::as_object);
    let (200, Some(data)) = (info.status, data) else {
        return Err(not_directus());
    };
    let version = data.get("version").and_then(Value::as_str);
    check_version(version)?;
    Ok(ServerFound {
        url: server.as_str().to_owned(),
        project: text(
            data.get("project").and_then(|p| p.get("project_name")),
            MAX_NAME,
        ),
        version: version.map(|v| short(v, MAX_VERSION)),
    })
}

/// Refuses a server that is too old. One that does not tell is taken as it is.
///
/// # Errors
/// `server_too_old`.
pub fn check_version(version: Option<&str>) -> Result<(), Problem> {
    let major = version.and_then(|v| v.split('.').next()?.parse::<u64>().ok());
    match (major, version) {
        (Some(major), Some(version)) if major < OLDEST => {
            Err(Problem::new(Code::ServerTooOld).with("version", short(version, MAX_VERSION)))
        }
        _ => Ok(()),
    }
}

fn text(value: Option<&Value>, limit: usize) -> String {
    value
        .and_then(Value::as_str)
        .map_or_else(String::new, |text| short(text, limit))
}

fn short(text: &str, limit: usize) -> String {
    text.chars()
        .filter(|c| !c.is_control())
        .take(limit)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_older_than_what_is_known_is_refused_by_its_version() {
        let problem = check_version(Some("9.26.0")).unwrap_err();
        assert_eq!(problem.code, Code::ServerTooOld);
        assert_eq!(problem.args["version"], "9.26.0");
        for fine in [Some("11.17.4"), Some("12.4.0"), Some("next"), None] {
            assert_eq!(check_version(fine), Ok(()));
        }
    }
}
