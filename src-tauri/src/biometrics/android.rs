//! Android's BiometricPrompt and Keystore, through the phone's own side.
//!
//! Never: an account's secret; what crosses to Kotlin is random, and opens nothing alone.

use std::fmt;

use tauri::{AppHandle, Manager as _, Runtime, async_runtime::block_on};
use whinchat_core::{
    bridge::Biometry,
    model::AccountId,
    vault::{Biometrics, Refusal, Secret},
};
use whinchat_phone::{Given, Phone, Question};

use crate::words::Words;

/// Android's.
pub struct System<R: Runtime> {
    phone: Phone<R>,
    title: String,
    other: String,
}

/// Those of this phone.
pub fn system<R: Runtime>(app: &AppHandle<R>) -> Option<System<R>> {
    let words = app.state::<Words>();
    Some(System {
        phone: app.try_state::<Phone<R>>()?.inner().clone(),
        title: words.say("biometrics-title", &[]),
        other: words.say("biometrics-other", &[]),
    })
}

impl<R: Runtime> fmt::Debug for System<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("System")
    }
}

impl<R: Runtime> System<R> {
    fn question(&self, account: AccountId) -> Question {
        Question {
            name: account.to_string(),
            title: self.title.clone(),
            other: self.other.clone(),
        }
    }
}

fn read(given: Given) -> Result<Secret, Refusal> {
    match given {
        Given::Key(key) => Ok(key),
        Given::Unavailable => Err(Refusal::Unavailable),
        Given::Cancelled => Err(Refusal::Cancelled),
        Given::NotRecognised => Err(Refusal::NotRecognised),
        Given::TooManyTries => Err(Refusal::TooManyTries),
        Given::Gone => Err(Refusal::Gone),
    }
}

impl<R: Runtime> Biometrics for System<R> {
    fn kind(&self) -> Option<Biometry> {
        block_on(self.phone.recognises()).then_some(Biometry::FingerprintOrFace)
    }

    fn make(&self, account: AccountId, _mark: &[u8; 32]) -> Result<Secret, Refusal> {
        match read(block_on(self.phone.make_key(self.question(account)))) {
            Err(Refusal::Gone) => Err(Refusal::Unavailable),
            made => made,
        }
    }

    fn give(&self, account: AccountId, _mark: &[u8; 32]) -> Result<Secret, Refusal> {
        read(block_on(self.phone.give_key(self.question(account))))
    }

    fn forget(&self, account: AccountId) {
        block_on(self.phone.forget_key(account.to_string()));
    }
}
