//! A play of a script on the simulator's model.
//!
//! Owns: the model's clock and what is due in it. Never: a comparison.

use serde_json::Value;
use whinchat_core::{directus::realtime, model::PersonId};
use whinchat_sim::{
    rng::Rng,
    server::{
        self, Account, Act, Database, Deed, EPOCH, Exchange, Lifetimes, Method, Request, Response,
        Server, Settings, SocketKey,
    },
};

use crate::{
    cast::{Asked, Cast, Doing, id_of},
    script::{PEOPLE, Script, Token, Who},
    transcript::Transcript,
};

/// What a server is, and who is on it; what the model is made like.
#[derive(Debug, Clone)]
pub struct Likeness {
    /// The database below it.
    pub database: Database,
    /// Milliseconds that its zone is ahead of UTC.
    pub zone: i64,
    /// `QUERY_LIMIT_MAX`.
    pub limit_max: usize,
    /// `MAX_PAYLOAD_SIZE`, in bytes.
    pub payload_max: usize,
    /// Everybody on it.
    pub people: Vec<(PersonId, Account)>,
}

/// Longer than anything takes that a step begins.
const STEP: i64 = 5_000;
/// A token that was never given.
pub const FORGED: &str = "not-a-token";

struct Model {
    server: Server,
    now: i64,
    due: Vec<(i64, Deed)>,
    answer: Option<Response>,
    transcript: Transcript,
    tokens: Vec<(Who, String)>,
    expired: String,
}

/// Plays it, and says of every step how many frames each person had heard.
pub fn play(script: &Script, likeness: &Likeness) -> (Transcript, Vec<[usize; 4]>) {
    let mut cast = Cast::new(script.stamps);
    let mut model = Model::new(script, likeness);
    let mut heard = Vec::new();
    for step in script.played() {
        model.transcript.begin(EPOCH + model.now);
        match cast.doing(&step) {
            Doing::Frame(text) => {
                let acts = model.server.socket_frame(model.now, key(step.who), &text);
                model.take(acts);
                model.pass();
                model.transcript.say(0, Value::Null);
            }
            Doing::Ask(asked) => {
                let response = model.ask(step.who, step.token, asked);
                cast.learn(&response.body);
                model.transcript.say(response.status, response.body);
            }
        }
        heard.push(PEOPLE.map(|who| model.transcript.heard(who)));
    }
    (model.transcript, heard)
}

fn key(who: Who) -> SocketKey {
    let place = PEOPLE.iter().position(|one| *one == who);
    SocketKey(place.map_or(0, |place| place as u64 + 1))
}

impl Model {
    fn new(script: &Script, likeness: &Likeness) -> Self {
        let ages = i64::MAX / 4;
        let settings = Settings {
            stamps: script.stamps,
            zone: likeness.zone,
            database: likeness.database,
            twelve: false,
            limit_max: likeness.limit_max,
            payload_max: likeness.payload_max,
            heartbeat: 30_000,
            lifetimes: Lifetimes {
                session: ages,
                access: ages,
                refresh: ages,
            },
            skews: vec![0],
        };
        let mut server = Server::new(settings, Rng::new(script.seed));
        server.people = likeness.people.iter().cloned().collect();
        server.sessions.lifetimes.session = 0;
        let expired = server.sessions.open_session(id_of(Who::Alice), 0);
        server.sessions.lifetimes.session = ages;
        let tokens = PEOPLE
            .map(|who| (who, server.sessions.open_session(id_of(who), 0)))
            .to_vec();
        let mut model = Self {
            server,
            now: 0,
            due: Vec::new(),
            answer: None,
            transcript: Transcript::default(),
            tokens: tokens.clone(),
            expired,
        };
        for (who, token) in &tokens {
            let mut acts = model.server.socket_open(key(*who), 0);
            let auth = realtime::write_auth(token, "a");
            acts.extend(model.server.socket_frame(0, key(*who), &auth));
            model.take(acts);
        }
        model
    }

    fn take(&mut self, acts: Vec<Act>) {
        for act in acts {
            match act {
                Act::Later(ms, deed) => self.due.push((self.now + ms, deed)),
                Act::Answer(_, _, response) => self.answer = Some(response),
                Act::Frame(socket, text) => {
                    let frame: Value = serde_json::from_str(&text).unwrap_or_default();
                    let who = PEOPLE.into_iter().find(|who| key(*who) == socket);
                    if let (Some(who), true) = (who, counts(&frame)) {
                        self.transcript.hear(who, frame);
                    }
                }
                _ => {}
            }
        }
    }

    /// Lets time pass, in which all that is under way is done.
    fn pass(&mut self) {
        let end = self.now + STEP;
        while let Some(next) = self
            .due
            .iter()
            .map(|(at, _)| *at)
            .min()
            .filter(|at| *at <= end)
        {
            let Some(place) = self.due.iter().position(|(at, _)| *at == next) else {
                break;
            };
            let (at, deed) = self.due.remove(place);
            self.now = at;
            // Both answer the heartbeat; it is none of the story.
            if !matches!(deed, Deed::Heartbeat(_)) {
                let acts = self.server.deed(at, deed);
                self.take(acts);
            }
        }
        self.now = end;
    }

    fn ask(&mut self, who: Who, token: Token, asked: Asked) -> Response {
        let own = self.tokens.iter().find(|(of, _)| *of == who);
        let bearer = match token {
            Token::Own => own.map(|(_, token)| token.clone()),
            Token::Forged => Some(FORGED.to_owned()),
            Token::Expired => Some(self.expired.clone()),
        };
        let body = match asked.body.as_deref().map(server::read_body).transpose() {
            Ok(body) => body,
            Err(response) => return *response,
        };
        let method = match asked.method {
            "GET" => Method::Get,
            "POST" => Method::Post,
            "PATCH" => Method::Patch,
            "DELETE" => Method::Delete,
            _ => Method::Search,
        };
        let request = Request {
            method,
            path: asked.path,
            query: asked.query,
            body,
            bearer,
            cookie: None,
        };
        let acts = self.server.request(self.now, 0, Exchange(0), &request);
        self.take(acts);
        self.pass();
        self.answer
            .take()
            .unwrap_or_else(|| Response::error(0, "NO_ANSWER", None))
    }
}

/// Whether a frame is of the story: neither heartbeat nor sign-in.
pub fn counts(frame: &Value) -> bool {
    let kind = frame.get("type").and_then(Value::as_str);
    !matches!(kind, Some("ping" | "auth"))
}
