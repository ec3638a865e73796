//! Reading what is somebody else's: each collection, in each way there is to ask.

use super::call::{Call, Way, graphql_name, path};
use super::trial::{Expect, Trial};
use super::world::{SECRET, Subject, Who, eves_in_foreign_group, eves_to_suspended};
use crate::schema::{Action, FieldType, MESSAGES, REPORTS, Schema};
use serde_json::{Value, json};

pub(super) fn trials(schema: &Schema, subject: &Subject) -> Vec<Trial> {
    let c = subject.collection;
    let would = format!("what stands in {c} of others");
    let mut all = Vec::new();
    let (sister, visible) = sister(schema, subject);
    for (way, what, ask) in ways(schema, subject) {
        let cell = (c, Action::Read, way);
        let attack = |who: Who| {
            Trial::new(
                cell,
                who,
                ask(&subject.theirs),
                Expect::Nothing,
                format!("{what}, as {}", who.name()),
            )
            .would(&would)
        };
        all.push(attack(Who::Eve));
        // Whoever is no part of the chat is asked in the plain ways.
        if matches!(way, Way::Rest | Way::GraphQl) {
            all.push(attack(Who::Visitor));
            all.push(attack(Who::Otto));
        }
        all.push(Trial::new(
            cell,
            sister,
            ask(&visible),
            Expect::Given,
            format!("{what}, as {} who may", sister.name()),
        ));
    }
    let cell = (c, Action::Read, Way::Rest);
    let by_key = Call::get(format!("{}/{visible}", path(c)), &[]);
    let what = "by its key, as somebody who is suspended";
    all.push(Trial::new(cell, Who::Dora, by_key, Expect::Nothing, what).would(&would));
    for (number, id) in subject.left_behind.iter().enumerate() {
        let call = Call::get(format!("{}/{id}", path(c)), &[]);
        let what = format!("which is out of her sight, {}", number + 1);
        all.push(Trial::new(cell, Who::Eve, call, Expect::Nothing, what).would(&would));
    }
    all.extend(nested(subject));
    all
}

/// Who may see a row like it, and which.
fn sister(schema: &Schema, subject: &Subject) -> (Who, String) {
    match subject.seers.first() {
        _ if readable(schema, subject.collection).is_empty() => {
            (Who::Owner, subject.theirs.clone())
        }
        Some(seen) if subject.owner == Who::Dora => seen.clone(),
        _ => (subject.owner, subject.theirs.clone()),
    }
}

type Asking = Box<dyn Fn(&str) -> Call>;

