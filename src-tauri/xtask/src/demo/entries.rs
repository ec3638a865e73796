//! What the demonstration's windows keep in a keychain.
//!
//! On Linux it has a keychain of its own, inside its folder. macOS and Windows
//! know only the person's: there the entries of Alice and Bob are filed under
//! the app's name, two for each account, and no other account has the same.
//! They are removed by signing out, which needs no server, before the folder
//! that knows the accounts goes.

use crate::problem::{Outcome, Problem};
use crate::{name, paths, process};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

/// Signing out, also where a keychain asks its person first.
const BOUND: Duration = Duration::from_secs(120);

/// Whether they are in the person's own keychain.
pub const IN_THE_PERSONS: bool = !cfg!(target_os = "linux");

/// Removes the entries of the data folder `data`, whoever is signed in there. Does nothing
/// where they are in the folder itself.
pub fn forget(data: &Path, email: &str) -> Outcome {
    if !IN_THE_PERSONS || !data.is_dir() {
        return Ok(());
    }
    sign_out(&paths::built(&name::rpc()), data, email)
}

fn sign_out(program: &Path, data: &Path, email: &str) -> Outcome {
    if !program.is_file() {
        return Err(Problem::with_line(
            format!(
                "{} has entries in your keychain, and the program that removes them is not built. This builds it:",
                data.display()
            ),
            format!("cargo build --package {}", name::rpc()),
        ));
    }
    let log = data.with_extension("sign-out.log");
    let output = std::fs::File::create(&log);
    let mut command = process::bound_command(program);
    command
        .args(["sign-out", "--discard", "--account", email, "--data"])
        .arg(data)
        .stdin(Stdio::null())
        .stdout(output.map_or_else(|_| Stdio::null(), Stdio::from))
        .stderr(Stdio::null());
    let mut running = process::start(&name::rpc(), command)?;
    let done = running.wait(BOUND).is_some_and(|status| status.success());
    let said = process::tail(&log, 1);
    // Nobody is signed in there: nothing is kept for them.
    if done || said.contains("\"account_unknown\"") {
        return Ok(());
    }
    Err(Problem::new(format!(
        "The entries of {email} could not be removed from your keychain: {said}"
    )))
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use crate::random;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn entries_are_removed_by_signing_out_and_a_failure_keeps_the_folder() {
        let place = std::env::temp_dir().join(format!("xtask-entries-{}", random::word(8)));
        let data = place.join("alice");
        std::fs::create_dir_all(&data).unwrap();
        let program = place.join("rpc");
        let missing = sign_out(&program, &data, "alice@example.com").unwrap_err();
        assert_eq!(
            missing.run,
            Some(format!("cargo build --package {}", name::rpc()))
        );
        let says = |script: &str| {
            std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
            std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
            // A file just written may be open still in a child that another test starts.
            let signed_out = || sign_out(&program, &data, "alice@example.com");
            let asked = process::poll(Duration::from_secs(10), || match signed_out() {
                Err(problem) if problem.sentence.contains("busy") => None,
                other => Some(other),
            });
            asked.unwrap()
        };
        let asked = place.join("asked");
        assert_eq!(says(&format!("echo \"$@\" >{}", asked.display())), Ok(()));
        assert_eq!(
            std::fs::read_to_string(asked).unwrap().trim(),
            format!(
                "sign-out --discard --account alice@example.com --data {}",
                data.display()
            )
        );
        let nobody = r#"echo '{"error":{"code":"account_unknown"}}'; exit 1"#;
        assert_eq!(says(nobody), Ok(()));
        let locked = r#"echo '{"error":{"code":"vault_unavailable"}}'; exit 1"#;
        let problem = says(locked).unwrap_err();
        assert!(problem.sentence.contains("vault_unavailable"), "{problem}");
        paths::remove(&place).unwrap();
    }
}
