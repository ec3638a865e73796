//! Making, changing and deleting what is not one's own, or in another's name: each
//! collection, in each way there is to ask.

use super::call::{Call, Way, graphql_name, literal, path};
use super::forged::{broken, invented, invented_or, of_directus};
use super::trial::{Expect, Trial};
use super::world::{
    EXPENDABLE, Subject, Who, eves_file, eves_group, eves_message, expendable, merge,
};
use crate::ids::probe;
use crate::schema::{Action, Collection, Field, FieldType, MESSAGES, REPORTS, Schema};
use reqwest::Method;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU32, Ordering};

/// Makes the trials; every row that is to be made gets a key that was never used.
pub(super) struct Writing<'a> {
    schema: &'a Schema,
    subjects: &'a [Subject],
    next: AtomicU32,
}

impl<'a> Writing<'a> {
    pub(super) fn new(schema: &'a Schema, subjects: &'a [Subject]) -> Self {
        Self {
            schema,
            subjects,
            next: AtomicU32::new(super::world::FIRST_NEW),
        }
    }

    /// How far the keys have come.
    pub(super) fn last(&self) -> u32 {
        self.next.load(Ordering::Relaxed)
    }

    pub(super) fn new_key(&self) -> String {
        probe(self.next.fetch_add(1, Ordering::Relaxed))
    }

    pub(super) fn trials(&self, subject: &Subject, private: &[String]) -> Vec<Trial> {
        let mut all = self.updates(subject, private);
        all.extend(self.creates(subject));
        all.extend(self.deletes(subject));
        all
    }

