//! The socket itself: opens it, and says what comes through.
//!
//! Owns: the connection and the largest frame. Never: what a frame means, a
//! token kept, a reconnect.

use std::{sync::Arc, time::Duration};

use futures_util::{SinkExt as _, StreamExt as _};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::{net::TcpStream, time::timeout};
use tokio_tungstenite::{
    Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config,
    tungstenite::{
        Error, Message,
        error::CapacityError,
        protocol::{CloseFrame, WebSocketConfig, frame::coding::CloseCode},
    },
};

use super::{
    address::Server,
    call::{ClientFrame, ServerFrame},
    realtime, tls,
};

/// The largest frame that is taken, in bytes.
pub const MAX_FRAME: usize = 16 << 20;

const OPEN_TIMEOUT: Duration = Duration::from_secs(20);
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// An open socket.
pub struct Socket(WebSocketStream<MaybeTlsStream<TcpStream>>);

/// Why a socket could not be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenError {
    /// Nothing answers.
    Silent,
    /// Something answers, but not with a socket.
    Refused,
}

/// What came through.
#[derive(Debug)]
pub enum Incoming {
    /// A frame, and how many bytes it had.
    Frame(ServerFrame, usize),
    /// One larger than [`MAX_FRAME`]; the socket is of no more use.
    TooLarge,
    /// It is closed.
    Closed,
}

impl Socket {
    /// Opens a socket. Loopback goes direct, as everything here does: a socket
    /// knows no proxy.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub async fn open(server: &Server) -> Result<Self, OpenError> {
        let connector = if server.socket().starts_with("wss:") {
            let config = tls::config(&[b"http/1.1"]).map_err(|_| OpenError::Silent)?;
            Connector::Rustls(Arc::new(config))
        } else {
            Connector::Plain
        };
        let config = WebSocketConfig::default()
            .max_message_size(Some(MAX_FRAME))
            .max_frame_size(Some(MAX_FRAME));
        let opening =
            connect_async_tls_with_config(server.socket(), Some(config), true, Some(connector));
        match timeout(OPEN_TIMEOUT, opening).await {
            Ok(Ok((stream, _))) => Ok(Self(stream)),
            Ok(Err(Error::Http(_) | Error::Protocol(_))) => Err(OpenError::Refused),
            Ok(Err(_)) | Err(_) => Err(OpenError::Silent),
        }
    }

    /// Waits for what comes next. May be dropped while waiting.
    pub async fn next(&mut self) -> Incoming {
        loop {
            return match self.0.next().await {
                Some(Ok(Message::Text(text))) => {
                    Incoming::Frame(realtime::parse(text.as_str()), text.len())
                }
                Some(Ok(Message::Binary(bytes))) => {
                    Incoming::Frame(ServerFrame::Unknown, bytes.len())
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => continue,
                Some(Err(Error::Capacity(CapacityError::MessageTooLong { .. }))) => {
                    Incoming::TooLarge
                }
                Some(Ok(Message::Close(_)) | Err(_)) | None => Incoming::Closed,
            };
        }
    }

    /// Sends a frame; `false` if the socket is closed.
    pub async fn send(&mut self, frame: &ClientFrame) -> bool {
        self.0
            .send(Message::text(realtime::write(frame)))
            .await
            .is_ok()
    }

    /// Sends the auth frame; `false` if the socket is closed.
    pub async fn authenticate(&mut self, token: &SecretString, uid: &str) -> bool {
        let text = realtime::write_auth(token.expose_secret(), uid);
        // The message takes the text over and the socket's buffer copies it:
        // neither can be wiped from here.
        self.0.send(Message::text(text)).await.is_ok()
    }

    /// Closes it, waiting at most a second for the other side.
    pub async fn close(mut self) {
        let frame = CloseFrame {
            code: CloseCode::Normal,
            reason: "".into(),
        };
        let closing = async {
            if self.0.close(Some(frame)).await.is_ok() {
                while let Some(Ok(_)) = self.0.next().await {}
            }
        };
        let _ = timeout(CLOSE_TIMEOUT, closing).await;
    }
}
