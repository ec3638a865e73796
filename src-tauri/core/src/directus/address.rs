//! A server's address, in any form a person types it.
//!
//! Owns: what is taken for an address, and which are safe to speak to.
//! Pure. Never: a look-up, a connection.
//!
//! https, except to this machine: a password over plain http is a password
//! told to the whole café.

use std::net::{IpAddr, Ipv6Addr};

use url::{Host, Url};

use crate::bridge::{Code, Problem};

/// A server that may be spoken to. Its path has no trailing slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    url: Url,
    loopback: bool,
}

/// The longest address, in bytes.
const LONGEST: usize = 2048;

impl Server {
    /// Reads an address as typed: `chat.example`, `chat.example:8443`,
    /// `HTTPS://Chat.Example/`, `https://chat.example/admin/content/x`,
    /// `localhost:8055`, `::1`.
    ///
    /// # Errors
    /// `address_invalid`, or `address_insecure` for http to another machine.
    pub fn read(typed: &str) -> Result<Self, Problem> {
        let invalid = || Problem::new(Code::AddressInvalid);
        let typed = typed.trim();
        if typed.is_empty() || typed.len() > LONGEST || typed.contains(char::is_whitespace) {
            return Err(invalid());
        }
        let bare_v6 = typed.parse::<Ipv6Addr>().is_ok();
        let with_scheme = if bare_v6 {
            format!("https://[{typed}]")
        } else if typed.contains("://") {
            typed.to_owned()
        } else {
            format!("https://{typed}")
        };
        let scheme_typed = !bare_v6 && typed.contains("://");
        let mut url = Url::parse(&with_scheme).map_err(|_| invalid())?;
        let loopback = is_loopback(&url).ok_or_else(invalid)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(invalid());
        }
        let secure = match url.scheme() {
            // Nobody types https for their own machine.
            "https" if !scheme_typed && loopback => false,
            "https" | "wss" => true,
            "http" | "ws" => false,
            _ => return Err(invalid()),
        };
        if !secure && !loopback {
            let host = url.host_str().unwrap_or_default();
            return Err(Problem::new(Code::AddressInsecure).with("host", host));
        }
        url = rewrite(&url, if secure { "https" } else { "http" }).ok_or_else(invalid)?;
        // As it is kept it is read again: signs that are written longer there count so.
        if url.as_str().len() > LONGEST {
            return Err(invalid());
        }
        Ok(Self { url, loopback })
    }

    /// The address as it is shown and stored: `https://chat.example`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.url.as_str().trim_end_matches('/')
    }

    /// Host, and port where it is not the usual one.
    #[must_use]
    pub fn host(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        match self.url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }

    /// Name and port to look up.
    #[must_use]
    pub fn name_and_port(&self) -> (String, u16) {
        let name = match self.url.host() {
            Some(Host::Domain(name)) => name.to_owned(),
            Some(Host::Ipv4(ip)) => ip.to_string(),
            Some(Host::Ipv6(ip)) => ip.to_string(),
            None => String::new(),
        };
        (name, self.url.port_or_known_default().unwrap_or(443))
    }

    /// Whether it is this machine: then plain http is fine, and no proxy.
    #[must_use]
    pub const fn is_loopback(&self) -> bool {
        self.loopback
    }

    /// The address of a route. `path` begins with a slash.
    #[must_use]
    pub fn route(&self, path: &str) -> String {
        format!("{}{path}", self.as_str())
    }

    /// The address of the socket.
    #[must_use]
    pub fn socket(&self) -> String {
        let route = self.route("/websocket");
        match route.strip_prefix("https") {
            Some(rest) => format!("wss{rest}"),
            None => route.replacen("http", "ws", 1),
        }
    }
}

/// The same place under another scheme, with nothing behind the path, and the
/// path without the admin app.
fn rewrite(url: &Url, scheme: &str) -> Option<Url> {
    let mut address = format!("{scheme}://{}", url.host_str()?);
    if let Some(port) = url.port() {
        address.push_str(&format!(":{port}"));
    }
    for segment in url.path_segments()? {
        if segment.eq_ignore_ascii_case("admin") {
            break;
        }
        if !segment.is_empty() {
            address.push('/');
            address.push_str(segment);
        }
    }
    Url::parse(&address).ok()
}

