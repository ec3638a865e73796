//! REST: what each [`Call`] is on the wire, and what comes back.
//!
//! Owns: routes, query parameters and the shapes of answers. Pure: values in,
//! values out. Never: a socket, a token, a retry.
//!
//! Every read of messages carries the filter "sent by me or to me", written
//! with `$CURRENT_USER`, for an administrator would be given everybody's
//! otherwise. Rows without the stamp that orders them are left out of pages
//! and of totals alike: databases disagree about where they would stand.

use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};

use super::{
    call::{Answer, By, Call, Direction, Fault, Groups, MessagesQuery, Outgoing, Reason, Refusal},
    fault::fault,
    rows, safety,
};
use crate::model::{Instant, PersonId, Stamps};

/// The chat collection, as the tutorial names it.
pub const COLLECTION: &str = "chat_messages";

const ITEMS: &str = "/items/chat_messages";

/// A query longer than this goes in the body of a SEARCH: proxies refuse long
/// addresses.
const LONG_QUERY: usize = 2048;

/// How a request is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// GET.
    Get,
    /// POST.
    Post,
    /// DELETE.
    Delete,
    /// SEARCH: a GET whose query stands in the body. Directus' own.
    Search,
}

/// A request without a host and a token.
#[derive(Clone, PartialEq)]
pub struct HttpRequest {
    /// How.
    pub method: Method,
    /// The path below the server's address, with a leading slash.
    pub path: String,
    /// Parameters, not yet encoded.
    pub query: Vec<(String, String)>,
    /// The JSON body.
    pub body: Option<Value>,
}

/// Never the body: this may stand in a log.
impl std::fmt::Debug for HttpRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} {}", self.method, self.path)
    }
}

/// The fields that are asked for.
#[must_use]
pub const fn fields(stamps: Stamps) -> &'static [&'static str] {
    match stamps {
        Stamps::Sender => &["id", "content", "sender_id", "receiver_id", "timestamp"],
        Stamps::Server => &[
            "id",
            "content",
            "sender_id",
            "receiver_id",
            "timestamp",
            "date_created",
            "date_updated",
        ],
    }
}

const fn stamp_field(stamps: Stamps) -> &'static str {
    match stamps {
        Stamps::Sender => "timestamp",
        Stamps::Server => "date_created",
    }
}

/// "Sent by me or to me", as a filter.
#[must_use]
pub fn concerns_me() -> Value {
    json!({"_or": [
        {"sender_id": {"_eq": "$CURRENT_USER"}},
        {"receiver_id": {"_eq": "$CURRENT_USER"}},
    ]})
}

/// Both directions between me and one person.
fn between(peer: PersonId) -> Value {
    let peer = peer.to_string();
    json!({"_or": [
        {"_and": [{"sender_id": {"_eq": "$CURRENT_USER"}}, {"receiver_id": {"_eq": peer}}]},
        {"_and": [{"sender_id": {"_eq": peer}}, {"receiver_id": {"_eq": "$CURRENT_USER"}}]},
    ]})
}

/// At or after this, as the field is written.
fn at_or_after(stamps: Stamps, at: Instant) -> Value {
    match stamps {
        Stamps::Sender => json!({"_gte": at.to_naive()}),
        Stamps::Server => json!({"_gte": at.to_zoned()}),
    }
}

/// At or before this. SQLite hides the milliseconds of a `dateTime` when it is
/// read but compares with them, so there the whole second is meant.
fn at_or_before(stamps: Stamps, at: Instant) -> Value {
    match stamps {
        Stamps::Sender => json!({"_lt": at.floor_second().plus(1000).to_naive()}),
        Stamps::Server => json!({"_lte": at.to_zoned()}),
    }
}

fn stamped(field: &str, condition: Value) -> Value {
    let mut object = serde_json::Map::new();
    object.insert(field.to_owned(), condition);
    Value::Object(object)
}

/// What is read, before it is known whether it goes in the address or a body.
#[derive(Default)]
struct Read {
    fields: Vec<&'static str>,
    filter: Vec<Value>,
    sort: Vec<String>,
    limit: i64,
    offset: u32,
    aggregate: Vec<(&'static str, &'static str)>,
    group: Vec<&'static str>,
}

