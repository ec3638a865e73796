//! The engine alone, told by hand what happens. Whole worlds are whinchat-sim's.

mod history;

use rusqlite::Connection;
use uuid::Uuid;

use super::*;
use crate::{
    bridge::{Anchor, Change, Code, ConnectionState, MessageState, Older},
    directus::call::{
        Answer, ClientFrame, DayTotal, Fault, Reason, Refusal, Rows, ServerFrame, Total,
    },
    model::{Instant, Message, MessageId, Person},
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

    /// Brings her up to `Live` on a server that holds one message of Bob's.
    fn live() -> (Self, SocketId) {
        let mut alice = Self::new();
        alice.start();
        alice.answer(Ok(Answer::Probed));
        let socket = alice.socket_opened();
        alice.tell(Input::Socket(socket, SocketEvent::Opened));
        alice.frame(socket, ServerFrame::AuthOk { uid: None });
        assert!(matches!(
            alice.effects.first(),
            Some(Effect::SendFrame(_, ClientFrame::Subscribe { .. }))
        ));
        alice.frame(socket, ServerFrame::Init { uid: None });
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

#[test]
fn the_first_list_counts_as_read_and_its_history_is_fetched_to_the_beginning() {
    let (alice, _) = Alice::live();
    let list = view::conversations(&alice.store, "", None, 50).unwrap();
    assert_eq!(list.conversations.len(), 1);
    assert_eq!(list.conversations[0].title, "Bob");
    assert_eq!(list.conversations[0].unread, 0);
    let page = view::page(&alice.store, with_bob(), &Anchor::Newest, 50)
        .unwrap()
        .unwrap();
    assert_eq!(page.older, Older::Beginning);
    assert_eq!(page.messages.len(), 1);
}

#[test]
fn a_live_row_is_shown_once_however_often_it_comes() {
    let (mut alice, socket) = Alice::live();
    alice.tell(Input::Watching([with_bob()].into()));
    let frame = ServerFrame::Rows {
        uid: None,
        rows: rows(vec![from_bob(2, 10)]),
    };
    let effects = alice.frame(socket, frame.clone());
    let shown = effects.iter().any(|effect| {
        matches!(effect, Effect::Show(_, changes)
            if changes.iter().any(|change| matches!(change, Change::Message(_))))
    });
    assert!(shown);
    assert_eq!(view::unread(&alice.store).unwrap(), 1);
    assert!(
        alice.frame(socket, frame).is_empty(),
        "the same row again says nothing"
    );
    assert_eq!(alice.page().len(), 2);
}

#[test]
fn a_row_that_does_not_concern_me_is_dropped_and_counted() {
    let (mut alice, socket) = Alice::live();
    let mut foreign = from_bob(3, 10);
    foreign.receiver = person(3);
    alice.frame(
        socket,
        ServerFrame::Rows {
            uid: None,
            rows: rows(vec![foreign]),
        },
    );
    assert_eq!(alice.engine.foreign_rows(), 1);
    assert_eq!(store::messages::get(&alice.store, id(3)).unwrap(), None);
}

#[test]
fn rows_after_the_tokens_end_are_refused_and_caught_up_after_a_late_authentication() {
    let (mut alice, socket) = Alice::live();
    alice.frame(socket, ServerFrame::TokenExpired);
    let request = alice
        .effects
        .iter()
        .find_map(|effect| match effect {
            Effect::Renew(request, Credential::Session) => Some(*request),
            _ => None,
        })
        .expect("a renewal");
    alice.frame(
        socket,
        ServerFrame::Rows {
            uid: None,
            rows: rows(vec![from_bob(4, 10)]),
        },
    );
    assert_eq!(store::messages::get(&alice.store, id(4)).unwrap(), None);
    alice.tell(Input::Renewed {
        request,
        result: Ok(Granted {
            credential: Credential::Session,
            lifetime: 60_000,
        }),
    });
    assert!(
        alice
            .effects
            .iter()
            .any(|effect| matches!(effect, Effect::Authenticate(at, _) if *at == socket))
    );
    alice.frame(socket, ServerFrame::AuthOk { uid: None });
    alice.answer(Ok(Answer::Messages(rows(vec![from_bob(4, 10)]))));
    assert!(store::messages::get(&alice.store, id(4)).unwrap().is_some());
}

#[test]
fn a_lost_answer_is_unknown_and_the_same_id_is_tried_again() {
    let (mut alice, _) = Alice::live();
    alice.send(5, "hello");
    let (_, call) = alice.asked();
    assert!(matches!(call, Call::Create(out) if out.id == id(5)));
    alice.answer(Err(Fault::Network));
    assert_eq!(alice.page().last().unwrap().1, MessageState::Sending);
    alice.wall += 1_000;
    alice.tell(Input::Timer(Timer::Outbox));
    let (_, call) = alice.asked();
    assert!(matches!(call, Call::Create(out) if out.id == id(5)));
    alice.answer(Err(Fault::Permanent(Refusal {
        reason: Reason::NotUnique,
        field: Some("id".to_owned()),
        status: 400,
    })));
    let mut mine = from_bob(5, 20);
    (mine.sender, mine.receiver) = (person(1), person(2));
    mine.content = "hello".to_owned();
    alice.answer(Ok(Answer::Messages(rows(vec![mine]))));
    assert_eq!(
        alice.page().last().unwrap(),
        &("hello".to_owned(), MessageState::Sent)
    );
    assert!(store::outbox::all(&alice.store).unwrap().is_empty());
}

#[test]
fn the_echo_before_the_answer_confirms_and_the_answer_adds_nothing() {
    let (mut alice, socket) = Alice::live();
    alice.send(6, "echo");
    let (request, _) = alice.asked();
    let mut mine = from_bob(6, 20);
    (mine.sender, mine.receiver) = (person(1), person(2));
    alice.frame(
        socket,
        ServerFrame::Rows {
            uid: None,
            rows: rows(vec![mine.clone()]),
        },
    );
    assert_eq!(alice.page().len(), 2);
    alice.tell(Input::Answered {
        request,
        result: Ok(Answer::Created(Some(mine))),
        date: None,
    });
    assert_eq!(alice.page().len(), 2);
    assert_eq!(view::unread(&alice.store).unwrap(), 0);
}

#[test]
fn messages_of_one_conversation_leave_in_order_and_a_refused_one_lets_the_next_pass() {
    let (mut alice, _) = Alice::live();
    alice.send(7, "first");
    let (first, _) = alice.asked();
    alice.send(8, "second");
    assert!(
        !alice
            .effects
            .iter()
            .any(|effect| matches!(effect, Effect::Request(..))),
        "the second waits for the first"
    );
    alice.tell(Input::Answered {
        request: first,
        result: Err(Fault::Permanent(Refusal {
            reason: Reason::ForeignKey,
            field: None,
            status: 400,
        })),
        date: None,
    });
    let (_, call) = alice.asked();
    assert!(matches!(call, Call::Create(out) if out.id == id(8)));
    let failed = view::message(&alice.store, view::Eyes::open(&alice.store).unwrap(), id(7))
        .unwrap()
        .unwrap();
    assert_eq!(failed.state, MessageState::Failed);
    assert_eq!(failed.problem.unwrap().code, Code::ReceiverGone);
    alice.tell(Input::Order(Ticket(1), Order::Discard(id(7))));
    assert!(alice.page().iter().all(|(text, _)| text != "first"));
}

#[test]
fn what_was_queued_offline_goes_out_after_a_stop() {
    let mut alice = Alice::new();
    alice.send(9, "later");
    assert_eq!(alice.page().last().unwrap().1, MessageState::Queued);
    alice.engine = Engine::resume(&alice.store, 8).unwrap();
    alice.start();
    alice.answer(Ok(Answer::Probed));
    let (_, call) = alice.asked();
    assert!(matches!(call, Call::Create(out) if out.id == id(9)));
}

#[test]
fn a_dead_session_is_followed_by_the_spare_and_only_then_by_signing_in() {
    let mut alice = Alice::new();
    alice.tell(Input::Start(Sessions {
        session: Some(Instant(START - 1)),
        spare: true,
    }));
    let renewal = |alice: &Alice| {
        alice.effects.iter().find_map(|effect| match effect {
            Effect::Renew(request, credential) => Some((*request, *credential)),
            _ => None,
        })
    };
    let (request, credential) = renewal(&alice).unwrap();
    assert_eq!(credential, Credential::Session);
    alice.tell(Input::Renewed {
        request,
        result: Err(Fault::Network),
    });
    assert!(renewal(&alice).is_none(), "a lost answer ends no session");
    alice.wall += 600;
    alice.tell(Input::Timer(Timer::Connect));
    let (request, _) = renewal(&alice).unwrap();
    alice.tell(Input::Renewed {
        request,
        result: Err(Fault::SignIn),
    });
    let (request, credential) = renewal(&alice).unwrap();
    assert_eq!(credential, Credential::Spare);
    alice.tell(Input::Renewed {
        request,
        result: Err(Fault::SignIn),
    });
    assert!(
        alice
            .effects
            .contains(&Effect::Notify(Notice::SignInNeeded))
    );
}

#[test]
fn a_machine_that_slept_drops_its_socket_and_connects_anew() {
    let (mut alice, socket) = Alice::live();
    let now = Now {
        wall: Instant(alice.wall + 600_000),
        mono: alice.wall - START + 1_000,
    };
    let effects = alice
        .engine
        .step(&alice.store, now, Input::Timer(Timer::Ping))
        .unwrap();
    assert!(effects.contains(&Effect::CloseSocket(socket)));
    assert!(
        effects
            .iter()
            .any(|effect| matches!(effect, Effect::Request(_, Call::Probe { .. })))
    );
}

#[test]
fn a_server_that_gains_its_own_stamps_is_read_anew_and_what_was_typed_stays() {
    let (mut alice, _) = Alice::live();
    alice.tell(Input::Network(false));
    alice.send(10, "typed offline");
    alice.tell(Input::Order(
        Ticket(1),
        Order::SaveDraft(with_bob(), "half a thought".to_owned()),
    ));
    alice.tell(Input::Network(true));
    alice.answer(Err(Fault::Permanent(Refusal {
        reason: Reason::Forbidden,
        field: Some("date_created".to_owned()),
        status: 403,
    })));
    let (_, call) = alice.asked();
    assert_eq!(
        call,
        Call::Probe {
            stamps: Stamps::Sender
        }
    );
    alice.answer(Ok(Answer::Probed));
    let list = view::conversations(&alice.store, "", None, 50).unwrap();
    assert_eq!(
        list.conversations[0].draft.as_deref(),
        Some("half a thought")
    );
    assert_eq!(
        alice.page(),
        [("typed offline".to_owned(), MessageState::Sending)]
    );
}

#[test]
fn a_conversation_that_began_while_away_with_an_old_stamp_is_found_by_its_day() {
    let (mut alice, _) = Alice::live();
    let carol = person(3);
    let late = Message {
        sender: carol,
        ..from_bob(2, -18 * 3_600_000)
    };
    alice.engine.stamps = Stamps::Sender;
    alice.tell(Input::Timer(Timer::Reconcile));
    let mut walked = false;
    for _ in 0..20 {
        let call = alice.effects.iter().find_map(|effect| match effect {
            Effect::Request(_, call) => Some(call.clone()),
            _ => None,
        });
        let answer = match call {
            None => break,
            Some(Call::Days { .. }) => Answer::Days(
                [(carol, late.stamp.0), (person(2), START)]
                    .map(|(sender, stamp)| DayTotal {
                        sender,
                        receiver: person(1),
                        day: Instant(stamp - stamp.rem_euclid(DAY)),
                        count: 1,
                    })
                    .to_vec(),
            ),
            Some(Call::Messages(query)) if query.peer == Some(carol) && !walked => {
                walked = true;
                Answer::Messages(rows(vec![late.clone()]))
            }
            Some(Call::Messages(_)) => Answer::Messages(Rows::default()),
            Some(Call::People { .. }) => Answer::People {
                people: Vec::new(),
                rows: 0,
            },
            Some(other) => panic!("unexpected {other:?}"),
        };
        alice.answer(Ok(answer));
    }
    let with_carol = ConversationId::Direct(carol).to_string();
    let list = view::conversations(&alice.store, "", None, 50).unwrap();
    assert!(list.conversations.iter().any(|row| row.id == with_carol));
}

#[test]
fn when_the_servers_zone_becomes_known_the_list_shows_its_times_anew() {
    let (mut alice, socket) = Alice::live();
    let from_carol = Message {
        sender: person(3),
        ..from_bob(3, 0)
    };
    let frame = ServerFrame::Rows {
        uid: None,
        rows: rows(vec![from_carol]),
    };
    alice.frame(socket, frame);
    alice.engine.stamps = Stamps::Sender;
    alice.send(2, "what time is it?");
    let (_, call) = alice.asked();
    let Call::Create(out) = call else {
        panic!("{call:?}");
    };
    let hour = 3_600_000;
    alice.answer(Ok(Answer::Created(Some(Message {
        id: out.id,
        content: out.content,
        sender: out.sender,
        receiver: out.receiver,
        stamp: out.timestamp.plus(-5 * hour),
        updated: None,
    }))));
    assert_eq!(facts::offset(&alice.store).unwrap(), -5 * hour);
    let list = view::conversations(&alice.store, "", None, 50).unwrap();
    let shown: Vec<&Change> = alice
        .effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Show(_, changes) => Some(changes),
            _ => None,
        })
        .flatten()
        .collect();
    assert_eq!(list.conversations.len(), 2);
    for row in &list.conversations {
        assert!(
            shown.contains(&&Change::Conversation(row.clone())),
            "{row:?}"
        );
    }
}

