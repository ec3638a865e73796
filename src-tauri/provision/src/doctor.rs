//! What is wrong with a running set-up, in sentences, with the setting to change.
//!
//! ```text
//! Facts (what can be seen from outside) -> examine -> findings
//! ```
//! [`examine`] is pure. What can't be seen is a finding of its own: silence would look like
//! health. Nothing on the server is changed; a session made for looking is ended again.

use crate::addresses::AddressKind;
use crate::schema::Kind;
use crate::state::{Record, ServerFacts, State, rows, text};
use crate::{Client, Credentials, Error, Schema, look};
use reqwest::Url;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Clocks further apart than this make a catch-up miss rows.
const CLOCKS_APART: u64 = 30;
/// A device that is off for so long should still be signed in.
const LONG_ABSENCE: Duration = Duration::from_secs(30 * 24 * 3600);
/// An access token that lives shorter is renewed again and again.
const SHORTEST_TOKEN: Duration = Duration::from_secs(60);
/// A device asks more often than this while it catches up.
const CALLS_PER_SECOND: f64 = 10.0;
/// What people are blocked by beyond this is not seen by the rule.
const USUAL_LIMIT: i64 = 100;

/// How bad something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// As it should be.
    Good,
    /// Can't be seen from outside.
    Unseen,
    /// Works, and could be better.
    Advice,
    /// Does not work, or is not safe.
    Problem,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// What it is about, e.g. `websockets`.
    pub about: &'static str,
    /// What was found and what it means.
    pub sentence: String,
    /// The setting to change, e.g. `WEBSOCKETS_ENABLED=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub setting: Option<String>,
}

/// What can be seen of a server from outside.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// The address it was asked by.
    pub address: String,
    /// `/server/info` as an administrator gets it.
    pub info: Value,
    /// `/server/health` as an administrator gets it.
    pub health: Value,
    /// Whether who asks is an administrator, and what the version allows.
    pub server: Option<ServerFacts>,
    /// The status of a request for a WebSocket; 101 where there would be one.
    pub socket_status: Option<u16>,
    /// How many seconds the server's clock is ahead of ours; behind: less than 0.
    pub clock_ahead: Option<i64>,
    /// How long an access token lives.
    pub access_token: Option<Duration>,
    /// How long a session (cookie) lives.
    pub session: Option<Duration>,
    /// How long a refresh token lives.
    pub refresh_token: Option<Duration>,
    /// How many steps are missing to the whole schema; none where it can't be planned.
    pub missing_steps: Option<usize>,
    /// How many groups have neither owner nor administrator.
    pub orphaned_groups: u64,
    /// What is recorded of the owner's addresses; none where the server is not ready.
    pub record: Option<Record>,
}

/// Looks at a server and says what it found, worst first.
///
/// # Errors
/// The server does not answer.
pub async fn diagnose(client: &Client, credentials: &Credentials) -> Result<Vec<Finding>, Error> {
    let facts = look_at(client, credentials).await?;
    let mut findings = examine(&facts);
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.level));
    Ok(findings)
}

