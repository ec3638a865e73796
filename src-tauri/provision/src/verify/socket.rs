//! One person's WebSocket, as far as attacks need it: sign in, ask, listen.
//!
//! ```text
//! connect -> auth -> auth ok -> frames
//! ```
//! Every wait is bounded. A request to create that fails its rule gets no answer at all from
//! Directus 11.17; silence is then an answer of its own, `SILENCE`.

use crate::client::Answer;
use crate::{Client, Error};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// Longer than a busy server takes to answer.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long silence must last at least, once the server has answered something asked later.
const SILENCE: Duration = Duration::from_millis(400);
/// And how many times as long as that answer took: a busy server takes longer for a write
/// than for the read that came after it.
const SLOWER: u32 = 5;

/// An open socket.
pub(super) struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Socket {
    /// Connects as whoever `hand` is.
    ///
    /// # Errors
    /// The server takes no socket, or not this person's.
    pub(super) async fn open(hand: &Client) -> Result<Self, Error> {
        let mut socket = Self::connect(hand, "websocket", None).await?;
        socket.sign_in(&hand.token()).await?;
        Ok(socket)
    }

    /// Connects to one of the server's sockets, and says nothing yet.
    pub(super) async fn connect(
        hand: &Client,
        path: &str,
        protocol: Option<&'static str>,
    ) -> Result<Self, Error> {
        let lost = |error: &dyn std::error::Error| Error::NoAnswer(error.to_string());
        let mut url = hand.base().join(path).map_err(|error| lost(&error))?;
        let scheme = if url.scheme() == "https" { "wss" } else { "ws" };
        let _ = url.set_scheme(scheme);
        let mut request = url
            .as_str()
            .into_client_request()
            .map_err(|error| lost(&error))?;
        if let Some(protocol) = protocol {
            let value = tokio_tungstenite::tungstenite::http::HeaderValue::from_static(protocol);
            request
                .headers_mut()
                .insert("sec-websocket-protocol", value);
        }
        let connected = tokio::time::timeout(PATIENCE, connect_async(request)).await;
        let (stream, _) = connected
            .map_err(|error| lost(&error))?
            .map_err(|error| lost(&error))?;
        Ok(Self { stream })
    }

    /// Signs in, also anew on the same socket.
    pub(super) async fn sign_in(&mut self, token: &str) -> Result<(), Error> {
        self.send(&json!({ "type": "auth", "access_token": token }))
            .await?;
        let told = self
            .next(|frame| frame["type"] == "auth", PATIENCE)
            .await?
            .unwrap_or_default();
        if told["status"] == "ok" {
            Ok(())
        } else {
            let code = told.pointer("/error/code").and_then(Value::as_str);
            Err(Error::Refused {
                method: "auth".to_owned(),
                path: "websocket".to_owned(),
                status: 401,
                code: code.unwrap_or("none").to_owned(),
                message: String::new(),
            })
        }
    }

    pub(super) async fn send(&mut self, frame: &Value) -> Result<(), Error> {
        let sent = self.stream.send(Message::text(frame.to_string())).await;
        sent.map_err(|error| Error::NoAnswer(error.to_string()))
    }

    /// The first frame of this kind within a time; others go by. Pings are answered.
    pub(super) async fn next(
        &mut self,
        wanted: impl Fn(&Value) -> bool,
        within: Duration,
    ) -> Result<Option<Value>, Error> {
        let end = tokio::time::Instant::now() + within;
        loop {
            let Ok(told) = tokio::time::timeout_at(end, self.stream.next()).await else {
                return Ok(None);
            };
            let message = match told {
                Some(Ok(message)) => message,
                Some(Err(error)) => return Err(Error::NoAnswer(error.to_string())),
                None => return Err(Error::NoAnswer("the socket was closed".to_owned())),
            };
            if let Message::Close(told) = &message {
                let told = told.as_ref().map_or_else(String::new, |told| {
                    format!(" ({} {})", u16::from(told.code), told.reason)
                });
                return Err(Error::NoAnswer(format!("the socket was closed{told}")));
            }
            let Ok(text) = message.into_text() else {
                continue;
            };
            let Ok(frame) = serde_json::from_str::<Value>(&text) else {
                continue;
            };
            if frame["type"] == "ping" {
                self.send(&json!({ "type": "pong" })).await?;
            }
            if wanted(&frame) {
                return Ok(Some(frame));
            }
        }
    }
}

/// One request of type `items`, on a socket of its own.
pub(super) async fn ask(hand: &Client, frame: &Value) -> Result<Answer, Error> {
    let mut socket = Socket::open(hand).await?;
    let mut asked = frame.clone();
    super::world::merge(&mut asked, json!({ "type": "items", "uid": "asked" }));
    socket.send(&asked).await?;
    // Asked for later, and answered by whoever may chat or not.
    let later = json!({
        "type": "items", "uid": "later", "collection": "chat_setup", "action": "read",
        "query": { "limit": 1, "fields": ["id"] },
    });
    socket.send(&later).await?;
    let since = tokio::time::Instant::now();
    let mut silence = None;
    loop {
        let within = silence.unwrap_or(PATIENCE);
        let Some(told) = socket
            .next(|frame| frame["type"] == "items", within)
            .await?
        else {
            let body = json!({ "error": { "code": "SILENCE" } });
            return Ok(Answer { status: 400, body });
        };
        if told["uid"] == "later" {
            silence = Some((since.elapsed() * SLOWER).clamp(SILENCE, PATIENCE));
            continue;
        }
        let status = if told["status"] == "error" { 400 } else { 200 };
        return Ok(Answer { status, body: told });
    }
}
