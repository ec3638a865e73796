//! The model Directus does what the real one was measured to do.

use serde_json::{Value, json};
use whinchat_core::model::{PersonId, Stamps};
use whinchat_sim::{
    rng::Rng,
    server::{
        Account, Act, Database, Deed, Exchange, GRACE, Lifetimes, Method, Request, Response,
        Server, Settings, SocketKey,
    },
};

const ALICE: u128 = 1;
const BOB: u128 = 2;
const CAROL: u128 = 3;
const SOCKET: SocketKey = SocketKey(1);

fn person(n: u128) -> PersonId {
    PersonId::new(uuid::Uuid::from_u128(n))
}

struct Test {
    server: Server,
    now: i64,
    due: Vec<(i64, Deed)>,
    frames: Vec<(SocketKey, Value)>,
    closed: Vec<SocketKey>,
    answers: Vec<Response>,
}

impl Test {
    fn of(stamps: Stamps, twelve: bool) -> Self {
        let mut server = Server::new(
            Settings {
                stamps,
                zone: -5 * 3_600_000,
                database: Database::Sqlite,
                twelve,
                limit_max: 1000,
                payload_max: 1 << 20,
                heartbeat: 30_000,
                lifetimes: Lifetimes {
                    session: 60_000,
                    access: 30_000,
                    refresh: 86_400_000,
                },
                skews: vec![0],
            },
            Rng::new(1),
        );
        for (n, name) in [(ALICE, "Alice"), (BOB, "Bob"), (CAROL, "Carol")] {
            let account = Account {
                first: name.to_owned(),
                last: "Test".to_owned(),
                admin: false,
                active: true,
                listed: true,
                blocks_all: false,
            };
            server.people.insert(person(n), account);
        }
        Self {
            server,
            now: 0,
            due: Vec::new(),
            frames: Vec::new(),
            closed: Vec::new(),
            answers: Vec::new(),
        }
    }

    fn take(&mut self, acts: Vec<Act>) {
        for act in acts {
            match act {
                Act::Later(ms, deed) => self.due.push((self.now + ms, deed)),
                Act::Answer(_, _, response) => self.answers.push(response),
                Act::Frame(key, text) => {
                    self.frames
                        .push((key, serde_json::from_str(&text).unwrap()));
                }
                Act::Close(key) => self.closed.push(key),
                Act::Huge(_) | Act::CountSocket(..) | Act::CountRequest(..) | Act::Committed(_) => {
                }
            }
        }
    }

    /// Lets this much time pass.
    fn pass(&mut self, ms: i64) {
        let end = self.now + ms;
        loop {
            self.due.sort_by_key(|(at, _)| *at);
            if self.due.first().is_none_or(|(at, _)| *at > end) {
                break;
            }
            let (at, deed) = self.due.remove(0);
            self.now = at;
            let acts = self.server.deed(at, deed);
            self.take(acts);
        }
        self.now = end;
    }

    fn ask(
        &mut self,
        method: Method,
        path: &str,
        query: &[(&str, &str)],
        body: Option<Value>,
        token: &str,
    ) {
        let request = Request {
            method,
            path: path.to_owned(),
            query: query
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect(),
            body,
            bearer: Some(token.to_owned()),
            cookie: None,
        };
        let acts = self.server.request(self.now, 0, Exchange(0), &request);
        self.take(acts);
    }

    fn read(&mut self, query: &[(&str, &str)], token: &str) -> Response {
        self.ask(Method::Get, "/items/chat_messages", query, None, token);
        self.answers.pop().unwrap()
    }

    fn post(&mut self, id: u128, from: u128, to: u128, token: &str) -> Response {
        let body = json!({
            "id": uuid::Uuid::from_u128(id).to_string(), "content": "hello",
            "sender_id": person(from), "receiver_id": person(to),
            "timestamp": "2026-11-23T12:00:00.123Z",
        });
        self.ask(Method::Post, "/items/chat_messages", &[], Some(body), token);
        self.pass(100);
        self.answers.pop().unwrap()
    }

    fn session(&mut self, who: u128) -> String {
        self.server.sessions.open_session(person(who), self.now)
    }

    fn frame(&mut self, frame: &Value) {
        let acts = self
            .server
            .socket_frame(self.now, SOCKET, &frame.to_string());
        self.take(acts);
    }

    fn open(&mut self, token: &str) {
        let acts = self.server.socket_open(SOCKET, 0);
        self.take(acts);
        self.frame(&json!({"type": "auth", "access_token": token, "uid": "a"}));
        self.frame(&json!({"type": "subscribe", "collection": "chat_messages", "uid": "m",
            "query": {"limit": 0, "fields": ["id", "content"], "filter": {"_or": [
                {"sender_id": {"_eq": "$CURRENT_USER"}}, {"receiver_id": {"_eq": "$CURRENT_USER"}}]}}}));
    }

    fn events(&self) -> usize {
        self.frames
            .iter()
            .filter(|(_, frame)| frame["event"] == "create")
            .count()
    }
}

fn code(response: &Response) -> (u16, &str) {
    (
        response.status,
        response.body["errors"][0]["extensions"]["code"]
            .as_str()
            .unwrap_or(""),
    )
}

