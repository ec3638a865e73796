//! Jumping, walking and what is fetched unasked, against a server that is a list.

use super::*;
use crate::{
    bridge::{Depth, Newer, Page},
    store::held,
};

const MINUTE: i64 = 60_000;

/// Bob's messages on the server, a minute apart, the last one now.
fn server(count: u128) -> Vec<Message> {
    (0..count)
        .map(|n| from_bob(n, (n as i64 + 1 - count as i64) * MINUTE))
        .collect()
}

/// As a Directus answers with its own stamps, fifty rows at most.
fn answer(server: &[Message], call: &Call) -> Answer {
    let Call::Messages(query) = call else {
        return match call {
            Call::Message { id, .. } => Answer::Messages(rows(
                server.iter().filter(|row| row.id == *id).cloned().collect(),
            )),
            Call::Totals { .. } => Answer::Totals(vec![Total {
                sender: person(2),
                receiver: person(1),
                count: server.len() as u64,
                newest: server.last().map(|row| row.stamp),
            }]),
            Call::Newest { .. } => {
                Answer::Messages(rows(server.last().cloned().into_iter().collect()))
            }
            Call::People { .. } => Answer::People {
                people: Vec::new(),
                rows: 0,
            },
            Call::Probe { .. } => Answer::Probed,
            other => panic!("unexpected {other:?}"),
        };
    };
    let mut page: Vec<Message> = server
        .iter()
        .filter(|row| query.from.is_none_or(|from| row.stamp >= from))
        .filter(|row| query.until.is_none_or(|until| row.stamp <= until))
        .filter(|row| !query.except.contains(&row.id))
        .filter(|row| query.by == crate::directus::call::By::Created || row.updated.is_some())
        .cloned()
        .collect();
    page.sort_by_key(|row| (row.stamp, row.id));
    if !query.ascending {
        page.reverse();
    }
    page.truncate(query.limit as usize);
    Answer::Messages(rows(page))
}

/// Pages of history that were asked for, and timers of the job as they were set.
#[derive(Default)]
struct Seen {
    pages: usize,
    pauses: Vec<i64>,
}

impl Alice {
    /// Answers until she has nothing more to ask.
    fn serve(&mut self, server: &[Message]) -> Seen {
        let mut seen = Seen::default();
        for _ in 0..200 {
            for effect in &self.effects {
                if let Effect::SetTimer(Timer::History, pause) = effect {
                    seen.pauses.push(*pause);
                }
            }
            let asked = self.effects.iter().find_map(|effect| match effect {
                Effect::Request(request, call) => Some((*request, call.clone())),
                _ => None,
            });
            let Some((request, call)) = asked else {
                return seen;
            };
            if matches!(&call, Call::Messages(query) if query.peer.is_some()) {
                seen.pages += 1;
            }
            let gone = matches!(&call, Call::Message { id, .. }
                if server.iter().all(|row| row.id != *id));
            let result = if gone {
                permanent(Reason::Forbidden)
            } else {
                Ok(answer(server, &call))
            };
            self.tell(Input::Answered {
                request,
                result,
                date: None,
            });
        }
        panic!("asks without end");
    }

    /// Brought up on a server with these messages, with this depth.
    fn live_on(server: &[Message], depth: Depth) -> Self {
        let mut alice = Self::new();
        facts::set_depth(&alice.store, depth).unwrap();
        alice.come_up(server);
        alice
    }

    fn come_up(&mut self, server: &[Message]) {
        self.come_online();
        self.serve(server);
    }

    fn fetch(&mut self, server: &[Message], anchor: Anchor) -> usize {
        self.tell(Input::Order(Ticket(1), Order::Fetch(with_bob(), anchor)));
        self.serve(server).pages
    }

    fn at(&self, anchor: Anchor) -> Page {
        view::page(&self.store, with_bob(), &anchor, 50)
            .unwrap()
            .unwrap()
    }

    /// Lets the job's timer ring until it sets none; how often it asked.
    fn deepen(&mut self, server: &[Message]) -> Seen {
        let mut all = Seen::default();
        for _ in 0..100 {
            self.tell(Input::Timer(Timer::History));
            let seen = self.serve(server);
            all.pages += seen.pages;
            let on = !seen.pauses.is_empty();
            all.pauses.extend(seen.pauses);
            if !on {
                return all;
            }
        }
        panic!("the job has no end");
    }

