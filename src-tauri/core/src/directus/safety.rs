//! Blocks, reports and what the owner says of themselves, on the wire.
//!
//! Owns: routes and shapes of `chat_setup`, `chat_blocks` and `chat_reports`,
//! and which addresses of an owner's are believed. Never: when something is
//! asked. Only a server with the whole schema has these; a plain one answers
//! as if there were no such collection.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

use super::rest::{HttpRequest, Method};
use crate::{
    bridge::ReportReason,
    model::{MessageId, PersonId},
};

/// The one row of `chat_setup`.
const SETUP_ROW: &str = "01936f00-c4a7-7000-8000-000000000001";
/// The version that has blocks.
const WITH_BLOCKS: u32 = 2;
/// The version that has reports, and the owner's addresses.
const WITH_REPORTS: u32 = 3;
/// The longest address that is believed, in bytes.
const LONGEST: usize = 300;
/// More blocks than anybody has; what is beyond is not read.
const MOST: usize = 10_000;

/// What is asked about people and the owner.
#[derive(Clone, PartialEq, Eq)]
pub enum Ask {
    /// What the owner says of themselves, with their addresses or, as versions
    /// before [`WITH_REPORTS`] have none, without -> [`Told::Owner`].
    Owner {
        /// Whether addresses are asked for.
        addresses: bool,
    },
    /// All whom I have blocked -> [`Told::Blocks`]. Filtered: an administrator
    /// would be given everybody's.
    Blocks,
    /// Blocks somebody -> [`Told::Done`].
    Block {
        /// The row's key, the same at every try.
        key: Uuid,
        /// Me.
        me: PersonId,
        /// Who.
        person: PersonId,
    },
    /// Lifts every block of mine on somebody, also one that another device
    /// made -> [`Told::Done`].
    Unblock {
        /// Who.
        person: PersonId,
    },
    /// Reports to the owner -> [`Told::Done`].
    Report {
        /// Me.
        me: PersonId,
        /// What.
        report: Report,
    },
}

/// Never what is reported: this may stand in a log.
impl std::fmt::Debug for Ask {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Owner { .. } => "Owner",
            Self::Blocks => "Blocks",
            Self::Block { .. } => "Block",
            Self::Unblock { .. } => "Unblock",
            Self::Report { .. } => "Report",
        })
    }
}

/// A report on its way to the owner.
#[derive(Clone, PartialEq, Eq)]
pub struct Report {
    /// Its key, the same at every try.
    pub id: Uuid,
    /// About whom; nobody where I ask to be deleted.
    pub about: Option<PersonId>,
    /// About which message.
    pub message: Option<MessageId>,
    /// Why.
    pub reason: ReportReason,
    /// In one's own words.
    pub comment: String,
    /// A copy of the message, if I chose to add it.
    pub copy: Option<String>,
}

/// Never the words: this may stand in a log.
impl std::fmt::Debug for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Report({})", self.id)
    }
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// What the owner says.
    Owner(Owner),
    /// Whom I have blocked.
    Blocks(Vec<PersonId>),
    /// It is done.
    Done,
}

/// What the owner says of themselves, checked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// The version of the schema; none on a plain server.
    pub version: Option<u32>,
    /// Where they are reached: `mailto:` or `https:`.
    pub contact: Option<String>,
    /// Where their terms are: `https:`.
    pub terms: Option<String>,
}

impl Owner {
    /// Whether blocks have a place on the server.
    #[must_use]
    pub fn has_blocks(&self) -> bool {
        self.version.is_some_and(|version| version >= WITH_BLOCKS)
    }

    /// Whether reports have a place on the server.
    #[must_use]
    pub fn has_reports(&self) -> bool {
        self.version.is_some_and(|version| version >= WITH_REPORTS)
    }
}

/// The request for it.
#[must_use]
pub fn request(ask: &Ask) -> HttpRequest {
    let get = |path: String, query: Vec<(&str, String)>| HttpRequest {
        method: Method::Get,
        path,
        query: query
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
        body: None,
    };
    let write = |method, path: &str, body| HttpRequest {
        method,
        path: path.to_owned(),
        query: Vec::new(),
        body: Some(body),
    };
    match ask {
        Ask::Owner { addresses } => {
            let fields = if *addresses {
                "version,contact,terms"
            } else {
                "version"
            };
            get(
                format!("/items/chat_setup/{SETUP_ROW}"),
                vec![("fields", fields.to_owned())],
            )
        }
        Ask::Blocks => get(
            "/items/chat_blocks".to_owned(),
            vec![
                ("fields", "blocked_id".to_owned()),
                (
                    "filter",
                    json!({"user_id": {"_eq": "$CURRENT_USER"}}).to_string(),
                ),
                ("limit", "-1".to_owned()),
            ],
        ),
        Ask::Block { key, me, person } => write(
            Method::Post,
            "/items/chat_blocks",
            json!({"id": key, "user_id": me, "blocked_id": person}),
        ),
        Ask::Unblock { person } => write(
            Method::Delete,
            "/items/chat_blocks",
            json!({"query": {"limit": -1, "filter": {"_and": [
                {"user_id": {"_eq": "$CURRENT_USER"}},
                {"blocked_id": {"_eq": person}},
            ]}}}),
        ),
        Ask::Report { me, report } => write(
            Method::Post,
            "/items/chat_reports",
            json!({
                "id": report.id,
                "reporter_id": me,
                "about_id": report.about,
                "message_id": report.message,
                "reason": report.reason.name(),
                "comment": report.comment,
                "message_text": report.copy,
            }),
        ),
    }
}

