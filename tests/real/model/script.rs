//! What is asked of both: scripts, and how a seed makes one.
//!
//! A script is a story of a few steps by Alice, Bob, Carol, who is a stranger
//! to what those two write, and Root, an administrator who is in the chat as
//! well. Ids are of the script's own, so that a step can be left out without
//! changing the others.
//!
//! Owns: the steps. Never: an answer.

use serde_json::{Value, json};
use whinchat_core::{
    directus::call::{Direction, Groups},
    model::{MessageId, Stamps},
};
use whinchat_sim::rng::Rng;

/// Who asks, or stands in a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    Alice,
    Bob,
    Carol,
    Root,
    /// There is no such account; as one who asks: without a token.
    Nobody,
}

/// Everybody who has an account.
pub const PEOPLE: [Who; 4] = [Who::Alice, Who::Bob, Who::Carol, Who::Root];

impl Who {
    /// The name in texts, between `<` and `>`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Alice => "alice",
            Self::Bob => "bob",
            Self::Carol => "carol",
            Self::Root => "root",
            Self::Nobody => "nobody",
        }
    }

    fn placeholder(self) -> String {
        format!("<{}>", self.name())
    }
}

/// With what a request is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token {
    Own,
    /// One that was never given.
    Forged,
    /// One whose time is over.
    Expired,
}

/// One step.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    pub who: Who,
    pub token: Token,
    pub deed: Deed,
}

/// What is done in a step. In texts `<alice>` stands for her id, and
/// `<date_created ID>` (and so on) for that field of a row, as it was last read.
#[derive(Debug, Clone, PartialEq)]
pub enum Deed {
    /// What the client's engine asks, as it writes it.
    Engine(Question),
    /// Any request.
    Raw {
        method: &'static str,
        path: String,
        query: Vec<(&'static str, String)>,
        body: Option<String>,
    },
    /// A frame on the socket that this person has open.
    Frame(Value),
}

/// The client's questions; rows are named by their ids.
#[derive(Debug, Clone, PartialEq)]
pub enum Question {
    Subscribe,
    Probe(Stamps),
    Me,
    People {
        offset: u32,
        limit: u32,
    },
    Page {
        peer: Option<Who>,
        updated: bool,
        ascending: bool,
        from: Option<String>,
        until: Option<String>,
        except: Vec<String>,
        offset: u32,
        limit: u32,
    },
    One(String),
    Totals(Option<String>, Groups),
    Days(Option<String>, Groups),
    Newest(Vec<(Who, Who, String)>),
    Create {
        id: String,
        receiver: Who,
        content: String,
    },
}

/// A story for both.
#[derive(Debug, Clone, PartialEq)]
pub struct Script {
    pub seed: u64,
    pub stamps: Stamps,
    pub steps: Vec<Step>,
    /// The ids of the two rows that end it: when they are heard, all is.
    pub last: [String; 2],
}

impl Script {
    /// The steps, and the one with which every story ends: two rows, of which
    /// everybody may hear one.
    pub fn played(&self) -> Vec<Step> {
        let [one, two] = &self.last;
        let row = |id: &str, from: Who, to: Who| {
            json!({
                "id": id, "content": "the end", "timestamp": "2027-06-01T00:00:00",
                "sender_id": from.placeholder(), "receiver_id": to.placeholder(),
            })
        };
        let rows = json!([
            row(one, Who::Alice, Who::Bob),
            row(two, Who::Carol, Who::Root)
        ]);
        let mut steps = self.steps.clone();
        steps.push(raw(Who::Root, "POST", ITEMS, Some(rows)));
        steps
    }

