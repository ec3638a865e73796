//! Sessions, the socket, and when to try again.
//!
//! Owns: which credential is used, the token's end, the socket's handshake,
//! liveness, and the state of the connection in words. Never: the token
//! itself, which only the runtime and the keychain hold.
//!
//! ```text
//!            +----------------------- failure: full jitter --------------------+
//!            v                                                                 |
//!  Waiting --Connect--> Renewing --granted--> Probing --fields--> Opening --opened--> Authenticating
//!     ^  ^                 |                     |                   |                   | ok
//!     |  |          both dead                not there            no upgrade         Subscribing
//!     |  |                 v                     v                   v                   | init
//!     |  |           SignInNeeded         NotProvisioned        Online(polling)      Online(socket)
//!     |  +--- network back, resumed, a person's tap, from anywhere -------------------------+
//!     +--- Down (no network)
//! ```
//!
//! The token is renewed at 80 % of its life and the socket authenticated
//! again, which leaves no gap. After the token's end, whether the server said
//! so or not, rows on the socket are refused: on 11.x they may be other
//! people's. A late authentication is followed by a catch-up.

use super::{
    Engine,
    effect::{Credential, Effect, Notice, RequestId, SocketId, Timer},
    input::{Granted, Sessions, SocketEvent},
    step::Step,
};
use crate::{
    bridge::{self, Change, Code, ConnectionState, Older, Problem},
    directus::call::{Answer, Call, ClientFrame, Fault, Reason, ServerFrame},
    model::{Instant, Stamps},
    store::{StoreError, conversations, facts, forget_fetched},
};

