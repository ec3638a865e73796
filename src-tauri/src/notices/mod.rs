//! Notices of new messages, and how many are unread.
//!
//! Owns: listening to each open account, what a person looks at, and handing
//! what follows to the system. Which notices there are is decided in `news`,
//! without a clock or a desktop; how they are shown stands in `bus` (Linux),
//! `mac`, `windows` or `phone`. Never: a message's text in a log; it
//! leaves for the system only, and only if a person lets it.
//!
//! Whoever listens asks a [`Host`], which is the app or, in a phone's background,
//! no more than a core.
//!
//! | system | shown | press opens it | withdrawn | replaced | reply |
//! |---|---|---|---|---|---|
//! | Linux | yes | where the desktop has `actions` | yes | yes | where it has `inline-reply` |
//! | macOS | yes, as an app | yes | yes | yes | yes |
//! | Windows | yes, once installed | yes | yes | yes | yes |
//! | Android, iOS | yes, in the background every quarter of an hour at best | yes | yes, and all when the app is opened | yes | no |

mod news;

#[cfg(target_os = "linux")]
mod bus;
#[cfg(target_os = "linux")]
use bus as desk;
#[cfg(mobile)]
mod phone;
#[cfg(mobile)]
use phone as desk;
#[cfg(target_os = "android")]
pub use phone::{Part, in_parts};
#[cfg(target_os = "macos")]
mod mac;
#[cfg(target_os = "macos")]
use mac as desk;
#[cfg(any(windows, test))]
mod toast;
#[cfg(windows)]
mod windows;
#[cfg(windows)]
use self::windows as desk;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use chrono::Timelike as _;
use tauri::{AppHandle, Emitter as _, Manager as _, Runtime};
use tokio::sync::{Notify, mpsc};
use whinchat_core::{
    bridge::{
        AccountSummary, Anchor, Batch, Change, Connection, ConnectionState, ConversationPage,
        ConversationRow, Opened,
    },
    model::{AccountId, ConversationId},
    runtime::{Messenger, Subscription},
};

use crate::{
    destination::{Destination, Next},
    settings::{Choices, Device},
    system,
    words::Words,
};
use news::{Deed, Moment, News, Note};

/// The longest text that a notice tells, in letters.
const LONGEST: usize = 200;
/// Conversations that are read at once.
const PART: u32 = 200;

/// Which notice: the one of a conversation, or the sum of an account.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    account: String,
    conversation: Option<String>,
}

/// A notice in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sign {
    /// Which one. One that stands is replaced.
    key: Key,
    title: String,
    body: String,
    /// What a press on it does, in words.
    open: String,
    /// What an answer in the notice itself is called, where one may be given.
    reply: Option<String>,
    /// Whether it makes no sound.
    quiet: bool,
}

/// What the system is to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Order {
    /// Show this.
    Show(Sign),
    /// Take this one back, if it stands.
    Withdraw(Key),
}

/// What a person did with a notice.
#[derive(Debug, PartialEq, Eq)]
#[cfg_attr(mobile, allow(dead_code))]
pub enum Answer {
    /// Pressed it.
    Open(Key),
    /// Wrote an answer into it.
    Reply {
        /// Which.
        key: Key,
        /// What was written.
        text: String,
    },
    /// Put it away.
    PutAway(Key),
}

impl Answer {
    /// What a phone's press comes to: nothing, where it names no conversation of an
    /// account that is here.
    #[cfg(any(mobile, test))]
    pub fn pressed(
        account: String,
        conversation: Option<String>,
        accounts: &[AccountSummary],
    ) -> Option<Self> {
        let here = accounts.iter().any(|known| known.id == account);
        let one = conversation
            .as_ref()
            .is_none_or(|conversation| conversation.parse::<ConversationId>().is_ok());
        (here && one).then_some(Self::Open(Key {
            account,
            conversation,
        }))
    }
}

/// What is known of an account, for the tray.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Who it is, as a person knows it.
    pub name: String,
    /// Its unread messages.
    pub unread: i64,
    /// Its connection.
    pub state: ConnectionState,
}