/// `None` where there is no host.
fn is_loopback(url: &Url) -> Option<bool> {
    // Schemes that are not the web's keep their host as plain text.
    let host = url.host_str().filter(|host| !host.is_empty())?;
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    Some(match bare.parse::<IpAddr>() {
        Ok(ip) => ip.to_canonical().is_loopback(),
        Err(_) => {
            let name = host.trim_end_matches('.').to_ascii_lowercase();
            // Not what ends in it: a resolver may send that anywhere.
            name == "localhost"
        }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_address_is_read_in_any_form_a_person_types() {
        for (typed, read) in [
            ("chat.example", "https://chat.example"),
            (" Chat.Example ", "https://chat.example"),
            ("chat.example:8443", "https://chat.example:8443"),
            ("chat.example:443/", "https://chat.example"),
            ("HTTPS://CHAT.EXAMPLE//", "https://chat.example"),
            ("https://chat.example/admin/", "https://chat.example"),
            (
                "https://chat.example/Admin/content/chat_messages?x=1#y",
                "https://chat.example",
            ),
            (
                "https://example.org/directus/admin/login",
                "https://example.org/directus",
            ),
            ("wss://chat.example", "https://chat.example"),
            ("bücher.example", "https://xn--bcher-kva.example"),
            ("localhost:8055", "http://localhost:8055"),
            ("LOCALHOST:8055/", "http://localhost:8055"),
            ("127.0.0.1:8055", "http://127.0.0.1:8055"),
            ("http://127.8.9.1:8055/admin", "http://127.8.9.1:8055"),
            ("https://localhost", "https://localhost"),
            ("::1", "http://[::1]"),
            ("[::1]:8055", "http://[::1]:8055"),
            ("http://[0:0:0:0:0:0:0:1]:8055/", "http://[::1]:8055"),
            ("2001:db8::7", "https://[2001:db8::7]"),
            ("192.168.1.5:8055", "https://192.168.1.5:8055"),
        ] {
            let server = Server::read(typed).unwrap_or_else(|e| panic!("{typed}: {e}"));
            assert_eq!(server.as_str(), read, "{typed}");
            let again = Server::read(server.as_str()).unwrap();
            assert_eq!(again, server, "what is shown can be typed");
        }
    }

    #[test]
    fn http_is_only_for_this_machine() {
        for typed in [
            "http://chat.example",
            "http://192.168.1.5:8055",
            "http://localhost.evil.example",
            "http://127.0.0.1.evil.example",
            "ws://chat.example",
            "http://[2001:db8::7]",
        ] {
            let problem = Server::read(typed).unwrap_err();
            assert_eq!(problem.code, Code::AddressInsecure, "{typed}");
            assert!(problem.args.contains_key("host"));
        }
    }

    #[test]
    fn an_address_that_is_too_long_as_it_is_kept_is_refused() {
        let short = format!("chat.example/{}", "ü".repeat(300));
        let kept = Server::read(&short).unwrap();
        assert_eq!(Server::read(kept.as_str()).unwrap(), kept);
        let long = format!("chat.example/{}", "ü".repeat(900));
        assert!(long.len() < LONGEST);
        assert_eq!(Server::read(&long), Err(Problem::new(Code::AddressInvalid)));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for typed in [
            "",
            "   ",
            "two words",
            "ftp://chat.example",
            "file:///etc/passwd",
            "javascript://x",
            "mailto:alice@example.com",
            "https://",
            "https://alice:secret@chat.example",
            "alice@chat.example",
            "chat.example:99999",
            "https://[::zz]",
            "a\u{0}b",
        ] {
            assert_eq!(
                Server::read(typed).map(|s| s.as_str().to_owned()),
                Err(Problem::new(Code::AddressInvalid)),
                "{typed}"
            );
        }
    }

    #[test]
    fn the_socket_is_as_safe_as_the_rest() {
        let socket = |typed| Server::read(typed).unwrap().socket();
        assert_eq!(socket("chat.example/x"), "wss://chat.example/x/websocket");
        assert_eq!(socket("localhost:1"), "ws://localhost:1/websocket");
        assert_eq!(
            socket("https://http.example"),
            "wss://http.example/websocket"
        );
    }

    proptest! {
        #[test]
        fn no_text_gives_an_unsafe_address(typed in ".{0,60}") {
            if let Ok(server) = Server::read(&typed) {
                let safe = server.as_str().starts_with("https://") || server.is_loopback();
                prop_assert!(safe);
                prop_assert!(!server.as_str().ends_with('/'));
            }
        }
    }
}
