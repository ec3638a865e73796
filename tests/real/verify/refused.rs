//! A Directus without a licence for permission rules: nothing is made there, and its
//! owner is told why and what to do.

use whinchat_provision::{
    Client, Credentials, Error, Kind, Refusal, Schema, apply, diagnose, look,
};
use xtask::directus::{self, LICENSED_VERSION, Server, Settings};
use xtask::{Outcome, Problem};

/// Starts one, asks it to be made ready, and compares what it holds before and after.
pub fn run() -> Outcome {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let installation = directus::install_version(LICENSED_VERSION)?;
    let folder = tempfile::tempdir()
        .map_err(|error| Problem::new(format!("No temporary folder: {error}.")))?;
    let server = Server::start(
        &installation,
        &folder.path().join("directus"),
        Settings::default(),
    )?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Problem::new(format!("There is no runtime: {error}.")))?;
    runtime.block_on(see(&server))
}

async fn see(server: &Server) -> Outcome {
    let person = server.administrator();
    let credentials = || Credentials::Password {
        email: person.email.clone(),
        password: person.password.clone(),
    };
    let owner = Client::sign_in(&server.url(), credentials())
        .await
        .map_err(|error| super::sentence(&error))?;
    let schema = Schema::of(Kind::Full);
    let before = super::inventory(&owner)
        .await
        .map_err(|error| super::sentence(&error))?;

    let plan = look(&owner, &schema)
        .await
        .map_err(|error| super::sentence(&error))?;
    let [refusal @ Refusal::Licence { .. }] = plan.refusals.as_slice() else {
        return Err(Problem::new(format!(
            "Its plan is not refused for its licence: {:?}.",
            plan.refusals
        )));
    };
    told("the plan", &refusal.to_string())?;
    println!("plan: {refusal}");
    match apply(&owner, &schema, |_, _, _| {}).await {
        Err(Error::NotSafe(refusals)) if refusals == plan.refusals => {}
        other => {
            return Err(Problem::new(format!(
                "It was applied all the same: {other:?}."
            )));
        }
    }
    let found = diagnose(&owner, &credentials())
        .await
        .map_err(|error| super::sentence(&error))?;
    let sentences: Vec<String> = found.into_iter().map(|finding| finding.sentence).collect();
    told("the doctor", &sentences.join("\n"))?;
    let after = super::inventory(&owner)
        .await
        .map_err(|error| super::sentence(&error))?;
    super::same("being refused", &before, &after)?;
    owner.sign_out().await;
    println!("refused: Directus {LICENSED_VERSION} without a licence, and left as it was");
    Ok(())
}

/// What an owner must learn: which version, the key's name, that one is free, and its terms.
fn told(by: &str, text: &str) -> Outcome {
    for part in [
        LICENSED_VERSION,
        "LICENSE_KEY",
        "free",
        "directus.com/oig",
        "11.17",
    ] {
        if !text.contains(part) {
            return Err(Problem::new(format!(
                "By {by}, \"{part}\" is not said: {text}"
            )));
        }
    }
    Ok(())
}
