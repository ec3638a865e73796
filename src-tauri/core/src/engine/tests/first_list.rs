//! The first list: what is asked for, what counts as read, and where it has gaps.

use super::*;

#[test]
fn several_messages_may_share_the_newest_stamp_of_a_conversation() {
    let mut alice = Alice::new();
    alice.come_online();
    alice.answer(Ok(Answer::Totals(vec![Total {
        sender: person(2),
        receiver: person(1),
        count: 9,
        newest: Some(Instant(START)),
    }])));
    let (_, Call::Newest { limit, .. }) = alice.asked() else {
        panic!("{:?}", alice.asked());
    };
    assert_eq!(limit, 4);
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
fn a_row_that_comes_before_the_first_list_is_on_no_page_until_the_list_is_there() {
    let mut alice = Alice::new();
    alice.tell(Input::Watching([with_bob()].into()));
    let socket = alice.come_online();
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
fn what_comes_after_a_first_list_that_was_broken_off_is_unread() {
    let mut alice = Alice::new();
    alice.come_online();
    let total = |sender, count, newest| Total {
        sender,
        receiver: person(1),
        count,
        newest: Some(Instant(newest)),
    };
    let both = vec![total(person(2), 1, START), total(person(3), 1, START)];
    alice.answer(Ok(Answer::Totals(both)));
    // Bob's newest comes; before Carol's does, the network goes.
    alice.answer(Ok(Answer::Messages(rows(vec![from_bob(1, 0)]))));
    alice.tell(Input::Network(false));
    alice.wall += 60_000;
    alice.tell(Input::Network(true));
    alice.answer(Ok(Answer::Probed));
    let socket = alice.socket_opened();
    alice.tell(Input::Socket(socket, SocketEvent::Opened));
    alice.frame(socket, ServerFrame::AuthOk { uid: None });
    alice.frame(socket, ServerFrame::Init { uid: None });
    let bobs = vec![total(person(2), 2, START + 30_000)];
    alice.answer(Ok(Answer::Totals(bobs)));
    let two = rows(vec![from_bob(2, 30_000), from_bob(1, 0)]);
    alice.answer(Ok(Answer::Messages(two)));
    let list = view::conversations(&alice.store, "", None, 50).unwrap();
    assert_eq!(list.conversations[0].unread, 1);
}

#[test]
fn a_row_newer_than_the_first_list_shows_is_asked_for_by_its_id() {
    let mut alice = Alice::new();
    let socket = alice.come_online();
    let (totals, _) = alice.asked();
    let frame = |message| ServerFrame::Rows {
        uid: None,
        rows: rows(vec![message]),
    };
    // Two came over the socket; the first was deleted before the list was read.
    alice.frame(socket, frame(from_bob(2, -2 * DAY + 1)));
    alice.frame(socket, frame(from_bob(3, -2 * DAY + 2)));
    alice.tell(Input::Answered {
        request: totals,
        result: Ok(Answer::Totals(vec![Total {
            sender: person(2),
            receiver: person(1),
            count: 1,
            newest: Some(Instant(START - 2 * DAY)),
        }])),
        date: None,
    });
    let asked = quietly(&mut alice, |call| match call {
        Call::Newest { .. } => Ok(Answer::Messages(rows(vec![from_bob(1, -2 * DAY)]))),
        Call::Message { id: of, .. } if *of == id(3) => {
            Ok(Answer::Messages(rows(vec![from_bob(3, -2 * DAY + 2)])))
        }
        call => nothing(call),
    });
    let by_id = asked
        .iter()
        .filter(|call| matches!(call, Call::Message { .. }));
    assert_eq!(by_id.count(), 2);
    let texts: Vec<String> = alice.page().into_iter().map(|(text, _)| text).collect();
    assert_eq!(texts, ["text 1", "text 3"]);
}

#[test]
fn a_conversation_whose_newest_row_does_not_come_is_asked_for_alone_and_never_taken_for_new() {
    let mut alice = Alice::new();
    let socket = alice.come_online();
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
fn a_newest_message_that_a_cap_left_out_is_asked_for_again() {
    let mut alice = Alice::new();
    alice.come_online();
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
fn an_oldest_row_whose_id_is_in_capital_letters_ends_its_history() {
    let mut alice = Alice::new();
    alice.come_online();
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
    let socket = alice.come_online();
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
fn where_the_servers_zone_is_not_known_its_stamps_may_lie_ahead_as_far_as_any_zone() {
    let hours = |n: i64| n * 3_600_000;
    for (ahead, cursor) in [(10, 10), (20, 14)] {
        let mut alice = Alice::new();
        alice.come_online();
        alice.engine.stamps = Stamps::Sender;
        let newest = Some(Instant(START + hours(ahead)));
        alice.answer(Ok(Answer::Totals(vec![Total {
            sender: person(2),
            receiver: person(1),
            count: 1,
            newest,
        }])));
        alice.answer(Ok(Answer::Messages(rows(vec![from_bob(1, hours(ahead))]))));
        let kept = facts::instant(&alice.store, facts::CURSOR_CREATED).unwrap();
        assert_eq!(kept, Some(Instant(START + hours(cursor))), "{ahead}");
    }
}
