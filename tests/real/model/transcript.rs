//! What was answered and heard in one play of a script, with that taken out in
//! which two servers may differ: who made an id, what the clock showed, and
//! the words of an error.
//!
//! ```text
//! date_created, date_updated   -> the step in which the server stamped it
//! an id that a server made     -> the step that made it
//! errors                       -> the first one's code, and what the model claims besides
//! groups                       -> sorted, for they have no order
//! frames of one person         -> a multiset, for they overtake each other
//! ```
//!
//! Owns: that, and the comparison. Never: a server.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use whinchat_core::model::Instant;

use crate::script::Who;

/// What one step was answered with.
#[derive(Debug, Clone, PartialEq)]
pub struct Said {
    /// The HTTP status; 0 for a frame, which is answered by frames.
    pub status: u16,
    /// Null, rows, or the error.
    pub body: Value,
}

/// One play of a script.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Transcript {
    /// When each step began, by the server's clock.
    pub began: Vec<i64>,
    /// Ids that the script does not know, and in which step each was made.
    ids: BTreeMap<String, usize>,
    /// The answers.
    pub said: Vec<Said>,
    /// The frames.
    pub heard: BTreeMap<Who, Vec<Value>>,
}

/// The first thing in which two plays differ.
#[derive(Debug, Clone, PartialEq)]
pub enum Difference {
    /// An answer.
    Answer {
        step: usize,
        server: Said,
        model: Said,
    },
    /// What one person heard: frames that only one of the two told.
    Events {
        who: Who,
        server: Vec<String>,
        model: Vec<String>,
    },
}

impl Transcript {
    /// A step begins, at this time of the server's clock.
    pub fn begin(&mut self, clock: i64) {
        self.began.push(clock);
    }

    /// It was answered.
    pub fn say(&mut self, status: u16, body: Value) {
        let step = self.began.len();
        if let (true, Some(data)) = (status == 200, body.get("data")) {
            let rows = match data {
                Value::Array(rows) => rows.as_slice(),
                one => std::slice::from_ref(one),
            };
            for id in rows.iter().filter_map(|row| row.get("id")?.as_str()) {
                self.ids.entry(id.to_owned()).or_insert(step);
            }
        }
        self.said.push(Said { status, body });
    }

    /// Somebody heard a frame.
    pub fn hear(&mut self, who: Who, frame: Value) {
        self.heard.entry(who).or_default().push(frame);
    }

    /// How many frames somebody heard.
    pub fn heard(&self, who: Who) -> usize {
        self.heard.get(&who).map_or(0, Vec::len)
    }

    /// How many answers were refusals.
    pub fn refusals(&self) -> usize {
        self.said.iter().filter(|said| said.status >= 400).count()
    }

    /// How many steps were played, and how many frames heard.
    pub fn counts(&self) -> (usize, usize) {
        (self.said.len(), self.heard.values().map(Vec::len).sum())
    }

    /// The same with names in place of what is free. `known` are the ids that
    /// stand in the script.
    fn settled(&self, known: &dyn Fn(&str) -> bool) -> Self {
        let said = self
            .said
            .iter()
            .map(|said| Said {
                status: said.status,
                body: self.body(&said.body, known),
            })
            .collect();
        let heard = self
            .heard
            .iter()
            .map(|(who, frames)| {
                let frames = frames.iter().map(|frame| self.frame(frame, known));
                (*who, frames.collect())
            })
            .collect();
        Self {
            said,
            heard,
            ..Self::default()
        }
    }

    fn body(&self, body: &Value, known: &dyn Fn(&str) -> bool) -> Value {
        if let Some(error) = body.pointer("/errors/0/extensions") {
            let mut out = Map::new();
            for name in ["code", "field", "reason"] {
                if let Some(value) = error.get(name).filter(|value| !value.is_null()) {
                    out.insert(name.to_owned(), value.clone());
                }
            }
            return Value::Object(out);
        }
        let mut data = body.get("data").cloned().unwrap_or_default();
        self.settle(&mut data, known);
        if let Value::Array(rows) = &mut data
            && rows.iter().any(|row| row.get("count").is_some())
        {
            rows.sort_by_key(Value::to_string);
        }
        data
    }

    fn frame(&self, frame: &Value, known: &dyn Fn(&str) -> bool) -> Value {
        let mut frame = frame.clone();
        if let Some(error) = frame.get_mut("error") {
            *error = json!({"code": error.get("code")});
        }
        self.settle(&mut frame, known);
        frame
    }

    fn settle(&self, value: &mut Value, known: &dyn Fn(&str) -> bool) {
        match value {
            Value::Array(all) => all.iter_mut().for_each(|one| self.settle(one, known)),
            Value::Object(fields) => {
                for (name, value) in fields {
                    let stamp = matches!(name.as_str(), "date_created" | "date_updated")
                        .then(|| Instant::parse(value.as_str()?))
                        .flatten();
                    match stamp {
                        Some(at) => {
                            let step = self.began.iter().filter(|began| **began <= at.0).count();
                            *value = json!(format!("stamped in step {step}"));
                        }
                        None => self.settle(value, known),
                    }
                }
            }
            Value::String(text) => {
                if let Some(step) = self.ids.get(text.as_str())
                    && !known(text)
                {
                    *text = format!("made in step {step}");
                }
            }
            _ => {}
        }
    }
}

/// The first thing in which the model's play differs from the server's.
pub fn compare(
    server: &Transcript,
    model: &Transcript,
    known: &dyn Fn(&str) -> bool,
) -> Option<Difference> {
    let (server, model) = (server.settled(known), model.settled(known));
    let steps = server.said.len().max(model.said.len());
    let silent = Said {
        status: 0,
        body: json!("nothing"),
    };
    for step in 0..steps {
        let said = |of: &Transcript| of.said.get(step).cloned().unwrap_or(silent.clone());
        let (mut was, is) = (said(&server), said(&model));
        // Words of an error count where the model claims them.
        if is.status >= 400
            && is.body.get("reason").is_none()
            && let Some(body) = was.body.as_object_mut()
        {
            body.remove("reason");
        }
        if was != is {
            return Some(Difference::Answer {
                step,
                server: was,
                model: is,
            });
        }
    }
    for who in crate::script::PEOPLE {
        let texts = |of: &Transcript| {
            let mut texts: Vec<String> = of
                .heard
                .get(&who)
                .into_iter()
                .flatten()
                .map(Value::to_string)
                .collect();
            texts.sort();
            texts
        };
        let (was, is) = (texts(&server), texts(&model));
        if was != is {
            return Some(Difference::Events {
                who,
                server: without(&was, &is),
                model: without(&is, &was),
            });
        }
    }
    None
}

/// What is in one multiset beyond the other.
fn without(these: &[String], those: &[String]) -> Vec<String> {
    let mut those = those.to_vec();
    let mut left = Vec::new();
    for text in these {
        match those.iter().position(|other| other == text) {
            Some(at) => {
                those.swap_remove(at);
            }
            None => left.push(text.clone()),
        }
    }
    left
}