#[test]
fn what_was_queued_without_a_token_goes_out_when_one_is_granted() {
    let (mut alice, _) = Alice::live();
    // The answer to the renewal is lost until after the token's end.
    alice.tell(Input::Timer(Timer::Renew));
    let renewal = alice
        .effects
        .iter()
        .find_map(|effect| match effect {
            Effect::Renew(request, _) => Some(*request),
            _ => None,
        })
        .unwrap();
    alice.wall += 3_600_000;
    alice.tell(Input::Timer(Timer::TokenEnd));
    alice.send(2, "are you there?");
    let sent = |alice: &Alice| {
        alice
            .effects
            .iter()
            .any(|effect| matches!(effect, Effect::Request(_, Call::Create(_))))
    };
    assert!(!sent(&alice));
    alice.tell(Input::Renewed {
        request: renewal,
        result: Ok(Granted {
            credential: Credential::Session,
            lifetime: 7_200_000,
        }),
    });
    assert!(sent(&alice));
}

#[test]
fn a_row_that_comes_before_the_first_list_is_on_no_page_until_the_list_is_there() {
    let mut alice = Alice::new();
    alice.tell(Input::Watching([with_bob()].into()));
    alice.start();
    alice.answer(Ok(Answer::Probed));
    let socket = alice.socket_opened();
    alice.tell(Input::Socket(socket, SocketEvent::Opened));
    alice.frame(socket, ServerFrame::AuthOk { uid: None });
    alice.frame(socket, ServerFrame::Init { uid: None });
    let (totals, _) = alice.asked();
    let shown = |alice: &Alice, wanted: fn(&Change) -> bool| {
        alice.effects.iter().any(|effect| match effect {
            Effect::Show(_, changes) => changes.iter().any(wanted),
            _ => false,
        })
    };
    let frame = ServerFrame::Rows {
        uid: None,
        rows: rows(vec![from_bob(1, 0)]),
    };
    alice.frame(socket, frame);
    assert!(!shown(&alice, |change| matches!(
        change,
        Change::Message(_)
    )));
    assert_eq!(alice.page(), []);
    alice.tell(Input::Answered {
        request: totals,
        result: Ok(Answer::Totals(vec![Total {
            sender: person(2),
            receiver: person(1),
            count: 1,
            newest: Some(Instant(START)),
        }])),
        date: None,
    });
    alice.answer(Ok(Answer::Messages(rows(vec![from_bob(1, 0)]))));
    assert!(shown(&alice, |change| matches!(
        change,
        Change::History { .. }
    )));
    assert_eq!(alice.page().len(), 1);
}

