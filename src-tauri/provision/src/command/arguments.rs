//! The command line.

use std::path::PathBuf;
use whinchat_provision::{AddressKind, Addresses};

const HELP: &str = r#"
whinchat-provision: makes a Directus ready for Whinchat.

  whinchat-provision plan   --url URL [--role NAME]... [--contact ADDRESS] [--terms ADDRESS]
                            [--json]
        Says what would be made, changed and left. Changes nothing.
  whinchat-provision apply  --url URL [--role NAME]... [--contact ADDRESS] [--terms ADDRESS]
                            [--plan HASH] [--yes] [--json]
        Does it, step by step. Can be broken off and done again at any point.
  whinchat-provision verify --url URL [--report FILE] [--junit FILE] [--json]
        Attacks it, as somebody malicious with an account would, and says what came of it.
  whinchat-provision remove --url URL [--keep-messages] [--export FILE] [--yes] [--json]
        Takes away what it made, and nothing else.
  whinchat-provision doctor --url URL [--json]
        Says what is wrong with a running server, and which setting to change.

Everywhere:
  --url URL
        The server's address, e.g. https://chat.example.com.
  --credentials-fd N
        Read an administrator's credentials from this open descriptor (0 is stdin):
        {"token": "..."} or {"email": "...", "password": "...", "otp": "..."}. Without it,
        they are asked for at the terminal, unseen. There is no other way to give them.
        Example:
            whinchat-provision plan --url https://chat.example.com \
                --credentials-fd 3 3<credentials.json
  --json
        Answer as JSON, an object a line.

'whinchat-provision plan --help' and the like say more. docs/server.md is for owners.
"#;

const PLAN_HELP: &str = r#"
whinchat-provision plan --url URL [--role NAME]... [--contact ADDRESS] [--terms ADDRESS]
                        [--credentials-fd N] [--json]

Reads the server, and says what would be made, changed and left, and what forbids it.
The last line is the plan's hash: the same server asked for the same gives the same one.

  --role NAME
        A role whose people may chat; can be given several times. Roles that may chat
        already stay. Without any, a role "Chat" is made.
  --contact ADDRESS
        Where people reach you about messages, people and their account: an e-mail address
        or https://... The app shows it to everybody who may chat. `none` takes it away.
  --terms ADDRESS
        Where your terms are: https://... The app shows it before the first message.
        `none` takes it away.

Ends with 0, or with 1 where something forbids it.
"#;

const APPLY_HELP: &str = r#"
whinchat-provision apply --url URL [--role NAME]... [--contact ADDRESS] [--terms ADDRESS]
                         [--plan HASH] [--yes] [--credentials-fd N] [--json]

Shows the plan, asks, and does it, a line a step. Nothing is deleted, and nothing changed
that it did not make. Broken off at any point, run it again: it does what is left.

  --role NAME, --contact ADDRESS, --terms ADDRESS
        As for plan.
  --plan HASH
        Do exactly this plan, without asking; refuse if the server has changed since.
  --yes
        Don't ask.
"#;

const VERIFY_HELP: &str = r#"
whinchat-provision verify --url URL [--role NAME]... [--report FILE] [--junit FILE]
                          [--credentials-fd N] [--json]

Makes probe accounts (their addresses end in invalid.example.com, their names in
Verification), and with them tries every forbidden thing that the schema knows of: each
collection, to read, make, change and delete, in each way there is to ask. Beside each
stands a request that must work. Then all of it is taken away again; no row of anybody
else is touched. Broken off, or the server dies: run it again, or with --clean.

  --role NAME
        As for plan.
  --report FILE
        Write everything that was tried, and what came of it, into a new file, as JSON.
  --junit FILE
        The same as JUnit's XML.
  --clean
        Only take away what an earlier run left.

Ends with 0 where the server is private, else with 1. The last line is for programs:
verify: attacks=... refused=... known=... allowed=... ok=... unclear=... leaks=...
"#;

const REMOVE_HELP: &str = r#"
whinchat-provision remove --url URL [--keep-messages] [--export FILE] [--yes]
                          [--credentials-fd N] [--json]

Shows what would be taken away, asks, and does it. What was there before stays as it was:
of a collection of messages that you made, only the fields that were added are taken.

  --keep-messages
        Leave messages and groups where they are; nobody can chat any more.
  --export FILE
        First write groups, members, messages, attachments and reactions into a new file,
        as JSON lines. Files that were sent are not in it.
  --yes
        Don't ask.
"#;

const DOCTOR_HELP: &str = r#"
whinchat-provision doctor --url URL [--credentials-fd N] [--json]

Looks at a running server, and says in sentences what is wrong and which setting to
change: WebSockets, PUBLIC_URL, rate limiter, cache, limits, clock, lifetimes of sessions,
version, and what can't be seen from outside. Changes nothing; it signs in twice more to
learn how long a session lives, and out again.

