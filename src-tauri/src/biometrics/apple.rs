//! Touch ID and Face ID: an entry of the protected keychain that is given for the
//! fingers or the face of now alone, on this device, while it is unlocked. It is gone
//! when a finger or a face is added.
//!
//! A Mac has that keychain only for a program whose signature names it; one without,
//! as cargo builds it, has no biometrics.
//!
//! Never: an account's secret; what is kept here is random, and opens nothing alone.
#![allow(
    unsafe_code,
    reason = "Apple's functions are C; each query is made and read here, and kept nowhere"
)]

use std::ptr::{self, NonNull};

use objc2::rc::Retained;
use objc2_core_foundation::{CFBoolean, CFData, CFDictionary, CFRetained, CFString, CFType};
use objc2_foundation::NSString;
use objc2_local_authentication::{LABiometryType, LAContext, LAError, LAPolicy};
use objc2_security::{
    SecAccessControl, SecAccessControlCreateFlags, SecItemAdd, SecItemCopyMatching, SecItemDelete,
    errSecAuthFailed, errSecItemNotFound, errSecSuccess, errSecUserCanceled, kSecAttrAccessControl,
    kSecAttrAccessibleWhenUnlockedThisDeviceOnly, kSecAttrAccount, kSecAttrService, kSecClass,
    kSecClassGenericPassword, kSecReturnData, kSecUseAuthenticationContext,
    kSecUseDataProtectionKeychain, kSecValueData,
};
use tauri::{AppHandle, Manager as _, Runtime};
use whinchat_core::{
    bridge::Biometry,
    model::AccountId,
    product,
    vault::{Biometrics, Refusal, Secret, new_key},
};

use crate::words::Words;

/// Touch ID or Face ID.
#[derive(Debug)]
pub struct System {
    /// What the system says that the app wants it for.
    reason: String,
}

/// What the keychain answers, in our style of names.
const DONE: i32 = errSecSuccess;
const NO_ENTRY: i32 = errSecItemNotFound;
const CANCELLED: i32 = errSecUserCanceled;
const FAILED: i32 = errSecAuthFailed;

type Query = CFRetained<CFDictionary<CFString, CFType>>;

/// The entry of this name, and what more is said of it.
fn entry(name: &str, more: &[(&CFString, &CFType)]) -> Query {
    let service = CFString::from_str(&format!("{}.opener", product::IDENTIFIER));
    let name = CFString::from_str(name);
    // SAFETY: constants of the system's.
    let ours: [(&CFString, &CFType); 4] = unsafe {
        [
            (kSecClass, kSecClassGenericPassword),
            (kSecAttrService, &service),
            (kSecAttrAccount, &name),
            (kSecUseDataProtectionKeychain, CFBoolean::new(true)),
        ]
    };
    let (keys, values): (Vec<_>, Vec<_>) = ours.iter().chain(more).copied().unzip();
    CFDictionary::from_slices(&keys, &values)
}

fn delete(name: &str) {
    // SAFETY: the query's types are those that the function asks for.
    let _ = unsafe { SecItemDelete(entry(name, &[]).as_opaque()) };
}

/// Whether the protected keychain is open to this program.
fn keychain_is_ours() -> bool {
    // SAFETY: as above; without a place for it nothing is given.
    let status = unsafe { SecItemCopyMatching(entry("none", &[]).as_opaque(), ptr::null_mut()) };
    [DONE, NO_ENTRY].contains(&status)
}

/// Whether somebody could be recognised now.
fn possible(context: &LAContext) -> Result<(), Refusal> {
    // SAFETY: a plain question.
    let answer = unsafe {
        context.canEvaluatePolicy_error(LAPolicy::DeviceOwnerAuthenticationWithBiometrics)
    };
    answer.map_err(|error| match LAError(error.code()) {
        LAError::BiometryLockout => Refusal::TooManyTries,
        _ => Refusal::Unavailable,
    })
}

fn context(reason: &str) -> Retained<LAContext> {
    // SAFETY: texts are copied.
    unsafe {
        let context = LAContext::new();
        context.setLocalizedReason(&NSString::from_str(reason));
        // The passphrase is asked for on the page; the system has no other way.
        context.setLocalizedFallbackTitle(Some(&NSString::new()));
        context
    }
}

