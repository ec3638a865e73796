//! Blocks, reports and terms: promises that are kept here and told once.

use super::*;
use crate::{
    bridge::{BlockReach, ReportReason, Safety},
    directus::safety::{Ask, Owner, Told},
};

fn whole_schema() -> Owner {
    Owner {
        version: Some(3),
        contact: Some("mailto:owner@example.com".to_owned()),
        terms: None,
    }
}

fn refused(reason: Reason) -> Result<Answer, Fault> {
    Err(Fault::Permanent(Refusal {
        reason,
        field: None,
        status: 403,
    }))
}

fn told(told: Told) -> Result<Answer, Fault> {
    Ok(Answer::Safety(told))
}

impl Alice {
    /// Live, and asking about people; `self.effects` holds the first question.
    fn careful() -> (Self, SocketId) {
        let (mut alice, socket) = Self::live();
        alice.engine = alice.engine.with_safety();
        alice.tell(Input::Watching(BTreeSet::new()));
        (alice, socket)
    }

    /// The same on a server with the whole schema, where nobody is blocked.
    fn on_a_whole_server() -> (Self, SocketId) {
        let (mut alice, socket) = Self::careful();
        assert_eq!(alice.ask(), Ask::Owner { addresses: true });
        alice.answer(told(Told::Owner(whole_schema())));
        assert_eq!(alice.ask(), Ask::Blocks);
        alice.answer(told(Told::Blocks(Vec::new())));
        assert!(!alice.asks(), "nothing waits");
        (alice, socket)
    }

    fn ask(&self) -> Ask {
        match self.asked().1 {
            Call::Safety(ask) => ask,
            other => panic!("not about people: {other:?}"),
        }
    }

    fn asks(&self) -> bool {
        self.effects
            .iter()
            .any(|effect| matches!(effect, Effect::Request(..)))
    }

    fn block(&mut self, wanted: bool, key: u128) -> Result<(), Code> {
        let order = Order::Block(person(2), wanted, Uuid::from_u128(key));
        self.order(order)
    }

    fn order(&mut self, order: Order) -> Result<(), Code> {
        self.tell(Input::Order(Ticket(9), order));
        let answer = self.effects.iter().find_map(|effect| match effect {
            Effect::Reply(Ticket(9), answer) => Some(answer.clone()),
            _ => None,
        });
        answer
            .expect("an answer")
            .map(drop)
            .map_err(|problem| problem.code)
    }

    /// Comes online and answers what is asked until nothing is; these are
    /// blocked on the server.
    fn catch_up(&mut self, blocked: &[PersonId]) -> Vec<Call> {
        self.come_online();
        let mut asked = Vec::new();
        // Who is asked what in one step is asked in turn.
        let mut waiting: Vec<(RequestId, Call)> = self.requests();
        while let Some((request, call)) = waiting.pop() {
            let result = match &call {
                Call::Safety(Ask::Owner { .. }) => told(Told::Owner(whole_schema())),
                Call::Safety(Ask::Blocks) => told(Told::Blocks(blocked.to_vec())),
                Call::Safety(_) => told(Told::Done),
                other => nothing(other),
            };
            asked.push(call);
            self.tell(Input::Answered {
                request,
                result,
                date: None,
            });
            waiting.extend(self.requests());
            assert!(asked.len() < 40, "{asked:?}");
        }
        asked
    }

    fn requests(&self) -> Vec<(RequestId, Call)> {
        let requests = self.effects.iter().filter_map(|effect| match effect {
            Effect::Request(request, call) => Some((*request, call.clone())),
            _ => None,
        });
        requests.collect()
    }

    fn safety(&self) -> Safety {
        view::safety::safety(&self.store).unwrap()
    }

    fn listed(&self) -> usize {
        let list = view::conversations(&self.store, "", None, 50).unwrap();
        list.conversations.len()
    }

    fn hear_from_bob(&mut self, socket: SocketId, n: u128) -> bool {
        let rows = rows(vec![from_bob(n, 1_000 * i64::try_from(n).unwrap())]);
        self.frame(socket, ServerFrame::Rows { uid: None, rows });
        self.effects
            .iter()
            .any(|effect| matches!(effect, Effect::Notify(Notice::Arrived(_))))
    }
}

fn report(about: Option<u128>, message: Option<u128>, reason: ReportReason) -> Order {
    Order::Report(NewReport {
        id: Uuid::from_u128(0x7000),
        about: about.map(person),
        message: message.map(id),
        reason,
        comment: "words".to_owned(),
        with_text: true,
    })
}

