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
/// The largest frame that a client takes.
const FRAME_MAX: usize = 16 << 20;

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
            Act::Later(self.settings.heartbeat, Deed::Heartbeat(key)),
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
                vec![
                    Act::CountSocket(key, Quirk::Pong),
                    Act::Frame(key, pong.to_string()),
                ]
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
        let checked = self.sessions.check(token, now).ok();
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
        let again = match socket.state {
            State::Open => None,
            // Subscriptions survive.
            State::Authed(_) => Some(Quirk::Reauthenticated),
            State::Expired(_) => Some(Quirk::ReauthenticatedLate),
        };
        socket.state = State::Authed(person);
        socket.epoch += 1;
        let mut ok = json!({"type": "auth", "status": "ok"});
        if let (Some(ok), false) = (ok.as_object_mut(), uid.is_null()) {
            ok.insert("uid".to_owned(), uid.clone());
        }
        let mut acts = vec![
            Act::Frame(key, ok.to_string()),
            Act::Later(ends - now, Deed::TokenEnd(key, socket.epoch)),
        ];
        acts.extend(again.map(|quirk| Act::CountSocket(key, quirk)));
        acts
    }

    fn subscribe(&mut self, key: SocketKey, frame: &Value, uid: &Value) -> Vec<Act> {
        let collection = frame.get("collection").and_then(Value::as_str);
        if collection != Some("chat_messages") {
            // An administrator is not even told so.
            if self.owner(key).is_some_and(|person| self.admin(person)) {
                return Vec::new();
            }
            let error = json!({"type": "subscribe", "status": "error", "uid": uid,
                "error": {"code": "INVALID_COLLECTION", "message": "Refused."}});
            return vec![Act::Frame(key, error.to_string())];
        }
        let query = Query::from_json(frame.get("query").unwrap_or(&Value::Null));
        let Some(socket) = self.sockets.get_mut(&key) else {
            return Vec::new();
        };
        match query {
            Ok(query) => {
                let name = uid.as_str().unwrap_or("").to_owned();
                socket.subscriptions.remove(&name);
                // Its init is read like any other list, so a field that may not
                // be read is told here, and there is no subscription.
                if self.rows.readable(&query).is_err() {
                    let mut error = json!({"type": "subscribe", "status": "error",
                        "error": {"code": "FORBIDDEN", "message": "Refused."}});
                    if self.settings.twelve {
                        error["uid"] = uid.clone();
                    }
                    return vec![Act::Frame(key, error.to_string())];
                }
                let empty = query.limit == Some(0);
                if !empty {
                    self.unknown.push(
                        "a subscription without limit 0: its init would carry rows".to_owned(),
                    );
                }
                // The same name again silently takes the other's place.
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

    /// Tells one socket of one event: the rows are read now, with the rights the
    /// socket has now.
    pub(super) fn tell(&mut self, key: SocketKey, event: &Event) -> Vec<Act> {
        let Some(socket) = self.sockets.get(&key) else {
            return Vec::new();
        };
        let person = socket.person();
        let mut acts = Vec::new();
        let mut huge = false;
        for (uid, query) in &socket.subscriptions {
            let (kind, ids) = match event {
                // Filter and permissions do not hold for deletes.
                Event::Deleted(ids) => {
                    let frame = json!({"type": "subscription", "event": "delete",
                        "data": ids, "uid": uid});
                    acts.push(Act::Frame(key, frame.to_string()));
                    continue;
                }
                Event::Created(id) => ("create", std::slice::from_ref(id)),
                Event::Updated(ids) => ("update", ids.as_slice()),
            };
            let rows = ids.iter().filter_map(|id| self.rows.all.get(id));
            let mut told = Vec::new();
            let mut failed = self.weather.events_fail.then_some(Quirk::EventError);
            for row in rows {
                let mine = person == Some(row.sender) || person == Some(row.receiver);
                let passes = match socket.state {
                    State::Open => continue,
                    State::Authed(me) => {
                        let admin = self.admin(me);
                        if !mine && !admin {
                            continue;
                        }
                        if admin && !mine {
                            acts.push(Act::CountSocket(key, Quirk::AdministratorHears));
                        }
                        self.rows.passes(row, &query.filter, Some(me))
                    }
                    State::Expired(_) if self.settings.twelve => {
                        failed = Some(Quirk::WindowForbidden);
                        Ok(mine)
                    }
                    // System rights know no current user, and the filter on it
                    // falls away.
                    State::Expired(_) => {
                        if !mine {
                            acts.push(Act::CountSocket(key, Quirk::SystemRights));
                        }
                        Ok(true)
                    }
                };
                match passes {
                    Ok(true) => {
                        huge |= row.weight > FRAME_MAX;
                        told.push(row);
                    }
                    Ok(false) => {}
                    // A bad field or filter is taken at the subscription and
                    // gives an error an event.
                    Err(_) => failed = Some(Quirk::EventError),
                }
            }
            if told.is_empty() {
                continue;
            }
            if let Some(quirk) = failed {
                let mut error = json!({"type": "subscribe", "status": "error",
                    "error": {"code": "FORBIDDEN", "message": "Refused."}});
                if self.settings.twelve {
                    error["uid"] = json!(uid);
                }
                acts.push(Act::CountSocket(key, quirk));
                acts.push(Act::Frame(key, error.to_string()));
                continue;
            }
            if huge {
                acts.push(Act::CountSocket(key, Quirk::FrameTooLarge));
                acts.push(Act::Huge(key));
                continue;
            }
            if told.len() > 1 {
                acts.push(Act::CountSocket(key, Quirk::BatchUpdated));
            }
            match self.rows.select(&query.fields) {
                Ok(fields) => {
                    let rows: Vec<Value> = told.iter().map(|row| row.json(&fields)).collect();
                    let frame = json!({"type": "subscription", "event": kind,
                        "data": rows, "uid": uid});
                    acts.push(Act::Frame(key, frame.to_string()));
                }
                Err(_) => acts.push(Act::CountSocket(key, Quirk::EventError)),
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
            Act::CountSocket(key, Quirk::ServerPing),
            Act::Frame(key, json!({"type": "ping"}).to_string()),
            Act::Later(self.settings.heartbeat, Deed::Heartbeat(key)),
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