/// The server pings every 30 s; silence beyond this is asked about.
const SILENCE: i64 = 45_000;
/// How long a handshake or a pong may take.
const PATIENCE: i64 = 15_000;
/// A token with less than this to live is renewed before it is used.
const MARGIN: i64 = 5_000;
/// How often a polling connection asks for news, and tries the socket again.
const POLL: i64 = 5_000;
const POLLS_PER_SOCKET: u32 = 12;
/// How many repeats of a renewal come within the server's grace of 10 s.
const EARLY_REPEATS: u32 = 4;
/// A spare session lives for days, and a renewal whose answer is lost costs it:
/// one is renewed daily, on a connection that has just shown that it works.
const SPARE_DAILY: i64 = 24 * 3_600_000;
/// After one that failed.
const SPARE_AGAIN: i64 = 10 * 60_000;
/// How often a server without the collection is asked again.
const UNPROVISIONED: i64 = 60_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Token {
    /// The wall clock at its end.
    pub end: Instant,
    pub lifetime: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Phase {
    /// Not started, or no network.
    #[default]
    Down,
    Waiting {
        at: Instant,
    },
    Renewing,
    Probing {
        request: RequestId,
        stamps: Stamps,
    },
    Opening(SocketId),
    Authenticating(SocketId),
    Subscribing(SocketId),
    Online(Option<SocketId>),
    SignInNeeded,
    NotProvisioned,
}

#[derive(Debug)]
pub(super) struct Link {
    pub phase: Phase,
    pub token: Option<Token>,
    session: bool,
    spare: bool,
    renewing: Option<(RequestId, Credential, Instant)>,
    network: bool,
    failures: u32,
    /// Renewals that failed while the connection lived.
    early: u32,
    /// Answers that said 401 although the token was fresh.
    rejected: u32,
    /// `TOKEN_EXPIRED` was seen and no `auth ok` since.
    deaf: bool,
    /// When a frame came last, on the monotonic clock.
    heard: i64,
    pinged: bool,
    polls: u32,
    problem: Option<Problem>,
}

impl Default for Link {
    fn default() -> Self {
        Self {
            phase: Phase::Down,
            token: None,
            session: false,
            spare: false,
            renewing: None,
            network: true,
            failures: 0,
            early: 0,
            rejected: 0,
            deaf: false,
            heard: 0,
            pinged: false,
            polls: 0,
            problem: None,
        }
    }
}

impl Link {
    fn socket(&self) -> Option<SocketId> {
        match self.phase {
            Phase::Opening(socket)
            | Phase::Authenticating(socket)
            | Phase::Subscribing(socket)
            | Phase::Online(Some(socket)) => Some(socket),
            _ => None,
        }
    }

    /// Whether the server answered the probe, so that requests make sense.
    pub fn reachable(&self, now: Instant) -> bool {
        self.token.is_some_and(|token| token.end > now)
            && matches!(
                self.phase,
                Phase::Opening(_)
                    | Phase::Authenticating(_)
                    | Phase::Subscribing(_)
                    | Phase::Online(_)
            )
    }

    pub const fn online(&self) -> bool {
        matches!(self.phase, Phase::Online(_))
    }
}

impl Engine {
    pub(super) fn start(&mut self, s: &mut Step<'_>, sessions: Sessions) -> Result<(), StoreError> {
        self.link.session = sessions.session.is_some();
        self.link.spare = sessions.spare;
        self.link.token = sessions.session.map(|end| Token { end, lifetime: 0 });
        self.connect(s)
    }

    /// Connects now, from any phase.
    pub(super) fn connect(&mut self, s: &mut Step<'_>) -> Result<(), StoreError> {
        self.drop_socket(s);
        self.stop_requests(s)?;
        s.effect(Effect::StopTimer(Timer::Connect));
        if !self.link.network {
            self.link.phase = Phase::Down;
            return Ok(());
        }
        let usable = self
            .link
            .token
            .is_some_and(|token| token.end.plus(-MARGIN) > s.now.wall);
        if usable {
            self.probe(s, Stamps::Server);
            Ok(())
        } else {
            self.link.phase = Phase::Renewing;
            self.renew(s)
        }
    }

    pub(super) fn connect_due(&mut self, s: &mut Step<'_>) -> Result<(), StoreError> {
        match self.link.phase {
            Phase::Waiting { .. } | Phase::NotProvisioned => self.connect(s),
            _ => Ok(()),
        }
    }

    pub(super) fn resumed(&mut self, s: &mut Step<'_>) -> Result<(), StoreError> {
        if matches!(self.link.phase, Phase::SignInNeeded) {
            return Ok(());
        }
        self.link.failures = 0;
        self.connect(s)
    }

    pub(super) fn network(&mut self, s: &mut Step<'_>, up: bool) -> Result<(), StoreError> {
        let before = std::mem::replace(&mut self.link.network, up);
        if up == before {
            return Ok(());
        }
        self.resumed(s)
    }

    fn drop_socket(&mut self, s: &mut Step<'_>) {
        if let Some(socket) = self.link.socket() {
            s.effect(Effect::CloseSocket(socket));
        }
        self.link.deaf = false;
        self.link.pinged = false;
        s.effect(Effect::StopTimer(Timer::Overdue));
        s.effect(Effect::StopTimer(Timer::Ping));
    }

    /// The attempt failed: try again later.
    pub(super) fn wait(&mut self, s: &mut Step<'_>, problem: Code) -> Result<(), StoreError> {
        self.drop_socket(s);
        self.stop_requests(s)?;
        let delay = self.jitter(self.link.failures);
        self.link.failures = self.link.failures.saturating_add(1);
        self.wait_for(s, delay, Problem::new(problem));
        Ok(())
    }

    fn wait_for(&mut self, s: &mut Step<'_>, delay: i64, problem: Problem) {
        self.link.phase = Phase::Waiting {
            at: s.now.wall.plus(delay),
        };
        self.link.problem = Some(problem);
        s.effect(Effect::SetTimer(Timer::Connect, delay));
    }

    // --- sessions ---

    /// Renews with the best credential that is left; one at a time.
    pub(super) fn renew(&mut self, s: &mut Step<'_>) -> Result<(), StoreError> {
        if self.link.renewing.is_some() {
            return Ok(());
        }
        let credential = if self.link.session {
            Credential::Session
        } else if self.link.spare {
            Credential::Spare
        } else {
            return self.sign_in_needed(s, Code::SignInNeeded);
        };
        self.ask_renewal(s, credential);
        Ok(())
    }

    fn ask_renewal(&mut self, s: &mut Step<'_>, credential: Credential) {
        let request = RequestId(self.id());
        self.link.renewing = Some((request, credential, s.now.wall));
        s.effect(Effect::Renew(request, credential));
    }

    /// Renews a spare if that is due. Asked after every catch-up, for somebody
    /// who looks in for a minute a day has no daily timer; and by the timer, for
    /// a connection that lives for days.
    pub(super) fn renew_spare(&mut self, s: &mut Step<'_>) -> Result<(), StoreError> {
        if !(self.link.session && self.link.spare) {
            return Ok(());
        }
        let now = s.now.wall;
        let last = facts::instant(s.tx, facts::SPARE_RENEWED)?;
        let last = match last.filter(|at| *at <= now) {
            Some(last) => last,
            // Just signed in, or a clock that was ahead.
            None => {
                facts::set_instant(s.tx, facts::SPARE_RENEWED, now)?;
                now
            }
        };
        let due = last.plus(SPARE_DAILY);
        if now < due {
            s.effect(Effect::SetTimer(Timer::RenewSpare, due.0 - now.0));
        } else if self.link.online() && self.link.renewing.is_none() {
            self.ask_renewal(s, Credential::Spare);
        }
        Ok(())
    }

    fn sign_in_needed(&mut self, s: &mut Step<'_>, why: Code) -> Result<(), StoreError> {
        self.drop_socket(s);
        self.stop_requests(s)?;
        self.link.token = None;
        s.effect(Effect::StopTimer(Timer::Renew));
        s.effect(Effect::StopTimer(Timer::TokenEnd));
        if self.link.phase != Phase::SignInNeeded {
            self.link.phase = Phase::SignInNeeded;
            self.link.problem = Some(Problem::new(why));
            s.effect(Effect::Notify(Notice::SignInNeeded));
        }
        Ok(())
    }

    pub(super) fn renewed(
        &mut self,
        s: &mut Step<'_>,
        request: RequestId,
        result: Result<Granted, Fault>,
    ) -> Result<(), StoreError> {
        let Some((_, credential, asked)) = self.link.renewing.take_if(|(id, ..)| *id == request)
        else {
            return Ok(());
        };
        let later = matches!(result, Err(Fault::Network | Fault::Transient { .. }));
        if later && credential == Credential::Spare {
            s.effect(Effect::SetTimer(Timer::RenewSpare, SPARE_AGAIN));
        }
        match result {
            Ok(granted) => {
                let late = self.link.token.is_none_or(|token| token.end <= s.now.wall);
                let lifetime = granted.lifetime.max(1_000);
                self.link.early = 0;
                if credential == Credential::Spare {
                    facts::set_instant(s.tx, facts::SPARE_RENEWED, s.now.wall)?;
                    s.effect(Effect::SetTimer(Timer::RenewSpare, SPARE_DAILY));
                }
                self.link.token = Some(Token {
                    end: asked.plus(lifetime),
                    lifetime,
                });
                s.effect(Effect::SetTimer(Timer::Renew, lifetime / 5 * 4));
                s.effect(Effect::SetTimer(Timer::TokenEnd, lifetime));
                match self.link.phase {
                    Phase::Renewing => self.probe(s, Stamps::Server),
                    Phase::Online(Some(socket)) => {
                        self.authenticate(s, socket);
                        // What came due without a token was not asked for.
                        if late {
                            self.start_sync(s)?;
                        }
                    }
                    // While the token lives the polls go on by themselves: asking here
                    // as well would put them off, and with a short life for ever.
                    Phase::Online(None) if late => self.start_sync(s)?,
                    _ => {}
                }
                // What was queued without a token waits for no other call.
                self.drain(s)
            }
            // What is kept may be good again once the owner has changed that.
            Err(Fault::Permanent(refusal)) if refusal.reason == Reason::Suspended => {
                self.sign_in_needed(s, Code::Suspended)
            }
            Err(Fault::SignIn | Fault::Permanent(_)) => {
                match credential {
                    Credential::Session => self.link.session = false,
                    Credential::Spare => self.link.spare = false,
                }
                // A dead spare does not matter while the session lives.
                if credential == Credential::Spare && self.link.session {
                    return Ok(());
                }
                self.renew(s)
            }
            Err(Fault::Network) => self.renewal_failed(s, None, Code::Offline),
            Err(Fault::Transient { retry_after, .. }) => {
                self.renewal_failed(s, retry_after, Code::ServerBusy)
            }
        }
    }

    fn renewal_failed(
        &mut self,
        s: &mut Step<'_>,
        retry_after: Option<i64>,
        code: Code,
    ) -> Result<(), StoreError> {
        if self.link.phase == Phase::Renewing {
            return match retry_after {
                Some(delay) => {
                    self.wait_for(s, delay.clamp(500, 600_000), Problem::new(code));
                    Ok(())
                }
                None => self.wait(s, code),
            };
        }
        // Early: the token still lives. The first repeats must fall into the
        // grace in which the server gives the same next session again; later
        // ones are not to arrive from everybody at once.
        let early = self.link.early;
        self.link.early = early.saturating_add(1);
        let delay = match retry_after {
            Some(delay) => delay.clamp(500, 60_000),
            None if early < EARLY_REPEATS => 500 + self.random_below(1_000),
            None => 1_000 + self.jitter(early - EARLY_REPEATS),
        };
        s.effect(Effect::SetTimer(Timer::Renew, delay));
        Ok(())
    }

    pub(super) fn token_ended(&mut self, s: &mut Step<'_>) -> Result<(), StoreError> {
        if self
            .link
            .token
            .is_some_and(|token| token.end > s.now.wall.plus(1_000))
        {
            return Ok(());
        }
        self.renew(s)
    }

    /// A request was answered with 401: the token is no good, whatever we thought.
    pub(super) fn token_rejected(&mut self, s: &mut Step<'_>) -> Result<(), StoreError> {
        self.link.rejected = self.link.rejected.saturating_add(1);
        self.link.token = None;
        if self.link.rejected > 3 {
            // Renewals succeed and their tokens are refused: not ours to solve quickly.
            self.link.rejected = 0;
            return self.wait(s, Code::ServerError);
        }
        self.drop_socket(s);
        self.stop_requests(s)?;
        self.link.phase = Phase::Renewing;
        self.renew(s)
    }

    // --- the probe ---

    fn probe(&mut self, s: &mut Step<'_>, stamps: Stamps) {
        let request = self.request(s, Call::Probe { stamps });
        self.link.phase = Phase::Probing { request, stamps };
    }

    /// Whether the answer was the probe's.
    pub(super) fn probe_answered(
        &mut self,
        s: &mut Step<'_>,
        request: RequestId,
        result: &Result<Answer, Fault>,
    ) -> Result<bool, StoreError> {
        let Phase::Probing {
            request: asked,
            stamps,
        } = self.link.phase
        else {
            return Ok(false);
        };
        if asked != request {
            return Ok(false);
        }
        match result {
            Ok(_) => {
                self.link.rejected = 0;
                self.settle_stamps(s, stamps)?;
                let socket = SocketId(self.id());
                self.link.phase = Phase::Opening(socket);
                s.effect(Effect::OpenSocket(socket));
                s.effect(Effect::SetTimer(Timer::Overdue, PATIENCE));
                self.set_token_timers(s);
                self.drain(s)?;
            }
            Err(Fault::Permanent(refusal)) if refusal.reason == Reason::Forbidden => {
                if stamps == Stamps::Server {
                    self.probe(s, Stamps::Sender);
                } else {
                    self.link.phase = Phase::NotProvisioned;
                    self.link.problem = Some(Problem::new(Code::ChatMissing));
                    s.effect(Effect::SetTimer(Timer::Connect, UNPROVISIONED));
                }
            }
            Err(Fault::SignIn) => self.token_rejected(s)?,
            Err(Fault::Transient {
                retry_after: Some(delay),
                ..
            }) => self.wait_for(
                s,
                (*delay).clamp(500, 600_000),
                Problem::new(Code::ServerBusy),
            ),
            Err(Fault::Transient { .. }) => self.wait(s, Code::ServerBusy)?,
            Err(Fault::Network) => self.wait(s, Code::Offline)?,
            Err(Fault::Permanent(_)) => self.wait(s, Code::ServerError)?,
        }
        Ok(true)
    }

    fn settle_stamps(&mut self, s: &mut Step<'_>, stamps: Stamps) -> Result<(), StoreError> {
        let before = facts::stamps(s.tx)?;
        self.stamps = stamps;
        if before != Some(stamps) {
            if before.is_some() {
                // The order of everything held has changed: fetch it anew.
                forget_fetched(s.tx)?;
                for kept in conversations::list(s.tx, "", None, u32::MAX)? {
                    s.touch_conversation(kept.id);
                }
                for conversation in &self.watching {
                    s.change(Change::History {
                        conversation: conversation.to_string(),
                        older: Older::Server,
                        problem: None,
                    });
                }
            }
            facts::set_stamps(s.tx, stamps)?;
        }
        Ok(())
    }

    /// A token from the keychain has no timers yet.
    fn set_token_timers(&mut self, s: &mut Step<'_>) {
        if let Some(token) = &mut self.link.token
            && token.lifetime == 0
        {
            let left = token.end.0.saturating_sub(s.now.wall.0).max(1_000);
            token.lifetime = left;
            s.effect(Effect::SetTimer(Timer::Renew, left / 5 * 4));
            s.effect(Effect::SetTimer(Timer::TokenEnd, left));
        }
    }

    // --- the socket ---

    fn authenticate(&mut self, s: &mut Step<'_>, socket: SocketId) {
        let uid = format!("auth-{}", self.id());
        s.effect(Effect::Authenticate(socket, uid));
    }

    pub(super) fn socket(
        &mut self,
        s: &mut Step<'_>,
        socket: SocketId,
        event: SocketEvent,
    ) -> Result<(), StoreError> {
        if self.link.socket() != Some(socket) {
            return Ok(());
        }
        self.link.heard = s.now.mono;
        self.link.pinged = false;
        match event {
            SocketEvent::Opened => {
                if matches!(self.link.phase, Phase::Opening(_)) {
                    self.link.phase = Phase::Authenticating(socket);
                    self.authenticate(s, socket);
                    s.effect(Effect::SetTimer(Timer::Overdue, PATIENCE));
                }
                Ok(())
            }
            SocketEvent::Failed {
                upgrade_refused: true,
            } => {
                s.effect(Effect::StopTimer(Timer::Overdue));
                self.link.phase = Phase::Online(None);
                self.link.problem = Some(Problem::new(Code::WebsocketsOff));
                self.link.polls = 0;
                self.start_sync(s)
            }
            SocketEvent::Failed { .. } | SocketEvent::TooLarge | SocketEvent::Closed => {
                self.wait(s, Code::Offline)
            }
            SocketEvent::Frame(frame) => self.frame(s, socket, frame),
        }
    }

    fn frame(
        &mut self,
        s: &mut Step<'_>,
        socket: SocketId,
        frame: ServerFrame,
    ) -> Result<(), StoreError> {
        match frame {
            ServerFrame::AuthOk { .. } => {
                let late = std::mem::take(&mut self.link.deaf);
                if self.link.phase == Phase::Authenticating(socket) {
                    self.link.phase = Phase::Subscribing(socket);
                    let uid = format!("messages-{}", self.id());
                    let stamps = self.stamps;
                    s.effect(Effect::SendFrame(
                        socket,
                        ClientFrame::Subscribe { stamps, uid },
                    ));
                    s.effect(Effect::SetTimer(Timer::Overdue, PATIENCE));
                } else if late && self.link.online() {
                    return self.start_sync(s);
                }
                Ok(())
            }
            ServerFrame::AuthFailed { .. } => {
                if self.link.phase == Phase::Authenticating(socket) {
                    return self.token_rejected(s);
                }
                self.wait(s, Code::Offline)
            }
            ServerFrame::TokenExpired => {
                self.link.deaf = true;
                self.renew(s)
            }
            ServerFrame::Ping => {
                s.effect(Effect::SendFrame(socket, ClientFrame::Pong));
                Ok(())
            }
            ServerFrame::Init { .. } => {
                if self.link.phase == Phase::Subscribing(socket) {
                    self.link.phase = Phase::Online(Some(socket));
                    self.link.problem = None;
                    s.effect(Effect::StopTimer(Timer::Overdue));
                    s.effect(Effect::SetTimer(Timer::Ping, SILENCE));
                    return self.start_sync(s);
                }
                Ok(())
            }
            ServerFrame::Rows { rows, .. } => {
                if self.deaf(s.now.wall) {
                    return Ok(());
                }
                self.live_rows(s, rows)
            }
            ServerFrame::Deleted { ids, .. } => {
                if self.deaf(s.now.wall) {
                    return Ok(());
                }
                self.told_deleted(s, ids)
            }
            ServerFrame::SubscribeFailed { forbidden, .. } => {
                if self.link.phase == Phase::Subscribing(socket) {
                    let code = if forbidden {
                        Code::ChatMissing
                    } else {
                        Code::ServerError
                    };
                    return self.wait(s, code);
                }
                // One event could not be made for us: ask for what it was.
                self.start_sync(s)
            }
            ServerFrame::TooFast => {
                if self.link.phase == Phase::Online(Some(socket)) {
                    return Ok(());
                }
                self.wait(s, Code::ServerBusy)
            }
            ServerFrame::Pong { .. } | ServerFrame::Unknown => Ok(()),
        }
    }

    /// Whether nothing that the socket says is believed: its token has ended,
    /// whether the server said so or not.
    fn deaf(&mut self, wall: Instant) -> bool {
        self.link.deaf |= self.link.token.is_none_or(|token| token.end <= wall);
        self.link.deaf
    }

    /// Silence: ask, and close what does not answer.
    pub(super) fn ping_due(&mut self, s: &mut Step<'_>) -> Result<(), StoreError> {
        let Phase::Online(Some(socket)) = self.link.phase else {
            return Ok(());
        };
        let silent = s.now.mono.saturating_sub(self.link.heard);
        if silent < SILENCE {
            s.effect(Effect::SetTimer(Timer::Ping, SILENCE - silent));
            return Ok(());
        }
        self.link.pinged = true;
        let uid = format!("ping-{}", self.id());
        s.effect(Effect::SendFrame(socket, ClientFrame::Ping { uid }));
        s.effect(Effect::SetTimer(Timer::Ping, SILENCE));
        s.effect(Effect::SetTimer(Timer::Overdue, PATIENCE));
        Ok(())
    }

    pub(super) fn overdue(&mut self, s: &mut Step<'_>) -> Result<(), StoreError> {
        match self.link.phase {
            Phase::Opening(_) | Phase::Authenticating(_) | Phase::Subscribing(_) => {
                self.wait(s, Code::HostSilent)
            }
            Phase::Online(Some(_)) if self.link.pinged => self.wait(s, Code::HostSilent),
            _ => Ok(()),
        }
    }

    /// Without a socket: ask for news, and now and then try the socket again.
    pub(super) fn poll(&mut self, s: &mut Step<'_>) -> Result<(), StoreError> {
        match self.link.phase {
            Phase::Online(None) => {
                self.link.polls = self.link.polls.saturating_add(1);
                if self.link.polls > POLLS_PER_SOCKET {
                    return self.connect(s);
                }
                self.start_sync(s)
            }
            Phase::Online(Some(_)) => self.start_sync(s),
            _ => Ok(()),
        }
    }

    /// The catch-up is whole: the connection is a success.
    pub(super) fn caught_up(&mut self, s: &mut Step<'_>) -> Result<(), StoreError> {
        self.link.failures = 0;
        self.link.rejected = 0;
        if self.link.phase == Phase::Online(None) {
            s.effect(Effect::SetTimer(Timer::Poll, POLL));
        }
        self.renew_spare(s)
    }

    pub(super) fn show_connection(&mut self, s: &mut Step<'_>) {
        let state = match self.link.phase {
            Phase::Down => ConnectionState::Offline,
            Phase::Waiting { .. } => ConnectionState::Waiting,
            Phase::Renewing
            | Phase::Probing { .. }
            | Phase::Opening(_)
            | Phase::Authenticating(_)
            | Phase::Subscribing(_) => ConnectionState::Connecting,
            Phase::Online(_) if !self.sync.whole => ConnectionState::CatchingUp,
            Phase::Online(Some(_)) => ConnectionState::Live,
            Phase::Online(None) => ConnectionState::Polling,
            Phase::SignInNeeded => ConnectionState::SignInNeeded,
            Phase::NotProvisioned => ConnectionState::NotProvisioned,
        };
        let retry_at = match self.link.phase {
            Phase::Waiting { at } => Some(at.0),
            _ => None,
        };
        let problem = match state {
            ConnectionState::Live | ConnectionState::CatchingUp | ConnectionState::Connecting => {
                None
            }
            ConnectionState::Offline => Some(Problem::new(Code::Offline)),
            _ => self.link.problem.clone(),
        };
        let shown = bridge::Connection {
            state,
            retry_at,
            problem,
        };
        if self.shown.as_ref() != Some(&shown) {
            self.shown = Some(shown.clone());
            s.change(Change::Connection(shown));
        }
    }
}
