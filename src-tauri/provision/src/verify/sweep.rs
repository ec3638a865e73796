//! Takes every trace of probes away, whoever left it: by their keys, and by whatever points
//! to them. Deletes nothing else, and doing it twice is the same as once.

use super::stories::forged_setting;
use super::world::{FIRST_NEW, Who, eves_group, foreign_folder, group, ownerless_group};
use crate::ids::probe;
use crate::schema::Schema;
use crate::state::{rows, text};
use crate::{Client, Error};
use serde_json::{Value, json};

/// The fields that say whose a row is.
const AUTHORS: [&str; 4] = ["sender_id", "user_id", "owner_id", "reporter_id"];
/// How many keys are asked for at once.
const CHUNK: usize = 500;
/// How many rows trials could have made; more than they ask for.
pub(super) const MOST_NEW: u32 = 0x800;

/// Takes everything of probes away, and gives how many rows and people there were.
///
/// # Errors
/// The server does not answer, or refuses; what is left is taken by the next time.
pub async fn sweep(client: &Client, schema: &Schema) -> Result<usize, Error> {
    let mut gone = 0;
    let people = Value::Array(Who::PEOPLE.iter().map(|who| json!(who.id())).collect());
    for collection in schema
        .collections
        .iter()
        .rev()
        .filter(|collection| !collection.directus)
    {
        let mut pointing: Vec<Value> = Vec::new();
        for field in &collection.fields {
            let Some(relation) = &field.relation else {
                continue;
            };
            match relation.to {
                // A person who has written to a probe, or blocked it, keeps their row.
                "directus_users" if AUTHORS.contains(&field.name) => {
                    pointing.push(json!({ field.name: { "_in": people } }))
                }
                "chat_groups" => {
                    pointing.push(json!({ field.name: { "_in": [group(), eves_group(), ownerless_group()] } }));
                }
                _ => {}
            }
        }
        if !pointing.is_empty() {
            let filter = json!({ "_or": pointing });
            gone += delete_where(client, &format!("items/{}", collection.name), &filter).await?;
        }
        // Rows that point to nobody, as a forged one could.
        if matches!(
            collection.name,
            "chat_setup" | "chat_groups" | "chat_messages" | "chat_reports"
        ) {
            gone += delete_keys(client, &format!("items/{}", collection.name)).await?;
        }
    }
    gone += delete_where(
        client,
        "files",
        &json!({ "uploaded_by": { "_in": people } }),
    )
    .await?;
    gone += delete_keys(client, "files").await?;
    for made in ["flows", "policies", "roles", "folders"] {
        let filter = json!({ "id": { "_in": [forged_setting(), foreign_folder()] } });
        gone += delete_where(client, made, &filter).await?;
    }
    // Last: as long as there is a person, what points to them can be found.
    gone += delete_keys(client, "users").await?;
    Ok(gone)
}

/// Deletes what has a probe's key.
async fn delete_keys(client: &Client, path: &str) -> Result<usize, Error> {
    let keys: Vec<String> = (0x100..0x800)
        .chain(FIRST_NEW..FIRST_NEW + MOST_NEW)
        .map(probe)
        .collect();
    let mut gone = 0;
    for chunk in keys.chunks(CHUNK) {
        gone += delete_where(client, path, &json!({ "id": { "_in": chunk } })).await?;
    }
    Ok(gone)
}

/// Deletes rows by a filter, a page after the other.
async fn delete_where(client: &Client, path: &str, filter: &Value) -> Result<usize, Error> {
    let search = reqwest::Method::from_bytes(b"SEARCH").unwrap_or(reqwest::Method::GET);
    let mut gone = 0;
    loop {
        let query = json!({ "query": { "filter": filter, "limit": 100 } });
        let answer = client.ask(search.clone(), path, &[], Some(&query)).await?;
        if answer.status >= 300 {
            return Err(Error::refused("SEARCH", path, &answer));
        }
        let found = rows(answer.body.get("data").cloned().unwrap_or_default());
        let keys: Vec<String> = found.iter().filter_map(|row| text(row, "id")).collect();
        if keys.is_empty() {
            return Ok(gone);
        }
        if path == "files" {
            name_contents(client, &found).await?;
        }
        let answer = client
            .ask(reqwest::Method::DELETE, path, &[], Some(&json!(keys)))
            .await?;
        if answer.status >= 300 {
            return Err(Error::refused("DELETE", path, &answer));
        }
        gone += keys.len();
    }
}

/// A row of a file without content can't be deleted (Directus answers 500): it gets the name
/// of one that is not there. One at a time, since Directus takes that name so only.
async fn name_contents(client: &Client, files: &[Value]) -> Result<(), Error> {
    for file in files {
        let without = file.get("filename_disk").is_some_and(Value::is_null);
        if let Some(id) = text(file, "id").filter(|_| without) {
            let body = json!({ "filename_disk": format!("{id}.gone") });
            client
                .patch(&format!("files/{id}?fields=id"), &body)
                .await?;
        }
    }
    Ok(())
}
