//! The WebSocket side, one socket at a time.
//!
//! ```text
//! open --auth--> authed --token's end--> expired --auth--> authed
//!   |10 s           |                      |10 s
//!   v               v ping unanswered      v AUTH_TIMEOUT
//! closed <----------+----------------------+
//! ```
//!
//! Owns: authentication, subscriptions, heartbeat and the window after
//! TOKEN_EXPIRED. Never: when a frame arrives at the other end.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use whinchat_core::model::PersonId;

use super::{Act, Deed, Event, Query, Server};
use crate::quirk::Quirk;

/// Names a socket at the server; the world knows whose it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SocketKey(pub u64);

/// The first auth, and the one after TOKEN_EXPIRED, must come within this.
const AUTH_TIMEOUT: i64 = 10_000;
/// `WEBSOCKETS_HEARTBEAT_PERIOD`.
const HEARTBEAT: i64 = 30_000;

#[derive(Debug, Clone)]
pub(super) struct Socket {
    pub(super) instance: usize,
    state: State,
    /// Rises with every auth, so that what was due for an older one is not done.
    epoch: u64,
    subscriptions: BTreeMap<String, Query>,
    /// A ping is out and nothing was heard since.
    pinged: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Authed(PersonId),
    Expired(PersonId),
}

impl Socket {
    pub(super) fn subscribed(&self) -> bool {
        !self.subscriptions.is_empty()
    }

    pub(super) const fn person(&self) -> Option<PersonId> {
        match self.state {
            State::Open => None,
            State::Authed(person) | State::Expired(person) => Some(person),
        }
    }
}

impl Server {
    pub(super) fn owner(&self, key: SocketKey) -> Option<PersonId> {
        self.sockets.get(&key)?.person()
    }

    /// A socket was opened at a process.
    pub fn socket_open(&mut self, key: SocketKey, instance: usize) -> Vec<Act> {
        let socket = Socket {
            instance,
            state: State::Open,
            epoch: 0,
            subscriptions: BTreeMap::new(),
            pinged: false,
        };
        self.sockets.insert(key, socket);
        vec![
            Act::Later(AUTH_TIMEOUT, Deed::AuthDeadline(key, 0)),
            Act::Later(HEARTBEAT, Deed::Heartbeat(key)),
        ]
    }

    /// The other end closed it, or the network told the server so.
    pub fn socket_closed(&mut self, key: SocketKey) {
        self.sockets.remove(&key);
    }

    fn close(&mut self, key: SocketKey, frame: Option<Value>) -> Vec<Act> {
        self.sockets.remove(&key);
        frame
            .map(|frame| Act::Frame(key, frame.to_string()))
            .into_iter()
            .chain([Act::Close(key)])
            .collect()
    }

    /// A text frame came in.
    pub fn socket_frame(&mut self, now: i64, key: SocketKey, text: &str) -> Vec<Act> {
        let Ok(frame) = serde_json::from_str::<Value>(text) else {
            return Vec::new();
        };
        let Some(socket) = self.sockets.get_mut(&key) else {
            return Vec::new();
        };
        socket.pinged = false;
        let state = socket.state;
        let kind = frame.get("type").and_then(Value::as_str).unwrap_or("");
        let uid = frame.get("uid").cloned().unwrap_or(Value::Null);
        if self.weather.socket_too_fast && kind != "auth" && state != State::Open {
            let error = json!({"type": "server", "status": "error", "error": {
                "code": "REQUESTS_EXCEEDED", "message": "Too many messages, retry after 1291ms."}});
            return vec![
                Act::CountSocket(key, Quirk::SocketTooFast),
                Act::Frame(key, error.to_string()),
            ];
        }
        match (kind, state) {
            ("auth", _) => self.authenticate(now, key, &frame, &uid),
            ("subscribe", State::Open) => {
                // Lost without a word while the auth is being looked at; a bad
                // first frame otherwise.
                let mut acts = vec![Act::CountSocket(key, Quirk::Pipelined)];
                acts.extend(self.close(key, Some(auth_error("AUTH_FAILED", &Value::Null))));
                acts
            }
            (_, State::Open) => self.close(key, Some(auth_error("AUTH_FAILED", &Value::Null))),
            ("ping", _) => {
                let mut pong = json!({"type": "pong"});
                if let (Some(pong), false) = (pong.as_object_mut(), uid.is_null()) {
                    pong.insert("uid".to_owned(), uid);
                }
                vec![Act::Frame(key, pong.to_string())]
            }
            ("subscribe", State::Authed(_)) => self.subscribe(key, &frame, &uid),
            _ => Vec::new(),
        }
    }