#[test]
fn the_servers_zone_is_learned_from_the_echo_where_that_comes_before_the_answer() {
    let (mut alice, socket) = Alice::live();
    alice.engine.stamps = Stamps::Sender;
    alice.send(2, "what time is it?");
    let (request, call) = alice.asked();
    let Call::Create(out) = call else {
        panic!("{call:?}");
    };
    let hour = 3_600_000;
    let stored = Message {
        id: out.id,
        content: out.content,
        sender: out.sender,
        receiver: out.receiver,
        stamp: out.timestamp.plus(-5 * hour),
        updated: None,
    };
    alice.frame(
        socket,
        ServerFrame::Rows {
            uid: None,
            rows: rows(vec![stored.clone()]),
        },
    );
    assert_eq!(facts::known_offset(&alice.store).unwrap(), Some(-5 * hour));
    alice.tell(Input::Answered {
        request,
        result: Ok(Answer::Created(Some(stored))),
        date: None,
    });
    let page = view::page(&alice.store, with_bob(), &Anchor::Newest, 50)
        .unwrap()
        .unwrap();
    let shown = page.messages.iter().find(|row| row.id == id(2).to_string());
    assert_eq!(shown.map(|row| row.at), Some(out.timestamp.0));
}

#[test]
fn a_conversation_whose_newest_row_does_not_come_is_asked_for_alone_and_never_taken_for_new() {
    let mut alice = Alice::new();
    alice.start();
    alice.answer(Ok(Answer::Probed));
    let socket = alice.socket_opened();
    alice.tell(Input::Socket(socket, SocketEvent::Opened));
    alice.frame(socket, ServerFrame::AuthOk { uid: None });
    alice.frame(socket, ServerFrame::Init { uid: None });
    let total = |sender| Total {
        sender,
        receiver: person(1),
        count: 9,
        newest: Some(Instant(START)),
    };
    alice.answer(Ok(Answer::Totals(vec![total(person(2)), total(person(3))])));
    // Both were deleted between the two questions.
    alice.answer(Ok(Answer::Messages(Rows::default())));
    for _ in 0..2 {
        let (_, call) = alice.asked();
        let Call::Messages(query) = call else {
            panic!("{call:?}");
        };
        let came = match query.peer {
            Some(peer) if peer == person(2) => rows(vec![from_bob(1, -1_000)]),
            // Of Carol's nothing can be read.
            _ => Rows::default(),
        };
        alice.answer(Ok(Answer::Messages(came)));
    }
    assert!(
        facts::get(&alice.store, facts::LISTED).unwrap().is_some(),
        "the list is whole now"
    );
    assert_eq!(alice.page().len(), 1);
    let with_carol = ConversationId::Direct(person(3));
    let from_carol = Message {
        sender: person(3),
        ..from_bob(4, 60_000)
    };
    alice.frame(
        socket,
        ServerFrame::Rows {
            uid: None,
            rows: rows(vec![from_carol]),
        },
    );
    let page = view::page(&alice.store, with_carol, &Anchor::Newest, 50)
        .unwrap()
        .unwrap();
    assert_eq!(page.messages.len(), 1);
    assert_eq!(page.older, Older::Server, "eight are still to be fetched");
}

