//! The REST side: routes, permissions, validation, errors.
//!
//! Owns: what a request is answered with. Never: when the answer arrives.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use whinchat_core::model::{PersonId, Stamps};

use super::{
    Act, Database, Event, Exchange, Refused, Row, Server, Transaction,
    rows::{Bad, Query},
};
use crate::quirk::Quirk;

/// HTTP methods that a chat uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Read.
    Get,
    /// Create, or a command.
    Post,
    /// Read, with the query in the body.
    Search,
    /// Change.
    Patch,
    /// Delete for good.
    Delete,
}

/// A request as it comes off the wire.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// Its method.
    pub method: Method,
    /// Path without the query: `/items/chat_messages`.
    pub path: String,
    /// The decoded pairs of the query.
    pub query: Vec<(String, String)>,
    /// The JSON body.
    pub body: Option<Value>,
    /// The bearer token.
    pub bearer: Option<String>,
    /// The session cookie.
    pub cookie: Option<String>,
}

/// An answer as it goes on the wire.
#[derive(Debug, Clone, PartialEq)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// JSON.
    pub body: Value,
    /// `Retry-After`, in seconds.
    pub retry_after: Option<i64>,
    /// The session token that `Set-Cookie` carries.
    pub cookie: Option<String>,
    /// Bytes of the body that are only counted.
    pub weight: usize,
}

impl Response {
    /// 200 with data.
    #[must_use]
    pub fn data(data: Value) -> Self {
        Self {
            status: 200,
            body: json!({ "data": data }),
            retry_after: None,
            cookie: None,
            weight: 0,
        }
    }

    /// 204: it is done, and there is nothing that may be read.
    #[must_use]
    pub fn nothing() -> Self {
        Self {
            status: 204,
            body: Value::Null,
            ..Self::data(Value::Null)
        }
    }

    /// An error with its code.
    #[must_use]
    pub fn error(status: u16, code: &str, field: Option<&str>) -> Self {
        let mut extensions = Map::new();
        if let Some(field) = field {
            extensions.insert("field".to_owned(), json!(field));
        }
        extensions.insert("code".to_owned(), json!(code));
        Self {
            status,
            body: json!({"errors": [{"message": "Refused.", "extensions": extensions}]}),
            retry_after: None,
            cookie: None,
            weight: 0,
        }
    }

    /// 400 `RECORD_NOT_UNIQUE`.
    #[must_use]
    pub fn not_unique(id: &str) -> Self {
        Self {
            status: 400,
            body: json!({"errors": [{
                "message": format!("Value \"{id}\" for field \"id\" in collection \"chat_messages\" has to be unique."),
                "extensions": {
                    "collection": "chat_messages", "field": "id", "value": id,
                    "code": "RECORD_NOT_UNIQUE",
                },
            }]}),
            retry_after: None,
            cookie: None,
            weight: 0,
        }
    }

    fn bad(bad: &Bad) -> Self {
        match bad {
            Bad::Query(_) | Bad::Operator(_) | Bad::Limit => {
                Self::error(400, "INVALID_QUERY", None)
            }
            Bad::Value => Self::error(500, "INTERNAL_SERVER_ERROR", None),
            Bad::Field(field) => {
                let reason = format!(
                    "You don't have permission to access field \"{field}\" in collection \"chat_messages\" or it does not exist. Queried in root."
                );
                Self {
                    status: 403,
                    body: json!({"errors": [{
                        "message": reason, "extensions": {"reason": reason, "code": "FORBIDDEN"},
                    }]}),
                    retry_after: None,
                    cookie: None,
                    weight: 0,
                }
            }
        }
    }
}

/// Reads a body as it comes off the wire.
///
/// # Errors
/// What Directus answers where it is no object and no list.
pub fn read_body(text: &str) -> Result<Value, Box<Response>> {
    match serde_json::from_str(text) {
        Ok(body @ (Value::Object(_) | Value::Array(_))) => Ok(body),
        _ => Err(Box::new(Response::error(400, "INVALID_PAYLOAD", None))),
    }
}

/// Texts that begin so count as 20 MiB.
pub const HUGE: &str = "huge ";

