//! A real Directus with Alice and Bob on it, and what a bare client does there.
//!
//! Owns: the server, its folder, and the bare client: reqwest, a socket, and
//! nothing kept. Tokens outlive the run, and no rate is limited, so that only
//! what is measured takes time.

use std::path::PathBuf;

use futures_util::{SinkExt as _, StreamExt as _};
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async, tungstenite};
use whinchat_core::{
    bridge::{SignIn, VaultKind},
    directus::{
        call::{Call, ClientFrame},
        realtime,
        rest::{self, HttpRequest, Method},
    },
    model::{AccountId, PersonId, Stamps},
    product,
    runtime::{Config, Messenger},
};
use whinchat_provision::{Client, Credentials, Kind, NewPerson, Schema, apply, ensure_person};
use xtask::{
    directus::{self, Server, Settings},
    http::Request,
};

use crate::Outcome;

/// Nobody's: these accounts exist for a run.
const PASSWORD: &str = "for this run only";
/// What the accounts of a run are kept under.
pub const PASSPHRASE: &str = "nobody's secret";

/// Somebody with an account on the server.
pub struct Person {
    /// The id.
    pub id: PersonId,
    /// The e-mail.
    pub email: &'static str,
}

/// See the module. Dropped, the server is gone.
pub struct Directus {
    server: Server,
    /// Alice.
    pub alice: Person,
    /// Bob.
    pub bob: Person,
    _folder: TempDir,
}

impl Directus {
    /// Starts one and makes it ready.
    pub async fn start() -> Outcome<Self> {
        let installation = directus::find()?;
        let folder = tempfile::tempdir()?;
        let settings = Settings::default()
            .access_token_ttl("7d")
            .session_ttl("7d")
            .refresh_token_ttl("7d");
        let server = Server::start(&installation, &folder.path().join("directus"), settings)?;
        let administrator = server.administrator();
        let credentials = Credentials::Password {
            email: administrator.email.clone(),
            password: administrator.password.clone(),
        };
        let client = Client::sign_in(&server.url(), credentials).await?;
        let schema = Schema::of(Kind::Stamped);
        apply(&client, &schema, |_, _, _| {}).await?;
        let mut people = Vec::new();
        for (first, last, email) in [
            ("Alice", "Archer", "alice@example.com"),
            ("Bob", "Baker", "bob@example.com"),
        ] {
            let person = NewPerson {
                email: email.to_owned(),
                first_name: first.to_owned(),
                last_name: last.to_owned(),
                password: PASSWORD.to_owned(),
            };
            let id = ensure_person(&client, &schema, &person).await?;
            let id = id.parse().map_err(|_| "a person without an id")?;
            people.push(Person { id, email });
        }
        let (Some(bob), Some(alice)) = (people.pop(), people.pop()) else {
            return Err("there is nobody".into());
        };
        Ok(Self {
            server,
            alice,
            bob,
            _folder: folder,
        })
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// The server's own database.
    pub fn database(&self) -> PathBuf {
        self.server.folder().join("data.db")
    }

    /// An access token of somebody's.
    pub fn token(&self, person: &Person) -> Outcome<String> {
        let body = json!({"email": person.email, "password": PASSWORD, "mode": "json"});
        let answer = Request::with_body("POST", "/auth/login", &body).send(self.server.port())?;
        let token = answer.json()["data"]["access_token"].take();
        Ok(token
            .as_str()
            .ok_or("the server grants no token")?
            .to_owned())
    }

    /// Signs somebody in to a data folder, under [`PASSPHRASE`].
    pub async fn sign_in(&self, data: PathBuf, person: &Person) -> Outcome<(Messenger, AccountId)> {
        let messenger = Messenger::new(Config::new(data)).await?;
        let account = messenger
            .sign_in(SignIn {
                server: self.url(),
                email: person.email.to_owned(),
                password: PASSWORD.to_owned(),
                code: None,
                vault: VaultKind::Passphrase,
                passphrase: Some(PASSPHRASE.to_owned()),
                account: None,
            })
            .await?;
        let id = account.id.parse().map_err(|_| "an account without an id")?;
        messenger.open(id).await?;
        messenger.accept_terms(id, product::TERMS).await?;
        messenger.close(id).await;
        Ok((messenger, id))
    }
}

/// REST with one connection, and nothing kept.
pub struct BareRest {
    client: reqwest::Client,
    url: String,
    token: String,
}

/// A row, as much as is needed to go on.
#[derive(Deserialize)]
pub struct BareRow {
    /// The id.
    pub id: String,
    /// The text; read, for it must be.
    pub content: Option<String>,
    /// When it was made.
    pub date_created: Option<String>,
}

#[derive(Deserialize)]
struct BareAnswer {
    data: Vec<BareRow>,
}

impl BareRest {
    /// Of somebody at this server.
    pub fn new(server: &Directus, person: &Person) -> Outcome<Self> {
        Ok(Self {
            client: reqwest::Client::builder().no_proxy().build()?,
            url: server.url(),
            token: server.token(person)?,
        })
    }

