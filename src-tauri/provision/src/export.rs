//! Writes what people have said into a file, before it is taken away: one JSON object a
//! line, `{"collection": "chat_messages", "row": {…}}`. Files themselves are not in it.

use crate::schema::{Kind, Schema};
use crate::state::{rows, text};
use crate::{Client, Error};
use serde_json::json;
use std::fs::{self, OpenOptions};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};

/// What is worth keeping, groups first: messages point to them.
const EXPORTED: [&str; 5] = [
    "chat_groups",
    "chat_members",
    "chat_messages",
    "chat_attachments",
    "chat_reactions",
];
/// Rows asked for at once.
const PAGE: usize = 500;

/// Writes every row of every collection that says something, and gives how many. The file
/// gets its name when it is whole, and is its owner's alone.
///
/// # Errors
/// The file is there already or can't be written; the server does not answer.
pub async fn export(client: &Client, file: &Path) -> Result<usize, Error> {
    let failed = |error: std::io::Error| Error::File(file.display().to_string(), error);
    if file.exists() {
        return Err(failed(std::io::ErrorKind::AlreadyExists.into()));
    }
    let part = PathBuf::from(format!("{}.part", file.display()));
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut output = BufWriter::new(options.open(&part).map_err(failed)?);
    let there: Vec<String> = rows(client.get("collections").await?)
        .iter()
        .filter_map(|row| text(row, "collection"))
        .collect();
    let schema = Schema::of(Kind::Full);
    let mut written = 0;
    for name in EXPORTED {
        if schema.collection(name).is_none() || !there.iter().any(|held| held == name) {
            continue;
        }
        for page in 1_usize.. {
            let path = format!("items/{name}?sort=id&limit={PAGE}&page={page}");
            let found = rows(client.get(&path).await?);
            for row in &found {
                let line = json!({ "collection": name, "row": row });
                writeln!(output, "{line}").map_err(failed)?;
            }
            written += found.len();
            // A server may give fewer than asked for: only an empty page is the end.
            if found.is_empty() {
                break;
            }
        }
    }
    let output = output
        .into_inner()
        .map_err(|error| failed(error.into_error()))?;
    output.sync_all().map_err(failed)?;
    fs::rename(&part, file).map_err(failed)?;
    Ok(written)
}
