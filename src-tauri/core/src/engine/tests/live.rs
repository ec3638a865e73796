//! Rows that come while she is live: once, in their place, and only what is hers.

use super::*;

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
fn what_a_step_shows_of_a_row_is_what_it_has_last_become() {
    let (mut alice, socket) = Alice::live();
    let mine = |n: u128, text: &str, receiver: u128, updated: Option<i64>| Message {
        content: text.to_owned(),
        sender: person(1),
        receiver: person(receiver),
        updated: updated.map(Instant),
        ..from_bob(n, 10)
    };
    alice.tell(Input::Watching([with_bob()].into()));
    // Changed, and given to another, in the step in which it came.
    let rows = rows(vec![
        mine(2, "first", 2, None),
        mine(2, "second", 2, Some(START + 11)),
        mine(3, "to Bob", 2, None),
        mine(3, "to Carol", 3, Some(START + 12)),
    ]);
    let effects = alice.frame(socket, ServerFrame::Rows { uid: None, rows });
    let changes = effects.iter().find_map(|effect| match effect {
        Effect::Show(_, changes) => Some(changes.clone()),
        _ => None,
    });
    let (mut shown, mut gone) = (Vec::new(), Vec::new());
    for change in changes.expect("a patch") {
        match change {
            Change::Message(row) => shown.push(row.text),
            Change::MessageGone { id, .. } => gone.push(id),
            _ => {}
        }
    }
    assert_eq!(shown, ["second"]);
    assert_eq!(gone, [id(3).to_string()]);
    let texts: Vec<_> = alice.page().into_iter().map(|(text, _)| text).collect();
    assert_eq!(texts, ["text 1", "second"]);
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
fn whoever_writes_for_the_first_time_is_asked_for_by_name() {
    let (mut alice, socket) = Alice::live();
    let from_carol = Message {
        sender: person(3),
        ..from_bob(5, 10)
    };
    for (row, wanted) in [(from_bob(4, 9), false), (from_carol, true)] {
        let rows = rows(vec![row]);
        alice.frame(socket, ServerFrame::Rows { uid: None, rows });
        assert_eq!(alice.engine.sync.people_wanted, wanted);
    }
}

#[test]
fn the_past_is_asked_for_only_where_nothing_is_left_of_a_conversation() {
    let mut alice = Alice::new();
    let socket = alice.come_online();
    let total = Total {
        sender: person(2),
        receiver: person(1),
        count: 3,
        newest: Some(Instant(START)),
    };
    alice.answer(Ok(Answer::Totals(vec![total])));
    alice.answer(Ok(Answer::Messages(rows(vec![from_bob(1, 0)]))));
    let uid = None;
    let rows = rows(vec![from_bob(4, 10)]);
    alice.frame(socket, ServerFrame::Rows { uid, rows });
    let asks = |alice: &mut Alice, of| {
        let ids = vec![id(of)];
        alice.frame(socket, ServerFrame::Deleted { uid: None, ids });
        let page = |effect: &Effect| matches!(effect, Effect::Request(_, Call::Messages(_)));
        alice.effects.iter().any(page)
    };
    assert!(!asks(&mut alice, 4));
    assert!(asks(&mut alice, 1));
}

#[test]
fn rows_of_one_socket_are_joined_and_of_two_are_not() {
    let of = |socket, n| {
        let rows = rows(vec![from_bob(n, 0)]);
        let frame = ServerFrame::Rows { uid: None, rows };
        Input::Socket(SocketId(socket), SocketEvent::Frame(frame))
    };
    let mut first = of(1, 1);
    assert!(first.join(of(1, 2)).is_none());
    assert!(first.join(of(2, 3)).is_some());
    let Input::Socket(_, SocketEvent::Frame(ServerFrame::Rows { rows, .. })) = first else {
        panic!("{first:?}");
    };
    assert_eq!((rows.messages.len(), rows.count), (2, 2));
}

#[test]
fn what_is_marked_as_read_is_no_longer_counted() {
    let (mut alice, socket) = Alice::live();
    let rows = rows(vec![from_bob(4, 10)]);
    alice.frame(socket, ServerFrame::Rows { uid: None, rows });
    assert_eq!(view::unread(&alice.store).unwrap(), 1);
    let page = view::page(&alice.store, with_bob(), &Anchor::Newest, 50);
    let last = page.unwrap().unwrap().messages.pop().unwrap();
    let order = Order::MarkRead(with_bob(), last.sort);
    alice.tell(Input::Order(Ticket(1), order));
    assert_eq!(view::unread(&alice.store).unwrap(), 0);
}

#[test]
fn people_are_read_page_by_page_and_i_am_told_apart() {
    let (mut alice, _) = Alice::live();
    alice.engine.sync.people_wanted = true;
    alice.tell(Input::Timer(Timer::Reconcile));
    let (mut offsets, mut told) = (Vec::new(), Vec::new());
    for _ in 0..30 {
        let call = alice.effects.iter().find_map(|effect| match effect {
            Effect::Request(_, call) => Some(call.clone()),
            _ => None,
        });
        let named = |n, name: &str| Person {
            id: person(n),
            name: name.to_owned(),
        };
        let answer = match call {
            None => break,
            Some(Call::People { offset, .. }) => {
                offsets.push(offset);
                Ok(Answer::People {
                    people: vec![named(1, "Alice Liddell"), named(3, "Carol")],
                    rows: if offset == 0 { 2 } else { 0 },
                })
            }
            Some(Call::Totals { .. }) => Ok(Answer::Totals(vec![Total {
                sender: person(2),
                receiver: person(1),
                count: 1,
                newest: None,
            }])),
            Some(other) => nothing(&other),
        };
        for effect in alice.answer(answer) {
            let Effect::Show(_, changes) = effect else {
                continue;
            };
            told.extend(changes.iter().filter_map(|change| match change {
                Change::Person(row) => Some((row.name.clone(), row.is_me)),
                _ => None,
            }));
        }
    }
    assert_eq!(offsets, [0, 2]);
    let expected = [("Alice Liddell", true), ("Carol", false)];
    assert_eq!(told, expected.map(|(name, me)| (name.to_owned(), me)));
}
