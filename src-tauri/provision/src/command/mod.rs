//! The command: what is asked for, with which credentials, and how it is told.
//!
//! Owns the words on the terminal and the exit codes: 0 done (or healthy), 1 refused or
//! failed (or not healthy), 2 not understood. Credentials come by prompt or descriptor only.

mod arguments;
mod credentials;
mod order;
mod proof;

use arguments::{Arguments, Sub};
use serde_json::{Value, json};
use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::process::ExitCode;
use whinchat_provision::{
    Client, Credentials, Error, Kind, Level, Plan, Refusal, Schema, apply_planned, diagnose,
    export, look, look_at_removal, remove,
};

/// A line on stdout. Whoever does not listen any more (`| head`) does not stop the work.
macro_rules! say {
    ($($words:tt)*) => {{
        let _ = writeln!(std::io::stdout(), $($words)*);
    }};
}

/// Why it ended early; a sentence for the owner.
enum Stop {
    /// Refused or failed.
    Failed(String),
    /// Not understood, or nobody there to be asked.
    Usage(String),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(advice(&error))
    }
}

/// Does what the command line says.
pub fn run() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    // For the chores of this project: one order on stdin, with people and messages.
    if words == ["apply"] && !std::io::stdin().is_terminal() {
        return order::run();
    }
    let arguments = match arguments::read(words.into_iter()) {
        Ok(Ok(arguments)) => arguments,
        Ok(Err(help)) => {
            say!("{}", help.trim());
            return ExitCode::SUCCESS;
        }
        Err(wrong) => return usage(&wrong),
    };
    if let Some(name) = credentials::in_environment(std::env::vars_os().map(|(name, _)| name)) {
        return usage(&format!(
            "{name} is set. Credentials are not read from the environment, where every program of \
             yours could read them, too: unset it, and give them at the prompt or by --credentials-fd."
        ));
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let done = match runtime {
        Ok(runtime) => runtime.block_on(perform(&arguments)),
        Err(error) => Err(Stop::Failed(format!("There is no runtime: {error}."))),
    };
    match done {
        Ok(code) => code,
        Err(Stop::Usage(sentence)) => usage(&sentence),
        Err(Stop::Failed(sentence)) => {
            if arguments.json {
                say!("{}", json!({ "error": sentence }));
            }
            eprintln!("{sentence}");
            ExitCode::FAILURE
        }
    }
}

fn usage(sentence: &str) -> ExitCode {
    eprintln!("{sentence}\nTry 'whinchat-provision --help'.");
    ExitCode::from(2)
}

async fn perform(arguments: &Arguments) -> Result<ExitCode, Stop> {
    let credentials = credentials::read(arguments.credentials_fd)
        .map_err(|error| Stop::Usage(format!("There are no credentials: {error}.")))?;
    let client = Client::sign_in(&arguments.url, credentials.clone()).await?;
    let done = tokio::select! {
        done = serve(arguments, &client, &credentials) => done,
        _ = tokio::signal::ctrl_c() => broken_off(arguments, &client).await,
    };
    client.sign_out().await;
    done
}

/// What is left to do once somebody has broken it off.
async fn broken_off(arguments: &Arguments, client: &Client) -> Result<ExitCode, Stop> {
    if let Sub::Verify { roles, .. } = &arguments.sub {
        eprintln!("Broken off. The probes are taken away …");
        let schema = Schema::of(Kind::Full).for_roles(roles.clone());
        whinchat_provision::verify::sweep(client, &schema).await?;
    }
    Err(Stop::Failed(
        "Broken off. What was begun can be done again: run the same line.".to_owned(),
    ))
}

