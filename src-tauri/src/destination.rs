//! Where a notice, a link, another app's text or the system's menu leads.
//!
//! Owns: the one place that is to be gone to until the page has asked for it. A
//! link only navigates, and a server is never asked because of it: only one that
//! an account here is signed in to may stand in it. A shared text waits for a
//! person who chooses where it goes, and becomes a draft there.

use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use whinchat_core::{
    bridge::AccountSummary, directus::address::Server, link::Link, model::ConversationId,
};

/// Where the page is to go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "to")]
pub enum Destination {
    /// A conversation.
    Conversation {
        /// The account's local id.
        account: String,
        /// `dm:<person>`.
        conversation: String,
    },
    /// Nowhere: a link to a server that nobody here is signed in to.
    ServerUnknown {
        /// Its host.
        host: String,
    },
    /// Nowhere: it is no link of ours.
    LinkUnknown,
    /// A conversation that a person chooses, whose draft this becomes. Nothing is sent.
    Share {
        /// What another app shared.
        text: String,
    },
    /// Nowhere: what another app shared is no text.
    ShareOther,
    /// The settings.
    Settings,
    /// What the program is, in the settings.
    About,
}

/// Where a link leads for whoever is signed in here; `None` where it only
/// opens the app. Of several accounts on one server the one that is used now
/// is meant.
#[must_use]
pub fn of_link(text: &str, accounts: &[AccountSummary], used: Option<&str>) -> Option<Destination> {
    let (server, person) = match Link::read(text) {
        None => return Some(Destination::LinkUnknown),
        Some(Link::Open) => return None,
        Some(Link::Person { server, person }) => (server, person),
    };
    let mut agreed = accounts
        .iter()
        .filter(|account| Server::read(&account.server).is_ok_and(|known| known == server))
        .collect::<Vec<_>>();
    agreed.sort_by_key(|account| Some(account.id.as_str()) != used);
    Some(match agreed.first() {
        Some(account) => Destination::Conversation {
            account: account.id.clone(),
            conversation: ConversationId::Direct(person).to_string(),
        },
        None => Destination::ServerUnknown {
            host: server.host(),
        },
    })
}

/// Where the page is to go next, until it asks.
#[derive(Debug, Default)]
pub struct Next(Mutex<Option<Destination>>);

impl Next {
    /// From now on here, whatever was before.
    pub fn set(&self, destination: Destination) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(destination);
    }

    /// Gives it once.
    pub fn take(&self) -> Option<Destination> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use whinchat_core::bridge::VaultKind;

    const BOB: &str = "5463fbc0-a420-446b-a024-e58abb0969e5";

    fn account(id: &str, server: &str) -> AccountSummary {
        AccountSummary {
            id: id.to_owned(),
            server: server.to_owned(),
            email: "alice@example.com".to_owned(),
            name: String::new(),
            person: String::new(),
            vault: VaultKind::Keychain,
            sample: false,
            problem: None,
        }
    }

    fn to_bob(server: &str) -> String {
        format!("whinchat://person/{BOB}?server={server}")
    }

    #[test]
    fn a_link_opens_the_app_or_a_conversation_on_a_server_that_is_known() {
        let accounts = [
            account("one", "https://chat.example"),
            account("two", "https://verein.example/chat"),
            account("three", "https://chat.example"),
        ];
        let lead = |text: &str, used: Option<&str>| of_link(text, &accounts, used);
        assert_eq!(lead("whinchat://open", None), None);
        assert_eq!(lead("whinchat://open/", None), None);
        let bob_by = |account: &str| {
            Some(Destination::Conversation {
                account: account.to_owned(),
                conversation: format!("dm:{BOB}"),
            })
        };
        let chat = to_bob("https%3A%2F%2Fchat.example");
        assert_eq!(lead(&chat, None), bob_by("one"));
        assert_eq!(lead(&chat, Some("three")), bob_by("three"));
        assert_eq!(lead(&chat, Some("two")), bob_by("one"));
        assert_eq!(lead(&to_bob("CHAT.example"), None), bob_by("one"));
        let club = to_bob("https%3A%2F%2Fverein.example%2Fchat%2F");
        assert_eq!(lead(&club, None), bob_by("two"));
        let elsewhere = Some(Destination::ServerUnknown {
            host: "evil.example".to_owned(),
        });
        assert_eq!(lead(&to_bob("evil.example"), None), elsewhere);
    }

    #[test]
    fn whatever_is_not_exactly_a_link_leads_nowhere() {
        for bad in ["", "--data", "https://chat.example/", "whinchat:open"] {
            assert_eq!(of_link(bad, &[], None), Some(Destination::LinkUnknown));
        }
    }

    #[test]
    fn the_page_is_told_once_and_only_the_last() {
        let next = Next::default();
        assert_eq!(next.take(), None);
        next.set(Destination::LinkUnknown);
        let last = Destination::ServerUnknown {
            host: "a.example".to_owned(),
        };
        next.set(last.clone());
        assert_eq!(next.take(), Some(last));
        assert_eq!(next.take(), None);
    }
}