/// Reads what came back with a success; `data` is none where there was no body.
#[must_use]
pub fn answer(ask: &Ask, data: Option<&Value>) -> Option<Told> {
    Some(match ask {
        // Who may make a row and not read it gets no content.
        Ask::Block { .. } | Ask::Unblock { .. } | Ask::Report { .. } => Told::Done,
        Ask::Owner { .. } => Told::Owner(owner(data?)),
        Ask::Blocks => {
            let list = data?.as_array()?;
            let people = list.iter().take(MOST);
            Told::Blocks(
                people
                    .filter_map(|row| row.get("blocked_id")?.as_str()?.parse().ok())
                    .collect(),
            )
        }
    })
}

fn owner(row: &Value) -> Owner {
    let text = |name: &str| row.get(name).and_then(Value::as_str);
    Owner {
        version: row
            .get("version")
            .and_then(Value::as_u64)
            .and_then(|version| u32::try_from(version).ok()),
        contact: text("contact").and_then(contact),
        terms: text("terms").and_then(page),
    }
}

/// An `https:` address that may be opened outside; none for anything else.
fn page(text: &str) -> Option<String> {
    if text.len() > LONGEST || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return None;
    }
    let url = Url::parse(text).ok()?;
    let whole = url.scheme() == "https"
        && url.host_str().is_some_and(|host| !host.is_empty())
        && url.username().is_empty()
        && url.password().is_none()
        && url.as_str().len() <= LONGEST;
    whole.then(|| url.to_string())
}

/// An `https:` address, or `mailto:` with one bare address: no subject, no copy
/// to somebody else, nothing that is written in another way than it reads.
fn contact(text: &str) -> Option<String> {
    let Some(address) = text.strip_prefix("mailto:") else {
        return page(text);
    };
    let (name, host) = address.split_once('@')?;
    let plain = |part: &str, marks: &[u8]| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || marks.contains(&b))
    };
    let fits = text.len() <= LONGEST
        && plain(name, b".!#$*+-/=^_`{|}~'")
        && host.contains('.')
        && host
            .split('.')
            .all(|part| plain(part, b"-") && !part.starts_with('-') && !part.ends_with('-'));
    fits.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_of_its_owner_is_believed_only_as_far_as_it_is_harmless() {
        let told = |contact: &str, terms: &str| {
            owner(&json!({"version": 3, "contact": contact, "terms": terms}))
        };
        let good = told("mailto:owner@example.com", "https://example.com/terms");
        assert_eq!(good.contact.as_deref(), Some("mailto:owner@example.com"));
        assert_eq!(good.terms.as_deref(), Some("https://example.com/terms"));
        assert!(good.has_blocks() && good.has_reports());
        let long = format!("https://example.com/{}", "a".repeat(LONGEST));
        for wrong in [
            "",
            "http://example.com",
            "javascript:alert(1)",
            "data:text/html,x",
            "file:///etc/passwd",
            "https://user:word@example.com/",
            "https://example.com/a b",
            "mailto:owner@example.com?bcc=other@example.com",
            "mailto:owner@example.com,other@example.com",
            "mailto:%0Aowner@example.com",
            "owner@example.com",
            long.as_str(),
        ] {
            let bad = told(wrong, wrong);
            assert_eq!((bad.contact, bad.terms), (None, None), "{wrong}");
        }
        assert_eq!(told("", "mailto:owner@example.com").terms, None);
        assert_eq!(
            owner(&json!({"version": "3", "contact": 7})),
            Owner::default()
        );
        assert_eq!(owner(&json!([])), Owner::default());
    }

    #[test]
    fn blocks_are_read_row_by_row_and_only_mine_are_asked_for() {
        let person = "5463fbc0-a420-446b-a024-e58abb0969e5";
        let data = json!([{"blocked_id": person}, {"blocked_id": 7}, {}, null]);
        let told = answer(&Ask::Blocks, Some(&data));
        assert_eq!(told, Some(Told::Blocks(vec![person.parse().unwrap()])));
        assert_eq!(answer(&Ask::Blocks, Some(&json!({}))), None);
        let asked = request(&Ask::Blocks);
        assert!(asked.query.iter().any(|(name, value)| {
            name == "filter" && value == r#"{"user_id":{"_eq":"$CURRENT_USER"}}"#
        }));
    }

    #[test]
    fn nothing_of_a_report_stands_in_a_log() {
        let report = Report {
            id: Uuid::nil(),
            about: None,
            message: None,
            reason: ReportReason::Other,
            comment: "said".to_owned(),
            copy: Some("said".to_owned()),
        };
        let me = PersonId::new(Uuid::nil());
        assert_eq!(format!("{:?}", Ask::Report { me, report }), "Report");
    }

    #[cfg(feature = "runtime")]
    #[test]
    fn the_schema_that_is_made_is_the_one_that_is_asked() {
        use whinchat_provision::{AddressKind, Kind, REASONS, SETUP_ROW as MADE};
        assert_eq!(SETUP_ROW, MADE);
        assert_eq!(Kind::Full.version(), WITH_REPORTS);
        assert_eq!(ReportReason::ALL.map(ReportReason::name), REASONS);
        for typed in ["owner@example.com", "https://example.com/x"] {
            let kept = AddressKind::Contact.read(typed);
            assert_eq!(kept.as_deref().and_then(contact), kept);
        }
    }
}
