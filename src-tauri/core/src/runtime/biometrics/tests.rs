//! A locked account and a system that recognises, or not.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use super::*;
use crate::{
    bridge::{Biometry, Unsent},
    model::PersonId,
    runtime::{Config, Record, Stage, folder::Folders},
    store::{self, Place},
    vault::{StoredSessions, new_key, opener::opener_file},
};

const PASSPHRASE: &str = "correct horse";

/// An account, the mark that its key was made with, and the key.
type Kept = (AccountId, [u8; 32], [u8; 32]);

/// A system with one person.
#[derive(Default)]
struct System {
    kept: Mutex<Option<Kept>>,
    /// What it refuses next.
    refuses: Mutex<Option<Refusal>>,
    asked: AtomicUsize,
}

impl std::fmt::Debug for System {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("System")
    }
}

impl System {
    fn refuse(&self, refusal: Refusal) {
        *locked(&self.refuses) = Some(refusal);
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn ask(&self) -> Result<(), Refusal> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        locked(&self.refuses).take().map_or(Ok(()), Err)
    }

    fn keeps(&self) -> bool {
        locked(&self.kept).is_some()
    }
}

impl Biometrics for System {
    fn kind(&self) -> Option<Biometry> {
        Some(Biometry::FingerprintOrFace)
    }

    fn make(&self, account: AccountId, mark: &[u8; 32]) -> Result<Secret, Refusal> {
        self.ask()?;
        let key = new_key().unwrap().0;
        *locked(&self.kept) = Some((account, *mark, key));
        Ok(Secret::new(key))
    }

    fn give(&self, account: AccountId, mark: &[u8; 32]) -> Result<Secret, Refusal> {
        self.ask()?;
        match &*locked(&self.kept) {
            Some((whose, made_with, key)) if *whose == account && made_with == mark => {
                Ok(Secret::new(*key))
            }
            _ => Err(Refusal::Gone),
        }
    }

    fn forget(&self, account: AccountId) {
        let mut kept = locked(&self.kept);
        if kept.is_some_and(|(whose, ..)| whose == account) {
            *kept = None;
        }
    }
}

struct World {
    messenger: Messenger,
    system: Arc<System>,
    account: AccountId,
    secrets: PathBuf,
    data: tempfile::TempDir,
}

fn phrase(text: &str) -> SecretString {
    SecretString::from(text.to_owned())
}

/// An account under a passphrase, whose server is not there.
async fn world() -> World {
    let data = tempfile::tempdir().unwrap();
    let folders = Folders::open(data.path()).unwrap();
    let account = AccountId::new(uuid::Uuid::new_v4());
    let record = Record {
        id: account,
        server: "http://127.0.0.1:1".to_owned(),
        email: "alice@example.com".to_owned(),
        name: "Alice".to_owned(),
        person: PersonId::new(uuid::Uuid::from_u128(1)),
        vault: VaultKind::Passphrase,
        left: None,
        sample: false,
        stage: Stage::Ready,
    };
    drop(folders.make(&record).unwrap());
    let secrets = passphrase_file(&folders.of(account));
    let vault = Vault::prepare(
        VaultKind::Passphrase,
        "unused",
        account,
        secrets.clone(),
        Some(phrase(PASSPHRASE)),
    );
    let vault = vault.await.unwrap();
    vault.store_key(&new_key().unwrap()).await.unwrap();
    let sessions = StoredSessions::default();
    vault.store_sessions(&sessions).await.unwrap();
    let database = folders.database(account);
    let key = vault.key().await.unwrap();
    let opened = store::open(Place::File(&database), &key).unwrap();
    store::set_me(&opened, record.person, "Alice").unwrap();
    drop(opened);
    let system = Arc::new(System::default());
    let biometrics: Arc<dyn Biometrics> = Arc::<System>::clone(&system);
    let config = Config {
        biometrics: Some(biometrics),
        ..Config::new(data.path().to_owned())
    };
    World {
        messenger: Messenger::new(config).await.unwrap(),
        system,
        account,
        secrets,
        data,
    }
}

impl World {
    async fn turn_on(&self) {
        let kept = self
            .messenger
            .keep_biometrics(self.account, phrase(PASSPHRASE));
        kept.await.unwrap();
        assert!(self.is_on().await);
    }

    async fn is_on(&self) -> bool {
        let state = self.messenger.biometrics(self.account).await.unwrap();
        assert_eq!(state.kind, Some(Biometry::FingerprintOrFace));
        assert_eq!(state.on, opener_file(&self.secrets).exists());
        state.on
    }

