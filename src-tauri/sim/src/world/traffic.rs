//! What goes over the network: requests, renewals, frames, and what the
//! server does of its own.
//!
//! Owns: nothing. Never: what is said, only whether and when it arrives.

use whinchat_core::{
    directus::call::{Fault, Reason, Refusal},
    engine::Granted,
};

use super::*;
use crate::{
    client::{Unstored, VAULT_RETRY},
    server::BODY_MAX,
};

impl World {
    pub(super) fn ask(&mut self, index: usize, what: Asked, request: Request) {
        self.counter += 1;
        self.out.requests += 1;
        let exchange = Exchange(self.counter);
        let client = &self.clients[index];
        let flight = Flight {
            client: index,
            life: client.life,
            what,
            instance: client.instance,
        };
        self.flights.insert(exchange, flight);
        self.after(30_000, Event::GiveUp(exchange));
        let link = &mut self.links[index];
        if link.offline {
            if link.told || self.rng.chance(50) {
                self.after(5, Event::GiveUp(exchange));
            }
            return;
        }
        let latency = link.latency + link.slow + self.rng.range(0, 20);
        if link.lose_requests > 0 {
            link.lose_requests -= 1;
            self.count(Quirk::RequestLost, index);
            let soon = self.rng.range(50, 29_000);
            self.after(soon, Event::GiveUp(exchange));
            return;
        }
        if link.slow > 0 {
            self.count(Quirk::Slow, index);
        }
        let instance = self.clients[index].instance;
        self.after(
            latency,
            Event::Arrive(exchange, instance, Box::new(request)),
        );
    }

    /// It arrives whether or not who asked has given it up.
    pub(super) fn arrive(&mut self, exchange: Exchange, instance: usize, request: &Request) {
        if !self.server.is_up(instance) {
            self.after(20, Event::GiveUp(exchange));
            return;
        }
        let acts = self.server.request(self.now, instance, exchange, request);
        self.acts(acts);
    }

    pub(super) fn give_up(&mut self, exchange: Exchange) {
        let Some(flight) = self.flights.remove(&exchange) else {
            return;
        };
        if matches!(flight.what, Asked::Renew(_, Credential::Spare)) {
            self.clients[flight.client].excused = true;
        }
        if self.clients[flight.client].life != flight.life {
            return;
        }
        let fault = Fault::Network;
        let input = match flight.what {
            Asked::Call(request, _) => Input::Answered {
                request,
                result: Err(fault),
                date: None,
            },
            Asked::Renew(request, _) => Input::Renewed {
                request,
                result: Err(fault),
            },
        };
        self.input(flight.client, input);
    }

    pub(super) fn answer(&mut self, exchange: Exchange, response: &Response) {
        let Some(flight) = self.flights.get(&exchange) else {
            return;
        };
        let index = flight.client;
        let life = flight.life;
        let instance = flight.instance;
        let renewal = matches!(flight.what, Asked::Renew(..));
        let lost = if renewal {
            Quirk::RefreshLost
        } else {
            Quirk::AnswerLost
        };
        if self.links[index].offline {
            self.count(lost, index);
            return;
        }
        if self.links[index].lose_answers > 0 {
            self.links[index].lose_answers -= 1;
            self.count(lost, index);
            if self.rng.chance(50) {
                let soon = self.rng.range(1, 10_000);
                self.after(soon, Event::GiveUp(exchange));
            }
            return;
        }
        let Some(flight) = self.flights.remove(&exchange) else {
            return;
        };
        if self.clients[index].life != life {
            return;
        }
        let retry_after = response.retry_after.map(|seconds| seconds * 1000);
        match flight.what {
            Asked::Call(request, call) => {
                let body = response.body.to_string();
                let mut result = rest::answer(&call, response.status, retry_after, body.as_bytes());
                if response.weight > BODY_MAX {
                    result = Err(Fault::Permanent(Refusal {
                        reason: Reason::TooLarge,
                        field: None,
                        status: response.status,
                    }));
                }
                if self.setting.defect == Defect::DropsRows
                    && let Ok(whinchat_core::directus::call::Answer::Messages(rows)) = &mut result
                {
                    rows.messages
                        .retain(|message| message.id.uuid().as_u128() % 5 != 0);
                }
                let date = Some(self.server.date(instance, self.now));
                self.input(
                    index,
                    Input::Answered {
                        request,
                        result,
                        date,
                    },
                );
            }
            Asked::Renew(request, credential) => {
                self.renewed(index, request, credential, response, retry_after);
            }
        }
    }

