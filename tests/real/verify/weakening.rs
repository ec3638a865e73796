//! Every way in which a permission could be a little too wide.

use serde_json::{Value, json};
use whinchat_provision::Action;

/// At most so many may be left with a reason instead of an attack.
pub const MOST_EXPLAINED: usize = 3;

/// One way.
pub struct Weakening {
    /// In words.
    pub what: String,
    /// What is written over the permission.
    pub change: Value,
}

/// All of one permission, as the server holds it (with every field only where that is more): without its rule, without what the new
/// content must be, with every field, and without each single condition.
pub fn of(action: Action, content: &Value, has_more_fields: bool) -> Vec<Weakening> {
    let mut all = Vec::new();
    for part in ["permissions", "validation"] {
        let rule = &content[part];
        if rule.is_null() {
            continue;
        }
        all.push(Weakening {
            what: format!("no {part}"),
            change: json!({ part: null }),
        });
        for (what, weaker) in without_a_condition(rule) {
            all.push(Weakening {
                what: format!("{part} without {what}"),
                change: json!({ part: weaker }),
            });
        }
    }
    if action != Action::Delete && has_more_fields {
        all.push(Weakening {
            what: "every field".to_owned(),
            change: json!({ "fields": ["*"] }),
        });
    }
    all
}

/// The rule without one of its conditions, for each that stands beside another in an `_and`.
fn without_a_condition(rule: &Value) -> Vec<(String, Value)> {
    match rule {
        Value::Array(items) => items
            .iter()
            .enumerate()
            .flat_map(|(index, item)| {
                without_a_condition(item)
                    .into_iter()
                    .map(move |(what, weaker)| {
                        let mut items = items.clone();
                        items[index] = weaker;
                        (what, Value::Array(items))
                    })
            })
            .collect(),
        Value::Object(map) => {
            let mut all = Vec::new();
            for (name, inner) in map {
                let mut put = |what: String, weaker: Value| {
                    let mut map = map.clone();
                    map.insert(name.clone(), weaker);
                    all.push((what, Value::Object(map)));
                };
                if let (true, Value::Array(items)) = (name == "_and", inner) {
                    for index in 0..items.len() {
                        let mut fewer = items.clone();
                        let gone = fewer.remove(index);
                        put(gone.to_string(), Value::Array(fewer));
                    }
                }
                for (what, weaker) in without_a_condition(inner) {
                    put(what, weaker);
                }
            }
            all
        }
        _ => Vec::new(),
    }
}

/// Why no attack can notice this one.
pub fn explanation(name: &str) -> Option<&'static str> {
    EXPLAINED
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, reason)| *reason)
}

const EXPLAINED: &[(&str, &str)] = &[(
    r#"Chat: create chat_messages: validation without {"group_id":{"id":{"_submitted":true}}}"#,
    "without a key the group would be made, and nobody may make one with `bumped_at`, which the \
     other condition demands: refused all the same",
)];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_condition_is_left_out_once() {
        let rule = json!({ "_and": [
            { "a": { "_eq": 1 } },
            { "_or": [{ "b": { "_null": true } }, { "_and": [{ "c": 1 }, { "d": 2 }] }] },
        ] });
        let found: Vec<String> = without_a_condition(&rule)
            .into_iter()
            .map(|(what, _)| what)
            .collect();
        assert_eq!(
            found,
            [
                r#"{"a":{"_eq":1}}"#,
                r#"{"_or":[{"b":{"_null":true}},{"_and":[{"c":1},{"d":2}]}]}"#,
                r#"{"c":1}"#,
                r#"{"d":2}"#,
            ]
        );
        let content = json!({ "permissions": rule, "validation": null, "fields": ["id"] });
        assert_eq!(of(Action::Read, &content, true).len(), 1 + 4 + 1);
        assert!(EXPLAINED.len() <= MOST_EXPLAINED);
    }
}
