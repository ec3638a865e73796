//! The messenger on a real Directus: signing in, sessions, talking, leaving, and setting
//! the server up for it.

mod client;
mod leaving;
mod locking;
mod rpc;
mod safety;
mod sessions;
mod setting_up;
mod signing_in;
mod talking;