    /// The same with other steps.
    pub fn with(&self, steps: Vec<Step>) -> Self {
        Self {
            steps,
            ..self.clone()
        }
    }
}

const ITEMS: &str = "/items/chat_messages";

fn raw(who: Who, method: &'static str, path: &str, body: Option<Value>) -> Step {
    Step {
        who,
        token: Token::Own,
        deed: Deed::Raw {
            method,
            path: path.to_owned(),
            query: Vec::new(),
            body: body.map(|body| body.to_string()),
        },
    }
}

const fn engine(who: Who, question: Question) -> Step {
    Step {
        who,
        token: Token::Own,
        deed: Deed::Engine(question),
    }
}

/// A row that was asked to be made, as far as the writer of a script knows.
#[derive(Debug, Clone)]
struct Made {
    id: String,
    sender: Who,
    receiver: Who,
    /// First and last of its request: rows of one request may share a stamp or
    /// not, so only the first is a lower end, and only the last an upper one.
    first: bool,
    last: bool,
}

struct Writer {
    rng: Rng,
    stamps: Stamps,
    millis: i64,
    made: Vec<Made>,
    /// The server has made an id, and no order by ids is known any more.
    generated: bool,
    steps: Vec<Step>,
}

/// The script of a seed.
pub fn write(seed: u64, stamps: Stamps) -> Script {
    let mut writer = Writer {
        rng: Rng::new(seed).split(match stamps {
            Stamps::Server => "stamped script",
            Stamps::Sender => "tutorial script",
        }),
        stamps,
        millis: 1_795_420_800_000,
        made: Vec::new(),
        generated: false,
        steps: Vec::new(),
    };
    let last = [writer.id(), writer.id()];
    writer.subscriptions();
    for _ in 0..writer.rng.range(5, 9) {
        writer.step();
    }
    for (who, percent) in [(Who::Alice, 70), (Who::Bob, 30), (Who::Carol, 10)] {
        if writer.rng.chance(percent) {
            writer.steps.push(engine(who, everything()));
        }
    }
    Script {
        seed,
        stamps,
        steps: writer.steps,
        last,
    }
}

const fn everything() -> Question {
    Question::Page {
        peer: None,
        updated: false,
        ascending: true,
        from: None,
        until: None,
        except: Vec::new(),
        offset: 0,
        limit: 20,
    }
}

/// What is written into `timestamp`: with milliseconds, with a zone, without.
const TIMES: &[&str] = &[
    "2026-11-23T12:00:00.123Z",
    "2026-11-23T12:00:00.900Z",
    "2026-11-23T12:00:01Z",
    "2026-11-23T12:00:01",
    "2026-11-24T03:59:59.999Z",
    "2026-11-24T12:30:00+02:00",
    "2026-11-25T00:00:00",
    "2026-12-31T23:59:59Z",
];

const TEXTS: &[&str] = &["Hello", "ä ö € 🙂", "two\nlines", "0", "\"quoted\"", " "];

impl Writer {
    fn id(&mut self) -> String {
        self.millis += 1_000;
        MessageId::new(self.rng.uuid_at(self.millis)).to_string()
    }

    fn pick(&mut self, texts: &[&str]) -> String {
        texts[self.rng.below(texts.len())].to_owned()
    }

    fn one_of_two(&mut self) -> Who {
        if self.rng.chance(50) {
            Who::Alice
        } else {
            Who::Bob
        }
    }

    /// Alice and Bob mostly, Carol and Root now and then.
    fn somebody(&mut self) -> Who {
        match self.rng.below(20) {
            0 | 1 => Who::Carol,
            2 | 3 => Who::Root,
            _ => self.one_of_two(),
        }
    }

    const fn other(who: Who) -> Who {
        match who {
            Who::Alice => Who::Bob,
            _ => Who::Alice,
        }
    }

    /// The id of a row that was asked for, or one that there is not.
    fn some_id(&mut self) -> String {
        if self.made.is_empty() || self.rng.chance(5) {
            return self.id();
        }
        self.made[self.rng.below(self.made.len())].id.clone()
    }

    fn subscriptions(&mut self) {
        for (who, percent) in [
            (Who::Alice, 90),
            (Who::Bob, 60),
            (Who::Carol, 35),
            (Who::Root, 15),
        ] {
            if !self.rng.chance(percent) {
                continue;
            }
            self.steps.push(engine(who, Question::Subscribe));
            if self.rng.chance(12) {
                let frame = self.odd_subscription();
                self.steps.push(Step {
                    who,
                    token: Token::Own,
                    deed: Deed::Frame(frame),
                });
            }
        }
    }

