//! A relay between a client and a server that can lose or withhold what passes
//! through it.
//!
//! Owns: threads that copy bytes, and counts of what was seen. It understands
//! nothing but the first line of a request, for HTTP/1.1 asks one thing at a
//! time.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

/// A relay on a free port of this machine.
#[derive(Debug)]
pub struct Relay {
    port: u16,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    /// Requests that hold this lose their answers, this many more times.
    losing: Mutex<Option<(String, usize)>>,
    lost: AtomicUsize,
    /// Requests that begin so wait here.
    holding: Mutex<Option<String>>,
    let_go: Condvar,
    from_client: Mutex<Vec<u8>>,
    from_server: Mutex<Vec<u8>>,
    connections: AtomicUsize,
    /// Clients that have not closed yet.
    clients: AtomicUsize,
    stopped: AtomicBool,
    open: Mutex<Vec<TcpStream>>,
    /// To the clients whose connections have become WebSockets.
    sockets: Mutex<Vec<TcpStream>>,
}

impl Relay {
    /// Relays to this port of this machine.
    #[track_caller]
    pub fn start(to: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
        let port = listener.local_addr().expect("it has an address").port();
        let shared = Arc::new(Shared::default());
        let inside = Arc::clone(&shared);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if inside.stopped.load(Ordering::SeqCst) {
                    return;
                }
                relay(client, to, &inside);
            }
        });
        Self { port, shared }
    }

    /// Where a client finds it.
    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// From now on, requests that hold this reach the server and their answers
    /// are lost: the connection is cut when the first byte comes back.
    pub fn lose_answers_to(&self, request: &str, times: usize) {
        *lock(&self.shared.losing) = Some((request.to_owned(), times));
    }

    /// How many answers were lost.
    pub fn lost(&self) -> usize {
        self.shared.lost.load(Ordering::SeqCst)
    }

    /// From now on, requests that begin so wait here, as if the network had
    /// swallowed them, until [`Self::let_go`].
    pub fn hold(&self, request: &str) {
        *lock(&self.shared.holding) = Some(request.to_owned());
    }

    /// Lets through what was held.
    pub fn let_go(&self) {
        *lock(&self.shared.holding) = None;
        self.shared.let_go.notify_all();
    }

    /// All that the server has sent, as text.
    pub fn said(&self) -> String {
        String::from_utf8_lossy(&lock(&self.shared.from_server)).into_owned()
    }

    /// Puts a text frame between those of the server, on every connection that
    /// has become a WebSocket; gives on how many. For a moment in which the
    /// server is silent: it knows nothing of frames that are half on their way.
    pub fn say(&self, text: &str) -> usize {
        let bytes = text.as_bytes();
        let mut frame = vec![0x81];
        match u16::try_from(bytes.len()).expect("a short text") {
            length @ ..126 => frame.extend(u8::try_from(length)),
            length => {
                frame.push(126);
                frame.extend(length.to_be_bytes());
            }
        }
        frame.extend(bytes);
        let mut sockets = lock(&self.shared.sockets);
        sockets
            .iter_mut()
            .filter_map(|socket| socket.write_all(&frame).ok())
            .count()
    }

    /// How many clients are connected: those that have not closed their side.
    pub fn open(&self) -> usize {
        self.shared.clients.load(Ordering::SeqCst)
    }

    /// How often clients have sent this.
    pub fn asked(&self, text: &str) -> usize {
        count(&lock(&self.shared.from_client), text)
    }

    /// How often the server has sent this.
    pub fn told(&self, text: &str) -> usize {
        count(&lock(&self.shared.from_server), text)
    }

    /// How many connections there have been.
    pub fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// Cuts everything that is connected now.
    pub fn cut(&self) {
        for stream in lock(&self.shared.open).drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        self.let_go();
        // Wakes who waits for a client.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        self.cut();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn count(seen: &[u8], text: &str) -> usize {
    seen.windows(text.len())
        .filter(|part| *part == text.as_bytes())
        .count()
}

fn relay(client: TcpStream, to: u16, shared: &Arc<Shared>) {
    let Ok(server) = TcpStream::connect((Ipv4Addr::LOCALHOST, to)) else {
        let _ = client.shutdown(Shutdown::Both);
        return;
    };
    shared.connections.fetch_add(1, Ordering::SeqCst);
    shared.clients.fetch_add(1, Ordering::SeqCst);
    let ends = [client.try_clone(), server.try_clone()];
    lock(&shared.open).extend(ends.into_iter().flatten());
    // Whether the answer on its way is to be lost.
    let losing = Arc::new(AtomicBool::new(false));
    let (Ok(mut to_client), Ok(mut to_server)) = (client.try_clone(), server.try_clone()) else {
        shared.clients.fetch_sub(1, Ordering::SeqCst);
        return;
    };
    let (mut from_client, mut from_server) = (client, server);
    let (up, down) = (Arc::clone(shared), Arc::clone(shared));
    let lose = Arc::clone(&losing);
    thread::spawn(move || {
        let mut bytes = [0; 16 * 1024];
        while let Ok(read @ 1..) = from_client.read(&mut bytes) {
            let part = bytes.get(..read).unwrap_or_default();
            lock(&up.from_client).extend_from_slice(part);
            if let Some((request, times)) = lock(&up.losing).as_mut()
                && *times > 0
                && count(part, request) > 0
            {
                *times -= 1;
                lose.store(true, Ordering::SeqCst);
            }
            let mut holding = lock(&up.holding);
            while let Some(request) = holding.as_ref()
                && part.starts_with(request.as_bytes())
            {
                holding = up
                    .let_go
                    .wait(holding)
                    .unwrap_or_else(std::sync::PoisonError::into_inner);
            }
            drop(holding);
            if to_server.write_all(part).is_err() {
                break;
            }
        }
        up.clients.fetch_sub(1, Ordering::SeqCst);
        let _ = to_server.shutdown(Shutdown::Both);
    });
    thread::spawn(move || {
        let mut bytes = [0; 16 * 1024];
        while let Ok(read @ 1..) = from_server.read(&mut bytes) {
            if losing.load(Ordering::SeqCst) {
                down.lost.fetch_add(1, Ordering::SeqCst);
                break;
            }
            let part = bytes.get(..read).unwrap_or_default();
            lock(&down.from_server).extend_from_slice(part);
            if part.starts_with(b"HTTP/1.1 101") {
                lock(&down.sockets).extend(to_client.try_clone());
            }
            if to_client.write_all(part).is_err() {
                break;
            }
        }
        let _ = to_client.shutdown(Shutdown::Both);
        let _ = from_server.shutdown(Shutdown::Both);
    });
}
