//! Answers that are larger than can be taken.

use super::*;

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
fn of_two_rows_that_are_too_many_one_is_asked_for_and_of_more_never_one() {
    let halves = [1, 2, 3, 4, 5, 100].map(sync::fewer);
    assert_eq!(halves, [1, 1, 2, 2, 2, 50]);
}

#[test]
fn totals_that_are_too_many_at_once_are_asked_for_in_parts() {
    let (mut alice, _) = Alice::live();
    alice.tell(Input::Timer(Timer::Reconcile));
    let mut limits = Vec::new();
    quietly(&mut alice, |call| match call {
        Call::Totals { groups, .. } if groups.limit > 60 => {
            limits.push(groups.limit);
            Err(Fault::Permanent(Refusal {
                reason: Reason::TooMany,
                field: None,
                status: 400,
            }))
        }
        other => nothing(other),
    });
    assert_eq!(limits, [10_000, 1_000, 100]);
}

#[test]
fn a_row_in_doubt_that_is_too_large_is_there() {
    let (mut alice, socket) = Alice::live();
    let uid = None;
    let rows = rows(vec![from_bob(4, 10)]);
    alice.frame(socket, ServerFrame::Rows { uid, rows });
    alice.tell(Input::Timer(Timer::Reconcile));
    // Of both the server's count says that they are gone.
    let asked = quietly(&mut alice, |call| match call {
        Call::Message { id: large, .. } if *large == id(4) => Err(Fault::Permanent(Refusal {
            reason: Reason::TooLarge,
            field: None,
            status: 200,
        })),
        other => nothing(other),
    });
    let doubts = asked
        .iter()
        .filter(|call| matches!(call, Call::Message { .. }));
    assert_eq!(doubts.count(), 2, "{asked:?}");
    assert_eq!(alice.page().len(), 1);
    let left = store::messages::get(&alice.store, id(4)).unwrap();
    assert!(left.is_some());
    let shown = alice.engine.shown.clone().unwrap();
    assert_eq!(shown.state, ConnectionState::Live);
}

#[test]
fn large_rows_that_share_the_newest_stamp_come_one_at_a_time() {
    let mut alice = Alice::new();
    alice.come_online();
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
fn a_server_that_refuses_so_many_rows_is_asked_for_fewer_and_that_is_remembered() {
    let (mut alice, _) = Alice::live();
    let ask = |alice: &mut Alice| {
        alice.tell(Input::Timer(Timer::Poll));
        let mut limits = Vec::new();
        quietly(alice, |call| {
            let limit = match call {
                Call::Messages(query) => query.limit,
                Call::People { limit, .. } => *limit,
                other => return nothing(other),
            };
            limits.push(limit);
            if limit > 30 {
                return Err(Fault::Permanent(Refusal {
                    reason: Reason::TooMany,
                    field: None,
                    status: 400,
                }));
            }
            nothing(call)
        });
        limits
    };
    assert_eq!(ask(&mut alice), [100, 50, 25, 25]);
    assert_eq!(ask(&mut alice), [25, 25]);
}