/// The largest answer that a client takes.
pub const BODY_MAX: usize = 32 << 20;

impl Server {
    /// Takes a request at a process.
    pub fn request(
        &mut self,
        now: i64,
        instance: usize,
        exchange: Exchange,
        request: &Request,
    ) -> Vec<Act> {
        let after = self.rng.range(2, 50);
        if let Some((status, retry_after)) = self.weather.refusing {
            let (code, quirk) = match status {
                429 => ("REQUESTS_EXCEEDED", Quirk::TooFast),
                503 => ("SERVICE_UNAVAILABLE", Quirk::Busy),
                _ => ("", Quirk::ProxyPage),
            };
            let mut response = Response::error(status, code, None);
            if code.is_empty() {
                response.body = json!("<html>Please wait</html>");
            }
            response.retry_after = retry_after;
            return vec![
                Act::CountRequest(exchange, quirk),
                Act::Answer(exchange, after, response),
            ];
        }
        if request.path == "/auth/refresh" {
            return self.refresh(now, exchange, after, request);
        }
        let query = Query::from_pairs(&request.query)
            .and_then(|query| self.rows.validate(&query).map(|()| query));
        let Some(bearer) = &request.bearer else {
            // What is no query is refused before it is asked who may.
            let nobody = PersonId::new(uuid::Uuid::nil());
            let asked = query.and_then(|query| self.rows.filterable(&query.filter, nobody));
            let response = match asked {
                Err(bad @ (Bad::Query(_) | Bad::Limit)) => Response::bad(&bad),
                Ok(()) | Err(_) => Response::error(403, "FORBIDDEN", None),
            };
            return vec![Act::Answer(exchange, after, response)];
        };
        let me = match self.sessions.check(bearer, now) {
            // Neither logout nor suspension ends a token that was given already;
            // sessions they end in the database.
            Ok((me, _)) => me,
            Err(Refused::Invalid) => {
                return self.unauthorized(exchange, after, "INVALID_CREDENTIALS");
            }
            Err(Refused::Expired) => return self.unauthorized(exchange, after, "TOKEN_EXPIRED"),
        };
        let query = match query {
            Ok(query) => query,
            Err(Bad::Limit) => {
                return vec![
                    Act::CountRequest(exchange, Quirk::LimitRefused),
                    Act::Answer(exchange, after, Response::bad(&Bad::Limit)),
                ];
            }
            Err(bad) => {
                self.unknown.push(format!("{} {bad:?}", request.path));
                return vec![Act::Answer(exchange, after, Response::bad(&bad))];
            }
        };
        if request.method == Method::Post && request.path == "/items/chat_messages" {
            return self.create(now, instance, exchange, after, me, request, query);
        }
        match request.method {
            Method::Patch => return self.change(now, exchange, after, me, request),
            Method::Delete => return self.remove(exchange, after, me, request),
            Method::Get | Method::Post | Method::Search => {}
        }
        let mut acts = Vec::new();
        let mut response = self.read(me, exchange, request, query, &mut acts);
        response.weight = self.weight(&response.body);
        if response.weight > BODY_MAX {
            acts.push(Act::CountRequest(exchange, Quirk::BodyTooLarge));
        }
        acts.push(Act::Answer(exchange, after, response));
        acts
    }

    /// The bytes that rows of an answer have beyond their texts.
    fn weight(&self, body: &Value) -> usize {
        let rows = body.get("data").and_then(Value::as_array);
        rows.into_iter()
            .flatten()
            .filter(|row| row.get("content").is_some())
            .filter_map(|row| self.rows.all.get(row.get("id")?.as_str()?))
            .map(|row| row.weight)
            .sum()
    }

    #[allow(clippy::unused_self)]
    fn unauthorized(&self, exchange: Exchange, after: i64, code: &str) -> Vec<Act> {
        vec![
            Act::CountRequest(exchange, Quirk::Unauthorized),
            Act::Answer(exchange, after, Response::error(401, code, None)),
        ]
    }