    async fn code(&self) -> Code {
        let unlocked = self.messenger.unlock_by_biometrics(self.account).await;
        let problem = unlocked.unwrap_err();
        assert!(problem.args.is_empty());
        problem.code
    }

    fn is_locked(&self) -> bool {
        let problem = self.messenger.accounts().remove(0).problem;
        problem.is_some_and(|problem| problem.code == Code::PassphraseNeeded)
    }

    async fn unlock(&self, passphrase: &str) {
        let unlocked = self.messenger.unlock(self.account, phrase(passphrase));
        unlocked.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_account_is_opened_by_who_is_recognised_and_by_the_passphrase() {
    let world = world().await;
    assert!(!world.is_on().await && world.is_locked());
    assert_eq!(world.code().await, Code::BiometricsUnavailable);
    assert_eq!(world.system.asked(), 0, "nobody is asked for nothing");
    world.turn_on().await;
    assert!(world.is_locked(), "turning it on opens nothing");

    for turn in 1..=2 {
        let opened = world.messenger.unlock_by_biometrics(world.account).await;
        assert_eq!(opened.unwrap().problem, None);
        world.messenger.open(world.account).await.unwrap();
        let again = world.messenger.unlock_by_biometrics(world.account).await;
        again.unwrap();
        assert_eq!(world.system.asked(), 1 + turn, "an open one asks nobody");
        world.messenger.lock().await;
        assert!(world.is_locked());
    }
    world.unlock(PASSPHRASE).await;
    assert!(!world.is_locked() && world.is_on().await);
    world
        .messenger
        .forget_biometrics(world.account)
        .await
        .unwrap();
    assert!(!world.is_on().await && !world.system.keeps());
    assert!(!world.is_locked(), "what is open stays open");
    world.messenger.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_takes_the_passphrase_and_the_systems_yes_to_turn_it_on() {
    let world = world().await;
    world.unlock(PASSPHRASE).await;
    let wrong = world
        .messenger
        .keep_biometrics(world.account, phrase("correct house"));
    assert_eq!(wrong.await.unwrap_err().code, Code::PassphraseWrong);
    assert_eq!(world.system.asked(), 0);
    world.turn_on().await;
    // Turned on anew and broken off: what the system had made before is not
    // believed in any more.
    world.system.refuse(Refusal::Cancelled);
    let cancelled = world
        .messenger
        .keep_biometrics(world.account, phrase(PASSPHRASE));
    assert_eq!(cancelled.await.unwrap_err().code, Code::BiometricsCancelled);
    assert!(!world.is_on().await && !world.system.keeps());
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_not_recognised_is_told_why_and_may_try_again() {
    let world = world().await;
    world.turn_on().await;
    for (refusal, code) in [
        (Refusal::Unavailable, Code::BiometricsUnavailable),
        (Refusal::Cancelled, Code::BiometricsCancelled),
        (Refusal::NotRecognised, Code::BiometricsRefused),
        (Refusal::TooManyTries, Code::BiometricsLockedOut),
    ] {
        world.system.refuse(refusal);
        assert_eq!(world.code().await, code);
        assert!(world.is_locked() && world.is_on().await, "{code:?}");
    }
    // A finger was added: the system has let go of the key.
    world.system.refuse(Refusal::Gone);
    assert_eq!(world.code().await, Code::BiometricsGone);
    assert!(world.is_locked() && !world.is_on().await && !world.system.keeps());
    assert_eq!(world.code().await, Code::BiometricsUnavailable);
    world.unlock(PASSPHRASE).await;
    world.turn_on().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_passphrase_or_none_turns_it_off() {
    let world = world().await;
    world.turn_on().await;
    let before = std::fs::read(opener_file(&world.secrets)).unwrap();
    let set = |old: &str, new: &str| {
        let (old, new) = (Some(phrase(old)), Some(phrase(new)));
        world.messenger.set_passphrase(world.account, old, new)
    };
    set(PASSPHRASE, "another horse").await.unwrap();
    assert!(!world.is_on().await && !world.system.keeps());
    world.messenger.lock().await;
    world.unlock("another horse").await;

    // The opener of the passphrase before, put back by whoever has the disk, is
    // none of this file: nobody is even asked.
    let asked = world.system.asked();
    std::fs::write(opener_file(&world.secrets), before).unwrap();
    let state = world.messenger.biometrics(world.account).await.unwrap();
    assert!(!state.on);
    world.messenger.lock().await;
    assert_eq!(world.code().await, Code::BiometricsUnavailable);
    assert_eq!(world.system.asked(), asked);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_opener_that_somebody_altered_or_took_from_elsewhere_opens_nothing() {
    let world = world().await;
    for at in [60, 80, 124] {
        world.turn_on().await;
        let file = opener_file(&world.secrets);
        let mut bytes = std::fs::read(&file).unwrap();
        assert_eq!(bytes.len(), 125);
        bytes[at] ^= 1;
        std::fs::write(&file, bytes).unwrap();
        assert_eq!(world.code().await, Code::BiometricsGone, "{at}");
        assert!(world.is_locked() && !world.is_on().await);
    }
    // One that is cut, or of another version, is none at all.
    world.turn_on().await;
    let file = opener_file(&world.secrets);
    let bytes = std::fs::read(&file).unwrap();
    for bad in [&bytes[..40], &[b"WHSO\x02", &bytes[5..]].concat()] {
        std::fs::write(&file, bad).unwrap();
        assert_eq!(world.code().await, Code::BiometricsUnavailable);
    }
    // Another account's, whose system would even give the same key.
    let opener = {
        std::fs::write(&file, &bytes).unwrap();
        Opener::of(&world.secrets).unwrap()
    };
    let given = world.system.give(world.account, &opener.mark()).unwrap();
    let other = AccountId::new(uuid::Uuid::from_u128(7));
    let refused = opener.unlock(world.secrets.clone(), other, &given);
    assert_eq!(
        refused.map(drop).unwrap_err().code,
        Code::BiometricsGone,
        "it is bound to its account"
    );
    let opened = opener.unlock(world.secrets.clone(), world.account, &given);
    assert!(opened.is_ok());
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_out_leaves_nothing_of_it() {
    let world = world().await;
    world.turn_on().await;
    world
        .messenger
        .unlock_by_biometrics(world.account)
        .await
        .unwrap();
    let gone = world.messenger.sign_out(world.account, Unsent::Discard);
    gone.await.unwrap();
    assert!(!world.system.keeps() && !opener_file(&world.secrets).exists());
    assert_eq!(world.code().await, Code::AccountUnknown);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_without_biometrics_says_so() {
    let world = world().await;
    world.turn_on().await;
    let other = Messenger::new(Config::new(world.data.path().to_owned()));
    let other = other.await.unwrap();
    let state = other.biometrics(world.account).await.unwrap();
    assert!(state.kind.is_none() && !state.on);
    let code = |answer: Problem| answer.code;
    let unlocked = other.unlock_by_biometrics(world.account).await;
    assert_eq!(code(unlocked.unwrap_err()), Code::BiometricsUnavailable);
    let kept = other
        .keep_biometrics(world.account, phrase(PASSPHRASE))
        .await;
    assert_eq!(code(kept.unwrap_err()), Code::BiometricsUnavailable);
    let forgotten = other.forget_biometrics(world.account).await;
    assert_eq!(code(forgotten.unwrap_err()), Code::BiometricsUnavailable);
    // What is under no passphrase has no second way either.
    let sample = other.look_around().await.unwrap();
    let id: AccountId = sample.id.parse().unwrap();
    assert_eq!(other.biometrics(id).await.unwrap().kind, None);
    // It changes the passphrase all the same, and the way goes with it.
    let (old, new) = (phrase(PASSPHRASE), phrase("another horse"));
    let set = other.set_passphrase(world.account, Some(old), Some(new));
    set.await.unwrap();
    assert!(!opener_file(&world.secrets).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_key_is_in_a_file_a_word_or_a_record() {
    let world = world().await;
    world.turn_on().await;
    let given = locked(&world.system.kept).map(|(_, _, key)| key).unwrap();
    let open = Open::unlock(world.secrets.clone(), &phrase(PASSPHRASE)).unwrap();
    let (_, key) = open.salt_and_key();
    let file = opener_file(&world.secrets);
    let folder = file.parent().unwrap();
    for entry in std::fs::read_dir(folder).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        for secret in [&given[..], key] {
            assert!(!bytes.windows(32).any(|part| part == secret));
        }
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    // What is said of a refusal is its name.
    let problem = Problem::from(Refusal::Gone);
    assert_eq!(format!("{problem:?} {problem}").matches("Gone").count(), 2);
    let config = Config {
        biometrics: Some(Arc::new(System::default())),
        ..Config::new(PathBuf::new())
    };
    assert!(format!("{config:?}").contains("biometrics: Some(System)"));
}