async fn serve(
    arguments: &Arguments,
    client: &Client,
    credentials: &Credentials,
) -> Result<ExitCode, Stop> {
    match &arguments.sub {
        Sub::Plan { roles, addresses } => {
            let schema = Schema::of(Kind::Full)
                .for_roles(roles.clone())
                .with_addresses(addresses.clone());
            let plan = look(client, &schema).await?;
            if arguments.json {
                say!("{}", plan_as_json(&plan));
            } else {
                print_plan(&plan);
            }
            Ok(code_for(&plan.refusals))
        }
        Sub::Apply {
            roles,
            addresses,
            plan,
            yes,
        } => {
            let schema = Schema::of(Kind::Full)
                .for_roles(roles.clone())
                .with_addresses(addresses.clone());
            apply(arguments, client, &schema, plan.as_deref(), *yes).await
        }
        Sub::Verify {
            roles,
            report,
            junit,
            clean,
        } => {
            let schema = Schema::of(Kind::Full).for_roles(roles.clone());
            if *clean {
                let gone = whinchat_provision::verify::sweep(client, &schema).await?;
                let sentence = format!("{gone} rows and accounts of probes were taken away.");
                tell(arguments, &json!({ "swept": gone }), &sentence);
                return Ok(ExitCode::SUCCESS);
            }
            let files = [report.as_deref(), junit.as_deref()];
            proof::run(arguments, client, &schema, files).await
        }
        Sub::Remove {
            keep_messages,
            export: file,
            yes,
        } => {
            let planned = look_at_removal(client, *keep_messages).await?;
            if arguments.json {
                say!("{}", json!({ "removal": planned }));
            } else {
                print_removal(&planned, *keep_messages);
            }
            if !planned.refusals.is_empty() {
                return Ok(ExitCode::FAILURE);
            }
            if planned.steps.is_empty() {
                return Ok(ExitCode::SUCCESS);
            }
            agree(*yes, "Take all of this away?")?;
            if let Some(file) = file {
                let rows = export(client, file).await?;
                tell(
                    arguments,
                    &json!({ "exported": rows }),
                    &format!("{rows} rows are in {}", file.display()),
                );
            }
            let done = remove(client, *keep_messages, |number, count, step| {
                tell_step(arguments, number, count, &step.to_string());
            })
            .await?;
            let steps = done.steps.len();
            tell(
                arguments,
                &json!({ "done": steps }),
                "Nothing of Whinchat is left.",
            );
            Ok(ExitCode::SUCCESS)
        }
        Sub::Doctor => {
            let findings = diagnose(client, credentials).await?;
            let worst = findings.iter().map(|finding| finding.level).max();
            if arguments.json {
                say!("{}", json!({ "findings": findings }));
            } else {
                for finding in &findings {
                    let level = match finding.level {
                        Level::Problem => "PROBLEM",
                        Level::Advice => "advice ",
                        Level::Unseen => "unseen ",
                        Level::Good => "good   ",
                    };
                    say!("{level} {}", finding.sentence);
                    if let Some(setting) = &finding.setting {
                        say!("        -> {setting}");
                    }
                }
            }
            Ok(if worst == Some(Level::Problem) {
                ExitCode::FAILURE
            } else {
                ExitCode::SUCCESS
            })
        }
    }
}

async fn apply(
    arguments: &Arguments,
    client: &Client,
    schema: &Schema,
    hash: Option<&str>,
    yes: bool,
) -> Result<ExitCode, Stop> {
    let plan = look(client, schema).await?;
    if arguments.json {
        say!("{}", plan_as_json(&plan));
    } else {
        print_plan(&plan);
    }
    if !plan.refusals.is_empty() {
        return Ok(ExitCode::FAILURE);
    }
    if plan.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    // Whoever names the plan has seen it.
    agree(yes || hash.is_some(), "Do this?")?;
    let seen = plan.hash();
    let hash = Some(hash.unwrap_or(&seen));
    let done = apply_planned(client, schema, hash, |number, count, step| {
        tell_step(arguments, number, count, &step.to_string());
    })
    .await?;
    let left = look(client, schema).await?;
    let sentence = format!(
        "Done. People whose role is {} can sign in with Whinchat at {}",
        done.roles.join(" or "),
        arguments.url
    );
    let answer = json!({ "done": done.steps.len(), "left": left.steps.len() });
    tell(arguments, &answer, &sentence);
    Ok(code_for(&left.refusals))
}