    fn refresh(&mut self, now: i64, exchange: Exchange, after: i64, request: &Request) -> Vec<Act> {
        let mode = request
            .body
            .as_ref()
            .and_then(|body| body.get("mode")?.as_str());
        let dead = |exchange| {
            vec![
                Act::CountRequest(exchange, Quirk::RefreshDead),
                Act::Answer(
                    exchange,
                    after,
                    Response::error(401, "INVALID_CREDENTIALS", None),
                ),
            ]
        };
        if mode == Some("session") {
            let Some(cookie) = &request.cookie else {
                let response = Response::error(400, "INVALID_PAYLOAD", None);
                return vec![Act::Answer(exchange, after, response)];
            };
            let renewed = self.sessions.renew_session(cookie, now);
            let Ok((next, repeated)) = renewed else {
                return dead(exchange);
            };
            let mut response =
                Response::data(json!({ "expires": self.settings.lifetimes.session }));
            response.cookie = Some(next);
            let mut acts = vec![Act::Answer(exchange, after, response)];
            if repeated {
                acts.push(Act::CountRequest(exchange, Quirk::GraceRepeat));
            }
            return acts;
        }
        let token = request
            .body
            .as_ref()
            .and_then(|body| body.get("refresh_token")?.as_str());
        let Some(token) = token else {
            let response = Response::error(400, "INVALID_PAYLOAD", None);
            return vec![Act::Answer(exchange, after, response)];
        };
        let Ok(rotated) = self.sessions.renew_spare(token, now) else {
            return dead(exchange);
        };
        let response = Response::data(json!({
            "expires": self.settings.lifetimes.access,
            "refresh_token": rotated.refresh,
            "access_token": rotated.access,
        }));
        vec![
            Act::CountRequest(exchange, Quirk::Rotated),
            Act::Answer(exchange, after, response),
        ]
    }

    fn read(
        &mut self,
        me: PersonId,
        exchange: Exchange,
        request: &Request,
        mut query: Query,
        acts: &mut Vec<Act>,
    ) -> Response {
        if request.method == Method::Search {
            acts.push(Act::CountRequest(exchange, Quirk::Searched));
        }
        if request.method == Method::Search {
            let body = request.body.as_ref().and_then(|body| body.get("query"));
            let asked = Query::from_json(body.unwrap_or(&Value::Null))
                .and_then(|query| self.rows.validate(&query).map(|()| query));
            query = match asked {
                Ok(query) => query,
                Err(Bad::Limit) => {
                    acts.push(Act::CountRequest(exchange, Quirk::LimitRefused));
                    return Response::bad(&Bad::Limit);
                }
                Err(bad) => {
                    self.unknown.push(format!("{} {bad:?}", request.path));
                    return Response::bad(&bad);
                }
            };
        }
        let admin = self.admin(me);
        match request.path.as_str() {
            "/items/chat_messages" => self.read_messages(me, admin, &query, exchange, acts),
            "/users/me" => Response::data(self.person(me, &query.fields)),
            "/users" => {
                let mut people: Vec<_> = self
                    .people
                    .iter()
                    .filter(|(_, account)| admin || (account.active && account.listed))
                    .map(|(id, account)| (account.first.clone(), account.last.clone(), *id))
                    .collect();
                people.sort();
                let limit = usize::try_from(query.limit.unwrap_or(100)).unwrap_or(usize::MAX);
                let page = people
                    .into_iter()
                    .skip(query.offset)
                    .take(limit)
                    .map(|(_, _, id)| self.person(id, &query.fields))
                    .collect();
                Response::data(Value::Array(page))
            }
            path => {
                let Some(id) = path.strip_prefix("/items/chat_messages/") else {
                    self.unknown.push(path.to_owned());
                    if path.starts_with("/items/") {
                        return Response::error(403, "FORBIDDEN", None);
                    }
                    return Response::error(404, "ROUTE_NOT_FOUND", None);
                };
                if uuid::Uuid::try_parse(id).is_err() {
                    return Response::error(403, "FORBIDDEN", None);
                }
                let row = self
                    .rows
                    .get(id)
                    .filter(|row| admin || row.sender == me || row.receiver == me);
                match (row, self.rows.select(&query.fields)) {
                    (_, Err(bad)) => Response::bad(&bad),
                    (None, _) => Response::error(403, "FORBIDDEN", None),
                    (Some(row), Ok(fields)) => Response::data(row.json(&fields)),
                }
            }
        }
    }

