//! Performs what the engine wants done, and feeds back what happened.
//!
//! Owns: sockets, requests, renewals and timers, each as a task. Never: a
//! decision; what an answer means is the engine's business.
//!
//! A performer belongs to one engine. When the engine is made anew, the old
//! performer's tasks are cancelled, all but a renewal: an answer with a new
//! session in it must reach the vault.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot},
    task::AbortHandle,
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::{
    keeper::{Keeper, VAULT_RETRY},
    stream::Hub,
};
use crate::{
    bridge::Problem,
    directus::{
        call::{Call, ClientFrame, Fault},
        socket::{Incoming, OpenError, Socket},
    },
    engine::{
        Credential, Effect, Input, Reply, RequestId, Sessions, SocketEvent, SocketId, Ticket, Timer,
    },
};

/// How many messages wait for the engine at most.
pub const QUEUE: usize = 1024;
/// How much may wait for it, in KiB; beyond that the socket is not read.
pub const ROOM: usize = 8 * 1024;
/// How many requests are under way at once.
const REQUESTS: usize = 4;
/// A request is answered within this, whatever happens.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// What the engine's thread hears.
pub enum Heard {
    /// For the engine.
    Input(Input),
    /// A timer, as it was set the n-th time.
    Timer(Timer, u64),
    /// Make a new engine and go on.
    Restart(Sessions),
    /// A reader met what may be damage.
    Doubt,
    /// Stop.
    Stop,
}

/// One thing heard, with the room that it takes in the queue.
pub struct Message {
    /// What.
    pub heard: Heard,
    /// Given back when it has been heard.
    pub room: Option<OwnedSemaphorePermit>,
}

impl From<Heard> for Message {
    fn from(heard: Heard) -> Self {
        Self { heard, room: None }
    }
}

/// Orders that somebody waits for.
#[derive(Clone, Default)]
pub struct Tickets(Arc<Mutex<BTreeMap<u64, Waiting>>>);

type Waiting = oneshot::Sender<Result<Reply, Problem>>;

impl Tickets {
    /// Remembers who waits.
    pub fn wait(&self, ticket: Ticket, waiting: Waiting) {
        self.lock().insert(ticket.0, waiting);
    }

    /// Answers who waits.
    pub fn answer(&self, ticket: Ticket, reply: Result<Reply, Problem>) {
        if let Some(waiting) = self.lock().remove(&ticket.0) {
            // Who no longer waits does not mind.
            let _ = waiting.send(reply);
        }
    }

    /// Lets go of everybody: nothing will be answered any more.
    pub fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<u64, Waiting>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

enum SocketCommand {
    Authenticate(String),
    Send(ClientFrame),
}

/// What every task needs.
#[derive(Clone)]
pub struct World {
    /// Where tasks run.
    pub handle: Handle,
    /// To the engine.
    pub sender: mpsc::Sender<Message>,
    /// How much room is left in the queue.
    pub room: Arc<Semaphore>,
    /// The tokens.
    pub keeper: Arc<Keeper>,
    /// The streams.
    pub hub: Arc<Hub>,
    /// Who waits for an order.
    pub tickets: Tickets,
    /// Every task that is under way.
    pub tasks: TaskTracker,
}

/// See the module.
pub struct Performer {
    world: World,
    scope: CancellationToken,
    requests: Arc<Semaphore>,
    sockets: BTreeMap<SocketId, mpsc::UnboundedSender<SocketCommand>>,
    timers: BTreeMap<Timer, (u64, AbortHandle)>,
    set: u64,
}

impl Performer {
    /// A performer with nothing to do yet.
    #[must_use]
    pub fn new(world: World) -> Self {
        Self {
            world,
            scope: CancellationToken::new(),
            requests: Arc::new(Semaphore::new(REQUESTS)),
            sockets: BTreeMap::new(),
            timers: BTreeMap::new(),
            set: 0,
        }
    }

    /// Cancels everything and begins again with nothing. Sockets say goodbye
    /// on their own.
    pub fn reset(&mut self) {
        self.scope.cancel();
        self.scope = CancellationToken::new();
        self.sockets.clear();
        for (_, timer) in std::mem::take(&mut self.timers).into_values() {
            timer.abort();
        }
    }

    /// Whether this socket is one that the engine wants to hear.
    #[must_use]
    pub fn hears(&self, socket: SocketId) -> bool {
        self.sockets.contains_key(&socket)
    }

    /// Whether this timer is still set as it was then; it is spent by asking.
    pub fn due(&mut self, timer: Timer, set: u64) -> bool {
        if self.timers.get(&timer).is_some_and(|(n, _)| *n == set) {
            self.timers.remove(&timer);
            return true;
        }
        false
    }

