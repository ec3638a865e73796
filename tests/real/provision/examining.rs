//! What `doctor` says of servers that are set up badly, and of one that is set up well.

use crate::client;
use whinchat_provision::{Addresses, Credentials, Finding, Level, diagnose};
use whinchat_tests::{Kind, Options, ServerFixture};

async fn findings(server: &ServerFixture) -> Vec<Finding> {
    let administrator = server.administrator();
    let credentials = Credentials::Password {
        email: administrator.email.clone(),
        password: administrator.password.clone(),
    };
    diagnose(&client(server).await, &credentials).await.unwrap()
}

/// What is said about something at this level.
fn said<'a>(findings: &'a [Finding], about: &str, level: Level) -> Option<&'a Finding> {
    findings
        .iter()
        .find(|finding| finding.about == about && finding.level == level)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_set_up_is_told_with_the_settings_to_change() {
    let bad = Options::default()
        .websockets(false)
        .rate_limit(300, 60)
        .access_token_ttl("30s")
        .set("PUBLIC_URL", "https://else.example.com")
        .set("CACHE_ENABLED", "true")
        .set("QUERY_LIMIT_MAX", "50");
    let mut server = ServerFixture::start(Kind::Stamped, bad);
    let found = findings(&server).await;
    for (about, setting) in [
        ("websockets", "WEBSOCKETS_ENABLED=true"),
        ("public_url", &format!("PUBLIC_URL={}", server.url())),
        (
            "rate_limiter",
            "RATE_LIMITER_POINTS=50 with RATE_LIMITER_DURATION=1",
        ),
        ("cache", "CACHE_ENABLED=false"),
        ("query_limit", "QUERY_LIMIT_MAX=1000"),
        ("access_token", "ACCESS_TOKEN_TTL=15m"),
    ] {
        let finding = said(&found, about, Level::Problem);
        let finding = finding.unwrap_or_else(|| panic!("{about} in {found:#?}"));
        assert_eq!(finding.setting.as_deref(), Some(setting), "{about}");
    }
    assert!(
        said(&found, "schema", Level::Problem).is_some(),
        "{found:#?}"
    );
    assert!(said(&found, "clock", Level::Good).is_some(), "{found:#?}");
    let session = said(&found, "session", Level::Advice).unwrap();
    assert!(session.sentence.contains("24 hours"), "{session:?}");
    let refresh = said(&found, "refresh_token", Level::Advice).unwrap();
    assert!(refresh.sentence.contains("7 days"), "{refresh:?}");
    let levels: Vec<Level> = found.iter().map(|finding| finding.level).collect();
    assert!(
        levels.is_sorted_by(|left, right| left >= right),
        "worst first"
    );

    let good = Options::default()
        .rate_limit(50, 1)
        .session_ttl("90d")
        .refresh_token_ttl("90d")
        .set("QUERY_LIMIT_DEFAULT", "1000");
    server.restart_with(good);
    let owner = client(&server).await;
    let whole = whinchat_provision::Schema::of(Kind::Full).with_addresses(Addresses {
        contact: Some(Some("mailto:owner@example.com".to_owned())),
        terms: Some(Some("https://example.com/terms".to_owned())),
    });
    whinchat_provision::apply(&owner, &whole, |_, _, _| {})
        .await
        .unwrap();
    let sessions_before = server.tokens_on_server(server.administrator()).len();
    let found = findings(&server).await;
    let bad: Vec<&Finding> = found
        .iter()
        .filter(|finding| finding.level > Level::Unseen)
        .collect();
    assert_eq!(bad.len(), 1, "{bad:#?}");
    assert_eq!((bad[0].about, bad[0].level), ("version", Level::Advice));
    assert!(said(&found, "websockets", Level::Good).is_some());
    assert!(
        said(&found, "redis", Level::Good).is_some(),
        "SQLite is one server"
    );
    let sessions = server.tokens_on_server(server.administrator()).len();
    assert_eq!(
        sessions,
        sessions_before + 1,
        "only the one that asked is left"
    );
}