    pub(super) fn renew(&mut self, index: usize, request: RequestId, credential: Credential) {
        let life = self.clients[index].life;
        let another = self.flights.values().any(|flight| {
            flight.client == index && flight.life == life && matches!(flight.what, Asked::Renew(..))
        });
        if another {
            let name = self.clients[index].name.clone();
            self.found(Kind::Broken, format!("{name} renews twice at once"));
        }
        let mono = self.clients[index].now(self.now).mono;
        if self.clients[index].unstored.is_some() {
            let stored = self.clients[index].store_granted(mono);
            let other =
                |granted: &Granted| granted.credential != credential || granted.lifetime <= 0;
            if !stored.as_ref().is_ok_and(other) {
                self.input(
                    index,
                    Input::Renewed {
                        request,
                        result: stored,
                    },
                );
                return;
            }
        }
        let token = self.clients[index].credential(credential);
        if token.is_none() {
            let result = Err(Fault::SignIn);
            self.input(index, Input::Renewed { request, result });
            return;
        }
        let body = match credential {
            Credential::Session => json!({"mode": "session"}),
            Credential::Spare => json!({"mode": "json", "refresh_token": token}),
        };
        let on_wire = Request {
            method: Method::Post,
            path: "/auth/refresh".to_owned(),
            query: Vec::new(),
            body: Some(body),
            bearer: None,
            cookie: token.filter(|_| credential == Credential::Session),
        };
        self.ask(index, Asked::Renew(request, credential), on_wire);
    }

    /// Stores the new credential, and only then says that it was granted.
    pub(super) fn renewed(
        &mut self,
        index: usize,
        request: RequestId,
        credential: Credential,
        response: &Response,
        retry_after: Option<i64>,
    ) {
        let text = |name: &str| {
            response
                .body
                .get("data")
                .and_then(|data| data.get(name)?.as_str())
                .map(str::to_owned)
        };
        let result = match response.status {
            200 => {
                let lifetime = response
                    .body
                    .get("data")
                    .and_then(|data| data.get("expires")?.as_i64())
                    .unwrap_or(0);
                let (kept, token) = match credential {
                    Credential::Session => (response.cookie.clone(), response.cookie.clone()),
                    Credential::Spare => (text("refresh_token"), text("access_token")),
                };
                let Some(kept) = kept else {
                    // A page of somebody in between.
                    let result = Err(Fault::Transient {
                        retry_after,
                        status: 200,
                    });
                    self.input(index, Input::Renewed { request, result });
                    return;
                };
                let now = self.now;
                let client = &mut self.clients[index];
                let clocks = client.now(now);
                let unstored = Unstored {
                    credential,
                    token,
                    asked: clocks.mono,
                    lifetime,
                };
                let end = clocks.wall.0 + lifetime;
                client.granted(credential, unstored, kept, end);
                let stored = client.store_granted(clocks.mono);
                if stored.is_err() {
                    self.count(Quirk::KeychainFailed, index);
                    self.offer_later(index);
                }
                stored
            }
            401 => {
                self.clients[index].dead(credential);
                Err(Fault::SignIn)
            }
            status @ (429 | 500..) => Err(Fault::Transient {
                retry_after,
                status,
            }),
            _ => Err(Fault::Network),
        };
        self.input(index, Input::Renewed { request, result });
    }

    /// The runtime offers the keychain what it did not take, whatever the engine does.
    pub(super) fn offer_later(&mut self, index: usize) {
        let client = &mut self.clients[index];
        if client.unstored.is_some() && !std::mem::replace(&mut client.offering, true) {
            self.after(VAULT_RETRY, Event::Offer(index));
        }
    }

    pub(super) fn open_socket(&mut self, index: usize, socket: SocketId) {
        self.counter += 1;
        let key = SocketKey(self.counter);
        let link = &self.links[index];
        let client = &self.clients[index];
        let wire = Wire::new(index, client.life, socket, client.instance);
        self.wires.insert(key, wire);
        let latency = link.latency + link.slow;
        let up = self.server.is_up(client.instance);
        if link.offline && !link.told {
            return;
        }
        if link.offline || link.refuse_socket || !up {
            self.count(Quirk::OpenFailed, index);
            self.after(latency, Event::DownFailed(key, false));
        } else if link.no_upgrade {
            self.count(Quirk::UpgradeRefused, index);
            self.after(latency, Event::DownFailed(key, true));
        } else {
            self.after(latency, Event::Open(key));
        }
    }

    pub(super) fn open(&mut self, key: SocketKey) {
        let Some(wire) = self.wires.get(&key) else {
            return;
        };
        let (index, instance) = (wire.client, wire.instance);
        if !self.server.is_up(instance) {
            self.after(1, Event::DownFailed(key, false));
            return;
        }
        let acts = self.server.socket_open(key, instance);
        self.acts(acts);
        let latency = self.links[index].latency;
        self.send_down(key, latency, Event::DownOpened(key));
    }

