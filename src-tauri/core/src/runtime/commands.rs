//! The bridge's commands, each as a method and all through [`Messenger::call`].
//!
//! Owns: what an interface may say, checked. Never: what follows from it.

use serde::Serialize;
use serde_json::Value;

use super::{Messenger, account::Account};
use crate::{
    bridge::{
        Anchor, Code, Command, ConversationPage, Depth, MessageRow, Page, PeoplePage, Problem,
        Safety, SearchPage,
    },
    diagnostics::Surroundings,
    directus::address::Server,
    engine::{Input, NewReport, Order, Reply},
    model::{AccountId, ConversationId, Instant, MessageId, PersonId},
    store::{facts, search::Search, words::Query},
    view,
};

/// The largest body that a server takes by default, in bytes.
const MAX_BODY: usize = 1_000_000;

/// What stands around the text in a body, at most.
const AROUND: usize = 512;

fn account_id(text: &str) -> Result<AccountId, Problem> {
    text.parse().map_err(|_| Problem::new(Code::AccountUnknown))
}

fn conversation_id(text: &str) -> Result<ConversationId, Problem> {
    text.parse().map_err(|_| Problem::new(Code::Unknown))
}

fn person_id(text: &str) -> Result<PersonId, Problem> {
    text.parse().map_err(|_| Problem::new(Code::Unknown))
}

fn message_id(text: &str) -> Result<MessageId, Problem> {
    text.parse().map_err(|_| Problem::new(Code::Unknown))
}

/// The text as it will be sent; refuses what no server would take.
fn check_text(text: &str) -> Result<&str, Problem> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Problem::new(Code::TextBlank));
    }
    check_length(text)?;
    Ok(text)
}

fn check_length(text: &str) -> Result<(), Problem> {
    // Written as JSON it is longer, by quotes and line ends; six bytes for
    // every control character.
    let written = serde_json::to_string(text).map_or(usize::MAX, |json| json.len());
    if written + AROUND > MAX_BODY {
        return Err(Problem::new(Code::TextTooLong)
            .with("bytes", text.len())
            .with("limit", MAX_BODY));
    }
    Ok(())
}

impl Messenger {
    /// A part of the conversation list.
    ///
    /// # Errors
    /// `account_unknown` where it is not open; the database's.
    pub async fn conversations(
        &self,
        account: AccountId,
        query: String,
        after: Option<String>,
        limit: u32,
    ) -> Result<ConversationPage, Problem> {
        let reads = self.running(account)?.reads.clone();
        reads
            .read(move |database| view::conversations(database, &query, after.as_deref(), limit))
            .await
    }

    /// People to pick from.
    ///
    /// # Errors
    /// As [`Messenger::conversations`].
    pub async fn people(
        &self,
        account: AccountId,
        query: String,
        offset: u32,
        limit: u32,
    ) -> Result<PeoplePage, Problem> {
        let reads = self.running(account)?.reads.clone();
        reads
            .read(move |database| view::people(database, &query, offset, limit))
            .await
    }

    /// Searches every message that is held, newest first.
    ///
    /// # Errors
    /// As [`Messenger::conversations`].
    pub async fn search(
        &self,
        account: AccountId,
        search: Search,
        after: Option<String>,
        limit: u32,
    ) -> Result<SearchPage, Problem> {
        let reads = self.running(account)?.reads.clone();
        reads
            .read(move |database| view::search(database, &search, after.as_deref(), limit))
            .await
    }

    /// A page of a conversation.
    ///
    /// # Errors
    /// `unknown`, and as [`Messenger::conversations`].
    pub async fn page(
        &self,
        account: AccountId,
        conversation: ConversationId,
        anchor: Anchor,
        limit: u32,
    ) -> Result<Page, Problem> {
        let reads = self.running(account)?.reads.clone();
        let page = reads
            .read(move |database| view::page(database, conversation, &anchor, limit))
            .await?;
        page.ok_or_else(|| Problem::new(Code::Unknown))
    }

    /// Messages that were not sent yet.
    ///
    /// # Errors
    /// As [`Messenger::conversations`].
    pub async fn unsent_messages(&self, account: AccountId) -> Result<Vec<MessageRow>, Problem> {
        let reads = self.running(account)?.reads.clone();
        reads.read(view::unsent).await
    }