    /// Performs one effect. Does not wait for anything.
    pub fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::OpenSocket(id) => self.open(id),
            Effect::CloseSocket(id) => {
                self.sockets.remove(&id);
            }
            Effect::Authenticate(id, uid) => self.tell(id, SocketCommand::Authenticate(uid)),
            Effect::SendFrame(id, frame) => self.tell(id, SocketCommand::Send(frame)),
            Effect::Request(id, call) => self.request(id, call),
            Effect::Renew(id, credential) => self.renew(id, credential),
            Effect::SetTimer(timer, millis) => self.set_timer(timer, millis),
            Effect::StopTimer(timer) => {
                if let Some((_, task)) = self.timers.remove(&timer) {
                    task.abort();
                }
            }
            Effect::Reply(ticket, reply) => self.world.tickets.answer(ticket, reply),
            Effect::Show(revision, changes) => self.world.hub.show(revision, &changes),
            Effect::Notify(notice) => self.world.hub.notify(notice),
        }
    }

    fn tell(&self, id: SocketId, command: SocketCommand) {
        if let Some(socket) = self.sockets.get(&id) {
            // A socket that is closed has said so, or is about to.
            let _ = socket.send(command);
        }
    }

    fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
        let scope = self.scope.clone();
        let task = async move {
            tokio::select! {
                () = work => {}
                () = scope.cancelled() => {}
            }
        };
        let world = &self.world;
        world.tasks.spawn_on(task, &world.handle).abort_handle()
    }

    fn set_timer(&mut self, timer: Timer, millis: i64) {
        self.set += 1;
        let set = self.set;
        let sender = self.world.sender.clone();
        let wait = Duration::from_millis(u64::try_from(millis).unwrap_or(0));
        let task = self.spawn(async move {
            sleep(wait).await;
            let _ = sender.send(Heard::Timer(timer, set).into()).await;
        });
        if let Some((_, before)) = self.timers.insert(timer, (set, task)) {
            before.abort();
        }
    }

    fn request(&self, request: RequestId, call: Call) {
        let world = self.world.clone();
        let turn = Arc::clone(&self.requests);
        self.spawn(async move {
            let asked = timeout(REQUEST_TIMEOUT, async {
                let _turn = turn.acquire().await;
                match world.keeper.token() {
                    Some(token) => world.keeper.http().call(&call, &token).await,
                    None => (Err(Fault::SignIn), None),
                }
            });
            let (result, date) = asked.await.unwrap_or((Err(Fault::Network), None));
            let answered = Input::Answered {
                request,
                result,
                date,
            };
            let _ = world.sender.send(Heard::Input(answered).into()).await;
        });
    }

    /// Not in the scope: see the module.
    fn renew(&self, request: RequestId, credential: Credential) {
        let world = self.world.clone();
        let task = async move {
            let result = world.keeper.renew(credential).await;
            let renewed = Input::Renewed { request, result };
            let _ = world.sender.send(Heard::Input(renewed).into()).await;
            let every = Duration::from_millis(u64::from(VAULT_RETRY));
            tokio::select! {
                () = world.keeper.offer(every) => {}
                // The engine has stopped; whoever stops it tries once more.
                () = world.sender.closed() => {}
            }
        };
        self.world.tasks.spawn_on(task, &self.world.handle);
    }

    /// Not in the scope either: it ends when its commands end, with a goodbye.
    fn open(&mut self, id: SocketId) {
        let (commands, told) = mpsc::unbounded_channel();
        self.sockets.insert(id, commands);
        let task = run_socket(id, self.world.clone(), told);
        self.world.tasks.spawn_on(task, &self.world.handle);
    }
}

impl Drop for Performer {
    fn drop(&mut self) {
        self.scope.cancel();
    }
}

/// A socket from its opening to its end. It is over when nobody can command
/// it any more; what it hears then goes nowhere.
async fn run_socket(
    id: SocketId,
    world: World,
    mut commands: mpsc::UnboundedReceiver<SocketCommand>,
) {
    let opened = tokio::select! {
        opened = Socket::open(world.keeper.http().server()) => opened,
        // Nothing is commanded before it is open.
        _ = commands.recv() => return,
    };
    let mut socket = match opened {
        Ok(socket) => socket,
        Err(error) => {
            let upgrade_refused = error == OpenError::Refused;
            say(&world, id, SocketEvent::Failed { upgrade_refused }, 0).await;
            return;
        }
    };
    say(&world, id, SocketEvent::Opened, 0).await;
    loop {
        tokio::select! {
            command = commands.recv() => {
                let alive = match command {
                    None => break,
                    Some(SocketCommand::Send(frame)) => socket.send(&frame).await,
                    Some(SocketCommand::Authenticate(uid)) => match world.keeper.token() {
                        Some(token) => socket.authenticate(&token, &uid).await,
                        None => false,
                    },
                };
                if !alive {
                    say(&world, id, SocketEvent::Closed, 0).await;
                    return;
                }
            }
            incoming = socket.next() => match incoming {
                Incoming::Frame(frame, bytes) => {
                    // While there is no room the socket is not read; but it
                    // may be closed.
                    tokio::select! {
                        () = say(&world, id, SocketEvent::Frame(frame), bytes) => {}
                        () = closed(&commands) => break,
                    }
                }
                Incoming::TooLarge => {
                    say(&world, id, SocketEvent::TooLarge, 0).await;
                    break;
                }
                Incoming::Closed => {
                    say(&world, id, SocketEvent::Closed, 0).await;
                    return;
                }
            },
        }
    }
    socket.close().await;
}

/// Waits until nobody can command this socket any more.
async fn closed(commands: &mpsc::UnboundedReceiver<SocketCommand>) {
    // There is no notice for it; it only matters while the queue is full.
    while !commands.is_closed() {
        sleep(Duration::from_millis(50)).await;
    }
}

async fn say(world: &World, id: SocketId, event: SocketEvent, bytes: usize) {
    let kib = u32::try_from((bytes / 1024).clamp(1, ROOM)).unwrap_or(1);
    let room = Arc::clone(&world.room).acquire_many_owned(kib).await.ok();
    let message = Message {
        heard: Heard::Input(Input::Socket(id, event)),
        room,
    };
    let _ = world.sender.send(message).await;
}
