//! The engine alone, told by hand what happens. Whole worlds are whinchat-sim's.

mod connection;
mod first_list;
mod history;
mod large;
mod live;
mod reconcile;
mod safety;
mod sending;

use rusqlite::Connection;
use uuid::Uuid;

use super::*;
use crate::{
    bridge::{Anchor, Change, Code, ConnectionState, MessageState, Older},
    directus::call::{
        Answer, ClientFrame, DayTotal, Fault, Reason, Refusal, Rows, ServerFrame, Total,
    },
    model::{Instant, Message, MessageId, Person},
    product,
    store::{self, Key, Place},
    view,
};

const START: i64 = 1_795_000_000_000;
const DAY: i64 = 24 * 3_600_000;

fn person(n: u128) -> PersonId {
    PersonId::new(Uuid::from_u128(n))
}

fn id(n: u128) -> MessageId {
    MessageId::new(Uuid::from_u128(0x1000 + n))
}

fn from_bob(n: u128, stamp: i64) -> Message {
    Message {
        id: id(n),
        content: format!("text {n}"),
        sender: person(2),
        receiver: person(1),
        stamp: Instant(START + stamp),
        updated: None,
    }
}

fn with_bob() -> ConversationId {
    ConversationId::Direct(person(2))
}

fn rows(messages: Vec<Message>) -> Rows {
    Rows {
        last: messages.last().map(|message| message.stamp),
        count: u32::try_from(messages.len()).unwrap(),
        messages,
        set_aside: Vec::new(),
    }
}

/// Alice's engine, her store, and what she was given to do last.
struct Alice {
    store: Connection,
    engine: Engine,
    wall: i64,
    effects: Vec<Effect>,
}

impl Alice {
    fn new() -> Self {
        let store = store::open(Place::Memory, &Key([1; 32])).unwrap();
        store::set_me(&store, person(1), "Alice").unwrap();
        let engine = Engine::resume(&store, 7).unwrap();
        Self {
            store,
            engine,
            wall: START,
            effects: Vec::new(),
        }
    }

    fn tell(&mut self, input: Input) -> &[Effect] {
        let now = Now {
            wall: Instant(self.wall),
            mono: self.wall - START,
        };
        self.effects = self.engine.step(&self.store, now, input).unwrap();
        &self.effects
    }

    fn start(&mut self) {
        let end = Instant(self.wall + 3_600_000);
        self.tell(Input::Start(Sessions {
            session: Some(end),
            spare: true,
        }));
    }

    fn asked(&self) -> (RequestId, Call) {
        self.effects
            .iter()
            .find_map(|effect| match effect {
                Effect::Request(request, call) => Some((*request, call.clone())),
                _ => None,
            })
            .expect("a request")
    }

    fn answer(&mut self, result: Result<Answer, Fault>) -> &[Effect] {
        let (request, _) = self.asked();
        self.tell(Input::Answered {
            request,
            result,
            date: None,
        })
    }

    fn socket_opened(&self) -> SocketId {
        self.effects
            .iter()
            .find_map(|effect| match effect {
                Effect::OpenSocket(socket) => Some(*socket),
                _ => None,
            })
            .expect("a socket")
    }

    fn frame(&mut self, socket: SocketId, frame: ServerFrame) -> &[Effect] {
        self.tell(Input::Socket(socket, SocketEvent::Frame(frame)))
    }

    /// Starts her and brings her socket up to its subscription.
    fn come_online(&mut self) -> SocketId {
        self.start();
        self.answer(Ok(Answer::Probed));
        let socket = self.socket_opened();
        self.tell(Input::Socket(socket, SocketEvent::Opened));
        self.frame(socket, ServerFrame::AuthOk { uid: None });
        assert!(matches!(
            self.effects.first(),
            Some(Effect::SendFrame(_, ClientFrame::Subscribe { .. }))
        ));
        self.frame(socket, ServerFrame::Init { uid: None });
        socket
    }

    /// Starts her where something on the way lets no socket pass.
    fn without_a_socket() -> Self {
        let mut alice = Self::new();
        alice.start();
        alice.answer(Ok(Answer::Probed));
        let socket = alice.socket_opened();
        let refused = SocketEvent::Failed {
            upgrade_refused: true,
        };
        alice.tell(Input::Socket(socket, refused));
        alice
    }

    /// Brings her up to `Live` on a server that holds one message of Bob's.
    fn live() -> (Self, SocketId) {
        let mut alice = Self::new();
        let socket = alice.come_online();
        alice.answer(Ok(Answer::Totals(vec![Total {
            sender: person(2),
            receiver: person(1),
            count: 1,
            newest: Some(Instant(START)),
        }])));
        alice.answer(Ok(Answer::Messages(rows(vec![from_bob(1, 0)]))));
        for _ in 0..20 {
            let call = alice.effects.iter().find_map(|effect| match effect {
                Effect::Request(_, call) => Some(call.clone()),
                _ => None,
            });
            let answer = match call {
                None => break,
                Some(Call::Messages(_)) => Answer::Messages(Rows::default()),
                Some(Call::Totals { .. }) => Answer::Totals(vec![Total {
                    sender: person(2),
                    receiver: person(1),
                    count: 1,
                    newest: Some(Instant(START)),
                }]),
                Some(Call::People { offset, .. }) => Answer::People {
                    people: vec![Person {
                        id: person(2),
                        name: "Bob".to_owned(),
                    }],
                    rows: u32::from(offset == 0),
                },
                Some(other) => panic!("unexpected {other:?}"),
            };
            alice.answer(Ok(answer));
        }
        assert_eq!(
            alice.engine.shown.as_ref().map(|shown| shown.state),
            Some(ConnectionState::Live)
        );
        (alice, socket)
    }

    fn page(&self) -> Vec<(String, MessageState)> {
        view::page(&self.store, with_bob(), &Anchor::Newest, 50)
            .unwrap()
            .unwrap()
            .messages
            .into_iter()
            .map(|row| (row.text, row.state))
            .collect()
    }

    fn send(&mut self, n: u128, text: &str) {
        self.tell(Input::Order(
            Ticket(0),
            Order::Send {
                id: id(n),
                conversation: with_bob(),
                text: text.to_owned(),
            },
        ));
    }
}

/// Answers what is asked until nothing is, and gives what was asked.
fn quietly(alice: &mut Alice, mut answer: impl FnMut(&Call) -> Result<Answer, Fault>) -> Vec<Call> {
    let mut asked = Vec::new();
    for _ in 0..30 {
        let call = alice.effects.iter().find_map(|effect| match effect {
            Effect::Request(_, call) => Some(call.clone()),
            _ => None,
        });
        let Some(call) = call else { break };
        let result = answer(&call);
        asked.push(call);
        alice.answer(result);
    }
    asked
}

fn nothing(call: &Call) -> Result<Answer, Fault> {
    Ok(match call {
        Call::Totals { .. } => Answer::Totals(Vec::new()),
        Call::Days { .. } => Answer::Days(Vec::new()),
        Call::People { .. } => Answer::People {
            people: Vec::new(),
            rows: 0,
        },
        Call::Message { .. } => {
            return Err(Fault::Permanent(Refusal {
                reason: Reason::Forbidden,
                field: None,
                status: 403,
            }));
        }
        _ => Answer::Messages(Rows::default()),
    })
}