    /// The fields that some rule lets people write by this action.
    fn allowed(&self, collection: &str, action: Action) -> Vec<&'static str> {
        self.schema
            .rules()
            .filter(|(_, rule)| rule.collection == collection && rule.action == action)
            .flat_map(|(_, rule)| rule.fields.iter().copied())
            .collect()
    }

    fn has(&self, collection: &str, action: Action) -> bool {
        self.schema
            .rules()
            .any(|(_, rule)| rule.collection == collection && rule.action == action)
    }

    fn declared(&self, collection: &str) -> Option<&'a Collection> {
        self.schema.collection(collection)
    }

    fn field(&self, collection: &str, name: &str) -> Option<&'a Field> {
        let declared = self.declared(collection)?;
        declared.fields.iter().find(|field| field.name == name)
    }

    /// Something that a field can hold and that it does not.
    fn value(&self, collection: &str, name: &str) -> Value {
        if ["members", "messages", "attachments", "reactions"].contains(&name) {
            return json!({ "create": [], "update": [], "delete": [] });
        }
        if name == "avatar" {
            return json!({ "id": eves_file(), "chat_attached_at": "2026-01-01T00:00:00Z" });
        }
        let Some(field) = self.field(collection, name) else {
            return of_directus(name);
        };
        if let Some(relation) = &field.relation {
            return json!(match relation.to {
                "directus_users" => Who::Eve.id(),
                "directus_files" => eves_file(),
                "chat_groups" => eves_group(),
                _ => eves_message(),
            });
        }
        match field.kind {
            FieldType::Uuid => json!(Who::Eve.id()),
            FieldType::Text | FieldType::String => json!("changed"),
            FieldType::Integer => json!(7),
            FieldType::Boolean => json!(true),
            FieldType::Json => json!({ "changed": true }),
            FieldType::DateTime | FieldType::Timestamp => json!("2001-02-03T04:05:06Z"),
        }
    }

    fn updates(&self, subject: &Subject, private: &[String]) -> Vec<Trial> {
        let c = subject.collection;
        let updatable = self.allowed(c, Action::Update);
        let would = format!("{c} of others changed");
        let mut all = Vec::new();
        let rest = (c, Action::Update, Way::Rest);
        let by_key = |id: &str, field: &str| {
            Call::patch(
                format!("{}/{id}", path(c)),
                json!({ field: self.value(c, field) }),
            )
        };
        // A field that nobody may change serves where there is no other.
        let closed = match c {
            "directus_files" => "title",
            REPORTS => "reason",
            _ => "version",
        };
        let first = updatable.first().copied().unwrap_or(closed);

        let mut strangers = vec![(Who::Eve, subject.theirs.clone(), updatable.clone())];
        for id in &subject.left_behind {
            strangers.push((Who::Eve, id.clone(), updatable.clone()));
        }
        for (who, id) in &subject.seers {
            let mut fields = updatable.clone();
            fields.retain(|field| !subject.touch.contains(field));
            strangers.push((*who, id.clone(), fields));
        }
        for (who, id, fields) in &strangers {
            for field in fields {
                all.push(
                    Trial::new(
                        rest,
                        *who,
                        by_key(id, field),
                        Expect::Refusal,
                        format!("{field} of {}, as {}", self.whose(subject, id), who.name()),
                    )
                    .would(&would)
                    .watching(c, id),
                );
            }
            let field = fields.first().copied().unwrap_or(closed);
            for (way, what, call) in self.ways_of_changing(c, id, field) {
                let expect = if way == Way::Query {
                    Expect::Nothing
                } else {
                    Expect::Refusal
                };
                all.push(
                    Trial::new(
                        (c, Action::Update, way),
                        *who,
                        call,
                        expect,
                        format!("{what}, {} as {}", self.whose(subject, id), who.name()),
                    )
                    .would(&would)
                    .watching(c, id),
                );
            }
        }
        for who in [Who::Visitor, Who::Otto] {
            let call = by_key(&subject.theirs, first);
            let what = format!("{first}, as {}", who.name());
            all.push(
                Trial::new(rest, who, call, Expect::Refusal, what)
                    .would(&would)
                    .watching(c, &subject.theirs),
            );
        }
        if let Some(mine) = &subject.eves {
            let mut fixed: Vec<String> = self
                .declared(c)
                .into_iter()
                .flat_map(|declared| &declared.fields)
                .map(|field| field.name.to_owned())
                .chain(private.iter().cloned())
                .filter(|field| !updatable.contains(&field.as_str()))
                .collect();
            fixed.dedup();
            for field in &fixed {
                all.push(
                    Trial::new(
                        rest,
                        Who::Eve,
                        by_key(mine, field),
                        Expect::Refusal,
                        format!("{field} of her own row, which is not hers to set"),
                    )
                    .would(format!("{c}.{field} forged"))
                    .watching(c, mine),
                );
            }
            for field in &updatable {
                let what = format!("{field} of her own row, as Eve who may");
                all.push(Trial::new(
                    rest,
                    Who::Eve,
                    by_key(mine, field),
                    Expect::Done,
                    what,
                ));
            }
            if let Some(field) = updatable.first() {
                for (way, what, call) in self.ways_of_changing(c, mine, field) {
                    let what = format!("{what}, her own row as Eve who may");
                    all.push(Trial::new(
                        (c, Action::Update, way),
                        Who::Eve,
                        call,
                        Expect::Done,
                        what,
                    ));
                }
            }
        }
        let change = || json!({ "id": subject.theirs, first: self.value(c, first) });
        all.extend(self.through_others(subject, Action::Update, "changed", &change));
        let change = || json!({ "update": [change()] });
        all.extend(self.through_lists(subject, Action::Update, &change));
        all
    }

    fn whose(&self, subject: &Subject, id: &str) -> &'static str {
        if subject.left_behind.iter().any(|left| left == id) {
            "what is out of her sight"
        } else if subject.theirs == id {
            "what she must not see"
        } else {
            "what is in sight"
        }
    }

    /// Every way to change one field of one row, but the plainest.
    fn ways_of_changing(
        &self,
        c: &'static str,
        id: &str,
        field: &str,
    ) -> Vec<(Way, &'static str, Call)> {
        let p = path(c);
        let change = json!({ field: self.value(c, field) });
        let mut row = change.clone();
        merge(&mut row, json!({ "id": id }));
        let filter = json!({ "filter": { "id": { "_eq": id } } });
        let mut all = vec![
            (
                Way::Batch,
                "by several keys",
                Call::patch(p.clone(), json!({ "keys": [id], "data": change })),
            ),
            (Way::Batch, "as rows", Call::patch(p.clone(), json!([row]))),
            (
                Way::Query,
                "by a filter",
                Call::patch(p, json!({ "query": filter, "data": change })),
            ),
        ];
        let (system, name) = graphql_name(c);
        let data = literal(&change);
        let graphql = |text: String| Call::GraphQl { system, text };
        all.push((
            Way::GraphQl,
            "one",
            graphql(format!(
                r#"mutation {{ update_{name}_item(id: "{id}", data: {data}) {{ id }} }}"#
            )),
        ));
        all.push((
            Way::GraphQl,
            "several",
            graphql(format!(
                r#"mutation {{ update_{name}_items(ids: ["{id}"], data: {data}) {{ id }} }}"#
            )),
        ));
        if system {
            return all;
        }
        let frame = |how: &str, what: Value| {
            Call::Socket(json!({ "collection": c, "action": "update", how: what, "data": change }))
        };
        all.push((Way::Socket, "by its key", frame("id", json!(id))));
        all.push((Way::Socket, "by several keys", frame("ids", json!([id]))));
        let rows = json!({ "collection": c, "action": "update", "data": [row] });
        all.push((Way::Socket, "as rows", Call::Socket(rows)));
        all
    }

    fn creates(&self, subject: &Subject) -> Vec<Trial> {
        let c = subject.collection;
        let p = path(c);
        let would = format!("a row of {c} forged");
        let rest = (c, Action::Create, Way::Rest);
        let mut all = Vec::new();
        let (who, valid) = subject.valid.clone().unwrap_or((Who::Eve, invented(c)));
        let mut forge = |what: &str, patch: &Value| {
            let row = self.row(&valid, patch);
            let id = key_of(&row);
            all.push(
                Trial::new(
                    rest,
                    who,
                    Call::post(p.clone(), row),
                    Expect::Refusal,
                    format!("{what}, as {}", who.name()),
                )
                .would(&would)
                .or(&["INVALID_FOREIGN_KEY"])
                .watching(c, id),
            );
        };
        let forgeries = self.forgeries(c, who);
        for (what, patch) in &forgeries {
            forge(what, patch);
        }
        // Fay is in no group: what is one of hers is then an empty list.
        let of_groups = [MESSAGES, "chat_members", "chat_read_states", "chat_typing"];
        for (what, patch) in broken(c).iter().filter(|_| of_groups.contains(&c)) {
            let row = self.row(&valid, patch);
            let id = key_of(&row);
            all.push(
                Trial::new(
                    rest,
                    Who::Fay,
                    Call::post(p.clone(), row),
                    Expect::Refusal,
                    format!("{what}, as Fay who is in no group"),
                )
                .would(&would)
                .or(&["INVALID_FOREIGN_KEY"])
                .watching(c, id),
            );
        }
        for who in [Who::Visitor, Who::Otto] {
            let row = self.row(&valid, &json!({}));
            let id = key_of(&row);
            all.push(
                Trial::new(
                    rest,
                    who,
                    Call::post(p.clone(), row),
                    Expect::Refusal,
                    format!("as {}", who.name()),
                )
                .would(&would)
                .watching(c, id),
            );
        }
        let mut stolen = valid.clone();
        merge(&mut stolen, json!({ "id": subject.theirs }));
        all.push(
            Trial::new(
                rest,
                who,
                Call::post(p.clone(), stolen),
                Expect::Refusal,
                "with the key of a row of others",
            )
            .would(format!("{c} of others overwritten"))
            .watching(c, &subject.theirs),
        );
        let forged = forgeries
            .first()
            .map_or(json!({}), |(_, patch)| patch.clone());
        // The good row of a batch must not be made either. Presence has one row a person.
        let single = c == "chat_presence";
        let (good, bad) = (self.row(&valid, &json!({})), self.row(&valid, &forged));
        let mut batch = vec![bad.clone()];
        if !single {
            batch.insert(0, good.clone());
        }
        let mut trial = Trial::new(
            (c, Action::Create, Way::Batch),
            who,
            Call::post(p.clone(), json!(batch)),
            Expect::Refusal,
            "a forged row behind a good one",
        )
        .would(&would)
        .watching(c, key_of(&bad));
        if !single {
            trial = trial.watching(c, key_of(&good));
        }
        // POST /files takes one.
        let one_by_one = c == "directus_files";
        if !one_by_one {
            all.push(trial);
        }
        let (system, name) = graphql_name(c);
        // Whoever may not read what they make is told that it is made, and no more.
        let readable = self.has(c, Action::Read);
        let told = if readable { "{ id }" } else { "" };
        let by_graphql = |row: &Value| Call::GraphQl {
            system,
            text: format!(
                "mutation {{ create_{name}_item(data: {}) {told} }}",
                literal(row)
            ),
        };
        let graphql = (c, Action::Create, Way::GraphQl);
        let bad = self.row(&valid, &forged);
        all.push(
            Trial::new(graphql, who, by_graphql(&bad), Expect::Refusal, "forged")
                .would(&would)
                .watching(c, key_of(&bad)),
        );
        let frame =
            |row: &Value| Call::Socket(json!({ "collection": c, "action": "create", "data": row }));
        if !system {
            let bad = self.row(&valid, &forged);
            all.push(
                Trial::new(
                    (c, Action::Create, Way::Socket),
                    who,
                    frame(&bad),
                    Expect::Refusal,
                    "forged",
                )
                .would(&would)
                .watching(c, key_of(&bad))
                .or(&["SILENCE"]),
            );
        }
        // What it belongs to is set by the row around it: so by a field that is the server's.
        let forged = forgeries
            .iter()
            .rev()
            .find(|(what, _)| what.ends_with("the server's to set"))
            .or_else(|| forgeries.first())
            .map_or(json!({}), |(_, patch)| patch.clone());
        let new = || self.row(&invented_or(&valid, c), &forged);
        all.extend(self.through_others(subject, Action::Create, "made", &new));
        let new = || json!({ "create": [new()] });
        all.extend(self.through_lists(subject, Action::Create, &new));
        if subject.valid.is_none() {
            return all;
        }
        let fresh = || self.row(&valid, &json!({}));
        all.push(Trial::new(
            rest,
            who,
            Call::post(p.clone(), fresh()),
            Expect::Done,
            "as it may be made",
        ));
        if single {
            return all;
        }
        if !one_by_one {
            let rows = json!([fresh(), fresh()]);
            all.push(Trial::new(
                (c, Action::Create, Way::Batch),
                who,
                Call::post(p, rows),
                Expect::Done,
                "as they may be made",
            ));
        }
        let plain = valid
            .as_object()
            .is_some_and(|row| row.values().all(|value| !value.is_object()));
        // GraphQL has no way to write the object form with a key and a touch.
        if plain && c != "chat_members" {
            all.push(Trial::new(
                graphql,
                who,
                by_graphql(&fresh()),
                Expect::Done,
                "as it may be made",
            ));
        }
        // The socket answers FORBIDDEN to what it made and may not show.
        if !system && readable {
            all.push(Trial::new(
                (c, Action::Create, Way::Socket),
                who,
                frame(&fresh()),
                Expect::Done,
                "as it may be made",
            ));
        }
        all
    }

    /// A row with a fresh key, unless its key is told, and with the fields of the patch; one
    /// that is `{"left": "out"}` there is left out.
    fn row(&self, valid: &Value, patch: &Value) -> Value {
        let mut row = valid.clone();
        if row.get("id").is_none() {
            merge(&mut row, json!({ "id": self.new_key() }));
        }
        merge(&mut row, patch.clone());
        if let Value::Object(map) = &mut row {
            map.retain(|_, value| value != &json!({ "left": "out" }));
        }
        row
    }

    /// What must not be made, and how it differs from what may.
    fn forgeries(&self, c: &str, who: Who) -> Vec<(String, Value)> {
        let mut all = Vec::new();
        let other = if who == Who::Ben { Who::Anna } else { Who::Ben };
        let mut asked = Vec::new();
        for (_, rule) in self.schema.rules() {
            if rule.collection == c && rule.action == Action::Create {
                mine(&rule.validation, &mut asked);
            }
        }
        asked.sort_unstable();
        asked.dedup();
        for field in &asked {
            all.push((
                format!("{field} is somebody else"),
                json!({ field.as_str(): other.id() }),
            ));
            all.push((
                format!("{field} is nobody"),
                json!({ field.as_str(): null }),
            ));
        }
        all.extend(broken(c));
        let may = self.allowed(c, Action::Create);
        if !may.is_empty() {
            for field in self
                .declared(c)
                .into_iter()
                .flat_map(|declared| &declared.fields)
            {
                if !may.contains(&field.name) {
                    all.push((
                        format!("{} is the server's to set", field.name),
                        json!({ field.name: self.value(c, field.name) }),
                    ));
                }
            }
        }
        all
    }

    fn deletes(&self, subject: &Subject) -> Vec<Trial> {
        let c = subject.collection;
        let may = self.has(c, Action::Delete);
        let mut all = Vec::new();
        let mut rows = vec![(Who::Eve, subject.theirs.clone())];
        // Of members, whose row it is and who administers may delete it.
        let in_sight = if c == "chat_members" {
            1
        } else {
            subject.seers.len()
        };
        rows.extend(subject.seers.iter().take(in_sight).cloned());
        if let Some(mine) = subject.eves.clone().filter(|_| !may) {
            rows.push((Who::Eve, mine));
        }
        for (who, id) in &rows {
            for (way, what, call) in ways_of_deleting(c, id) {
                let expect = if way == Way::Query {
                    Expect::Nothing
                } else {
                    Expect::Refusal
                };
                let whose = if subject.eves.as_ref() == Some(id) {
                    "her own"
                } else {
                    self.whose(subject, id)
                };
                all.push(
                    Trial::new(
                        (c, Action::Delete, way),
                        *who,
                        call,
                        expect,
                        format!("{what}, {whose} as {}", who.name()),
                    )
                    .would(format!("{c} of others destroyed"))
                    .watching(c, id),
                );
            }
        }
        for who in [Who::Visitor, Who::Otto] {
            let call = Call::delete(format!("{}/{}", path(c), subject.theirs), None);
            all.push(
                Trial::new(
                    (c, Action::Delete, Way::Rest),
                    who,
                    call,
                    Expect::Refusal,
                    format!("as {}", who.name()),
                )
                .would(format!("{c} of others destroyed"))
                .watching(c, &subject.theirs),
            );
        }
        let gone = || json!({ "delete": [subject.theirs] });
        all.extend(self.through_lists(subject, Action::Delete, &gone));
        if may {
            let count = ways_of_deleting(c, "").len();
            for number in 0..count.min(EXPENDABLE as usize) {
                let id = expendable(c, u32::try_from(number).unwrap_or_default());
                if let Some((way, what, call)) = ways_of_deleting(c, &id).into_iter().nth(number) {
                    let what = format!("{what}, as Eve who may");
                    all.push(Trial::new(
                        (c, Action::Delete, way),
                        Who::Eve,
                        call,
                        Expect::Done,
                        what,
                    ));
                }
            }
        }
        all
    }

    /// As the object that a row of another collection points to.
    fn through_others(
        &self,
        subject: &Subject,
        action: Action,
        done: &str,
        inner: &dyn Fn() -> Value,
    ) -> Vec<Trial> {
        let c = subject.collection;
        let mut all = Vec::new();
        for from in self.subjects {
            let may = self.allowed(from.collection, Action::Create);
            let pointing = self
                .declared(from.collection)
                .into_iter()
                .flat_map(|declared| &declared.fields);
            for field in pointing {
                let there = field
                    .relation
                    .as_ref()
                    .is_some_and(|relation| relation.to == c);
                if !there || !may.contains(&field.name) {
                    continue;
                }
                let (who, valid) = from.valid.clone().unwrap_or((Who::Eve, json!({})));
                if who != Who::Eve {
                    continue;
                }
                let inner = inner();
                let row = self.row(&valid, &json!({ field.name: inner }));
                let made = key_of(&row);
                let mut trial = Trial::new(
                    (c, action, Way::Nested),
                    who,
                    Call::post(path(from.collection), row),
                    Expect::Refusal,
                    format!(
                        "{done} as {} of a new row of {}",
                        field.name, from.collection
                    ),
                )
                .would(format!("{c} of others {done}"))
                .or(&["INVALID_FOREIGN_KEY"])
                .watching(from.collection, made);
                if let Some(id) = inner.get("id").and_then(Value::as_str) {
                    trial = trial.watching(c, id);
                }
                all.push(trial);
            }
        }
        all
    }

    /// As a part of the list that a row of Eve's has of them.
    fn through_lists(
        &self,
        subject: &Subject,
        action: Action,
        change: &dyn Fn() -> Value,
    ) -> Vec<Trial> {
        let c = subject.collection;
        let mut all = Vec::new();
        for reverse in self.schema.reverses() {
            let parent = self
                .subjects
                .iter()
                .find(|parent| parent.collection == reverse.collection);
            let Some(row) = parent
                .and_then(|parent| parent.eves.clone())
                .filter(|_| reverse.from == c)
            else {
                continue;
            };
            let mut whole = json!({ "create": [], "update": [], "delete": [] });
            let change = change();
            merge(&mut whole, change.clone());
            let mut trial = Trial::new(
                (c, action, Way::Nested),
                Who::Eve,
                Call::patch(
                    format!("{}/{row}", path(reverse.collection)),
                    json!({ reverse.name: whole }),
                ),
                // A key that is not in this list is passed over without a word.
                if action == Action::Delete {
                    Expect::NoEffect
                } else {
                    Expect::Refusal
                },
                format!("in the list {} of her {}", reverse.name, reverse.collection),
            )
            .would(format!("{c} of others, {}d", action.name()));
            let made = change.pointer("/create/0/id").and_then(Value::as_str);
            trial = trial.watching(c, made.unwrap_or(&subject.theirs));
            all.push(trial);
        }
        all
    }
}

