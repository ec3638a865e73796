//! What a socket told, as it is kept. See `told`.

use serde::{Deserialize, Serialize};

use super::{
    super::veil::{Veil, Word},
    rows::Page,
};
use crate::{directus::call::ServerFrame, engine::SocketEvent, model::MessageId};

/// An event of a socket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Heard {
    /// [`SocketEvent::Opened`].
    Opened,
    /// [`SocketEvent::Failed`].
    Failed {
        /// No WebSocket there.
        upgrade_refused: bool,
    },
    /// [`SocketEvent::TooLarge`].
    TooLarge,
    /// [`SocketEvent::Closed`].
    Closed,
    /// [`ServerFrame::AuthOk`].
    AuthOk(Option<Word>),
    /// [`ServerFrame::AuthFailed`].
    AuthFailed(Option<Word>),
    /// [`ServerFrame::TokenExpired`].
    TokenExpired,
    /// [`ServerFrame::Ping`].
    Ping,
    /// [`ServerFrame::Pong`].
    Pong(Option<Word>),
    /// [`ServerFrame::Init`].
    Init(Option<Word>),
    /// [`ServerFrame::Rows`].
    Rows(Option<Word>, Page),
    /// [`ServerFrame::Deleted`].
    Deleted(Option<Word>, Vec<MessageId>),
    /// [`ServerFrame::SubscribeFailed`].
    SubscribeFailed {
        /// Which.
        uid: Option<Word>,
        /// Whether permissions are the reason.
        forbidden: bool,
    },
    /// [`ServerFrame::TooFast`].
    TooFast,
    /// [`ServerFrame::Unknown`].
    Unknown,
}

impl Heard {
    pub(super) fn of(event: &SocketEvent, veil: &Veil) -> Self {
        let word = |uid: &Option<String>| uid.as_deref().map(|uid| veil.word(uid));
        match event {
            SocketEvent::Opened => Self::Opened,
            SocketEvent::Failed { upgrade_refused } => Self::Failed {
                upgrade_refused: *upgrade_refused,
            },
            SocketEvent::TooLarge => Self::TooLarge,
            SocketEvent::Closed => Self::Closed,
            SocketEvent::Frame(frame) => match frame {
                ServerFrame::AuthOk { uid } => Self::AuthOk(word(uid)),
                ServerFrame::AuthFailed { uid } => Self::AuthFailed(word(uid)),
                ServerFrame::TokenExpired => Self::TokenExpired,
                ServerFrame::Ping => Self::Ping,
                ServerFrame::Pong { uid } => Self::Pong(word(uid)),
                ServerFrame::Init { uid } => Self::Init(word(uid)),
                ServerFrame::Rows { uid, rows } => Self::Rows(word(uid), Page::of(rows, veil)),
                ServerFrame::Deleted { uid, ids } => Self::Deleted(word(uid), ids.clone()),
                ServerFrame::SubscribeFailed { uid, forbidden } => Self::SubscribeFailed {
                    uid: word(uid),
                    forbidden: *forbidden,
                },
                ServerFrame::TooFast => Self::TooFast,
                ServerFrame::Unknown => Self::Unknown,
            },
        }
    }

    pub(super) fn again(self) -> SocketEvent {
        let told = |uid: Option<Word>| uid.map(|uid| uid.told());
        SocketEvent::Frame(match self {
            Self::Opened => return SocketEvent::Opened,
            Self::Failed { upgrade_refused } => return SocketEvent::Failed { upgrade_refused },
            Self::TooLarge => return SocketEvent::TooLarge,
            Self::Closed => return SocketEvent::Closed,
            Self::AuthOk(uid) => ServerFrame::AuthOk { uid: told(uid) },
            Self::AuthFailed(uid) => ServerFrame::AuthFailed { uid: told(uid) },
            Self::TokenExpired => ServerFrame::TokenExpired,
            Self::Ping => ServerFrame::Ping,
            Self::Pong(uid) => ServerFrame::Pong { uid: told(uid) },
            Self::Init(uid) => ServerFrame::Init { uid: told(uid) },
            Self::Rows(uid, page) => ServerFrame::Rows {
                uid: told(uid),
                rows: page.again(),
            },
            Self::Deleted(uid, ids) => ServerFrame::Deleted {
                uid: told(uid),
                ids,
            },
            Self::SubscribeFailed { uid, forbidden } => ServerFrame::SubscribeFailed {
                uid: told(uid),
                forbidden,
            },
            Self::TooFast => ServerFrame::TooFast,
            Self::Unknown => ServerFrame::Unknown,
        })
    }
}
