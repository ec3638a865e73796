//! How an administrator's credentials come in: asked for at the terminal, unseen, or as one
//! JSON object from an open descriptor. There is no other way.

use serde::Deserialize;
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write as _};
use whinchat_provision::Credentials;
use zeroize::Zeroizing;

/// The longest that is taken, in bytes.
const LONGEST: u64 = 64 * 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    token: Option<String>,
    email: Option<String>,
    password: Option<String>,
    otp: Option<String>,
}

/// Reads them.
///
/// # Errors
/// Nobody is there to be asked; the descriptor is not open, or what it gives is something else.
pub fn read(descriptor: Option<u32>) -> io::Result<Credentials> {
    match descriptor {
        None => ask(),
        Some(0) => take(io::stdin().lock()),
        // Not by number alone, which would take unsafe code: by its name.
        Some(number) => take(File::open(format!("/dev/fd/{number}"))?),
    }
}

fn take(source: impl Read) -> io::Result<Credentials> {
    let mut text = Zeroizing::new(String::new());
    source.take(LONGEST).read_to_string(&mut text)?;
    // Never what stands there: only that it is something else.
    let wrong = || {
        io::Error::new(
            io::ErrorKind::InvalidData,
            r#"the descriptor gives neither {"token": "…"} nor {"email": "…", "password": "…", "otp": "…"} (otp if there is one)"#,
        )
    };
    let given: Given = serde_json::from_str(&text).map_err(|_| wrong())?;
    match (given.token, given.email, given.password, given.otp) {
        (Some(token), None, None, None) => Ok(Credentials::Token(token)),
        (None, Some(email), Some(password), otp) => Ok(with_password(email, password, otp)),
        _ => Err(wrong()),
    }
}

fn with_password(email: String, password: String, code: Option<String>) -> Credentials {
    match code.filter(|code| !code.is_empty()) {
        None => Credentials::Password { email, password },
        Some(code) => Credentials::PasswordAndCode {
            email,
            password,
            code,
        },
    }
}

fn ask() -> io::Result<Credentials> {
    // The answer that is no secret is read in the open; the terminal is asked, not stdin.
    eprint!("Administrator's e-mail (nothing, to give a token): ");
    io::stderr().flush()?;
    let mut email = String::new();
    if io::stdin().read_line(&mut email)? == 0 {
        return Err(io::Error::new(
            io::ErrorKind::UnexpectedEof,
            "nobody is there to be asked; give them by --credentials-fd",
        ));
    }
    let email = email.trim().to_owned();
    if email.is_empty() {
        return Ok(Credentials::Token(rpassword::prompt_password("Token: ")?));
    }
    let password = rpassword::prompt_password("Password: ")?;
    let code = rpassword::prompt_password("One-time code (nothing, if there is none): ")?;
    Ok(with_password(email, password, Some(code.trim().to_owned())))
}

/// The name of a variable by which somebody tries to give credentials.
pub fn in_environment(names: impl Iterator<Item = OsString>) -> Option<String> {
    const SECRETS: [&str; 6] = ["TOKEN", "PASSWORD", "EMAIL", "OTP", "CREDENTIALS", "SECRET"];
    names
        .filter_map(|name| name.into_string().ok())
        .find(|name| {
            let upper = name.to_uppercase();
            upper.starts_with("WHINCHAT_") && SECRETS.iter().any(|secret| upper.ends_with(secret))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_descriptor_gives_a_token_or_e_mail_and_password_and_nothing_else() {
        let take = |text: &str| take(text.as_bytes());
        assert!(matches!(take(r#"{"token": "t"}"#), Ok(Credentials::Token(token)) if token == "t"));
        assert!(matches!(
            take(r#"{"email": "e", "password": "p"}"#),
            Ok(Credentials::Password { .. })
        ));
        assert!(matches!(
            take("{\"email\": \"e\", \"password\": \"p\", \"otp\": \"123456\"}\n"),
            Ok(Credentials::PasswordAndCode { code, .. }) if code == "123456"
        ));
        for wrong in [
            "",
            "secret",
            "{}",
            r#"{"email": "e"}"#,
            r#"{"token": "t", "password": "p"}"#,
            r#"{"token": "t", "more": 1}"#,
        ] {
            let error = take(wrong).err().unwrap().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }

    #[test]
    fn credentials_in_the_environment_are_noticed() {
        let found = |names: &[&str]| in_environment(names.iter().map(OsString::from));
        assert_eq!(found(&["PATH", "HOME", "DIRECTUS_TOKEN_OF_ANOTHER"]), None);
        assert_eq!(
            found(&["PATH", "WHINCHAT_PASSWORD"]).as_deref(),
            Some("WHINCHAT_PASSWORD")
        );
        assert!(found(&["WHINCHAT_PROVISION_TOKEN"]).is_some());
    }
}
