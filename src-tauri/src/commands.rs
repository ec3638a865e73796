//! The commands that the page may call, one for each of the bridge's, and the
//! few that are the window's own.
//!
//! Owns: their names and the names of their arguments, and that an account has
//! one stream to the page. Never: a decision. Each hands its arguments to the
//! core and gives back what it says.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::{Mutex, PoisonError},
};

use secrecy::SecretString;
use serde::Serialize;
use serde_json::Value;
use tauri::{
    AppHandle, Emitter as _, Manager as _, Runtime, State, async_runtime::JoinHandle, ipc::Channel,
};
use whinchat_core::{
    bridge::{
        AccountSummary, Action, Anchor, AppInfo, Batch, Code, Command, Depth, DiagnosticsSaved,
        Opened, Problem, ReportReason, ServerFound, SetUpSignIn, SignIn, Unsent,
    },
    model::AccountId,
    runtime::Messenger,
};
use whinchat_phone::{Insets, Permission};

use crate::{
    destination::{Destination, Next},
    diagnostics::{self, Place, SavePlace},
    lock::LastUsed,
    notices::Notices,
    settings::{Choices, Device, Settings, Theme},
    system, theme,
};

/// What every command needs.
pub type Core<'a> = State<'a, Messenger>;

/// The streams to the page: one an account, for it has one reader.
#[derive(Default)]
pub struct Streams(Mutex<BTreeMap<AccountId, JoinHandle<()>>>);

impl Streams {
    /// Ends the stream of an account that there was, and keeps this one.
    fn set(&self, account: AccountId, stream: Option<JoinHandle<()>>) {
        let mut streams = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = match stream {
            Some(stream) => streams.insert(account, stream),
            None => streams.remove(&account),
        };
        if let Some(before) = before {
            before.abort();
        }
    }

    /// How many there are.
    #[cfg(test)]
    pub fn count(&self) -> usize {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).len()
    }
}

type Answer = Result<Value, Problem>;

fn account_id(text: &str) -> Result<AccountId, Problem> {
    text.parse().map_err(|_| Problem::new(Code::AccountUnknown))
}

/// Product, version, and which ways to keep secrets work here.
#[tauri::command]
pub async fn app_info<R: Runtime>(app: AppHandle<R>, core: Core<'_>) -> Result<AppInfo, Problem> {
    system::page_is_there(&app);
    Ok(core.info().await)
}

/// [`Command::Accounts`].
#[tauri::command]
pub async fn accounts(core: Core<'_>) -> Answer {
    core.call(Command::Accounts).await
}

/// [`Command::LookAround`].
#[tauri::command]
pub async fn look_around(core: Core<'_>) -> Answer {
    core.call(Command::LookAround).await
}

/// [`Command::Discover`].
#[tauri::command]
pub async fn discover(core: Core<'_>, address: String) -> Answer {
    core.call(Command::Discover { address }).await
}

/// Signs in; not a bridge [`Command`], for it carries a password.
#[tauri::command]
pub async fn sign_in(core: Core<'_>, request: SignIn) -> Result<AccountSummary, Problem> {
    core.sign_in(request).await
}

/// Opens the vault of an account that is kept under a passphrase.
#[tauri::command]
pub async fn unlock(
    core: Core<'_>,
    account: String,
    passphrase: String,
) -> Result<AccountSummary, Problem> {
    let passphrase = SecretString::from(passphrase);
    let id = account_id(&account)?;
    core.unlock(id, passphrase).await?;
    summary(&core, &account)
}

fn summary(core: &Messenger, account: &str) -> Result<AccountSummary, Problem> {
    core.accounts()
        .into_iter()
        .find(|summary| summary.id == account)
        .ok_or_else(|| Problem::new(Code::AccountUnknown))
}

