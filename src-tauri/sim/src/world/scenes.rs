//! What the story does to the world, and how all is healed in the end.
//!
//! Owns: nothing. Never: chance, but for ids and moments.

use super::*;
use crate::story::Manner;

impl World {
    pub(super) fn order(&mut self, index: usize, order: Order, ordered: Ordered) {
        let client = &mut self.clients[index];
        if !client.alive() || client.suspended.is_some() {
            return;
        }
        client.ticket += 1;
        let ticket = Ticket(client.ticket);
        client.tickets.insert(ticket, ordered);
        self.input(index, Input::Order(ticket, order));
    }

    pub(super) fn latest(&self, index: usize) -> Option<MessageId> {
        self.log
            .written
            .iter()
            .rev()
            .find(|written| written.client == Some(index) && !written.discarded)
            .map(|written| written.id)
    }

    #[allow(clippy::too_many_lines, reason = "one arm an event, none worth a name")]
    pub(super) fn scene(&mut self, place: usize) -> Done {
        let what = self.scenes[place].what.clone();
        self.trace(format_args!("-- {what:?}"));
        let with = |who: usize, people: &[PersonId]| ConversationId::Direct(people[who]);
        match what {
            Happening::Send { client, to, count } => {
                for _ in 0..count {
                    self.send(client, to);
                }
            }
            Happening::SendLong { client, to } => self.send_long(client, to),
            Happening::Post {
                from,
                to,
                count,
                ago,
                how,
            } => match how {
                Manner::Batch | Manner::BadBatch => self.post(from, to, ago, count, how),
                _ => {
                    for _ in 0..count {
                        self.post(from, to, ago, 1, how);
                    }
                }
            },
            Happening::Edit { nth, count } => {
                // The tutorial's fields tell nobody of an edit.
                if self.server.settings.stamps == Stamps::Server {
                    let ids: Vec<String> = self.server.rows.all.keys().cloned().collect();
                    let first = nth % ids.len().max(1);
                    let some: Vec<String> = ids.into_iter().skip(first).take(count).collect();
                    self.edit(&some);
                }
            }
            Happening::Move { nth, to } => {
                let ids: Vec<String> = self.server.rows.all.keys().cloned().collect();
                if let Some(id) = ids.get(nth % ids.len().max(1)) {
                    self.give(id, to);
                }
            }
            Happening::Delete { nth } => {
                let ids: Vec<String> = self.server.rows.all.keys().cloned().collect();
                if let Some(id) = ids.get(nth % ids.len().max(1)) {
                    self.delete(id);
                }
            }
            Happening::BadRow { to } => {
                let mut rng = self.rng.clone();
                self.plant(2, to, 0, true, 0, &mut rng);
                self.rng = rng;
                self.count(Quirk::BadRow, to);
            }
            Happening::Watch { client, with: who } => {
                let conversation = who.map(|who| with(who, &self.people));
                let alive = self.clients[client].alive();
                self.clients[client].page.watching = conversation;
                if alive {
                    self.input(client, Input::Watching(conversation.into_iter().collect()));
                    self.resnap(client);
                }
            }
            Happening::FetchOlder { client, with: who } => {
                let order = Order::FetchOlder(with(who, &self.people));
                self.order(client, order, Ordered::Other);
            }
            Happening::MarkRead { client, with: who } => {
                let conversation = with(who, &self.people);
                let held = oracle::held(&self.clients[client].store, conversation)?;
                // Now and then somebody reads where they had read before.
                let back = self.rng.below(6).saturating_sub(3);
                let back = back.min(held.rows.len().saturating_sub(1));
                if let Some(row) = held.rows.iter().rev().nth(back) {
                    let order = Order::MarkRead(conversation, row.sort.clone());
                    // What is pending has no place of its own yet.
                    let ordered = if row.sort.starts_with('0') {
                        Ordered::Read(conversation, row.sort.clone(), back == 0)
                    } else {
                        self.clients[client].read.remove(&conversation);
                        Ordered::Other
                    };
                    self.order(client, order, ordered);
                }
            }
            Happening::Draft {
                client,
                with: who,
                blank,
            } => {
                let text = if blank {
                    " ".to_owned()
                } else {
                    format!("not sent yet {place}")
                };
                let conversation = with(who, &self.people);
                let kept = (!blank).then(|| text.clone());
                let order = Order::SaveDraft(conversation, text);
                self.order(client, order, Ordered::Draft(conversation, kept));
            }
            Happening::Discard { client } => {
                if let Some(id) = self.latest(client) {
                    self.order(client, Order::Discard(id), Ordered::Discard(id));
                }
            }
            Happening::Retry { client } => {
                if let Some(id) = self.latest(client) {
                    self.order(client, Order::Retry(id), Ordered::Other);
                }
            }
            Happening::Reconnect { client } => self.order(client, Order::Reconnect, Ordered::Other),
            Happening::Cut { client } => {
                self.count(Quirk::Cut, client);
                self.cut(client, None);
            }
            Happening::HalfOpen { client } => {
                self.count(Quirk::HalfOpen, client);
                self.half_open(client);
            }
            Happening::Offline { client, ms, told } => {
                self.count(Quirk::Offline, client);
                self.half_open(client);
                let link = &mut self.links[client];
                link.offline = true;
                link.told = told;
                if told {
                    self.input(client, Input::Network(false));
                }
                self.after(ms, Event::Over(place));
            }
            Happening::Slow { client, ms, by } => {
                self.links[client].slow = by;
                self.after(ms, Event::Over(place));
            }
            Happening::NoUpgrade { client, ms } => {
                self.links[client].no_upgrade = true;
                self.cut(client, None);
                self.after(ms, Event::Over(place));
            }
            Happening::RefuseSocket { client, ms } => {
                self.links[client].refuse_socket = true;
                self.cut(client, None);
                self.after(ms, Event::Over(place));
            }
            Happening::LoseRequest { client, count } => self.links[client].lose_requests += count,
            Happening::LoseAnswer { client, count } => self.links[client].lose_answers += count,
            Happening::Kill { instance, ms } => {
                self.kill(instance);
                self.after(ms, Event::Over(place));
            }
            Happening::RedisDown { ms } => {
                self.server.weather.redis_down = true;
                self.after(ms, Event::Over(place));
            }
            Happening::EventsFail { ms } => {
                self.server.weather.events_fail = true;
                self.after(ms, Event::Over(place));
            }
            Happening::SlowCommit { ms, by } => {
                self.server.weather.slow_commit = by;
                self.after(ms, Event::Over(place));
            }
            Happening::Busy {
                ms,
                status,
                retry_after,
            } => {
                self.server.weather.refusing = Some((status, retry_after));
                self.after(ms, Event::Over(place));
            }
            Happening::SocketTooFast { ms } => {
                self.server.weather.socket_too_fast = true;
                self.after(ms, Event::Over(place));
            }
            Happening::KeychainFails { client, ms } => {
                self.clients[client].keychain_fails = true;
                self.after(ms, Event::Over(place));
            }
            Happening::Revoke { who } => self.revoke(who, Quirk::Revoked),
            Happening::Suspended { who, ms } => {
                self.revoke(who, Quirk::AccountSuspended);
                if let Some(account) = self.server.people.get_mut(&self.people[who]) {
                    account.active = false;
                }
                self.after(ms, Event::Over(place));
            }
            Happening::Die {
                client,
                after,
                death,
                ms,
            } => {
                self.links[client].downtime = ms;
                if self.clients[client].alive() {
                    self.clients[client].doom(after, death)?;
                }
            }
            Happening::Suspend { client, ms, .. } => {
                if self.clients[client].suspended.is_none() {
                    self.count(Quirk::Suspended, client);
                    self.clients[client].suspended = Some(self.now);
                    self.after(ms, Event::Over(place));
                }
            }
            Happening::Clock { client, by } => {
                self.count(Quirk::ClockMoved, client);
                self.clients[client].clock_moved = true;
                self.clients[client].wall_offset += by;
            }
            Happening::LosePatches { client } => {
                self.clients[client].loses_patch = true;
            }
            Happening::Block { who, on } => {
                if let Some(account) = self.server.people.get_mut(&self.people[who]) {
                    account.blocks_all = on;
                }
            }
            Happening::Remove { who } => {
                let person = self.people[who];
                self.server.people.remove(&person);
                let gone: Vec<String> = self
                    .server
                    .rows
                    .all
                    .values()
                    .filter(|row| row.sender == person || row.receiver == person)
                    .map(|row| row.id.clone())
                    .collect();
                for id in gone {
                    self.delete(&id);
                }
            }
        }
        Ok(())
    }

