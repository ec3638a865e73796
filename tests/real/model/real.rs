//! A play of a script on a real Directus: one connection kept for requests,
//! and one socket for each person.
//!
//! That no more frames come is not waited for: every script ends with rows of
//! which everybody may hear one, and is cleaned up by one delete, which every
//! subscriber hears, whatever it may read. What comes before that is counted.
//!
//! Owns: the connections. Never: a comparison.

use std::time::{Duration, SystemTime};

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::{
    runtime::Runtime,
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    time::{Instant, timeout_at},
};
use tokio_tungstenite::tungstenite::Message;
use whinchat_core::directus::realtime;
use xtask::{Outcome, Problem};

use crate::{
    cast::{Asked, Cast, Doing, id_of},
    model,
    script::{PEOPLE, Script, Token, Who},
    transcript::Transcript,
};

/// Longer than any answer or frame takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long frames are waited for that the model foretold, before the rest of
/// the script is played without waiting for them.
const FORETOLD: Duration = Duration::from_secs(10);

/// Where a server is, and how to sign in.
#[derive(Debug, Clone)]
pub struct Place {
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    /// Each person's token.
    pub tokens: Vec<(Who, String)>,
    /// A token whose time is over.
    pub expired: String,
    /// The administrator's, who cleans up.
    pub administrator: String,
}

/// The connections to one server.
pub struct Real {
    runtime: Runtime,
    http: reqwest::Client,
    place: Place,
    heard: UnboundedReceiver<(Who, Value)>,
    frames: Vec<(Who, UnboundedSender<String>)>,
}

fn broken(what: impl std::fmt::Display) -> Problem {
    Problem::new(format!("The server could not be asked: {what}."))
}