    fn odd_subscription(&mut self) -> Value {
        let fields = ["id", "content", "sender_id", "receiver_id"];
        let peer = json!({"sender_id": {"_eq": self.one_of_two().placeholder()}});
        let collection = "chat_messages";
        match self.rng.below(7) {
            // The same name again takes the other's place.
            0 => json!({"type": "subscribe", "collection": collection, "uid": "m",
                "query": {"fields": fields, "filter": peer, "limit": 0}}),
            1 => json!({"type": "subscribe", "collection": collection, "uid": "second",
                "query": {"fields": fields, "filter": peer, "limit": 0}}),
            // Taken at the subscription, an error at every event.
            2 => json!({"type": "subscribe", "collection": collection, "uid": "bad",
                "query": {"fields": ["id", "nofield"], "limit": 0}}),
            3 => json!({"type": "subscribe", "collection": collection, "uid": "bad",
                "query": {"fields": ["id"], "filter": {"nofield": {"_eq": 1}}, "limit": 0}}),
            4 => json!({"type": "subscribe", "collection": "no_such", "uid": "none",
                "query": {"fields": ["id"], "limit": 0}}),
            // A filter at the top is ignored.
            5 => json!({"type": "subscribe", "collection": collection, "uid": "top",
                "filter": peer, "query": {"fields": ["id"], "limit": 0}}),
            _ => json!({"type": "ping", "uid": "p"}),
        }
    }

    fn step(&mut self) {
        let step = match self.rng.below(100) {
            _ if self.made.len() < 2 => self.post(),
            0..=33 => self.post(),
            34..=45 => self.edit(),
            46..=52 => self.delete(),
            53..=59 => self.by_id(),
            60..=72 => self.odd_read(),
            73..=77 => self.wrong_token(),
            _ => {
                let who = self.somebody();
                let question = self.question(who);
                engine(who, question)
            }
        };
        self.steps.push(step);
    }

    fn post(&mut self) -> Step {
        let sender = if self.rng.chance(4) {
            Who::Carol
        } else {
            self.one_of_two()
        };
        let receiver = match self.rng.below(20) {
            0 => sender,
            1 => Who::Carol,
            2 => Who::Root,
            _ => Self::other(sender),
        };
        let many = if self.rng.chance(25) {
            2 + self.rng.below(2)
        } else {
            1
        };
        if many == 1 && self.rng.chance(35) {
            let id = self.id();
            self.remember(&id, sender, receiver, 0, 1);
            let content = self.pick(TEXTS);
            return engine(
                sender,
                Question::Create {
                    id,
                    receiver,
                    content,
                },
            );
        }
        let spoilt = self.rng.chance(40).then(|| self.rng.below(many));
        let before = self.made.clone();
        let mut rows = Vec::new();
        for nth in 0..many {
            let id = self.id();
            let mut row = json!({
                "id": id, "content": self.pick(TEXTS), "timestamp": self.pick(TIMES),
                "sender_id": sender.placeholder(), "receiver_id": receiver.placeholder(),
            });
            if spoilt == Some(nth) {
                row = self.spoil(row, sender, &before, many == 1);
            }
            self.remember(&id, sender, receiver, nth, many);
            rows.push(row);
        }
        let batch = many > 1 || self.rng.chance(10);
        let body = if batch {
            Value::Array(rows)
        } else {
            rows.pop().unwrap_or_default()
        };
        let nameless = !batch && body.get("id").is_none();
        let mut step = raw(sender, "POST", ITEMS, Some(body));
        if nameless {
            // Its id is learned from the answer.
            return step;
        }
        if self.rng.chance(8) {
            step = self.malformed(step);
        } else if let (true, Deed::Raw { query, .. }) = (self.rng.chance(30), &mut step.deed) {
            query.push((
                "fields",
                self.pick(&["id", "id,content", "*", "id,nofield"]),
            ));
        }
        step
    }

    fn remember(&mut self, id: &str, sender: Who, receiver: Who, nth: usize, many: usize) {
        self.made.push(Made {
            id: id.to_owned(),
            sender,
            receiver,
            first: nth == 0,
            last: nth + 1 == many,
        });
    }

