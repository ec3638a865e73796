//! Ids as types, so that a message's is never taken for a person's.
//!
//! All are uuids, lower case in every text form: SQLite on the server's side
//! takes an upper-case one for another key.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use uuid::Uuid;

/// A text that is no id of the kind asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id")]
pub struct IdError;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            /// The id with this uuid.
            #[must_use]
            pub const fn new(uuid: Uuid) -> Self {
                Self(uuid)
            }

            /// Its uuid.
            #[must_use]
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self.0.as_hyphenated(), f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self.0.as_hyphenated(), f)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                // Only the hyphenated form: braces, urns and bare hex are
                // other keys to the server.
                if text.len() != 36 {
                    return Err(IdError);
                }
                Uuid::try_parse(text).map(Self).map_err(|_| IdError)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

id! {
    /// An account on this device; made here, unknown to the server.
    AccountId
}
id! {
    /// A person: `directus_users.id`.
    PersonId
}
id! {
    /// A message: a UUIDv7 made by the sending client, the server's key.
    MessageId
}

/// A conversation: `dm:<person>`; talking to oneself is `dm:<me>`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConversationId {
    /// With one person.
    Direct(PersonId),
}

impl ConversationId {
    /// The other person.
    #[must_use]
    pub const fn peer(self) -> PersonId {
        let Self::Direct(person) = self;
        person
    }
}

impl fmt::Display for ConversationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Direct(person) = self;
        write!(f, "dm:{person}")
    }
}

impl fmt::Debug for ConversationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ConversationId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        text.strip_prefix("dm:")
            .ok_or(IdError)?
            .parse()
            .map(Self::Direct)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_lower_case_hyphenated_and_nothing_else() {
        let id: PersonId = "5463FBC0-A420-446B-A024-E58ABB0969E5".parse().unwrap();
        assert_eq!(id.to_string(), "5463fbc0-a420-446b-a024-e58abb0969e5");
        for bad in [
            "",
            "1795404803591",
            "5463fbc0a420446ba024e58abb0969e5",
            "{5463fbc0-a420-446b-a024-e58abb0969e5}",
        ] {
            assert_eq!(bad.parse::<PersonId>(), Err(IdError), "{bad}");
        }
    }

    #[test]
    fn a_conversation_reads_back_what_it_writes() {
        let text = "dm:5463fbc0-a420-446b-a024-e58abb0969e5";
        let id: ConversationId = text.parse().unwrap();
        assert_eq!(id.to_string(), text);
        assert!("dm:".parse::<ConversationId>().is_err());
        assert!(
            "group:5463fbc0-a420-446b-a024-e58abb0969e5"
                .parse::<ConversationId>()
                .is_err()
        );
    }
}