impl Read {
    fn filter(&self) -> Option<Value> {
        match self.filter.as_slice() {
            [] => None,
            [one] => Some(one.clone()),
            many => Some(json!({"_and": many})),
        }
    }

    fn parameters(&self) -> Vec<(String, String)> {
        let mut query = Vec::new();
        let mut add = |name: &str, value: String| query.push((name.to_owned(), value));
        if !self.fields.is_empty() {
            add("fields", self.fields.join(","));
        }
        for (function, of) in &self.aggregate {
            add(&format!("aggregate[{function}]"), (*of).to_owned());
        }
        for field in &self.group {
            add("groupBy[]", (*field).to_owned());
        }
        if let Some(filter) = self.filter() {
            add("filter", filter.to_string());
        }
        if !self.sort.is_empty() {
            add("sort", self.sort.join(","));
        }
        add("limit", self.limit.to_string());
        if self.offset > 0 {
            add("offset", self.offset.to_string());
        }
        query
    }

    fn body(&self) -> Value {
        let mut query = serde_json::Map::new();
        if !self.fields.is_empty() {
            query.insert("fields".into(), json!(self.fields));
        }
        if let Some(filter) = self.filter() {
            query.insert("filter".into(), filter);
        }
        if !self.sort.is_empty() {
            query.insert("sort".into(), json!(self.sort));
        }
        query.insert("limit".into(), json!(self.limit));
        if self.offset > 0 {
            query.insert("offset".into(), json!(self.offset));
        }
        json!({"query": query})
    }