    /// One thing about a row that is not as it should be.
    fn spoil(&mut self, mut row: Value, sender: Who, before: &[Made], alone: bool) -> Value {
        let Some(object) = row.as_object_mut() else {
            return row;
        };
        let mut set = |name: &str, value: Value| {
            object.insert(name.to_owned(), value);
        };
        match self.rng.below(26) {
            0 | 1 if !before.is_empty() => {
                set("id", json!(before[self.rng.below(before.len())].id));
            }
            2 => set("id", json!("1795404803591")),
            3 => set("id", json!(1_795_404_803_591_i64)),
            4 => set("id", json!("x".repeat(300))),
            5 => {
                let capital = object["id"].as_str().unwrap_or_default().to_uppercase();
                object.insert("id".to_owned(), json!(capital));
            }
            6 | 7 => set("sender_id", json!(Self::other(sender).placeholder())),
            8 => set("sender_id", json!("nobody in particular")),
            9 => set("sender_id", Value::Null),
            10 => {
                object.remove("sender_id");
            }
            11 => {
                object.remove("receiver_id");
            }
            12 => set("receiver_id", Value::Null),
            13 => set("receiver_id", json!(Who::Nobody.placeholder())),
            14 => set("receiver_id", json!("not a uuid")),
            15 => {
                object.remove("content");
            }
            16 => set("content", Value::Null),
            17 => set("content", json!("")),
            18 => set("content", json!(17)),
            19 => set("content", json!("long ".repeat(6_000))),
            20 => set("timestamp", json!("soon")),
            21 => set("timestamp", Value::Null),
            22 => {
                object.remove("timestamp");
            }
            23 => set("nofield", json!("x")),
            24 => set("date_created", json!("2000-01-01T00:00:00Z")),
            _ if !alone => {
                object.remove("timestamp");
            }
            _ => {
                // The server makes an id; a time of its own keeps the order.
                self.generated = true;
                object.remove("id");
                let second = self.made.len() % 60;
                let time = format!("2027-01-01T00:00:{second:02}");
                object.insert("timestamp".to_owned(), json!(time));
            }
        }
        row
    }

    fn malformed(&mut self, mut step: Step) -> Step {
        let text = self.pick(&[
            "{", "[]", "{}", "17", "\"text\"", "null", "[{}]", "[[]]", "{\"id\":",
        ]);
        if let Deed::Raw { body, .. } = &mut step.deed {
            *body = Some(text);
        }
        step
    }

    fn edit(&mut self) -> Step {
        let who = match self.rng.below(10) {
            0 => Who::Carol,
            1 | 2 => Who::Root,
            _ => self.one_of_two(),
        };
        let id = if who != Who::Root && self.rng.chance(65) {
            // Most edit what they wrote.
            let own: Vec<_> = self.made.iter().filter(|made| made.sender == who).collect();
            match own.len() {
                0 => None,
                many => Some(own[self.rng.below(many)].id.clone()),
            }
        } else {
            None
        };
        let id = id.unwrap_or_else(|| self.some_id());
        let mut data = json!({"content": self.pick(&["changed", "and again", "ä"])});
        if self.rng.chance(25) {
            data = match self.rng.below(6) {
                0 => json!({"content": null}),
                1 => json!({"content": ""}),
                2 => json!({"nofield": 1}),
                3 => json!({"receiver_id": Who::Carol.placeholder()}),
                4 => json!({"timestamp": "2026-11-23T13:00:00"}),
                _ => json!({}),
            };
        }
        match self.rng.below(10) {
            0..=5 => raw(who, "PATCH", &format!("{ITEMS}/{id}"), Some(data)),
            6 => raw(who, "PATCH", &format!("{ITEMS}/1795404803591"), Some(data)),
            7 | 8 => {
                let ids = [id, self.some_id()];
                let body = json!({"keys": ids, "data": data});
                raw(who, "PATCH", ITEMS, Some(body))
            }
            _ => {
                // Each row of these is stamped by itself: one that is there is enough.
                let mut one = data.clone();
                one["id"] = json!(id);
                if who == Who::Root || self.rng.chance(60) {
                    return raw(who, "PATCH", ITEMS, Some(json!([one])));
                }
                let mut two = data;
                two["id"] = json!(self.id());
                raw(who, "PATCH", ITEMS, Some(json!([one, two])))
            }
        }
    }