    /// Names the conversation whose messages a stream carries; without a
    /// stream, all streams of the account.
    ///
    /// # Errors
    /// `account_unknown`.
    pub async fn watch(
        &self,
        account: AccountId,
        stream: Option<u64>,
        conversation: Option<ConversationId>,
    ) -> Result<(), Problem> {
        let running = self.running(account)?;
        let watched = running.hub.watch(stream, conversation);
        running.machine.input(Input::Watching(watched)).await;
        Ok(())
    }

    /// Queues a message durably.
    ///
    /// # Errors
    /// `terms_needed`, `text_blank`, `text_too_long`, `unknown`, and as
    /// [`Messenger::conversations`].
    pub async fn send(
        &self,
        account: AccountId,
        conversation: ConversationId,
        text: &str,
    ) -> Result<MessageRow, Problem> {
        let running = self.running(account)?;
        running.may_send().await?;
        let order = Order::Send {
            id: MessageId::new(uuid::Uuid::now_v7()),
            conversation,
            text: check_text(text)?.to_owned(),
        };
        match running.machine.order(order).await? {
            Reply::Queued(row) => Ok(*row),
            Reply::Done => Err(Problem::new(Code::Unknown)),
        }
    }

    async fn order(&self, account: AccountId, order: Order) -> Result<(), Problem> {
        self.running(account)?
            .machine
            .order(order)
            .await
            .map(|_| ())
    }

    /// Tries a failed message again.
    ///
    /// # Errors
    /// `message_state`, `unknown`, and as [`Messenger::conversations`].
    pub async fn retry(&self, account: AccountId, message: MessageId) -> Result<(), Problem> {
        self.order(account, Order::Retry(message)).await
    }

    /// Takes back a message that failed or was never tried.
    ///
    /// # Errors
    /// As [`Messenger::retry`].
    pub async fn discard(&self, account: AccountId, message: MessageId) -> Result<(), Problem> {
        self.order(account, Order::Discard(message)).await
    }

    /// Keeps what is typed and not sent.
    ///
    /// # Errors
    /// `text_too_long`, and as [`Messenger::conversations`].
    pub async fn save_draft(
        &self,
        account: AccountId,
        conversation: ConversationId,
        text: String,
    ) -> Result<(), Problem> {
        check_length(&text)?;
        self.order(account, Order::SaveDraft(conversation, text))
            .await
    }

    /// All up to this sort key is read.
    ///
    /// # Errors
    /// As [`Messenger::conversations`].
    pub async fn mark_read(
        &self,
        account: AccountId,
        conversation: ConversationId,
        until: String,
    ) -> Result<(), Problem> {
        self.order(account, Order::MarkRead(conversation, until))
            .await
    }

    /// Asks the server for the page before the oldest held.
    ///
    /// # Errors
    /// As [`Messenger::conversations`].
    pub async fn fetch_older(
        &self,
        account: AccountId,
        conversation: ConversationId,
    ) -> Result<(), Problem> {
        self.order(account, Order::FetchOlder(conversation)).await
    }

    /// Asks the server for what a page there lacks.
    ///
    /// # Errors
    /// `unknown`, and as [`Messenger::conversations`].
    pub async fn fetch(
        &self,
        account: AccountId,
        conversation: ConversationId,
        anchor: Anchor,
    ) -> Result<(), Problem> {
        self.order(account, Order::Fetch(conversation, anchor))
            .await
    }

    /// How much of every conversation is fetched unasked.
    ///
    /// # Errors
    /// As [`Messenger::conversations`].
    pub async fn history_depth(&self, account: AccountId) -> Result<Depth, Problem> {
        let reads = self.running(account)?.reads.clone();
        reads.read(facts::depth).await
    }

    /// Chooses how much of every conversation is fetched unasked.
    ///
    /// # Errors
    /// As [`Messenger::conversations`].
    pub async fn set_history_depth(&self, account: AccountId, depth: Depth) -> Result<(), Problem> {
        self.order(account, Order::SetDepth(depth)).await
    }

    /// Blocks, reports, terms and the owner's addresses.
    ///
    /// # Errors
    /// As [`Messenger::conversations`].
    pub async fn safety(&self, account: AccountId) -> Result<Safety, Problem> {
        let reads = self.running(account)?.reads.clone();
        reads.read(view::safety::safety).await
    }

