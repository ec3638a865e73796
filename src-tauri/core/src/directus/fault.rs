//! Why a call has no answer: the table of statuses and codes.
//!
//! Owns: that table. Codes are matched, texts never are; what a server says
//! in words is not passed on.

use serde_json::Value;

use super::call::{Call, Fault, Reason, Refusal};

/// A refused message this long was refused for its length where the server
/// says no more than `INVALID_PAYLOAD`: nothing else about it can be wrong.
const LONG: usize = 64 * 1024;

/// The first error's code and the field that it names.
#[must_use]
pub fn code(body: &[u8]) -> Option<(String, Option<String>)> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let extensions = value.get("errors")?.get(0)?.get("extensions")?;
    let code = extensions.get("code")?.as_str()?;
    let field = extensions
        .get("field")
        .and_then(Value::as_str)
        .filter(|field| {
            (1..=64).contains(&field.len())
                && field
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'_')
        });
    Some((code.chars().take(64).collect(), field.map(str::to_owned)))
}

/// Reads an answer that is not a success.
///
/// `retry_after` is the header's, in milliseconds.
#[must_use]
pub fn fault(call: &Call, status: u16, retry_after: Option<i64>, body: &[u8]) -> Fault {
    if status == 408 || status == 425 || status == 429 || status >= 500 {
        return Fault::Transient {
            retry_after,
            status,
        };
    }
    let Some((code, field)) = code(body) else {
        return match status {
            401 => Fault::SignIn,
            // Too large for something in front of the server.
            413 => permanent(Reason::TooLarge, None, status),
            // Not a Directus that speaks: a proxy, a sign-in page of a network.
            _ => Fault::Transient {
                retry_after,
                status,
            },
        };
    };
    let reason = match (status, code.as_str()) {
        (401, _) | (_, "TOKEN_EXPIRED" | "INVALID_CREDENTIALS" | "INVALID_TOKEN") => {
            return Fault::SignIn;
        }
        (_, "RECORD_NOT_UNIQUE") => Reason::NotUnique,
        (_, "FAILED_VALIDATION") => Reason::Validation,
        (_, "INVALID_FOREIGN_KEY") => Reason::ForeignKey,
        (413, _) | (_, "CONTENT_TOO_LARGE") => Reason::TooLarge,
        (_, "INVALID_PAYLOAD") if matches!(call, Call::Create(out) if out.content.len() > LONG) => {
            Reason::TooLarge
        }
        (_, "INVALID_QUERY")
            if matches!(
                call,
                Call::Messages(_)
                    | Call::Newest { .. }
                    | Call::People { .. }
                    | Call::Totals { .. }
                    | Call::Days { .. }
            ) =>
        {
            Reason::TooMany
        }
        (403 | 404, _) => Reason::Forbidden,
        _ => Reason::Other,
    };
    permanent(reason, field, status)
}

fn permanent(reason: Reason, field: Option<String>, status: u16) -> Fault {
    Fault::Permanent(Refusal {
        reason,
        field,
        status,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize)]
    struct Recorded {
        method: String,
        status: u16,
        body: String,
    }

    #[test]
    fn every_recorded_refusal_is_of_the_kind_that_it_should_be() {
        let mut seen = 0;
        for line in include_str!("../../fixtures/refusals.jsonl").lines() {
            let recorded: Recorded = serde_json::from_str(line).unwrap();
            let (code, _) = code(recorded.body.as_bytes()).unwrap();
            let fault = fault(&Call::Me, recorded.status, None, recorded.body.as_bytes());
            let reason = |fault: &Fault| match fault {
                Fault::Permanent(refusal) => Some(refusal.reason),
                _ => None,
            };
            match code.as_str() {
                "INVALID_CREDENTIALS" | "TOKEN_EXPIRED" | "INVALID_OTP" => {
                    assert_eq!(fault, Fault::SignIn);
                }
                "RECORD_NOT_UNIQUE" => {
                    assert_eq!(reason(&fault), Some(Reason::NotUnique));
                    let Fault::Permanent(refusal) = &fault else {
                        unreachable!()
                    };
                    assert_eq!(refusal.field.as_deref(), Some("id"));
                }
                "FORBIDDEN" | "ROUTE_NOT_FOUND" | "RESOURCE_RESTRICTED" => {
                    assert_eq!(reason(&fault), Some(Reason::Forbidden));
                }
                "FAILED_VALIDATION" => assert_eq!(reason(&fault), Some(Reason::Validation)),
                "INVALID_FOREIGN_KEY" => assert_eq!(reason(&fault), Some(Reason::ForeignKey)),
                "INTERNAL_SERVER_ERROR" => assert!(matches!(fault, Fault::Transient { .. })),
                "INVALID_PAYLOAD" => assert_eq!(reason(&fault), Some(Reason::Other)),
                other => panic!("{other} of a {} is not in the table", recorded.method),
            }
            seen += 1;
        }
        assert_eq!(seen, 15);
    }

    #[test]
    fn an_answer_that_no_directus_wrote_is_worth_another_try() {
        for (status, body) in [
            (403, "<html>Sign in to the hotel's network</html>"),
            (302, ""),
            (404, "{\"errors\":[]}"),
            (502, ""),
        ] {
            assert_eq!(
                fault(&Call::Me, status, Some(2000), body.as_bytes()),
                Fault::Transient {
                    retry_after: Some(2000),
                    status
                },
                "{status}"
            );
        }
        assert_eq!(fault(&Call::Me, 401, None, b""), Fault::SignIn);
    }

    #[test]
    fn a_field_that_is_no_name_is_not_passed_on() {
        let body =
            br#"{"errors":[{"extensions":{"code":"FAILED_VALIDATION","field":"<b>x</b>"}}]}"#;
        assert_eq!(code(body).unwrap().1, None);
    }
}
