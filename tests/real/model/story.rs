//! A script that differs, told as shortly as it can be.
//!
//! Owns: leaving steps out while it still differs, and the words. Never: a
//! server.

use std::fmt::Write as _;

use xtask::Outcome;

use crate::{
    script::{Deed, Script, Step, Token},
    transcript::Difference,
};

/// Leaves out every step without which the two still differ.
pub fn shrink(
    script: &Script,
    difference: Difference,
    mut differs: impl FnMut(&Script) -> Outcome<Option<Difference>>,
) -> Outcome<(Script, Difference)> {
    let mut best = (script.clone(), difference);
    // What comes after the difference has no part in it.
    if let Difference::Answer { step, .. } = &best.1 {
        let steps = script.steps.iter().take(step + 1).cloned().collect();
        let shorter = script.with(steps);
        if let Some(difference) = differs(&shorter)? {
            best = (shorter, difference);
        }
    }
    let mut place = best.0.steps.len();
    while place > 0 {
        place -= 1;
        let mut steps = best.0.steps.clone();
        steps.remove(place);
        let shorter = best.0.with(steps);
        if let Some(difference) = differs(&shorter)? {
            best = (shorter, difference);
        }
    }
    Ok(best)
}

/// The story, and how it ends on each side.
pub fn tell(script: &Script, difference: &Difference) -> String {
    let mut out = String::new();
    for (place, step) in script.played().iter().enumerate() {
        let _ = writeln!(out, "  {}. {}", place + 1, words(step));
    }
    match difference {
        Difference::Answer {
            step,
            server,
            model,
        } => {
            let _ = writeln!(out, "  step {} is answered", step + 1);
            let _ = writeln!(out, "    by the server {} {}", server.status, server.body);
            let _ = writeln!(out, "    by the model  {} {}", model.status, model.body);
        }
        Difference::Events { who, server, model } => {
            let _ = writeln!(out, "  {} hears", who.name());
            for text in server {
                let _ = writeln!(out, "    only from the server {text}");
            }
            for text in model {
                let _ = writeln!(out, "    only from the model  {text}");
            }
        }
    }
    out
}

fn words(step: &Step) -> String {
    let mut out = step.who.name().to_owned();
    match step.token {
        Token::Own => {}
        Token::Forged => out.push_str(" (forged token)"),
        Token::Expired => out.push_str(" (expired token)"),
    }
    match &step.deed {
        Deed::Engine(question) => {
            let _ = write!(out, ": as the engine: {question:?}");
        }
        Deed::Raw {
            method,
            path,
            query,
            body,
        } => {
            let _ = write!(out, ": {method} {path}");
            for (name, value) in query {
                let _ = write!(out, " {name}={value}");
            }
            if let Some(body) = body {
                let short: String = body.chars().take(400).collect();
                let _ = write!(out, " {short}");
            }
        }
        Deed::Frame(frame) => {
            let _ = write!(out, ": on the socket: {frame}");
        }
    }
    out
}
