//! `whinchat-provision plan|apply|remove|doctor`: makes a Directus ready for Whinchat.

mod command;

fn main() -> std::process::ExitCode {
    command::run()
}