/// What whoever listens to an account is told besides the account's stream.
#[derive(Debug)]
enum Said {
    /// A person has come to the window.
    Seen,
    /// A person has put a notice away.
    PutAway(String),
    /// The account is closed.
    End,
    /// The account is closed, and what stands of its notices stays.
    #[cfg_attr(desktop, allow(dead_code))]
    LetGo,
}

/// What whoever listens to an account asks of the program around it.
pub trait Host: Clone + Send + Sync + 'static {
    /// The core.
    fn core(&self) -> Messenger;
    /// What a person chose for this device.
    fn choices(&self) -> Choices;
    /// What is said with these words.
    fn say<T>(&self, say: impl FnOnce(&Words) -> T) -> T;
    /// Tells the system what is known of each account.
    fn tell(&self, standings: &[Standing]);
}

impl<R: Runtime> Host for AppHandle<R> {
    fn core(&self) -> Messenger {
        self.state::<Messenger>().inner().clone()
    }

    fn choices(&self) -> Choices {
        self.state::<Device>().settings().choices
    }

    fn say<T>(&self, say: impl FnOnce(&Words) -> T) -> T {
        say(&self.state::<Words>())
    }

    fn tell(&self, standings: &[Standing]) {
        system::tell(self, standings);
    }
}

/// What a person looks at.
#[derive(Debug, Default)]
struct View {
    focused: bool,
    watched: Option<(String, String)>,
}

impl View {
    fn of(&self, account: &str) -> Option<&str> {
        let (whose, conversation) = self.watched.as_ref()?;
        (self.focused && whose == account).then_some(conversation)
    }
}

#[derive(Default)]
struct Inner {
    view: View,
    listeners: BTreeMap<AccountId, mpsc::UnboundedSender<Said>>,
    standing: BTreeMap<AccountId, Standing>,
    /// Those that are listened to for a look at what is new, and closed again.
    for_a_look: BTreeSet<AccountId>,
    /// Of which all that there is to tell has been ordered.
    told: BTreeSet<AccountId>,
}

/// All accounts' notices.
#[derive(Clone)]
pub struct Notices {
    inner: Arc<Mutex<Inner>>,
    orders: mpsc::UnboundedSender<Order>,
    /// Rung when an account is told.
    rung: Arc<Notify>,
}

impl Notices {
    /// Nothing is listened to yet. What is ordered goes to the system, and what
    /// a person answers is done.
    pub fn begin<R: Runtime>(app: &AppHandle<R>) -> Self {
        let (notices, orders) = Self::with_orders();
        let (answers, mut answered) = mpsc::unbounded_channel();
        #[cfg(desktop)]
        tauri::async_runtime::spawn(desk::run(orders, answers));
        #[cfg(mobile)]
        {
            system::presses(app, answers);
            tauri::async_runtime::spawn(desk::run(app.clone(), orders));
        }
        let (app, own) = (app.clone(), notices.clone());
        tauri::async_runtime::spawn(async move {
            while let Some(answer) = answered.recv().await {
                own.answer(&app, answer).await;
            }
        });
        notices
    }

    /// The same with nobody who shows them, but for who takes what is ordered.
    pub fn with_orders() -> (Self, mpsc::UnboundedReceiver<Order>) {
        let (order, orders) = mpsc::unbounded_channel();
        let notices = Self {
            inner: Arc::default(),
            orders: order,
            rung: Arc::default(),
        };
        (notices, orders)
    }

