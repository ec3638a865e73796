//! The table `chat_messages`, and how Directus reads a query on it: filters,
//! order, limits, groups.
//!
//! Owns: committed rows, and their JSON. Never: a permission or a token.

use std::{cmp::Ordering, collections::BTreeMap};

use serde_json::{Map, Value, json};
use whinchat_core::model::{Instant, PersonId, Stamps};

use super::Database;

/// A row of the collection, as the database keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Primary key, as it was sent.
    pub id: String,
    /// The text.
    pub content: Option<String>,
    /// Who wrote it.
    pub sender: PersonId,
    /// Whom it is for.
    pub receiver: PersonId,
    /// The `dateTime` in the server's own zone, read as UTC, with the
    /// milliseconds that are kept and not shown.
    pub timestamp: Option<i64>,
    /// `date_created`.
    pub created: i64,
    /// `date_updated`.
    pub updated: Option<i64>,
    /// Its sender's key is null, as a removed account leaves it.
    pub orphan: bool,
    /// Bytes of text that are only counted, so that a large row costs nothing.
    pub weight: usize,
}

/// What a field's value is compared as.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Cell {
    Null,
    Number(i64),
    Text(String),
}

impl Row {
    /// The stamp that orders it for people, as a client can see it.
    #[must_use]
    pub fn stamp(&self, stamps: Stamps) -> i64 {
        match stamps {
            Stamps::Sender => Instant(self.timestamp.unwrap_or(0)).floor_second().0,
            Stamps::Server => self.created,
        }
    }

    fn cell(&self, field: &str) -> Option<Cell> {
        let number = |value: Option<i64>| value.map_or(Cell::Null, Cell::Number);
        Some(match field {
            "id" => Cell::Text(self.id.clone()),
            "content" => self.content.clone().map_or(Cell::Null, Cell::Text),
            "sender_id" if self.orphan => Cell::Null,
            "sender_id" => Cell::Text(self.sender.to_string()),
            "receiver_id" => Cell::Text(self.receiver.to_string()),
            "timestamp" => number(self.timestamp),
            "date_created" => Cell::Number(self.created),
            "date_updated" => number(self.updated),
            _ => return None,
        })
    }

    /// Its JSON with these fields.
    #[must_use]
    pub fn json(&self, fields: &[&str]) -> Value {
        let mut out = Map::new();
        for field in fields {
            let value = match *field {
                "id" => json!(self.id),
                "content" => json!(self.content),
                "sender_id" if self.orphan => Value::Null,
                "sender_id" => json!(self.sender.to_string()),
                "receiver_id" => json!(self.receiver.to_string()),
                "timestamp" => json!(self.timestamp.map(|at| Instant(at).to_naive())),
                "date_created" => json!(Instant(self.created).to_zoned()),
                "date_updated" => json!(self.updated.map(|at| Instant(at).to_zoned())),
                _ => continue,
            };
            out.insert((*field).to_owned(), value);
        }
        Value::Object(out)
    }
}

/// The collection and what its schema is.
#[derive(Debug, Clone)]
pub struct Rows {
    /// Which fields there are.
    pub stamps: Stamps,
    /// Milliseconds that the server's zone is ahead of UTC.
    pub zone: i64,
    /// The database that they are in.
    pub database: Database,
    /// `QUERY_LIMIT_MAX`.
    pub limit_max: usize,
    /// Rows by primary key.
    pub all: BTreeMap<String, Row>,
}

/// A query that Directus refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bad {
    /// 400 `INVALID_QUERY`.
    Query(String),
    /// The same, for a limit that is no limit or beyond `QUERY_LIMIT_MAX`.
    Limit,
    /// 403 `FORBIDDEN`, naming a field.
    Field(String),
    /// 400 `INVALID_QUERY`, and only where every field may be read.
    Operator(String),
    /// 500 `INTERNAL_SERVER_ERROR`: the database could not read a value.
    Value,
}

