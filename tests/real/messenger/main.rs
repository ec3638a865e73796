//! The messenger on a real Directus: signing in, sessions, talking, leaving.

mod client;
mod leaving;
mod rpc;
mod sessions;
mod signing_in;
mod talking;