fn code_for(refusals: &[Refusal]) -> ExitCode {
    if refusals.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Asks at the terminal, unless it was agreed to beforehand.
fn agree(already: bool, question: &str) -> Result<(), Stop> {
    if already {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        return Err(Stop::Usage(
            "Nobody is there to be asked: say --yes if it is to be done.".to_owned(),
        ));
    }
    print!("{question} [y/N] ");
    let _ = std::io::stdout().flush();
    let mut answer = String::new();
    let _ = std::io::stdin().lock().read_line(&mut answer);
    if ["y", "yes"].contains(&answer.trim().to_lowercase().as_str()) {
        Ok(())
    } else {
        Err(Stop::Failed("Nothing was done.".to_owned()))
    }
}

fn tell(arguments: &Arguments, json: &Value, sentence: &str) {
    if arguments.json {
        say!("{json}");
    } else {
        say!("{sentence}");
    }
}

fn tell_step(arguments: &Arguments, number: usize, count: usize, words: &str) {
    let json = json!({ "step": number, "of": count, "text": words });
    tell(arguments, &json, &format!("{number}/{count} {words}"));
}

fn plan_as_json(plan: &Plan) -> Value {
    let steps: Vec<Value> = plan
        .steps
        .iter()
        .map(|step| json!({ "text": step.to_string(), "step": step }))
        .collect();
    let refusals: Vec<Value> = plan
        .refusals
        .iter()
        .map(|refusal| json!({ "text": refusal.to_string(), "refusal": refusal }))
        .collect();
    json!({
        "plan": plan.hash(), "version": Kind::Full.version(), "roles": plan.roles,
        "refusals": refusals, "steps": steps, "left": plan.differences,
    })
}

fn print_plan(plan: &Plan) {
    if !plan.refusals.is_empty() {
        say!("This can't be done safely, and nothing is done:");
        for refusal in &plan.refusals {
            say!("- {refusal}");
        }
        say!(
            "Without that, {} things would be made or changed; --json lists them.",
            plan.steps.len()
        );
        return;
    }
    if plan.is_empty() {
        say!("Nothing is to be made or changed.");
    } else {
        say!("To be made or changed, in this order:");
        for (index, step) in plan.steps.iter().enumerate() {
            say!("{:>4}. {step}", index + 1);
        }
    }
    if !plan.differences.is_empty() {
        say!("Left as it is, because it is yours:");
        for difference in &plan.differences {
            say!(
                "- {}: {}; ours would be {}",
                difference.field,
                difference.found,
                difference.expected
            );
        }
    }
    say!(
        "Who may chat: people whose role is {}.",
        plan.roles.join(" or ")
    );
    say!("Everything else on the server stays as it is.");
    say!("Plan {}", plan.hash());
}

fn print_removal(removal: &whinchat_provision::Removal, keep_messages: bool) {
    for refusal in &removal.refusals {
        say!("- {refusal}");
    }
    if removal.steps.is_empty() {
        say!("There is nothing of Whinchat's to take away.");
        return;
    }
    say!("To be taken away, in this order:");
    for (index, step) in removal.steps.iter().enumerate() {
        say!("{:>4}. {step}", index + 1);
    }
    if !removal.also_lost.is_empty() {
        say!("With these goes what you put there yourself:");
        for lost in &removal.also_lost {
            say!("- {lost}");
        }
    }
    if keep_messages {
        say!("Messages and groups stay.");
    } else {
        say!(
            "Messages in collections of Whinchat's go with them; --export FILE writes them down first, --keep-messages keeps them."
        );
    }
}

/// A failure and what can be done about it.
fn advice(error: &Error) -> String {
    let what = match error {
        Error::NoAnswer(_) => {
            "Is the address right, and does the server run? What was begun can be done again: run the same line."
        }
        Error::Refused { status: 401, .. } => {
            "Sign in again with e-mail and password (and one-time code), or with a token that is still valid."
        }
        Error::Refused { code, .. } if code == "INVALID_OTP" => {
            "This account has a second factor: give the one-time code, too."
        }
        Error::Refused { status: 403, .. } => "An administrator is needed for this.",
        Error::Refused {
            status: 429 | 503, ..
        } => "The server is busy: try again in a minute.",
        Error::Refused { .. } | Error::Shape(..) => {
            "The server's log says more. What was begun can be done again: run the same line."
        }
        Error::Address(_) => "Write it as https://chat.example.com.",
        Error::OtherPlan(_) => "Look at the plan again, and give its new name to --plan.",
        Error::File(..) => "Choose another file, or make room for it.",
        Error::NotReady(_) => "Run apply first; plan says what is left.",
        Error::TwoAtOnce => {
            "Its result is no proof. Wait for the other one to end, and run it again."
        }
        Error::NotSafe(_) | Error::Licence => "",
    };
    let sentence = error.to_string();
    let sentence = sentence.trim_end_matches('.');
    format!("Not done: {sentence}. {what}").trim().to_owned()
}