    fn read_messages(
        &mut self,
        me: PersonId,
        admin: bool,
        query: &Query,
        exchange: Exchange,
        acts: &mut Vec<Act>,
    ) -> Response {
        let counts = !query.aggregate.is_empty();
        if counts && self.weather.no_comparison && query.compares() {
            acts.push(Act::CountRequest(exchange, Quirk::ComparisonRefused));
            return Response::error(403, "FORBIDDEN", None);
        }
        let mut seen = |holds: bool, quirk| {
            if holds {
                acts.push(Act::CountRequest(exchange, quirk));
            }
        };
        match self.rows.read(query, me, admin) {
            Ok(rows) => {
                let names = query.names_one_id();
                seen(names && rows.is_empty(), Quirk::NotThere);
                seen(
                    counts && self.settings.database == Database::Postgres,
                    Quirk::CountAsText,
                );
                seen(
                    self.settings.stamps == Stamps::Sender && self.settings.zone != 0,
                    Quirk::ZoneShifted,
                );
                seen(self.settings.stamps == Stamps::Sender, Quirk::HiddenMillis);
                // Without its own filter an administrator would be given these.
                seen(admin && !counts, Quirk::AdministratorReads);
                Response::data(Value::Array(rows))
            }
            Err(bad) => {
                if matches!(bad, Bad::Query(_) | Bad::Operator(_)) {
                    self.unknown
                        .push(format!("a query that is refused: {bad:?}"));
                }
                Response::bad(&bad)
            }
        }
    }

    fn person(&self, id: PersonId, fields: &[String]) -> Value {
        let Some(account) = self.people.get(&id) else {
            return Value::Null;
        };
        let mut out = Map::new();
        for field in fields {
            let value = match field.as_str() {
                "id" => json!(id.to_string()),
                "first_name" => json!(account.first),
                "last_name" => json!(account.last),
                // An unreadable field is left out without a word.
                _ => continue,
            };
            out.insert(field.clone(), value);
        }
        Value::Object(out)
    }

    #[allow(clippy::too_many_arguments)]
    fn create(
        &mut self,
        now: i64,
        instance: usize,
        exchange: Exchange,
        after: i64,
        me: PersonId,
        request: &Request,
        query: Query,
    ) -> Vec<Act> {
        let refused = |response| vec![Act::Answer(exchange, after, response)];
        let body = request.body.clone().unwrap_or(Value::Null);
        if body.to_string().len() > self.settings.payload_max {
            if let Some(id) = body.get("id").and_then(Value::as_str) {
                self.refused.insert(id.to_lowercase());
            }
            let mut acts = refused(Response::error(400, "INVALID_PAYLOAD", None));
            acts.push(Act::CountRequest(exchange, Quirk::PayloadTooLarge));
            return acts;
        }
        let (batch, items) = match body {
            Value::Array(items) => (true, items),
            one => (false, vec![one]),
        };
        let wall = self.wall(instance, now);
        let mut rows = Vec::new();
        let mut ids = BTreeSet::new();
        for item in &items {
            match self.row(item, me, wall) {
                Ok(row) => {
                    ids.insert(row.id.clone());
                    rows.push(row);
                }
                Err((response, quirk)) => {
                    if let Some(id) = item.get("id").and_then(Value::as_str) {
                        self.refused.insert(id.to_lowercase());
                    }
                    let mut acts = refused(response);
                    acts.extend(quirk.map(|quirk| Act::CountRequest(exchange, quirk)));
                    return acts;
                }
            }
        }
        // A key that another open transaction holds is waited for.
        let mut delay = self.rng.range(2, 30);
        if self.weather.slow_commit > 0 {
            delay += self.rng.range(0, self.weather.slow_commit);
        }
        if self
            .open
            .values()
            .any(|open| open.rows.iter().any(|row| ids.contains(&row.id)))
        {
            delay += 20_000;
        }
        let transaction = Transaction {
            exchange,
            rows,
            fields: query.fields,
            batch,
            instance,
            began: now,
            answers: true,
        };
        vec![self.begin(transaction, delay)]
    }