    /// By both people, and by what else is given. Groups without both concern
    /// nobody, and so don't count against the limit.
    fn grouped(mut self, groups: Groups, by: &[&'static str]) -> Self {
        let (sender, receiver) = ("sender_id", "receiver_id");
        let (me, first, second) = match groups.of {
            Direction::Both => (None, sender, receiver),
            Direction::Sent => (Some(sender), receiver, sender),
            Direction::Received => (Some(receiver), sender, receiver),
        };
        for field in [sender, receiver] {
            self.filter.push(stamped(field, json!({"_nnull": true})));
        }
        if let Some(me) = me {
            self.filter
                .push(stamped(me, json!({"_eq": "$CURRENT_USER"})));
            // By this one, which is the first of the groups', and by no other.
            self.sort.push(first.to_owned());
        }
        self.group = [&[first, second], by].concat();
        self.limit = i64::from(groups.limit);
        self.offset = groups.offset;
        self
    }

    /// Aggregates are always short; everything else may grow.
    fn on(self, path: &str) -> HttpRequest {
        let query = self.parameters();
        let long = query.iter().map(|(k, v)| k.len() + v.len()).sum::<usize>() > LONG_QUERY;
        if long && self.aggregate.is_empty() {
            HttpRequest {
                method: Method::Search,
                path: path.to_owned(),
                query: Vec::new(),
                body: Some(self.body()),
            }
        } else {
            HttpRequest {
                method: Method::Get,
                path: path.to_owned(),
                query,
                body: None,
            }
        }
    }
}

/// The request that makes this call.
#[must_use]
pub fn request(call: &Call) -> HttpRequest {
    match call {
        Call::Probe { stamps } => probe(*stamps),
        Call::Me => HttpRequest {
            method: Method::Get,
            path: "/users/me".to_owned(),
            query: vec![("fields".to_owned(), PERSON.join(","))],
            body: None,
        },
        // Only active people are meant, but ordinary people may not filter by
        // `status` (403): the permission says who is shown.
        Call::People { offset, limit } => Read {
            fields: PERSON.to_vec(),
            sort: ["first_name", "last_name", "id"]
                .map(str::to_owned)
                .to_vec(),
            limit: i64::from(*limit),
            offset: *offset,
            ..Read::default()
        }
        .on("/users"),
        Call::Messages(query) => messages(query),
        // By a filter and not by the path, so that "concerns me" holds for an
        // administrator as well.
        Call::Message { id, stamps } => Read {
            fields: fields(*stamps).to_vec(),
            filter: vec![concerns_me(), json!({"id": {"_eq": id}})],
            limit: 1,
            ..Read::default()
        }
        .on(ITEMS),
        Call::Totals {
            stamps,
            since,
            groups,
        } => Read {
            filter: since_filter(*stamps, *since),
            aggregate: vec![("count", "*"), ("max", stamp_field(*stamps))],
            ..Read::default()
        }
        .grouped(*groups, &[])
        .on(ITEMS),
        Call::Days { since, groups } => Read {
            filter: since_filter(Stamps::Sender, *since),
            aggregate: vec![("count", "*")],
            ..Read::default()
        }
        .grouped(
            *groups,
            &["year(timestamp)", "month(timestamp)", "day(timestamp)"],
        )
        .on(ITEMS),
        Call::Newest { stamps, of, limit } => newest(*stamps, of, *limit),
        Call::Create(message) => create(message),
        Call::Safety(ask) => safety::request(ask),
    }
}

const PERSON: [&str; 3] = ["id", "first_name", "last_name"];

/// Asks for the fields, and with the server's stamps also whether some row of
/// mine has none: such rows are older than the field, no page ordered by it
/// would ever show them, so the collection counts as having only the sender's.
fn probe(stamps: Stamps) -> HttpRequest {
    let mut read = Read {
        fields: fields(stamps).to_vec(),
        ..Read::default()
    };
    if stamps == Stamps::Server {
        read.filter = vec![concerns_me(), json!({"date_created": {"_null": true}})];
        read.limit = 1;
    }
    read.on(ITEMS)
}

fn since_filter(stamps: Stamps, since: Option<Instant>) -> Vec<Value> {
    let field = stamp_field(stamps);
    let condition = since.map_or(json!({"_nnull": true}), |at| at_or_after(stamps, at));
    vec![concerns_me(), stamped(field, condition)]
}

fn messages(query: &MessagesQuery) -> HttpRequest {
    let (field, stamps) = match query.by {
        By::Created => (stamp_field(query.stamps), query.stamps),
        By::Updated => ("date_updated", Stamps::Server),
    };
    let mut filter = vec![query.peer.map_or_else(concerns_me, between)];
    if let Some(from) = query.from {
        filter.push(stamped(field, at_or_after(stamps, from)));
    }
    if let Some(until) = query.until {
        filter.push(stamped(field, at_or_before(stamps, until)));
    }
    if query.from.is_none() && query.until.is_none() {
        filter.push(stamped(field, json!({"_nnull": true})));
    }
    if !query.except.is_empty() {
        filter.push(json!({"id": {"_nin": query.except}}));
    }
    let direction = if query.ascending { "" } else { "-" };
    Read {
        fields: fields(query.stamps).to_vec(),
        filter,
        sort: vec![format!("{direction}{field}"), format!("{direction}id")],
        limit: i64::from(query.limit),
        offset: query.offset,
        ..Read::default()
    }
    .on(ITEMS)
}

fn newest(stamps: Stamps, of: &[(PersonId, PersonId, Instant)], limit: u32) -> HttpRequest {
    let field = stamp_field(stamps);
    let each: Vec<Value> = of
        .iter()
        .map(|(sender, receiver, at)| {
            let at = match stamps {
                // Not `_eq`: SQLite would miss rows with hidden milliseconds.
                Stamps::Sender => vec![
                    stamped(field, at_or_after(stamps, *at)),
                    stamped(field, at_or_before(stamps, *at)),
                ],
                Stamps::Server => vec![stamped(field, json!({"_eq": at.to_zoned()}))],
            };
            let mut all = vec![
                json!({"sender_id": {"_eq": sender}}),
                json!({"receiver_id": {"_eq": receiver}}),
            ];
            all.extend(at);
            json!({"_and": all})
        })
        .collect();
    let read = Read {
        fields: fields(stamps).to_vec(),
        filter: vec![concerns_me(), json!({"_or": each})],
        sort: vec![format!("-{field}"), "-id".to_owned()],
        limit: i64::from(limit),
        ..Read::default()
    };
    HttpRequest {
        method: Method::Search,
        path: ITEMS.to_owned(),
        query: Vec::new(),
        body: Some(read.body()),
    }
}

fn create(message: &Outgoing) -> HttpRequest {
    HttpRequest {
        method: Method::Post,
        path: ITEMS.to_owned(),
        query: vec![("fields".to_owned(), fields(message.stamps).join(","))],
        body: Some(json!({
            "id": message.id,
            "content": message.content,
            "sender_id": message.sender,
            "receiver_id": message.receiver,
            "timestamp": format!("{}Z", message.timestamp.to_naive()),
        })),
    }
}

/// Reads what came back. `retry_after` is the header's, in milliseconds.
///
/// # Errors
/// See [`Fault`].
pub fn answer(
    call: &Call,
    status: u16,
    retry_after: Option<i64>,
    body: &[u8],
) -> Result<Answer, Fault> {
    if !(200..300).contains(&status) {
        return Err(fault(call, status, retry_after, body));
    }
    // Who may create but not read gets no content.
    if status == 204
        && let Call::Create(_) = call
    {
        return Ok(Answer::Created(None));
    }
    let unreadable = Fault::Transient {
        retry_after,
        status,
    };
    let body: Option<Body<'_>> = super::object(body);
    read(call, body.map(|body| body.data), status).ok_or(unreadable)?
}

/// What every answer is wrapped in; what `data` is depends on what was asked.
#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    data: &'a RawValue,
}