    fn delete(&mut self) -> Step {
        let who = if self.rng.chance(50) {
            Who::Root
        } else {
            self.one_of_two()
        };
        let id = self.some_id();
        match self.rng.below(8) {
            0 => raw(who, "DELETE", ITEMS, Some(json!([id, self.some_id()]))),
            1 => raw(who, "DELETE", &format!("{ITEMS}/1795404803591"), None),
            _ => raw(who, "DELETE", &format!("{ITEMS}/{id}"), None),
        }
    }

    fn by_id(&mut self) -> Step {
        let who = self.somebody();
        let id = match self.rng.below(12) {
            0 => "1795404803591".to_owned(),
            1 => self.some_id().to_uppercase(),
            _ => self.some_id(),
        };
        let mut step = raw(who, "GET", &format!("{ITEMS}/{id}"), None);
        if let (true, Deed::Raw { query, .. }) = (self.rng.chance(50), &mut step.deed) {
            query.push(("fields", self.pick(&["id", "content,id", "*", "nofield"])));
        }
        step
    }

    /// A list with what the engine does not ask, right or wrong.
    fn odd_read(&mut self) -> Step {
        let who = if self.rng.chance(15) {
            Who::Carol
        } else {
            self.one_of_two()
        };
        let id = self.some_id();
        let mut step = raw(who, "GET", ITEMS, None);
        let Deed::Raw { query, path, .. } = &mut step.deed else {
            return step;
        };
        if self.rng.chance(12) {
            // Groups in an order that the engine does not ask for, mostly.
            let order = self.pick(&[
                "sender_id",
                "receiver_id",
                "-sender_id",
                "sender_id,receiver_id",
            ]);
            query.extend([
                ("aggregate[count]", "*".to_owned()),
                ("groupBy[]", "sender_id".to_owned()),
                ("groupBy[]", "receiver_id".to_owned()),
                ("sort", order),
                ("limit", "-1".to_owned()),
            ]);
            return step;
        }
        let order = match self.stamps {
            Stamps::Server => "date_created,id",
            Stamps::Sender => "timestamp,id",
        };
        let mut by = order.to_owned();
        let orders = if self.generated { 1 } else { 12 };
        match self.rng.below(orders) {
            0 => by = "-timestamp,id".to_owned(),
            1 => by = "content,id".to_owned(),
            2 => by = "-id".to_owned(),
            3 if self.stamps == Stamps::Server => by = "date_updated,id".to_owned(),
            4 if self.stamps == Stamps::Server => by = "-date_updated,id".to_owned(),
            5 => by = "nofield".to_owned(),
            _ => {}
        }
        query.push(("sort", by));
        let limit = self.pick(&[
            "-1", "0", "1", "2", "20", "40", "41", "1000", "-2", "abc", "1.5",
        ]);
        if self.rng.chance(50) {
            query.push(("limit", limit));
        }
        if self.rng.chance(10) {
            query.push(("offset", self.pick(&["0", "1", "-1", "x"])));
        }
        if self.rng.chance(25) {
            query.push((
                "fields",
                self.pick(&["id", "id,content,timestamp", "*", "nofield", "id,"]),
            ));
        }
        if self.rng.chance(60) {
            let filter = match self.rng.below(24) {
                0 => json!({"id": {"_in": [id]}}),
                1 => json!({"id": {"_nin": [id]}}),
                2 => json!({"id": {"_in": []}}),
                3 => json!({"id": {"_nin": []}}),
                4 => json!({"id": {"_gt": id}}),
                5 => json!({"_or": []}),
                6 => json!({"_and": []}),
                7 => json!({"nofield": {"_eq": "x"}}),
                8 => json!({"content": {"_frobs": "x"}}),
                9 => json!({"content": {"_eq": "Hello"}}),
                10 => json!({"content": {"_null": true}}),
                11 => json!({"timestamp": {"_null": true}}),
                12 => json!({"timestamp": {"_gte": "2026-11-24T00:00:00"}}),
                13 => json!({"timestamp": {"_lt": "2026-11-23T12:00:01"}}),
                14 => json!({"timestamp": {"_eq": format!("<timestamp {id}>")}}),
                15 => json!({"timestamp": {"_gte": "soon"}}),
                16 => json!({"sender_id": {"_eq": "$CURRENT_USER"}}),
                17 => json!({"sender_id": {"_neq": "$CURRENT_USER"}}),
                18 => json!({"receiver_id": {"_eq": "not a uuid"}}),
                19 => json!({"_and": [{"sender_id": {"_eq": Who::Alice.placeholder()}},
                    {"_or": [{"content": {"_neq": "Hello"}}, {"timestamp": {"_nnull": true}}]}]}),
                20 => json!({"content": {"_eq": ""}}),
                21 => json!({"id": {"_eq": "1795404803591"}}),
                22 => json!({"content": {"_neq": "Hello"}}),
                _ => json!({"id": {"_eq": id.to_uppercase()}}),
            };
            query.push(("filter", filter.to_string()));
        } else if self.rng.chance(8) {
            query.push(("filter", self.pick(&["{", "17", "[]"])));
        } else if self.rng.chance(5) {
            *path = "/items/no_such".to_owned();
        }
        step
    }