impl Rows {
    /// The fields that exist.
    #[must_use]
    pub const fn fields(&self) -> &'static [&'static str] {
        match self.stamps {
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

    /// The row with this key, as a path or a list of keys names it.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Row> {
        match self.database {
            Database::Sqlite => self.all.get(id),
            Database::Postgres => self.all.get(&id.to_lowercase()),
        }
    }

    fn known(&self, field: &str) -> Result<(), Bad> {
        if self.fields().contains(&field) {
            Ok(())
        } else {
            Err(Bad::Field(field.to_owned()))
        }
    }

    /// The fields that a list like `a,b` or `["a","b"]` names; all for none.
    ///
    /// # Errors
    /// A field that is not there.
    pub fn select<'a>(&self, wanted: &'a [String]) -> Result<Vec<&'a str>, Bad> {
        let mut fields = Vec::new();
        for field in wanted {
            if field == "*" {
                fields.extend(self.fields());
                continue;
            }
            self.known(field)?;
            fields.push(field.as_str());
        }
        if fields.is_empty() {
            fields.extend(self.fields());
        }
        Ok(fields)
    }

    /// What a `dateTime` becomes that is written or compared: a zoned one is
    /// moved to the server's zone, a naive one stays.
    #[must_use]
    pub fn date_time(&self, text: &str) -> Option<i64> {
        let at = Instant::parse(text)?.0;
        let zoned =
            text.ends_with('Z') || text.get(10..).is_some_and(|rest| rest.contains(['+', '-']));
        Some(if zoned { at + self.zone } else { at })
    }

    fn operand(&self, field: &str, value: &Value, me: Option<PersonId>) -> Result<Cell, Bad> {
        let bad = || Bad::Query(format!("value of {field}"));
        match field {
            "timestamp" | "date_created" | "date_updated" => {
                let text = value.as_str().ok_or_else(bad)?;
                let at = if field == "timestamp" {
                    self.date_time(text)
                } else {
                    Instant::parse(text).map(|at| at.0)
                };
                match (at, self.database) {
                    (Some(at), _) => Ok(Cell::Number(at)),
                    // No time at all, which is neither before nor after any.
                    (None, Database::Sqlite) => Ok(Cell::Null),
                    (None, Database::Postgres) => Err(Bad::Value),
                }
            }
            _ => {
                let text = value.as_str().filter(|text| !text.is_empty());
                let text = text.ok_or_else(bad)?;
                if text == "$CURRENT_USER" {
                    return Ok(me.map_or(Cell::Null, |me| Cell::Text(me.to_string())));
                }
                let uuid = matches!(field, "id" | "sender_id" | "receiver_id");
                match self.database {
                    Database::Postgres if uuid && uuid::Uuid::try_parse(text).is_err() => {
                        Err(Bad::Value)
                    }
                    Database::Postgres if uuid => Ok(Cell::Text(text.to_lowercase())),
                    _ => Ok(Cell::Text(text.to_owned())),
                }
            }
        }
    }

    /// Whether a row passes a filter.
    ///
    /// # Errors
    /// A field or operator that Directus refuses.
    pub fn passes(&self, row: &Row, filter: &Value, me: Option<PersonId>) -> Result<bool, Bad> {
        let Some(filter) = filter.as_object() else {
            let empty = filter.as_array().is_some_and(Vec::is_empty);
            return if filter.is_null() || empty {
                Ok(true)
            } else {
                Err(Bad::Operator("filter is no object".to_owned()))
            };
        };
        let mut all = true;
        for (key, value) in filter {
            let passes = match key.as_str() {
                "_and" => {
                    let mut every = true;
                    for part in value.as_array().into_iter().flatten() {
                        every &= self.passes(row, part, me)?;
                    }
                    every
                }
                "_or" => {
                    let parts = value.as_array().map_or(&[][..], Vec::as_slice);
                    let mut any = parts.is_empty();
                    for part in parts {
                        any |= self.passes(row, part, me)?;
                    }
                    any
                }
                field => self.compare(row, field, value, me)?,
            };
            all &= passes;
        }
        Ok(all)
    }

    fn compare(
        &self,
        row: &Row,
        field: &str,
        operators: &Value,
        me: Option<PersonId>,
    ) -> Result<bool, Bad> {
        self.known(field)?;
        let cell = row.cell(field).unwrap_or(Cell::Null);
        let uuid = matches!(field, "id" | "sender_id" | "receiver_id");
        let Some(operators) = operators.as_object() else {
            return Err(Bad::Query(format!("{field} needs an operator")));
        };
        let mut all = true;
        for (operator, value) in operators {
            let passes = match operator.as_str() {
                "_null" => cell == Cell::Null,
                "_nnull" => cell != Cell::Null,
                "_in" | "_nin" => {
                    let list = value.as_array().map_or(&[][..], Vec::as_slice);
                    if list.is_empty() {
                        return Err(Bad::Query(format!("{operator} is empty")));
                    }
                    let mut found = false;
                    for value in list {
                        found |= self.operand(field, value, me)? == cell;
                    }
                    cell != Cell::Null && found == (operator == "_in")
                }
                "_lt" | "_lte" | "_gt" | "_gte" if uuid => {
                    return Err(Bad::Operator(format!(
                        "\"uuid\" field type does not contain the \"{operator}\" filter operator"
                    )));
                }
                "_eq" | "_neq" | "_lt" | "_lte" | "_gt" | "_gte" => {
                    let operand = self.operand(field, value, me)?;
                    let order = cell.cmp(&operand);
                    cell != Cell::Null
                        && operand != Cell::Null
                        && match operator.as_str() {
                            "_eq" => order == Ordering::Equal,
                            "_neq" => order != Ordering::Equal,
                            "_lt" => order == Ordering::Less,
                            "_lte" => order != Ordering::Greater,
                            "_gt" => order == Ordering::Greater,
                            _ => order != Ordering::Less,
                        }
                }
                other => return Err(Bad::Operator(format!("operator {other}"))),
            };
            all &= passes;
        }
        Ok(all)
    }

    /// Whether a filter may be asked; there need be no row to try it on.
    ///
    /// # Errors
    /// What of it Directus refuses.
    pub fn filterable(&self, filter: &Value, me: PersonId) -> Result<(), Bad> {
        let probe = Row {
            id: String::new(),
            content: None,
            sender: me,
            receiver: me,
            timestamp: None,
            created: 0,
            updated: None,
            orphan: false,
            weight: 0,
        };
        self.passes(&probe, filter, Some(me)).map(drop)
    }

    /// Whether the fields and the filter of a subscription are such as may be read.
    ///
    /// # Errors
    /// What Directus refuses.
    pub fn readable(&self, query: &Query) -> Result<(), Bad> {
        self.select(&query.fields)?;
        self.filterable(&query.filter, PersonId::new(uuid::Uuid::nil()))
    }

    /// Answers a read: rows, or groups where the query asks for them.
    ///
    /// # Errors
    /// A query that Directus refuses.
    pub fn read(&self, query: &Query, me: PersonId, everything: bool) -> Result<Vec<Value>, Bad> {
        let mut found = Vec::new();
        // Refused are: what is no query, then a field, then an operator, and by the
        // database a value.
        let filterable = self.filterable(&query.filter, me);
        if matches!(filterable, Err(Bad::Query(_))) {
            return filterable.map(|()| Vec::new());
        }
        let fields = self.select(&query.fields)?;
        let mut order = Vec::new();
        for key in &query.sort {
            let (field, down) = key
                .strip_prefix('-')
                .map_or((key.as_str(), false), |field| (field, true));
            self.known(field)?;
            order.push((field, down));
        }
        filterable?;
        for row in self.all.values() {
            let mine = row.sender == me || row.receiver == me;
            if (everything || mine) && self.passes(row, &query.filter, Some(me))? {
                found.push(row);
            }
        }
        if !query.aggregate.is_empty() {
            return self.groups(query, &found, &order, everything);
        }
        found.sort_by(|a, b| {
            order
                .iter()
                .map(|(field, down)| {
                    let by = self.order(a.cell(field), b.cell(field));
                    if *down { by.reverse() } else { by }
                })
                .find(|by| by.is_ne())
                .unwrap_or(Ordering::Equal)
        });
        Ok(found
            .into_iter()
            .skip(query.offset)
            .take(self.limit(query))
            .map(|row| row.json(&fields))
            .collect())
    }

    /// Null is before everything on SQLite and after everything on PostgreSQL.
    fn order(&self, a: Option<Cell>, b: Option<Cell>) -> Ordering {
        let null = |cell: &Option<Cell>| *cell == Some(Cell::Null);
        match (self.database, null(&a), null(&b)) {
            (Database::Postgres, true, false) => Ordering::Greater,
            (Database::Postgres, false, true) => Ordering::Less,
            _ => a.cmp(&b),
        }
    }

    /// What a query must be before anything is looked at, also its own asker's
    /// token: a limit beyond `QUERY_LIMIT_MAX` is refused, not lowered.
    ///
    /// # Errors
    /// What Directus refuses.
    pub fn validate(&self, query: &Query) -> Result<(), Bad> {
        let most = i64::try_from(self.limit_max).unwrap_or(i64::MAX);
        if query.limit.is_some_and(|limit| limit < -1 || limit > most) {
            return Err(Bad::Limit);
        }
        if query.fields.iter().any(String::is_empty) {
            return Err(Bad::Query("a field without a name".to_owned()));
        }
        Ok(())
    }

    fn limit(&self, query: &Query) -> usize {
        match query.limit {
            None => 100.min(self.limit_max),
            Some(-1) => self.limit_max,
            Some(limit) => usize::try_from(limit).unwrap_or(0),
        }
    }

    /// Groups stand in the order of the first field that makes them where that is
    /// asked for and no other; else in one that nobody can rely on.
    fn groups(
        &self,
        query: &Query,
        found: &[&Row],
        order: &[(&str, bool)],
        everything: bool,
    ) -> Result<Vec<Value>, Bad> {
        let first = query.group.first().map(String::as_str);
        let by_first = matches!(order, [(field, false)] if Some(*field) == first);
        if !order.is_empty() && !by_first && self.database == Database::Postgres && !everything {
            // What is read under permissions is grouped by what those make of it,
            // and the database knows no such field to order by.
            return Err(Bad::Value);
        }
        let mut groups: BTreeMap<String, (Map<String, Value>, Vec<&Row>)> = BTreeMap::new();
        for row in found {
            let mut object = Map::new();
            for by in &query.group {
                let (name, value) = self.group_value(row, by)?;
                object.insert(name, value);
            }
            let key = Value::Object(object.clone()).to_string();
            let group = groups.entry(key).or_insert_with(|| (object, Vec::new()));
            group.1.push(row);
        }
        let mut out = Vec::new();
        for (mut object, rows) in groups.into_values() {
            for (function, field) in &query.aggregate {
                let value = match (function.as_str(), field.as_str()) {
                    ("count", "*") => self.count(rows.len()),
                    ("count", field) => {
                        self.known(field)?;
                        json!({field: self.count(rows.len())})
                    }
                    ("max", field) => {
                        self.known(field)?;
                        let newest = rows
                            .iter()
                            .max_by_key(|row| row.cell(field))
                            .map(|row| row.json(&[field]));
                        newest.unwrap_or(Value::Null)
                    }
                    (other, _) => return Err(Bad::Query(format!("aggregate {other}"))),
                };
                match object.get_mut(function) {
                    Some(Value::Object(old)) => {
                        if let Value::Object(new) = value {
                            old.extend(new);
                        }
                    }
                    _ => {
                        object.insert(function.clone(), value);
                    }
                }
            }
            out.push(Value::Object(object));
        }
        if let (true, Some(first)) = (by_first, first) {
            out.sort_by_key(|group| group.get(first).map(Value::to_string));
        } else {
            out.reverse();
        }
        // `QUERY_LIMIT_MAX` cuts groups as it cuts rows.
        let page = out.into_iter().skip(query.offset).take(self.limit(query));
        Ok(page.collect())
    }

    fn count(&self, count: usize) -> Value {
        match self.database {
            Database::Sqlite => json!(count),
            Database::Postgres => json!(count.to_string()),
        }
    }

    fn group_value(&self, row: &Row, by: &str) -> Result<(String, Value), Bad> {
        if let Some((function, field)) = by.strip_suffix(')').and_then(|by| by.split_once('(')) {
            self.known(field)?;
            let text = row
                .json(&[field])
                .get(field)
                .and_then(Value::as_str)
                .map(str::to_owned);
            let part = text.as_deref().and_then(|text| {
                match function {
                    "year" => text.get(..4),
                    "month" => text.get(5..7),
                    "day" => text.get(8..10),
                    "hour" => text.get(11..13),
                    _ => None,
                }
                .and_then(|part| part.parse::<i64>().ok())
            });
            let part = match self.database {
                Database::Sqlite => json!(part),
                Database::Postgres => json!(part.map(|part| part.to_string())),
            };
            return Ok((format!("{field}_{function}"), part));
        }
        self.known(by)?;
        let value = row.json(&[by]).get(by).cloned().unwrap_or(Value::Null);
        Ok((by.to_owned(), value))
    }
}

