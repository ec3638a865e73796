//! Tokens, sockets and sleep.

use super::*;

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

/// The renewals that were asked for last, and when a timer is due.
fn renewals(alice: &Alice) -> Vec<(RequestId, Credential)> {
    let renewal = |effect: &Effect| match effect {
        Effect::Renew(request, credential) => Some((*request, *credential)),
        _ => None,
    };
    alice.effects.iter().filter_map(renewal).collect()
}

fn timer(alice: &Alice, wanted: Timer) -> Option<i64> {
    alice.effects.iter().rev().find_map(|effect| match effect {
        Effect::SetTimer(timer, delay) if *timer == wanted => Some(*delay),
        _ => None,
    })
}

fn granted(credential: Credential, lifetime: i64) -> Result<Granted, Fault> {
    Ok(Granted {
        credential,
        lifetime,
    })
}

#[test]
fn a_token_is_renewed_at_four_fifths_of_its_life_and_refused_at_its_end() {
    let (mut alice, socket) = Alice::live();
    alice.tell(Input::Timer(Timer::Renew));
    let [(request, Credential::Session)] = renewals(&alice)[..] else {
        panic!("one renewal, of the session");
    };
    alice.tell(Input::Timer(Timer::Renew));
    assert_eq!(renewals(&alice), [], "one at a time");
    alice.tell(Input::Renewed {
        request,
        result: granted(Credential::Session, 10_000),
    });
    assert_eq!(timer(&alice, Timer::Renew), Some(8_000));
    assert_eq!(timer(&alice, Timer::TokenEnd), Some(10_000));
    let again = |effect: &Effect| matches!(effect, Effect::Authenticate(to, _) if *to == socket);
    assert!(alice.effects.iter().any(again), "on the same socket");
}

#[test]
fn a_spare_is_renewed_once_a_day_when_a_catch_up_has_shown_that_the_way_is_good() {
    let (mut alice, _) = Alice::live();
    alice.engine.link.token = Some(crate::engine::connection::Token {
        end: Instant(START + 9 * DAY),
        lifetime: 9 * DAY,
    });
    let look_in = |alice: &mut Alice| {
        alice.tell(Input::Timer(Timer::Poll));
        let mut asked = Vec::new();
        for _ in 0..30 {
            asked.extend(renewals(alice));
            let call = alice.effects.iter().find_map(|effect| match effect {
                Effect::Request(_, call) => Some(call.clone()),
                _ => None,
            });
            let Some(call) = call else { break };
            alice.answer(nothing(&call));
        }
        asked
    };
    // A minute a day, or an hour: a day must have gone by.
    alice.wall += 23 * 3_600_000;
    assert_eq!(look_in(&mut alice), []);
    alice.wall += 3_600_000;
    let [(request, Credential::Spare)] = look_in(&mut alice)[..] else {
        panic!("one renewal, of the spare");
    };
    alice.tell(Input::Renewed {
        request,
        result: Err(Fault::Network),
    });
    assert_eq!(timer(&alice, Timer::RenewSpare), Some(600_000));
    alice.tell(Input::Timer(Timer::RenewSpare));
    let [(request, Credential::Spare)] = renewals(&alice)[..] else {
        panic!("tried again");
    };
    alice.tell(Input::Renewed {
        request,
        result: granted(Credential::Spare, 900_000),
    });
    assert_eq!(timer(&alice, Timer::RenewSpare), Some(DAY));
    alice.wall += DAY - 1;
    alice.tell(Input::Timer(Timer::RenewSpare));
    assert_eq!(renewals(&alice), []);
    assert_eq!(timer(&alice, Timer::RenewSpare), Some(1));
    // Without a network nothing is asked; the next catch-up does.
    alice.wall += 1;
    alice.tell(Input::Network(false));
    alice.tell(Input::Timer(Timer::RenewSpare));
    assert_eq!(renewals(&alice), []);
}