    fn held(&self) -> usize {
        let spot = held::newest_from(&self.store, with_bob()).unwrap();
        store::messages::before(&self.store, with_bob(), spot.as_ref(), None, 10_000)
            .unwrap()
            .len()
    }
}

/// Walks from a page to the newest, asking the server where something lacks.
fn walk_to_now(alice: &mut Alice, server: &[Message], from: Anchor) -> Vec<String> {
    let mut page = alice.at(from);
    let mut ids: Vec<String> = page.messages.iter().map(|row| row.id.clone()).collect();
    for _ in 0..100 {
        let end = Anchor::After(page.messages.last().unwrap().sort.clone());
        match page.newer {
            Newer::Newest => return ids,
            Newer::Server => {
                assert_eq!(alice.fetch(server, end.clone()), 1, "one page a step");
            }
            Newer::Held => {}
        }
        page = alice.at(end);
        ids.extend(page.messages.iter().map(|row| row.id.clone()));
    }
    panic!("never came to now");
}

#[test]
fn a_jump_to_a_date_is_a_range_of_its_own_and_walking_joins_it() {
    let server = server(400);
    let mut alice = Alice::live_on(&server, Depth::Messages(0));
    let target = &server[100];
    let jump = Anchor::At(target.stamp.0);
    assert!(alice.at(jump.clone()).messages.is_empty());
    assert_eq!(
        alice.fetch(&server, jump.clone()),
        2,
        "after it, and before it"
    );
    let page = alice.at(jump.clone());
    assert!(
        page.messages
            .iter()
            .any(|row| row.id == target.id.to_string())
    );
    assert_eq!(held::ranges(&alice.store, with_bob()).unwrap().len(), 2);
    let older = view::older(&alice.store, with_bob()).unwrap();
    assert_eq!(older, Older::Server, "not joined by pretence");

    let ids = walk_to_now(&mut alice, &server, jump);
    let from = server
        .iter()
        .position(|row| row.id.to_string() == ids[0])
        .unwrap();
    let wanted: Vec<String> = server[from..]
        .iter()
        .map(|row| row.id.to_string())
        .collect();
    assert_eq!(ids, wanted, "no gap and nothing twice");
    assert_eq!(held::ranges(&alice.store, with_bob()).unwrap().len(), 1);
    for _ in 0..20 {
        alice.tell(Input::Order(Ticket(2), Order::FetchOlder(with_bob())));
        alice.serve(&server);
    }
    assert_eq!(alice.held(), 400);
    assert_eq!(
        view::older(&alice.store, with_bob()).unwrap(),
        Older::Beginning
    );
}

#[test]
fn walking_back_from_a_jump_reaches_the_beginning_of_the_conversation() {
    let server = server(200);
    let mut alice = Alice::live_on(&server, Depth::Messages(0));
    alice.fetch(&server, Anchor::At(server[60].stamp.0));
    let mut page = alice.at(Anchor::At(server[60].stamp.0));
    for _ in 0..20 {
        let Some(first) = page.messages.first() else {
            break;
        };
        let before = Anchor::Before(first.sort.clone());
        match page.older {
            Older::Beginning => break,
            Older::Server => {
                alice.fetch(&server, before.clone());
            }
            Older::Held => {}
        }
        let next = alice.at(before);
        if next.messages.is_empty() {
            assert_eq!(next.older, Older::Beginning);
            break;
        }
        page = next;
    }
    assert_eq!(page.messages[0].id, server[0].id.to_string());
    assert_eq!(held::ranges(&alice.store, with_bob()).unwrap().len(), 2);
}

