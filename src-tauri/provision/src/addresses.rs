//! What the owner says of themselves: an address where they are reached, and one where their
//! terms are.
//!
//! Owns: which addresses are taken. Only `mailto:` with one bare address and `https:`, short,
//! without credentials: whoever reads them opens them outside of the app. What a server holds
//! is checked again by whoever reads it; this is what is written there.

use crate::apply::write_record;
use crate::{Client, Error};
use reqwest::Url;
use serde_json::{Value, json};

/// The longest address, in bytes.
pub const LONGEST: u16 = 300;

/// What is to be written. Each: nothing to be changed, taken away (`Some(None)`), or set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Addresses {
    /// Where the owner is reached.
    pub contact: Option<Option<String>>,
    /// Where their terms are.
    pub terms: Option<Option<String>>,
}

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressKind {
    /// Where the owner is reached: `mailto:` or `https:`.
    Contact,
    /// Where their terms are: `https:`.
    Terms,
}

impl AddressKind {
    /// The field that holds it.
    #[must_use]
    pub fn field(self) -> &'static str {
        match self {
            Self::Contact => "contact",
            Self::Terms => "terms",
        }
    }

    /// The address as it is kept; none where it is not one of those that are taken. A bare
    /// e-mail address is taken for `mailto:`.
    #[must_use]
    pub fn read(self, typed: &str) -> Option<String> {
        let typed = typed.trim();
        let plain = |c: char| !c.is_whitespace() && !c.is_control();
        if typed.is_empty() || typed.len() > usize::from(LONGEST) || !typed.chars().all(plain) {
            return None;
        }
        let scheme = typed.split(':').next().unwrap_or_default().to_lowercase();
        if scheme == "https" {
            let url = Url::parse(typed).ok()?;
            let whole = url.scheme() == "https"
                && url.host_str().is_some_and(|host| !host.is_empty())
                && url.username().is_empty()
                && url.password().is_none();
            return (whole && url.as_str().len() <= usize::from(LONGEST)).then(|| url.to_string());
        }
        if self == Self::Terms {
            return None;
        }
        let address = if scheme == "mailto" {
            typed.get("mailto:".len()..)?
        } else {
            typed
        };
        let (name, host) = address.split_once('@')?;
        // No `?`, `%`, `,` or `;`: nothing that a mail program would take for more than one
        // address.
        let name_is_plain = !name.is_empty()
            && name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b".!#$*+-/=^_`{|}~'".contains(&b));
        let host_is_plain = host.contains('.')
            && host
                .split('.')
                .all(|part| !part.is_empty() && !part.starts_with('-') && !part.ends_with('-'))
            && host
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b".-".contains(&b));
        (name_is_plain && host_is_plain).then(|| format!("mailto:{address}"))
    }
}

impl Addresses {
    /// Whether nothing is to be changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Each that is to be changed.
    pub(crate) fn wanted(&self) -> impl Iterator<Item = (AddressKind, Option<&String>)> {
        [
            (AddressKind::Contact, &self.contact),
            (AddressKind::Terms, &self.terms),
        ]
        .into_iter()
        .filter_map(|(kind, wanted)| wanted.as_ref().map(|wanted| (kind, wanted.as_ref())))
    }
}

/// Writes them into the record of a server that is ready.
///
/// # Errors
/// The server does not answer, or refuses.
pub async fn set_addresses(client: &Client, addresses: &Addresses) -> Result<(), Error> {
    let mut change = json!({});
    for (kind, wanted) in addresses.wanted() {
        if let Value::Object(map) = &mut change {
            map.insert(kind.field().to_owned(), json!(wanted));
        }
    }
    write_record(client, &change).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_mail_and_https_are_taken_and_a_bare_mail_address_is_one() {
        let contact = |text: &str| AddressKind::Contact.read(text);
        let mail = Some("mailto:owner@example.com".to_owned());
        assert_eq!(contact("owner@example.com"), mail);
        assert_eq!(contact(" mailto:owner@example.com\n"), mail);
        assert_eq!(contact("MAILTO:owner@example.com"), mail);
        let page = Some("https://example.com/contact".to_owned());
        assert_eq!(contact("https://example.com/contact"), page);
        assert_eq!(AddressKind::Terms.read("https://example.com/contact"), page);
        assert_eq!(AddressKind::Terms.read("owner@example.com"), None);
        let long = format!("https://example.com/{}", "a".repeat(300));
        for wrong in [
            "",
            "owner",
            "owner@host",
            "@example.com",
            "owner@exa mple.com",
            "owner@example.com?bcc=other@example.com",
            "mailto:owner@example.com,other@example.com",
            "mailto:%0Aowner@example.com",
            "owner@.example.com",
            "http://example.com",
            "javascript:alert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "https://",
            "https://user:word@example.com/",
            "https://example.com/\u{202e}\u{0}",
            long.as_str(),
        ] {
            assert_eq!(contact(wrong), None, "{wrong}");
        }
    }
}