async fn look_at(client: &Client, credentials: &Credentials) -> Result<Facts, Error> {
    let asked = SystemTime::now();
    let info = client.plain("server/info").await?;
    let clock_ahead = info
        .headers
        .iter()
        .find(|(name, _)| name == "date")
        .and_then(|(_, date)| clock_difference(date, asked, SystemTime::now()));
    let info = info.body.get("data").cloned().unwrap_or_default();
    let path = text(&info["websocket"]["rest"], "path").unwrap_or_else(|| "/websocket".to_owned());
    let socket_status = client.knock(path.trim_start_matches('/')).await.ok();
    let server = ServerFacts::read(client).await?;
    let plan = look(client, &Schema::of(Kind::Full)).await.ok();
    let missing_steps = plan
        .filter(|plan| plan.refusals.is_empty())
        .map(|plan| plan.steps.len());
    let mut facts = Facts {
        address: client.base().to_string(),
        health: client.plain("server/health").await?.body,
        info,
        server: Some(server),
        socket_status,
        clock_ahead,
        access_token: client.token_lives().map(Duration::from_millis),
        missing_steps,
        ..Facts::default()
    };
    let cookies = client.cookies_of_sign_in(credentials, "session").await?;
    facts.session = cookie_lives(&cookies, "session");
    let cookies = client.cookies_of_sign_in(credentials, "cookie").await?;
    facts.refresh_token = cookie_lives(&cookies, "refresh");
    if missing_steps == Some(0) {
        let held = State::read(client, &Schema::of(Kind::Full)).await?;
        facts.record = held.record;
        let filter = json!({ "_and": [
            { "owner_id": { "_null": true } },
            { "members": { "_none": { "admin_id": { "_nnull": true } } } },
        ] })
        .to_string();
        let query = [("fields", "id"), ("limit", "-1"), ("filter", &filter)];
        let groups = client.get_with("items/chat_groups", &query).await;
        facts.orphaned_groups = rows(groups.unwrap_or_default()).len() as u64;
    }
    Ok(facts)
}

/// How far the time in a `Date` header is outside of the span in which it was written.
fn clock_difference(date: &str, asked: SystemTime, heard: SystemTime) -> Option<i64> {
    let seconds = |time: SystemTime| {
        let since = time.duration_since(UNIX_EPOCH).ok()?;
        i64::try_from(since.as_secs()).ok()
    };
    let (asked, heard, told) = (seconds(asked)?, seconds(heard)?, http_date(date)?);
    Some(if told < asked {
        told - asked
    } else {
        (told - heard).max(0)
    })
}

/// Seconds since 1970 of `Wed, 25 Nov 2026 19:30:00 GMT`.
fn http_date(text: &str) -> Option<i64> {
    let mut parts = text.split_whitespace().skip(1);
    let day: i64 = parts.next()?.parse().ok()?;
    let name = parts.next()?;
    let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let month = i64::try_from(months.iter().position(|month| *month == name)?).ok()? + 1;
    let year: i64 = parts.next()?.parse().ok()?;
    let clock: Option<Vec<i64>> = parts
        .next()?
        .split(':')
        .map(|part| part.parse().ok())
        .collect();
    let &[hours, minutes, seconds] = clock?.as_slice() else {
        return None;
    };
    // Days since 1970 of the civil calendar, counted in years that begin in March.
    let shifted = if month <= 2 { year - 1 } else { year };
    let era = shifted.div_euclid(400);
    let of_era = shifted.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    Some(days * 86_400 + hours * 3_600 + minutes * 60 + seconds)
}

/// `Max-Age` of the cookie whose name holds this.
fn cookie_lives(cookies: &[String], name: &str) -> Option<Duration> {
    let cookie = cookies.iter().find(|cookie| {
        cookie
            .split('=')
            .next()
            .is_some_and(|held| held.contains(name))
    })?;
    let age = cookie
        .split(';')
        .filter_map(|part| part.trim().split_once('='))
        .find(|(key, _)| key.eq_ignore_ascii_case("max-age"))?;
    age.1.parse().ok().map(Duration::from_secs)
}

/// What these facts mean.
pub fn examine(facts: &Facts) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut say = |level, about, sentence: String, setting: Option<&str>| {
        findings.push(Finding {
            level,
            about,
            sentence,
            setting: setting.map(str::to_owned),
        });
    };
    examine_server(facts, &mut say);
    examine_socket(facts, &mut say);
    examine_limits(facts, &mut say);
    examine_stores(facts, &mut say);
    examine_lifetimes(facts, &mut say);
    findings
}

type Say<'a> = dyn FnMut(Level, &'static str, String, Option<&str>) + 'a;