#[test]
fn a_blocked_person_is_in_no_list_and_no_notice_and_comes_back_with_everything() {
    let (mut alice, socket) = Alice::on_a_whole_server();
    assert!(alice.hear_from_bob(socket, 3));
    assert_eq!(
        (alice.listed(), view::unread(&alice.store).unwrap()),
        (1, 1)
    );
    alice.block(true, 50).unwrap();
    let gone = alice.effects.iter().any(|effect| {
        matches!(effect, Effect::Show(_, changes) if changes.iter().any(|change| {
            matches!(change, Change::Conversation(row) if row.blocked)
        }) && changes.contains(&Change::Unread(0)))
    });
    assert!(gone, "the page is told: {:?}", alice.effects);
    assert_eq!(
        (alice.listed(), view::unread(&alice.store).unwrap()),
        (0, 0)
    );
    assert!(!alice.hear_from_bob(socket, 4), "no notice");
    assert_eq!(alice.page().len(), 3, "nothing is deleted");
    alice.block(false, 51).unwrap();
    assert_eq!(
        (alice.listed(), view::unread(&alice.store).unwrap()),
        (1, 2)
    );
    assert!(alice.hear_from_bob(socket, 5));
}

#[test]
fn a_block_is_told_once_with_the_same_key_however_often_it_is_tried() {
    let (mut alice, _) = Alice::on_a_whole_server();
    alice.block(true, 50).unwrap();
    let wanted = Ask::Block {
        key: Uuid::from_u128(50),
        me: person(1),
        person: person(2),
    };
    assert_eq!(alice.ask(), wanted);
    let (first, _) = alice.asked();
    assert_eq!(alice.safety().blocked[0].reach, BlockReach::Waiting);
    alice.block(true, 51).unwrap();
    assert!(!alice.asks(), "blocked already");
    alice.tell(Input::Answered {
        request: first,
        result: Err(Fault::Network),
        date: None,
    });
    assert!(!alice.asks(), "later");
    alice.wall += 61_000;
    alice.tell(Input::Timer(Timer::Safety));
    assert_eq!(alice.ask(), wanted);
    alice.answer(refused(Reason::NotUnique));
    assert!(!alice.asks());
    assert_eq!(alice.safety().blocked[0].reach, BlockReach::Server);
}

#[test]
fn what_was_blocked_without_a_connection_is_told_when_there_is_one_also_by_a_new_engine() {
    let (mut alice, _) = Alice::on_a_whole_server();
    alice.tell(Input::Network(false));
    alice.block(true, 50).unwrap();
    assert!(!alice.asks());
    assert_eq!(alice.listed(), 0);
    alice.engine = Engine::resume(&alice.store, 8).unwrap().with_safety();
    // The list was asked for before the block was told: it must stand.
    let asked = alice.catch_up(&[]);
    let blocks = asked.iter().filter(
        |call| matches!(call, Call::Safety(Ask::Block { key, .. }) if *key == Uuid::from_u128(50)),
    );
    assert_eq!(blocks.count(), 1, "{asked:?}");
    assert_eq!(alice.safety().blocked[0].reach, BlockReach::Server);
}

#[test]
fn the_servers_list_is_right_about_everything_that_does_not_wait() {
    let (mut alice, _) = Alice::careful();
    alice.answer(told(Told::Owner(whole_schema())));
    // Blocked on another device.
    alice.answer(told(Told::Blocks(vec![person(2)])));
    assert_eq!(alice.listed(), 0);
    assert_eq!(alice.safety().blocked[0].name, "Bob");
    // Lifted there, while she was away.
    alice.tell(Input::Network(false));
    alice.engine = Engine::resume(&alice.store, 8).unwrap().with_safety();
    alice.catch_up(&[]);
    assert_eq!(alice.safety().blocked, []);
}

#[test]
fn an_unblocking_takes_every_row_away_and_a_change_of_mind_meanwhile_waits() {
    let (mut alice, _) = Alice::on_a_whole_server();
    alice.block(true, 50).unwrap();
    alice.answer(told(Told::Done));
    alice.block(false, 51).unwrap();
    assert_eq!(alice.ask(), Ask::Unblock { person: person(2) });
    let (lifting, _) = alice.asked();
    alice.block(true, 52).unwrap();
    assert!(!alice.asks(), "one at a time");
    alice.tell(Input::Answered {
        request: lifting,
        result: told(Told::Done),
        date: None,
    });
    assert!(matches!(alice.ask(), Ask::Block { key, .. } if key == Uuid::from_u128(52)));
    alice.answer(told(Told::Done));
    assert_eq!(alice.safety().blocked[0].reach, BlockReach::Server);
}