#[test]
fn a_message_that_is_not_held_is_jumped_to_by_its_id() {
    let server = server(300);
    let mut alice = Alice::live_on(&server, Depth::Messages(0));
    let target = server[50].id.to_string();
    let around = Anchor::Around(target.clone());
    assert!(
        view::page(&alice.store, with_bob(), &around, 50)
            .unwrap()
            .is_none()
    );
    alice.fetch(&server, around.clone());
    let page = alice.at(around);
    let at = page
        .messages
        .iter()
        .position(|row| row.id == target)
        .unwrap();
    assert!(at > 0 && at + 1 < page.messages.len());

    alice.tell(Input::Order(
        Ticket(3),
        Order::Fetch(with_bob(), Anchor::Around(id(9_999).to_string())),
    ));
    alice.serve(&server);
    let told = alice.effects.iter().any(|effect| matches!(effect, Effect::Show(_, changes)
        if changes.iter().any(|change| matches!(change, Change::History { problem: Some(problem), .. }
            if problem.code == Code::Unknown))));
    assert!(told, "{:?}", alice.effects);
}

#[test]
fn history_is_fetched_to_its_depth_a_page_at_a_time_and_then_no_timer_is_left() {
    for (depth, held) in [
        (Depth::Messages(120), 120..=170),
        (Depth::Days(0), 50..=99),
        (Depth::Everything, 500..=500),
        (Depth::Messages(100_000), 500..=500),
    ] {
        let server = server(500);
        let mut alice = Alice::live_on(&server, depth);
        let seen = alice.deepen(&server);
        assert!(held.contains(&alice.held()), "{depth:?}: {}", alice.held());
        assert!(seen.pages <= 10, "{depth:?}: {} pages", seen.pages);
        assert!(
            seen.pauses.iter().all(|pause| *pause >= 2_000),
            "{:?}",
            seen.pauses
        );
    }
    let server = server(500);
    let mut alice = Alice::live_on(&server, Depth::Messages(0));
    alice.tell(Input::Order(Ticket(4), Order::SetDepth(Depth::Everything)));
    assert!(
        alice
            .effects
            .iter()
            .any(|effect| matches!(effect, Effect::SetTimer(Timer::History, _)))
    );
    alice.deepen(&server);
    assert_eq!(alice.held(), 500);
}

#[test]
fn what_is_fetched_unasked_waits_when_it_is_told_to_and_goes_on_after_a_stop() {
    let server = server(300);
    let mut alice = Alice::live_on(&server, Depth::Everything);
    alice.tell(Input::Timer(Timer::History));
    let busy = Fault::Transient {
        retry_after: Some(45_000),
        status: 429,
    };
    alice.answer(Err(busy));
    assert!(
        alice
            .effects
            .contains(&Effect::SetTimer(Timer::History, 45_000))
    );
    let told = alice
        .effects
        .iter()
        .any(|effect| matches!(effect, Effect::Show(..)));
    assert!(!told, "nobody waits for it");
    alice.tell(Input::Timer(Timer::History));
    let (request, call) = alice.asked();
    alice.tell(Input::Answered {
        request,
        result: Ok(answer(&server, &call)),
        date: None,
    });
    let before = alice.held();
    assert!(before < 300);

    alice.engine = Engine::resume(&alice.store, 11).unwrap();
    alice.come_up(&server);
    alice.deepen(&server);
    assert_eq!(alice.held(), 300);
}

#[test]
fn nothing_is_fetched_unasked_while_something_else_is_asked_or_nobody_is_there() {
    let server = server(300);
    let mut alice = Alice::live_on(&server, Depth::Everything);
    alice.tell(Input::Timer(Timer::Reconcile));
    let (request, _) = alice.asked();
    alice.tell(Input::Timer(Timer::History));
    assert!(
        !alice
            .effects
            .iter()
            .any(|effect| matches!(effect, Effect::Request(..)))
    );
    assert!(
        alice
            .effects
            .contains(&Effect::SetTimer(Timer::History, 2_000))
    );
    alice.tell(Input::Network(false));
    assert!(alice.effects.contains(&Effect::StopTimer(Timer::History)));
    alice.tell(Input::Timer(Timer::History));
    assert_eq!(alice.effects, []);
    alice.tell(Input::Answered {
        request,
        result: Err(Fault::Network),
        date: None,
    });
    assert_eq!(alice.effects, []);
}

