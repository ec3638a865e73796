//! `verify` at the terminal: progress on one line, the report in words, files where asked.

use super::arguments::Arguments;
use super::{Stop, tell};
use serde_json::json;
use std::io::{IsTerminal as _, Write as _};
use std::path::Path;
use std::process::ExitCode;
use whinchat_provision::verify::{Report, verify};
use whinchat_provision::{Client, Error, Schema};

/// Attacks, and tells what came of it. `files` are where the JSON and the XML go.
pub(super) async fn run(
    arguments: &Arguments,
    client: &Client,
    schema: &Schema,
    files: [Option<&Path>; 2],
) -> Result<ExitCode, Stop> {
    // A file that is there already is somebody's: found out before, not after.
    for file in files.into_iter().flatten() {
        if file.exists() {
            let error = std::io::Error::from(std::io::ErrorKind::AlreadyExists);
            return Err(Error::File(file.display().to_string(), error).into());
        }
    }
    let on_a_line = std::io::stderr().is_terminal();
    let report = verify(client, schema, |done, of, what| {
        if on_a_line {
            let what: String = what.chars().take(60).collect();
            eprint!("\r\x1b[K{done}/{of} {what}");
            let _ = std::io::stderr().flush();
        }
    })
    .await;
    if on_a_line {
        eprint!("\r\x1b[K");
    }
    let report = report?;
    let [as_json, as_xml] = files;
    if let Some(file) = as_json {
        write(file, &format!("{:#}\n", json!(report)))?;
    }
    if let Some(file) = as_xml {
        write(file, &report.as_junit())?;
    }
    tell(arguments, &as_object(&report), report.in_words().trim_end());
    if !arguments.json {
        let _ = writeln!(std::io::stdout(), "{}", report.line());
    }
    Ok(if report.is_private() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn as_object(report: &Report) -> serde_json::Value {
    json!({
        "private": report.is_private(),
        "count": report.count(),
        "wrong": report.wrong().collect::<Vec<_>>(),
        "known": report.known(),
        "limits": report.limits,
        "left": report.left,
    })
}

fn write(file: &Path, text: &str) -> Result<(), Stop> {
    let made = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(file);
    made.and_then(|mut made| made.write_all(text.as_bytes()))
        .map_err(|error| Error::File(file.display().to_string(), error).into())
}
