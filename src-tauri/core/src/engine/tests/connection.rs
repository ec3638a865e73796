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
    let mut alice = Alice::without_a_socket();
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

fn refused() -> Result<Answer, Fault> {
    Err(Fault::SignIn)
}

fn closes(alice: &Alice) -> bool {
    let close = |effect: &Effect| matches!(effect, Effect::CloseSocket(_));
    alice.effects.iter().any(close)
}

#[test]
fn what_fails_is_tried_again_later_each_time_and_never_in_step() {
    let mut alice = Alice::new();
    alice.start();
    let mut delays = Vec::new();
    for failures in 0..60_u32 {
        alice.answer(Err(Fault::Network));
        let delay = timer(&alice, Timer::Connect).unwrap();
        let most = (500 << failures.min(7)).min(60_000);
        assert!((1..=most).contains(&delay), "{delay} after {failures}");
        delays.push(delay);
        alice.tell(Input::Timer(Timer::Connect));
    }
    let late = delays.split_off(8);
    let different: BTreeSet<_> = late.iter().collect();
    assert!(different.len() > 45, "{late:?}");
    assert!(late.iter().any(|delay| *delay > 40_000), "{late:?}");
    assert!(late.iter().any(|delay| *delay < 20_000), "{late:?}");
}

#[test]
fn a_renewal_that_fails_is_repeated_within_the_grace_and_then_more_slowly() {
    let (mut alice, _) = Alice::live();
    let fail = |alice: &mut Alice, fault| {
        alice.tell(Input::Timer(Timer::Renew));
        let (request, _) = renewals(alice)[0];
        alice.tell(Input::Renewed {
            request,
            result: Err(fault),
        });
        timer(alice, Timer::Renew).unwrap()
    };
    for _ in 0..4 {
        let delay = fail(&mut alice, Fault::Network);
        assert!((500..1_500).contains(&delay), "{delay}");
    }
    let later: Vec<i64> = (0..12).map(|_| fail(&mut alice, Fault::Network)).collect();
    assert!(
        later.iter().all(|delay| (1_001..=61_000).contains(delay)),
        "{later:?}"
    );
    assert!(later.iter().any(|delay| *delay > 5_000), "{later:?}");
    let busy = Fault::Transient {
        retry_after: Some(7_000),
        status: 503,
    };
    assert_eq!(fail(&mut alice, busy), 7_000);
}

#[test]
fn a_token_from_the_keychain_has_its_timers_and_one_that_comes_early_ends_nothing() {
    let mut alice = Alice::new();
    alice.start();
    alice.answer(Ok(Answer::Probed));
    assert_eq!(timer(&alice, Timer::Renew), Some(2_880_000));
    assert_eq!(timer(&alice, Timer::TokenEnd), Some(3_600_000));
    alice.wall += 3_000_000;
    alice.tell(Input::Timer(Timer::TokenEnd));
    assert_eq!(renewals(&alice), []);
    alice.wall += 600_000;
    alice.tell(Input::Timer(Timer::TokenEnd));
    assert_eq!(renewals(&alice).len(), 1);
}

#[test]
fn a_token_that_is_refused_again_and_again_is_not_renewed_without_end() {
    let (mut alice, _) = Alice::live();
    alice.tell(Input::Timer(Timer::Poll));
    alice.answer(refused());
    for _ in 0..3 {
        let (request, _) = renewals(&alice)[0];
        alice.tell(Input::Renewed {
            request,
            result: granted(Credential::Session, 900_000),
        });
        alice.answer(refused());
    }
    assert_eq!(renewals(&alice), []);
    assert!(timer(&alice, Timer::Connect).is_some(), "it waits");
}

#[test]
fn a_refused_authentication_renews_the_token_and_a_late_one_connects_anew() {
    let mut alice = Alice::new();
    alice.start();
    alice.answer(Ok(Answer::Probed));
    let socket = alice.socket_opened();
    alice.tell(Input::Socket(socket, SocketEvent::Opened));
    alice.frame(socket, ServerFrame::AuthFailed { uid: None });
    assert_eq!(renewals(&alice).len(), 1);

    let (mut alice, socket) = Alice::live();
    alice.frame(socket, ServerFrame::AuthFailed { uid: None });
    assert_eq!(renewals(&alice), []);
    assert!(timer(&alice, Timer::Connect).is_some());
}

#[test]
fn silence_is_asked_about_and_what_stays_silent_is_closed() {
    let (mut alice, socket) = Alice::live();
    let asks = |alice: &Alice| {
        let ping =
            |effect: &Effect| matches!(effect, Effect::SendFrame(_, ClientFrame::Ping { .. }));
        alice.effects.iter().any(ping)
    };
    alice.wall += 30_000;
    alice.tell(Input::Timer(Timer::Ping));
    assert!(!asks(&alice), "the server has spoken lately");
    assert_eq!(timer(&alice, Timer::Ping), Some(15_000));
    alice.wall += 15_000;
    alice.tell(Input::Timer(Timer::Ping));
    assert!(asks(&alice));
    assert_eq!(timer(&alice, Timer::Overdue), Some(15_000));
    alice.frame(socket, ServerFrame::Pong { uid: None });
    alice.tell(Input::Timer(Timer::Overdue));
    assert!(!closes(&alice), "it has answered");
    alice.wall += 45_000;
    alice.tell(Input::Timer(Timer::Ping));
    alice.tell(Input::Timer(Timer::Overdue));
    assert!(closes(&alice));
}

