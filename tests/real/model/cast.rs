//! Who is who in one play of a script, and what was read so far: how a step
//! becomes a request.
//!
//! Owns: the people's ids and the fields by which later steps name rows.
//! Never: an answer that is compared.

use std::collections::BTreeMap;

use serde_json::Value;
use whinchat_core::{
    directus::{
        call::{By, Call, ClientFrame, MessagesQuery, Outgoing},
        realtime,
        rest::{self, Method},
    },
    model::{Instant, MessageId, PersonId, Stamps},
};

use crate::script::{Deed, Question, Step, Who};

/// A request without a host and a token.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    pub method: &'static str,
    pub path: String,
    pub query: Vec<(String, String)>,
    /// As it goes on the wire.
    pub body: Option<String>,
}

/// What a step comes to.
pub enum Doing {
    Ask(Asked),
    Frame(String),
}

/// The people, and what is known of rows.
#[derive(Debug, Clone)]
pub struct Cast {
    stamps: Stamps,
    read: BTreeMap<String, Value>,
}

/// The same ids on every server, so that rows have the same order everywhere.
pub fn id_of(who: Who) -> PersonId {
    let person: u128 = match who {
        Who::Alice => 0xa11c_e000,
        Who::Bob => 0xb0b0_0000,
        Who::Carol => 0xca20_1000,
        Who::Root => 0xf007_0000,
        Who::Nobody => 0x0b0d_0000,
    };
    PersonId::new(uuid::Uuid::from_u128(
        (person << 96) | 0x4000_8000_0000_0000_0001,
    ))
}

impl Cast {
    pub const fn new(stamps: Stamps) -> Self {
        Self {
            stamps,
            read: BTreeMap::new(),
        }
    }

    /// Remembers the rows of an answer for later steps.
    pub fn learn(&mut self, body: &Value) {
        match body.get("data") {
            Some(Value::Array(rows)) => rows.iter().for_each(|row| self.learn_row(row)),
            Some(row) => self.learn_row(row),
            None => {}
        }
    }

    fn learn_row(&mut self, row: &Value) {
        let (Some(id), Some(fields)) = (row.get("id").and_then(Value::as_str), row.as_object())
        else {
            return;
        };
        for (name, value) in fields {
            self.read.insert(format!("{name} {id}"), value.clone());
        }
    }

    /// The step as it goes out.
    pub fn doing(&self, step: &Step) -> Doing {
        match &step.deed {
            Deed::Engine(Question::Subscribe) => {
                let uid = "m".to_owned();
                let stamps = self.stamps;
                Doing::Frame(realtime::write(&ClientFrame::Subscribe { stamps, uid }))
            }
            Deed::Engine(question) => {
                let http = rest::request(&self.call(step.who, question));
                Doing::Ask(Asked {
                    method: match http.method {
                        Method::Get => "GET",
                        Method::Post => "POST",
                        Method::Search => "SEARCH",
                        Method::Delete => "DELETE",
                    },
                    path: http.path,
                    query: http.query,
                    body: http.body.map(|body| body.to_string()),
                })
            }
            Deed::Raw {
                method,
                path,
                query,
                body,
            } => Doing::Ask(Asked {
                method,
                path: self.fill(path),
                query: query
                    .iter()
                    .map(|(name, value)| ((*name).to_owned(), self.fill(value)))
                    .collect(),
                body: body.as_deref().map(|body| self.fill(body)),
            }),
            Deed::Frame(frame) => Doing::Frame(self.fill(&frame.to_string())),
        }
    }

    /// Puts ids and fields in place of what stands between `<` and `>`.
    fn fill(&self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('<') {
            let Some((name, behind)) = after.split_once('>') else {
                break;
            };
            out.push_str(before);
            out.push_str(&self.named(name));
            rest = behind;
        }
        out.push_str(rest);
        out
    }

    fn named(&self, name: &str) -> String {
        let all = [Who::Alice, Who::Bob, Who::Carol, Who::Root, Who::Nobody];
        if let Some(who) = all.into_iter().find(|who| who.name() == name) {
            return id_of(who).to_string();
        }
        // A row that was never read: a moment at which there is nothing.
        let read = self.read.get(name).and_then(Value::as_str);
        read.unwrap_or("2001-01-01T00:00:00").to_owned()
    }

    fn stamp(&self, id: Option<&String>, updated: bool) -> Option<Instant> {
        let field = match self.stamps {
            Stamps::Sender => "timestamp",
            Stamps::Server if updated => "date_updated",
            Stamps::Server => "date_created",
        };
        let read = self.read.get(&format!("{field} {}", id?))?;
        Instant::parse(read.as_str()?)
    }

    fn call(&self, who: Who, question: &Question) -> Call {
        let stamps = self.stamps;
        let key = |id: &String| id.parse().unwrap_or(MessageId::new(uuid::Uuid::nil()));
        match question {
            Question::Probe(stamps) => Call::Probe { stamps: *stamps },
            Question::Subscribe | Question::Me => Call::Me,
            Question::People { offset, limit } => Call::People {
                offset: *offset,
                limit: *limit,
            },
            Question::Page {
                peer,
                updated,
                ascending,
                from,
                until,
                except,
                offset,
                limit,
            } => Call::Messages(MessagesQuery {
                stamps,
                peer: peer.map(id_of),
                by: if *updated { By::Updated } else { By::Created },
                ascending: *ascending,
                from: self.stamp(from.as_ref(), *updated),
                until: self.stamp(until.as_ref(), *updated),
                except: except.iter().map(key).collect(),
                offset: *offset,
                limit: *limit,
            }),
            Question::One(id) => Call::Message {
                id: key(id),
                stamps,
            },
            Question::Totals(since, groups) => Call::Totals {
                stamps,
                since: self.stamp(since.as_ref(), false),
                groups: *groups,
            },
            Question::Days(since, groups) => Call::Days {
                since: self.stamp(since.as_ref(), false),
                groups: *groups,
            },
            Question::Newest(of) => {
                let mut of: Vec<_> = of
                    .iter()
                    .filter_map(|(sender, receiver, id)| {
                        let at = self.stamp(Some(id), false)?;
                        Some((id_of(*sender), id_of(*receiver), at))
                    })
                    .collect();
                of.push((id_of(Who::Bob), id_of(Who::Alice), Instant(0)));
                let limit = 4 * u32::try_from(of.len()).unwrap_or(50);
                Call::Newest { stamps, of, limit }
            }
            Question::Create {
                id,
                receiver,
                content,
            } => Call::Create(Outgoing {
                id: key(id),
                content: content.clone(),
                sender: id_of(who),
                receiver: id_of(*receiver),
                timestamp: Instant(1_795_435_200_000),
                stamps,
            }),
        }
    }
}