/// Every way to ask for one row.
fn ways(schema: &Schema, subject: &Subject) -> Vec<(Way, &'static str, Asking)> {
    let c = subject.collection;
    let p = path(c);
    let (system, name) = graphql_name(c);
    let only = |id: &str| json!({ "id": { "_eq": id } });
    let listed = {
        let p = p.clone();
        move |id: &str, more: &[(&'static str, &str)]| {
            let filter = only(id).to_string();
            let mut query = vec![("filter", filter.as_str())];
            query.extend(more);
            Call::get(p.clone(), &query)
        }
    };
    let graphql = move |text: String| Call::GraphQl { system, text };
    let mut all: Vec<(Way, &'static str, Asking)> = Vec::new();
    let by_key = p.clone();
    all.push((
        Way::Rest,
        "by its key",
        Box::new(move |id| Call::get(format!("{by_key}/{id}"), &[])),
    ));
    let list = listed.clone();
    all.push((Way::Rest, "in a list", Box::new(move |id| list(id, &[]))));
    let list = listed.clone();
    all.push((
        Way::Rest,
        "in an export",
        Box::new(move |id| list(id, &[("export", "json")])),
    ));
    let batch = p.clone();
    all.push((
        Way::Batch,
        "among several keys",
        Box::new(move |id| {
            let filter = json!({ "id": { "_in": [id, id] } }).to_string();
            Call::get(batch.clone(), &[("filter", &filter)])
        }),
    ));
    let search = p.clone();
    all.push((
        Way::Query,
        "by a filter in the body",
        Box::new(move |id| Call::search(search.clone(), json!({ "filter": only(id) }))),
    ));
    let list = listed.clone();
    all.push((
        Way::Oracle,
        "by counting",
        Box::new(move |id| list(id, &[("aggregate[count]", "id")])),
    ));
    let list = listed.clone();
    all.push((
        Way::Oracle,
        "by grouping",
        Box::new(move |id| list(id, &[("groupBy[]", "id"), ("aggregate[count]", "id")])),
    ));
    if let Some(stamp) = a_stamp(schema, c) {
        let list = listed.clone();
        all.push((
            Way::Oracle,
            "by its latest time",
            Box::new(move |id| list(id, &[("aggregate[max]", stamp)])),
        ));
    }
    if searchable(subject) {
        all.push((
            Way::Oracle,
            "by a word in it",
            Box::new(move |id| listed(id, &[("search", SECRET), ("fields", "id")])),
        ));
    }
    all.push((
        Way::GraphQl,
        "by its key",
        Box::new(move |id| graphql(format!(r#"{{ {name}_by_id(id: "{id}") {{ id }} }}"#))),
    ));
    all.push((
        Way::GraphQl,
        "in a list",
        Box::new(move |id| {
            graphql(format!(
                r#"{{ {name}(filter: {{ id: {{ _eq: "{id}" }} }}) {{ id }} }}"#
            ))
        }),
    ));
    all.push((
        Way::GraphQl,
        "by counting",
        Box::new(move |id| {
            graphql(format!(
                r#"{{ {name}_aggregated(filter: {{ id: {{ _eq: "{id}" }} }}) {{ count {{ id }} }} }}"#
            ))
        }),
    ));
    if !c.starts_with("directus_") {
        all.push((
            Way::Socket,
            "by its key",
            Box::new(move |id| {
                Call::Socket(json!({ "collection": c, "action": "read", "id": id }))
            }),
        ));
        all.push((
            Way::Socket,
            "in a list",
            Box::new(move |id| {
                let query = json!({ "filter": only(id) });
                Call::Socket(json!({ "collection": c, "action": "read", "query": query }))
            }),
        ));
    }
    all
}

/// A stamp that may be read by those who may read the row.
fn a_stamp(schema: &Schema, collection: &str) -> Option<&'static str> {
    let readable = readable(schema, collection);
    schema
        .collection(collection)?
        .fields
        .iter()
        .find(|field| {
            field.kind == FieldType::Timestamp
                && !field.special.is_empty()
                && field.name != "date_updated"
                && readable.contains(&field.name)
        })
        .map(|field| field.name)
}

/// The fields that some permission lets people read.
pub(super) fn readable(schema: &Schema, collection: &str) -> Vec<&'static str> {
    schema
        .rules()
        .filter(|(_, rule)| rule.collection == collection && rule.action == Action::Read)
        .flat_map(|(_, rule)| rule.fields.iter().copied())
        .collect()
}

/// Whether the row that may be seen holds the word in a text.
fn searchable(subject: &Subject) -> bool {
    subject.secret == SECRET
        && [
            "chat_groups",
            MESSAGES,
            "chat_reactions",
            REPORTS,
            "directus_files",
        ]
        .contains(&subject.collection)
}

/// Rows of Eve's that point to what she must not see, the fields that lead there, and the
/// field that would tell something.
fn paths(collection: &str) -> Vec<(&'static str, String, &'static str, &'static str)> {
    match collection {
        MESSAGES => vec![(
            MESSAGES,
            eves_in_foreign_group(),
            "group_id.messages",
            "content",
        )],
        "chat_groups" => vec![
            (MESSAGES, eves_in_foreign_group(), "group_id", "name"),
            (
                "chat_read_states",
                crate::ids::probe(0x263),
                "group_id",
                "name",
            ),
            ("chat_typing", crate::ids::probe(0x283), "group_id", "name"),
        ],
        "chat_members" => vec![(
            MESSAGES,
            eves_in_foreign_group(),
            "group_id.members",
            "user_id",
        )],
        "chat_attachments" => vec![(
            MESSAGES,
            eves_in_foreign_group(),
            "group_id.messages.attachments",
            "kind",
        )],
        "chat_reactions" => vec![(
            MESSAGES,
            eves_in_foreign_group(),
            "group_id.messages.reactions",
            "emoji",
        )],
        "directus_files" => vec![(
            MESSAGES,
            eves_in_foreign_group(),
            "group_id.messages.attachments.file",
            "title",
        )],
        "directus_users" => vec![(MESSAGES, eves_to_suspended(), "receiver_id", "first_name")],
        _ => Vec::new(),
    }
}

/// Why the names of those whom one has written to can be guessed.
const NAMES: &str = "Directus lets a filter look through a relation whatever the rules of the row behind it \
     (measured on 11.17.4). So the names (not the e-mail) of somebody whose id one knows can be guessed \
     by having written to them, also once they are suspended. Every other relation of a row in sight \
     leads to rows in sight.";

/// Through a row of one's own that points there.
fn nested(subject: &Subject) -> Vec<Trial> {
    let c = subject.collection;
    let would = format!("what stands in {c} of others");
    let mut all = Vec::new();
    for (from, row, through, leaf) in paths(c) {
        let nested = (c, Action::Read, Way::Nested);
        let oracle = (c, Action::Read, Way::Oracle);
        let field = format!("{through}.{leaf}");
        let one = |more: &[(&'static str, &str)]| {
            let filter = json!({ "id": { "_eq": row } }).to_string();
            let mut query = vec![("filter", filter.as_str())];
            query.extend(more);
            Call::get(path(from), &query)
        };
        let by_key =
            |fields: &str| Call::get(format!("{}/{row}", path(from)), &[("fields", fields)]);
        let lacks = || Expect::Lacks(leaf.to_owned());
        all.push(
            Trial::new(
                nested,
                Who::Eve,
                by_key(&field),
                lacks(),
                format!("as {field} of {from}"),
            )
            .would(&would),
        );
        let star = format!("{through}.*");
        all.push(
            Trial::new(
                nested,
                Who::Eve,
                by_key(&star),
                lacks(),
                format!("as {star} of {from}"),
            )
            .would(&would),
        );
        let deep = Value::Object(
            [(
                through.split('.').next().unwrap_or(through).to_owned(),
                json!({ "_limit": -1 }),
            )]
            .into_iter()
            .collect(),
        )
        .to_string();
        all.push(
            Trial::new(
                nested,
                Who::Eve,
                one(&[("fields", &field), ("deep", &deep)]),
                lacks(),
                format!("as {field} of {from}, deep"),
            )
            .would(&would),
        );
        let condition = through.rsplit('.').fold(
            json!({ leaf: { "_nnull": true } }),
            |inner, name| json!({ name: inner }),
        );
        let filter = json!({ "_and": [{ "id": { "_eq": row } }, condition] });
        all.push(
            Trial::new(
                oracle,
                Who::Eve,
                Call::search(path(from), json!({ "fields": ["id"], "filter": filter })),
                Expect::Nothing,
                format!("by filtering {from} by {field}"),
            )
            .would(&would)
            .known_if((c == "directus_users").then_some(NAMES)),
        );
    }
    all
}