impl Real {
    /// Opens everybody's socket.
    pub fn open(place: Place) -> Outcome<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(broken)?;
        let http = reqwest::Client::builder()
            .no_proxy()
            .timeout(PATIENCE)
            .build()
            .map_err(broken)?;
        let (tell, heard) = unbounded_channel();
        let mut real = Self {
            runtime,
            http,
            place,
            heard,
            frames: Vec::new(),
        };
        for (who, token) in real.place.tokens.clone() {
            let (out, frames) = unbounded_channel();
            let url = format!("{}/websocket", real.place.url.replace("http:", "ws:"));
            real.runtime
                .spawn(socket(who, url, token, frames, tell.clone()));
            real.frames.push((who, out));
        }
        for _ in 0..PEOPLE.len() {
            real.next(Instant::now() + PATIENCE)
                .filter(|(_, frame)| frame.get("status") == Some(&json!("ok")))
                .ok_or_else(|| broken("a socket was refused"))?;
        }
        Ok(real)
    }

    fn next(&mut self, end: Instant) -> Option<(Who, Value)> {
        let heard = &mut self.heard;
        self.runtime
            .block_on(async { timeout_at(end, heard.recv()).await.ok().flatten() })
    }

    /// Plays a script from nothing to nothing. `foretold` is how many frames
    /// the model had told each person after each step.
    pub fn play(&mut self, script: &Script, foretold: &[[usize; 4]]) -> Outcome<Transcript> {
        let mut cast = Cast::new(script.stamps);
        let mut transcript = Transcript::default();
        let mut surprised = false;
        for (place, step) in script.played().iter().enumerate() {
            let clock = SystemTime::now()
                .duration_since(SystemTime::UNIX_EPOCH)
                .map_err(broken)?;
            transcript.begin(i64::try_from(clock.as_millis()).map_err(broken)?);
            match cast.doing(step) {
                Doing::Frame(text) => {
                    self.send(step.who, text)?;
                    transcript.say(0, Value::Null);
                }
                Doing::Ask(asked) => {
                    let own = self.place.tokens.iter().find(|(who, _)| *who == step.who);
                    let token = match step.token {
                        Token::Own => own.map(|(_, token)| token.as_str()),
                        Token::Forged => Some(model::FORGED),
                        Token::Expired => Some(self.place.expired.as_str()),
                    };
                    let (status, body) =
                        self.runtime
                            .block_on(ask(&self.http, &self.place.url, token, &asked))?;
                    cast.learn(&body);
                    transcript.say(status, body);
                }
            }
            if let (Some(many), false) = (foretold.get(place), surprised) {
                surprised = !self.hear(&mut transcript, many);
            }
        }
        self.clean_up(script, &mut transcript)?;
        Ok(transcript)
    }

    fn send(&self, who: Who, text: String) -> Outcome {
        let to = self.frames.iter().find(|(of, _)| *of == who);
        to.and_then(|(_, out)| out.send(text).ok())
            .ok_or_else(|| broken("there is no such socket"))
    }

    /// Whether everybody heard as many frames as this.
    fn hear(&mut self, transcript: &mut Transcript, many: &[usize; 4]) -> bool {
        let end = Instant::now() + FORETOLD;
        loop {
            let whole = PEOPLE
                .into_iter()
                .zip(many)
                .all(|(who, many)| transcript.heard(who) >= *many);
            if whole {
                return true;
            }
            let Some((who, frame)) = self.next(end) else {
                return false;
            };
            if model::counts(&frame) {
                transcript.hear(who, frame);
            }
        }
    }

    /// Deletes every row, hears who is subscribed of it, and ends the
    /// subscriptions.
    fn clean_up(&mut self, script: &Script, transcript: &mut Transcript) -> Outcome {
        let delete = Asked {
            method: "DELETE",
            path: "/items/chat_messages".to_owned(),
            query: Vec::new(),
            body: Some(r#"{"query":{"limit":-1}}"#.to_owned()),
        };
        // Marks the end for those who are not subscribed.
        for who in PEOPLE {
            self.send(
                who,
                json!({"type": "subscribe", "collection": "chat_messages",
                "uid": "end", "event": "delete"})
                .to_string(),
            )?;
        }
        let mut standing = 0;
        let end = Instant::now() + PATIENCE;
        let late = || broken("the end of a script was not heard");
        while standing < PEOPLE.len() {
            let (who, frame) = self.next(end).ok_or_else(late)?;
            match is_of_the_end(&frame) {
                true => standing += 1,
                false if model::counts(&frame) => transcript.hear(who, frame),
                false => {}
            }
        }
        let administrator = self.place.administrator.clone();
        let (status, body) = self.runtime.block_on(ask(
            &self.http,
            &self.place.url,
            Some(&administrator),
            &delete,
        ))?;
        if status != 204 {
            return Err(broken(format!("{status} {body}")));
        }
        let mut gone = 0;
        while gone < PEOPLE.len() {
            let (who, frame) = self.next(end).ok_or_else(late)?;
            let last = json!(script.last[1]);
            let data = frame.get("data").and_then(Value::as_array);
            match (is_of_the_end(&frame), data) {
                (true, Some(data)) if data.contains(&last) => gone += 1,
                // The others that tell of the same.
                (false, Some(data)) if data.contains(&last) && is(&frame, "event", "delete") => {}
                (false, _) if model::counts(&frame) => transcript.hear(who, frame),
                _ => {}
            }
        }
        for who in PEOPLE {
            self.send(who, json!({"type": "unsubscribe"}).to_string())?;
        }
        let mut ended = 0;
        while ended < PEOPLE.len() {
            let (who, frame) = self.next(end).ok_or_else(late)?;
            let last = json!(script.last[1]);
            let data = frame.get("data").and_then(Value::as_array);
            if is(&frame, "event", "unsubscribe") {
                ended += 1;
            } else if model::counts(&frame) && !data.is_some_and(|data| data.contains(&last)) {
                transcript.hear(who, frame);
            }
        }
        Ok(())
    }
}

fn is(frame: &Value, name: &str, text: &str) -> bool {
    frame.get(name).and_then(Value::as_str) == Some(text)
}

fn is_of_the_end(frame: &Value) -> bool {
    is(frame, "uid", "end")
}

