//! `whinchat-provision apply` with an order on stdin: makes a server ready, and puts people
//! and messages on it. For this project's own chores; owners use the options.
//!
//! ```json
//! {"server": "https://chat.example.com", "email": "…", "password": "…", "kind": "stamped",
//!  "people": [{"email": "…", "first_name": "…", "last_name": "…", "password": "…"}],
//!  "messages": [{"id": "…", "from": "EMAIL", "to": "EMAIL", "content": "…", "timestamp": "…"}]}
//! ```
//! Each step is a line on stdout; the last line is JSON: `{"people": {"EMAIL": "ID"}}`.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::Read;
use std::process::ExitCode;
use whinchat_provision::{
    Client, Credentials, Kind, NewMessage, NewPerson, Schema, add_messages, apply, ensure_person,
};

#[derive(Deserialize)]
struct Order {
    server: String,
    email: String,
    password: String,
    kind: Kind,
    #[serde(default)]
    people: Vec<NewPerson>,
    #[serde(default)]
    messages: Vec<Said>,
}

#[derive(Deserialize)]
struct Said {
    id: String,
    from: String,
    to: String,
    content: String,
    timestamp: String,
}

/// Reads the order and does it.
pub fn run() -> ExitCode {
    let done = read_order().and_then(|order| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let runtime = runtime.map_err(|error| format!("There is no runtime: {error}."))?;
        runtime.block_on(perform(order))
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            eprintln!("{sentence}");
            ExitCode::FAILURE
        }
    }
}

fn read_order() -> Result<Order, String> {
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .map_err(|error| format!("Could not read stdin: {error}."))?;
    // The error names line and column, never the content.
    serde_json::from_str(&text).map_err(|error| {
        format!(
            "What stands on stdin is no order (line {}, column {}).",
            error.line(),
            error.column()
        )
    })
}

async fn perform(order: Order) -> Result<(), String> {
    let sentence = |error: whinchat_provision::Error| format!("Not done: {error}.");
    let credentials = Credentials::Password {
        email: order.email,
        password: order.password,
    };
    let client = Client::sign_in(&order.server, credentials)
        .await
        .map_err(sentence)?;
    let schema = Schema::of(order.kind);
    let plan = apply(&client, &schema, |number, count, step| {
        println!("{number}/{count} {step}");
    })
    .await
    .map_err(sentence)?;
    for difference in &plan.differences {
        println!(
            "left as it is: {} is {}, not {}",
            difference.field, difference.found, difference.expected
        );
    }
    let mut ids = BTreeMap::new();
    for person in &order.people {
        let id = ensure_person(&client, &schema, person)
            .await
            .map_err(sentence)?;
        ids.insert(person.email.clone(), id);
    }
    let id = |email: &str| {
        ids.get(email)
            .cloned()
            .ok_or_else(|| format!("{email} is none of the order's people."))
    };
    let mut messages = Vec::new();
    for said in order.messages {
        messages.push(NewMessage {
            id: said.id,
            content: said.content,
            sender_id: id(&said.from)?,
            receiver_id: id(&said.to)?,
            timestamp: said.timestamp,
        });
    }
    let new = add_messages(&client, &schema, &messages)
        .await
        .map_err(sentence)?;
    println!("{new} of {} messages were new", messages.len());
    println!("{}", serde_json::json!({ "people": ids }));
    Ok(())
}