    /// PATCH of one row, of several by their keys, or of a list of rows.
    fn change(
        &mut self,
        now: i64,
        exchange: Exchange,
        after: i64,
        me: PersonId,
        request: &Request,
    ) -> Vec<Act> {
        let refused = |response| vec![Act::Answer(exchange, after, response)];
        let body = request.body.clone().unwrap_or_else(|| json!({}));
        let one = request.path.strip_prefix("/items/chat_messages/");
        let mut parts = Vec::new();
        match (one, body) {
            (Some(id), data) => parts.push((vec![id.to_owned()], data)),
            (None, Value::Array(items)) => {
                for mut item in items {
                    let id = item.as_object_mut().and_then(|item| item.remove("id"));
                    let Some(Value::String(id)) = id else {
                        return refused(Response::error(400, "INVALID_PAYLOAD", None));
                    };
                    parts.push((vec![id], item));
                }
            }
            (None, body) => {
                let keys = body.get("keys").and_then(Value::as_array);
                let (Some(keys), Some(data @ Value::Object(_))) = (keys, body.get("data")) else {
                    return refused(Response::error(400, "INVALID_PAYLOAD", None));
                };
                let keys = keys.iter().filter_map(Value::as_str).map(str::to_owned);
                parts.push((keys.collect(), data.clone()));
            }
        }
        let mut acts = Vec::new();
        for (place, (keys, data)) in parts.iter().enumerate() {
            let Err(response) = self.may_change(me, keys, data) else {
                continue;
            };
            // Nothing of a list is done, and yet those before the refused one
            // are told of, as they were.
            for (keys, _) in parts.iter().take(place) {
                let concerns = keys
                    .first()
                    .and_then(|id| self.rows.get(id))
                    .map(|row| (row.sender, row.receiver));
                acts.extend(self.publish(&Event::Updated(keys.clone()), 0, concerns, false));
            }
            acts.push(Act::Answer(exchange, after, *response));
            return acts;
        }
        let mut changed = BTreeSet::new();
        for (mut keys, data) in parts {
            keys.sort();
            keys.dedup();
            let text = |field: &str| {
                data.get(field)
                    .map(|value| value.as_str().map(str::to_owned))
            };
            let content = text("content");
            let receiver = text("receiver_id").flatten().and_then(|id| id.parse().ok());
            let timestamp = text("timestamp").map(|text| self.rows.date_time(&text?));
            acts.extend(self.edit(&keys, now, |row| {
                row.content = content.clone().unwrap_or_else(|| row.content.take());
                row.receiver = receiver.unwrap_or(row.receiver);
                row.timestamp = timestamp.unwrap_or(row.timestamp);
            }));
            changed.extend(keys);
        }
        let fields = self.rows.fields();
        let mut rows: Vec<Value> = changed
            .iter()
            .filter_map(|id| self.rows.all.get(id))
            .map(|row| row.json(fields))
            .collect();
        let body = if one.is_some() {
            rows.pop()
        } else {
            Some(Value::Array(rows))
        };
        let response = body.map_or_else(Response::nothing, Response::data);
        acts.push(Act::Answer(exchange, after, response));
        acts
    }

    /// Whether a person may change these rows so: their own, and only the text.
    fn may_change(&self, me: PersonId, keys: &[String], data: &Value) -> Result<(), Box<Response>> {
        let forbidden = || Err(Box::new(Response::error(403, "FORBIDDEN", None)));
        if keys.iter().any(|key| uuid::Uuid::try_parse(key).is_err()) {
            return forbidden();
        }
        if self.admin(me) {
            return Ok(());
        }
        let mut fields = data.as_object().into_iter().flat_map(Map::keys);
        // A row that is named twice is one that is missing.
        let different: BTreeSet<_> = keys.iter().collect();
        let own = |key: &String| self.rows.all.get(key).is_some_and(|row| row.sender == me);
        if self.settings.stamps == Stamps::Sender
            || different.len() < keys.len()
            || !keys.iter().all(own)
            || fields.any(|field| field != "content")
        {
            return forbidden();
        }
        if data.get("content") == Some(&Value::Null) {
            let field = Some("content");
            return Err(Box::new(Response::error(400, "FAILED_VALIDATION", field)));
        }
        Ok(())
    }