    /// Accepts the app's terms in this version.
    ///
    /// # Errors
    /// `terms_needed` where the terms have another version, and as
    /// [`Messenger::conversations`].
    pub async fn accept_terms(&self, account: AccountId, version: u32) -> Result<(), Problem> {
        self.order(account, Order::AcceptTerms(version)).await
    }

    /// Blocks somebody, or lifts that.
    ///
    /// # Errors
    /// `unknown`, and as [`Messenger::conversations`].
    pub async fn block(
        &self,
        account: AccountId,
        person: PersonId,
        wanted: bool,
    ) -> Result<(), Problem> {
        let key = uuid::Uuid::now_v7();
        self.order(account, Order::Block(person, wanted, key)).await
    }

    /// Keeps a report until the server has it.
    ///
    /// # Errors
    /// `reports_missing`, `text_too_long`, `unknown`, and as
    /// [`Messenger::conversations`].
    pub async fn report(&self, account: AccountId, report: NewReport) -> Result<(), Problem> {
        self.order(account, Order::Report(report)).await
    }

    /// A person asks for a connection now.
    ///
    /// # Errors
    /// As [`Messenger::conversations`].
    pub async fn reconnect(&self, account: AccountId) -> Result<(), Problem> {
        self.order(account, Order::Reconnect).await
    }

    /// The system says whether there is a network. Where the server is this
    /// machine, none is needed.
    pub async fn network(&self, up: bool) {
        self.tell_all(&Input::Network(up), |account| {
            Server::read(&account.record.server).is_ok_and(|server| !server.is_loopback())
        })
        .await;
    }

    /// The app was suspended, or the machine slept, and goes on now.
    pub async fn resumed(&self) {
        self.tell_all(&Input::Resumed, |_| true).await;
    }

    async fn tell_all(&self, input: &Input, concerns: impl Fn(&Account) -> bool) {
        let running: Vec<_> = super::locked(&self.0.running).values().cloned().collect();
        for account in running.into_iter().filter(|account| concerns(account)) {
            account.machine.input(input.clone()).await;
        }
    }