/// Puts an account under a passphrase, under another one, or under none; not a
/// bridge [`Command`], for it carries passphrases.
#[tauri::command]
pub async fn set_passphrase(
    core: Core<'_>,
    account: String,
    old: Option<String>,
    new: Option<String>,
) -> Result<AccountSummary, Problem> {
    let (old, new) = (old.map(SecretString::from), new.map(SecretString::from));
    core.set_passphrase(account_id(&account)?, old, new).await?;
    summary(&core, &account)
}

/// [`Command::Biometrics`].
#[tauri::command]
pub async fn biometrics(core: Core<'_>, account: String) -> Answer {
    core.call(Command::Biometrics { account }).await
}

/// Lets the system's biometrics open an account as well; not a bridge [`Command`], for
/// it carries a passphrase.
#[tauri::command]
pub async fn keep_biometrics(
    core: Core<'_>,
    account: String,
    passphrase: String,
) -> Result<(), Problem> {
    let passphrase = SecretString::from(passphrase);
    core.keep_biometrics(account_id(&account)?, passphrase)
        .await
}

/// [`Command::UnlockByBiometrics`]. Whoever was recognised uses the app.
#[tauri::command]
pub async fn unlock_by_biometrics(
    core: Core<'_>,
    last: State<'_, LastUsed>,
    account: String,
) -> Answer {
    let unlocked = core.call(Command::UnlockByBiometrics { account }).await?;
    last.now();
    Ok(unlocked)
}

/// [`Command::ForgetBiometrics`].
#[tauri::command]
pub async fn forget_biometrics(core: Core<'_>, account: String) -> Answer {
    core.call(Command::ForgetBiometrics { account }).await
}

/// Locks every account that has a passphrase.
#[tauri::command]
pub async fn lock(core: Core<'_>) -> Result<(), Problem> {
    core.lock().await;
    Ok(())
}

/// Somebody uses the app.
#[tauri::command]
pub async fn used(last: State<'_, LastUsed>) -> Result<(), Problem> {
    last.now();
    Ok(())
}

/// [`Command::Open`]. From then on its messages raise notices.
#[tauri::command]
pub async fn open<R: Runtime>(app: AppHandle<R>, account: String) -> Result<Opened, Problem> {
    begin(&app, account_id(&account)?).await
}

/// Opens an account, unless it is open, and listens to it for notices.
///
/// # Errors
/// As [`Messenger::open`].
pub async fn begin<R: Runtime>(app: &AppHandle<R>, account: AccountId) -> Result<Opened, Problem> {
    let (core, notices) = (app.state::<Messenger>(), app.state::<Notices>());
    // Before it is read, so that nothing comes in between unseen.
    let stream = if notices.keeps(account) {
        None
    } else {
        Some(core.subscribe(account)?)
    };
    let opened = core.open(account).await?;
    if let Some(stream) = stream {
        notices.listen(app, account, stream, &opened);
    }
    Ok(opened)
}

/// One ordered stream of an account's changes. It ends when the account is
/// closed, or when the page asks for another in its place.
#[tauri::command]
pub async fn stream(
    core: Core<'_>,
    streams: State<'_, Streams>,
    account: String,
    channel: Channel<Batch>,
) -> Result<(), Problem> {
    let account = account_id(&account)?;
    let mut batches = core.subscribe(account)?;
    let stream = tauri::async_runtime::spawn(async move {
        while let Some(batch) = batches.next().await {
            if channel.send(batch).is_err() {
                break;
            }
        }
    });
    streams.set(account, Some(stream));
    Ok(())
}

/// [`Command::Conversations`].
#[tauri::command]
pub async fn conversations(
    core: Core<'_>,
    account: String,
    query: String,
    after: Option<String>,
    limit: u32,
) -> Answer {
    core.call(Command::Conversations {
        account,
        query,
        after,
        limit,
    })
    .await
}

/// [`Command::People`].
#[tauri::command]
pub async fn people(
    core: Core<'_>,
    account: String,
    query: String,
    offset: u32,
    limit: u32,
) -> Answer {
    core.call(Command::People {
        account,
        query,
        offset,
        limit,
    })
    .await
}

