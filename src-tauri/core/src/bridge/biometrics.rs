//! What is said of opening a locked account by a finger or a face.
//!
//! Owns: that shape. Never: what belongs to a person's body, or a key.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What a system calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
#[serde(rename_all = "snake_case")]
pub enum Biometry {
    /// Apple's, by a finger.
    TouchId,
    /// Apple's, by a face.
    FaceId,
    /// Windows', by a finger, a face or its PIN.
    WindowsHello,
    /// Android's, which does not say by which of the two.
    FingerprintOrFace,
}

/// Whether an account under a passphrase may be opened by biometrics as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export, export_to = "bridge.ts")]
pub struct BiometricsState {
    /// What this system has for it now; none where it has nothing, or where the
    /// account is under no passphrase.
    pub kind: Option<Biometry>,
    /// Whether it was turned on, and still belongs to the passphrase that holds.
    pub on: bool,
}
