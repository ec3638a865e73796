//! The command itself: exit codes, what it prints, and that no secret gets into it.

use crate::owner::{assert_same, set_up};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use whinchat_provision::Kind;
use whinchat_tests::{Options, ServerFixture};

/// The program, built if need be.
fn program() -> PathBuf {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    let built = PROGRAM.get_or_init(|| {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let built = Command::new(cargo)
            .args(["build", "--quiet", "--package", "whinchat-provision"])
            .current_dir(xtask::paths::repository())
            .status()
            .expect("cargo runs");
        assert!(built.success());
        xtask::paths::built("whinchat-provision")
    });
    built.clone()
}

/// Runs it with these credentials on stdin.
fn run(line: &str, credentials: &Value) -> Output {
    let mut child = Command::new(program())
        .args(line.split_whitespace())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut input = child.stdin.take().expect("it has a stdin");
    // One that has refused already does not read.
    let _ = std::io::Write::write_all(&mut input, credentials.to_string().as_bytes());
    drop(input);
    child.wait_with_output().expect("it ends")
}

fn lines(output: &Output) -> Vec<Value> {
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}")))
        .collect()
}

#[test]
fn an_owner_plans_applies_examines_and_removes() {
    let server = ServerFixture::start_bare(Options::default());
    let before = set_up(&server);
    let administrator = server.administrator();
    let secret = json!({ "email": administrator.email, "password": administrator.password });
    let with = |words: &str| format!("{words} --url {} --credentials-fd 0", server.url());

    let owner = "--contact owner@example.com --terms https://example.com/terms";
    let planned = run(&with(&format!("plan {owner} --json")), &secret);
    assert_eq!(planned.status.code(), Some(0), "{planned:?}");
    let plan = lines(&planned).remove(0);
    assert_eq!(plan["version"], json!(Kind::Full.version()));
    assert_eq!(plan["refusals"], json!([]));
    let steps = plan["steps"].as_array().unwrap();
    assert_eq!(steps.last().unwrap()["text"], "record version 3");
    let hash = plan["plan"].as_str().unwrap();
    let words = run(&with(&format!("plan {owner}")), &secret);
    let words = String::from_utf8_lossy(&words.stdout).into_owned();
    assert!(words.ends_with(&format!("Plan {hash}\n")), "{words}");
    assert!(
        words.contains("make the collection chat_messages"),
        "{words}"
    );
    assert_same("planned", &before, &set_up(&server));

    assert!(
        words.contains("record the owner's contact, mailto:owner@example.com"),
        "{words}"
    );
    let wrong = run(&with("plan --terms http://example.com"), &secret);
    assert_eq!(wrong.status.code(), Some(2), "{wrong:?}");

    let asked = run(&with("apply"), &secret);
    assert_eq!(
        asked.status.code(),
        Some(2),
        "nobody can be asked: {asked:?}"
    );
    let other = run(&with("apply --plan 0123"), &secret);
    assert_eq!(other.status.code(), Some(1), "{other:?}");
    assert_same("nothing was done", &before, &set_up(&server));

    let early = run(&with("verify"), &secret);
    assert_eq!(early.status.code(), Some(1), "{early:?}");
    let sentence = String::from_utf8_lossy(&early.stderr).into_owned();
    assert!(sentence.contains("Run apply first"), "{sentence}");

    let applied = run(
        &with(&format!("apply {owner} --json --plan {hash}")),
        &secret,
    );
    assert_eq!(applied.status.code(), Some(0), "{applied:?}");
    let told = lines(&applied);
    assert_eq!(
        told.last().unwrap(),
        &json!({ "done": steps.len(), "left": 0 })
    );
    assert_eq!(
        told.len(),
        steps.len() + 2,
        "the plan, each step, and the end"
    );
    let held = server
        .admin()
        .call("GET", "/items/chat_setup?fields=contact,terms", None);
    assert_eq!(
        held,
        json!([{ "contact": "mailto:owner@example.com", "terms": "https://example.com/terms" }])
    );
    let again = run(&with("apply --yes"), &secret);
    assert_eq!(again.status.code(), Some(0), "{again:?}");
    let again = String::from_utf8_lossy(&again.stdout).into_owned();
    assert!(
        again.starts_with("Nothing is to be made or changed."),
        "{again}"
    );

    let clean = run(&with("verify --clean --json"), &secret);
    assert_eq!(lines(&clean), [json!({ "swept": 0 })], "{clean:?}");
    let folder = tempfile::tempdir().unwrap();
    let mine = folder.path().join("mine.json");
    std::fs::write(&mine, "mine").unwrap();
    let over = run(
        &with(&format!("verify --report {}", mine.display())),
        &secret,
    );
    assert_eq!(over.status.code(), Some(1), "{over:?}");
    assert_eq!(std::fs::read_to_string(&mine).unwrap(), "mine");

    let healthy = run(&with("doctor"), &secret);
    assert_eq!(healthy.status.code(), Some(0), "{healthy:?}");
    let wrong = json!({ "email": administrator.email, "password": "not this one" });
    let refused = run(&with("doctor"), &wrong);
    assert_eq!(refused.status.code(), Some(1));
    let sentence = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(sentence.contains("Sign in again"), "{sentence}");
    let alice = server.alice();
    let alice = json!({ "email": alice.email, "password": alice.password });
    let refused = run(&with("plan --json"), &alice);
    assert_eq!(refused.status.code(), Some(1), "{refused:?}");
    let code = lines(&refused)[0]["refusals"][0]["refusal"]["code"].clone();
    assert_eq!(code, "not_administrator");

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("said.jsonl");
    let removal = with(&format!("remove --export {}", file.display()));
    let asked = run(&removal, &secret);
    assert_eq!(asked.status.code(), Some(2), "{asked:?}");
    assert!(!file.exists());
    let removed = run(&format!("{removal} --yes"), &secret);
    assert_eq!(removed.status.code(), Some(0), "{removed:?}");
    assert!(file.exists());
    assert_same("removed", &before, &set_up(&server));

    let everything = [planned, asked, applied, removed, healthy];
    for output in everything {
        let text = format!("{output:?}");
        assert!(
            !text.contains(&administrator.password),
            "no secret is printed"
        );
    }
    let left = server.tokens_on_server(administrator);
    let admins = left.len();
    run(&with("plan"), &secret);
    assert_eq!(
        server.tokens_on_server(administrator).len(),
        admins,
        "each ends its session"
    );
}

#[test]
fn a_secret_in_the_wrong_place_is_refused_before_anything_is_asked() {
    // Nothing listens there: it would be told otherwise if it were asked.
    let url = "--url http://127.0.0.1:9";
    for line in [
        format!("plan {url} --password hunter2"),
        format!("plan {url} --token=hunter2"),
        "plan --url http://admin:hunter2@127.0.0.1:9".to_owned(),
    ] {
        let refused = run(&line, &Value::Null);
        assert_eq!(refused.status.code(), Some(2), "{refused:?}");
        let sentence = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(sentence.contains("--credentials-fd"), "{sentence}");
        assert!(!sentence.contains("hunter2"), "{sentence}");
    }
    let by_environment = Command::new(program())
        .args([
            "plan",
            "--url",
            "http://127.0.0.1:9",
            "--credentials-fd",
            "0",
        ])
        .env("WHINCHAT_PASSWORD", "hunter2")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(by_environment.status.code(), Some(2));
    let sentence = String::from_utf8_lossy(&by_environment.stderr).into_owned();
    assert!(sentence.contains("WHINCHAT_PASSWORD is set"), "{sentence}");
}