#[test]
fn a_stamp_that_lies_in_the_future_does_not_carry_the_cursor_there() {
    let (mut alice, _) = Alice::live();
    alice.engine.stamps = Stamps::Sender;
    facts::set_offset(&alice.store, 0).unwrap();
    alice.tell(Input::Timer(Timer::Poll));
    let century = 100 * 365 * 86_400_000;
    alice.answer(Ok(Answer::Messages(rows(vec![from_bob(2, century)]))));
    let cursor = facts::instant(&alice.store, facts::CURSOR_CREATED).unwrap();
    assert_eq!(cursor, Some(Instant(alice.wall)));
}

#[test]
fn what_lies_before_the_read_mark_is_no_news() {
    let (mut alice, socket) = Alice::live();
    let arrived = |alice: &mut Alice, n, stamp| {
        let frame = ServerFrame::Rows {
            uid: None,
            rows: rows(vec![from_bob(n, stamp)]),
        };
        alice
            .frame(socket, frame)
            .iter()
            .any(|effect| matches!(effect, Effect::Notify(Notice::Arrived(_))))
    };
    assert!(!arrived(&mut alice, 2, -30_000), "read with the first list");
    assert!(arrived(&mut alice, 3, 1));
}

#[test]
fn sending_takes_the_draft_in_the_same_step() {
    let (mut alice, _) = Alice::live();
    let draft = Order::SaveDraft(with_bob(), "half a".to_owned());
    alice.tell(Input::Order(Ticket(1), draft));
    alice.send(5, "half a thought, finished");
    let list = view::conversations(&alice.store, "", None, 50).unwrap();
    assert_eq!(list.conversations[0].draft, None);
}