fn ways_of_deleting(c: &'static str, id: &str) -> Vec<(Way, &'static str, Call)> {
    let p = path(c);
    let filter = json!({ "filter": { "id": { "_eq": id } } });
    let mut all = vec![
        (
            Way::Rest,
            "by its key",
            Call::delete(format!("{p}/{id}"), None),
        ),
        (
            Way::Batch,
            "by several keys",
            Call::delete(p.clone(), Some(json!([id]))),
        ),
        (
            Way::Query,
            "by a filter",
            Call::with(Method::DELETE, p, json!({ "query": filter })),
        ),
    ];
    let (system, name) = graphql_name(c);
    let graphql = |text: String| Call::GraphQl { system, text };
    all.push((
        Way::GraphQl,
        "one",
        graphql(format!(
            r#"mutation {{ delete_{name}_item(id: "{id}") {{ id }} }}"#
        )),
    ));
    all.push((
        Way::GraphQl,
        "several",
        graphql(format!(
            r#"mutation {{ delete_{name}_items(ids: ["{id}"]) {{ ids }} }}"#
        )),
    ));
    if !system {
        let frame = |how: &str, what: Value| {
            Call::Socket(json!({ "collection": c, "action": "delete", how: what }))
        };
        all.push((Way::Socket, "by its key", frame("id", json!(id))));
        all.push((Way::Socket, "by several keys", frame("ids", json!([id]))));
        all.push((Way::Socket, "by a filter", frame("query", filter.clone())));
    }
    all
}

fn key_of(row: &Value) -> String {
    row.get("id")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

/// The fields that a rule wants to be whoever asks.
fn mine(rule: &Value, found: &mut Vec<String>) {
    match rule {
        Value::Array(rules) => rules.iter().for_each(|rule| mine(rule, found)),
        Value::Object(map) => {
            for (name, inner) in map {
                if name.starts_with('_') {
                    mine(inner, found);
                } else if inner == &json!({ "_eq": "$CURRENT_USER" }) {
                    found.push(name.clone());
                }
            }
        }
        _ => {}
    }
}