    /// The same with nobody who shows them, for tests of other parts.
    #[cfg(test)]
    pub fn silent() -> Self {
        Self::with_orders().0
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether somebody listens to this account already. From now on it is a page's,
    /// and stays open.
    pub fn keeps(&self, account: AccountId) -> bool {
        let mut inner = self.inner();
        inner.for_a_look.remove(&account);
        inner.listeners.contains_key(&account)
    }

    /// Whether nobody listens to this account, and whoever asks may, for a look.
    #[cfg(any(mobile, test))]
    pub fn looks(&self, account: AccountId) -> bool {
        let mut inner = self.inner();
        !inner.listeners.contains_key(&account) && inner.for_a_look.insert(account)
    }

    /// The look is over. Whether the account is to be closed: not if a page has it now.
    /// What stands of its notices stays.
    #[cfg(any(mobile, test))]
    pub fn looked(&self, account: AccountId) -> bool {
        let mut inner = self.inner();
        if !inner.for_a_look.remove(&account) {
            return false;
        }
        inner.standing.remove(&account);
        inner.told.remove(&account);
        if let Some(listener) = inner.listeners.remove(&account) {
            let _ = listener.send(Said::LetGo);
        }
        true
    }

    /// Waits until all that there is to tell of each account has been ordered, as far as
    /// one can get to know it now.
    #[cfg(any(mobile, test))]
    pub async fn whole(&self) {
        loop {
            let rung = self.rung.notified();
            {
                let inner = self.inner();
                if inner
                    .listeners
                    .keys()
                    .all(|account| inner.told.contains(account))
                {
                    return;
                }
            }
            rung.await;
        }
    }

    /// Listens to an account that was opened; `stream` is older than `opened`.
    pub fn listen<H: Host>(
        &self,
        host: &H,
        account: AccountId,
        stream: Subscription,
        opened: &Opened,
    ) {
        let (say, said) = mpsc::unbounded_channel();
        {
            let mut inner = self.inner();
            if inner.listeners.contains_key(&account) {
                return;
            }
            inner.listeners.insert(account, say);
            inner.standing.insert(account, standing(opened));
        }
        let listener = Listener {
            notices: self.clone(),
            host: host.clone(),
            account,
            state: opened.connection.state,
            unread: opened.unread,
            revision: opened.list.revision,
        };
        listener.tell();
        let first = opened.list.clone();
        tauri::async_runtime::spawn(listener.run(stream, said, first));
    }

    /// The account is closed or gone: none of its notices is left.
    pub fn end(&self, account: AccountId) {
        // At once, so that it can be listened to anew at once.
        let mut inner = self.inner();
        inner.standing.remove(&account);
        inner.told.remove(&account);
        if let Some(listener) = inner.listeners.remove(&account) {
            let _ = listener.send(Said::End);
        }
    }

    /// A person looks at this conversation of this account, or at none of it.
    pub fn watching(&self, account: String, conversation: Option<String>) {
        self.inner().view.watched = conversation.map(|conversation| (account, conversation));
    }

    /// The window has the focus, or has it no more.
    pub fn focused(&self, focused: bool) {
        let mut inner = self.inner();
        inner.view.focused = focused;
        if focused {
            for listener in inner.listeners.values() {
                let _ = listener.send(Said::Seen);
            }
        }
    }

    /// What is known of each account that is open.
    pub fn standings(&self) -> Vec<Standing> {
        self.inner().standing.values().cloned().collect()
    }

    async fn answer<R: Runtime>(&self, app: &AppHandle<R>, answer: Answer) {
        match answer {
            Answer::Open(Key {
                account,
                conversation,
            }) => {
                if let Some(conversation) = conversation {
                    lead(
                        app,
                        Destination::Conversation {
                            account,
                            conversation,
                        },
                    );
                }
                system::front(app);
            }
            Answer::Reply { key, text } => {
                if reply(app, &key, &text).await.is_none() {
                    tracing::warn!("an answer from a notice was not taken");
                    // What was written is lost to nobody but the notice: the
                    // person is brought to where it can be written again.
                    system::front(app);
                }
            }
            Answer::PutAway(key) => {
                let account = key.account.parse().ok();
                let inner = self.inner();
                let listener = account.and_then(|id: AccountId| inner.listeners.get(&id));
                if let (Some(listener), Some(conversation)) = (listener, key.conversation) {
                    let _ = listener.send(Said::PutAway(conversation));
                }
            }
        }
    }
}

/// Remembers where the page is to go, and tells it to ask.
pub fn lead<R: Runtime>(app: &AppHandle<R>, destination: Destination) {
    app.state::<Next>().set(destination);
    // A page that is not there yet asks when it is.
    let _ = app.emit("lead", ());
}

/// Sends what was written into a notice, and marks what it answers as read.
async fn reply<R: Runtime>(app: &AppHandle<R>, key: &Key, text: &str) -> Option<()> {
    let core = app.state::<Messenger>().inner().clone();
    let account: AccountId = key.account.parse().ok()?;
    let conversation: ConversationId = key.conversation.as_ref()?.parse().ok()?;
    let page = core.page(account, conversation, Anchor::Newest, 1).await;
    core.send(account, conversation, text).await.ok()?;
    if let Some(last) = page.ok().and_then(|mut page| page.messages.pop()) {
        let _ = core.mark_read(account, conversation, last.sort).await;
    }
    Some(())
}

fn standing(opened: &Opened) -> Standing {
    Standing {
        name: name_of(&opened.account),
        unread: opened.unread,
        state: opened.connection.state,
    }
}

fn name_of(account: &AccountSummary) -> String {
    if account.name.is_empty() {
        account.email.clone()
    } else {
        account.name.clone()
    }
}

/// Whoever listens to one account.
struct Listener<H: Host> {
    notices: Notices,
    host: H,
    account: AccountId,
    state: ConnectionState,
    unread: i64,
    /// What was read of the conversations shows all up to this.
    revision: i64,
}

impl<H: Host> Listener<H> {
    async fn run(
        mut self,
        mut stream: Subscription,
        mut said: mpsc::UnboundedReceiver<Said>,
        first: ConversationPage,
    ) {
        let rows = self.conversations(first).await;
        let mut news = News::begin(&rows, self.state);
        let mut expected = None;
        let mut withdraws = true;
        self.ring();
        loop {
            let deeds = tokio::select! {
                batch = stream.next() => match batch {
                    Some(batch) => self.batch(&mut news, batch, &mut expected).await,
                    None => break,
                },
                said = said.recv() => match said {
                    Some(Said::Seen) => news.seen(),
                    Some(Said::PutAway(conversation)) => {
                        news.put_away(&conversation);
                        Vec::new()
                    }
                    Some(Said::LetGo) => {
                        withdraws = false;
                        break;
                    }
                    Some(Said::End) | None => break,
                },
            };
            self.order(deeds);
            self.ring();
        }
        if withdraws {
            self.order(news.end());
        }
        drop(said);
        {
            let mut inner = self.notices.inner();
            let own = inner.listeners.get(&self.account);
            // Not if somebody listens anew already.
            if own.is_some_and(mpsc::UnboundedSender::is_closed) {
                inner.listeners.remove(&self.account);
                inner.standing.remove(&self.account);
                inner.told.remove(&self.account);
            }
        }
        self.notices.rung.notify_waiters();
        self.tell_system();
    }

