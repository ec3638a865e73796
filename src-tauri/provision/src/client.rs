//! The REST calls of an administrator.
//!
//! A loopback server is never asked through a proxy. Answers are read as JSON
//! up to a bound; errors keep Directus' code, never the request's content. A session made
//! here is renewed once its token has ended, and lives in memory only.

use crate::Error;
use reqwest::{Method, Url};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// No answer of an administrator's call may be larger.
const LARGEST_ANSWER: usize = 32 * 1024 * 1024;

/// How an administrator proves who they are.
#[derive(Clone)]
pub enum Credentials {
    /// A static or access token.
    Token(String),
    /// E-mail and password; a session is made from them and kept in memory.
    Password {
        /// The e-mail.
        email: String,
        /// The password.
        password: String,
    },
    /// The same of somebody with a second factor.
    PasswordAndCode {
        /// The e-mail.
        email: String,
        /// The password.
        password: String,
        /// The one-time code.
        code: String,
    },
}

/// A signed-in connection to one server.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    session: Arc<Mutex<Session>>,
}

/// What proves who asks. Nothing of it is ever written anywhere.
#[derive(Default)]
struct Session {
    token: String,
    /// Of a session made here; none with a token that was given.
    refresh: Option<String>,
    /// How long an access token lives, in milliseconds, as the sign-in told.
    expires: Option<u64>,
}

/// An answer to a plain request: what a look at the server's settings needs.
#[derive(Debug)]
pub(crate) struct Plain {
    pub body: Value,
    /// Headers by lower-case name; the first of each, but every cookie.
    pub headers: Vec<(String, String)>,
}

/// An answer, refused or not.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub status: u16,
    /// Null where it is no JSON.
    pub body: Value,
}

/// How often a request is made that the server finds too fast.
const TRIES: u32 = 20;

/// How long the server asks to wait; a minute at most.
fn pause(headers: &[(String, String)]) -> Option<Duration> {
    let told = headers
        .iter()
        .find(|(name, _)| name == "retry-after")
        .and_then(|(_, value)| value.parse::<u64>().ok());
    told.map(|seconds| Duration::from_secs(seconds.clamp(1, 60)))
}

impl Client {
    /// Signs in. `server` is the address the server is reached by, e.g. `https://chat.example.com`.
    pub async fn sign_in(server: &str, credentials: Credentials) -> Result<Self, Error> {
        let (http, base) = reach(server, false)?;
        let client = Self {
            http,
            base,
            session: Arc::default(),
        };
        let session = match credentials {
            Credentials::Token(token) => Session {
                token,
                ..Session::default()
            },
            Credentials::Password { email, password } => {
                let body = json!({ "email": email, "password": password, "mode": "json" });
                client.begin("auth/login", &body).await?
            }
            Credentials::PasswordAndCode {
                email,
                password,
                code,
            } => {
                let body = json!({
                    "email": email, "password": password, "otp": code, "mode": "json",
                });
                client.begin("auth/login", &body).await?
            }
        };
        *client.session() = session;
        Ok(client)
    }

    /// Ends the session that [`Self::sign_in`] made. A token that was given is left as it is.
    pub async fn sign_out(&self) {
        let refresh = self.session().refresh.take();
        if let Some(token) = refresh {
            let body = json!({ "refresh_token": token, "mode": "json" });
            // Whether or not it is heard, nothing more can be done about it.
            let _ = self
                .once(Method::POST, "auth/logout", &[], Some(&body))
                .await;
        }
    }

    /// How long an access token lives, in milliseconds; unknown with a token that was given.
    pub fn token_lives(&self) -> Option<u64> {
        self.session().expires
    }

    /// GET: the answer's `data`.
    pub async fn get(&self, path: &str) -> Result<Value, Error> {
        self.call(Method::GET, path, &[], None).await
    }

    /// GET with a query that has to be encoded: the answer's `data`.
    pub async fn get_with(&self, path: &str, query: &[(&str, &str)]) -> Result<Value, Error> {
        self.call(Method::GET, path, query, None).await
    }

