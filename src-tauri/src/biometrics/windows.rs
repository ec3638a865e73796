//! Windows Hello: a key that Windows keeps for this account, and signs with when its
//! person is recognised.
//!
//! The signature of a mark is always the same, so its digest is a key; the mark alone
//! says nothing. Windows lets its PIN answer in a finger's place, and keeps the key
//! when a finger is added: who may add one has given that PIN.
//!
//! Never: a key that is kept, or an account's secret.

use sha2::{Digest as _, Sha256};
use whinchat_core::{
    bridge::Biometry,
    model::AccountId,
    product,
    vault::{Biometrics, Refusal, Secret},
};
use windows::{
    Security::Credentials::{
        KeyCredential, KeyCredentialCreationOption, KeyCredentialManager, KeyCredentialStatus,
    },
    Storage::Streams::{DataReader, DataWriter},
    core::HSTRING,
};

/// What the digest is of, beside the signature.
const PURPOSE: &[u8] = b"opener by Windows Hello 1";

/// A signature is no longer than this.
const LONGEST: u32 = 4096;

/// Windows Hello.
#[derive(Debug)]
pub struct System;

fn name(account: AccountId) -> HSTRING {
    HSTRING::from(format!("{}/{account}", product::IDENTIFIER))
}

fn refusal(status: KeyCredentialStatus) -> Refusal {
    match status {
        KeyCredentialStatus::NotFound => Refusal::Gone,
        KeyCredentialStatus::UserCanceled | KeyCredentialStatus::UserPrefersPassword => {
            Refusal::Cancelled
        }
        KeyCredentialStatus::SecurityDeviceLocked => Refusal::TooManyTries,
        _ => Refusal::NotRecognised,
    }
}

/// What failed has no answer in it.
fn failed(error: windows::core::Error) -> Refusal {
    tracing::warn!(code = error.code().0, "Windows Hello can't be used");
    Refusal::Unavailable
}

fn key(credential: &KeyCredential, mark: &[u8; 32]) -> Result<Secret, Refusal> {
    let asked = || -> windows::core::Result<_> {
        let writer = DataWriter::new()?;
        writer.WriteBytes(mark)?;
        let signed = credential
            .RequestSignAsync(&writer.DetachBuffer()?)?
            .join()?;
        Ok((signed.Status()?, signed))
    };
    let (status, signed) = asked().map_err(failed)?;
    if status != KeyCredentialStatus::Success {
        return Err(refusal(status));
    }
    let read = || -> windows::core::Result<Option<Secret>> {
        let reader = DataReader::FromBuffer(&signed.Result()?)?;
        let length = reader.UnconsumedBufferLength()?;
        if !(32..=LONGEST).contains(&length) {
            return Ok(None);
        }
        let mut signature = zeroize::Zeroizing::new(vec![0; length as usize]);
        reader.ReadBytes(&mut signature)?;
        let digest = Sha256::new()
            .chain_update(PURPOSE)
            .chain_update(&*signature);
        Ok(Some(Secret::new(digest.finalize().into())))
    };
    read().map_err(failed)?.ok_or(Refusal::Unavailable)
}

impl Biometrics for System {
    fn kind(&self) -> Option<Biometry> {
        let asked = || KeyCredentialManager::IsSupportedAsync()?.join();
        asked()
            .unwrap_or_default()
            .then_some(Biometry::WindowsHello)
    }

    fn make(&self, account: AccountId, mark: &[u8; 32]) -> Result<Secret, Refusal> {
        let option = KeyCredentialCreationOption::ReplaceExisting;
        let asked = || -> windows::core::Result<_> {
            let made = KeyCredentialManager::RequestCreateAsync(&name(account), option)?.join()?;
            Ok((made.Status()?, made))
        };
        match asked().map_err(failed)? {
            (KeyCredentialStatus::Success, made) => key(&made.Credential().map_err(failed)?, mark),
            // There was none to lose.
            (KeyCredentialStatus::NotFound, _) => Err(Refusal::Unavailable),
            (status, _) => Err(refusal(status)),
        }
    }

    fn give(&self, account: AccountId, mark: &[u8; 32]) -> Result<Secret, Refusal> {
        let asked = || -> windows::core::Result<_> {
            let found = KeyCredentialManager::OpenAsync(&name(account))?.join()?;
            Ok((found.Status()?, found))
        };
        match asked().map_err(failed)? {
            (KeyCredentialStatus::Success, found) => {
                key(&found.Credential().map_err(failed)?, mark)
            }
            (status, _) => Err(refusal(status)),
        }
    }

    fn forget(&self, account: AccountId) {
        let asked = || KeyCredentialManager::DeleteAsync(&name(account))?.join();
        // There was none.
        let _ = asked();
    }
}