Ends with 0, or with 1 where there is a problem.
"#;

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Sub {
    /// Say what would be done.
    Plan {
        /// Roles that may chat.
        roles: Vec<String>,
        /// What the owner says of themselves.
        addresses: Addresses,
    },
    /// Do it.
    Apply {
        /// Roles that may chat.
        roles: Vec<String>,
        /// What the owner says of themselves.
        addresses: Addresses,
        /// The hash of the plan that was agreed to.
        plan: Option<String>,
        /// Whether it was agreed to beforehand.
        yes: bool,
    },
    /// Attack it.
    Verify {
        /// Roles that may chat.
        roles: Vec<String>,
        /// Where the report is written as JSON.
        report: Option<PathBuf>,
        /// Where the report is written as XML.
        junit: Option<PathBuf>,
        /// Only take away what an earlier run left.
        clean: bool,
    },
    /// Take it away.
    Remove {
        /// Whether messages stay.
        keep_messages: bool,
        /// Where they are written first.
        export: Option<PathBuf>,
        /// Whether it was agreed to beforehand.
        yes: bool,
    },
    /// Look for what is wrong.
    Doctor,
}

/// The whole command line.
#[derive(Debug, PartialEq, Eq)]
pub struct Arguments {
    pub url: String,
    pub credentials_fd: Option<u32>,
    pub json: bool,
    pub sub: Sub,
}

#[derive(Default)]
struct Given {
    url: Option<String>,
    credentials_fd: Option<u32>,
    json: bool,
    roles: Vec<String>,
    addresses: Addresses,
    plan: Option<String>,
    keep_messages: bool,
    export: Option<PathBuf>,
    report: Option<PathBuf>,
    junit: Option<PathBuf>,
    clean: bool,
    yes: bool,
}

/// Reads the command line; a text to print where help is asked for.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn read(
    mut words: impl Iterator<Item = String>,
) -> Result<Result<Arguments, &'static str>, String> {
    let Some(sub) = words.next() else {
        return Ok(Err(HELP));
    };
    let help = match sub.as_str() {
        "plan" => PLAN_HELP,
        "apply" => APPLY_HELP,
        "verify" => VERIFY_HELP,
        "remove" => REMOVE_HELP,
        "doctor" => DOCTOR_HELP,
        "--help" | "-h" | "help" => return Ok(Err(HELP)),
        other => return Err(format!("{} is not a command.", shown(other))),
    };
    let mut given = Given::default();
    while let Some(word) = words.next() {
        if matches!(word.as_str(), "--help" | "-h") {
            return Ok(Err(help));
        }
        take(&mut given, &sub, &word, &mut words)?;
    }
    let url = given.url.ok_or("--url is missing.")?;
    let sub = match sub.as_str() {
        "plan" => Sub::Plan {
            roles: given.roles,
            addresses: given.addresses,
        },
        "apply" => Sub::Apply {
            roles: given.roles,
            addresses: given.addresses,
            plan: given.plan,
            yes: given.yes,
        },
        "verify" => Sub::Verify {
            roles: given.roles,
            report: given.report,
            junit: given.junit,
            clean: given.clean,
        },
        "remove" => Sub::Remove {
            keep_messages: given.keep_messages,
            export: given.export,
            yes: given.yes,
        },
        _ => Sub::Doctor,
    };
    Ok(Ok(Arguments {
        url,
        credentials_fd: given.credentials_fd,
        json: given.json,
        sub,
    }))
}

fn take(
    given: &mut Given,
    sub: &str,
    word: &str,
    words: &mut impl Iterator<Item = String>,
) -> Result<(), String> {
    let name = word.split('=').next().unwrap_or(word);
    if is_secret(name) {
        return Err(format!(
            "{name}: credentials are never given as an argument, where every program on this \
             machine could read them. Give them at the prompt, or by --credentials-fd."
        ));
    }
    let mut next = || words.next().ok_or(format!("{word} needs a value."));
    match (sub, word) {
        (_, "--json") => given.json = true,
        (_, "--url") => given.url = Some(address(next()?)?),
        (_, "--credentials-fd") => {
            let number = next()?.parse();
            given.credentials_fd = Some(number.map_err(|_| {
                "--credentials-fd takes the number of an open descriptor.".to_owned()
            })?);
        }
        ("plan" | "apply" | "verify", "--role") => given.roles.push(next()?),
        ("plan" | "apply", "--contact") => {
            given.addresses.contact = Some(own(AddressKind::Contact, &next()?)?);
        }
        ("plan" | "apply", "--terms") => {
            given.addresses.terms = Some(own(AddressKind::Terms, &next()?)?);
        }
        ("apply", "--plan") => given.plan = Some(next()?),
        ("apply" | "remove", "--yes") => given.yes = true,
        ("verify", "--report") => given.report = Some(next()?.into()),
        ("verify", "--junit") => given.junit = Some(next()?.into()),
        ("verify", "--clean") => given.clean = true,
        ("remove", "--keep-messages") => given.keep_messages = true,
        ("remove", "--export") => given.export = Some(next()?.into()),
        _ => return Err(format!("{} is not known to {sub}.", shown(word))),
    }
    Ok(())
}

