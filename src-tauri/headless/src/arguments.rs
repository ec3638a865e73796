//! The command line.

use std::path::PathBuf;

use whinchat_core::{bridge::VaultKind, model::AccountId};

pub const HELP: &str = r#"
whinchat-rpc: Whinchat without a window, as JSON lines.

  whinchat-rpc sign-in  --data DIR --server URL --email E [--password-fd N] [--code-fd N]
                        [--vault keychain|passphrase|session_only] [--passphrase-fd N]
                        [--account ID] [--accept-terms]
  whinchat-rpc sign-out --data DIR --account ID|E-MAIL [--discard]
  whinchat-rpc accounts --data DIR
  whinchat-rpc serve    --data DIR [--events] [--unlock ID [--passphrase-fd N]]...
                        [--set-up URL --email E [--password-fd N] [--code-fd N]]

sign-in, sign-out and accounts print one line, {"ok":...} or {"error":{...}}, and exit
with 0 or 1.

  --password-fd N, --code-fd N, --passphrase-fd N
        Read it from this open descriptor, up to the first line end (0 is stdin, and
        on Windows the only one).
        Without it, it is asked for at the terminal, unseen. There is no other way
        to give one. Example:
            whinchat-rpc sign-in --data d --server localhost:8055 \
                --email alice@example.com --password-fd 3 3<password-file
  --vault
        Where secrets are kept: the system's keychain (the default), a file under a
        passphrase of 8 characters or more, or nowhere. An account of session_only
        ends with the program, so it is of use to no later one.
  --account ID
        Sign in to this account again; its messages are kept.
  --accept-terms
        You have read TERMS.md, and the terms of the server's owner, and accept them for
        this account. Until then it sends nothing; the command accept_terms does the same.
  --discard
        Throw away messages that were not sent yet. Without it, sign-out refuses
        while there are any.

serve reads commands from stdin, one a line, and answers on stdout:

  {"id":1,"command":"send","args":{"account":"...","conversation":"dm:...","text":"Hi"}}
  {"id":1,"ok":{...}}            or            {"id":1,"error":{"code":"...",...}}

Commands and answers are those of the window: docs/rpc.md lists them, and
ui/types/bridge.ts has their shapes.
They are answered in order, but for discover and set_up_..., which take their time. After open there
are also {"batch":{...}} lines: what changes, numbered 1, 2, 3 ...; a number missing
means that this program was read too slowly: open again. watch names the conversation
whose messages they carry. With --events there are {"event":"message",...} lines, and
connection, unread, session and set_up, as the window's page can listen to them.
With --set-up an administrator of that server is signed in, in memory only, for the
commands set_up_...; that session ends by set_up_end or with the program.
It ends when stdin does, and leaves no connection behind.

Everywhere:
  --keychain-service NAME
        File keychain entries under another name (for tests).
  --log off|error|warn|info|debug
        What is written to stderr; warn if not given. Never a password, a token, an
        e-mail address or a message.
"#;

/// What to do.
pub enum Sub {
    /// Sign in.
    SignIn(SignInArguments),
    /// Sign out.
    SignOut {
        /// An account's id, or its e-mail.
        who: String,
        /// Whether unsent messages are thrown away.
        discard: bool,
    },
    /// List the accounts.
    Accounts,
    /// Serve commands.
    Serve {
        /// Accounts to unlock first, each from a descriptor or by prompt.
        unlock: Vec<(AccountId, Option<u32>)>,
        /// Whether events are printed as well.
        events: bool,
        /// The server to set up, and by whom.
        set_up: Option<SetUpArguments>,
    },
}

/// What setting a server up takes, but for the credentials.
pub struct SetUpArguments {
    pub server: String,
    pub email: String,
    pub password_fd: Option<u32>,
    pub code_fd: Option<u32>,
}