    /// Says whether all that can be known now has been ordered.
    fn ring(&self) {
        {
            let mut inner = self.notices.inner();
            if is_known(self.state) {
                inner.told.insert(self.account);
            } else {
                inner.told.remove(&self.account);
            }
        }
        self.notices.rung.notify_waiters();
    }

    async fn batch(
        &mut self,
        news: &mut News,
        batch: Batch,
        expected: &mut Option<i64>,
    ) -> Vec<Deed> {
        let missed = expected.is_some_and(|expected| expected != batch.n);
        *expected = Some(batch.n.saturating_add(1));
        for change in &batch.changes {
            match change {
                Change::Connection(Connection { state, .. }) => self.state = *state,
                Change::Unread(unread) => self.unread = *unread,
                _ => {}
            }
        }
        self.tell();
        if missed && let Some(first) = self.part(None).await {
            self.revision = first.revision;
            let rows = self.conversations(first).await;
            return self.now(|moment| news.begin_again(rows, self.state, moment));
        }
        // What was read already shows it, and may show what came after it.
        let known = batch.revision <= self.revision;
        let changes = batch.changes.iter();
        let news_of = changes.filter(|it| !known || !matches!(it, Change::Conversation(_)));
        self.now(|moment| {
            let each = news_of.map(|change| news.change(change, moment));
            each.flatten().collect()
        })
    }