#[test]
fn a_page_that_is_fetched_unasked_and_then_asked_for_is_asked_for_once() {
    let server = server(300);
    let mut alice = Alice::live_on(&server, Depth::Everything);
    alice.tell(Input::Timer(Timer::History));
    let (request, call) = alice.asked();
    alice.tell(Input::Order(Ticket(5), Order::FetchOlder(with_bob())));
    assert!(
        !alice
            .effects
            .iter()
            .any(|effect| matches!(effect, Effect::Request(..)))
    );
    alice.tell(Input::Answered {
        request,
        result: Ok(answer(&server, &call)),
        date: None,
    });
    let told = alice.effects.iter().any(|effect| {
        matches!(effect, Effect::Show(_, changes)
        if changes.iter().any(|change| matches!(change, Change::History { problem: None, .. })))
    });
    assert!(told, "who asked is told");
}

/// What is told of a conversation's past, last.
fn told(alice: &Alice) -> Option<Option<Code>> {
    let changes = alice.effects.iter().filter_map(|effect| match effect {
        Effect::Show(_, changes) => Some(changes),
        _ => None,
    });
    changes.flatten().rev().find_map(|change| match change {
        Change::History { problem, .. } => Some(problem.as_ref().map(|problem| problem.code)),
        _ => None,
    })
}

fn permanent(reason: Reason) -> Result<Answer, Fault> {
    Err(Fault::Permanent(Refusal {
        reason,
        field: None,
        status: 400,
    }))
}

#[test]
fn a_depth_in_days_is_counted_in_days() {
    // One in twenty minutes, over four days.
    let server: Vec<Message> = (0..288)
        .map(|n| from_bob(n, (n as i64 - 287) * 20 * MINUTE))
        .collect();
    let mut alice = Alice::live_on(&server, Depth::Days(2));
    alice.deepen(&server);
    let held = messages_held(&alice);
    assert!((144..288).contains(&held), "{held}");
}

fn messages_held(alice: &Alice) -> i64 {
    let sql = "SELECT count(*) FROM message";
    alice.store.query_row(sql, [], |row| row.get(0)).unwrap()
}

#[test]
fn nothing_is_asked_for_before_the_beginning() {
    let server = server(10);
    let mut alice = Alice::live_on(&server, Depth::Everything);
    alice.deepen(&server);
    alice.tell(Input::Watching([with_bob()].into()));
    let first = alice.at(Anchor::Newest).messages[0].sort.clone();
    assert_eq!(alice.fetch(&server, Anchor::Before(first)), 0);
}

#[test]
fn what_is_asked_for_around_a_message_is_its_own_conversations() {
    let server = server(10);
    let mut alice = Alice::live_on(&server, Depth::Everything);
    let ask = |alice: &mut Alice, conversation, of: u128| {
        let anchor = Anchor::Around(id(of).to_string());
        alice.tell(Input::Order(Ticket(1), Order::Fetch(conversation, anchor)));
        alice.effects.iter().find_map(|effect| match effect {
            Effect::Reply(_, reply) => Some(reply.as_ref().map(|_| ()).map_err(|p| p.code)),
            _ => None,
        })
    };
    assert_eq!(ask(&mut alice, with_bob(), 3), Some(Ok(())));
    let with_carol = ConversationId::Direct(person(3));
    assert_eq!(ask(&mut alice, with_carol, 3), Some(Err(Code::Unknown)));
}

#[test]
fn a_page_of_the_past_that_is_refused_is_asked_for_smaller_or_says_why() {
    let server = server(200);
    let limit = |alice: &Alice| match alice.asked().1 {
        Call::Messages(query) => query.limit,
        other => panic!("{other:?}"),
    };
    let fetch = |alice: &mut Alice, anchor| {
        alice.tell(Input::Watching([with_bob()].into()));
        alice.tell(Input::Order(Ticket(1), Order::Fetch(with_bob(), anchor)));
    };
    for reason in [Reason::TooLarge, Reason::TooMany] {
        let mut alice = Alice::live_on(&server, Depth::Messages(50));
        fetch(&mut alice, Anchor::Newest);
        let first = limit(&alice);
        alice.answer(permanent(reason));
        assert_eq!(limit(&alice), first / 2, "{reason:?}");
    }
    let mut alice = Alice::live_on(&server, Depth::Messages(50));
    fetch(&mut alice, Anchor::Newest);
    alice.answer(permanent(Reason::Forbidden));
    assert_eq!(told(&alice), Some(Some(Code::NotAllowed)));
    // One that is not there is unknown, whatever the server calls it.
    fetch(&mut alice, Anchor::Around(id(9_999).to_string()));
    alice.answer(permanent(Reason::Forbidden));
    assert_eq!(told(&alice), Some(Some(Code::Unknown)));
}