#[test]
fn who_is_suspended_is_told_so_and_keeps_the_sessions() {
    let mut alice = Alice::new();
    alice.tell(Input::Start(Sessions {
        session: Some(Instant(START - 1)),
        spare: true,
    }));
    let renewal = alice.effects.iter().find_map(|effect| match effect {
        Effect::Renew(request, _) => Some(*request),
        _ => None,
    });
    alice.tell(Input::Renewed {
        request: renewal.unwrap(),
        result: Err(Fault::Permanent(Refusal {
            reason: Reason::Suspended,
            field: None,
            status: 401,
        })),
    });
    let shown = alice.engine.shown.clone().unwrap();
    assert_eq!(shown.state, ConnectionState::SignInNeeded);
    assert_eq!(
        shown.problem.map(|problem| problem.code),
        Some(Code::Suspended)
    );
    let again = alice
        .effects
        .iter()
        .any(|effect| matches!(effect, Effect::Renew(..)));
    assert!(!again, "the spare is of the same person");
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

#[test]
fn a_row_that_was_given_to_another_receiver_leaves_the_conversation_it_was_in() {
    let (mut alice, socket) = Alice::live();
    let mine = Message {
        sender: person(1),
        receiver: person(2),
        ..from_bob(2, 10)
    };
    let given = Message {
        receiver: person(3),
        updated: Some(Instant(START + 20)),
        ..mine.clone()
    };
    alice.tell(Input::Watching([with_bob()].into()));
    for row in [mine, given] {
        let rows = rows(vec![row]);
        alice.frame(socket, ServerFrame::Rows { uid: None, rows });
    }
    let gone = alice.effects.iter().any(|effect| {
        matches!(effect, Effect::Show(_, changes) if changes.iter().any(|change| {
            matches!(change, Change::MessageGone { conversation, .. } if *conversation == with_bob().to_string())
        }) && changes.iter().any(|change| {
            matches!(change, Change::Conversation(row) if row.id == with_bob().to_string())
        }))
    });
    assert!(gone);
    assert_eq!(alice.page().len(), 1);
}

#[test]
fn a_day_of_which_nothing_is_left_on_the_server_is_found_and_emptied() {
    let (mut alice, _) = Alice::live();
    alice.engine.stamps = Stamps::Sender;
    alice.tell(Input::Timer(Timer::Reconcile));
    quietly(&mut alice, nothing);
    assert_eq!(alice.page(), []);
}

#[test]
fn what_is_gone_for_longer_than_a_day_is_found_once_a_day() {
    let (mut alice, _) = Alice::live();
    alice.wall += 23 * 3_600_000;
    alice.engine.link.token = alice.engine.link.token.map(|token| connection::Token {
        end: Instant(i64::MAX),
        ..token
    });
    let whole = Call::Totals {
        stamps: Stamps::Server,
        since: None,
    };
    alice.tell(Input::Timer(Timer::Reconcile));
    let asked = quietly(&mut alice, |call| match call {
        Call::Totals { .. } => Ok(Answer::Totals(vec![Total {
            sender: person(2),
            receiver: person(1),
            count: 1,
            newest: None,
        }])),
        other => nothing(other),
    });
    assert!(!asked.contains(&whole), "{asked:?}");
    alice.wall += 3 * 3_600_000;
    alice.tell(Input::Timer(Timer::Reconcile));
    let asked = quietly(&mut alice, nothing);
    assert!(asked.contains(&whole), "{asked:?}");
    let left = store::messages::get(&alice.store, id(1)).unwrap();
    assert_eq!(left, None);
}

#[test]
fn a_page_that_is_too_large_is_asked_for_again_in_parts_wherever_it_was() {
    let too_large = || {
        Err(Fault::Permanent(Refusal {
            reason: Reason::TooLarge,
            field: None,
            status: 200,
        }))
    };
    let (mut alice, _) = Alice::live();
    alice.tell(Input::Timer(Timer::Reconcile));
    let mut limits = Vec::new();
    let asked = quietly(&mut alice, |call| match call {
        Call::Totals { .. } => Ok(Answer::Totals(Vec::new())),
        // Only the repair asks for one person's rows.
        Call::Messages(query) if query.peer.is_some() => {
            limits.push(query.limit);
            if query.limit > 30 {
                too_large()
            } else {
                Ok(Answer::Messages(Rows::default()))
            }
        }
        other => nothing(other),
    });
    assert_eq!(limits, [100, 50, 25], "{asked:?}");
    assert_eq!(alice.page(), [], "and what is gone was found in the end");
}

#[test]
fn a_text_that_is_too_large_alone_stops_nothing() {
    let (mut alice, _) = Alice::live();
    alice.tell(Input::Timer(Timer::Poll));
    let mut pages = [Some(from_bob(7, 1_000)), Some(from_bob(8, 2_000)), None].into_iter();
    let mut limits = Vec::new();
    quietly(&mut alice, |call| match call {
        Call::Messages(query) => {
            limits.push(query.limit);
            let first = pages.len() == 3;
            if first && query.limit > 0 {
                return Err(Fault::Permanent(Refusal {
                    reason: Reason::TooLarge,
                    field: None,
                    status: 200,
                }));
            }
            let mut came: Vec<Message> = pages.next().flatten().into_iter().collect();
            for row in came.iter_mut().filter(|_| query.limit == 0) {
                row.content.clear();
            }
            Ok(Answer::Messages(rows(came)))
        }
        other => nothing(other),
    });
    // The last one is for what was changed.
    assert_eq!(limits, [100, 50, 25, 12, 6, 3, 1, 0, 1, 1, 1]);
    let texts: Vec<String> = alice.page().into_iter().map(|(text, _)| text).collect();
    assert_eq!(texts, ["text 1", "", "text 8"], "its place is kept");
}

#[test]
fn a_newest_message_that_a_cap_left_out_is_asked_for_again() {
    let mut alice = Alice::new();
    alice.start();
    alice.answer(Ok(Answer::Probed));
    let socket = alice.socket_opened();
    alice.tell(Input::Socket(socket, SocketEvent::Opened));
    alice.frame(socket, ServerFrame::AuthOk { uid: None });
    alice.frame(socket, ServerFrame::Init { uid: None });
    let from_carol = Message {
        sender: person(3),
        ..from_bob(2, 5)
    };
    let both = [from_bob(1, 0), from_carol];
    quietly(&mut alice, |call| match call {
        Call::Totals { .. } => Ok(Answer::Totals(
            both.iter()
                .map(|row| Total {
                    sender: row.sender,
                    receiver: row.receiver,
                    count: 1,
                    newest: Some(row.stamp),
                })
                .collect(),
        )),
        Call::Newest { of, .. } => {
            let wanted = both
                .iter()
                .rev()
                .find(|row| of.iter().any(|(from, ..)| *from == row.sender));
            Ok(Answer::Messages(rows(
                wanted.cloned().into_iter().collect(),
            )))
        }
        other => nothing(other),
    });
    let list = view::conversations(&alice.store, "", None, 50).unwrap();
    assert_eq!(list.conversations.len(), 2);
    assert_eq!(alice.page().len(), 1);
}

#[test]
fn a_step_that_fails_takes_nothing_with_it_and_leaves_nothing() {
    let (mut alice, _) = Alice::live();
    let full = "CREATE TEMP TRIGGER disk_full BEFORE INSERT ON main.fact
                BEGIN SELECT RAISE(ABORT, 'full'); END";
    alice.store.execute_batch("BEGIN").unwrap();
    facts::set(&alice.store, "before", "stands").unwrap();
    alice.store.execute_batch(full).unwrap();
    let now = Now {
        wall: Instant(alice.wall),
        mono: alice.wall - START,
    };
    let order = Order::Send {
        id: id(9),
        conversation: with_bob(),
        text: "never".to_owned(),
    };
    let input = Input::Order(Ticket(1), order);
    let stepped = alice.engine.step_alone(&alice.store, now, input);
    assert!(stepped.is_err());
    alice
        .store
        .execute_batch("DROP TRIGGER temp.disk_full; COMMIT")
        .unwrap();
    assert_eq!(
        facts::get(&alice.store, "before").unwrap().as_deref(),
        Some("stands")
    );
    assert_eq!(store::messages::get(&alice.store, id(9)).unwrap(), None);
    assert!(store::outbox::all(&alice.store).unwrap().is_empty());
}

#[test]
fn an_oldest_row_whose_id_is_in_capital_letters_ends_its_history() {
    let mut alice = Alice::new();
    alice.start();
    alice.answer(Ok(Answer::Probed));
    let socket = alice.socket_opened();
    alice.tell(Input::Socket(socket, SocketEvent::Opened));
    alice.frame(socket, ServerFrame::AuthOk { uid: None });
    alice.frame(socket, ServerFrame::Init { uid: None });
    // The server can't be told to leave it out, so it comes every time.
    let asked = quietly(&mut alice, |call| match call {
        Call::Totals { .. } => Ok(Answer::Totals(vec![Total {
            sender: person(2),
            receiver: person(1),
            count: 1,
            newest: Some(Instant(START)),
        }])),
        Call::Messages(query) if query.ascending => nothing(call),
        Call::Messages(_) | Call::Newest { .. } => Ok(Answer::Messages(rows(vec![from_bob(1, 0)]))),
        other => nothing(other),
    });
    assert!(asked.len() < 12, "{asked:?}");
    let older = view::older(&alice.store, with_bob()).unwrap();
    assert_eq!(older, Older::Beginning);
}

#[test]
fn a_conversation_that_begins_while_the_first_list_is_read_is_on_its_page() {
    let mut alice = Alice::new();
    alice.tell(Input::Watching([with_bob()].into()));
    alice.start();
    alice.answer(Ok(Answer::Probed));
    let socket = alice.socket_opened();
    alice.tell(Input::Socket(socket, SocketEvent::Opened));
    alice.frame(socket, ServerFrame::AuthOk { uid: None });
    alice.frame(socket, ServerFrame::Init { uid: None });
    let (request, _) = alice.asked();
    let frame = ServerFrame::Rows {
        uid: None,
        rows: rows(vec![from_bob(1, 0)]),
    };
    alice.frame(socket, frame);
    let result = Ok(Answer::Totals(Vec::new()));
    alice.tell(Input::Answered {
        request,
        result,
        date: None,
    });
    alice.answer(Ok(Answer::Messages(rows(vec![from_bob(1, 0)]))));
    let told = alice.effects.iter().any(|effect| {
        matches!(effect, Effect::Show(_, changes)
            if changes.iter().any(|change| matches!(change, Change::History { .. })))
    });
    assert!(told);
    assert_eq!(alice.page().len(), 1);
}

#[test]
fn large_rows_that_share_the_newest_stamp_come_one_at_a_time() {
    let mut alice = Alice::new();
    alice.start();
    alice.answer(Ok(Answer::Probed));
    let socket = alice.socket_opened();
    alice.tell(Input::Socket(socket, SocketEvent::Opened));
    alice.frame(socket, ServerFrame::AuthOk { uid: None });
    alice.frame(socket, ServerFrame::Init { uid: None });
    quietly(&mut alice, |call| match call {
        Call::Totals { .. } => Ok(Answer::Totals(vec![Total {
            sender: person(2),
            receiver: person(1),
            count: 4,
            newest: Some(Instant(START)),
        }])),
        Call::Message { .. } => Ok(Answer::Messages(rows(vec![from_bob(1, 0)]))),
        Call::Messages(query) if query.ascending => Ok(Answer::Messages(Rows::default())),
        Call::Messages(query) if query.limit == 1 => {
            Ok(Answer::Messages(rows(vec![from_bob(1, 0)])))
        }
        Call::Newest { .. } | Call::Messages(_) => Err(Fault::Permanent(Refusal {
            reason: Reason::TooLarge,
            field: None,
            status: 200,
        })),
        other => nothing(other),
    });
    assert!(facts::get(&alice.store, facts::LISTED).unwrap().is_some());
    let list = view::conversations(&alice.store, "", None, 50).unwrap();
    assert_eq!(list.conversations.len(), 1);
}

#[test]
fn renewing_does_not_put_off_the_polls_after_which_the_socket_is_tried_again() {
    let mut alice = Alice::new();
    alice.start();
    alice.answer(Ok(Answer::Probed));
    let socket = alice.socket_opened();
    let refused = SocketEvent::Failed {
        upgrade_refused: true,
    };
    alice.tell(Input::Socket(socket, refused));
    quietly(&mut alice, nothing);
    let polls = |alice: &Alice| {
        alice
            .effects
            .iter()
            .any(|effect| matches!(effect, Effect::SetTimer(Timer::Poll, _)))
    };
    alice.tell(Input::Timer(Timer::Renew));
    let renewal = alice.effects.iter().find_map(|effect| match effect {
        Effect::Renew(request, _) => Some(*request),
        _ => None,
    });
    alice.tell(Input::Renewed {
        request: renewal.unwrap(),
        result: Ok(Granted {
            credential: Credential::Session,
            lifetime: 6_000,
        }),
    });
    assert!(!polls(&alice), "the one that is set stands");
    let asked = alice
        .effects
        .iter()
        .any(|effect| matches!(effect, Effect::Request(..)));
    assert!(!asked);
}