#[test]
fn the_same_id_again_is_refused_whoever_posts_it() {
    let mut t = Test::of(Stamps::Server, false);
    let (alice, bob) = (t.session(ALICE), t.session(BOB));
    assert_eq!(t.post(9, ALICE, BOB, &alice).status, 200);
    for (who, token) in [(ALICE, &alice), (BOB, &bob)] {
        let again = t.post(9, who, BOB, token);
        assert_eq!(code(&again), (400, "RECORD_NOT_UNIQUE"));
    }
    assert_eq!(t.server.rows.all.len(), 1);
}

#[test]
fn what_is_wrong_with_a_message_is_told_by_its_code() {
    let mut t = Test::of(Stamps::Server, false);
    let alice = t.session(ALICE);
    let other_sender = t.post(1, BOB, ALICE, &alice);
    assert_eq!(code(&other_sender), (400, "FAILED_VALIDATION"));
    let nobody = t.post(2, ALICE, 77, &alice);
    assert_eq!(code(&nobody), (400, "INVALID_FOREIGN_KEY"));
    assert_eq!(
        code(&t.post(3, ALICE, BOB, "nonsense")),
        (401, "INVALID_CREDENTIALS")
    );
    t.pass(61_000);
    assert_eq!(code(&t.post(4, ALICE, BOB, &alice)), (401, "TOKEN_EXPIRED"));
    assert!(t.server.rows.all.is_empty());
}

#[test]
fn a_row_is_stamped_before_its_commit_and_seen_after_it() {
    let mut t = Test::of(Stamps::Server, false);
    let alice = t.session(ALICE);
    t.server.weather.slow_commit = 16_000;
    let body = json!({"content": "slow", "receiver_id": person(BOB)});
    t.ask(
        Method::Post,
        "/items/chat_messages",
        &[],
        Some(body),
        &alice,
    );
    assert_eq!(t.read(&[], &alice).body["data"], json!([]));
    t.pass(17_000);
    let rows = t.read(&[("fields", "date_created,date_updated")], &alice);
    assert_eq!(
        rows.body["data"][0]["date_created"],
        "2026-11-23T08:00:00.000Z"
    );
    assert_eq!(rows.body["data"][0]["date_updated"], Value::Null);
}

#[test]
fn a_killed_server_forgets_what_was_not_committed() {
    let mut t = Test::of(Stamps::Server, false);
    let alice = t.session(ALICE);
    let body = json!({"content": "never", "receiver_id": person(BOB)});
    t.ask(
        Method::Post,
        "/items/chat_messages",
        &[],
        Some(body),
        &alice,
    );
    t.server.kill(0);
    t.server.start(0);
    t.pass(1_000);
    assert!(t.server.rows.all.is_empty() && t.answers.is_empty());
}

#[test]
fn a_date_time_is_moved_to_the_servers_zone_and_hides_its_milliseconds() {
    let mut t = Test::of(Stamps::Sender, false);
    let alice = t.session(ALICE);
    t.post(1, ALICE, BOB, &alice);
    let all = t.read(&[("fields", "timestamp")], &alice);
    assert_eq!(all.body["data"][0]["timestamp"], "2026-11-23T07:00:00");
    let exact = r#"{"timestamp":{"_eq":"2026-11-23T07:00:00"}}"#;
    assert_eq!(t.read(&[("filter", exact)], &alice).body["data"], json!([]));
    let day = t.read(
        &[
            ("aggregate[count]", "*"),
            ("groupBy[]", "sender_id,day(timestamp)"),
        ],
        &alice,
    );
    assert_eq!(
        day.body["data"],
        json!([{"sender_id": person(ALICE), "timestamp_day": 23, "count": 1}])
    );
}