/// [`Command::Search`].
#[tauri::command]
#[expect(clippy::too_many_arguments, reason = "Tauri names each argument")]
pub async fn search(
    core: Core<'_>,
    account: String,
    query: String,
    conversation: Option<String>,
    person: Option<String>,
    from: Option<i64>,
    until: Option<i64>,
    after: Option<String>,
    limit: u32,
) -> Answer {
    core.call(Command::Search {
        account,
        query,
        conversation,
        person,
        from,
        until,
        after,
        limit,
    })
    .await
}

/// [`Command::Page`].
#[tauri::command]
pub async fn page(
    core: Core<'_>,
    account: String,
    conversation: String,
    anchor: Anchor,
    limit: u32,
) -> Answer {
    core.call(Command::Page {
        account,
        conversation,
        anchor,
        limit,
    })
    .await
}

/// [`Command::FetchOlder`].
#[tauri::command]
pub async fn fetch_older(core: Core<'_>, account: String, conversation: String) -> Answer {
    core.call(Command::FetchOlder {
        account,
        conversation,
    })
    .await
}

/// [`Command::Fetch`].
#[tauri::command]
pub async fn fetch(
    core: Core<'_>,
    account: String,
    conversation: String,
    anchor: Anchor,
) -> Answer {
    core.call(Command::Fetch {
        account,
        conversation,
        anchor,
    })
    .await
}

/// [`Command::HistoryDepth`].
#[tauri::command]
pub async fn history_depth(core: Core<'_>, account: String) -> Answer {
    core.call(Command::HistoryDepth { account }).await
}

/// [`Command::SetHistoryDepth`].
#[tauri::command]
pub async fn set_history_depth(core: Core<'_>, account: String, depth: Depth) -> Answer {
    core.call(Command::SetHistoryDepth { account, depth }).await
}

/// [`Command::Watch`].
#[tauri::command]
pub async fn watch(
    core: Core<'_>,
    notices: State<'_, Notices>,
    account: String,
    conversation: Option<String>,
) -> Answer {
    notices.watching(account.clone(), conversation.clone());
    core.call(Command::Watch {
        account,
        conversation,
    })
    .await
}

/// [`Command::Send`].
#[tauri::command]
pub async fn send(core: Core<'_>, account: String, conversation: String, text: String) -> Answer {
    core.call(Command::Send {
        account,
        conversation,
        text,
    })
    .await
}

/// [`Command::Retry`].
#[tauri::command]
pub async fn retry(core: Core<'_>, account: String, message: String) -> Answer {
    core.call(Command::Retry { account, message }).await
}

/// [`Command::Discard`].
#[tauri::command]
pub async fn discard(core: Core<'_>, account: String, message: String) -> Answer {
    core.call(Command::Discard { account, message }).await
}

/// [`Command::SaveDraft`].
#[tauri::command]
pub async fn save_draft(
    core: Core<'_>,
    account: String,
    conversation: String,
    text: String,
) -> Answer {
    core.call(Command::SaveDraft {
        account,
        conversation,
        text,
    })
    .await
}

/// [`Command::MarkRead`].
#[tauri::command]
pub async fn mark_read(
    core: Core<'_>,
    account: String,
    conversation: String,
    until: String,
) -> Answer {
    core.call(Command::MarkRead {
        account,
        conversation,
        until,
    })
    .await
}

/// [`Command::Safety`].
#[tauri::command]
pub async fn safety(core: Core<'_>, account: String) -> Answer {
    core.call(Command::Safety { account }).await
}

/// [`Command::AcceptTerms`].
#[tauri::command]
pub async fn accept_terms(core: Core<'_>, account: String, version: u32) -> Answer {
    core.call(Command::AcceptTerms { account, version }).await
}

/// [`Command::Block`].
#[tauri::command]
pub async fn block(core: Core<'_>, account: String, person: String) -> Answer {
    core.call(Command::Block { account, person }).await
}

/// [`Command::Unblock`].
#[tauri::command]
pub async fn unblock(core: Core<'_>, account: String, person: String) -> Answer {
    core.call(Command::Unblock { account, person }).await
}

