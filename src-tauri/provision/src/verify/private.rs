//! Fields of rows in plain sight that are nobody else's business: a person's e-mail, token,
//! role, who blocked whom; where a file lies. Asked for, guessed at, sorted by, grouped by.

use super::call::{Call, Way, graphql_name, path};
use super::reading::readable;
use super::trial::{Expect, Trial};
use super::world::{SECRET, Who, eves_message, file};
use crate::schema::{Action, MESSAGES, SETUP, SETUP_ROW, Schema};
use crate::state::{rows, text};
use crate::{Client, Error};
use serde_json::{Value, json};

/// A field that the rules tell nobody.
#[derive(Debug, Clone)]
pub(super) struct Private {
    pub name: String,
    /// Whether it lists rows that point here.
    pub listing: bool,
}

/// A collection with such fields, and a row of it that somebody sees.
pub(super) struct Sight {
    pub collection: &'static str,
    who: Who,
    id: String,
    /// A field that may be read, for the sisters.
    open: &'static str,
    /// A row that leads there, by this field.
    through: Option<(&'static str, String, &'static str)>,
    pub fields: Vec<Private>,
}

/// Every field that the server has and the rules do not tell.
pub(super) async fn sights(admin: &Client, schema: &Schema) -> Result<Vec<Sight>, Error> {
    let mut all = vec![
        Sight {
            collection: "directus_users",
            who: Who::Eve,
            id: Who::Ben.id(),
            open: "first_name",
            through: Some((MESSAGES, eves_message(), "receiver_id")),
            fields: Vec::new(),
        },
        Sight {
            collection: "directus_files",
            who: Who::Ben,
            id: file(),
            open: "title",
            through: Some(("chat_attachments", crate::ids::probe(0x241), "file")),
            fields: Vec::new(),
        },
        Sight {
            collection: SETUP,
            who: Who::Eve,
            id: SETUP_ROW.to_owned(),
            open: "version",
            through: None,
            fields: Vec::new(),
        },
    ];
    for sight in &mut all {
        let told = readable(schema, sight.collection);
        let held = rows(admin.get(&format!("fields/{}", sight.collection)).await?);
        sight.fields = held
            .iter()
            .filter_map(|field| {
                let name = text(field, "field")?;
                let listing = field.get("type") == Some(&json!("alias"));
                let flags = field.pointer("/meta/special").map(Value::to_string);
                // Lines and headings of the admin app are no fields.
                let heading = listing && !flags.is_some_and(|flags| flags.contains("o2m"));
                (!heading && !told.contains(&name.as_str())).then_some(Private { name, listing })
            })
            .collect();
    }
    Ok(all)
}

pub(super) fn trials(sight: &Sight) -> Vec<Trial> {
    let mut all: Vec<Trial> = sight
        .fields
        .iter()
        .flat_map(|field| of(sight, field))
        .collect();
    let c = sight.collection;
    if c == "directus_users" {
        // It stands in a field that nobody may read.
        let filter = json!({ "id": { "_eq": sight.id } }).to_string();
        let query = [("filter", filter.as_str()), ("search", SECRET)];
        all.push(
            Trial::new(
                (c, Action::Read, Way::Oracle),
                sight.who,
                Call::get(path(c), &query),
                Expect::Nothing,
                "by a word in a field that is not told",
            )
            .would("whether a private field holds a word"),
        );
        let by_email = json!({ "email": { "_eq": Who::Ben.email() } }).to_string();
        all.push(
            Trial::new(
                (c, Action::Read, Way::Oracle),
                sight.who,
                Call::get(path(c), &[("filter", by_email.as_str())]),
                Expect::Refusal,
                "by guessing an e-mail",
            )
            .would("whose an e-mail is"),
        );
    }
    all.extend(sisters(sight));
    all
}