    fn wrong_token(&mut self) -> Step {
        let mut step = match self.rng.below(3) {
            0 => self.by_id(),
            1 => self.edit(),
            _ => self.odd_read(),
        };
        match self.rng.below(3) {
            0 => step.who = Who::Nobody,
            1 => step.token = Token::Forged,
            _ => step.token = Token::Expired,
        }
        step
    }

    fn question(&mut self, who: Who) -> Question {
        let small = |rng: &mut Rng, most: usize| u32::try_from(rng.below(most)).unwrap_or(0);
        match self.rng.below(100) {
            0..=7 => Question::Probe(Stamps::Server),
            8..=10 => Question::Probe(Stamps::Sender),
            11..=13 => Question::Me,
            14..=17 => Question::People {
                offset: small(&mut self.rng, 3),
                limit: 1 + small(&mut self.rng, 3),
            },
            18..=63 => {
                let updated = self.stamps == Stamps::Server && self.rng.chance(25);
                let from = self.bound(40, true);
                let until = self.bound(30, false);
                Question::Page {
                    peer: self.rng.chance(50).then(|| Self::other(who)),
                    updated,
                    ascending: self.rng.chance(60),
                    from,
                    until,
                    except: (0..self.rng.below(3)).map(|_| self.some_id()).collect(),
                    offset: small(&mut self.rng, 2),
                    limit: 1 + small(&mut self.rng, 5),
                }
            }
            64..=73 => Question::One(self.some_id()),
            74..=83 => Question::Totals(self.bound(50, true), self.groups(2)),
            84..=91 if self.stamps == Stamps::Sender => {
                // A person's days stand in no order among themselves.
                Question::Days(self.bound(40, true), self.groups(40))
            }
            _ => {
                let many = 1 + self.rng.below(6);
                Question::Newest((0..many).filter_map(|_| self.single()).collect())
            }
        }
    }

    /// All groups, or a page of those of one direction, with at least so many.
    fn groups(&mut self, least: u32) -> Groups {
        let of = [Direction::Both, Direction::Sent, Direction::Received][self.rng.below(3)];
        let small = u32::try_from(self.rng.below(3)).unwrap_or(0);
        if of == Direction::Both || least > 2 {
            // As many as the servers let be asked for, and now and then more.
            let limit = 40 + u32::from(self.rng.chance(10));
            return Groups {
                of,
                offset: 0,
                limit,
            };
        }
        Groups {
            of,
            offset: small,
            limit: least + small,
        }
    }

    fn bound(&mut self, percent: u64, lower: bool) -> Option<String> {
        if !self.rng.chance(percent) {
            return None;
        }
        let ends: Vec<_> = self
            .made
            .iter()
            .filter(|made| if lower { made.first } else { made.last })
            .collect();
        let end = ends.get(self.rng.below(ends.len().max(1)))?;
        Some(end.id.clone())
    }

    /// A row that was made alone, whose stamp no other has.
    fn single(&mut self) -> Option<(Who, Who, String)> {
        let alone: Vec<_> = self
            .made
            .iter()
            .filter(|made| made.first && made.last)
            .collect();
        let made = alone.get(self.rng.below(alone.len().max(1)))?;
        Some((made.sender, made.receiver, made.id.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_one_script_and_another_seed_another() {
        let write = |seed| write(seed, Stamps::Server);
        assert_eq!(write(7), write(7));
        assert_ne!(write(7).steps, write(8).steps);
    }
}