/// [`Command::Report`]. Its arguments are named as the bridge names them.
#[tauri::command(rename_all = "snake_case")]
pub async fn report(
    core: Core<'_>,
    account: String,
    person: Option<String>,
    message: Option<String>,
    reason: ReportReason,
    comment: String,
    with_text: bool,
) -> Answer {
    core.call(Command::Report {
        account,
        person,
        message,
        reason,
        comment,
        with_text,
    })
    .await
}

/// [`Command::Reconnect`].
#[tauri::command]
pub async fn reconnect(core: Core<'_>, account: String) -> Answer {
    core.call(Command::Reconnect { account }).await
}

/// [`Command::UnsentMessages`].
#[tauri::command]
pub async fn unsent_messages(core: Core<'_>, account: String) -> Answer {
    core.call(Command::UnsentMessages { account }).await
}

/// [`Command::SignOut`].
#[tauri::command]
pub async fn sign_out(core: Core<'_>, account: String, unsent: Unsent) -> Answer {
    core.call(Command::SignOut { account, unsent }).await
}

/// [`Command::Close`]. Its stream ends too, and none of its notices is left.
#[tauri::command]
pub async fn close(
    core: Core<'_>,
    streams: State<'_, Streams>,
    notices: State<'_, Notices>,
    account: String,
) -> Answer {
    let id = account_id(&account)?;
    streams.set(id, None);
    notices.end(id);
    core.call(Command::Close { account }).await
}

/// Begins setting up a server; not a bridge [`Command`], for it carries a
/// password. The session that is made from it stays in the core's memory.
#[tauri::command]
pub async fn set_up_begin(core: Core<'_>, request: SetUpSignIn) -> Result<ServerFound, Problem> {
    core.set_up_begin(request).await
}

/// [`Command::SetUpPlan`].
#[tauri::command]
pub async fn set_up_plan(core: Core<'_>) -> Answer {
    core.call(Command::SetUpPlan).await
}

/// [`Command::SetUpAddresses`].
#[tauri::command]
pub async fn set_up_addresses(core: Core<'_>, contact: String, terms: String) -> Answer {
    core.call(Command::SetUpAddresses { contact, terms }).await
}

/// [`Command::SetUpApply`].
#[tauri::command]
pub async fn set_up_apply(core: Core<'_>, plan: String) -> Answer {
    core.call(Command::SetUpApply { plan }).await
}

/// [`Command::SetUpVerify`].
#[tauri::command]
pub async fn set_up_verify(core: Core<'_>) -> Answer {
    core.call(Command::SetUpVerify).await
}

/// [`Command::SetUpStop`].
#[tauri::command]
pub async fn set_up_stop(core: Core<'_>) -> Answer {
    core.call(Command::SetUpStop).await
}

/// [`Command::SetUpEnd`].
#[tauri::command]
pub async fn set_up_end(core: Core<'_>) -> Answer {
    core.call(Command::SetUpEnd).await
}

/// What this device remembers between two starts.
#[tauri::command]
pub async fn settings(device: State<'_, Device>) -> Result<Settings, Problem> {
    Ok(device.settings())
}

/// Remembers the account that is used, for the next start.
#[tauri::command]
pub async fn remember_account(device: State<'_, Device>, account: String) -> Result<(), Problem> {
    device.remember(account_id(&account)?.to_string())
}

/// Keeps what a person chose for this device, and gives it as it is kept.
#[tauri::command]
pub async fn choose<R: Runtime>(
    app: AppHandle<R>,
    device: State<'_, Device>,
    choices: Choices,
) -> Result<Choices, Problem> {
    let kept = device.choose(choices)?;
    system::chosen(&app, &kept);
    if kept.theme == Theme::System {
        // The desktop is to decide again: what it has now may never have been told.
        let scheme = theme::ask().await;
        let _ = app.emit("theme", scheme.map_or("", theme::Scheme::name));
    }
    Ok(kept)
}

