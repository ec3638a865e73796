//! Hands Tauri's tools the Kotlin in `android` and the Swift in `ios`. No command is
//! named: the page may call none of them, only this crate does.

fn main() {
    tauri_plugin::Builder::new(&[])
        .android_path("android")
        .ios_path("ios")
        .build();
}