#[test]
fn a_short_page_is_not_yet_the_beginning() {
    let server = server(100);
    let mut alice = Alice::live_on(&server, Depth::Messages(50));
    alice.tell(Input::Watching([with_bob()].into()));
    alice.tell(Input::Order(
        Ticket(1),
        Order::Fetch(with_bob(), Anchor::Newest),
    ));
    for _ in 0..40 {
        let asked = alice.effects.iter().find_map(|effect| match effect {
            Effect::Request(request, call) => Some((*request, call.clone())),
            _ => None,
        });
        let Some((request, call)) = asked else { break };
        let Answer::Messages(mut page) = answer(&server, &call) else {
            panic!("{call:?}");
        };
        // A server that gives no more than twenty, whatever is asked for.
        page.messages.truncate(20);
        let page = rows(page.messages);
        alice.tell(Input::Answered {
            request,
            result: Ok(Answer::Messages(page)),
            date: None,
        });
    }
    assert_eq!(messages_held(&alice), 100);
}

/// Two of Bob's rows came over the socket, older than all that is held; one of
/// them is on the server no more.
fn two_below_what_is_held(server: &mut Vec<Message>) -> Alice {
    let mut alice = Alice::new();
    facts::set_depth(&alice.store, Depth::Messages(50)).unwrap();
    let socket = alice.come_online();
    alice.serve(server);
    alice.tell(Input::Watching([with_bob()].into()));
    let (gone, there) = (from_bob(900, -80 * MINUTE), from_bob(901, -81 * MINUTE));
    let frame = ServerFrame::Rows {
        uid: None,
        rows: rows(vec![gone, there.clone()]),
    };
    alice.frame(socket, frame);
    server.push(there);
    server.sort_by_key(|row| row.stamp);
    alice
}

/// Which of the two a page shows.
fn of_the_two(page: &Page) -> Vec<&str> {
    page.messages
        .iter()
        .map(|row| row.text.as_str())
        .filter(|text| ["text 900", "text 901"].contains(text))
        .collect()
}

#[test]
fn a_row_in_no_range_that_a_page_does_not_show_is_asked_for_before_it_is_held() {
    let mut server = server(200);
    let mut alice = two_below_what_is_held(&mut server);
    alice.fetch(&server, Anchor::Newest);
    assert_eq!(messages_held(&alice), 101);
    assert_eq!(
        of_the_two(&alice.at(Anchor::Around(id(901).to_string()))),
        ["text 901"]
    );

    // The same where a jump reaches over it, and where what follows does.
    let mut server = self::server(200);
    let mut alice = two_below_what_is_held(&mut server);
    alice.fetch(&server, Anchor::At(START - 80 * MINUTE));
    assert_eq!(
        of_the_two(&alice.at(Anchor::Around(id(901).to_string()))),
        ["text 901"]
    );

    let mut server = self::server(200);
    let mut alice = two_below_what_is_held(&mut server);
    alice.fetch(&server, Anchor::At(START - 140 * MINUTE));
    let last = alice.at(Anchor::At(START - 140 * MINUTE)).messages;
    let last = last.last().unwrap().sort.clone();
    alice.fetch(&server, Anchor::After(last));
    assert_eq!(
        of_the_two(&alice.at(Anchor::Around(id(901).to_string()))),
        ["text 901"]
    );
}

#[test]
fn a_range_with_a_row_in_doubt_is_not_held_while_nothing_is_known_of_it() {
    let mut server = server(200);
    let mut alice = two_below_what_is_held(&mut server);
    let before = alice.held();
    alice.tell(Input::Order(
        Ticket(1),
        Order::Fetch(with_bob(), Anchor::Newest),
    ));
    let (_, call) = alice.asked();
    alice.answer(Ok(answer(&server, &call)));
    assert!(matches!(alice.asked().1, Call::Message { .. }));
    alice.tell(Input::Network(false));
    assert_eq!(alice.held(), before);
}