/// A query on a collection, as it stands in a URL or in the body of a SEARCH.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Query {
    /// Fields asked for; empty for all.
    pub fields: Vec<String>,
    /// The filter, null for none.
    pub filter: Value,
    /// Order, `-` before a field for descending.
    pub sort: Vec<String>,
    /// At most this many; -1 for all.
    pub limit: Option<i64>,
    /// Leave this many out at the start.
    pub offset: usize,
    /// Functions with their fields: `("max", "date_created")`.
    pub aggregate: Vec<(String, String)>,
    /// Fields to group by.
    pub group: Vec<String>,
}

impl Query {
    /// Reads the pairs of a URL's query.
    ///
    /// # Errors
    /// What Directus refuses.
    pub fn from_pairs(pairs: &[(String, String)]) -> Result<Self, Bad> {
        let mut query = Self::default();
        let list = |text: &str| text.split(',').map(str::to_owned).collect::<Vec<_>>();
        for (key, value) in pairs {
            match key.as_str() {
                "fields" | "fields[]" => query.fields.extend(list(value)),
                "sort" | "sort[]" => query.sort.extend(list(value)),
                "groupBy" | "groupBy[]" => query.group.extend(list(value)),
                "filter" => {
                    query.filter = serde_json::from_str(value)
                        .map_err(|_| Bad::Query("filter is no JSON".to_owned()))?;
                }
                "limit" => query.limit = Some(number(value)?),
                "offset" => {
                    query.offset = usize::try_from(number(value)?)
                        .map_err(|_| Bad::Query("offset".to_owned()))?;
                }
                key => {
                    let function = key
                        .strip_prefix("aggregate[")
                        .and_then(|rest| rest.split_once(']'))
                        .map(|(function, _)| function.to_owned());
                    let Some(function) = function else {
                        return Err(Bad::Query(format!("the model knows no {key}")));
                    };
                    for field in list(value) {
                        query.aggregate.push((function.clone(), field));
                    }
                }
            }
        }
        Ok(query)
    }

