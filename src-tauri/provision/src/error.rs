//! Why a server could not be made ready.

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
    /// An answer that is not shaped as Directus documents it.
    #[error("the server's answer to {0} has no {1}")]
    Shape(String, &'static str),
}