    /// The screen reads its snapshot, once the engine knows what it watches.
    pub(super) fn resnap(&mut self, index: usize) {
        let client = &mut self.clients[index];
        client.page_stale = true;
        let life = client.life;
        self.after(5, Event::Snap(index, life));
    }

    pub(super) fn snap(&mut self, index: usize, life: u64) -> Done {
        let client = &mut self.clients[index];
        // Whoever sleeps looks when it wakes.
        if client.life != life || client.suspended.is_some() {
            return Ok(());
        }
        let told = !client
            .inbox
            .iter()
            .any(|input| matches!(input, Input::Watching(_)));
        if told {
            client.page_stale = false;
            return client.page.open(&client.store);
        }
        self.after(20, Event::Snap(index, life));
        Ok(())
    }

    pub(super) fn over(&mut self, place: usize) {
        let what = self.scenes[place].what.clone();
        self.trace(format_args!("-- over: {what:?}"));
        match what {
            Happening::Offline { client, told, .. } => {
                self.links[client].offline = false;
                if told {
                    self.input(client, Input::Network(true));
                }
            }
            Happening::Slow { client, .. } => self.links[client].slow = 0,
            Happening::NoUpgrade { client, .. } => self.links[client].no_upgrade = false,
            Happening::RefuseSocket { client, .. } => self.links[client].refuse_socket = false,
            Happening::Kill { instance, .. } => self.server.start(instance),
            Happening::RedisDown { .. } => self.server.weather.redis_down = false,
            Happening::EventsFail { .. } => self.server.weather.events_fail = false,
            Happening::Suspended { who, .. } => {
                if let Some(account) = self.server.people.get_mut(&self.people[who]) {
                    account.active = true;
                }
            }
            Happening::SlowCommit { .. } => self.server.weather.slow_commit = 0,
            Happening::Busy { .. } => self.server.weather.refusing = None,
            Happening::SocketTooFast { .. } => self.server.weather.socket_too_fast = false,
            Happening::KeychainFails { client, .. } => self.clients[client].keychain_fails = false,
            Happening::Suspend { client, told, .. } => self.wake_up(client, told),
            _ => {}
        }
    }