async fn ask(
    http: &reqwest::Client,
    url: &str,
    token: Option<&str>,
    asked: &Asked,
) -> Outcome<(u16, Value)> {
    let method = reqwest::Method::from_bytes(asked.method.as_bytes()).map_err(broken)?;
    let mut address = format!("{url}{}", asked.path);
    for (nth, (name, value)) in asked.query.iter().enumerate() {
        address.push(if nth == 0 { '?' } else { '&' });
        address.push_str(&xtask::http::encode(name));
        address.push('=');
        address.push_str(&xtask::http::encode(value));
    }
    let mut request = http.request(method, address);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    if let Some(body) = &asked.body {
        request = request
            .header("Content-Type", "application/json")
            .body(body.clone());
    }
    let answer = request.send().await.map_err(broken)?;
    let status = answer.status().as_u16();
    let text = answer.bytes().await.map_err(broken)?;
    Ok((status, serde_json::from_slice(&text).unwrap_or_default()))
}

/// Signs in, passes frames on in both directions and answers the heartbeat.
async fn socket(
    who: Who,
    url: String,
    token: String,
    mut out: UnboundedReceiver<String>,
    tell: UnboundedSender<(Who, Value)>,
) {
    let Ok((mut stream, _)) = tokio_tungstenite::connect_async(url).await else {
        return;
    };
    let auth = realtime::write_auth(&token, "a");
    if stream.send(Message::text(auth)).await.is_err() {
        return;
    }
    loop {
        tokio::select! {
            text = out.recv() => {
                let Some(text) = text else { return };
                if stream.send(Message::text(text)).await.is_err() {
                    return;
                }
            }
            message = stream.next() => {
                let Some(Ok(message)) = message else { return };
                let Message::Text(text) = message else { continue };
                let frame: Value = serde_json::from_str(text.as_str()).unwrap_or_default();
                if is(&frame, "type", "ping") {
                    let pong = Message::text(r#"{"type":"pong"}"#);
                    if stream.send(pong).await.is_err() {
                        return;
                    }
                } else if tell.send((who, frame)).is_err() {
                    return;
                }
            }
        }
    }
}

/// Signs in for a session and waits for its end, which comes soon where sessions
/// are made short.
pub fn ended_session(url: &str, email: &str, password: &str) -> Outcome<String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(broken)?;
    let http = reqwest::Client::builder()
        .no_proxy()
        .build()
        .map_err(broken)?;
    let body = json!({"email": email, "password": password, "mode": "session"});
    let sign_in = http.post(format!("{url}/auth/login")).json(&body).send();
    let answer = runtime.block_on(sign_in).map_err(broken)?;
    let cookies = answer.headers().get_all("set-cookie");
    let token = cookies
        .iter()
        .filter_map(|cookie| cookie.to_str().ok()?.split(';').next())
        .find_map(|cookie| cookie.strip_prefix("directus_session_token="))
        .ok_or_else(|| broken("a sign-in gave no session"))?
        .to_owned();
    let me = Asked {
        method: "GET",
        path: "/users/me".to_owned(),
        query: Vec::new(),
        body: None,
    };
    xtask::process::poll(PATIENCE, || {
        let asked = runtime.block_on(ask(&http, url, Some(&token), &me));
        asked.is_ok_and(|(status, _)| status == 401).then_some(())
    })
    .ok_or_else(|| broken("a short session did not end"))?;
    Ok(token)
}

/// Makes the four people of the scripts on a server, by its administrator.
pub fn people(admin: &whinchat_tests::Admin, role_of: &str) -> Vec<(Who, String, String)> {
    let role = admin.call("GET", &format!("/users/{role_of}?fields=role"), None);
    let mut made = Vec::new();
    for who in PEOPLE {
        let email = format!("{}.of.scripts@example.com", who.name());
        let password = format!("{}-of-the-scripts", who.name());
        let body = json!({
            "id": id_of(who), "email": email, "password": password,
            "first_name": who.name(), "last_name": "Script", "status": "active",
            "role": role.get("role"),
        });
        admin.call("POST", "/users", Some(&body));
        if who == Who::Root {
            let path = "/policies?fields=id&filter[admin_access][_eq]=true";
            let policy = admin.call("GET", path, None);
            let body = json!({"user": id_of(who), "policy": policy.pointer("/0/id")});
            admin.call("POST", "/access", Some(&body));
        }
        made.push((who, email, password));
    }
    made
}