/// Where a file of a person's own may be saved here.
#[tauri::command]
pub async fn save_places<R: Runtime>(app: AppHandle<R>) -> Result<Vec<SavePlace>, Problem> {
    Ok(diagnostics::places(&app))
}

/// [`Command::SaveDiagnostics`], into a place that the shell knows: a page
/// names no path.
#[tauri::command]
pub async fn save_diagnostics<R: Runtime>(
    app: AppHandle<R>,
    core: Core<'_>,
    device: State<'_, Device>,
    account: String,
    place: Place,
) -> Result<DiagnosticsSaved, Problem> {
    let account = account_id(&account)?;
    let folder = diagnostics::folder(&app, place)?;
    let surroundings = diagnostics::surroundings(device.settings().choices);
    core.save_diagnostics(account, folder, surroundings).await
}

/// What there is to know about this device, for the settings.
#[derive(Debug, Serialize)]
pub struct ThisDevice {
    /// How much all accounts' data takes, in bytes.
    stored: u64,
    /// Whether there is a tray that a window can be closed into.
    tray: bool,
    /// Whether the program starts at login; null where that can't be chosen.
    starts_at_login: Option<bool>,
    /// Whether newer versions can be asked for here.
    updates: bool,
    /// What there is on a phone alone; null elsewhere.
    phone: Option<OnPhone>,
}

/// What there is to know about a phone.
#[derive(Debug, Serialize)]
pub struct OnPhone {
    /// Whether its system lets notices be shown.
    notices: Permission,
}

/// What there is to know about this device.
#[tauri::command]
pub async fn this_device<R: Runtime>(
    app: AppHandle<R>,
    device: State<'_, Device>,
) -> Result<ThisDevice, Problem> {
    let data = device.data().to_owned();
    let stored = tokio::task::spawn_blocking(move || size(&data)).await;
    Ok(ThisDevice {
        stored: stored.unwrap_or(0),
        tray: system::has_tray(&app),
        starts_at_login: system::starts_at_login(&app),
        updates: system::updates_are_offered(&app),
        phone: system::may_notify(&app)
            .await
            .map(|notices| OnPhone { notices }),
    })
}

/// Lets the system ask a person whether notices may be shown, where it asks.
#[tauri::command]
pub async fn ask_to_notify<R: Runtime>(app: AppHandle<R>) -> Result<Permission, Problem> {
    Ok(system::ask_to_notify(&app).await)
}

/// Asks whether there is a newer version of this program.
#[tauri::command]
pub async fn look_for_update<R: Runtime>(
    app: AppHandle<R>,
) -> Result<Option<system::Newer>, Problem> {
    system::look_for_update(&app).await
}

/// Puts the newer version that was found in this program's place, and begins anew.
#[tauri::command]
pub async fn take_update<R: Runtime>(app: AppHandle<R>) -> Result<(), Problem> {
    system::take_update(&app).await?;
    app.request_restart();
    Ok(())
}

/// What the system draws over the page's edges; null where it draws nothing there.
#[tauri::command]
pub async fn insets<R: Runtime>(app: AppHandle<R>) -> Result<Option<Insets>, Problem> {
    Ok(system::insets(&app))
}

/// Whether the page has something that a phone's way back would close.
#[tauri::command]
pub async fn hold_back<R: Runtime>(app: AppHandle<R>, on: bool) -> Result<(), Problem> {
    system::hold_back(&app, on);
    Ok(())
}

/// The bytes of all files below a folder. What a link points to is elsewhere.
fn size(folder: &Path) -> u64 {
    let mut sum = 0;
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        sum += match entry.file_type() {
            Ok(kind) if kind.is_dir() => size(&entry.path()),
            Ok(kind) if kind.is_file() => entry.metadata().map_or(0, |file| file.len()),
            _ => 0,
        };
    }
    sum
}

/// Starts the program at login from now on, or no more.
#[tauri::command]
pub async fn start_at_login<R: Runtime>(app: AppHandle<R>, on: bool) -> Result<(), Problem> {
    system::start_at_login(&app, on)
}

