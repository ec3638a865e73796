//! The network between a client and a server, as far as it fails.
//!
//! Owns: the condition of each client's link and of each socket's wire.
//! Never: what goes over it.

use whinchat_core::engine::SocketId;

/// How a client reaches the server.
#[derive(Debug, Clone)]
pub struct Link {
    /// Milliseconds one way.
    pub latency: i64,
    /// Milliseconds more, for a while.
    pub slow: i64,
    /// Nothing gets through.
    pub offline: bool,
    /// The system tells its programs that it is offline.
    pub told: bool,
    /// A proxy refuses to upgrade.
    pub no_upgrade: bool,
    /// New sockets fail.
    pub refuse_socket: bool,
    /// So many of the next requests are lost.
    pub lose_requests: u32,
    /// So many of the next answers are lost.
    pub lose_answers: u32,
    /// How long the client stays down when it dies next.
    pub downtime: i64,
}

impl Link {
    /// A link without a fault.
    #[must_use]
    pub const fn new(latency: i64) -> Self {
        Self {
            latency,
            slow: 0,
            offline: false,
            told: false,
            no_upgrade: false,
            refuse_socket: false,
            lose_requests: 0,
            lose_answers: 0,
            downtime: 1_000,
        }
    }
}

/// One socket between a client and a process of the server.
#[derive(Debug, Clone)]
pub struct Wire {
    /// Which client.
    pub client: usize,
    /// In which of its lives.
    pub life: u64,
    /// Its name there.
    pub socket: SocketId,
    /// Which process of the server.
    pub instance: usize,
    /// Half open: nothing gets through, and nobody is told.
    pub dead: bool,
    /// When the last frame to the server arrives there; none overtakes it.
    pub up_at: i64,
    /// When the last frame to the client arrives there.
    pub down_at: i64,
}

impl Wire {
    /// A wire that works.
    #[must_use]
    pub const fn new(client: usize, life: u64, socket: SocketId, instance: usize) -> Self {
        Self {
            client,
            life,
            socket,
            instance,
            dead: false,
            up_at: 0,
            down_at: 0,
        }
    }
}