    /// POST: the answer's `data`.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, Error> {
        self.call(Method::POST, path, &[], Some(body)).await
    }

    /// PATCH: the answer's `data`.
    pub async fn patch(&self, path: &str, body: &Value) -> Result<Value, Error> {
        self.call(Method::PATCH, path, &[], Some(body)).await
    }

    /// DELETE. What is not there any more is deleted.
    pub async fn delete(&self, path: &str) -> Result<(), Error> {
        self.call(Method::DELETE, path, &[], None).await.map(drop)
    }

    /// The same way to the server as somebody else: with this token, or as a visitor.
    pub(crate) fn with_token(&self, token: Option<&str>) -> Self {
        let session = Session {
            token: token.unwrap_or_default().to_owned(),
            ..Session::default()
        };
        Self {
            session: Arc::new(Mutex::new(session)),
            ..self.clone()
        }
    }

    /// The token that requests carry now; empty for a visitor.
    pub(crate) fn token(&self) -> String {
        self.session().token.clone()
    }

    /// Any request: the answer as it is. One that came too fast is made again when the server
    /// says, a few times.
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Answer, Error> {
        let mut tries = 0;
        loop {
            let (status, body, headers) = self.send(method.clone(), path, query, body, &[]).await?;
            tries += 1;
            let code = body.pointer("/errors/0/extensions/code");
            let ended = status == 401 && code.and_then(Value::as_str) == Some("TOKEN_EXPIRED");
            let refresh = self.session().refresh.clone().filter(|_| ended);
            if let Some(refresh) = refresh.filter(|_| tries < TRIES) {
                self.renew(refresh).await?;
                continue;
            }
            let pause = pause(&headers).filter(|_| matches!(status, 429 | 503));
            let Some(pause) = pause.filter(|_| tries < TRIES) else {
                return Ok(Answer { status, body });
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// Stores a file with these form fields, which Directus wants before the content.
    pub(crate) async fn upload(
        &self,
        fields: &[(&'static str, String)],
        name: &str,
        content: &[u8],
    ) -> Result<Answer, Error> {
        let answer = self.upload_once(fields, name, content).await?;
        let refresh = self.session().refresh.clone();
        match refresh.filter(|_| answer.status == 401) {
            Some(refresh) => {
                self.renew(refresh).await?;
                self.upload_once(fields, name, content).await
            }
            None => Ok(answer),
        }
    }

    async fn upload_once(
        &self,
        fields: &[(&'static str, String)],
        name: &str,
        content: &[u8],
    ) -> Result<Answer, Error> {
        let url = self
            .base
            .join("files")
            .map_err(|_| Error::Address("files".to_owned()))?;
        let mut form = reqwest::multipart::Form::new();
        for (field, value) in fields {
            form = form.text(*field, value.clone());
        }
        let part = reqwest::multipart::Part::bytes(content.to_vec()).file_name(name.to_owned());
        let part = part
            .mime_str("image/png")
            .map_err(|error| Error::NoAnswer(in_words(&error)))?;
        let lost = |error: reqwest::Error| Error::NoAnswer(in_words(&error.without_url()));
        let answer = self
            .http
            .post(url)
            .bearer_auth(self.token())
            .multipart(form.part("file", part))
            .send()
            .await
            .map_err(lost)?;
        let status = answer.status().as_u16();
        let body = answer.json().await.unwrap_or_default();
        Ok(Answer { status, body })
    }

    /// GET: the answer as it is, whatever its status and shape.
    pub(crate) async fn plain(&self, path: &str) -> Result<Plain, Error> {
        let (_, body, headers) = self.send(Method::GET, path, &[], None, &[]).await?;
        Ok(Plain { body, headers })
    }

    /// Asks for a WebSocket and gives the status; 101 where it would be one.
    pub(crate) async fn knock(&self, path: &str) -> Result<u16, Error> {
        let (http, _) = reach(self.base.as_str(), true)?;
        let knocking = Self {
            http,
            ..self.clone()
        };
        let headers = [
            ("connection", "Upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "d2hpbmNoYXQga25vY2tzLg=="),
        ];
        let (status, _, _) = knocking
            .send(Method::GET, path, &[], None, &headers)
            .await?;
        Ok(status)
    }

    /// Signs in once more, only to see what cookie it would give, and out again.
    pub(crate) async fn cookies_of_sign_in(
        &self,
        credentials: &Credentials,
        mode: &str,
    ) -> Result<Vec<String>, Error> {
        let Credentials::Password { email, password } = credentials else {
            return Ok(Vec::new());
        };
        let body = json!({ "email": email, "password": password, "mode": mode });
        let nobody = Self {
            session: Arc::default(),
            ..self.clone()
        };
        let (_, _, headers) = nobody
            .send(Method::POST, "auth/login", &[], Some(&body), &[])
            .await?;
        let cookies: Vec<String> = headers
            .into_iter()
            .filter(|(name, _)| name == "set-cookie")
            .map(|(_, value)| value)
            .collect();
        let pairs: Vec<&str> = cookies
            .iter()
            .filter_map(|cookie| cookie.split(';').next())
            .collect();
        let cookie = [("cookie", pairs.join("; "))];
        let cookie = cookie
            .each_ref()
            .map(|(name, value)| (*name, value.as_str()));
        let body = json!({ "mode": mode });
        let _ = nobody
            .send(Method::POST, "auth/logout", &[], Some(&body), &cookie)
            .await;
        Ok(cookies)
    }

    /// The address, without what stands behind the host and port.
    pub(crate) fn base(&self) -> &Url {
        &self.base
    }

    fn session(&self) -> std::sync::MutexGuard<'_, Session> {
        self.session
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    async fn begin(&self, path: &str, body: &Value) -> Result<Session, Error> {
        let answer = self.once(Method::POST, path, &[], Some(body)).await?;
        let text = |key: &str| answer.get(key).and_then(Value::as_str).map(str::to_owned);
        Ok(Session {
            token: text("access_token")
                .ok_or_else(|| Error::Shape(path.to_owned(), "access token"))?,
            refresh: text("refresh_token"),
            expires: answer.get("expires").and_then(Value::as_u64),
        })
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Value, Error> {
        let first = self.once(method.clone(), path, query, body).await;
        let ended = matches!(&first, Err(Error::Refused { code, .. }) if code == "TOKEN_EXPIRED");
        let refresh = self.session().refresh.clone();
        let (true, Some(token)) = (ended, refresh) else {
            return first;
        };
        self.renew(token).await?;
        self.once(method, path, query, body).await
    }

    async fn renew(&self, refresh: String) -> Result<(), Error> {
        let renewal = json!({ "refresh_token": refresh, "mode": "json" });
        self.session().token.clear();
        let renewed = self.begin("auth/refresh", &renewal).await?;
        *self.session() = renewed;
        Ok(())
    }

    async fn once(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Value, Error> {
        let (status, mut json, _) = self.send(method.clone(), path, query, body, &[]).await?;
        if (200..300).contains(&status) {
            return Ok(json.get_mut("data").map(Value::take).unwrap_or_default());
        }
        let text = |pointer: &str| {
            json.pointer(pointer)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        let code = text("/errors/0/extensions/code");
        if status == 403 && code == "RESOURCE_RESTRICTED" {
            return Err(Error::Licence);
        }
        Err(Error::Refused {
            method: method.to_string(),
            path: path.split('?').next().unwrap_or_default().to_owned(),
            status,
            code,
            message: text("/errors/0/message"),
        })
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        body: Option<&Value>,
        headers: &[(&'static str, &str)],
    ) -> Result<(u16, Value, Vec<(String, String)>), Error> {
        let mut url = self
            .base
            .join(path)
            .map_err(|_| Error::Address(path.to_owned()))?;
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let mut request = self.http.request(method, url);
        let token = self.session().token.clone();
        if !token.is_empty() {
            request = request.bearer_auth(token);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let lost = |error: reqwest::Error| Error::NoAnswer(in_words(&error.without_url()));
        let mut answer = request.send().await.map_err(lost)?;
        let status = answer.status().as_u16();
        let told: Vec<(String, String)> = answer
            .headers()
            .iter()
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                (name.as_str().to_owned(), value)
            })
            .collect();
        if status == 101 {
            return Ok((status, Value::Null, told));
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(lost)? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > LARGEST_ANSWER {
                let plain = path.split('?').next().unwrap_or_default();
                return Err(Error::Shape(plain.to_owned(), "bearable size"));
            }
        }
        let json = serde_json::from_slice(&bytes).unwrap_or_default();
        Ok((status, json, told))
    }
}

/// An error and what caused it: the outermost alone says little.
fn in_words(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        words = format!("{words}: {inner}");
        cause = inner.source();
    }
    words
}

/// A way to the server, and its address with a slash at the end.
fn reach(server: &str, only_http1: bool) -> Result<(reqwest::Client, Url), Error> {
    // Somebody installed one before: that one serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let address = || Error::Address(server.to_owned());
    let mut base = Url::parse(server).map_err(|_| address())?;
    if !matches!(base.scheme(), "http" | "https") || base.cannot_be_a_base() {
        return Err(address());
    }
    if !base.path().ends_with('/') {
        base.set_path(&format!("{}/", base.path()));
    }
    let mut http = reqwest::Client::builder()
        .connect_timeout(Duration::from_secs(20))
        .timeout(Duration::from_secs(120));
    if only_http1 {
        http = http.http1_only();
    }
    if is_loopback(&base) {
        http = http.no_proxy();
    } else if base.scheme() != "https" {
        return Err(Error::Address(format!(
            "{server} (only https, or this machine itself,)"
        )));
    }
    let http = http
        .build()
        .map_err(|error| Error::NoAnswer(in_words(&error)))?;
    Ok((http, base))
}

/// Whether the address names this machine itself.
fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_itself_counts_as_loopback() {
        let loopback = |url: &str| is_loopback(&Url::parse(url).unwrap());
        for near in [
            "http://localhost:8055",
            "http://127.0.0.1",
            "http://127.8.0.9/x",
            "http://[::1]:1",
        ] {
            assert!(loopback(near), "{near}");
        }
        for far in [
            "http://localhost.example.com",
            "http://10.0.0.1",
            "https://127.0.0.1.example.com",
        ] {
            assert!(!loopback(far), "{far}");
        }
    }

    /// A server that gives these answers, one after the other, and the requests it got.
    async fn play(answers: &'static [(u16, &'static str)]) -> (String, Arc<Mutex<Vec<String>>>) {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let heard = Arc::clone(&asked);
        tokio::spawn(async move {
            for (status, body) in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = Vec::new();
                let whole = |request: &[u8]| {
                    let text = String::from_utf8_lossy(request).to_lowercase();
                    let (head, body) = text.split_once("\r\n\r\n")?;
                    let length = head
                        .lines()
                        .find_map(|line| line.strip_prefix("content-length: "))
                        .map_or(0, |length| length.trim().parse().unwrap());
                    (body.len() >= length).then_some(())
                };
                while whole(&request).is_none() {
                    stream.read_buf(&mut request).await.unwrap();
                }
                let text = String::from_utf8_lossy(&request).into_owned();
                heard.lock().unwrap().push(text);
                let answer = format!(
                    "HTTP/1.1 {status} x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
                    body.len()
                );
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        (url, asked)
    }

    fn alice() -> Credentials {
        Credentials::PasswordAndCode {
            email: "alice@example.com".to_owned(),
            password: "long enough".to_owned(),
            code: "123456".to_owned(),
        }
    }

    #[tokio::test]
    async fn a_session_whose_token_ended_is_renewed_and_the_request_made_again() {
        let (url, asked) = play(&[
            (
                200,
                r#"{"data":{"access_token":"one","refresh_token":"r-one","expires":900000}}"#,
            ),
            (
                401,
                r#"{"errors":[{"message":"x","extensions":{"code":"TOKEN_EXPIRED"}}]}"#,
            ),
            (
                200,
                r#"{"data":{"access_token":"two","refresh_token":"r-two","expires":900000}}"#,
            ),
            (200, r#"{"data":[1]}"#),
            (204, ""),
        ])
        .await;
        let client = Client::sign_in(&url, alice()).await.unwrap();
        assert_eq!(client.token_lives(), Some(900_000));
        assert_eq!(client.get("roles").await.unwrap(), json!([1]));
        client.sign_out().await;
        let asked = asked.lock().unwrap();
        let first: Vec<&str> = asked
            .iter()
            .map(|text| text.lines().next().unwrap())
            .collect();
        assert_eq!(
            first,
            [
                "POST /auth/login HTTP/1.1",
                "GET /roles HTTP/1.1",
                "POST /auth/refresh HTTP/1.1",
                "GET /roles HTTP/1.1",
                "POST /auth/logout HTTP/1.1",
            ]
        );
        assert!(asked[0].contains(r#""otp":"123456""#));
        assert!(asked[2].contains(r#""refresh_token":"r-one""#));
        assert!(asked[3].contains("Bearer two"));
        assert!(asked[4].contains(r#""refresh_token":"r-two""#));
    }

    #[tokio::test]
    async fn a_licence_that_forbids_rules_is_told_with_what_to_do() {
        let (url, _) = play(&[(
            403,
            r#"{"errors":[{"message":"x","extensions":{"code":"RESOURCE_RESTRICTED"}}]}"#,
        )])
        .await;
        let client = Client::sign_in(&url, Credentials::Token("t".to_owned()))
            .await
            .unwrap();
        let refused = client.post("permissions", &json!({})).await.unwrap_err();
        let sentence = refused.to_string();
        assert!(matches!(refused, Error::Licence), "{sentence}");
        for word in ["LICENSE_KEY", "Open Innovation Grant", "$5M"] {
            assert!(sentence.contains(word), "{sentence}");
        }
    }
}