    /// What `decide` says at this moment.
    fn now<T>(&self, decide: impl FnOnce(Moment<'_>) -> T) -> T {
        let choices = self.choices();
        let time = chrono::Local::now();
        let minute = u16::try_from(time.hour() * 60 + time.minute()).unwrap_or(0);
        let quiet = choices.quiet.is_some_and(|quiet| quiet.holds(minute));
        let inner = self.notices.inner();
        let account = self.account.to_string();
        decide(Moment {
            wanted: choices.notices && !quiet,
            in_view: inner.view.of(&account),
        })
    }

    fn choices(&self) -> Choices {
        self.host.choices()
    }

    /// All conversations, of which the first are known.
    async fn conversations(&self, first: ConversationPage) -> Vec<ConversationRow> {
        let mut rows = first.conversations;
        let mut more = first.more;
        while more {
            let after = rows.last().map(|row| row.sort.clone());
            let Some(part) = self.part(after).await else {
                break;
            };
            more = part.more && !part.conversations.is_empty();
            rows.extend(part.conversations);
        }
        rows
    }

    async fn part(&self, after: Option<String>) -> Option<ConversationPage> {
        let core = self.host.core();
        let part = core.conversations(self.account, String::new(), after, PART);
        part.await.ok()
    }

    fn order(&self, deeds: Vec<Deed>) {
        if deeds.is_empty() {
            return;
        }
        let show_text = self.choices().show_text;
        let account = self.account.to_string();
        for deed in deeds {
            let order = |words: &Words| in_words(words, &account, deed, show_text);
            let order = self.host.say(order);
            // Whoever shows them is gone with the program.
            let _ = self.notices.orders.send(order);
        }
    }

    /// Keeps what is known of the account.
    fn tell(&self) {
        {
            let mut inner = self.notices.inner();
            let Some(standing) = inner.standing.get_mut(&self.account) else {
                return;
            };
            standing.unread = self.unread;
            standing.state = self.state;
        }
        self.tell_system();
    }

    fn tell_system(&self) {
        self.host.tell(&self.notices.standings());
    }
}

/// Whether nothing more is found out by waiting: all is fetched, or it can't be.
const fn is_known(state: ConnectionState) -> bool {
    matches!(
        state,
        ConnectionState::Live
            | ConnectionState::Polling
            | ConnectionState::SignInNeeded
            | ConnectionState::NotProvisioned
    )
}

/// A deed as the system is ordered to do it.
fn in_words(words: &Words, account: &str, deed: Deed, show_text: bool) -> Order {
    let key = |conversation: Option<String>| Key {
        account: account.to_owned(),
        conversation,
    };
    match deed {
        Deed::Show(note) => {
            let (title, body) = texts(words, &note, show_text);
            Order::Show(Sign {
                title,
                body,
                open: words.say("notice-open", &[]),
                reply: Some(words.say("notice-reply", &[])),
                quiet: note.again,
                key: key(Some(note.conversation)),
            })
        }
        Deed::Withdraw(conversation) => Order::Withdraw(key(Some(conversation))),
        Deed::Sum {
            messages,
            conversations,
        } => Order::Show(Sign {
            key: key(None),
            title: words.say("notice-sum-title", &[]),
            body: words.say(
                "notice-sum",
                &[
                    ("messages", messages.into()),
                    ("conversations", conversations.into()),
                ],
            ),
            open: words.say("notice-open", &[]),
            reply: None,
            quiet: false,
        }),
        Deed::WithdrawSum => Order::Withdraw(key(None)),
    }
}

/// Title and body of a notice.
fn texts(words: &Words, note: &Note, show_text: bool) -> (String, String) {
    let name = if note.title.is_empty() {
        words.say("nobody", &[])
    } else {
        short(&note.title)
    };
    let title = words.say(
        "notice-title",
        &[("name", name.into()), ("count", note.count.into())],
    );
    let body = match note.text.as_deref().filter(|_| show_text) {
        Some("") => words.say("no-text", &[]),
        Some(text) => short(text),
        None => words.say("notice-hidden", &[("count", note.count.into())]),
    };
    (title, body)
}

/// At most so much of it, on one line, and without what only controls a
/// terminal or the direction of what is around it.
fn short(text: &str) -> String {
    let shown = |c: char| !c.is_control() && !matches!(c, '\u{202a}'..='\u{202e}');
    let mut letters = text
        .chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|c| shown(*c));
    let mut short: String = letters.by_ref().take(LONGEST).collect();
    if letters.next().is_some() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;
    use whinchat_core::bridge::VaultKind;