fn examine_server(facts: &Facts, say: &mut Say<'_>) {
    if let Some(server) = &facts.server {
        let version = server.version.as_deref().unwrap_or("unknown");
        if !server.administrator {
            let sentence = "These credentials are no administrator's: most of this can't be seen.";
            say(Level::Problem, "administrator", sentence.to_owned(), None);
        }
        let problem = crate::refusal::of_server(server)
            .into_iter()
            .find(|refusal| refusal.is_about_version());
        match problem {
            Some(refusal) => say(Level::Problem, "version", refusal.to_string(), None),
            None if version.starts_with("11.") => say(
                Level::Advice,
                "version",
                format!(
                    "Directus {version}. In 11.x a socket whose token has ended has the server's own \
                     rights until it is renewed; Whinchat renews in time and drops what it may not \
                     see, but another program could listen."
                ),
                None,
            ),
            None => say(Level::Good, "version", format!("Directus {version}."), None),
        }
    }
    match facts.missing_steps {
        Some(0) => say(
            Level::Good,
            "schema",
            "The server is made ready in full.".to_owned(),
            None,
        ),
        Some(steps) => say(
            Level::Problem,
            "schema",
            format!("{steps} steps are missing. See them with `plan`, and do them with `apply`."),
            None,
        ),
        None => say(
            Level::Problem,
            "schema",
            "The server can't be made ready as it is; `plan` says why.".to_owned(),
            None,
        ),
    }
    if facts.orphaned_groups > 0 {
        say(
            Level::Advice,
            "groups",
            format!(
                "{} groups have no owner and no administrator. People can write there, and nobody \
                 can invite: choose an owner for each, in the admin app: chat_groups, owner_id.",
                facts.orphaned_groups
            ),
            None,
        );
    }
    examine_addresses(facts, say);
    let told = text(&facts.health, "serviceId").unwrap_or_default();
    let same = match (Url::parse(&told), Url::parse(&facts.address)) {
        (Ok(told), Ok(asked)) => {
            told.origin() == asked.origin()
                && told.path().trim_end_matches('/') == asked.path().trim_end_matches('/')
        }
        _ => false,
    };
    if same {
        say(
            Level::Good,
            "public_url",
            format!("PUBLIC_URL is {told}."),
            None,
        );
    } else if facts.health.get("serviceId").is_some() {
        let address = facts.address.trim_end_matches('/');
        say(
            Level::Problem,
            "public_url",
            format!(
                "PUBLIC_URL is \"{told}\", and the server was asked at {address}. Links in its mails \
                 and sign-in by other services would lead nowhere."
            ),
            Some(&format!("PUBLIC_URL={address}")),
        );
    }
    match facts.clock_ahead {
        Some(apart) if apart.unsigned_abs() > CLOCKS_APART => say(
            Level::Problem,
            "clock",
            format!(
                "The server's clock is {} s {} this machine's. Set both by NTP: times would be \
                 wrong, and messages could be missed.",
                apart.unsigned_abs(),
                if apart > 0 { "ahead of" } else { "behind" }
            ),
            None,
        ),
        Some(_) => say(
            Level::Good,
            "clock",
            "The server's clock agrees with this machine's.".to_owned(),
            None,
        ),
        None => say(
            Level::Unseen,
            "clock",
            "The server (or a proxy) does not tell the time.".to_owned(),
            None,
        ),
    }
}

