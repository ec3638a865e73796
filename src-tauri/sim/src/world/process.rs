//! The runtime's part, played: inputs into steps, effects after the commit,
//! timers, the screen's patches, death and life of a process.
//!
//! Owns: nothing. Never: a decision.

use super::{
    words::{effect_words, input_words},
    *,
};

impl World {
    pub(super) fn input(&mut self, index: usize, input: Input) {
        let client = &mut self.clients[index];
        if !client.alive() {
            return;
        }
        client.inbox.push_back(input);
        self.rouse(index);
    }

    pub(super) fn rouse(&mut self, index: usize) {
        let client = &mut self.clients[index];
        if client.alive() && !client.woken && client.suspended.is_none() && !client.inbox.is_empty()
        {
            client.woken = true;
            let life = client.life;
            // Now and then inputs gather and share a transaction.
            let delay = if self.rng.chance(20) {
                self.rng.range(1, 40)
            } else {
                0
            };
            self.after(delay, Event::Wake(index, life));
        }
    }

    pub(super) fn start(&mut self, index: usize, life: u64) -> Done {
        if self.clients[index].life != life {
            return Ok(());
        }
        let seed = self.rng.next();
        let client = &mut self.clients[index];
        client.start(seed)?;
        let name = self.clients[index].name.clone();
        self.trace(format_args!("{name} starts"));
        self.rouse(index);
        Ok(())
    }

    pub(super) fn wake(&mut self, index: usize, life: u64) -> Done {
        let client = &mut self.clients[index];
        if client.life != life || client.suspended.is_some() {
            return Ok(());
        }
        client.woken = false;
        let waiting: Vec<String> = client.inbox.iter().take(8).map(input_words).collect();
        let most = 1 + self.rng.below(8);
        let seed = self.rng.next();
        let told = waiting
            .into_iter()
            .take(most)
            .collect::<Vec<_>>()
            .join(", ");
        let name = self.clients[index].name.clone();
        self.trace(format_args!("{name} < {told}"));
        let stepped = self.clients[index].step(self.now, most, seed)?;
        match stepped {
            Stepped::Effects(effects, death) => self.perform(index, effects, death)?,
            Stepped::Died(death) => {
                self.count(
                    if death == Death::BeforeCommit {
                        Quirk::CrashBeforeCommit
                    } else {
                        Quirk::CrashAfterCommit
                    },
                    index,
                );
                self.die(index, death)?;
            }
            Stepped::Failed => {
                self.count(Quirk::CommitFailed, index);
                self.trace(format_args!("{name}'s commit fails"));
                self.close_all(index);
            }
            Stepped::Broken(words) => {
                self.found(Kind::Broken, format!("{name}: {words}"));
                self.die(index, Death::BeforeCommit)?;
            }
        }
        self.rouse(index);
        Ok(())
    }

    pub(super) fn die(&mut self, index: usize, death: Death) -> Done {
        let name = self.clients[index].name.clone();
        self.trace(format_args!("{name} dies: {death:?}"));
        for ordered in self.clients[index].tickets.clone().into_values() {
            self.unanswered(&ordered);
        }
        self.close_all(index);
        self.clients[index].die(death == Death::Power)?;
        self.look(index)?;
        let life = self.clients[index].life;
        let down = self.links[index].downtime;
        self.after(down.max(1), Event::Start(index, life));
        Ok(())
    }

    pub(super) fn unanswered(&mut self, ordered: &Ordered) {
        if let Ordered::Discard(id) = ordered
            && let Some(number) = self.log.with_id(*id)
        {
            self.log.written[number].doubtful = true;
        }
    }

    /// A process is gone: the server hears of its sockets, or does not.
    pub(super) fn close_all(&mut self, index: usize) {
        let keys: Vec<_> = self
            .wires
            .iter()
            .filter(|(_, wire)| wire.client == index)
            .map(|(key, wire)| (*key, wire.dead))
            .collect();
        for (key, dead) in keys {
            self.wires.remove(&key);
            if !dead && self.rng.chance(80) {
                self.after(20, Event::UpClosed(key));
            }
        }
    }

    pub(super) fn perform(
        &mut self,
        index: usize,
        effects: Vec<Effect>,
        death: Option<Death>,
    ) -> Done {
        let most = match death {
            Some(Death::AfterEffects(most)) => most,
            _ => usize::MAX,
        };
        let count = effects.len();
        for effect in effects.into_iter().take(most) {
            self.effect(index, effect);
        }
        match death {
            Some(Death::AfterEffects(_)) => {
                let quirk = if count > most {
                    Quirk::CrashMidEffects
                } else {
                    Quirk::CrashAfterCommit
                };
                self.count(quirk, index);
                self.die(index, Death::AfterEffects(most))
            }
            Some(Death::Power) => {
                self.count(Quirk::PowerLoss, index);
                self.die(index, Death::Power)
            }
            Some(Death::BeforeCommit) => self.die(index, Death::BeforeCommit),
            _ => Ok(()),
        }
    }

