//! What is told live of what is somebody else's: on the socket, and by GraphQL.
//!
//! Eve listens to every collection. The administrator changes, makes and deletes rows that
//! she must not see, and then, in each collection, one of hers. Once that one is told, what
//! was told before it is all there is to be told: nothing waits for a time.

use super::call::Way;
use super::report::{Finding, Known, Verdict};
use super::socket::Socket;
use super::world::{Subject, Who, World, merge};
use crate::ids::probe;
use crate::schema::{Action, MESSAGES, REPORTS, SETUP};
use crate::{Client, Credentials, Error};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Longer than a busy server takes to tell.
const PATIENCE: Duration = Duration::from_secs(60);

/// For what is there already; also the server's pings, which want an answer.
const AT_ONCE: Duration = Duration::from_millis(5);

/// What was heard of one collection.
#[derive(Default)]
struct Heard {
    /// Keys that stood in a frame, by the event.
    keys: BTreeSet<(String, String)>,
    marker: bool,
}

/// Both of Eve's connections, and what she heard.
struct Ears {
    socket: Socket,
    graphql: Option<Socket>,
    plain: BTreeMap<String, Heard>,
    live: BTreeMap<String, Heard>,
}

impl Ears {
    /// Takes in what has come; with a row of Eve's, until she was told of it on both.
    async fn listen(&mut self, until: Option<(&'static str, &str)>) -> Result<(), Error> {
        let plain = |frame: &Value| frame["type"] == "subscription";
        let live = |frame: &Value| frame["type"] == "next" || frame["type"] == "error";
        take_in(&mut self.socket, &mut self.plain, plain, until).await?;
        // Only of collections that GraphQL tells of.
        let until = until.filter(|(c, _)| !c.starts_with("directus_"));
        match &mut self.graphql {
            Some(graphql) => take_in(graphql, &mut self.live, live, until).await,
            None => Ok(()),
        }
    }
}

/// Hears one connection. Frames of one subscription come in the order of its events.
async fn take_in(
    socket: &mut Socket,
    heard: &mut BTreeMap<String, Heard>,
    wanted: impl Fn(&Value) -> bool,
    until: Option<(&'static str, &str)>,
) -> Result<(), Error> {
    let within = if until.is_some() { PATIENCE } else { AT_ONCE };
    while !until.is_some_and(|(c, _)| heard.get(c).is_some_and(|heard| heard.marker)) {
        let Some(frame) = socket.next(&wanted, within).await? else {
            break;
        };
        let (current, mine) = until.unwrap_or_default();
        hear(heard, &frame, mine, current);
    }
    Ok(())
}

/// What the administrator does to a row that Eve must not see.
struct Deed {
    event: &'static str,
    key: String,
}

/// Why deletions are told to everybody.
const DELETIONS: &str = "Directus tells every subscriber the key of every deleted row, whatever \
     the rules (directus/directus#19704). A key alone says nothing of a row.";

/// Listens on both ways while the deeds are done.
pub(super) async fn attack(world: &World, subjects: &[Subject]) -> Result<Vec<Finding>, Error> {
    let eve = world.hand(Who::Eve);
    let heard_of = |subject: &&Subject| subject.eves.is_some() && subject.collection != REPORTS;
    let mut socket = Socket::open(eve).await?;
    for subject in subjects.iter().filter(heard_of) {
        let frame = json!({
            "type": "subscribe", "uid": subject.collection, "collection": subject.collection,
            "query": { "fields": ["id"], "limit": 0 },
        });
        socket.send(&frame).await?;
        let init = |frame: &Value| frame["type"] == "subscription" || frame["type"] == "subscribe";
        socket.next(init, PATIENCE).await?;
    }
    let of_reports = nothing_of_reports(&mut socket).await?;
    let mut graphql = Socket::connect(eve, "graphql", Some("graphql-transport-ws"))
        .await
        .ok();
    if let Some(graphql) = &mut graphql {
        let hello =
            json!({ "type": "connection_init", "payload": { "access_token": eve.token() } });
        graphql.send(&hello).await?;
        graphql
            .next(|frame| frame["type"] == "connection_ack", PATIENCE)
            .await?;
        for subject in subjects
            .iter()
            .filter(heard_of)
            .filter(|subject| !subject.collection.starts_with("directus_"))
        {
            let c = subject.collection;
            let query = format!("subscription {{ {c}_mutated {{ key event data {{ id }} }} }}");
            let frame = json!({ "type": "subscribe", "id": c, "payload": { "query": query } });
            graphql.send(&frame).await?;
        }
    }

    let mut ears = Ears {
        socket,
        graphql,
        plain: BTreeMap::new(),
        live: BTreeMap::new(),
    };
    let mut deeds: BTreeMap<&'static str, Vec<Deed>> = BTreeMap::new();
    for (number, subject) in subjects.iter().filter(heard_of).enumerate() {
        let number = u32::try_from(number).unwrap_or_default();
        let done = disturb(&world.admin, subject, probe(0x300 + number)).await?;
        deeds.insert(subject.collection, done);
        ears.listen(None).await?;
    }
    let mut findings = vec![of_reports];
    for subject in subjects.iter().filter(heard_of) {
        let c = subject.collection;
        let Some(mine) = &subject.eves else { continue };
        touch(&world.admin, subject, mine).await?;
        ears.listen(Some((c, mine))).await?;
        let Ears {
            graphql,
            plain,
            live,
            ..
        } = &ears;
        let own = c.starts_with("directus_");
        let none = Heard::default();
        let deeds = deeds.get(c).map(Vec::as_slice).unwrap_or_default();
        findings.extend(told(c, Way::Socket, plain.get(c).unwrap_or(&none), deeds));
        if graphql.is_some() && !own {
            findings.extend(told(c, Way::GraphQl, live.get(c).unwrap_or(&none), deeds));
        }
    }
    Ok(findings)
}

/// Nobody may listen to what people report: the socket refuses to begin.
async fn nothing_of_reports(socket: &mut Socket) -> Result<Finding, Error> {
    let frame = json!({
        "type": "subscribe", "uid": REPORTS, "collection": REPORTS,
        "query": { "fields": ["id"], "limit": 1 },
    });
    socket.send(&frame).await?;
    let answer = |frame: &Value| frame["type"] == "subscription" || frame["type"] == "subscribe";
    let told = socket.next(answer, PATIENCE).await?.unwrap_or_default();
    let code = told.pointer("/error/code").and_then(Value::as_str);
    Ok(Finding {
        name: format!("read {REPORTS} socket: listening to what people report"),
        collection: REPORTS.to_owned(),
        action: Action::Read,
        way: Way::Socket,
        who: Who::Eve.name().to_owned(),
        attack: true,
        would: "who reports whom, live".to_owned(),
        request: format!("subscribe {REPORTS}"),
        verdict: match code {
            Some("FORBIDDEN") => Verdict::Refused,
            None if told["type"] == "subscription" => Verdict::Leaked,
            other => Verdict::Unclear(other.unwrap_or("silence").to_owned()),
        },
        answer: told.to_string(),
    })
}

/// Why somebody whose token has ended may hear what others do.
const WINDOW: &str = "On Directus 11.x (measured on 11.17.4, and not on 12.4) a socket has the system's rights \
     between the end of its token and the next sign-in on it, for up to ten seconds: somebody with an \
     account and a program of their own can listen then to events of others. No rule can close this; a \
     newer Directus does.";
/// So long a token may live for its end to be waited for, in milliseconds.
const SOON: u64 = 60_000;

/// What a socket is told once its token has ended: only where that is soon, for it has to be
/// waited for.
pub(super) async fn after_the_token(
    world: &World,
    lives: Option<u64>,
) -> Result<Vec<Finding>, Error> {
    let Some(lives) = lives.filter(|lives| *lives <= SOON) else {
        return Ok(Vec::new());
    };
    let password = format!("{}Aa1!", uuid::Uuid::new_v4().simple());
    let body = json!({ "password": password });
    let account = format!("users/{}?fields=id", Who::Eve.id());
    world.admin.patch(&account, &body).await?;
    let credentials = Credentials::Password {
        email: Who::Eve.email(),
        password,
    };
    let eve = Client::sign_in(world.admin.base().as_str(), credentials).await?;
    let mut socket = Socket::open(&eve).await?;
    let frame = json!({
        "type": "subscribe", "uid": "late", "collection": MESSAGES,
        "query": { "fields": ["id"], "limit": 0 },
    });
    socket.send(&frame).await?;
    socket
        .next(|frame| frame["type"] == "subscription", PATIENCE)
        .await?;
    let ended = |frame: &Value| frame.pointer("/error/code") == Some(&json!("TOKEN_EXPIRED"));
    let within = Duration::from_millis(lives) + PATIENCE;
    socket.next(ended, within).await?;
    let row = super::world::message();
    let change = json!({ "reacted_at": "2026-01-03T00:00:00Z" });
    let path = format!("items/{MESSAGES}/{row}?fields=id");
    world.admin.patch(&path, &change).await?;
    // An event, an error in its place, or the end of the connection.
    let told = socket.next(|frame| frame["type"] != "ping", PATIENCE).await;
    let heard = matches!(&told, Ok(Some(frame)) if frame["data"][0]["id"] == json!(row));
    eve.sign_out().await;
    Ok(vec![Finding {
        name: format!("read {MESSAGES} socket: an event of others, once one's token has ended"),
        collection: MESSAGES.to_owned(),
        action: Action::Read,
        way: Way::Socket,
        who: Who::Eve.name().to_owned(),
        attack: true,
        would: format!("what others do in {MESSAGES}"),
        request: format!("subscribe {MESSAGES}; wait for TOKEN_EXPIRED; then update {row}"),
        answer: told.ok().flatten().unwrap_or_default().to_string(),
        verdict: if heard {
            Verdict::Known(Known::new(WINDOW))
        } else {
            Verdict::Refused
        },
    }])
}

/// Changes a row that Eve must not see, makes one like it, and deletes that.
async fn disturb(admin: &Client, subject: &Subject, new: String) -> Result<Vec<Deed>, Error> {
    touch(admin, subject, &subject.theirs).await?;
    let mut deeds = vec![Deed {
        event: "update",
        key: subject.theirs.clone(),
    }];
    let Some(row) = another(subject, &new) else {
        return Ok(deeds);
    };
    let path = super::call::path(subject.collection);
    admin.post(&format!("{path}?fields=id"), &row).await?;
    admin.delete(&format!("{path}/{new}")).await?;
    for event in ["create", "delete"] {
        deeds.push(Deed {
            event,
            key: new.clone(),
        });
    }
    Ok(deeds)
}

/// Writes what is there once more, which is told all the same.
async fn touch(admin: &Client, subject: &Subject, id: &str) -> Result<(), Error> {
    let c = subject.collection;
    let change = match c {
        "chat_groups" => json!({ "bumped_at": "2026-01-02T00:00:00Z" }),
        "chat_members" => json!({ "role": "member" }),
        MESSAGES => json!({ "reacted_at": "2026-01-02T00:00:00Z" }),
        "chat_attachments" => json!({ "kind": "file" }),
        "directus_files" => json!({ "description": "Verification" }),
        "chat_reactions" => json!({ "removed": false }),
        "chat_read_states" => json!({ "delivered_until": "2026-01-02T00:00:00Z" }),
        "chat_prefs" => json!({ "archived": false }),
        "chat_typing" => json!({ "peer_id": Who::Ben.id() }),
        "chat_presence" => json!({ "online": true }),
        "chat_blocks" => {
            json!({ "user_id": if id == subject.theirs { Who::Anna.id() } else { Who::Eve.id() } })
        }
        SETUP => json!({ "version": 1 }),
        _ => json!({ "last_name": "Verification" }),
    };
    let path = format!("{}/{id}?fields=id", super::call::path(c));
    admin.patch(&path, &change).await.map(drop)
}

/// One more row that Eve must not see.
fn another(subject: &Subject, key: &str) -> Option<Value> {
    let (anna, ben) = (Who::Anna.id(), Who::Ben.id());
    let mut row = match subject.collection {
        "chat_groups" => json!({ "name": "Verification", "owner_id": anna }),
        "chat_members" => json!({ "group_id": super::world::group(), "user_id": ben }),
        MESSAGES => {
            json!({ "sender_id": anna, "receiver_id": ben, "content": super::world::SECRET })
        }
        "chat_attachments" => {
            json!({ "message_id": super::world::message(), "file": super::world::file() })
        }
        "chat_reactions" => {
            json!({ "message_id": super::world::message(), "user_id": anna, "emoji": "x" })
        }
        "chat_read_states" | "chat_prefs" | "chat_typing" => {
            json!({ "user_id": anna, "peer_id": ben })
        }
        "chat_presence" => json!({ "user_id": anna, "hidden": true }),
        "chat_blocks" => json!({ "user_id": anna, "blocked_id": ben }),
        "directus_users" => json!({ "first_name": "Ghost", "status": "suspended" }),
        "directus_files" => {
            json!({ "title": "Ghost", "type": "text/plain", "storage": "local", "filename_download": "ghost.txt", "filename_disk": "ghost.txt" })
        }
        _ => return None,
    };
    merge(&mut row, json!({ "id": key }));
    Some(row)
}

/// Takes down which keys a frame told.
fn hear(all: &mut BTreeMap<String, Heard>, frame: &Value, mine: &str, current: &str) {
    let (of, event, data) = if frame["type"] == "subscription" {
        (
            frame["uid"].as_str(),
            frame["event"].as_str(),
            frame["data"].clone(),
        )
    } else {
        let of = frame["id"].as_str();
        let told = of.and_then(|of| frame.pointer(&format!("/payload/data/{of}_mutated")));
        let told = told.cloned().unwrap_or_default();
        let event = told["event"].as_str().map(str::to_owned);
        // GraphQL tells the key beside the row; both are something told.
        let heard = all.entry(of.unwrap_or_default().to_owned()).or_default();
        if let (Some(event), Some(key)) = (event, told["key"].as_str()) {
            heard.marker |= of == Some(current) && key == mine;
            heard.keys.insert((event, key.to_owned()));
        }
        return;
    };
    let (Some(of), Some(event)) = (of, event) else {
        return;
    };
    let heard = all.entry(of.to_owned()).or_default();
    for row in data.as_array().into_iter().flatten() {
        let key = row
            .as_str()
            .or_else(|| row["id"].as_str())
            .unwrap_or_default();
        heard.marker |= of == current && key == mine;
        heard.keys.insert((event.to_owned(), key.to_owned()));
    }
}

/// What of it should not have been told.
fn told(c: &'static str, way: Way, heard: &Heard, deeds: &[Deed]) -> Vec<Finding> {
    let how = if way == Way::Socket {
        "on the socket"
    } else {
        "by a GraphQL subscription"
    };
    let finding =
        |what: String, would: String, verdict: Verdict, attack: bool, request: String| Finding {
            name: format!("read {c} {}: {what}", way.name()),
            collection: c.to_owned(),
            action: Action::Read,
            way,
            who: Who::Eve.name().to_owned(),
            attack,
            would,
            request,
            answer: String::new(),
            verdict,
        };
    let mut all = vec![finding(
        format!("her own row told live {how}, as Eve who may"),
        String::new(),
        if heard.marker {
            Verdict::Allowed
        } else {
            Verdict::NotAllowed
        },
        false,
        format!("subscribe {c}"),
    )];
    for deed in deeds {
        let key = (deed.event.to_owned(), deed.key.clone());
        let verdict = match (heard.keys.contains(&key), deed.event) {
            (false, _) if heard.marker => Verdict::Refused,
            (false, _) => Verdict::Unclear("her own event never came".to_owned()),
            (true, "delete") => Verdict::Known(Known::new(DELETIONS)),
            (true, _) => Verdict::Leaked,
        };
        all.push(finding(
            format!("an event of others, {} {how}", deed.event),
            format!("what others do in {c}"),
            verdict,
            true,
            format!("subscribe {c}; then {} {}", deed.event, deed.key),
        ));
    }
    all
}