/// An address of the owner's as it is kept; none to take it away.
fn own(kind: AddressKind, typed: &str) -> Result<Option<String>, String> {
    if typed == "none" {
        return Ok(None);
    }
    let kept = kind.read(typed).ok_or_else(|| {
        let takes = match kind {
            AddressKind::Contact => "an e-mail address or an https address",
            AddressKind::Terms => "an https address",
        };
        format!("--{} takes {takes}, or none.", kind.field())
    })?;
    Ok(Some(kept))
}

fn is_secret(name: &str) -> bool {
    let name = name.trim_start_matches('-').to_lowercase();
    [
        "token",
        "password",
        "email",
        "e-mail",
        "user",
        "otp",
        "code",
        "secret",
        "credentials",
    ]
    .contains(&name.as_str())
}

/// A word that is not understood could be a secret in the wrong place: only its shape is told.
fn shown(word: &str) -> String {
    let plain = word.len() <= 24 && word.chars().all(|c| c.is_ascii_lowercase() || c == '-');
    if plain {
        word.to_owned()
    } else {
        "A word on the command line".to_owned()
    }
}

/// An address must not hold credentials either.
fn address(text: String) -> Result<String, String> {
    let authority = text
        .split_once("://")
        .map_or(text.as_str(), |(_, rest)| rest)
        .split(['/', '?', '#'])
        .next()
        .unwrap_or_default();
    let query = text.to_lowercase();
    if authority.contains('@') || query.contains("access_token=") {
        return Err(
            "The address holds credentials, where every program on this machine could read them. \
             Give them at the prompt, or by --credentials-fd."
                .to_owned(),
        );
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Result<Result<Arguments, &'static str>, String> {
        read(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn each_command_takes_what_is_its_own() {
        let line = "apply --url https://a.example --role Staff --role Guests --plan abc --credentials-fd 3 --json";
        let arguments = words(line).unwrap().unwrap();
        assert_eq!(arguments.credentials_fd, Some(3));
        assert!(arguments.json);
        let roles = ["Staff", "Guests"].map(str::to_owned).to_vec();
        let plan = Some("abc".to_owned());
        assert_eq!(
            arguments.sub,
            Sub::Apply {
                roles,
                addresses: Addresses::default(),
                plan,
                yes: false
            }
        );
        let line = "remove --url u --keep-messages --export said.jsonl --yes";
        assert_eq!(
            words(line).unwrap().unwrap().sub,
            Sub::Remove {
                keep_messages: true,
                export: Some("said.jsonl".into()),
                yes: true
            }
        );
        let line = "verify --url u --role Staff --report r.json --junit r.xml --clean";
        let verify = Sub::Verify {
            roles: vec!["Staff".to_owned()],
            report: Some("r.json".into()),
            junit: Some("r.xml".into()),
            clean: true,
        };
        assert_eq!(words(line).unwrap().unwrap().sub, verify);
        let line = "plan --url u --contact owner@example.com --terms none";
        let addresses = Addresses {
            contact: Some(Some("mailto:owner@example.com".to_owned())),
            terms: Some(None),
        };
        let plan = Sub::Plan {
            roles: Vec::new(),
            addresses,
        };
        assert_eq!(words(line).unwrap().unwrap().sub, plan);
        for wrong in [
            "plan --url u --contact http://example.com",
            "plan --url u --terms owner@example.com",
            "verify --url u --terms https://example.com",
        ] {
            assert!(words(wrong).is_err(), "{wrong}");
        }
        assert!(words("plan --url u --yes").is_err());
        assert!(words("doctor --url u --role Staff").is_err());
        assert!(words("plan").is_err());
        assert!(words("plan --url").is_err());
        assert!(words("plan --url u --credentials-fd three").is_err());
    }

    #[test]
    fn a_secret_on_the_command_line_is_refused_and_not_repeated() {
        for line in [
            "plan --url u --password hunter2",
            "plan --url u --token hunter2",
            "plan --url u --token=hunter2",
            "plan --url u --otp hunter2",
            "plan --url https://admin:hunter2@chat.example",
            "plan --url https://chat.example/?access_token=hunter2",
            "plan --url u hunter2",
            "hunter2",
        ] {
            let wrong = words(line).unwrap_err();
            assert!(!wrong.contains("hunter2"), "{line}: {wrong}");
        }
        let wrong = words("plan --url u --password x").unwrap_err();
        assert!(wrong.contains("--credentials-fd"), "{wrong}");
    }

    #[test]
    fn every_command_has_its_help() {
        assert_eq!(words(""), Ok(Err(HELP)));
        assert_eq!(words("--help"), Ok(Err(HELP)));
        for (sub, help) in [
            ("plan", PLAN_HELP),
            ("apply", APPLY_HELP),
            ("verify", VERIFY_HELP),
            ("remove", REMOVE_HELP),
            ("doctor", DOCTOR_HELP),
        ] {
            assert_eq!(words(&format!("{sub} --help")), Ok(Err(help)));
            assert!(help.contains(&format!("whinchat-provision {sub}")), "{sub}");
            assert!(HELP.contains(&format!("whinchat-provision {sub}")), "{sub}");
        }
    }
}