/// What the owner says of themselves, which stores ask of a messenger.
fn examine_addresses(facts: &Facts, say: &mut Say<'_>) {
    let Some(record) = &facts.record else {
        return;
    };
    for (kind, held, missing, setting) in [
        (
            AddressKind::Contact,
            &record.contact,
            "No contact address is recorded: people don't know whom to tell about messages, people \
             and their account.",
            "whinchat-provision apply --contact owner@example.com",
        ),
        (
            AddressKind::Terms,
            &record.terms,
            "No address of your terms is recorded: people are shown the app's terms only.",
            "whinchat-provision apply --terms https://example.com/terms",
        ),
    ] {
        match held.as_deref() {
            None | Some("") => say(
                Level::Advice,
                kind.field(),
                missing.to_owned(),
                Some(setting),
            ),
            Some(held) if kind.read(held).as_deref() == Some(held) => say(
                Level::Good,
                kind.field(),
                format!("The {} address is {held}.", kind.field()),
                None,
            ),
            Some(_) => say(
                Level::Problem,
                kind.field(),
                format!(
                    "The {} address is none that the app takes: it shows none.",
                    kind.field()
                ),
                Some(setting),
            ),
        }
    }
}

fn examine_socket(facts: &Facts, say: &mut Say<'_>) {
    let administrator = facts
        .server
        .as_ref()
        .is_some_and(|server| server.administrator);
    let rest = &facts.info["websocket"]["rest"];
    if !rest.is_object() {
        if administrator {
            say(
                Level::Problem,
                "websockets",
                "WebSockets are off: messages arrive only when they are asked for.".to_owned(),
                Some("WEBSOCKETS_ENABLED=true"),
            );
        }
        return;
    }
    let path = text(rest, "path").unwrap_or_default();
    if path != "/websocket" {
        say(
            Level::Problem,
            "websockets",
            format!("WebSockets are at {path}, where Whinchat does not look."),
            Some("WEBSOCKETS_REST_PATH=/websocket"),
        );
    }
    if text(rest, "authentication").as_deref() == Some("strict") {
        say(
            Level::Problem,
            "websockets",
            "WebSockets want the token in the address, where logs keep it.".to_owned(),
            Some("WEBSOCKETS_REST_AUTH=handshake"),
        );
    }
    match facts.socket_status {
        Some(101) => say(
            Level::Good,
            "websockets",
            "A WebSocket can be opened.".to_owned(),
            None,
        ),
        Some(status) => say(
            Level::Problem,
            "websockets",
            format!(
                "Directus offers WebSockets, and a request for one is answered {status}. A proxy in \
                 between does not pass them on: let it pass the headers Upgrade and Connection, with \
                 HTTP/1.1 to Directus (docs/server.md has it for nginx and Caddy)."
            ),
            None,
        ),
        None => say(
            Level::Problem,
            "websockets",
            "A request for a WebSocket is not answered.".to_owned(),
            None,
        ),
    }
    if facts.info["websocket"]["heartbeat"] == Value::Bool(false) {
        say(
            Level::Advice,
            "websockets",
            "The server does not look whether sockets are alive, and keeps dead ones.".to_owned(),
            Some("WEBSOCKETS_HEARTBEAT_ENABLED=true"),
        );
    }
}

/// A number, also where a setting is kept as text.
fn number(value: &Value) -> Option<f64> {
    value
        .as_f64()
        .or_else(|| value.as_str().and_then(|text| text.parse().ok()))
}

