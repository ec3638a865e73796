//! Which of the system's own stores is used.
//!
//! Owns: that there is one before an entry is named. Never: a value.
//!
//! | system | store |
//! |---|---|
//! | Linux | Secret Service, over the session bus |
//! | macOS | the login keychain |
//! | Windows | the Credential Manager |
//! | iOS | the protected keychain; readable once the device was unlocked after its start, so that a refresh in the background can read it; on this device only |
//! | Android | the Keystore's key over an own file of preferences |

#[cfg(not(any(target_os = "android", target_os = "ios")))]
pub use desktop::{Entry, Error, entry};
#[cfg(any(target_os = "android", target_os = "ios"))]
pub use phone::{Entry, Error, entry};

#[cfg(not(any(target_os = "android", target_os = "ios")))]
mod desktop {
    pub use keyring::{Entry, Error};

    /// The entry of this name.
    pub fn entry(service: &str, user: &str) -> Result<Entry, Error> {
        Entry::new(service, user)
    }
}

#[cfg(any(target_os = "android", target_os = "ios"))]
mod phone {
    use std::sync::{Mutex, PoisonError};

    pub use keyring_core::{Entry, Error};

    /// Whether the store was set. A system that refuses it now is asked again.
    static READY: Mutex<bool> = Mutex::new(false);

    /// The entry of this name.
    pub fn entry(service: &str, user: &str) -> Result<Entry, Error> {
        let mut ready = READY.lock().unwrap_or_else(PoisonError::into_inner);
        if !*ready {
            set_store()?;
            *ready = true;
        }
        drop(ready);
        named(service, user)
    }

    #[cfg(target_os = "ios")]
    fn set_store() -> Result<(), Error> {
        keyring_core::set_default_store(apple_native_keyring_store::protected::Store::new()?);
        Ok(())
    }

    #[cfg(target_os = "ios")]
    fn named(service: &str, user: &str) -> Result<Entry, Error> {
        let policy = [("access-policy", "AfterFirstUnlockThisDeviceOnly")];
        Entry::new_with_modifiers(service, user, &policy.into())
    }

    #[cfg(target_os = "android")]
    fn set_store() -> Result<(), Error> {
        keyring_core::set_default_store(android_native_keyring_store::Store::new()?);
        Ok(())
    }

    #[cfg(target_os = "android")]
    fn named(service: &str, user: &str) -> Result<Entry, Error> {
        Entry::new(service, user)
    }
}