    fn authenticate(&mut self, now: i64, key: SocketKey, frame: &Value, uid: &Value) -> Vec<Act> {
        let token = frame
            .get("access_token")
            .and_then(Value::as_str)
            .unwrap_or("");
        let checked = self.sessions.check(token, now).ok().filter(|(person, _)| {
            self.people
                .get(person)
                .is_some_and(|account| account.active)
        });
        let Some((person, ends)) = checked else {
            // An auth that fails later leaves the socket open, without rights
            // being checked any more.
            let state = self.sockets.get(&key).map(|socket| socket.state);
            let error = auth_error("AUTH_FAILED", uid);
            let mut acts = vec![Act::CountSocket(key, Quirk::AuthFailed)];
            match state {
                Some(State::Authed(person) | State::Expired(person)) => {
                    if let Some(socket) = self.sockets.get_mut(&key) {
                        socket.state = State::Expired(person);
                        socket.epoch += 1;
                        acts.push(Act::Later(
                            AUTH_TIMEOUT,
                            Deed::AuthDeadline(key, socket.epoch),
                        ));
                    }
                    acts.push(Act::Frame(key, error.to_string()));
                }
                _ => acts.extend(self.close(key, Some(error))),
            }
            return acts;
        };
        let Some(socket) = self.sockets.get_mut(&key) else {
            return Vec::new();
        };
        socket.state = State::Authed(person);
        socket.epoch += 1;
        let mut ok = json!({"type": "auth", "status": "ok"});
        if let (Some(ok), false) = (ok.as_object_mut(), uid.is_null()) {
            ok.insert("uid".to_owned(), uid.clone());
        }
        vec![
            Act::Frame(key, ok.to_string()),
            Act::Later(ends - now, Deed::TokenEnd(key, socket.epoch)),
        ]
    }

    fn subscribe(&mut self, key: SocketKey, frame: &Value, uid: &Value) -> Vec<Act> {
        let collection = frame.get("collection").and_then(Value::as_str);
        if collection != Some("chat_messages") {
            let mut error = json!({"type": "subscribe", "status": "error",
                "error": {"code": "FORBIDDEN", "message": "Refused."}});
            if self.settings.twelve {
                error["uid"] = uid.clone();
            }
            return vec![Act::Frame(key, error.to_string())];
        }
        let query = Query::from_json(frame.get("query").unwrap_or(&Value::Null));
        let Some(socket) = self.sockets.get_mut(&key) else {
            return Vec::new();
        };
        match query {
            Ok(query) => {
                let name = uid.as_str().unwrap_or("").to_owned();
                let empty = query.limit == Some(0);
                if !empty {
                    self.unknown.push(
                        "a subscription without limit 0: its init would carry rows".to_owned(),
                    );
                }
                socket.subscriptions.insert(name, query);
                let init = json!({"type": "subscription", "event": "init", "data": [], "uid": uid});
                vec![Act::Frame(key, init.to_string())]
            }
            Err(bad) => {
                self.unknown.push(format!("subscribe {bad:?}"));
                Vec::new()
            }
        }
    }

