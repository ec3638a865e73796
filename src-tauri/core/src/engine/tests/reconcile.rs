//! What nobody told her: late rows, gone rows, moved rows.

use super::*;

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
    let asked = quietly(&mut alice, nothing);
    assert_eq!(alice.page(), []);
    let day = START - START.rem_euclid(DAY);
    let spans = asked.iter().filter_map(|call| match call {
        Call::Messages(query) => query.until,
        _ => None,
    });
    let spans: BTreeSet<_> = spans.collect();
    assert_eq!(spans, [Instant(day + DAY - 1)].into(), "that day alone");
}

/// What the daily comparison asks beside the last day: all of what is held.
fn whole() -> Call {
    Call::Totals {
        stamps: Stamps::Server,
        since: None,
        groups: crate::directus::call::Groups {
            of: crate::directus::call::Direction::Both,
            offset: 0,
            limit: 10_000,
        },
    }
}

/// Live, with a token that outlasts the test, so many hours after the last comparison.
fn live_for_hours(hours: i64) -> Alice {
    let (mut alice, _) = Alice::live();
    alice.wall += hours * 3_600_000;
    alice.engine.link.token =
        alice
            .engine
            .link
            .token
            .map(|token| crate::engine::connection::Token {
                end: Instant(i64::MAX),
                ..token
            });
    alice
}

fn one_of_bobs(call: &Call) -> Result<Answer, Fault> {
    match call {
        Call::Totals { .. } => Ok(Answer::Totals(vec![Total {
            sender: person(2),
            receiver: person(1),
            count: 1,
            newest: None,
        }])),
        other => nothing(other),
    }
}

#[test]
fn what_is_gone_for_longer_than_a_day_is_found_once_a_day() {
    let mut alice = live_for_hours(23);
    alice.tell(Input::Timer(Timer::Reconcile));
    let asked = quietly(&mut alice, one_of_bobs);
    assert!(!asked.contains(&whole()), "{asked:?}");
    alice.wall += 3 * 3_600_000;
    alice.tell(Input::Timer(Timer::Reconcile));
    let asked = quietly(&mut alice, nothing);
    assert!(asked.contains(&whole()), "{asked:?}");
    let left = store::messages::get(&alice.store, id(1)).unwrap();
    assert_eq!(left, None);
}

#[test]
fn a_daily_comparison_that_gets_no_answer_is_made_again() {
    // The question, the page that repairs, and the row in doubt: each is lost once.
    let lost: [fn(&Call) -> bool; 3] = [
        |call| *call == whole(),
        |call| matches!(call, Call::Messages(query) if query.peer == Some(person(2))),
        |call| matches!(call, Call::Message { .. }),
    ];
    for (number, lost) in lost.into_iter().enumerate() {
        let mut alice = live_for_hours(25);
        alice.tell(Input::Timer(Timer::Reconcile));
        let asked = quietly(&mut alice, |call| match call {
            call if lost(call) => Err(Fault::Network),
            call => nothing(call),
        });
        assert!(asked.iter().any(lost), "{number}: {asked:?}");
        alice.tell(Input::Timer(Timer::Poll));
        quietly(&mut alice, nothing);
        alice.tell(Input::Timer(Timer::Reconcile));
        let asked = quietly(&mut alice, nothing);
        assert!(asked.contains(&whole()), "{number}: {asked:?}");
        let left = store::messages::get(&alice.store, id(1)).unwrap();
        assert_eq!(left, None, "{number}");
        // Answered, it is over for a day.
        alice.tell(Input::Timer(Timer::Reconcile));
        let asked = quietly(&mut alice, nothing);
        assert!(!asked.contains(&whole()), "{number}: {asked:?}");
    }
}

#[test]
fn a_tutorials_week_that_gets_no_answer_is_read_again_at_the_next_comparison() {
    let mut alice = live_for_hours(25);
    alice.engine.stamps = Stamps::Sender;
    let days = |call: &Call| match call {
        Call::Days { .. } => Ok(Answer::Days(vec![DayTotal {
            sender: person(2),
            receiver: person(1),
            day: Instant(START - START.rem_euclid(DAY)),
            count: 1,
        }])),
        Call::Messages(query) if query.peer == Some(person(2)) && query.except.is_empty() => {
            Ok(Answer::Messages(rows(vec![from_bob(1, 0)])))
        }
        other => one_of_bobs(other),
    };
    let week = |call: &Call| matches!(call, Call::Messages(query) if query.peer == Some(person(2)));
    alice.tell(Input::Timer(Timer::Reconcile));
    let asked = quietly(&mut alice, |call| match call {
        call if week(call) => Err(Fault::Network),
        call => days(call),
    });
    assert!(asked.iter().any(week), "{asked:?}");
    alice.tell(Input::Timer(Timer::Poll));
    quietly(&mut alice, days);
    let again = |alice: &mut Alice| {
        alice.tell(Input::Timer(Timer::Reconcile));
        quietly(alice, days).iter().any(week)
    };
    assert!(again(&mut alice));
    assert!(!again(&mut alice));
}