    pub(super) fn wake_up(&mut self, index: usize, told: bool) {
        let now = self.now;
        let client = &mut self.clients[index];
        let Some(since) = client.suspended.take() else {
            return;
        };
        client.frozen += now - since;
        client.woken = false;
        let mono = client.now(now).mono;
        let life = client.life;
        let due: Vec<_> = client
            .timers
            .iter()
            .map(|(timer, (due, setting))| (*timer, due - mono, *setting))
            .collect();
        for (timer, left, setting) in due {
            self.after(left, Event::Ring(index, life, timer, setting));
        }
        self.offer_later(index);
        if self.clients[index].page_stale {
            self.resnap(index);
        }
        if told {
            self.input(index, Input::Resumed);
        }
        self.rouse(index);
    }

    /// Whatever goes wrong stops going wrong.
    pub(super) fn heal(&mut self) -> Done {
        self.trace(format_args!("-- all is healed"));
        self.healed = true;
        self.server.weather = crate::server::Weather {
            no_comparison: self.server.weather.no_comparison,
            ..crate::server::Weather::default()
        };
        for account in self.server.people.values_mut() {
            account.active = true;
        }
        for instance in 0..self.server.instances() {
            self.server.start(instance);
        }
        for index in 0..self.clients.len() {
            let offline = self.links[index].offline;
            let told = self.links[index].told;
            let latency = self.links[index].latency;
            self.links[index] = Link::new(latency);
            self.clients[index].keychain_fails = false;
            self.clients[index].doom = None;
            if offline && told {
                self.input(index, Input::Network(true));
            }
            self.wake_up(index, false);
            if self.clients[index].alive() {
                // A screen that comes back to life asks for the snapshot.
                if self.setting.defect != Defect::IgnoresGap {
                    self.resnap(index);
                }
            } else {
                let life = self.clients[index].life;
                self.after(10, Event::Start(index, life));
            }
        }
        Ok(())
    }