    pub(super) fn effect(&mut self, index: usize, effect: Effect) {
        let life = self.clients[index].life;
        let words = effect_words(&effect);
        let name = self.clients[index].name.clone();
        self.trace(format_args!("{name} > {words}"));
        match effect {
            Effect::OpenSocket(socket) => self.open_socket(index, socket),
            Effect::CloseSocket(socket) => {
                let found = self
                    .wires
                    .iter()
                    .find(|(_, wire)| {
                        wire.client == index && wire.life == life && wire.socket == socket
                    })
                    .map(|(key, wire)| (*key, wire.dead));
                if let Some((key, dead)) = found {
                    self.wires.remove(&key);
                    if !dead {
                        let latency = self.links[index].latency;
                        self.after(latency, Event::UpClosed(key));
                    }
                }
            }
            Effect::Authenticate(socket, uid) => {
                let token = self.clients[index].token.clone().unwrap_or_default();
                self.up(index, socket, realtime::write_auth(&token, &uid));
            }
            Effect::SendFrame(socket, frame) => self.up(index, socket, realtime::write(&frame)),
            Effect::Request(request, call) => {
                let call = self.clients[index].posted(call);
                let http = rest::request(&call);
                let request_on_wire = Request {
                    method: match http.method {
                        rest::Method::Get => Method::Get,
                        rest::Method::Post => Method::Post,
                        rest::Method::Search => Method::Search,
                    },
                    path: http.path,
                    query: http.query,
                    body: http.body,
                    bearer: self.clients[index].token.clone(),
                    cookie: None,
                };
                self.ask(index, Asked::Call(request, call), request_on_wire);
            }
            Effect::Renew(request, credential) => self.renew(index, request, credential),
            Effect::SetTimer(timer, ms) => {
                self.sequence += 1;
                let setting = self.sequence;
                let now = self.now;
                let client = &mut self.clients[index];
                let due = client.now(now).mono + ms.max(0);
                client.timers.insert(timer, (due, setting));
                self.after(ms, Event::Ring(index, life, timer, setting));
            }
            Effect::StopTimer(timer) => {
                self.clients[index].timers.remove(&timer);
            }
            Effect::Reply(ticket, result) => {
                let ordered = self.clients[index].tickets.remove(&ticket);
                match (ordered, result) {
                    (Some(Ordered::Send(number)), Ok(_)) => {
                        self.log.written[number].promised = true;
                    }
                    (Some(Ordered::Discard(id)), Ok(_)) => {
                        if let Some(number) = self.log.with_id(id) {
                            self.log.written[number].discarded = true;
                        }
                    }
                    _ => {}
                }
            }
            Effect::Show(revision, changes) => {
                for change in &changes {
                    if let Change::Connection(connection) = change {
                        self.clients[index].state = Some(connection.state);
                    }
                }
                let delay = self.rng.range(1, 60);
                let client = &mut self.clients[index];
                client.shown += 1;
                if std::mem::take(&mut client.loses_patch) {
                    // The next one shows that this is missing.
                    client.page_stale = true;
                    self.count(Quirk::PatchesLost, index);
                    return;
                }
                client.patches.push_back(Batch {
                    n: client.shown,
                    revision,
                    changes,
                });
                self.after(delay, Event::Patch(index, life));
            }
            Effect::Notify(Notice::SignInNeeded) => {
                let delay = self.rng.range(2_000, 20_000);
                self.after(delay, Event::SignIn(index, life));
            }
            Effect::Notify(Notice::Arrived(_)) => {}
        }
    }

    pub(super) fn ring(&mut self, index: usize, life: u64, timer: Timer, setting: u64) {
        let client = &self.clients[index];
        if client.life != life
            || client.timers.get(&timer).map(|(_, which)| *which) != Some(setting)
        {
            return;
        }
        let Some((due, _)) = client.timers.get(&timer).copied() else {
            return;
        };
        if client.suspended.is_some() {
            self.after(500, Event::Ring(index, life, timer, setting));
            return;
        }
        let left = due - client.now(self.now).mono;
        if left > 0 {
            self.after(left, Event::Ring(index, life, timer, setting));
            return;
        }
        self.clients[index].timers.remove(&timer);
        self.input(index, Input::Timer(timer));
    }

    pub(super) fn patch(&mut self, index: usize, life: u64) -> Done {
        let client = &mut self.clients[index];
        if client.life != life {
            return Ok(());
        }
        let Some(batch) = client.patches.pop_front() else {
            return Ok(());
        };
        if client.defect == Defect::IgnoresGap {
            client.page.seen = batch.n - 1;
        }
        if client.page.take(&batch) {
            client.page.open(&client.store)?;
            client.page_stale = false;
        }
        Ok(())
    }

    /// What must hold at any time.
    pub(super) fn look(&mut self, index: usize) -> Done {
        let client = &self.clients[index];
        let mut found = oracle::always(&self.server, &self.log, client, index)?;
        let settled = client.alive() && client.patches.is_empty();
        if settled
            && (!client.page_stale || client.defect == Defect::IgnoresGap)
            && let Some(words) = client.page.contradiction(&client.store)?
        {
            found.push((Kind::Diverged, format!("{}: {words}", client.name)));
        }
        for (kind, words) in found {
            self.found(kind, words);
        }
        Ok(())
    }
}
