//! The trace's words for inputs and effects. Never a message's text.

use super::*;

pub(crate) fn input_words(input: &Input) -> String {
    let mut words = match input {
        Input::Answered {
            request, result, ..
        } => match result {
            Ok(answer) => format!("answered {} {}", request.0 % 1000, kind_of(answer)),
            Err(fault) => format!("answered {} {fault:?}", request.0 % 1000),
        },
        Input::Socket(socket, event) => {
            let mut words = format!("socket {} ", socket.0 % 1000);
            match event {
                SocketEvent::Frame(frame) => match frame {
                    whinchat_core::directus::call::ServerFrame::Rows { rows, .. } => {
                        let ids: Vec<String> = rows
                            .messages
                            .iter()
                            .map(|message| message.id.to_string())
                            .collect();
                        let _ = write!(words, "rows {}", ids.join(" "));
                    }
                    other => {
                        let _ = write!(words, "{other:?}");
                    }
                },
                other => {
                    let _ = write!(words, "{other:?}");
                }
            }
            words
        }
        other => format!("{other:?}"),
    };
    words.truncate(160);
    words
}

pub(super) fn kind_of(answer: &whinchat_core::directus::call::Answer) -> String {
    use whinchat_core::directus::call::Answer;
    match answer {
        Answer::Messages(rows) => format!("{} messages", rows.count),
        Answer::Created(row) => format!("created {}", row.is_some()),
        Answer::Totals(totals) => format!("{} totals", totals.len()),
        Answer::Days(days) => format!("{} days", days.len()),
        Answer::People { rows, .. } => format!("{rows} people"),
        Answer::Safety(_) => "about people".to_owned(),
        Answer::Probed => "probed".to_owned(),
    }
}

pub(crate) fn effect_words(effect: &Effect) -> String {
    match effect {
        Effect::Show(revision, changes) => {
            let states: Vec<String> = changes
                .iter()
                .filter_map(|change| match change {
                    Change::Connection(connection) => Some(format!("{:?}", connection.state)),
                    _ => None,
                })
                .collect();
            format!(
                "show {revision}: {} changes {}",
                changes.len(),
                states.join("")
            )
        }
        Effect::Reply(ticket, result) => format!("reply {} {}", ticket.0, result.is_ok()),
        Effect::Notify(Notice::Arrived(_)) => "notify".to_owned(),
        other => {
            let mut words = format!("{other:?}");
            words.truncate(300);
            words
        }
    }
}
