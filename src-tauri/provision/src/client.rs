//! The REST calls of an administrator.
//!
//! A loopback server is never asked through a proxy. Answers are read as JSON
//! up to a bound; errors keep Directus' code, never the request's content.

use crate::Error;
use reqwest::{Method, Url};
use serde_json::{Value, json};
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
}

/// A signed-in connection to one server.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    base: Url,
    token: String,
}

impl Client {
    /// Signs in. `server` is the address the server is reached by, e.g. `https://chat.example.com`.
    pub async fn sign_in(server: &str, credentials: Credentials) -> Result<Self, Error> {
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
        if is_loopback(&base) {
            http = http.no_proxy();
        } else if base.scheme() != "https" {
            return Err(Error::Address(format!(
                "{server} (only https, or this machine itself,)"
            )));
        }
        let http = http
            .build()
            .map_err(|error| Error::NoAnswer(error.to_string()))?;
        let mut client = Self {
            http,
            base,
            token: String::new(),
        };
        client.token = match credentials {
            Credentials::Token(token) => token,
            Credentials::Password { email, password } => {
                let body = json!({ "email": email, "password": password, "mode": "json" });
                let answer = client.call(Method::POST, "auth/login", Some(&body)).await?;
                answer
                    .get("access_token")
                    .and_then(Value::as_str)
                    .ok_or_else(|| Error::Shape("auth/login".to_owned(), "access token"))?
                    .to_owned()
            }
        };
        Ok(client)
    }

    /// GET: the answer's `data`.
    pub async fn get(&self, path: &str) -> Result<Value, Error> {
        self.call(Method::GET, path, None).await
    }

    /// POST: the answer's `data`.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, Error> {
        self.call(Method::POST, path, Some(body)).await
    }

    /// PATCH: the answer's `data`.
    pub async fn patch(&self, path: &str, body: &Value) -> Result<Value, Error> {
        self.call(Method::PATCH, path, Some(body)).await
    }

    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, Error> {
        let url = self
            .base
            .join(path)
            .map_err(|_| Error::Address(path.to_owned()))?;
        let plain = path.split('?').next().unwrap_or_default().to_owned();
        let mut request = self.http.request(method.clone(), url);
        if !self.token.is_empty() {
            request = request.bearer_auth(&self.token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let lost = |error: reqwest::Error| Error::NoAnswer(error.without_url().to_string());
        let mut answer = request.send().await.map_err(lost)?;
        let status = answer.status();
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(lost)? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > LARGEST_ANSWER {
                return Err(Error::Shape(plain, "bearable size"));
            }
        }
        let mut json: Value = serde_json::from_slice(&bytes).unwrap_or_default();
        if status.is_success() {
            return Ok(json.get_mut("data").map(Value::take).unwrap_or_default());
        }
        let text = |pointer: &str| {
            json.pointer(pointer)
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned()
        };
        Err(Error::Refused {
            method: method.to_string(),
            path: plain,
            status: status.as_u16(),
            code: text("/errors/0/extensions/code"),
            message: text("/errors/0/message"),
        })
    }
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
}