fn examine_limits(facts: &Facts, say: &mut Say<'_>) {
    let limit = &facts.info["rateLimit"];
    let per_second = match (number(&limit["points"]), number(&limit["duration"])) {
        (Some(points), Some(seconds)) if seconds > 0.0 => Some(points / seconds),
        _ => None,
    };
    match per_second {
        Some(allowed) if allowed < CALLS_PER_SECOND => say(
            Level::Problem,
            "rate_limiter",
            format!(
                "The rate limiter allows {allowed:.1} calls a second and address. A device that \
                 catches up asks more often, and a household shares one address."
            ),
            Some("RATE_LIMITER_POINTS=50 with RATE_LIMITER_DURATION=1"),
        ),
        Some(allowed) => say(
            Level::Good,
            "rate_limiter",
            format!("The rate limiter allows {allowed:.0} calls a second and address."),
            None,
        ),
        None if limit == &Value::Bool(false) => say(
            Level::Advice,
            "rate_limiter",
            "The rate limiter is off: somebody can try passwords as fast as the server answers."
                .to_owned(),
            Some("RATE_LIMITER_ENABLED=true, RATE_LIMITER_POINTS=50, RATE_LIMITER_DURATION=1"),
        ),
        None => say(
            Level::Unseen,
            "rate_limiter",
            "Whether there is a rate limiter is told to administrators only.".to_owned(),
            None,
        ),
    }
    let whole = |key: &str| {
        let value = &facts.info["queryLimit"][key];
        value
            .as_i64()
            .or_else(|| value.as_str().and_then(|text| text.parse().ok()))
    };
    if let Some(limit) = whole("default").filter(|limit| (0..=USUAL_LIMIT).contains(limit)) {
        say(
            Level::Advice,
            "query_limit",
            format!(
                "QUERY_LIMIT_DEFAULT is {limit}. The rules that read somebody's blocks and groups \
                 see no more: who is blocked by more than {limit} people can write to the others, \
                 and who is in more groups sends to these by a slower way."
            ),
            Some("QUERY_LIMIT_DEFAULT=1000"),
        );
    }
    if let Some(limit) = whole("max").filter(|limit| (0..USUAL_LIMIT).contains(limit)) {
        say(
            Level::Problem,
            "query_limit",
            format!("QUERY_LIMIT_MAX is {limit}: pages of {USUAL_LIMIT} messages come cut."),
            Some("QUERY_LIMIT_MAX=1000"),
        );
    }
}

fn examine_stores(facts: &Facts, say: &mut Say<'_>) {
    let Some(checks) = facts.health["checks"].as_object() else {
        say(
            Level::Unseen,
            "health",
            "The server's state of health is told to administrators only.".to_owned(),
            None,
        );
        return;
    };
    if checks.contains_key("cache:responseTime") {
        say(
            Level::Problem,
            "cache",
            "CACHE_ENABLED is on. Answers and what rules know of a person are remembered: messages \
             can be missed, and who was blocked or left a group may still write for a while."
                .to_owned(),
            Some("CACHE_ENABLED=false"),
        );
    } else {
        say(
            Level::Good,
            "cache",
            "No answers are cached.".to_owned(),
            None,
        );
    }
    let mut failing = BTreeSet::new();
    for (name, results) in checks {
        // Mail is sent for forgotten passwords only, and most servers have none.
        let matters = !name.starts_with("email");
        let failed = |result: &Value| result["status"] == "error";
        if matters && results.as_array().into_iter().flatten().any(failed) {
            failing.insert(name.split(':').next().unwrap_or(name));
        }
    }
    for name in failing {
        say(
            Level::Problem,
            "health",
            format!("The server says of itself that {name} does not work. Its log says why."),
            None,
        );
    }
    if checks.keys().any(|name| name.starts_with("sqlite3:")) {
        say(
            Level::Good,
            "redis",
            "The database is SQLite, so this is the only server. For several: PostgreSQL and Redis."
                .to_owned(),
            None,
        );
    } else {
        say(
            Level::Unseen,
            "redis",
            "Whether several servers share this database can't be seen from outside. If they do, \
             each needs the same REDIS and SECRET; without it, what arrives at one is not told by \
             the others, and nothing says so."
                .to_owned(),
            Some("REDIS=redis://…"),
        );
    }
}