    /// Makes a call of the core's vocabulary, and gives the body.
    pub async fn send(&self, call: &Call) -> Outcome<Vec<u8>> {
        let HttpRequest {
            method,
            path,
            query,
            body,
        } = rest::request(call);
        let url = url::Url::parse_with_params(&format!("{}{path}", self.url), &query)?;
        let method = match method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Delete => reqwest::Method::DELETE,
            Method::Search => reqwest::Method::from_bytes(b"SEARCH")?,
        };
        let mut request = self.client.request(method, url).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await?.error_for_status()?;
        Ok(answer.bytes().await?.to_vec())
    }

    /// A page of messages.
    pub async fn page(&self, call: &Call) -> Outcome<Vec<BareRow>> {
        let body = self.send(call).await?;
        let answer: BareAnswer = serde_json::from_slice(&body)?;
        Ok(answer.data)
    }
}

/// A socket that has subscribed, and nothing kept.
pub struct BareSocket(WebSocketStream<MaybeTlsStream<TcpStream>>);

#[derive(Deserialize)]
struct BareFrame {
    r#type: String,
    event: Option<String>,
    #[serde(default)]
    data: Vec<BareRow>,
}

impl BareSocket {
    /// Opens one, with the same subscription that the core makes.
    pub async fn subscribe(server: &Directus, person: &Person) -> Outcome<Self> {
        let url = format!("ws://127.0.0.1:{}/websocket", server.server.port());
        let (socket, _) = connect_async(url).await?;
        let mut socket = Self(socket);
        let token = server.token(person)?;
        socket.say(realtime::write_auth(&token, "auth")).await?;
        socket.hear("auth").await?;
        let subscribe = ClientFrame::Subscribe {
            stamps: Stamps::Server,
            uid: "bare".to_owned(),
        };
        socket.say(realtime::write(&subscribe)).await?;
        socket.hear("subscription").await?;
        Ok(socket)
    }

    async fn say(&mut self, text: String) -> Outcome {
        Ok(self.0.send(tungstenite::Message::text(text)).await?)
    }

    async fn text(&mut self) -> Outcome<String> {
        loop {
            match self.0.next().await.ok_or("the socket is closed")?? {
                tungstenite::Message::Text(text) => return Ok(text.to_string()),
                tungstenite::Message::Close(_) => return Err("the socket is closed".into()),
                _ => {}
            }
        }
    }

    async fn hear(&mut self, kind: &str) -> Outcome {
        loop {
            let frame: Value = serde_json::from_str(&self.text().await?)?;
            if frame["status"] == "error" {
                return Err(format!("the socket was refused: {frame}").into());
            }
            if frame["type"] == kind {
                return Ok(());
            }
        }
    }

    /// The next rows that were made.
    pub async fn rows(&mut self) -> Outcome<Vec<BareRow>> {
        loop {
            let text = self.text().await?;
            let frame: BareFrame = serde_json::from_str(&text)?;
            if frame.r#type == "ping" {
                self.say(realtime::write(&ClientFrame::Pong)).await?;
            } else if frame.event.as_deref() == Some("create") {
                return Ok(frame.data);
            }
        }
    }
}
