//! Whinchat, the program. Everything is in the library, which phones start too.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

fn main() -> std::process::ExitCode {
    whinchat_app::run()
}