fn examine_lifetimes(facts: &Facts, say: &mut Say<'_>) {
    let words = |span: Duration| match span.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7_200 => format!("{} minutes", seconds / 60),
        seconds @ 7_200..172_800 => format!("{} hours", seconds / 3_600),
        seconds => format!("{} days", seconds / 86_400),
    };
    match facts.access_token {
        Some(span) if span < SHORTEST_TOKEN => say(
            Level::Problem,
            "access_token",
            format!(
                "An access token lives {}: it is renewed all the time.",
                words(span)
            ),
            Some("ACCESS_TOKEN_TTL=15m"),
        ),
        Some(span) => say(
            Level::Good,
            "access_token",
            format!("An access token lives {}.", words(span)),
            None,
        ),
        None => {}
    }
    let mut long = |about, what: &str, span: Option<Duration>, setting: &str| match span {
        Some(span) if span < LONG_ABSENCE => say(
            Level::Advice,
            about,
            format!(
                "{what} lives {}: whoever is away longer has to sign in again.",
                words(span)
            ),
            Some(setting),
        ),
        Some(span) => say(
            Level::Good,
            about,
            format!("{what} lives {}.", words(span)),
            None,
        ),
        None => say(
            Level::Unseen,
            about,
            format!(
                "How long {} lives is learned from a sign-in with e-mail and password (without a \
                 one-time code), not from a token.",
                what.to_lowercase()
            ),
            Some(setting),
        ),
    };
    long(
        "session",
        "A session",
        facts.session,
        "SESSION_COOKIE_TTL=90d",
    );
    long(
        "refresh_token",
        "A refresh token",
        facts.refresh_token,
        "REFRESH_TOKEN_TTL=90d",
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn healthy() -> Facts {
        Facts {
            address: "https://chat.example.com/".to_owned(),
            info: json!({
                "websocket": {
                    "rest": { "path": "/websocket", "authentication": "handshake" },
                    "heartbeat": 30,
                },
                "rateLimit": { "points": 50, "duration": 1 },
                "queryLimit": { "default": 1000, "max": -1 },
            }),
            health: json!({
                "serviceId": "https://chat.example.com",
                "checks": { "pg:responseTime": [{ "status": "ok" }], "email:connection": [{ "status": "error" }] },
            }),
            server: Some(ServerFacts {
                version: Some("12.4.0".to_owned()),
                websockets: true,
                administrator: true,
                rules_allowed: true,
            }),
            socket_status: Some(101),
            clock_ahead: Some(0),
            access_token: Some(Duration::from_secs(900)),
            session: Some(Duration::from_secs(90 * 86_400)),
            refresh_token: Some(Duration::from_secs(90 * 86_400)),
            missing_steps: Some(0),
            orphaned_groups: 0,
            record: Some(Record {
                version: Some(3),
                contact: Some("mailto:owner@example.com".to_owned()),
                terms: Some("https://example.com/terms".to_owned()),
            }),
        }
    }

    /// The worst that is said about something.
    fn worst(facts: &Facts, about: &str) -> Level {
        let findings = examine(facts);
        let held = findings.iter().filter(|finding| finding.about == about);
        held.map(|finding| finding.level).max().unwrap()
    }

    #[test]
    fn a_good_server_has_no_problems_and_no_advice() {
        let findings = examine(&healthy());
        assert!(findings.len() > 8, "{findings:#?}");
        let bad: Vec<_> = findings
            .iter()
            .filter(|finding| finding.level > Level::Unseen)
            .collect();
        assert!(bad.is_empty(), "{bad:#?}");
    }

    #[test]
    fn each_thing_that_is_wrong_is_found() {
        type Change = fn(&mut Facts);
        let cases: [(&str, Level, Change); 22] = [
            ("contact", Level::Advice, |f| {
                f.record.as_mut().unwrap().contact = None;
            }),
            ("contact", Level::Problem, |f| {
                f.record.as_mut().unwrap().contact = Some("javascript:1".to_owned());
            }),
            ("terms", Level::Advice, |f| {
                f.record.as_mut().unwrap().terms = None;
            }),
            ("websockets", Level::Problem, |f| {
                f.info["websocket"] = json!(false)
            }),
            ("websockets", Level::Problem, |f| {
                f.socket_status = Some(400)
            }),
            ("websockets", Level::Problem, |f| f.socket_status = None),
            ("websockets", Level::Problem, |f| {
                f.info["websocket"]["rest"]["path"] = json!("/ws");
            }),
            ("websockets", Level::Problem, |f| {
                f.info["websocket"]["rest"]["authentication"] = json!("strict");
            }),
            ("websockets", Level::Advice, |f| {
                f.info["websocket"]["heartbeat"] = json!(false);
            }),
            ("public_url", Level::Problem, |f| {
                f.health["serviceId"] = json!("/")
            }),
            ("public_url", Level::Problem, |f| {
                f.health["serviceId"] = json!("http://chat.example.com");
            }),
            ("rate_limiter", Level::Advice, |f| {
                f.info["rateLimit"] = json!(false)
            }),
            ("rate_limiter", Level::Problem, |f| {
                f.info["rateLimit"] = json!({ "points": "10", "duration": "60" });
            }),
            ("query_limit", Level::Advice, |f| {
                f.info["queryLimit"]["default"] = json!(100)
            }),
            ("query_limit", Level::Problem, |f| {
                f.info["queryLimit"]["max"] = json!(50)
            }),
            ("cache", Level::Problem, |f| {
                f.health["checks"]["cache:responseTime"] = json!([{ "status": "ok" }]);
            }),
            ("health", Level::Problem, |f| {
                f.health["checks"]["storage:local:responseTime"] = json!([{ "status": "error" }]);
            }),
            ("clock", Level::Problem, |f| f.clock_ahead = Some(-31)),
            ("access_token", Level::Problem, |f| {
                f.access_token = Some(Duration::from_secs(6));
            }),
            ("session", Level::Advice, |f| {
                f.session = Some(Duration::from_secs(86_400))
            }),
            ("schema", Level::Problem, |f| f.missing_steps = Some(1)),
            ("version", Level::Problem, |f| {
                f.server.as_mut().unwrap().version = Some("10.13.1".to_owned());
            }),
        ];
        for (index, (about, level, change)) in cases.into_iter().enumerate() {
            let mut facts = healthy();
            change(&mut facts);
            assert_eq!(worst(&facts, about), level, "case {index}: {about}");
        }
    }

    #[test]
    fn what_can_not_be_seen_is_said() {
        assert_eq!(worst(&healthy(), "redis"), Level::Unseen);
        let mut facts = healthy();
        (facts.session, facts.clock_ahead) = (None, None);
        facts.health = Value::Null;
        for about in ["session", "clock", "health"] {
            assert_eq!(worst(&facts, about), Level::Unseen, "{about}");
        }
    }

    #[test]
    fn the_time_of_a_header_is_read_and_compared_in_whole_seconds() {
        assert_eq!(http_date("Thu, 01 Jan 1970 00:00:01 GMT"), Some(1));
        assert_eq!(
            http_date("Thu, 29 Feb 2024 12:34:56 GMT"),
            Some(1_709_210_096)
        );
        assert_eq!(
            http_date("Wed, 25 Nov 2026 19:30:00 GMT"),
            Some(1_795_635_000)
        );
        assert_eq!(http_date("yesterday"), None);
        let at = |seconds| UNIX_EPOCH + Duration::from_millis(seconds);
        let told = "Thu, 01 Jan 1970 00:01:00 GMT";
        assert_eq!(clock_difference(told, at(60_900), at(61_200)), Some(0));
        assert_eq!(clock_difference(told, at(59_900), at(63_200)), Some(0));
        assert_eq!(clock_difference(told, at(100_000), at(101_000)), Some(-40));
        assert_eq!(clock_difference(told, at(10_000), at(20_000)), Some(40));
    }

    #[test]
    fn a_cookies_life_is_its_max_age() {
        let cookies = [
            "directus_session_token=x.y; Max-Age=86400; Path=/; HttpOnly".to_owned(),
            "other=1; Max-Age=5".to_owned(),
        ];
        let day = Some(Duration::from_secs(86_400));
        assert_eq!(cookie_lives(&cookies, "session"), day);
        assert_eq!(cookie_lives(&cookies, "refresh"), None);
    }
}
