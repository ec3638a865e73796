//! The outbox: order, doubt, echoes and drafts.

use super::*;

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
fn sending_takes_the_draft_in_the_same_step() {
    let (mut alice, _) = Alice::live();
    let draft = Order::SaveDraft(with_bob(), "half a".to_owned());
    alice.tell(Input::Order(Ticket(1), draft));
    alice.send(5, "half a thought, finished");
    let list = view::conversations(&alice.store, "", None, 50).unwrap();
    assert_eq!(list.conversations[0].draft, None);
}

#[test]
fn who_is_told_to_wait_sends_nothing_until_then() {
    let (mut alice, _) = Alice::live();
    alice.send(7, "first");
    alice.answer(Err(Fault::Transient {
        retry_after: Some(7_000),
        status: 429,
    }));
    let sends = |alice: &Alice| {
        let create = |effect: &Effect| matches!(effect, Effect::Request(_, Call::Create(_)));
        alice.effects.iter().any(create)
    };
    alice.wall += 3_000;
    alice.send(8, "second");
    assert!(!sends(&alice), "four seconds are left");
    alice.wall += 4_000;
    alice.tell(Input::Timer(Timer::Outbox));
    assert!(sends(&alice));
}

#[test]
fn an_echo_ends_the_waiting_for_its_own_answer_alone() {
    let (mut alice, socket) = Alice::live();
    let carol = person(3);
    let requests: Vec<RequestId> = [(7, person(2)), (8, carol)]
        .map(|(n, to)| {
            let order = Order::Send {
                id: id(n),
                conversation: ConversationId::Direct(to),
                text: "Hello".to_owned(),
            };
            alice.tell(Input::Order(Ticket(1), order));
            alice.asked().0
        })
        .to_vec();
    assert_ne!(requests[0], requests[1], "each request has its own number");
    let mine = |n, receiver| Message {
        sender: person(1),
        receiver,
        ..from_bob(n, 5)
    };
    let rows = rows(vec![mine(7, person(2))]);
    alice.frame(socket, ServerFrame::Rows { uid: None, rows });
    alice.tell(Input::Answered {
        request: requests[1],
        result: Ok(Answer::Created(Some(mine(8, carol)))),
        date: None,
    });
    for n in [7, 8] {
        let kept = store::messages::get(&alice.store, id(n)).unwrap().unwrap();
        assert!(!kept.pending, "{n}");
    }
}

#[test]
fn a_row_that_came_by_itself_ends_its_own_look_up_alone() {
    let (mut alice, socket) = Alice::live();
    let carol = person(3);
    let taken = || {
        Err(Fault::Permanent(Refusal {
            reason: Reason::NotUnique,
            field: None,
            status: 400,
        }))
    };
    let looking = [(7, person(2)), (8, carol)].map(|(n, to)| {
        let order = Order::Send {
            id: id(n),
            conversation: ConversationId::Direct(to),
            text: "Hello".to_owned(),
        };
        alice.tell(Input::Order(Ticket(1), order));
        alice.answer(taken());
        alice.asked().0
    });
    let mine = |n, receiver| Message {
        sender: person(1),
        receiver,
        ..from_bob(n, 5)
    };
    let uid = None;
    let echo = rows(vec![mine(7, person(2))]);
    alice.frame(socket, ServerFrame::Rows { uid, rows: echo });
    alice.tell(Input::Answered {
        request: looking[1],
        result: Ok(Answer::Messages(rows(vec![mine(8, carol)]))),
        date: None,
    });
    let kept = store::messages::get(&alice.store, id(8)).unwrap().unwrap();
    assert!(!kept.pending);
}
