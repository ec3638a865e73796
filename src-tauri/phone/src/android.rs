//! What Rust needs of Android's virtual machine, before there is an activity or without
//! one: the keystore asks `ndk-context` for the application, certificates are verified
//! by the system's own code.
//!
//! Owns: that `ndk-context` has exactly one owner. With a window that is the window
//! library, which fills it once and for ever; while a job runs without one it is filled
//! here and emptied again, for a second filling ends the program.
//!
//! ```text
//!  empty --borrow--> ours (a job runs) --give_back--> empty --an activity--> the window's, for good
//! ```
#![allow(
    unsafe_code,
    reason = "what Java hands over is a pointer; each is used in the call that it was given for"
)]

use std::sync::{
    OnceLock,
    atomic::{AtomicBool, Ordering},
};

use jni::{
    Env, EnvUnowned,
    errors::LogErrorAndDefault,
    objects::{Global, JObject, JString},
};

/// The application, for as long as the program lives: whoever was told of it may keep it.
static APPLICATION: OnceLock<Global<JObject<'static>>> = OnceLock::new();
/// Whether `ndk-context` is filled from here.
static OURS: AtomicBool = AtomicBool::new(false);
/// Whether an activity was there: then the window library has filled it.
static WINDOW: AtomicBool = AtomicBool::new(false);

/// Makes certificates verifiable. To be called before the first connection.
fn prepare(env: &mut Env<'_>, context: &JObject<'_>) -> Result<(), jni::errors::Error> {
    if APPLICATION.get().is_none() {
        let application = env.new_global_ref(context)?;
        let _ = APPLICATION.set(application);
    }
    let context = env.new_local_ref(context)?;
    rustls_platform_verifier::android::init_with_env(env, context)
}

/// An activity begins. Nobody uses the keystore at this moment.
pub fn window_begins(env: &mut EnvUnowned<'_>, context: &JObject<'_>) {
    WINDOW.store(true, Ordering::SeqCst);
    give_back();
    env.with_env(|env| prepare(env, context))
        .resolve::<LogErrorAndDefault>();
}

/// A job begins that may have no activity. Whether it can run.
pub fn job_begins(env: &mut EnvUnowned<'_>, context: &JObject<'_>) -> bool {
    let begun = env.with_env(|env| -> Result<bool, jni::errors::Error> {
        prepare(env, context)?;
        let filled = WINDOW.load(Ordering::SeqCst) || OURS.swap(true, Ordering::SeqCst);
        if let (false, Some(application)) = (filled, APPLICATION.get()) {
            let machine = env.get_java_vm()?;
            // SAFETY: the machine lives as long as the program, and so does the global
            // reference; it is empty, for OURS and WINDOW were both false.
            unsafe {
                ndk_context::initialize_android_context(
                    machine.get_raw().cast(),
                    application.as_raw().cast(),
                );
            }
        }
        Ok(true)
    });
    begun.resolve::<LogErrorAndDefault>()
}

/// The job has ended, or a window takes over: what was filled here is emptied.
pub fn give_back() {
    if OURS.swap(false, Ordering::SeqCst) {
        // SAFETY: it was filled from here, and is emptied once.
        unsafe { ndk_context::release_android_context() };
    }
}

/// What Java calls a text.
pub fn text(env: &mut EnvUnowned<'_>, text: &JString<'_>) -> String {
    env.with_env(|env| text.try_to_string(env))
        .resolve::<LogErrorAndDefault>()
}

/// The same the other way; null where there is none.
pub fn java_text<'local>(env: &mut EnvUnowned<'local>, text: &str) -> JString<'local> {
    env.with_env(|env| env.new_string(text))
        .resolve::<LogErrorAndDefault>()
}
