//! What a link of the product's own may say.
//!
//! Owns: its form. A link only navigates: it carries no text, no name and no
//! secret. Never: where it leads for whoever is signed in, which is the shell's;
//! a question to a server.
//!
//! ```text
//! whinchat://open
//! whinchat://person/<uuid>?server=<address, percent-encoded>
//! ```

use url::Url;

use crate::{directus::address::Server, model::PersonId, product};

/// The longest that a link may be, in bytes.
const LONGEST: usize = 1024;

/// What a link says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// The app.
    Open,
    /// The conversation with a person.
    Person {
        /// On which server.
        server: Server,
        /// Whom.
        person: PersonId,
    },
}

impl Link {
    /// Reads a link, letter by letter: what is not exactly one is none.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        if text.len() > LONGEST || !text.is_ascii() || text.contains(|c: char| c.is_ascii_control())
        {
            return None;
        }
        let url = Url::parse(text).ok()?;
        let bare = url.username().is_empty()
            && url.password().is_none()
            && url.port().is_none()
            && url.fragment().is_none();
        if url.scheme() != product::SCHEME || !bare {
            return None;
        }
        match (url.host_str()?, url.path(), url.query()) {
            ("open", "" | "/", None) => Some(Self::Open),
            ("person", path, Some(_)) => {
                let person = path.strip_prefix('/')?.parse().ok()?;
                let mut pairs = url.query_pairs();
                let (name, address) = pairs.next()?;
                // What an address as typed may begin or end with, one in a link may not.
                let exact = !address.contains(|c: char| c.is_whitespace() || c.is_control());
                if name != "server" || !exact || pairs.next().is_some() {
                    return None;
                }
                let server = Server::read(&address).ok()?;
                Some(Self::Person { server, person })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOB: &str = "5463fbc0-a420-446b-a024-e58abb0969e5";

    fn to_bob(server: &str) -> String {
        format!("whinchat://person/{BOB}?server={server}")
    }

    #[test]
    fn a_link_names_a_person_and_a_server_or_only_the_app() {
        assert_eq!(Link::read("whinchat://open"), Some(Link::Open));
        assert_eq!(Link::read("whinchat://open/"), Some(Link::Open));
        assert_eq!(
            Link::read(&to_bob("https%3A%2F%2Fverein.example%2Fchat%2F")),
            Some(Link::Person {
                server: Server::read("https://verein.example/chat").unwrap(),
                person: BOB.parse().unwrap(),
            })
        );
    }

    #[test]
    fn whatever_is_not_exactly_a_link_is_none() {
        let long = to_bob(&"a".repeat(2000));
        for bad in [
            "",
            "whinchat:",
            "whinchat:open",
            "whinchat://",
            "whinchat://open?x=1",
            "whinchat://open#x",
            "whinchat://open/further",
            "whinchat://open:80/",
            "whinchat://alice:secret@open",
            "whinchat://send/x?text=hi",
            "whinchat://person/",
            "whinchat://person/bob?server=chat.example",
            &format!("whinchat://person/{BOB}"),
            &format!("whinchat://person/{BOB}?server="),
            &format!("whinchat://person/../{BOB}/x?server=chat.example"),
            &to_bob("chat.example&server=evil.example"),
            &to_bob("chat.example&text=hi"),
            &to_bob("http%3A%2F%2Fchat.example"),
            &to_bob("https%3A%2F%2Falice%3Asecret%40chat.example"),
            &to_bob("javascript%3Aalert(1)"),
            &to_bob("file%3A%2F%2F%2Fetc%2Fpasswd"),
            &to_bob("chat.example%0a"),
            &to_bob("chät.example"),
            &to_bob("chat.example#x"),
            &format!("whinchat://person/{BOB}?password=secret"),
            &format!("WHINCHAT2://person/{BOB}?server=chat.example"),
            "https://chat.example/",
            "--data",
            &long,
        ] {
            assert_eq!(Link::read(bad), None, "{bad}");
        }
    }
}