#[test]
fn a_handshake_that_hangs_is_given_up_wherever_it_hangs() {
    for frames in 0..3 {
        let mut alice = Alice::new();
        alice.start();
        alice.answer(Ok(Answer::Probed));
        let socket = alice.socket_opened();
        if frames > 0 {
            alice.tell(Input::Socket(socket, SocketEvent::Opened));
        }
        if frames > 1 {
            alice.frame(socket, ServerFrame::AuthOk { uid: None });
        }
        assert_eq!(timer(&alice, Timer::Overdue), Some(15_000), "{frames}");
        alice.tell(Input::Timer(Timer::Overdue));
        assert!(closes(&alice), "{frames}");
        assert!(timer(&alice, Timer::Connect).is_some(), "{frames}");
    }
}

#[test]
fn only_a_connection_without_a_socket_polls() {
    let (mut alice, _) = Alice::live();
    alice.tell(Input::Timer(Timer::Poll));
    quietly(&mut alice, nothing);
    assert_eq!(timer(&alice, Timer::Poll), None);

    let mut alice = Alice::without_a_socket();
    let mut polls = Vec::new();
    for _ in 0..30 {
        polls.extend(timer(&alice, Timer::Poll));
        let call = alice.effects.iter().find_map(|effect| match effect {
            Effect::Request(_, call) => Some(call.clone()),
            _ => None,
        });
        let Some(call) = call else { break };
        alice.answer(nothing(&call));
    }
    assert_eq!(polls, [5_000]);
}

#[test]
fn a_spare_that_died_does_not_matter_while_the_session_lives() {
    let (mut alice, _) = Alice::live();
    facts::set_instant(
        &alice.store,
        facts::SPARE_RENEWED,
        Instant(alice.wall - DAY),
    )
    .unwrap();
    alice.tell(Input::Timer(Timer::RenewSpare));
    let [(request, Credential::Spare)] = renewals(&alice)[..] else {
        panic!("one renewal, of the spare");
    };
    alice.tell(Input::Renewed {
        request,
        result: Err(Fault::SignIn),
    });
    assert_eq!(renewals(&alice), []);
    assert!(!closes(&alice));
    alice.tell(Input::Timer(Timer::RenewSpare));
    assert_eq!(renewals(&alice), [], "nor is it asked for again");
}

fn refused_for(reason: Reason) -> Fault {
    Fault::Permanent(Refusal {
        reason,
        field: None,
        status: 400,
    })
}

#[test]
fn a_session_that_is_refused_for_good_is_followed_by_the_spare() {
    let mut alice = Alice::new();
    alice.tell(Input::Start(Sessions {
        session: Some(Instant(START - 1)),
        spare: true,
    }));
    let (request, _) = renewals(&alice)[0];
    alice.tell(Input::Renewed {
        request,
        result: Err(refused_for(Reason::Other)),
    });
    assert_eq!(renewals(&alice)[0].1, Credential::Spare);
}

#[test]
fn only_what_is_forbidden_means_that_there_is_no_chat() {
    let shown = |reason| {
        let mut alice = Alice::new();
        alice.start();
        alice.answer(Err(refused_for(reason)));
        alice.engine.shown.clone().unwrap().state
    };
    assert_eq!(shown(Reason::Other), ConnectionState::Waiting);
    let mut alice = Alice::new();
    alice.start();
    // Of its own stamps first, then as the tutorial has it.
    alice.answer(Err(refused_for(Reason::Forbidden)));
    alice.answer(Err(refused_for(Reason::Forbidden)));
    let shown = alice.engine.shown.clone().unwrap();
    assert_eq!(shown.state, ConnectionState::NotProvisioned);
}

#[test]
fn the_socket_is_tried_again_after_twelve_polls() {
    let mut alice = Alice::without_a_socket();
    quietly(&mut alice, nothing);
    let mut polls = 0;
    loop {
        alice.tell(Input::Timer(Timer::Poll));
        let connects = |effect: &Effect| matches!(effect, Effect::Request(_, Call::Probe { .. }));
        if alice.effects.iter().any(connects) {
            break;
        }
        polls += 1;
        assert!(polls < 50);
        quietly(&mut alice, nothing);
    }
    assert_eq!(polls, 12);
}

#[test]
fn what_went_wrong_before_is_not_told_of_a_connection_that_is_being_made() {
    let mut alice = Alice::new();
    alice.start();
    alice.answer(Err(Fault::Network));
    let shown = alice.engine.shown.clone().unwrap();
    assert_eq!(shown.state, ConnectionState::Waiting);
    assert!(shown.problem.is_some());
    alice.tell(Input::Timer(Timer::Connect));
    let shown = alice.engine.shown.clone().unwrap();
    assert_eq!(shown.state, ConnectionState::Connecting);
    assert_eq!(shown.problem, None);
}

#[test]
fn nothing_is_asked_with_a_token_that_has_ended() {
    let (mut alice, _) = Alice::live();
    alice.wall += 3_600_001;
    alice.tell(Input::Timer(Timer::Reconcile));
    let asks = |effect: &Effect| matches!(effect, Effect::Request(..));
    assert!(!alice.effects.iter().any(asks), "{:?}", alice.effects);
}