    pub(super) fn send(&mut self, index: usize, to: usize) {
        let client = &self.clients[index];
        if !client.alive() || client.suspended.is_some() {
            return;
        }
        let me = client.me;
        let id = self.fresh_id(index);
        let number = self.log.write(Some(index), me, self.people[to], id);
        let order = Order::Send {
            id,
            conversation: ConversationId::Direct(self.people[to]),
            text: crate::log::text(number),
        };
        self.order(index, order, Ordered::Send(number));
    }

    /// An id as a device makes it: of two in one millisecond the later is the larger.
    fn fresh_id(&mut self, index: usize) -> MessageId {
        let wall = self.clients[index].now(self.now).wall.0;
        let client = &mut self.clients[index];
        client.made = match client.made {
            (at, nth) if at == wall => (wall, nth + 1),
            _ => (wall, 0),
        };
        MessageId::new(self.rng.nth_uuid_at(wall, client.made.1))
    }

    fn send_long(&mut self, index: usize, to: usize) {
        let client = &self.clients[index];
        if !client.alive() || client.suspended.is_some() {
            return;
        }
        let me = client.me;
        let id = self.fresh_id(index);
        let number = self.log.write(Some(index), me, self.people[to], id);
        let text = crate::log::text(number) + &"long ".repeat(self.server.settings.payload_max / 4);
        let order = Order::Send {
            id,
            conversation: ConversationId::Direct(self.people[to]),
            text,
        };
        self.order(index, order, Ordered::Send(number));
    }

    /// A POST without a client, as the tutorial makes it.
    pub(super) fn post(&mut self, from: usize, to: usize, ago: i64, count: usize, how: Manner) {
        let sender = self.people[from];
        let token = self.server.sessions.open_session(sender, self.now);
        let wall = self.server.wall(0, self.now);
        let stamp = whinchat_core::model::Instant(wall - ago);
        let mut items = Vec::new();
        for _ in 0..count {
            let id = MessageId::new(self.rng.uuid_at(wall));
            let number = self.log.write(None, sender, self.people[to], id);
            let text = crate::log::text(number);
            items.push(json!({
                "id": if how == Manner::UpperCase { id.to_string().to_uppercase() } else { id.to_string() },
                "content": if how == Manner::Huge { crate::server::HUGE.to_owned() + &text } else { text },
                "sender_id": sender.to_string(),
                "receiver_id": self.people[to].to_string(),
                "timestamp": stamp.to_zoned(),
            }));
        }
        let concerned = [sender, self.people[to]];
        match how {
            Manner::BadBatch => {
                if let Some(last) = items.last_mut() {
                    last["receiver_id"] = serde_json::Value::Null;
                }
                self.count_for(Quirk::BatchRefused, &concerned);
            }
            Manner::Batch => self.count_for(Quirk::BatchCreated, &concerned),
            Manner::UpperCase => self.count_for(Quirk::UpperCase, &concerned),
            Manner::Plain | Manner::Huge => {}
        }
        let body = if matches!(how, Manner::Batch | Manner::BadBatch) {
            serde_json::Value::Array(items)
        } else {
            items.pop().unwrap_or_default()
        };
        let request = Request {
            method: Method::Post,
            path: "/items/chat_messages".to_owned(),
            query: Vec::new(),
            body: Some(body),
            bearer: Some(token),
            cookie: None,
        };
        self.counter += 1;
        let instance = self.rng.below(self.server.instances());
        if self.server.is_up(instance) {
            let acts = self
                .server
                .request(self.now, instance, Exchange(self.counter), &request);
            self.acts(acts);
        }
    }

