//! What this system's biometrics are to the core, which opens a locked account by
//! them beside its passphrase.
//!
//! Owns: which system has which, and what is asked in words. Never: an account, its
//! passphrase, or what either opens; the core seals its key under the one that is
//! given here.
//!
//! | file | system | the key |
//! |---|---|---|
//! | `apple` | macOS, iOS | in the protected keychain, for the fingers or the face of now |
//! | `windows` | Windows | made from Windows Hello's signature of a mark |
//! | `android` | Android 11 and newer | sealed in the Keystore for strong biometrics of now |
//!
//! Linux has none: no service of it gives a key for a finger. Its finger readers
//! answer yes or no, which whoever runs the program can answer as well.

#[cfg(target_os = "android")]
mod android;
#[cfg(target_vendor = "apple")]
mod apple;
#[cfg(windows)]
mod windows;

use std::sync::Arc;

use tauri::{AppHandle, Runtime};
use whinchat_core::vault::Biometrics;

/// Those of this system.
#[cfg(any(target_vendor = "apple", target_os = "android", windows))]
pub fn of<R: Runtime>(app: &AppHandle<R>) -> Option<Arc<dyn Biometrics>> {
    #[cfg(target_os = "android")]
    return android::system(app).map(|system| Arc::new(system) as Arc<dyn Biometrics>);
    #[cfg(target_vendor = "apple")]
    return Some(Arc::new(apple::System::new(app)));
    #[cfg(windows)]
    {
        let _ = app;
        Some(Arc::new(windows::System))
    }
}

/// None.
#[cfg(not(any(target_vendor = "apple", target_os = "android", windows)))]
pub fn of<R: Runtime>(_app: &AppHandle<R>) -> Option<Arc<dyn Biometrics>> {
    None
}
