//! Setting a server up from the app, and what an ordinary person is told meanwhile.

use serde_json::{Value, json};
use tokio::sync::broadcast::Receiver;
use whinchat_core::bridge::{Code, SetUpApplied, SetUpProgress, SetUpSignIn, VaultKind};
use whinchat_core::runtime::{Event, Messenger};
use whinchat_tests::{Kind, Options, Person, ServerFixture};

use crate::client::{Client, PATIENCE, messenger, try_sign_in, typed};
use crate::rpc::{Rpc, command, files_below};

fn administrator(server: &ServerFixture) -> SetUpSignIn {
    of(server, server.administrator())
}

fn of(server: &ServerFixture, person: &Person) -> SetUpSignIn {
    SetUpSignIn {
        server: server.url(),
        email: person.email.clone(),
        password: person.password.clone(),
        code: None,
    }
}

/// The next step that is told.
async fn step(events: &mut Receiver<Event>) -> SetUpProgress {
    let told = tokio::time::timeout(PATIENCE, async {
        loop {
            if let Event::SetUp(progress) = events.recv().await.unwrap() {
                return progress;
            }
        }
    });
    told.await.expect("a step is told")
}

/// Plans and applies. A request that was on its way when something was broken off may be
/// heard between the two: then it is planned anew.
async fn apply(messenger: &Messenger) -> SetUpApplied {
    loop {
        let plan = messenger.set_up_plan().await.unwrap();
        match messenger.set_up_apply(plan.hash).await {
            Ok(applied) => return applied,
            Err(problem) if problem.code == Code::SetUpChanged => {}
            Err(problem) => panic!("{problem:?}"),
        }
    }
}

