//! HTTP to one server: performs what `rest` describes.
//!
//! Owns: the client, its time-outs, and how large an answer may be. Never: a
//! retry, a redirect followed, a token kept.
//!
//! A server on this machine is never reached through a proxy.

use std::{error::Error as _, time::Duration};

use chrono::DateTime;
use reqwest::{
    Client, Response,
    header::{AUTHORIZATION, COOKIE, DATE, HeaderMap, HeaderValue, RETRY_AFTER, SET_COOKIE},
    redirect,
};
use secrecy::{ExposeSecret as _, SecretString};
use zeroize::Zeroizing;

use super::{
    address::Server,
    call::{Answer, Call, Fault, Reason, Refusal},
    rest::{self, HttpRequest, Method},
    tls,
};
use crate::model::Instant;

/// The largest answer that is taken, in bytes after unpacking.
pub const MAX_BODY: usize = 32 << 20;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a request may take, from its start to the answer's last byte.
pub const TIMEOUT: Duration = Duration::from_secs(28);

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// The name does not resolve.
    #[error("the name does not resolve")]
    Unknown,
    /// No connection, cut, timed out.
    #[error("no answer")]
    Silent,
    /// The certificate is not trusted.
    #[error("the certificate is not trusted")]
    Untrusted,
    /// The answer is larger than [`MAX_BODY`].
    #[error("the answer is too large")]
    TooLarge,
}

/// What a request is signed with.
#[derive(Clone, Copy)]
pub enum Credentials<'a> {
    /// Nothing.
    None,
    /// An access token.
    Bearer(&'a SecretString),
    /// A cookie of this name.
    Cookie(&'a str, &'a SecretString),
}

/// What came back.
pub struct HttpAnswer {
    /// The status.
    pub status: u16,
    /// What `Retry-After` said, in milliseconds.
    pub retry_after: Option<i64>,
    /// The server's clock.
    pub date: Option<Instant>,
    /// Cookies that were set, name and value; empty values are left out.
    pub cookies: Vec<(String, SecretString)>,
    /// The body. It may hold a token, so it is wiped.
    pub body: Zeroizing<Vec<u8>>,
}

/// HTTP to one server.
#[derive(Clone)]
pub struct Http {
    client: Client,
    server: Server,
}

impl Http {
    /// A client for this server.
    ///
    /// # Errors
    /// The system's certificates can't be used.
    pub fn new(server: Server) -> Result<Self, HttpError> {
        let tls = tls::config(&[b"h2", b"http/1.1"]).map_err(|_| HttpError::Untrusted)?;
        let mut builder = Client::builder()
            .tls_backend_preconfigured(tls)
            .https_only(!server.is_loopback())
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .user_agent(concat!("Whinchat/", env!("CARGO_PKG_VERSION")))
            // A connection that a server may have closed meanwhile is not worth
            // the message that is lost on it.
            .pool_idle_timeout(Duration::from_secs(30))
            .pool_max_idle_per_host(2);
        if server.is_loopback() {
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|_| HttpError::Untrusted)?;
        Ok(Self { client, server })
    }

    /// The server that it speaks to.
    #[must_use]
    pub const fn server(&self) -> &Server {
        &self.server
    }

    /// Makes one request.
    ///
    /// # Errors
    /// See [`HttpError`].
    pub async fn send(
        &self,
        request: &HttpRequest,
        credentials: Credentials<'_>,
    ) -> Result<HttpAnswer, HttpError> {
        let method = match request.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Delete => reqwest::Method::DELETE,
            Method::Search => {
                reqwest::Method::from_bytes(b"SEARCH").unwrap_or(reqwest::Method::GET)
            }
        };
        let url = url::Url::parse_with_params(&self.server.route(&request.path), &request.query)
            .map_err(|_| HttpError::Silent)?;
        let mut builder = self.client.request(method, url);
        builder = match credentials {
            Credentials::None => builder,
            Credentials::Bearer(token) => {
                let text = Zeroizing::new(format!("Bearer {}", token.expose_secret()));
                builder.header(AUTHORIZATION, secret_header(&text)?)
            }
            Credentials::Cookie(name, token) => {
                let text = Zeroizing::new(format!("{name}={}", token.expose_secret()));
                builder.header(COOKIE, secret_header(&text)?)
            }
        };
        if let Some(body) = &request.body {
            builder = builder.json(body);
        }
        match builder.send().await {
            Ok(response) => read(response).await,
            Err(error) => Err(self.classify(&error).await),
        }
    }

    /// Makes a call of the engine's.
    ///
    /// # Errors
    /// See [`Fault`]. The server's date, if it answered at all, comes in both cases.
    pub async fn call(
        &self,
        call: &Call,
        token: &SecretString,
    ) -> (Result<Answer, Fault>, Option<Instant>) {
        match self
            .send(&rest::request(call), Credentials::Bearer(token))
            .await
        {
            Ok(answer) => {
                let result = rest::answer(call, answer.status, answer.retry_after, &answer.body);
                (result, answer.date)
            }
            Err(HttpError::TooLarge) => (
                Err(Fault::Permanent(Refusal {
                    reason: Reason::TooLarge,
                    field: None,
                    status: 200,
                })),
                None,
            ),
            Err(_) => (Err(Fault::Network), None),
        }
    }

    async fn classify(&self, error: &reqwest::Error) -> HttpError {
        let mut source = error.source();
        while let Some(cause) = source {
            if is_certificate(cause) {
                return HttpError::Untrusted;
            }
            source = cause.source();
        }
        if error.is_connect() {
            let (name, port) = self.server.name_and_port();
            let looked_up = tokio::net::lookup_host((name.as_str(), port)).await;
            if looked_up.is_err() {
                return HttpError::Unknown;
            }
        }
        HttpError::Silent
    }
}