/// Where a notice or a link leads, once; null where nobody led anywhere.
#[tauri::command]
pub async fn where_to(next: State<'_, Next>) -> Result<Option<Destination>, Problem> {
    Ok(next.take())
}

/// Under which terms the program may be used and passed on: its two licences,
/// and those of all that it is made with.
#[tauri::command]
pub async fn licences() -> Result<String, Problem> {
    Ok([
        include_str!("../../LICENSE-MIT"),
        include_str!("../../LICENSE-APACHE"),
        include_str!("../../THIRD-PARTY-NOTICES"),
    ]
    .join("\n\n"))
}

/// Opens a link outside: http and https only, for a link in a message is
/// somebody else's text; and mail to the owner of a server, as a mail program has it.
#[tauri::command]
pub async fn open_outside(url: String) -> Result<(), Problem> {
    let address = outside(&url).ok_or_else(|| Problem::new(Code::AddressInvalid))?;
    tauri_plugin_opener::open_url(address.as_str(), None::<&str>).map_err(|_| Problem {
        action: Action::None,
        ..Problem::new(Code::Unknown)
    })
}

/// The longest mail that is begun, in bytes.
const LONGEST_MAIL: usize = 16_000;

/// A mail to one bare address, with a subject and a text and nothing else: no copy to
/// somebody else, no file.
fn a_mail(url: &tauri::Url) -> bool {
    let bare = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b".!#$*+-/=^_`{|}~'".contains(&b))
    };
    let mut of = url.path().split('@');
    let to = (of.next(), of.next(), of.next());
    let one = matches!(to, (Some(name), Some(host), None) if bare(name) && bare(host));
    let known = |name: &str| matches!(name, "subject" | "body");
    one && url.as_str().len() <= LONGEST_MAIL && url.query_pairs().all(|(name, _)| known(&name))
}

/// The address if it may be opened outside.
fn outside(url: &str) -> Option<tauri::Url> {
    let url = tauri::Url::parse(url).ok()?;
    if url.scheme() == "mailto" {
        return a_mail(&url).then_some(url);
    }
    let named = url.host_str().is_some_and(|host| !host.is_empty());
    let plain = url.username().is_empty() && url.password().is_none();
    (matches!(url.scheme(), "http" | "https") && named && plain).then_some(url)
}

#[cfg(test)]
mod tests {
    use super::{outside, size};

    #[test]
    fn what_is_kept_is_counted_in_all_folders_and_beyond_no_link() {
        let data = tempfile::tempdir().unwrap();
        let below = data.path().join("a/b");
        std::fs::create_dir_all(&below).unwrap();
        std::fs::write(below.join("one"), [0; 700]).unwrap();
        std::fs::write(data.path().join("two"), [0; 7]).unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(data.path(), below.join("loop")).unwrap();
        assert_eq!(size(data.path()), 707);
        assert_eq!(size(&data.path().join("none")), 0);
    }

    #[test]
    fn only_plain_web_addresses_and_mails_to_one_are_opened_outside() {
        assert!(outside("https://example.com/a?b=c#d").is_some());
        assert!(outside("mailto:alice@example.com").is_some());
        assert!(outside("mailto:alice@example.com?subject=A%20report&body=One%0ATwo").is_some());
        let long = format!("mailto:alice@example.com?body={}", "a".repeat(20_000));
        for bad in [
            "javascript:alert(1)",
            "file:///etc/passwd",
            "whinchat://open",
            "https://user:secret@example.com/",
            "mailto:",
            "mailto:alice@example.com,bob@example.com",
            "mailto:alice@example.com@example.org",
            "mailto:alice@example.com?bcc=bob@example.com",
            "mailto:alice@example.com?subject=a&attach=/etc/passwd",
            "mailto:alice%0a@example.com",
            long.as_str(),
            "not a link",
        ] {
            assert!(outside(bad).is_none(), "{bad}");
        }
    }
}