    /// Tells one socket of one event: the row is read now, with the rights the
    /// socket has now.
    pub(super) fn tell(&mut self, key: SocketKey, event: &Event) -> Vec<Act> {
        let Some(socket) = self.sockets.get(&key) else {
            return Vec::new();
        };
        let mut acts = Vec::new();
        for (uid, query) in &socket.subscriptions {
            let (kind, id) = match event {
                // Filter and permissions do not hold for deletes.
                Event::Deleted(id) => {
                    let frame = json!({"type": "subscription", "event": "delete",
                        "data": [id], "uid": uid});
                    acts.push(Act::Frame(key, frame.to_string()));
                    acts.push(Act::CountSocket(key, Quirk::ForeignDelete));
                    continue;
                }
                Event::Created(id) => ("create", id),
                Event::Updated(id) => ("update", id),
            };
            let Some(row) = self.rows.all.get(id) else {
                continue;
            };
            let (shown, me) = match socket.state {
                State::Open => (false, None),
                State::Authed(me) => (
                    self.admin(me) || row.sender == me || row.receiver == me,
                    Some(me),
                ),
                State::Expired(me) if self.settings.twelve => {
                    if row.sender == me || row.receiver == me {
                        acts.push(Act::CountSocket(key, Quirk::WindowForbidden));
                    }
                    let error = json!({"type": "subscribe", "status": "error", "uid": uid,
                        "error": {"code": "FORBIDDEN", "message": "Refused."}});
                    acts.push(Act::Frame(key, error.to_string()));
                    (false, None)
                }
                State::Expired(me) => {
                    if row.sender != me && row.receiver != me {
                        acts.push(Act::CountSocket(key, Quirk::SystemRights));
                    }
                    (true, None)
                }
            };
            if !shown {
                continue;
            }
            // System rights know no current user, and the filter on it falls away.
            let passes = match me {
                None => true,
                me => match self.rows.passes(row, &query.filter, me) {
                    Ok(passes) => passes,
                    Err(_) => {
                        let error = json!({"type": "subscribe", "status": "error",
                            "error": {"code": "FORBIDDEN", "message": "Refused."}});
                        acts.push(Act::Frame(key, error.to_string()));
                        false
                    }
                },
            };
            if let (true, Ok(fields)) = (passes, self.rows.select(&query.fields)) {
                let frame = json!({"type": "subscription", "event": kind,
                    "data": [row.json(&fields)], "uid": uid});
                acts.push(Act::Frame(key, frame.to_string()));
            }
        }
        acts
    }

    pub(super) fn auth_deadline(&mut self, key: SocketKey, epoch: u64) -> Vec<Act> {
        let due = self.sockets.get(&key).is_some_and(|socket| {
            socket.epoch == epoch && !matches!(socket.state, State::Authed(_))
        });
        if !due {
            return Vec::new();
        }
        let mut acts = vec![Act::CountSocket(key, Quirk::AuthTimeout)];
        acts.extend(self.close(key, Some(auth_error("AUTH_TIMEOUT", &Value::Null))));
        acts
    }

    pub(super) fn token_end(&mut self, key: SocketKey, epoch: u64, _now: i64) -> Vec<Act> {
        let Some(socket) = self.sockets.get_mut(&key) else {
            return Vec::new();
        };
        let State::Authed(person) = socket.state else {
            return Vec::new();
        };
        if socket.epoch != epoch {
            return Vec::new();
        }
        socket.state = State::Expired(person);
        vec![
            Act::CountSocket(key, Quirk::TokenExpired),
            Act::Frame(key, auth_error("TOKEN_EXPIRED", &Value::Null).to_string()),
            Act::Later(AUTH_TIMEOUT, Deed::AuthDeadline(key, epoch)),
        ]
    }

    pub(super) fn heartbeat(&mut self, key: SocketKey) -> Vec<Act> {
        let Some(socket) = self.sockets.get_mut(&key) else {
            return Vec::new();
        };
        if socket.pinged {
            let mut acts = vec![Act::CountSocket(key, Quirk::PingUnanswered)];
            acts.extend(self.close(key, None));
            return acts;
        }
        socket.pinged = true;
        vec![
            Act::Frame(key, json!({"type": "ping"}).to_string()),
            Act::Later(HEARTBEAT, Deed::Heartbeat(key)),
        ]
    }
}

fn auth_error(code: &str, uid: &Value) -> Value {
    let mut error = json!({"type": "auth", "status": "error",
        "error": {"code": code, "message": "Refused."}});
    if let (Some(error), false) = (error.as_object_mut(), uid.is_null()) {
        error.insert("uid".to_owned(), uid.clone());
    }
    error
}