#[test]
fn on_a_plain_server_a_block_is_of_this_device_and_no_report_is_taken() {
    let (mut alice, _) = Alice::careful();
    alice.answer(refused(Reason::Forbidden));
    assert_eq!(alice.ask(), Ask::Owner { addresses: false });
    alice.answer(refused(Reason::Forbidden));
    alice.block(true, 50).unwrap();
    assert!(!alice.asks(), "there is nobody to tell");
    let safety = alice.safety();
    assert_eq!(safety.blocked[0].reach, BlockReach::Device);
    assert!(!safety.blocks_on_server && !safety.reports_on_server);
    assert_eq!(alice.listed(), 0);
    let report = report(Some(2), None, ReportReason::Spam);
    assert_eq!(alice.order(report), Err(Code::ReportsMissing));
    alice.block(false, 51).unwrap();
    assert_eq!((alice.listed(), alice.safety().blocked.len()), (1, 0));
}

#[test]
fn where_nothing_waits_no_step_looks_for_it_again() {
    let (mut alice, socket) = Alice::on_a_whole_server();
    // Written beside the engine, which would find it if it looked.
    alice
        .store
        .execute(
            "INSERT INTO report (id, reason, comment, state)
             VALUES ('00000000-0000-0000-0000-000000000001', 'spam', '', 'waiting')",
            [],
        )
        .unwrap();
    alice.hear_from_bob(socket, 3);
    assert!(!alice.asks());
    alice
        .order(report(Some(2), None, ReportReason::Spam))
        .unwrap();
    assert!(alice.asks(), "an order looks");
}

#[test]
fn before_reports_there_were_blocks() {
    let (mut alice, _) = Alice::careful();
    alice.answer(refused(Reason::Forbidden));
    alice.answer(told(Told::Owner(Owner {
        version: Some(2),
        ..Owner::default()
    })));
    assert_eq!(alice.ask(), Ask::Blocks);
    assert!(!alice.safety().reports_on_server);
}

#[test]
fn a_report_is_kept_and_sent_once_with_the_copy_that_is_held_here() {
    let (mut alice, _) = Alice::on_a_whole_server();
    alice
        .order(report(None, Some(1), ReportReason::Threats))
        .unwrap();
    let Ask::Report { me, report: sent } = alice.ask() else {
        panic!("{:?}", alice.effects);
    };
    assert_eq!((me, sent.about), (person(1), Some(person(2))));
    assert_eq!(sent.copy.as_deref(), Some("text 1"));
    assert_eq!(alice.safety().reports_waiting, 1);
    alice.answer(Err(Fault::Transient {
        retry_after: Some(2_000),
        status: 503,
    }));
    alice.wall += 2_000;
    alice.tell(Input::Timer(Timer::Safety));
    assert!(matches!(alice.ask(), Ask::Report { report, .. } if report == sent));
    alice.answer(told(Told::Done));
    assert!(!alice.asks());
    let safety = alice.safety();
    assert_eq!((safety.reports_waiting, safety.reports_refused), (0, 0));
    // A refused one is kept and said, and not tried for ever.
    alice
        .order(report(Some(2), None, ReportReason::Other))
        .unwrap();
    alice.answer(refused(Reason::Forbidden));
    assert!(!alice.asks());
    assert_eq!(alice.safety().reports_refused, 1);
}

#[test]
fn a_report_is_about_somebody_else_and_a_wish_to_be_deleted_about_nobody() {
    let (mut alice, _) = Alice::on_a_whole_server();
    for wrong in [
        report(None, None, ReportReason::Spam),
        report(Some(1), None, ReportReason::Spam),
        report(None, Some(77), ReportReason::Spam),
        report(Some(2), None, ReportReason::AccountDeletion),
    ] {
        assert_eq!(alice.order(wrong), Err(Code::Unknown));
    }
    assert_eq!(alice.safety().deletion_asked, None);
    alice
        .order(report(None, None, ReportReason::AccountDeletion))
        .unwrap();
    assert!(matches!(alice.ask(), Ask::Report { report, .. } if report.about.is_none()));
    assert_eq!(alice.safety().deletion_asked, Some(START));
}

#[test]
fn nobody_blocks_themselves_or_somebody_who_is_not_there() {
    let (mut alice, _) = Alice::on_a_whole_server();
    for nobody in [1, 99] {
        let order = Order::Block(person(nobody), true, Uuid::nil());
        assert_eq!(alice.order(order), Err(Code::Unknown));
    }
}

#[test]
fn terms_are_accepted_in_the_version_that_was_shown() {
    let (mut alice, _) = Alice::on_a_whole_server();
    assert_eq!(alice.safety().accepted, None);
    let other = Order::AcceptTerms(product::TERMS + 1);
    assert_eq!(alice.order(other), Err(Code::TermsNeeded));
    assert_eq!(alice.safety().accepted, None);
    alice.order(Order::AcceptTerms(product::TERMS)).unwrap();
    let accepted = alice.safety().accepted.unwrap();
    assert_eq!((accepted.version, accepted.at), (product::TERMS, START));
}