/// What sign-in takes, but for the credentials.
pub struct SignInArguments {
    pub server: String,
    pub email: String,
    pub vault: VaultKind,
    pub account: Option<AccountId>,
    pub accept_terms: bool,
    pub password_fd: Option<u32>,
    pub code_fd: Option<u32>,
    pub passphrase_fd: Option<u32>,
}

/// The whole command line.
pub struct Arguments {
    pub data: PathBuf,
    pub keychain_service: Option<String>,
    pub log: String,
    pub sub: Sub,
}

#[derive(Default)]
struct Given {
    data: Option<String>,
    server: Option<String>,
    set_up: Option<String>,
    email: Option<String>,
    account: Option<String>,
    vault: Option<String>,
    keychain_service: Option<String>,
    log: Option<String>,
    password_fd: Option<u32>,
    code_fd: Option<u32>,
    passphrase_fd: Option<u32>,
    unlock: Vec<(AccountId, Option<u32>)>,
    discard: bool,
    accept_terms: bool,
    events: bool,
}

/// Reads the command line; `None` where help is asked for.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn read(mut words: impl Iterator<Item = String>) -> Result<Option<Arguments>, String> {
    let Some(sub) = words.next() else {
        return Ok(None);
    };
    if matches!(sub.as_str(), "--help" | "-h" | "help") {
        return Ok(None);
    }
    let mut given = Given::default();
    while let Some(word) = words.next() {
        if matches!(word.as_str(), "--help" | "-h") {
            return Ok(None);
        }
        if !take(&mut given, &word, &mut words)? {
            return Err(format!("{word} is not known here"));
        }
    }
    let need = |value: Option<String>, name: &str| value.ok_or(format!("{name} is missing"));
    let data = PathBuf::from(need(given.data, "--data")?);
    let log = given.log.unwrap_or_else(|| "warn".to_owned());
    if !["off", "error", "warn", "info", "debug"].contains(&log.as_str()) {
        return Err(format!("--log {log} is not known"));
    }
    let sub = match sub.as_str() {
        "sign-in" => Sub::SignIn(SignInArguments {
            server: need(given.server, "--server")?,
            email: need(given.email, "--email")?,
            vault: vault(given.vault.as_deref())?,
            account: given.account.as_deref().map(account).transpose()?,
            accept_terms: given.accept_terms,
            password_fd: given.password_fd,
            code_fd: given.code_fd,
            passphrase_fd: given.passphrase_fd,
        }),
        "sign-out" => Sub::SignOut {
            who: need(given.account, "--account")?,
            discard: given.discard,
        },
        "accounts" => Sub::Accounts,
        "serve" => Sub::Serve {
            unlock: given.unlock,
            events: given.events,
            set_up: match given.set_up {
                None => None,
                Some(server) => Some(SetUpArguments {
                    server,
                    email: need(given.email, "--email")?,
                    password_fd: given.password_fd,
                    code_fd: given.code_fd,
                }),
            },
        },
        other => return Err(format!("{other} is not a command")),
    };
    Ok(Some(Arguments {
        data,
        keychain_service: given.keychain_service,
        log,
        sub,
    }))
}

fn account(text: &str) -> Result<AccountId, String> {
    text.parse()
        .map_err(|_| format!("{text} is no account's id"))
}

fn vault(name: Option<&str>) -> Result<VaultKind, String> {
    match name {
        None | Some("keychain") => Ok(VaultKind::Keychain),
        Some("passphrase") => Ok(VaultKind::Passphrase),
        Some("session_only") => Ok(VaultKind::SessionOnly),
        Some(other) => Err(format!("--vault {other} is not known")),
    }
}