    pub(super) fn up(&mut self, index: usize, socket: SocketId, text: String) {
        let life = self.clients[index].life;
        let link = &self.links[index];
        let latency = link.latency + link.slow;
        let now = self.now;
        let found = self
            .wires
            .iter_mut()
            .find(|(_, wire)| wire.client == index && wire.life == life && wire.socket == socket);
        if let Some((key, wire)) = found
            && !wire.dead
        {
            let key = *key;
            wire.up_at = (now + latency).max(wire.up_at + 1);
            let at = wire.up_at;
            self.at(at, Event::Up(key, text));
        }
    }

    pub(super) fn send_down(&mut self, key: SocketKey, latency: i64, event: Event) {
        let now = self.now;
        if let Some(wire) = self.wires.get_mut(&key)
            && !wire.dead
        {
            wire.down_at = (now + latency).max(wire.down_at + 1);
            let at = wire.down_at;
            self.at(at, event);
        }
    }

    pub(super) fn down(&mut self, key: SocketKey, text: &str) {
        let Some(wire) = self.wires.get(&key) else {
            return;
        };
        if wire.dead {
            return;
        }
        let index = wire.client;
        let mut frame = realtime::parse(text);
        if let whinchat_core::directus::call::ServerFrame::Rows { rows, .. } = &mut frame {
            if self.setting.defect == Defect::DropsRows {
                rows.messages
                    .retain(|message| message.id.uuid().as_u128() % 5 != 0);
            }
            if self.setting.defect == Defect::KeepsForeign {
                for message in &rows.messages {
                    let me = self.clients[index].me;
                    if message.conversation(me).is_none() {
                        let conversation = ConversationId::Direct(message.sender);
                        let draft = Order::SaveDraft(conversation, message.content.clone());
                        self.order(index, draft, Ordered::Other);
                    }
                }
            }
        }
        self.heard(key, SocketEvent::Frame(frame));
    }

    pub(super) fn heard(&mut self, key: SocketKey, event: SocketEvent) {
        let Some(wire) = self.wires.get(&key) else {
            return;
        };
        let (index, life, socket, dead) = (wire.client, wire.life, wire.socket, wire.dead);
        if !dead && self.clients[index].life == life {
            self.input(index, Input::Socket(socket, event));
        }
    }

    pub(super) fn acts(&mut self, acts: Vec<Act>) {
        for act in acts {
            match act {
                Act::Answer(exchange, ms, response) => {
                    let link = self
                        .flights
                        .get(&exchange)
                        .map(|flight| &self.links[flight.client]);
                    let latency = link.map_or(1, |link| link.latency + link.slow);
                    self.after(ms + latency, Event::Answer(exchange, response));
                }
                Act::Frame(key, text) => {
                    let latency = self.wires.get(&key).map_or(0, |wire| {
                        let link = &self.links[wire.client];
                        link.latency + link.slow
                    });
                    self.send_down(key, latency, Event::Down(key, text));
                }
                Act::Huge(key) => {
                    let latency = self.wires.get(&key).map_or(0, |wire| {
                        let link = &self.links[wire.client];
                        link.latency + link.slow
                    });
                    self.send_down(key, latency, Event::DownTooLarge(key));
                }
                Act::Close(key) => {
                    let latency = self.wires.get(&key).map_or(0, |wire| {
                        let link = &self.links[wire.client];
                        link.latency + link.slow
                    });
                    self.send_down(key, latency, Event::DownClosed(key));
                }
                Act::Later(ms, deed) => self.after(ms, Event::Deed(deed)),
                Act::CountSocket(key, quirk) => {
                    // Others go on talking while a token is being renewed.
                    if quirk == Quirk::TokenExpired && !self.healed {
                        for _ in 0..3 {
                            let soon = self.rng.range(1, 600);
                            self.after(soon, Event::Others);
                        }
                    }
                    if let Some(index) = self.wires.get(&key).map(|wire| wire.client) {
                        self.count(quirk, index);
                    }
                }
                Act::CountRequest(exchange, quirk) => {
                    if let Some(index) = self.flights.get(&exchange).map(|flight| flight.client) {
                        self.count(quirk, index);
                    }
                }
                Act::Committed(id) => self.committed(&id),
            }
        }
    }

    /// Nothing may be on the server twice.
    pub(super) fn committed(&mut self, id: &str) {
        self.trace(format_args!("server has {id}"));
        let content = self
            .server
            .rows
            .all
            .get(id)
            .and_then(|row| row.content.clone())
            .unwrap_or_default();
        for number in crate::log::numbers(&content) {
            if let Some(other) = self.numbers.insert(number, id.to_owned())
                && other != id
            {
                self.found(Kind::Doubled, format!("#{number}# is on the server twice"));
            }
        }
    }
}