impl System {
    /// As this system has them.
    pub fn new<R: Runtime>(app: &AppHandle<R>) -> Self {
        Self {
            reason: app.state::<Words>().say("biometrics-reason", &[]),
        }
    }

    fn read(&self, name: &str) -> Result<Secret, Refusal> {
        let context = context(&self.reason);
        possible(&context)?;
        // SAFETY: every object is one of Core Foundation's types to it, and lives until
        // the query is done.
        let by = unsafe { &*Retained::as_ptr(&context).cast::<CFType>() };
        let mut found: *const CFType = ptr::null();
        // SAFETY: the query's types are those that the function asks for, and what it
        // gives is the caller's to let go of.
        let (status, found) = unsafe {
            let query = entry(
                name,
                &[
                    (kSecReturnData, CFBoolean::new(true)),
                    (kSecUseAuthenticationContext, by),
                ],
            );
            let status = SecItemCopyMatching(query.as_opaque(), &raw mut found);
            let found = NonNull::new(found.cast_mut()).map(|found| CFRetained::from_raw(found));
            (status, found)
        };
        match status {
            DONE => {}
            NO_ENTRY => return Err(Refusal::Gone),
            CANCELLED => return Err(Refusal::Cancelled),
            FAILED => {
                // Too many tries fail as one does.
                possible(&context)?;
                return Err(Refusal::NotRecognised);
            }
            status => {
                tracing::warn!(status, "the keychain gives no key");
                return Err(Refusal::Unavailable);
            }
        }
        let data = found.and_then(|found| found.downcast::<CFData>().ok());
        let bytes = zeroize::Zeroizing::new(data.ok_or(Refusal::Gone)?.to_vec());
        let mut key = Secret::default();
        if bytes.len() != key.len() {
            return Err(Refusal::Gone);
        }
        key.copy_from_slice(&bytes);
        Ok(key)
    }
}

impl Biometrics for System {
    fn kind(&self) -> Option<Biometry> {
        let context = context(&self.reason);
        let possible = possible(&context) != Err(Refusal::Unavailable);
        if !possible || !keychain_is_ours() {
            return None;
        }
        // SAFETY: a plain question.
        match unsafe { context.biometryType() } {
            LABiometryType::TouchID => Some(Biometry::TouchId),
            LABiometryType::FaceID => Some(Biometry::FaceId),
            _ => None,
        }
    }

    fn make(&self, account: AccountId, _mark: &[u8; 32]) -> Result<Secret, Refusal> {
        let name = account.to_string();
        delete(&name);
        let key = Secret::new(new_key().map_err(|_| Refusal::Unavailable)?.0);
        // SAFETY: constants of the system's, and no place for an error's words.
        let guard = unsafe {
            SecAccessControl::with_flags(
                None,
                kSecAttrAccessibleWhenUnlockedThisDeviceOnly,
                SecAccessControlCreateFlags::BiometryCurrentSet,
                ptr::null_mut(),
            )
        };
        let guard = guard.ok_or(Refusal::Unavailable)?;
        let data = CFData::from_bytes(&*key);
        // SAFETY: the query's types are those that the function asks for.
        let status = unsafe {
            let query = entry(
                &name,
                &[(kSecAttrAccessControl, &guard), (kSecValueData, &data)],
            );
            SecItemAdd(query.as_opaque(), ptr::null_mut())
        };
        if status != DONE {
            tracing::warn!(status, "the keychain keeps no key");
            return Err(Refusal::Unavailable);
        }
        // Read back before anything counts on it: here a person is asked first.
        match self.read(&name) {
            Ok(read) if read == key => Ok(key),
            Ok(_) | Err(Refusal::Gone) => Err(Refusal::Unavailable),
            Err(refusal) => Err(refusal),
        }
    }

    fn give(&self, account: AccountId, _mark: &[u8; 32]) -> Result<Secret, Refusal> {
        self.read(&account.to_string())
    }

    fn forget(&self, account: AccountId) {
        delete(&account.to_string());
    }
}
