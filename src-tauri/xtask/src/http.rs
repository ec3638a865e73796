//! A small HTTP client for servers on this machine: the Directus a test starts,
//! and the driver of a window.
//!
//! Only loopback, only HTTP/1.1, one connection a request, bodies in JSON.
//! Never asks a proxy.

use serde_json::Value;
use std::fmt;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// No answer of a server on this machine may be larger.
const LARGEST_ANSWER: u64 = 256 * 1024 * 1024;

/// What to ask.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// The method, e.g. `GET`.
    pub method: &'a str,
    /// Path and query, already encoded.
    pub path: &'a str,
    /// Sent as `Authorization: Bearer …`.
    pub token: Option<&'a str>,
    /// Sent as JSON.
    pub body: Option<&'a Value>,
    /// How long connecting, sending and each read may take.
    pub patience: Duration,
}

/// What was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The body as text.
    pub text: String,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum NoAnswer {
    /// Connecting, sending or receiving failed.
    Connection(io::Error),
    /// What came is not HTTP.
    NotHttp(&'static str),
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connection(error) => write!(f, "no answer: {error}"),
            Self::NotHttp(why) => write!(f, "not an HTTP answer: {why}"),
        }
    }
}

impl std::error::Error for NoAnswer {}

impl From<io::Error> for NoAnswer {
    fn from(error: io::Error) -> Self {
        Self::Connection(error)
    }
}

impl Answer {
    /// The body as JSON; `Null` where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or(Value::Null)
    }

    /// Whether the status is 2xx.
    pub fn ok(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

impl<'a> Request<'a> {
    /// A GET with a patience of 30 s.
    pub fn get(path: &'a str) -> Self {
        Self {
            method: "GET",
            path,
            token: None,
            body: None,
            patience: Duration::from_secs(30),
        }
    }

    /// A request with a JSON body and a patience of 60 s.
    pub fn with_body(method: &'a str, path: &'a str, body: &'a Value) -> Self {
        Self {
            method,
            path,
            token: None,
            body: Some(body),
            patience: Duration::from_secs(60),
        }
    }

    /// The same, signed in.
    pub fn token(mut self, token: &'a str) -> Self {
        self.token = Some(token);
        self
    }

    /// The same, waiting as long as this.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Asks the server on this port of 127.0.0.1.
    pub fn send(&self, port: u16) -> Result<Answer, NoAnswer> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut stream = TcpStream::connect_timeout(&address, self.patience)?;
        stream.set_read_timeout(Some(self.patience))?;
        stream.set_write_timeout(Some(self.patience))?;
        stream.write_all(&self.bytes(port))?;
        let mut received = Vec::new();
        stream.take(LARGEST_ANSWER).read_to_end(&mut received)?;
        parse(&received)
    }

    fn bytes(&self, port: u16) -> Vec<u8> {
        let Self { method, path, .. } = self;
        let mut head = format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\nAccept: */*\r\n"
        );
        if let Some(token) = self.token {
            head.push_str(&format!("Authorization: Bearer {token}\r\n"));
        }
        let body = self.body.map(Value::to_string).unwrap_or_default();
        if self.body.is_some() {
            head.push_str("Content-Type: application/json\r\n");
        }
        if *method != "GET" {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        [head.into_bytes(), body.into_bytes()].concat()
    }
}

fn parse(received: &[u8]) -> Result<Answer, NoAnswer> {
    let end = received
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .ok_or(NoAnswer::NotHttp("no head"))?;
    let (head, rest) = received.split_at(end);
    let body = rest.get(4..).unwrap_or_default();
    let head = std::str::from_utf8(head).map_err(|_| NoAnswer::NotHttp("the head is no text"))?;
    let mut lines = head.split("\r\n");
    let status = lines
        .next()
        .and_then(|line| line.strip_prefix("HTTP/1."))
        .and_then(|line| line.split(' ').nth(1))
        .and_then(|status| status.parse().ok())
        .ok_or(NoAnswer::NotHttp("no status"))?;
    let header = |name: &str| {
        lines
            .clone()
            .filter_map(|line| line.split_once(':'))
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
    };
    let chunked = header("transfer-encoding")
        .is_some_and(|(_, value)| value.trim().eq_ignore_ascii_case("chunked"));
    let body = if chunked {
        join_chunks(body)?
    } else {
        let promised =
            header("content-length").and_then(|(_, value)| value.trim().parse::<usize>().ok());
        if promised.is_some_and(|promised| promised > body.len()) {
            return Err(NoAnswer::NotHttp("the body is cut short"));
        }
        body.to_vec()
    };
    Ok(Answer {
        status,
        text: String::from_utf8_lossy(&body).into_owned(),
    })
}

fn join_chunks(mut rest: &[u8]) -> Result<Vec<u8>, NoAnswer> {
    const CUT: NoAnswer = NoAnswer::NotHttp("a chunk is cut short");
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|two| two == b"\r\n").ok_or(CUT)?;
        let size = std::str::from_utf8(rest.get(..end).unwrap_or_default())
            .ok()
            .and_then(|line| {
                usize::from_str_radix(line.split(';').next().unwrap_or_default().trim(), 16).ok()
            })
            .ok_or(NoAnswer::NotHttp("a chunk has no size"))?;
        if size == 0 {
            return Ok(body);
        }
        let chunk = rest.get(end + 2..end + 2 + size).ok_or(CUT)?;
        body.extend_from_slice(chunk);
        rest = rest.get(end + 2 + size + 2..).ok_or(CUT)?;
    }
}

/// Encodes a text for use inside a query.
pub fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                char::from(byte).to_string()
            }
            byte => format!("%{byte:02X}"),
        })
        .collect()
}

/// A port of 127.0.0.1 that was free a moment ago.
pub fn free_port() -> io::Result<u16> {
    Ok(std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?
        .local_addr()?
        .port())
}

/// Whether nobody listens on this port of 127.0.0.1.
pub fn is_free(port: u16) -> bool {
    std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_in_chunks_is_put_together() {
        let answer = parse(b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npong\r\n1\r\n!\r\n0\r\n\r\n");
        let answer = answer.unwrap();
        assert_eq!((answer.status, answer.text.as_str()), (201, "pong!"));
    }

    #[test]
    fn an_answer_cut_short_is_no_answer() {
        for cut in [
            &b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npong"[..],
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\npong",
            b"HTTP/1.1 200 OK\r\nContent-Le",
            b"SSH-2.0\r\n\r\n",
        ] {
            assert!(parse(cut).is_err(), "{}", String::from_utf8_lossy(cut));
        }
    }

    #[test]
    fn a_query_keeps_only_plain_letters() {
        assert_eq!(encode("{\"a\":ä}"), "%7B%22a%22%3A%C3%A4%7D");
    }
}
