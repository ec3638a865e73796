//! The entry functions of the fuzz targets.
//!
//! They stand in `entries.rs`, which the core's own test `corpus` includes as
//! well: what a target found once is tried again in every run of the tests.

mod entries;
mod shapes;

pub use entries::{TARGETS, address, answer, engine, frame, keys, line, link};