/// Takes one option with its value; `false` if it is none of ours.
fn take(
    given: &mut Given,
    word: &str,
    words: &mut impl Iterator<Item = String>,
) -> Result<bool, String> {
    match word {
        "--discard" => given.discard = true,
        "--accept-terms" => given.accept_terms = true,
        "--events" => given.events = true,
        _ => {
            let mut next = || words.next().ok_or(format!("{word} needs a value"));
            let descriptor = |text: String| {
                text.parse::<u32>()
                    .map_err(|_| format!("{word} takes the number of an open descriptor"))
            };
            match word {
                "--data" => given.data = Some(next()?),
                "--server" => given.server = Some(next()?),
                "--set-up" => given.set_up = Some(next()?),
                "--email" => given.email = Some(next()?),
                "--account" => given.account = Some(next()?),
                "--vault" => given.vault = Some(next()?),
                "--keychain-service" => given.keychain_service = Some(next()?),
                "--log" => given.log = Some(next()?),
                "--password-fd" => given.password_fd = Some(descriptor(next()?)?),
                "--code-fd" => given.code_fd = Some(descriptor(next()?)?),
                "--passphrase-fd" => {
                    let descriptor = Some(descriptor(next()?)?);
                    match given.unlock.last_mut() {
                        Some(last) => last.1 = descriptor,
                        None => given.passphrase_fd = descriptor,
                    }
                }
                "--unlock" => given.unlock.push((account(&next()?)?, None)),
                _ => return Ok(false),
            }
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Result<Option<Arguments>, String> {
        read(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn sign_in_takes_descriptors_and_no_password() {
        let line = "sign-in --data d --server s --email e --password-fd 3 --vault session_only";
        let Ok(Some(arguments)) = words(line) else {
            panic!("not read");
        };
        let Sub::SignIn(sign_in) = arguments.sub else {
            panic!("not sign-in");
        };
        assert_eq!(sign_in.password_fd, Some(3));
        assert!(!sign_in.accept_terms, "nobody accepts them for somebody");
        let Ok(Some(Arguments {
            sub: Sub::SignIn(accepting),
            ..
        })) = words(&format!("{line} --accept-terms"))
        else {
            panic!("not sign-in");
        };
        assert!(accepting.accept_terms);
        assert_eq!(sign_in.vault, VaultKind::SessionOnly);
        assert!(words(&format!("{line} --password secret")).is_err());
        assert!(words("sign-in --data d --server s").is_err());
        assert!(words("sign-in --data d --server s --email e --password-fd x").is_err());
    }

    #[test]
    fn serve_unlocks_each_account_from_its_own_descriptor() {
        let id = "5463fbc0-a420-446b-a024-e58abb0969e5";
        let line = format!("serve --data d --unlock {id} --passphrase-fd 4 --unlock {id}");
        let Ok(Some(arguments)) = words(&line) else {
            panic!("not read");
        };
        let Sub::Serve {
            unlock,
            events,
            set_up,
        } = arguments.sub
        else {
            panic!("not serve");
        };
        assert!(set_up.is_none());
        let descriptors: Vec<_> = unlock.into_iter().map(|(_, fd)| fd).collect();
        assert_eq!(descriptors, [Some(4), None]);
        assert!(!events);
    }

    #[test]
    fn serve_sets_up_a_server_with_an_e_mail_and_no_password_on_the_line() {
        let line = "serve --data d --set-up https://chat.example.com --email e --password-fd 3";
        let Ok(Some(arguments)) = words(line) else {
            panic!("not read");
        };
        let Sub::Serve {
            set_up: Some(set_up),
            ..
        } = arguments.sub
        else {
            panic!("nothing to set up");
        };
        assert_eq!(set_up.server, "https://chat.example.com");
        assert_eq!((set_up.password_fd, set_up.code_fd), (Some(3), None));
        assert!(words("serve --data d --set-up https://chat.example.com").is_err());
        assert!(words(&format!("{line} --password secret")).is_err());
    }

    #[test]
    fn help_is_given_and_what_is_not_known_is_refused() {
        assert!(matches!(words("--help"), Ok(None)));
        assert!(matches!(words("serve --help"), Ok(None)));
        assert!(matches!(words(""), Ok(None)));
        assert!(words("dance --data d").is_err());
        assert!(words("serve").is_err());
        assert!(words("serve --data d --log trace").is_err());
    }
}
