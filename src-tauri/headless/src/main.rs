//! The messenger as JSON lines on stdin and stdout, for bots, tests and load.
//!
//! Owns: the command line, the lines, and that credentials come by prompt or
//! descriptor only: never as an argument or from the environment, where every
//! other program of this person could read them. Everything else is the core's.

mod arguments;
mod secret;
mod serve;

use std::{io::Write as _, process::ExitCode};

use arguments::{Arguments, Sub};
use serde_json::{Value, json};
use tracing_subscriber::EnvFilter;
use whinchat_core::{
    bridge::{Code, Problem, SetUpSignIn, SignIn, Unsent, VaultKind},
    model::AccountId,
    product,
    runtime::{Config, Messenger},
};

fn main() -> ExitCode {
    let arguments = match arguments::read(std::env::args().skip(1)) {
        Ok(Some(arguments)) => arguments,
        Ok(None) => {
            println!("{}", arguments::HELP.trim());
            return ExitCode::SUCCESS;
        }
        Err(wrong) => {
            eprintln!("whinchat-rpc: {wrong}\nTry 'whinchat-rpc --help'.");
            return ExitCode::from(2);
        }
    };
    log_to_stderr(&arguments.log);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => runtime.block_on(run(arguments)),
        Err(error) => {
            eprintln!("whinchat-rpc: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Only what this project writes: other crates may log what passes through them.
fn log_to_stderr(level: &str) {
    let filter = format!("off,whinchat_core={level},whinchat_rpc={level}");
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_writer(std::io::stderr)
        .with_ansi(false)
        .init();
}

async fn run(arguments: Arguments) -> ExitCode {
    let mut config = Config::new(arguments.data.clone());
    if let Some(service) = &arguments.keychain_service {
        config.keychain_service.clone_from(service);
    }
    let messenger = match Messenger::new(config).await {
        Ok(messenger) => messenger,
        Err(problem) => return say(Err(problem)),
    };
    match arguments.sub {
        Sub::Serve {
            unlock,
            events,
            set_up,
        } => {
            for (account, descriptor) in unlock {
                if let Err(problem) = unlock_account(&messenger, account, descriptor).await {
                    return say(Err(problem));
                }
            }
            if let Some(request) = set_up
                && let Err(problem) = set_up_begin(&messenger, request).await
            {
                return say(Err(problem));
            }
            serve::serve(messenger, events).await
        }
        Sub::SignIn(request) => {
            let answer = sign_in(&messenger, request).await;
            messenger.shutdown().await;
            say(answer)
        }
        Sub::SignOut { who, discard } => {
            let answer = sign_out(&messenger, &who, discard).await;
            messenger.shutdown().await;
            say(answer)
        }
        Sub::Accounts => say(to_value(messenger.accounts())),
    }
}

fn to_value(answer: impl serde::Serialize) -> Result<Value, Problem> {
    serde_json::to_value(answer).map_err(|_| Problem::new(Code::BadCommand))
}

/// One line on stdout; the exit code says the same.
fn say(answer: Result<Value, Problem>) -> ExitCode {
    let (line, code) = match answer {
        Ok(value) => (json!({"ok": value}), ExitCode::SUCCESS),
        Err(problem) => (json!({"error": problem}), ExitCode::FAILURE),
    };
    if writeln!(std::io::stdout(), "{line}").is_err() {
        return ExitCode::FAILURE;
    }
    code
}

async fn unlock_account(
    messenger: &Messenger,
    account: AccountId,
    descriptor: Option<u32>,
) -> Result<(), Problem> {
    let passphrase = ask("Passphrase", descriptor)?;
    messenger.unlock(account, passphrase.into()).await
}

fn ask(what: &str, descriptor: Option<u32>) -> Result<String, Problem> {
    secret::read(what, descriptor).map_err(|error| {
        eprintln!("whinchat-rpc: {what}: {error}");
        Problem::new(Code::BadCommand)
    })
}

async fn set_up_begin(
    messenger: &Messenger,
    request: arguments::SetUpArguments,
) -> Result<(), Problem> {
    let password = ask("Password", request.password_fd)?;
    let code = match request.code_fd {
        Some(descriptor) => Some(ask("One-time code", Some(descriptor))?),
        None => None,
    };
    let mut set_up = SetUpSignIn {
        server: request.server,
        email: request.email,
        password,
        code,
    };
    match messenger.set_up_begin(set_up.clone()).await {
        Err(problem) if problem.code == Code::CodeNeeded && secret::at_a_terminal() => {
            set_up.code = Some(ask("One-time code", None)?);
            messenger.set_up_begin(set_up).await.map(drop)
        }
        other => other.map(drop),
    }
}

async fn sign_in(
    messenger: &Messenger,
    request: arguments::SignInArguments,
) -> Result<Value, Problem> {
    let password = ask("Password", request.password_fd)?;
    let passphrase = match request.vault {
        VaultKind::Passphrase => Some(ask("Passphrase", request.passphrase_fd)?),
        VaultKind::Keychain | VaultKind::SessionOnly => None,
    };
    let code = match request.code_fd {
        Some(descriptor) => Some(ask("One-time code", Some(descriptor))?),
        None => None,
    };
    let accepts = request.accept_terms;
    let mut sign_in = SignIn {
        server: request.server,
        email: request.email,
        password,
        code,
        vault: request.vault,
        passphrase,
        account: request.account.map(|account| account.to_string()),
    };
    let first = messenger.sign_in(sign_in.clone()).await;
    let answer = match first {
        // With nobody at a terminal the answer says that a code is needed.
        Err(problem) if problem.code == Code::CodeNeeded && secret::at_a_terminal() => {
            sign_in.code = Some(ask("One-time code", None)?);
            messenger.sign_in(sign_in).await
        }
        other => other,
    };
    let account = answer?;
    if accepts {
        let id = account
            .id
            .parse()
            .map_err(|_| Problem::new(Code::AccountUnknown))?;
        messenger.open(id).await?;
        messenger.accept_terms(id, product::TERMS).await?;
    }
    to_value(account)
}

async fn sign_out(messenger: &Messenger, who: &str, discard: bool) -> Result<Value, Problem> {
    let mut matching = messenger
        .accounts()
        .into_iter()
        .filter(|account| account.id == who || account.email == who);
    let (Some(account), None) = (matching.next(), matching.next()) else {
        return Err(Problem::new(Code::AccountUnknown));
    };
    let id = account.id.parse();
    let id = id.map_err(|_| Problem::new(Code::AccountUnknown))?;
    let unsent = if discard {
        Unsent::Discard
    } else {
        Unsent::Ask
    };
    to_value(messenger.sign_out(id, unsent).await?)
}
