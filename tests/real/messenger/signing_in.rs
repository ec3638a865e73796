//! Every way in which signing in can fail, and the ways in which it must not.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;
use std::thread;

use serde_json::{Value, json};
use whinchat_core::bridge::{Code, Problem, SignIn, VaultKind};
use whinchat_tests::{Kind, Options, Person, ServerFixture};

use crate::client::{Client, messenger, sessions_on_server, try_sign_in, typed};

async fn refused(request: SignIn) -> Problem {
    match try_sign_in(request).await {
        Err(problem) => problem,
        Ok(_) => panic!("signed in"),
    }
}

async fn code_of(address: &str) -> Code {
    let folder = tempfile::tempdir().unwrap();
    let messenger = messenger(folder.path()).await;
    match messenger.discover(address).await {
        Err(problem) => {
            // The sentence can name the host.
            let named = problem.args.contains_key("host");
            assert!(named || problem.code == Code::AddressInvalid, "{problem:?}");
            problem.code
        }
        Ok(found) => panic!("found {found:?}"),
    }
}

/// A server of one thread that answers everything alike, until the test ends.
fn answers(with: &'static [u8]) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = [0; 4096];
            let _ = stream.read(&mut request);
            let _ = stream.write_all(with);
        }
    });
    port
}

#[tokio::test(flavor = "multi_thread")]
async fn each_address_that_is_no_directus_says_what_it_is() {
    assert_eq!(code_of("two words").await, Code::AddressInvalid);
    assert_eq!(code_of("http://chat.example").await, Code::AddressInsecure);
    assert_eq!(code_of("whinchat.invalid").await, Code::HostUnknown);
    let closed = {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.local_addr().unwrap().port()
    };
    assert_eq!(
        code_of(&format!("127.0.0.1:{closed}")).await,
        Code::HostSilent
    );
    let page = answers(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nHello");
    assert_eq!(
        code_of(&format!("127.0.0.1:{page}")).await,
        Code::NotDirectus
    );
    // It takes more than a pong to be a Directus.
    let pong = answers(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\npong");
    assert_eq!(
        code_of(&format!("127.0.0.1:{pong}")).await,
        Code::NotDirectus
    );
    // Nobody is led elsewhere.
    let moved = answers(
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    );
    assert_eq!(
        code_of(&format!("127.0.0.1:{moved}")).await,
        Code::NotDirectus
    );
    let noise = answers(b"\x16\x03\x01\xff\xff");
    assert_eq!(
        code_of(&format!("127.0.0.1:{noise}")).await,
        Code::HostSilent
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_takes_connections_and_says_nothing_is_given_up() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    assert_eq!(
        code_of(&format!("127.0.0.1:{port}")).await,
        Code::HostSilent
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_nobody_vouches_for_is_not_trusted() {
    whinchat_core::directus::tls::install();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.into())
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut tls = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut byte = [0];
            let _ = rustls::Stream::new(&mut tls, &mut stream).read(&mut byte);
        }
    });
    assert_eq!(
        code_of(&format!("https://localhost:{port}")).await,
        Code::CertificateUntrusted
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn each_refusal_of_a_person_has_its_code_and_leaves_nothing_behind() {
    let server = ServerFixture::start(Kind::Stamped, Options::default());
    let admin = server.admin();
    let alice = server.alice();
    let url = server.url();
    let request = |person: &Person| typed(&url, person, VaultKind::SessionOnly);

    let folder = tempfile::tempdir().unwrap();
    let found = messenger(folder.path())
        .await
        .discover(&format!("{url}/admin/content/chat_messages"))
        .await
        .unwrap();
    assert_eq!(found.url, url);

    let dora = server.add_person("Dora", "Dean");
    let mut wrong = dora.clone();
    wrong.password = "not hers".to_owned();
    assert_eq!(refused(request(&wrong)).await.code, Code::PasswordWrong);
    wrong.email = "nobody@example.com".to_owned();
    assert_eq!(refused(request(&wrong)).await.code, Code::PasswordWrong);
    wrong.email = "no e-mail".to_owned();
    assert_eq!(refused(request(&wrong)).await.code, Code::PasswordWrong);

    // This server tells a suspended person nothing else.
    admin.suspend(&dora.id);
    assert_eq!(refused(request(&dora)).await.code, Code::PasswordWrong);

    // Somebody without the chat's role.
    let eve =
        json!({"email": "eve@example.com", "password": "eve-on-a-server", "status": "active"});
    let made = admin.call("POST", "/users", Some(&eve));
    let eve = Person {
        id: made["id"].as_str().unwrap().to_owned(),
        email: "eve@example.com".to_owned(),
        password: "eve-on-a-server".to_owned(),
        first_name: String::new(),
        last_name: String::new(),
    };
    let problem = refused(request(&eve)).await;
    assert_eq!(problem.code, Code::ChatMissing);
    assert_eq!(
        sessions_on_server(&server, &eve),
        0,
        "she was signed out again"
    );

    let mut short = typed(&url, alice, VaultKind::Passphrase);
    short.passphrase = Some("short".to_owned());
    assert_eq!(refused(short).await.code, Code::PassphraseShort);
    assert_eq!(sessions_on_server(&server, alice), 0, "nothing was asked");

    let mut unknown = request(alice);
    unknown.account = Some(uuid::Uuid::new_v4().to_string());
    assert_eq!(refused(unknown).await.code, Code::AccountUnknown);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_one_time_code_is_asked_for_checked_and_serves_for_both_sessions() {
    let server = ServerFixture::start(Kind::Stamped, Options::default());
    let administrator = server.administrator().clone();
    let mine = server.as_person(&administrator);
    let password = json!({"password": administrator.password});
    let made = mine.call("POST", "/users/me/tfa/generate", Some(&password));
    let secret = made["secret"].as_str().unwrap().to_owned();
    let enabled = (0..CODES).any(|_| {
        let enable = json!({"secret": secret, "otp": one_time_code(&secret)});
        mine.ask("POST", "/users/me/tfa/enable", Some(&enable)).ok()
    });
    assert!(enabled);

    let url = server.url();
    let request = |code: Option<String>| SignIn {
        code,
        ..typed(&url, &administrator, VaultKind::SessionOnly)
    };
    assert_eq!(refused(request(None)).await.code, Code::CodeNeeded);
    assert_eq!(
        refused(request(Some(" ".to_owned()))).await.code,
        Code::CodeNeeded
    );
    let wrong = request(Some("000000".to_owned()));
    assert_eq!(refused(wrong).await.code, Code::CodeWrong);
    for left in (0..CODES).rev() {
        // The server drops sessions of before that are over when somebody signs in.
        let before = server.tokens_on_server(&administrator);
        let folder = tempfile::tempdir().unwrap();
        let messenger = messenger(folder.path()).await;
        let code = one_time_code(&secret);
        let signed_in = messenger.sign_in(request(Some(code.clone()))).await;
        let now = server.tokens_on_server(&administrator);
        let new = now.iter().filter(|token| !before.contains(token)).count();
        messenger.shutdown().await;
        // The code may have ended between the session and the second spare.
        if one_time_code(&secret) == code || left == 0 {
            signed_in.unwrap();
            assert_eq!(new, 3, "the session and two spares");
            return;
        }
    }
}

/// How many codes are tried, for one ends every 30 s and the server takes none
/// that has ended.
const CODES: usize = 3;

/// RFC 6238 with what Directus takes: SHA-1, 30 s, six digits. Told by the
/// node that the server runs on, for nothing else here needs SHA-1.
fn one_time_code(secret: &str) -> String {
    let script = r"
        const a='ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
        let bits='';
        for (const c of process.argv[1]) bits += a.indexOf(c).toString(2).padStart(5,'0');
        const key=Buffer.from(bits.match(/.{8}/g).map((b)=>parseInt(b,2)));
        const time=Buffer.alloc(8);
        time.writeBigUInt64BE(BigInt(Math.floor(Date.now()/30000)));
        const h=require('crypto').createHmac('sha1',key).update(time).digest();
        const o=h[19]&15;
        process.stdout.write(String((h.readUInt32BE(o)&0x7fffffff)%1000000).padStart(6,'0'));
    ";
    let output = std::process::Command::new("node")
        .args(["-e", script, secret])
        .output()
        .expect("node runs");
    let code = String::from_utf8(output.stdout).unwrap();
    assert_eq!(code.len(), 6, "{}", String::from_utf8_lossy(&output.stderr));
    code
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_websockets_is_told_apart() {
    let server = ServerFixture::start(Kind::Stamped, Options::default().websockets(false));
    let problem = refused(typed(&server.url(), server.alice(), VaultKind::SessionOnly)).await;
    assert_eq!(problem.code, Code::WebsocketsOff);
    assert_eq!(sessions_on_server(&server, server.alice()), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_tries_say_how_long_to_wait() {
    let mut server = ServerFixture::start(Kind::Stamped, Options::default());
    server.restart_with(Options::default().rate_limit(1, 30));
    let alice = server.alice().clone();
    // What is left of one request is taken by whoever looked for the server.
    let problem = refused(typed(&server.url(), &alice, VaultKind::SessionOnly)).await;
    assert_eq!(problem.code, Code::TooManyTries);
    let seconds: i64 = problem.args["seconds"].parse().unwrap();
    assert!((1..=30).contains(&seconds), "{seconds}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_on_a_device_twice_and_who_comes_back_keeps_what_was_held() {
    let server = ServerFixture::start(Kind::Stamped, Options::default());
    let mut alice = Client::start(&server, server.alice()).await;
    alice.live().await;
    alice.send(&server.bob().id, "Before").await;
    let again = typed(&server.url(), server.alice(), VaultKind::SessionOnly);
    let twice = alice.messenger.sign_in(again.clone()).await.unwrap_err();
    assert_eq!(twice.code, Code::AccountExists);

    let account = Some(alice.account.to_string());
    let back = SignIn {
        account: account.clone(),
        ..again
    };
    let back = alice.messenger.sign_in(back).await.unwrap();
    assert_eq!(Some(back.id), account);
    alice.live().await;
    let page = alice.page(&server.bob().id).await;
    assert_eq!(page.len(), 1);

    // Bob does not come into Alice's account.
    let bob = SignIn {
        account,
        ..typed(&server.url(), server.bob(), VaultKind::SessionOnly)
    };
    let bob = alice.messenger.sign_in(bob).await.unwrap_err();
    assert_eq!(bob.code, Code::AccountUnknown);
    assert_eq!(sessions_on_server(&server, server.bob()), 0);
    alice.messenger.shutdown().await;
    assert_eq!(json!(alice.messenger.accounts()), Value::Array(Vec::new()));
}