    /// Does what a command says, and answers as the bridge says.
    ///
    /// # Errors
    /// The command's.
    pub async fn call(&self, command: Command) -> Result<Value, Problem> {
        match command {
            Command::Accounts => value(self.accounts()),
            Command::LookAround => value(self.look_around().await?),
            Command::Discover { address } => value(self.discover(&address).await?),
            Command::Open { account } => value(self.open(account_id(&account)?).await?),
            Command::Conversations {
                account,
                query,
                after,
                limit,
            } => value(
                self.conversations(account_id(&account)?, query, after, limit)
                    .await?,
            ),
            Command::People {
                account,
                query,
                offset,
                limit,
            } => value(
                self.people(account_id(&account)?, query, offset, limit)
                    .await?,
            ),
            Command::Search {
                account,
                query,
                conversation,
                person,
                from,
                until,
                after,
                limit,
            } => {
                let search = Search {
                    query: Query::read(&query),
                    conversation: conversation.as_deref().map(conversation_id).transpose()?,
                    sender: person.as_deref().map(person_id).transpose()?,
                    from: from.map(Instant),
                    until: until.map(Instant),
                };
                let account = account_id(&account)?;
                value(self.search(account, search, after, limit).await?)
            }
            Command::Page {
                account,
                conversation,
                anchor,
                limit,
            } => {
                let conversation = conversation_id(&conversation)?;
                value(
                    self.page(account_id(&account)?, conversation, anchor, limit)
                        .await?,
                )
            }
            Command::FetchOlder {
                account,
                conversation,
            } => {
                let conversation = conversation_id(&conversation)?;
                value(
                    self.fetch_older(account_id(&account)?, conversation)
                        .await?,
                )
            }
            Command::Fetch {
                account,
                conversation,
                anchor,
            } => {
                let conversation = conversation_id(&conversation)?;
                value(
                    self.fetch(account_id(&account)?, conversation, anchor)
                        .await?,
                )
            }
            Command::HistoryDepth { account } => {
                value(self.history_depth(account_id(&account)?).await?)
            }
            Command::SetHistoryDepth { account, depth } => {
                value(self.set_history_depth(account_id(&account)?, depth).await?)
            }
            Command::Watch {
                account,
                conversation,
            } => {
                let conversation = conversation.as_deref().map(conversation_id).transpose()?;
                value(
                    self.watch(account_id(&account)?, None, conversation)
                        .await?,
                )
            }
            Command::Send {
                account,
                conversation,
                text,
            } => {
                let conversation = conversation_id(&conversation)?;
                value(
                    self.send(account_id(&account)?, conversation, &text)
                        .await?,
                )
            }
            Command::Retry { account, message } => {
                let message = message_id(&message)?;
                value(self.retry(account_id(&account)?, message).await?)
            }
            Command::Discard { account, message } => {
                let message = message_id(&message)?;
                value(self.discard(account_id(&account)?, message).await?)
            }
            Command::SaveDraft {
                account,
                conversation,
                text,
            } => {
                let conversation = conversation_id(&conversation)?;
                value(
                    self.save_draft(account_id(&account)?, conversation, text)
                        .await?,
                )
            }
            Command::MarkRead {
                account,
                conversation,
                until,
            } => {
                let conversation = conversation_id(&conversation)?;
                value(
                    self.mark_read(account_id(&account)?, conversation, until)
                        .await?,
                )
            }
            Command::Safety { account } => value(self.safety(account_id(&account)?).await?),
            Command::AcceptTerms { account, version } => {
                value(self.accept_terms(account_id(&account)?, version).await?)
            }
            Command::Block { account, person } => {
                let person = person_id(&person)?;
                value(self.block(account_id(&account)?, person, true).await?)
            }
            Command::Unblock { account, person } => {
                let person = person_id(&person)?;
                value(self.block(account_id(&account)?, person, false).await?)
            }
            Command::Report {
                account,
                person,
                message,
                reason,
                comment,
                with_text,
            } => {
                let report = NewReport {
                    id: uuid::Uuid::now_v7(),
                    about: person.as_deref().map(person_id).transpose()?,
                    message: message.as_deref().map(message_id).transpose()?,
                    reason,
                    comment: comment.trim().to_owned(),
                    with_text,
                };
                value(self.report(account_id(&account)?, report).await?)
            }
            Command::Reconnect { account } => value(self.reconnect(account_id(&account)?).await?),
            Command::SaveDiagnostics { account, folder } => {
                let surroundings = Surroundings {
                    interface: "rpc",
                    ..Surroundings::default()
                };
                value(
                    self.save_diagnostics(account_id(&account)?, folder.into(), surroundings)
                        .await?,
                )
            }
            Command::UnsentMessages { account } => {
                value(self.unsent_messages(account_id(&account)?).await?)
            }
            Command::SignOut { account, unsent } => {
                value(self.sign_out(account_id(&account)?, unsent).await?)
            }
            Command::Biometrics { account } => value(self.biometrics(account_id(&account)?).await?),
            Command::UnlockByBiometrics { account } => {
                value(self.unlock_by_biometrics(account_id(&account)?).await?)
            }
            Command::ForgetBiometrics { account } => {
                value(self.forget_biometrics(account_id(&account)?).await?)
            }
            Command::Close { account } => {
                self.close(account_id(&account)?).await;
                value(())
            }
            Command::SetUpPlan => value(self.set_up_plan().await?),
            Command::SetUpAddresses { contact, terms } => {
                value(self.set_up_addresses(&contact, &terms).await?)
            }
            Command::SetUpApply { plan } => value(self.set_up_apply(plan).await?),
            Command::SetUpVerify => value(self.set_up_verify().await?),
            Command::SetUpStop => {
                self.set_up_stop().await;
                value(())
            }
            Command::SetUpEnd => {
                self.set_up_end().await;
                value(())
            }
        }
    }
}

fn value(answer: impl Serialize) -> Result<Value, Problem> {
    serde_json::to_value(answer).map_err(|_| Problem::new(Code::BadCommand))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_trimmed_and_refused_blank_or_beyond_what_a_server_takes() {
        assert_eq!(check_text(" hi \n").unwrap(), "hi");
        assert_eq!(check_text(" \n\t").unwrap_err().code, Code::TextBlank);
        assert!(check_text(&"a".repeat(999_000)).is_ok());
        let long = check_text(&"a".repeat(1_000_000)).unwrap_err();
        assert_eq!(long.code, Code::TextTooLong);
        assert_eq!(long.args["bytes"], "1000000");
        let escaped = check_text(&"\"".repeat(600_000)).unwrap_err();
        assert_eq!(escaped.code, Code::TextTooLong);
    }
}