#[test]
fn queries_that_directus_refuses_are_refused() {
    let mut t = Test::of(Stamps::Sender, false);
    let alice = t.session(ALICE);
    for filter in [
        r#"{"id":{"_nin":[]}}"#,
        r#"{"id":{"_lt":"00000000-0000-0000-0000-000000000001"}}"#,
    ] {
        assert_eq!(
            code(&t.read(&[("filter", filter)], &alice)),
            (400, "INVALID_QUERY")
        );
    }
    let more = t.read(&[("limit", "1001")], &alice);
    assert_eq!(code(&more), (400, "INVALID_QUERY"), "it is not lowered");
    let field = t.read(&[("fields", "date_created")], &alice);
    assert_eq!(code(&field), (403, "FORBIDDEN"));
    assert_eq!(t.read(&[("filter", r#"{"_or":[]}"#)], &alice).status, 200);
}

#[test]
fn nobody_reads_what_is_not_theirs_but_an_administrator_does() {
    let mut t = Test::of(Stamps::Server, false);
    let (alice, carol) = (t.session(ALICE), t.session(CAROL));
    t.post(5, ALICE, BOB, &alice);
    assert_eq!(t.read(&[], &carol).body["data"], json!([]));
    let path = format!("/items/chat_messages/{}", uuid::Uuid::from_u128(5));
    t.ask(Method::Get, &path, &[], None, &carol);
    assert_eq!(code(&t.answers.pop().unwrap()), (403, "FORBIDDEN"));
    t.server.people.get_mut(&person(CAROL)).unwrap().admin = true;
    assert_eq!(
        t.read(&[], &carol).body["data"].as_array().unwrap().len(),
        1
    );
}

#[test]
fn a_session_renewed_twice_in_the_grace_gives_the_same_and_a_spare_is_dead_at_once() {
    let mut t = Test::of(Stamps::Server, false);
    let token = t.session(ALICE);
    let sessions = &mut t.server.sessions;
    let (next, first) = sessions.renew_session(&token, 0).unwrap();
    assert_eq!(
        sessions.renew_session(&token, GRACE),
        Ok((next.clone(), true))
    );
    assert!(!first);
    assert!(sessions.renew_session(&token, GRACE + 1).is_err());
    assert!(sessions.check(&token, GRACE + 1).is_err());
    assert!(sessions.check(&next, GRACE + 1).is_ok());
    let spare = sessions.open_spare(person(ALICE), 0);
    let rotated = sessions.renew_spare(&spare, 1).unwrap();
    let raced = sessions.renew_spare(&spare, 2).unwrap();
    assert!(
        sessions.check(&raced.access, 2).is_err() && !sessions.spare_lives(&raced.refresh, 2),
        "at once both are answered, and one works"
    );
    assert!(sessions.renew_spare(&spare, 1_000).is_err());
    assert!(sessions.check(&rotated.access, 1).is_ok());
    sessions.revoke(person(ALICE));
    assert!(sessions.check(&next, 2).is_err());
    assert!(
        sessions.check(&rotated.access, 2).is_ok(),
        "access tokens live on"
    );
}

#[test]
fn a_subscription_before_auth_is_lost_with_its_socket() {
    let mut t = Test::of(Stamps::Server, false);
    let acts = t.server.socket_open(SOCKET, 0);
    t.take(acts);
    t.frame(&json!({"type": "subscribe", "collection": "chat_messages"}));
    assert_eq!(t.closed, [SOCKET]);
    assert!(!t.frames.iter().any(|(_, frame)| frame["event"] == "init"));
}

#[test]
fn after_the_tokens_end_foreign_rows_come_until_the_socket_times_out() {
    let mut t = Test::of(Stamps::Server, false);
    let (carol, alice) = (t.session(CAROL), t.session(ALICE));
    t.open(&carol);
    t.post(1, ALICE, BOB, &alice);
    t.pass(1_000);
    assert_eq!(t.events(), 0, "the rules hold while the token lives");
    t.pass(30_000);
    t.frame(&json!({"type": "pong"}));
    t.pass(29_000);
    let alice = t.session(ALICE);
    t.post(2, ALICE, BOB, &alice);
    t.pass(1_000);
    assert_eq!(t.events(), 1, "system rights");
    t.pass(10_000);
    let last = &t.frames.last().unwrap().1;
    assert_eq!(last["error"]["code"], "AUTH_TIMEOUT");
    assert_eq!(t.closed, [SOCKET]);
}

#[test]
fn on_12_the_same_window_gives_errors_and_the_events_are_lost() {
    let mut t = Test::of(Stamps::Server, true);
    let carol = t.session(CAROL);
    t.open(&carol);
    t.pass(35_000);
    t.frame(&json!({"type": "pong"}));
    t.pass(25_500);
    let alice = t.session(ALICE);
    t.post(2, ALICE, CAROL, &alice);
    t.pass(1_000);
    assert_eq!(t.events(), 0);
    assert!(
        t.frames
            .iter()
            .any(|(_, frame)| frame["error"]["code"] == "FORBIDDEN")
    );
}

#[test]
fn a_ping_unanswered_closes_and_any_frame_answers_it() {
    let mut t = Test::of(Stamps::Server, false);
    t.server.sessions.lifetimes.session = 3_600_000;
    let carol = t.session(CAROL);
    t.open(&carol);
    t.pass(30_000);
    assert_eq!(t.frames.last().unwrap().1["type"], "ping");
    t.frame(&json!({"type": "whatever"}));
    t.pass(30_000);
    assert!(t.closed.is_empty());
    t.pass(30_000);
    assert_eq!(t.closed, [SOCKET]);
}

#[test]
fn a_delete_is_told_to_everybody_and_an_event_without_redis_to_nobody() {
    let mut t = Test::of(Stamps::Server, false);
    let (carol, alice) = (t.session(CAROL), t.session(ALICE));
    t.open(&carol);
    t.post(1, ALICE, BOB, &alice);
    let id = uuid::Uuid::from_u128(1).to_string();
    let acts = t.server.delete(&id);
    t.take(acts);
    t.pass(1_000);
    let told = &t.frames.last().unwrap().1;
    assert_eq!(
        (&told["event"], &told["data"]),
        (&json!("delete"), &json!([id]))
    );
    t.server.weather.redis_down = true;
    t.post(2, ALICE, CAROL, &alice);
    t.pass(1_000);
    assert_eq!(t.events(), 0);
}