    /// Whether this is a comparison, and not the first list of conversations.
    #[must_use]
    pub fn compares(&self) -> bool {
        self.group.iter().any(|by| by.contains('(')) || self.filter.to_string().contains("_gte")
    }

    /// Whether it asks for one row by its id.
    #[must_use]
    pub fn names_one_id(&self) -> bool {
        self.filter.to_string().contains(r#"{"id":{"_eq":"#)
    }

    /// Reads the `query` of a SEARCH or of a subscription.
    ///
    /// # Errors
    /// What Directus refuses.
    pub fn from_json(value: &Value) -> Result<Self, Bad> {
        let mut query = Self::default();
        let texts = |value: &Value| -> Vec<String> {
            match value {
                Value::Array(all) => all
                    .iter()
                    .filter_map(Value::as_str)
                    .map(str::to_owned)
                    .collect(),
                Value::String(one) => one.split(',').map(str::to_owned).collect(),
                _ => Vec::new(),
            }
        };
        for (key, value) in value.as_object().into_iter().flatten() {
            match key.as_str() {
                "fields" => query.fields = texts(value),
                "sort" => query.sort = texts(value),
                "groupBy" | "group" => query.group = texts(value),
                "filter" => query.filter = value.clone(),
                "limit" => query.limit = value.as_i64(),
                "offset" => {
                    query.offset = value
                        .as_u64()
                        .and_then(|n| usize::try_from(n).ok())
                        .unwrap_or(0);
                }
                "aggregate" => {
                    for (function, fields) in value.as_object().into_iter().flatten() {
                        for field in texts(fields) {
                            query.aggregate.push((function.clone(), field));
                        }
                    }
                }
                other => return Err(Bad::Query(format!("the model knows no {other}"))),
            }
        }
        Ok(query)
    }
}

fn number(text: &str) -> Result<i64, Bad> {
    text.parse()
        .map_err(|_| Bad::Query("not a number".to_owned()))
}
