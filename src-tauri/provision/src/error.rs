//! Why a server could not be made ready.

use crate::refusal::Refusal;

/// What went wrong, with enough to act on. Never holds a token or a password.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is no `http` or `https` address.
    #[error("{0} is no address of a server")]
    Address(String),
    /// No answer, or a connection that broke off.
    #[error("the server did not answer: {0}")]
    NoAnswer(String),
    /// The server refused. `code` is Directus' own, e.g. `FORBIDDEN`.
    #[error("the server refused {method} {path}: {status} {code} {message}")]
    Refused {
        /// The request's method.
        method: String,
        /// The request's path, without its query.
        path: String,
        /// The HTTP status.
        status: u16,
        /// Directus' error code.
        code: String,
        /// Directus' own words.
        message: String,
    },
    /// The server's licence forbids permissions with rules.
    #[error("{}", crate::refusal::licence(None))]
    Licence,
    /// It would not be safe; nothing was done.
    #[error("{}", in_lines(.0))]
    NotSafe(Vec<Refusal>),
    /// The server is not as it was when the plan was made; nothing was done.
    #[error("the server has changed since that plan: the plan is now {0}")]
    OtherPlan(String),
    /// A verification was asked for where not everything is there yet.
    #[error("the server is not ready: {0} steps are left to be done")]
    NotReady(usize),
    /// Another verification of the same server ran at the same time.
    #[error("another verification of this server ran at the same time")]
    TwoAtOnce,
    /// A file could not be written.
    #[error("{0} could not be written: {1}")]
    File(String, std::io::Error),
    /// An answer that is not shaped as Directus documents it.
    #[error("the server's answer to {0} has no {1}")]
    Shape(String, &'static str),
}

impl Error {
    /// An answer that is a refusal, with what the server says of it.
    pub(crate) fn refused(method: &str, path: &str, answer: &crate::client::Answer) -> Self {
        let text = |pointer: &str| {
            let found = answer.body.pointer(pointer);
            found
                .and_then(serde_json::Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        Self::Refused {
            method: method.to_owned(),
            path: path.split('?').next().unwrap_or_default().to_owned(),
            status: answer.status,
            code: text("/errors/0/extensions/code"),
            message: text("/errors/0/message"),
        }
    }
}

fn in_lines(refusals: &[Refusal]) -> String {
    let lines: Vec<String> = refusals.iter().map(ToString::to_string).collect();
    lines.join("\n")
}