    /// DELETE, which only an administrator may.
    fn remove(
        &mut self,
        exchange: Exchange,
        after: i64,
        me: PersonId,
        request: &Request,
    ) -> Vec<Act> {
        let keys = match request.path.strip_prefix("/items/chat_messages/") {
            Some(id) => vec![id.to_owned()],
            None => {
                let body = request.body.as_ref().and_then(Value::as_array);
                let keys = body.into_iter().flatten().filter_map(Value::as_str);
                keys.map(str::to_owned).collect()
            }
        };
        if !self.admin(me) || keys.iter().any(|key| uuid::Uuid::try_parse(key).is_err()) {
            let response = Response::error(403, "FORBIDDEN", None);
            return vec![Act::Answer(exchange, after, response)];
        }
        let mut acts = self.delete_all(&keys);
        acts.push(Act::Answer(exchange, after, Response::nothing()));
        acts
    }

    fn row(
        &mut self,
        item: &Value,
        me: PersonId,
        wall: i64,
    ) -> Result<Row, (Response, Option<Quirk>)> {
        let text = |field: &str| item.get(field).and_then(Value::as_str).map(str::to_owned);
        let invalid = |field| {
            (
                Response::error(400, "FAILED_VALIDATION", Some(field)),
                Some(Quirk::Validation),
            )
        };
        for field in item.as_object().into_iter().flat_map(Map::keys) {
            let writable = ["id", "content", "sender_id", "receiver_id", "timestamp"];
            if !writable.contains(&field.as_str()) {
                return Err((Response::bad(&Bad::Field(field.clone())), None));
            }
        }
        let admin = self.admin(me);
        let sender = match item.get("sender_id") {
            None => Ok(me),
            Some(id) => id.as_str().unwrap_or_default().parse(),
        };
        if sender != Ok(me) && !admin {
            return Err(invalid("sender_id"));
        }
        let content = match item.get("content") {
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => text("content"),
        };
        if content.is_none() && !admin {
            return Err(invalid("content"));
        }
        let Some(receiver) = text("receiver_id") else {
            return Err(invalid("receiver_id"));
        };
        let id = match item.get("id") {
            None => self.rng.uuid().to_string(),
            Some(Value::String(id)) if uuid::Uuid::try_parse(id).is_ok() && id.len() == 36 => {
                match self.settings.database {
                    Database::Sqlite => id.clone(),
                    Database::Postgres => id.to_lowercase(),
                }
            }
            Some(_) => return Err((Response::error(403, "FORBIDDEN", None), None)),
        };
        let receiver = receiver.parse::<PersonId>();
        let account = receiver.as_ref().ok().and_then(|id| self.people.get(id));
        let (Ok(receiver), Some(account)) = (&receiver, account) else {
            let response = match (self.settings.database, &receiver) {
                (Database::Sqlite, _) => Response::error(400, "INVALID_FOREIGN_KEY", None),
                (Database::Postgres, Ok(_)) => {
                    Response::error(400, "INVALID_FOREIGN_KEY", Some("receiver_id"))
                }
                (Database::Postgres, Err(_)) => Response::error(500, "INTERNAL_SERVER_ERROR", None),
            };
            return Err((response, Some(Quirk::ForeignKey)));
        };
        let receiver = *receiver;
        if account.blocks_all {
            return Err(invalid("receiver_id"));
        }
        let timestamp = match text("timestamp") {
            None => None,
            Some(text) => {
                let Some(at) = self.rows.date_time(&text) else {
                    return Err((Response::error(400, "INVALID_PAYLOAD", None), None));
                };
                Some(at)
            }
        };
        Ok(Row {
            id,
            content,
            sender: sender.unwrap_or(me),
            receiver,
            timestamp,
            created: wall,
            updated: None,
            orphan: false,
            // What stands in a text of the story for one that is really large.
            weight: if item
                .get("content")
                .and_then(Value::as_str)
                .is_some_and(|text| text.starts_with(HUGE))
            {
                20 << 20
            } else {
                0
            },
        })
    }
}