fn of(sight: &Sight, field: &Private) -> Vec<Trial> {
    let (c, who, name) = (sight.collection, sight.who, field.name.as_str());
    let (p, id) = (path(c), sight.id.as_str());
    let would = format!("{c}.{name} of others");
    let mut all = Vec::new();
    let mut add = |way: Way, call: Call, expect: Expect, what: String| {
        all.push(Trial::new((c, Action::Read, way), who, call, expect, what).would(&would));
    };
    let known = |inner: Value| {
        if field.listing {
            json!({ "id": inner })
        } else {
            inner
        }
    };
    let set = known(json!({ "_nnull": true }));
    let filter = json!({ "_and": [{ "id": { "_eq": id } }, { name: set }] });
    let asked = if field.listing {
        format!("{name}.id")
    } else {
        name.to_owned()
    };
    let lacks = || Expect::Lacks(name.to_owned());
    add(
        Way::Rest,
        Call::get(format!("{p}/{id}"), &[("fields", asked.as_str())]),
        lacks(),
        format!("the field {name}"),
    );
    add(
        Way::Query,
        Call::search(p.clone(), json!({ "fields": ["id"], "filter": filter })),
        Expect::Refusal,
        format!("whether {name} is set"),
    );
    let alias = [
        ("alias[x]", name),
        ("fields", if field.listing { "x.id" } else { "x" }),
    ];
    add(
        Way::Rest,
        Call::get(format!("{p}/{id}"), &alias),
        Expect::Lacks("x".to_owned()),
        format!("the field {name} under another name"),
    );
    let (system, of) = graphql_name(c);
    let wanted = if field.listing {
        format!("{name} {{ id }}")
    } else {
        name.to_owned()
    };
    add(
        Way::GraphQl,
        Call::GraphQl {
            system,
            text: format!(r#"{{ {of}_by_id(id: "{id}") {{ {wanted} }} }}"#),
        },
        Expect::Refusal,
        format!("the field {name}"),
    );
    if !field.listing {
        let only = json!({ "id": { "_eq": id } }).to_string();
        let only = ("filter", only.as_str());
        for (query, what) in [
            (("sort", name), "ordered by"),
            (("groupBy[]", name), "grouped by"),
            (("aggregate[countDistinct]", name), "counted by"),
            (("aggregate[max]", name), "the largest"),
        ] {
            add(
                Way::Oracle,
                Call::get(p.clone(), &[only, query]),
                Expect::Refusal,
                format!("{what} {name}"),
            );
        }
    }
    if let Some((from, row, through)) = &sight.through {
        let field = format!("{through}.{asked}");
        add(
            Way::Nested,
            Call::get(
                format!("{}/{row}", path(from)),
                &[("fields", field.as_str())],
            ),
            lacks(),
            format!("as {field} of {from}"),
        );
        let inner = known(json!({ "_nnull": true }));
        let filter = json!({ "_and": [{ "id": { "_eq": row } }, { *through: { name: inner } }] });
        add(
            Way::Oracle,
            Call::search(path(from), json!({ "fields": ["id"], "filter": filter })),
            Expect::Refusal,
            format!("by filtering {from} by {field}"),
        );
        if !sight.fields.is_empty() && *from == MESSAGES {
            let query = json!({ "fields": ["id", field] });
            add(
                Way::Socket,
                Call::Socket(
                    json!({ "collection": from, "action": "read", "id": row, "query": query }),
                ),
                lacks(),
                format!("as {field} of {from}"),
            );
        }
    }
    all
}

/// The same requests for a field that may be read.
fn sisters(sight: &Sight) -> Vec<Trial> {
    let open = Private {
        name: sight.open.to_owned(),
        listing: false,
    };
    of(sight, &open)
        .into_iter()
        .map(|trial| Trial {
            expect: Expect::Given,
            would: String::new(),
            what: format!("{}, which may be read", trial.what),
            ..trial
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_private_field_is_asked_for_guessed_at_and_sorted_by() {
        let sight = Sight {
            collection: "directus_users",
            who: Who::Eve,
            id: Who::Ben.id(),
            open: "first_name",
            through: Some((MESSAGES, eves_message(), "receiver_id")),
            fields: vec![
                Private {
                    name: "email".to_owned(),
                    listing: false,
                },
                Private {
                    name: "chat_blocks".to_owned(),
                    listing: true,
                },
            ],
        };
        let trials = trials(&sight);
        let attacks = |field: &str| {
            trials
                .iter()
                .filter(|trial| trial.expect.is_attack() && trial.would.contains(field))
                .count()
        };
        assert_eq!(attacks("email"), 11);
        assert_eq!(attacks("chat_blocks"), 7);
        assert!(trials.iter().any(|trial| trial.expect == Expect::Given));
    }
}