/// Whether TLS was refused for the certificate's sake. The error stands inside
/// one or two of io's, whose own `source` skips what they hold.
fn is_certificate(cause: &(dyn std::error::Error + 'static)) -> bool {
    if let Some(io) = cause.downcast_ref::<std::io::Error>() {
        return io.get_ref().is_some_and(|inner| is_certificate(inner));
    }
    matches!(
        cause.downcast_ref::<rustls::Error>(),
        Some(
            rustls::Error::InvalidCertificate(_)
                | rustls::Error::NoCertificatesPresented
                | rustls::Error::UnsupportedNameType
        )
    )
}

fn secret_header(text: &str) -> Result<HeaderValue, HttpError> {
    let mut value = HeaderValue::from_str(text).map_err(|_| HttpError::Silent)?;
    value.set_sensitive(true);
    Ok(value)
}

async fn read(mut response: Response) -> Result<HttpAnswer, HttpError> {
    let status = response.status().as_u16();
    let headers = response.headers();
    let date = headers.get(DATE).and_then(http_date);
    let retry_after = headers
        .get(RETRY_AFTER)
        .and_then(|value| retry_after(value, date));
    let cookies = cookies(headers);
    let mut body = Zeroizing::new(Vec::new());
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > MAX_BODY => {
                return Err(HttpError::TooLarge);
            }
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => break,
            Err(_) => return Err(HttpError::Silent),
        }
    }
    Ok(HttpAnswer {
        status,
        retry_after,
        date,
        cookies,
        body,
    })
}

fn http_date(value: &HeaderValue) -> Option<Instant> {
    let at = DateTime::parse_from_rfc2822(value.to_str().ok()?).ok()?;
    Some(Instant(at.timestamp_millis()))
}

/// Seconds, or a date; at most an hour, for what a server says is hostile.
fn retry_after(value: &HeaderValue, now: Option<Instant>) -> Option<i64> {
    let text = value.to_str().ok()?.trim();
    let millis = match text.parse::<i64>() {
        Ok(seconds) => seconds.saturating_mul(1000),
        Err(_) => http_date(value)?.0.saturating_sub(now?.0),
    };
    Some(millis.clamp(0, 3_600_000))
}

/// A refused refresh sets an empty cookie: that is not a token.
fn cookies(headers: &HeaderMap) -> Vec<(String, SecretString)> {
    let one = |value: &HeaderValue| {
        let (name, rest) = value.to_str().ok()?.split_once('=')?;
        let value = rest.split(';').next().unwrap_or_default().trim();
        let fits = !value.is_empty() && value.len() <= 8192 && name.len() <= 128;
        fits.then(|| (name.trim().to_owned(), SecretString::from(value.to_owned())))
    };
    headers.get_all(SET_COOKIE).iter().filter_map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_to_wait_is_read_as_seconds_or_as_a_date() {
        let now = http_date(&HeaderValue::from_static("Mon, 23 Nov 2026 11:11:45 GMT")).unwrap();
        let read = |text: &'static str| retry_after(&HeaderValue::from_static(text), Some(now));
        assert_eq!(read("2"), Some(2000));
        assert_eq!(read("Mon, 23 Nov 2026 11:12:45 GMT"), Some(60_000));
        assert_eq!(read("99999999999999999"), Some(3_600_000));
        assert_eq!(read("-5"), Some(0));
        assert_eq!(read("soon"), None);
    }

    #[test]
    fn an_emptied_cookie_is_no_token() {
        let mut headers = HeaderMap::new();
        let empty = "directus_session_token=; Max-Age=86400; Path=/";
        headers.append(SET_COOKIE, HeaderValue::from_static(empty));
        let full = "directus_session_token=abc; HttpOnly";
        headers.append(SET_COOKIE, HeaderValue::from_static(full));
        let cookies = cookies(&headers);
        assert_eq!(cookies.len(), 1);
        assert_eq!(cookies[0].1.expose_secret(), "abc");
    }
}