#[test]
fn a_row_that_cannot_be_read_is_not_skipped_again_in_a_later_second() {
    let mut walk = sync::Walk {
        by: crate::directus::call::By::Created,
        peer: None,
        from: Some(Instant(START)),
        until: None,
        except: BTreeSet::new(),
    };
    let mut page = rows(vec![from_bob(1, 5_000)]);
    page.count = 2;
    page.set_aside = vec![crate::directus::call::BadRow {
        id: Some(id(9).to_string()),
        reason: "content",
        at: Some(Instant(START + 1_000)),
    }];
    assert!(walk.advance(&page, Stamps::Sender));
    assert_eq!(walk.except, BTreeSet::from([id(1)]));
    // What was named is not stepped over.
    let from = walk.from;
    let same = rows(vec![from_bob(2, 5_500)]);
    assert!(walk.advance(&same, Stamps::Sender));
    assert_eq!(walk.from, from);
    assert_eq!(walk.except, BTreeSet::from([id(1), id(2)]));
}

#[test]
fn a_message_that_is_given_away_while_it_is_sent_leaves_its_page() {
    let (mut alice, socket) = Alice::live();
    alice.tell(Input::Watching([with_bob()].into()));
    alice.send(7, "for Bob");
    let given = Message {
        sender: person(1),
        receiver: person(3),
        ..from_bob(7, 1_000)
    };
    let frame = ServerFrame::Rows {
        uid: None,
        rows: rows(vec![given]),
    };
    alice.frame(socket, frame);
    let gone = Change::MessageGone {
        conversation: with_bob().to_string(),
        id: id(7).to_string(),
    };
    let told =
        |effect: &Effect| matches!(effect, Effect::Show(_, changes) if changes.contains(&gone));
    assert!(alice.effects.iter().any(told));
    assert!(!alice.page().iter().any(|(text, _)| text == "for Bob"));
}

#[test]
fn a_conversation_whose_only_row_here_goes_stays_in_the_list_with_what_was_before_it() {
    let mut alice = Alice::new();
    let socket = alice.come_online();
    let total = Total {
        sender: person(2),
        receiver: person(1),
        count: 2,
        newest: Some(Instant(START)),
    };
    alice.answer(Ok(Answer::Totals(vec![total])));
    // Only its newest is here when that is deleted.
    alice.answer(Ok(Answer::Messages(rows(vec![from_bob(1, 0)]))));
    let ids = vec![id(1)];
    alice.frame(socket, ServerFrame::Deleted { uid: None, ids });
    let (_, call) = alice.asked();
    let Call::Messages(query) = call else {
        panic!("{call:?}");
    };
    assert_eq!((query.peer, query.ascending), (Some(person(2)), false));
    alice.answer(Ok(Answer::Messages(rows(vec![from_bob(2, -60_000)]))));
    let list = view::conversations(&alice.store, "", None, 50).unwrap();
    assert_eq!(list.conversations.len(), 1);
    assert_eq!(alice.page().len(), 1);
    // And where nothing is before it, it goes.
    quietly(&mut alice, nothing);
    alice.frame(
        socket,
        ServerFrame::Deleted {
            uid: None,
            ids: vec![id(2)],
        },
    );
    let list = view::conversations(&alice.store, "", None, 50).unwrap();
    assert_eq!(list.conversations, []);
}

#[test]
fn a_refused_message_typed_by_a_late_clock_hides_no_conversation_from_the_comparison() {
    let mut alice = Alice::new();
    alice.come_online();
    // The server's clock is two hours ahead of hers.
    let ahead = 2 * 3_600_000;
    let total = || Total {
        sender: person(2),
        receiver: person(1),
        count: 1,
        newest: Some(Instant(START + ahead)),
    };
    // Only the newest comes; of what is before it nothing is to be had.
    let answer = |call: &Call| match call {
        Call::Messages(query) if query.peer.is_some() => Err(Fault::Network),
        Call::Messages(_) => Ok(Answer::Messages(Rows::default())),
        Call::Newest { .. } => Ok(Answer::Messages(rows(vec![from_bob(1, ahead)]))),
        Call::Totals { .. } => Ok(Answer::Totals(vec![total()])),
        Call::People { .. } => Ok(Answer::People {
            people: Vec::new(),
            rows: 0,
        }),
        other => panic!("unexpected {other:?}"),
    };
    quietly(&mut alice, answer);
    alice.send(10, "too long");
    alice.answer(Err(Fault::Permanent(Refusal {
        reason: Reason::TooLarge,
        field: None,
        status: 400,
    })));
    alice.tell(Input::Timer(Timer::Reconcile));
    let asked = quietly(&mut alice, answer);
    let compared = |call: &Call| matches!(call, Call::Totals { since: Some(since), .. } if since.0 == START + ahead);
    assert!(asked.iter().any(compared), "{asked:?}");
}