    fn note(count: i64, text: Option<&str>) -> Deed {
        Deed::Show(Note {
            conversation: "dm:bob".to_owned(),
            title: "Bob".to_owned(),
            text: text.map(str::to_owned),
            count,
            again: false,
        })
    }

    fn said(deed: Deed, show_text: bool) -> (String, String) {
        match in_words(&Words::english(), "one", deed, show_text) {
            Order::Show(sign) => (sign.title, sign.body),
            order => panic!("{order:?}"),
        }
    }

    #[test]
    fn a_notice_tells_who_wrote_and_what_only_if_a_person_lets_it() {
        let pair = |title: &str, body: &str| (title.to_owned(), body.to_owned());
        assert_eq!(said(note(1, Some("Secret")), true), pair("Bob", "Secret"));
        assert_eq!(
            said(note(3, Some("Secret")), true),
            pair("Bob (3)", "Secret")
        );
        assert_eq!(
            said(note(1, Some("Secret")), false),
            pair("Bob", "New message")
        );
        assert_eq!(
            said(note(3, Some("Secret")), false),
            pair("Bob (3)", "3 new messages")
        );
        assert_eq!(said(note(1, None), true), pair("Bob", "New message"));
        let sum = Deed::Sum {
            messages: 12,
            conversations: 3,
        };
        assert_eq!(said(sum, true).1, "12 new messages in 3 conversations");
    }

    #[test]
    fn what_somebody_else_wrote_is_short_and_controls_nothing() {
        assert_eq!(short("a\nb\u{7}c\u{202e}d\te"), "a bcd e");
        let long = short(&"ä".repeat(300));
        assert_eq!(long.chars().count(), LONGEST + 1);
        assert!(long.ends_with('…'));
    }

    #[test]
    fn a_conversation_is_in_view_only_in_a_window_with_the_focus() {
        let notices = Notices::silent();
        let in_view = || {
            let inner = notices.inner();
            inner.view.of("one").map(str::to_owned)
        };
        notices.watching("one".to_owned(), Some("dm:bob".to_owned()));
        assert_eq!(in_view(), None);
        notices.focused(true);
        assert_eq!(in_view().as_deref(), Some("dm:bob"));
        notices.watching("two".to_owned(), Some("dm:bob".to_owned()));
        assert_eq!(in_view(), None);
        notices.watching("one".to_owned(), None);
        assert_eq!(in_view(), None);
    }

    #[test]
    fn a_press_leads_to_a_conversation_of_an_account_that_is_here_and_nowhere_else() {
        let alice = AccountSummary {
            id: "one".to_owned(),
            server: "https://chat.example".to_owned(),
            email: "alice@example.com".to_owned(),
            name: String::new(),
            person: String::new(),
            vault: VaultKind::Keychain,
            sample: false,
            problem: None,
        };
        let pressed = |account: &str, conversation: Option<&str>| {
            let conversation = conversation.map(str::to_owned);
            let known = std::slice::from_ref(&alice);
            Answer::pressed(account.to_owned(), conversation, known).is_some()
        };
        assert!(pressed(
            "one",
            Some("dm:5463fbc0-a420-446b-a024-e58abb0969e5")
        ));
        assert!(pressed("one", None));
        assert!(!pressed("two", None), "no account of ours");
        assert!(!pressed("one", Some("dm:bob")));
        assert!(!pressed("one", Some("settings")));
    }
}
