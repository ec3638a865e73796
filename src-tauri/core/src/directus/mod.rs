//! The wire: what Directus is asked, what it answers, and what that means.
//!
//! Owns: routes, query parameters, frames, error codes and the shapes of rows.
//! Everything in `call`, `rest` and `realtime` is pure: text in, values out.
//! Never: a decision. What follows from an answer is the engine's business.
//!
//! Facts about the server are those measured on 11.17.4; where this code and
//! a running server disagree, the server is right.

pub mod address;
pub mod call;
#[cfg(feature = "runtime")]
pub mod discover;
pub mod fault;
#[cfg(feature = "runtime")]
pub mod http;
pub mod realtime;
pub mod rest;
pub mod rows;
pub mod safety;
#[cfg(feature = "runtime")]
pub mod sessions;
#[cfg(feature = "runtime")]
pub mod socket;
#[cfg(feature = "runtime")]
pub mod tls;

/// Reads a JSON object. An array of its fields, which serde takes as well, is none.
fn object<'a, T: serde::Deserialize<'a>>(json: &'a [u8]) -> Option<T> {
    let is_one = json.trim_ascii_start().starts_with(b"{");
    is_one.then(|| serde_json::from_slice(json).ok()).flatten()
}