    fn revoke(&mut self, who: usize, quirk: Quirk) {
        let person = self.people[who];
        self.server.sessions.revoke(person);
        self.count_for(quirk, &[person]);
        for client in self.clients.iter_mut().filter(|client| client.me == person) {
            client.excused = true;
        }
    }

    pub(super) fn edit(&mut self, ids: &[String]) {
        let mut concerned = Vec::new();
        for row in ids.iter().filter_map(|id| self.server.rows.all.get(id)) {
            concerned.extend([row.sender, row.receiver]);
        }
        let acts = self.server.edit(ids, self.now, |row| {
            row.content = row.content.take().map(|text| text + ", changed");
        });
        self.acts(acts);
        self.count_for(Quirk::Edited, &concerned);
    }

    /// An administrator gives a row to another receiver: whoever had it before
    /// is told nothing.
    fn give(&mut self, id: &str, to: usize) {
        let to = self.people[to];
        let Some(row) = self.server.rows.all.get(id) else {
            return;
        };
        let before = row.receiver;
        if row.sender == before || row.orphan || !self.server.people.contains_key(&to) {
            return;
        }
        if let Some(number) = id
            .to_lowercase()
            .parse()
            .ok()
            .and_then(|id| self.log.with_id(id))
        {
            self.log.written[number].given.push(to);
        }
        self.server.deleted_once.insert(id.to_lowercase());
        let acts = self
            .server
            .edit(&[id.to_owned()], self.now, |row| row.receiver = to);
        self.acts(acts);
        self.count_for(Quirk::Moved, &[before, to]);
    }

    pub(super) fn delete(&mut self, id: &str) {
        let Some(row) = self.server.rows.all.get(id) else {
            return;
        };
        let concerned = [row.sender, row.receiver];
        let acts = self.server.delete(id);
        self.acts(acts);
        self.count_for(Quirk::Deleted, &concerned);
    }

    pub(super) fn count_for(&mut self, quirk: Quirk, people: &[PersonId]) {
        let people: BTreeSet<_> = people.iter().collect();
        for index in 0..self.clients.len() {
            if people.contains(&self.clients[index].me) {
                self.count(quirk, index);
            }
        }
    }

    /// Both ends learn that their connections are gone.
    pub(super) fn cut(&mut self, index: usize, instance: Option<usize>) {
        let keys: Vec<_> = self
            .wires
            .iter()
            .filter(|(_, wire)| {
                wire.client == index && instance.is_none_or(|which| wire.instance == which)
            })
            .map(|(key, _)| *key)
            .collect();
        for key in keys {
            let dead = self.wires.get(&key).is_some_and(|wire| wire.dead);
            if !dead {
                self.server.socket_closed(key);
                self.after(5, Event::DownClosed(key));
            }
        }
        let flights: Vec<_> = self
            .flights
            .iter()
            .filter(|(_, flight)| {
                flight.client == index && instance.is_none_or(|which| flight.instance == which)
            })
            .map(|(exchange, _)| *exchange)
            .collect();
        for exchange in flights {
            if instance.is_some() || self.rng.chance(60) {
                self.after(5, Event::GiveUp(exchange));
            }
        }
    }

    /// Nothing gets through any more, and nobody is told.
    pub(super) fn half_open(&mut self, index: usize) {
        for wire in self.wires.values_mut().filter(|wire| wire.client == index) {
            wire.dead = true;
        }
    }

    pub(super) fn kill(&mut self, instance: usize) {
        for index in 0..self.clients.len() {
            if self.clients[index].instance == instance {
                self.count(Quirk::ServerKilled, index);
            }
            self.cut(index, Some(instance));
        }
        self.server.kill(instance);
    }
}