/// Lets somebody chat, as an owner does it in the admin app.
fn give_role(server: &ServerFixture, person: &Person) {
    let admin = server.admin();
    let roles = admin.call("GET", "/roles?fields=id&filter[name][_eq]=Chat", None);
    admin.set_person(&person.id, &json!({ "role": roles[0]["id"] }));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_sets_a_server_up_and_talks_on_it_with_what_was_typed() {
    let server = ServerFixture::start_bare(Options::default());
    let (alice, owner) = (server.alice().clone(), server.administrator().clone());
    let sessions = |person: &Person| {
        let mut tokens = server.tokens_on_server(person);
        tokens.sort();
        tokens
    };
    let (before, alices) = (sessions(&owner), sessions(&alice));

    // What each of them is told at sign-in. Nobody's session is left.
    let url = server.url();
    let request = |person: &Person| typed(&url, person, VaultKind::SessionOnly);
    let refused = try_sign_in(request(&alice)).await.unwrap_err();
    assert_eq!(refused.code, Code::ChatMissing);
    let refused = try_sign_in(request(&owner)).await.unwrap_err();
    assert_eq!(refused.code, Code::SetUpNeeded);
    assert_eq!(refused.args["host"], format!("127.0.0.1:{}", server.port()));
    assert_eq!(
        (sessions(&owner), sessions(&alice)),
        (before.clone(), alices.clone())
    );

    // Who is none can't begin.
    let data = tempfile::tempdir().unwrap();
    let app = messenger(data.path()).await;
    let none = app.set_up_begin(of(&server, &alice)).await.unwrap_err();
    assert_eq!(none.code, Code::NotAdministrator);
    assert_eq!(sessions(&alice), alices);
    let mut wrong = administrator(&server);
    wrong.password = "not theirs".to_owned();
    let wrong = app.set_up_begin(wrong).await.unwrap_err();
    assert_eq!(wrong.code, Code::PasswordWrong);
    let nobody = app.set_up_plan().await.unwrap_err();
    assert_eq!(nobody.code, Code::SetUpEnded);

    let found = app.set_up_begin(administrator(&server)).await.unwrap();
    assert_eq!(
        (found.url, found.version.as_deref()),
        (server.url(), Some("11.17.4"))
    );
    assert_eq!(sessions(&owner).len(), before.len() + 1);
    let plan = app.set_up_plan().await.unwrap();
    assert!(
        plan.steps.len() > 60 && plan.refusals.is_empty(),
        "{plan:?}"
    );
    assert_eq!(plan.roles, ["Chat"]);
    assert_eq!(
        app.set_up_plan().await.unwrap(),
        plan,
        "looking changes nothing"
    );
    let other = app.set_up_apply("0".repeat(64)).await.unwrap_err();
    assert_eq!(other.code, Code::SetUpChanged);

    let mut events = app.events();
    let applied = app.set_up_apply(plan.hash.clone()).await.unwrap();
    for (number, made) in (1..).zip(&plan.steps) {
        let told = step(&mut events).await;
        assert_eq!((told.number, told.step.as_ref()), (number, Some(made)));
    }
    assert_eq!(
        (applied.before.as_str(), applied.stopped),
        (plan.hash.as_str(), false)
    );
    assert_eq!(applied.left.steps, [], "0 steps left");
    assert_ne!(applied.left.hash, plan.hash);
    assert_eq!(
        app.set_up_plan().await.unwrap(),
        applied.left,
        "and so it stays"
    );

    app.set_up_end().await;
    assert_eq!(sessions(&owner), before, "its session is over");
    assert_eq!(app.set_up_plan().await.unwrap_err().code, Code::SetUpEnded);
    assert!(app.accounts().is_empty());

    // It is ready already; and who closes the program meanwhile is signed out.
    app.set_up_begin(administrator(&server)).await.unwrap();
    assert_eq!(app.set_up_plan().await.unwrap(), applied.left);
    assert_eq!(sessions(&owner).len(), before.len() + 1);
    app.shutdown().await;
    assert_eq!(sessions(&owner), before);

    // The same e-mail and password, typed once, are good for the chat now.
    give_role(&server, &alice);
    let mut owners = Client::start(&server, &owner).await;
    let mut alices = Client::start(&server, &alice).await;
    owners.live().await;
    alices.live().await;
    let sent = owners.send(&alice.id, "Welcome").await;
    assert_eq!(alices.arrives().await.id, sent.id);
    owners.messenger.shutdown().await;
    alices.messenger.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_off_at_any_step_it_goes_on_where_it_was() {
    let server = ServerFixture::start_bare(Options::default());
    let owner = server.administrator().clone();
    let before = server.tokens_on_server(&owner).len();
    let data = tempfile::tempdir().unwrap();
    let app = messenger(data.path()).await;
    let begin = async || app.set_up_begin(administrator(&server)).await.unwrap();
    let began = async || {
        let plan = app.set_up_plan().await.unwrap();
        let app = app.clone();
        (
            plan.steps.len(),
            tokio::spawn(async move { app.set_up_apply(plan.hash).await }),
        )
    };
    begin().await;
    let mut events = app.events();
    let (whole, applying) = began().await;
    while step(&mut events).await.number < 5 {}
    // The window is closed, or somebody leaves.
    app.set_up_end().await;
    assert_eq!(applying.await.unwrap().unwrap_err().code, Code::SetUpEnded);
    assert_eq!(server.tokens_on_server(&owner).len(), before);

    begin().await;
    let mut events = app.events();
    let (rest, applying) = began().await;
    assert!(rest < whole, "{rest} of {whole}");
    while step(&mut events).await.number < 10 {}
    app.set_up_stop().await;
    let applied = applying.await.unwrap().unwrap();
    assert!(applied.stopped);
    let left = applied.left.steps.len();
    assert!((1..rest - 8).contains(&left), "{left} of {rest}");
    // Stopping what does not run is nothing.
    app.set_up_stop().await;
    let done = apply(&app).await;
    assert_eq!((done.stopped, done.left.steps.len()), (false, 0));
    // Another who begins takes the place of the one before.
    begin().await;
    assert_eq!(server.tokens_on_server(&owner).len(), before + 1);
    app.shutdown().await;
    assert_eq!(server.tokens_on_server(&owner).len(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_websockets_is_told_to_its_owner_as_what_stands_in_the_way() {
    let server = ServerFixture::start_bare(Options::default().websockets(false));
    let request = typed(
        &server.url(),
        server.administrator(),
        VaultKind::SessionOnly,
    );
    let refused = try_sign_in(request).await.unwrap_err();
    assert_eq!(refused.code, Code::SetUpNeeded);
    let data = tempfile::tempdir().unwrap();
    let app = messenger(data.path()).await;
    app.set_up_begin(administrator(&server)).await.unwrap();
    let plan = app.set_up_plan().await.unwrap();
    assert_eq!(
        json!(plan.refusals),
        json!([{"code": "web_sockets_off", "args": {}}])
    );
    let refused = app.set_up_apply(plan.hash.clone()).await.unwrap_err();
    assert_eq!(
        (refused.code, refused.args["count"].as_str()),
        (Code::SetUpNotSafe, "1")
    );
    assert_eq!(app.set_up_plan().await.unwrap(), plan, "nothing was done");
    app.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_without_the_role_is_told_to_ask_on_a_server_that_is_ready() {
    let server = ServerFixture::start(Kind::Full, Options::default());
    let alice = server.alice();
    let nobody = json!({ "role": null });
    server.admin().set_person(&alice.id, &nobody);
    let request = typed(&server.url(), alice, VaultKind::SessionOnly);
    let refused = try_sign_in(request).await.unwrap_err();
    assert_eq!(refused.code, Code::ChatMissing);
    let data = tempfile::tempdir().unwrap();
    let app = messenger(data.path()).await;
    app.set_up_begin(administrator(&server)).await.unwrap();
    let plan = app.set_up_plan().await.unwrap();
    assert_eq!((plan.steps.len(), plan.refusals.len()), (0, 0), "{plan:?}");
    app.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_ready_is_proven_private_and_nobody_made_for_it_is_left() {
    let server = ServerFixture::start(Kind::Full, Options::default());
    let people = || {
        server
            .fresh_admin()
            .call("GET", "/users?limit=-1&fields=id&sort=id", None)
    };
    let before = people();
    let data = tempfile::tempdir().unwrap();
    let app = messenger(data.path()).await;
    app.set_up_begin(administrator(&server)).await.unwrap();

    // Broken off in the middle of it.
    let mut events = app.events();
    let proving = {
        let app = app.clone();
        tokio::spawn(async move { app.set_up_verify().await })
    };
    loop {
        let told = step(&mut events).await;
        assert!(told.step.is_none() && told.trying.is_some(), "{told:?}");
        if told.number >= 20 {
            break;
        }
    }
    assert_ne!(people(), before, "somebody is made for it");
    app.set_up_stop().await;
    assert_eq!(proving.await.unwrap().unwrap(), None);
    assert_eq!(people(), before);

    let proof = app.set_up_verify().await.unwrap().unwrap();
    assert!(proof.private, "{:?}", proof.wrong);
    assert_eq!(
        (proof.leaks, proof.wrong.len(), proof.ok),
        (0, 0, proof.allowed)
    );
    assert!(proof.attacks >= 140 && !proof.limits.is_empty());
    assert_eq!(people(), before);
    assert!(app.set_up_plan().await.unwrap().steps.is_empty());
    app.shutdown().await;
}

/// Even where there is no keychain at all: it is not asked.
#[test]
fn of_setting_up_nothing_secret_stands_in_any_file_and_no_keychain_is_asked() {
    let server = ServerFixture::start_bare(Options::default());
    let owner = server.administrator().clone();
    let before = server.tokens_on_server(&owner);
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let url = server.url();
    let mut arguments = vec!["serve", "--data", data.to_str().unwrap(), "--events"];
    arguments.extend(["--log", "debug", "--set-up", &url]);
    arguments.extend(["--email", &owner.email, "--password-fd", "3"]);
    let mut serve = command(folder.path(), &[&owner.password], &arguments);
    serve.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere/bus");
    let mut program = Rpc::start(serve, "", &folder.path().join("log"));
    let plan = program.ask(&json!({"command": "set_up_plan"}));
    let hash = plan["ok"]["hash"].clone();
    let applied = program.ask(&json!({"command": "set_up_apply", "args": {"plan": hash}}));
    assert_eq!(applied["ok"]["before"], hash, "{applied}");
    assert_eq!(applied["ok"]["left"]["steps"], json!([]));
    let refused = program.ask(&json!({"command": "set_up_apply", "args": {"plan": hash}}));
    assert_eq!(refused["error"]["code"], "set_up_changed");

    // While it is signed in: files, log, command line and environment.
    let mut tokens = server.tokens_on_server(&owner);
    tokens.retain(|token| !before.contains(token));
    assert_eq!(tokens.len(), 1, "one session of its own");
    std::fs::remove_file(folder.path().join("secret-0")).unwrap();
    let log = std::fs::read_to_string(folder.path().join("log")).unwrap();
    assert!(
        log.contains("a server was set up") && !log.contains(&owner.email),
        "{log}"
    );
    let process = std::path::PathBuf::from(format!("/proc/{}", program.child.id()));
    let mut searched = files_below(folder.path());
    searched.extend([process.join("cmdline"), process.join("environ")]);
    let secrets = [owner.password.as_str(), &tokens[0], "eyJhbGci"];
    for file in searched {
        let bytes = std::fs::read(&file).unwrap();
        for secret in secrets {
            let mut parts = bytes.windows(secret.len());
            let found = parts.any(|part| part == secret.as_bytes());
            assert!(!found, "a secret stands in {}", file.display());
        }
    }
    assert_eq!(
        program.ask(&json!({"command": "accounts"}))["ok"],
        json!([])
    );
    assert_eq!(
        program.ask(&json!({"command": "set_up_end"}))["ok"],
        Value::Null
    );
    assert_eq!(server.tokens_on_server(&owner), before);
    let over = program.ask(&json!({"command": "set_up_plan"}));
    assert_eq!(over["error"]["code"], "set_up_ended");
    program.end();
}