/// `None`: it is no answer to this.
fn read(call: &Call, data: Option<&RawValue>, status: u16) -> Option<Result<Answer, Fault>> {
    let refused = |field: Option<&str>| {
        Err(Fault::Permanent(Refusal {
            reason: Reason::Forbidden,
            field: field.map(str::to_owned),
            status,
        }))
    };
    let messages = |by| rows::messages(data?, by);
    let value = || serde_json::from_str::<Value>(data?.get()).ok();
    let list = || serde_json::from_str::<Vec<Value>>(data?.get()).ok();
    Some(match call {
        Call::Probe { .. } if list()?.is_empty() => Ok(Answer::Probed),
        Call::Probe { .. } => refused(Some("date_created")),
        Call::Me => Ok(Answer::People {
            people: vec![rows::one_person(&value()?)?],
            rows: 1,
        }),
        Call::People { .. } => {
            let list = list()?;
            Ok(Answer::People {
                people: list.iter().filter_map(rows::one_person).collect(),
                rows: u32::try_from(list.len()).unwrap_or(u32::MAX),
            })
        }
        Call::Messages(query) => Ok(Answer::Messages(messages(query.by)?)),
        Call::Message { .. } => match messages(By::Created)? {
            rows if rows.count == 0 => refused(None),
            rows => Ok(Answer::Messages(rows)),
        },
        Call::Newest { .. } => Ok(Answer::Messages(messages(By::Created)?)),
        Call::Totals { stamps, .. } => {
            let totals = rows::totals(&list()?, stamp_field(*stamps));
            Ok(Answer::Totals(totals))
        }
        Call::Days { .. } => Ok(Answer::Days(rows::days(&list()?))),
        Call::Create(sent) => {
            let row = rows::message(data?).ok().filter(|row| row.id == sent.id);
            Ok(Answer::Created(row))
        }
        Call::Safety(ask) => Ok(Answer::Safety(safety::answer(ask, value().as_ref())?)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::MessageId;

    const ALICE: &str = "5463fbc0-a420-446b-a024-e58abb0969e5";
    const BOB: &str = "718239f7-4723-4b29-a8e4-7b2c49a6320b";
    const ID: &str = "019ab000-0000-7000-8000-000000000001";

    fn query(stamps: Stamps) -> MessagesQuery {
        MessagesQuery {
            stamps,
            peer: None,
            by: By::Created,
            ascending: false,
            from: None,
            until: None,
            except: Vec::new(),
            offset: 0,
            limit: 50,
        }
    }

    fn parameter<'a>(request: &'a HttpRequest, name: &str) -> &'a str {
        request
            .query
            .iter()
            .find(|(key, _)| key == name)
            .map_or("", |(_, value)| value)
    }

    fn outgoing() -> Outgoing {
        Outgoing {
            id: ID.parse().unwrap(),
            content: "Hi \"Bob\"\n".to_owned(),
            sender: ALICE.parse().unwrap(),
            receiver: BOB.parse().unwrap(),
            timestamp: Instant::parse("2026-11-23T03:00:00.900Z").unwrap(),
            stamps: Stamps::Sender,
        }
    }

    #[test]
    fn the_tutorials_json_makes_the_round_trip() {
        let request = request(&Call::Create(outgoing()));
        let mut body = request.body.unwrap();
        assert_eq!(body["timestamp"], "2026-11-23T03:00:00Z");
        assert_eq!(body.as_object().unwrap().len(), 5);
        // The server gives a `dateTime` back without zone.
        body["timestamp"] = json!("2026-11-23T03:00:00");
        let text = json!({"data": body}).to_string();
        let Ok(Answer::Created(Some(message))) =
            answer(&Call::Create(outgoing()), 200, None, text.as_bytes())
        else {
            panic!("not created");
        };
        assert_eq!(message.content, "Hi \"Bob\"\n");
        assert_eq!(message.id, ID.parse::<MessageId>().unwrap());
        assert_eq!(message.stamp.to_naive(), "2026-11-23T03:00:00");
    }

    #[test]
    fn what_may_be_made_but_not_read_is_made() {
        let call = Call::Create(outgoing());
        assert_eq!(answer(&call, 204, None, b""), Ok(Answer::Created(None)));
        let other = json!({"data": {"id": BOB}}).to_string();
        assert_eq!(
            answer(&call, 200, None, other.as_bytes()),
            Ok(Answer::Created(None))
        );
    }

    const fn groups(of: Direction) -> Groups {
        Groups {
            of,
            offset: 9,
            limit: 10,
        }
    }

    #[test]
    fn groups_of_one_direction_are_ordered_by_the_first_field_that_makes_them() {
        let totals = |of| {
            request(&Call::Totals {
                stamps: Stamps::Server,
                since: None,
                groups: groups(of),
            })
        };
        let by = |request: &HttpRequest| -> Vec<String> {
            let group = request.query.iter().filter(|(name, _)| name == "groupBy[]");
            group.map(|(_, field)| field.clone()).collect()
        };
        let sent = totals(Direction::Sent);
        assert_eq!(by(&sent), ["receiver_id", "sender_id"]);
        assert_eq!(parameter(&sent, "sort"), "receiver_id");
        let received = totals(Direction::Received);
        assert_eq!(by(&received), ["sender_id", "receiver_id"]);
        assert_eq!(parameter(&received, "sort"), "sender_id");
        for request in [&sent, &received] {
            assert_eq!(parameter(request, "limit"), "10");
            assert_eq!(parameter(request, "offset"), "9");
        }
        let both = totals(Direction::Both);
        assert!(!both.query.iter().any(|(name, _)| name == "sort"));
    }

    #[test]
    fn every_read_of_messages_is_limited_to_mine() {
        let bob: PersonId = BOB.parse().unwrap();
        let at = Instant(0);
        for stamps in [Stamps::Sender, Stamps::Server] {
            for call in [
                Call::Messages(query(stamps)),
                Call::Messages(MessagesQuery {
                    peer: Some(bob),
                    ..query(stamps)
                }),
                Call::Message {
                    id: ID.parse().unwrap(),
                    stamps,
                },
                Call::Totals {
                    stamps,
                    since: None,
                    groups: groups(Direction::Both),
                },
                Call::Totals {
                    stamps,
                    since: None,
                    groups: groups(Direction::Received),
                },
                Call::Days {
                    since: Some(at),
                    groups: groups(Direction::Sent),
                },
                Call::Newest {
                    stamps,
                    of: vec![(bob, bob, at)],
                    limit: 4,
                },
            ] {
                let request = request(&call);
                let filter = match &request.body {
                    Some(body) => body["query"]["filter"].to_string(),
                    None => parameter(&request, "filter").to_owned(),
                };
                assert!(filter.contains(r#"{"sender_id":{"_eq":"$CURRENT_USER"}}"#));
                assert!(filter.contains(r#"{"receiver_id":{"_eq":"$CURRENT_USER"}}"#));
            }
        }
    }

    #[test]
    fn a_page_of_the_tutorials_collection_takes_whole_seconds() {
        let at = Instant::parse("2026-11-23T03:00:00.700Z").unwrap();
        let request = request(&Call::Messages(MessagesQuery {
            from: Some(at),
            until: Some(at),
            ascending: true,
            ..query(Stamps::Sender)
        }));
        let filter = parameter(&request, "filter");
        assert!(filter.contains(r#"{"timestamp":{"_gte":"2026-11-23T03:00:00"}}"#));
        assert!(filter.contains(r#"{"timestamp":{"_lt":"2026-11-23T03:00:01"}}"#));
        assert!(!filter.contains("_nin"), "an empty _nin is refused");
        assert_eq!(parameter(&request, "sort"), "timestamp,id");
    }

    #[test]
    fn a_page_by_the_servers_stamp_takes_milliseconds() {
        let at = Instant::parse("2026-11-23T03:00:00.700Z").unwrap();
        let request = request(&Call::Messages(MessagesQuery {
            until: Some(at),
            except: vec![ID.parse().unwrap()],
            offset: 3,
            ..query(Stamps::Server)
        }));
        let filter = parameter(&request, "filter");
        assert!(filter.contains(r#"{"date_created":{"_lte":"2026-11-23T03:00:00.700Z"}}"#));
        assert!(filter.contains(&format!(r#"{{"id":{{"_nin":["{ID}"]}}}}"#)));
        assert_eq!(parameter(&request, "sort"), "-date_created,-id");
        assert_eq!(parameter(&request, "offset"), "3");
    }

    #[test]
    fn a_long_query_goes_in_the_body() {
        let except: Vec<MessageId> = (0..200_u128)
            .map(|n| MessageId::new(uuid::Uuid::from_u128(n)))
            .collect();
        let request = request(&Call::Messages(MessagesQuery {
            except,
            ..query(Stamps::Server)
        }));
        assert_eq!(request.method, Method::Search);
        assert!(request.query.is_empty());
        let body = request.body.unwrap();
        assert_eq!(body["query"]["sort"], json!(["-date_created", "-id"]));
        assert_eq!(body["query"]["limit"], 50);
        assert_eq!(body["query"]["fields"].as_array().unwrap().len(), 7);
    }

    #[test]
    fn rows_older_than_the_servers_stamp_make_it_count_as_missing() {
        let call = Call::Probe {
            stamps: Stamps::Server,
        };
        let filter = parameter(&request(&call), "filter").to_owned();
        assert!(filter.contains(r#"{"date_created":{"_null":true}}"#));
        assert_eq!(
            answer(&call, 200, None, br#"{"data":[]}"#),
            Ok(Answer::Probed)
        );
        let Err(Fault::Permanent(refusal)) = answer(&call, 200, None, br#"{"data":[{}]}"#) else {
            panic!("not refused");
        };
        assert_eq!(refusal.reason, Reason::Forbidden);
        assert_eq!(refusal.field.as_deref(), Some("date_created"));
    }

    #[test]
    fn a_message_that_is_not_there_for_me_is_not_readable() {
        let call = Call::Message {
            id: ID.parse().unwrap(),
            stamps: Stamps::Server,
        };
        let Err(Fault::Permanent(refusal)) = answer(&call, 200, None, br#"{"data":[]}"#) else {
            panic!("not refused");
        };
        assert_eq!(refusal.reason, Reason::Forbidden);
    }

    #[test]
    fn a_success_that_no_directus_wrote_is_worth_another_try() {
        for body in ["", "<html>", "{}", r#"{"data":7}"#, &"[".repeat(100_000)] {
            assert!(
                matches!(
                    answer(
                        &Call::Messages(query(Stamps::Server)),
                        200,
                        None,
                        body.as_bytes()
                    ),
                    Err(Fault::Transient { status: 200, .. })
                ),
                "{}",
                body.get(..20).unwrap_or(body)
            );
        }
    }
}
