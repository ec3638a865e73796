//! The runtime's part, played: inputs into steps, effects after the commit,
//! timers, the screen's patches, death and life of a process.
//!
//! Owns: nothing. Never: a decision.

use whinchat_core::bridge::{ConnectionState, MessageState};

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
        let ordered = self.clients[index].tickets.clone();
        let life = self.clients[index].life;
        let renewing = self.flights.values().any(|flight| {
            flight.client == index
                && flight.life == life
                && matches!(flight.what, Asked::Renew(_, Credential::Spare))
        });
        let stepped = self.clients[index].step(self.now, most, seed)?;
        match stepped {
            Stepped::Effects(effects, death) => self.perform(index, effects, death)?,
            Stepped::Died(death) => {
                self.count(
                    match death {
                        Death::BeforeCommit => Quirk::CrashBeforeCommit,
                        Death::InCommit(_) => Quirk::CrashInCommit,
                        _ => Quirk::CrashAfterCommit,
                    },
                    index,
                );
                self.die(index, death)?;
            }
            Stepped::Failed(tickets) => {
                self.may_have_lost_a_spare(index);
                self.clients[index].excused |= renewing;
                self.count(Quirk::CommitFailed, index);
                self.trace(format_args!("{name}'s commit fails"));
                self.decline(&ordered, &tickets);
                self.close_all(index);
            }
            Stepped::StepFailed(effects, ticket) => {
                self.count(Quirk::StepFailed, index);
                self.trace(format_args!("{name}'s step fails"));
                self.perform(index, effects, None)?;
                self.decline(&ordered, ticket.as_slice());
                self.close_all(index);
                self.clients[index].excused |= renewing;
                let seed = self.rng.next();
                self.clients[index].start_engine(seed)?;
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
            self.unanswered(index, &ordered);
        }
        self.may_have_lost_a_spare(index);
        self.close_all(index);
        self.clients[index].die(death == Death::Power)?;
        self.look(index)?;
        let life = self.clients[index].life;
        let down = self.links[index].downtime;
        self.after(down.max(1), Event::Start(index, life));
        Ok(())
    }

    /// Nobody knows whether this was carried out.
    pub(super) fn unanswered(&mut self, index: usize, ordered: &Ordered) {
        match ordered {
            Ordered::Discard(id) => {
                if let Some(number) = self.log.with_id(*id) {
                    self.log.written[number].doubtful = true;
                }
            }
            Ordered::Draft(conversation, _) => {
                self.clients[index].drafts.insert(*conversation, None);
            }
            Ordered::Read(conversation, ..) => {
                self.clients[index].read.remove(conversation);
            }
            Ordered::Send(number) => {
                // Sending takes the draft: it is there, or it is not.
                let with = ConversationId::Direct(self.log.written[*number].receiver);
                self.clients[index].drafts.insert(with, None);
            }
            Ordered::Other => {}
        }
    }

    /// These were answered with a failure of the device: they were not carried out.
    fn decline(&mut self, ordered: &BTreeMap<Ticket, Ordered>, tickets: &[Ticket]) {
        for ticket in tickets {
            if let Some(Ordered::Send(number)) = ordered.get(ticket) {
                self.log.written[*number].declined = true;
            }
        }
    }

    /// A process that dies while the keychain fails, or soon after, takes with
    /// it what the server has granted and the keychain has not.
    fn may_have_lost_a_spare(&mut self, index: usize) {
        const SOON: i64 = 2 * VAULT_RETRY;
        let mono = self.clients[index].now(self.now).mono;
        let client = &mut self.clients[index];
        let failed = client.keychain_failed.is_some_and(|at| mono - at < SOON);
        if client.newest != client.keychain && failed {
            client.excused = true;
        }
        let life = self.clients[index].life;
        let asked = self.flights.values().any(|flight| {
            flight.client == index
                && flight.life == life
                && matches!(flight.what, Asked::Renew(_, Credential::Spare))
        });
        self.clients[index].excused |= asked;
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
                        rest::Method::Delete => Method::Delete,
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
                        let written = &mut self.log.written[number];
                        written.promised = true;
                        let with = ConversationId::Direct(written.receiver);
                        self.clients[index].drafts.insert(with, Some(None));
                    }
                    (Some(Ordered::Discard(id)), Ok(_)) => {
                        if let Some(number) = self.log.with_id(id) {
                            self.log.written[number].discarded = true;
                        }
                    }
                    (Some(Ordered::Draft(conversation, text)), Ok(_)) => {
                        self.clients[index].drafts.insert(conversation, Some(text));
                    }
                    (Some(Ordered::Read(conversation, sort, newest)), Ok(_)) => {
                        // Where an answer was lost the mark may lie further on than
                        // any but the newest row.
                        let read = &mut self.clients[index].read;
                        if let Some(read) = read.get_mut(&conversation) {
                            *read = sort.max(std::mem::take(read));
                        } else if newest {
                            read.insert(conversation, sort);
                        }
                    }
                    _ => {}
                }
            }
            Effect::Show(revision, changes) => {
                self.shows(index, &changes);
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
                self.sign_in_asked(index);
                let delay = self.rng.range(2_000, 20_000);
                self.after(delay, Event::SignIn(index, life));
            }
            Effect::Notify(Notice::Arrived(row)) => self.announced(index, &row.id),
        }
    }

    /// What a screen is told, as far as it can be held against the world at once.
    fn shows(&mut self, index: usize, changes: &[Change]) {
        for change in changes {
            match change {
                Change::Connection(connection) => {
                    let live = matches!(
                        connection.state,
                        ConnectionState::Live | ConnectionState::Polling
                    );
                    let client = &mut self.clients[index];
                    client.state = Some(connection.state);
                    client.was_live |= live;
                }
                Change::Message(row) if row.state == MessageState::Failed => {
                    let number = row.id.parse().ok().and_then(|id| self.log.with_id(id));
                    if let Some(number) = number {
                        self.log.written[number].refused = true;
                    }
                    let name = self.clients[index].name.clone();
                    if !self.server.refused.contains(&row.id) {
                        let words =
                            format!("{name} calls {} failed, which nobody refused", row.text);
                        self.found(Kind::Lost, words);
                    }
                }
                _ => {}
            }
        }
    }

    /// A new message is announced once: twice only where the first time is forgotten.
    fn announced(&mut self, index: usize, id: &str) {
        let client = &mut self.clients[index];
        let times = client.announced.entry(id.to_owned()).or_default();
        *times += 1;
        let again = *times > 1 && !client.lost_power;
        let name = client.name.clone();
        // What was away for a while is new when it comes back.
        let was_away = self.server.deleted_once.contains(id);
        if again && !was_away {
            self.found(Kind::Doubled, format!("{name} announces {id} again"));
        }
    }

    /// No sign-in may be asked for while a credential is good that the device
    /// was given and could have kept.
    fn sign_in_asked(&mut self, index: usize) {
        let client = &self.clients[index];
        let sessions = &self.server.sessions;
        let lives = client
            .newest
            .spare
            .as_ref()
            .is_some_and(|spare| sessions.spare_lives(spare, self.now))
            || client
                .newest
                .session
                .as_ref()
                .is_some_and(|(token, _)| sessions.session_lives(token, self.now));
        if lives || !client.excused {
            let name = client.name.clone();
            self.found(
                Kind::Broken,
                format!("{name} has to sign in again for nothing"),
            );
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
            // It is set again when the device wakes up.
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
        let client = &mut self.clients[index];
        let mut stored = Stored::now(&client.store, client.stored.take())?;
        let client = &self.clients[index];
        let mut found = oracle::always(&self.server, &self.log, client, &mut stored, index)?;
        let settled = client.alive() && client.patches.is_empty();
        if settled
            && (!client.page_stale || client.defect == Defect::IgnoresGap)
            && let Some(words) = client.page.contradiction(&client.store, &stored)?
        {
            found.push((Kind::Diverged, format!("{}: {words}", client.name)));
        }
        for (kind, words) in found {
            self.found(kind, words);
        }
        // A conversation of which nothing is left has no mark either.
        let listed = stored.listed();
        let client = &mut self.clients[index];
        client
            .read
            .retain(|conversation, _| listed.contains(conversation));
        client.stored = Some(stored);
        Ok(())
    }
}
