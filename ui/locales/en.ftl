### Every sentence that Whinchat's page shows, in English.
###
### {$app} is the product's name and is always given. Names of people, hosts
### and the like come as arguments and are isolated from the sentence's own
### direction. A sentence about a problem says what happened, then what to do.

## The window

window-title = { $unread ->
    [0] { $app }
   *[other] ({ $unread }) { $app }
  }
pause = Loading

## A look around without an account

sample-look = Look around without an account
sample-place = Sample conversations
sample-about = These conversations are made up. Nothing that you write here is sent, and all of it is gone when you leave.
connection-sample = Sample, nothing is sent
sample-leave = Leave the sample conversations

## Signing in: the server

signin-server-title = Hello. Where do your people talk?
signin-server-lead = { $app } is private messaging on a Directus that you or your group own. Enter its address.
server-label = Server address
server-hint = For example chat.example.org
continue = Continue
continue-busy-server = Looking for the server …
continue-busy-signin = Signing in …

## Signing in: who you are

signin-person-title = Sign in
signin-again-title = Welcome back
signin-again-lead = Your session has ended. Sign in again to go on; everything kept on this device is still here.
server-version = Directus { $version }
server-change = Change server
email-label = E-mail
password-label = Password
password-show = Show password
password-hide = Hide password
signin-submit = Sign in

## Signing in: one-time code

code-title = One more step
code-lead = Enter the one-time code from your authenticator app for { $email }.
code-label = One-time code
code-submit = Confirm
back = Back

## A server that has no chat for somebody

missing-title = There’s no chat for you here yet
missing-lead = Your e-mail and password are right, but { $host } has no chat set up for { $email }. Whoever runs that server can change it in a few minutes: ask them.
missing-text-label = A text for whoever runs the server
missing-text =
    Hello,

    I would like to talk to people with { $app } on { $server }, but there is no chat for my account ({ $email }) there.

    If you run that server: enter { $server } in { $app } and choose “I run this server”. It shows what would be made before anything is. The same from a command line:

    { $program } apply --url { $server }

    If chat is set up already, my account only needs the role that may chat.

    What is made, what the server has to offer, and how all of it is undone stands in docs/server.md, which comes with { $app }.
missing-copy = Copy the text
missing-copy-again = Copy it again
missing-copy-ask = Copy a text to ask with
missing-copied = Copied. Send it to whoever runs the server.
missing-copy-by-hand = It could not be copied by itself. It is selected: copy it from here.
missing-still = There’s still no chat for you on this server.
missing-owner = If you run this server yourself, you can set it up from here.
missing-other = Sign in as somebody else

## Setting up a server

setup-administer = I run this server
setup-title = Set up this server
setup-who-lead = Enter an administrator’s password for this server once more. It is used for this only: it isn’t kept, and its session ends when you leave here. First you see what would be made.
setup-who-submit = Show what would be made
setup-leave = Not now
setup-over = That session has ended. Sign in again to go on; what was made stays.
setup-looking = Looking at the server …
setup-trouble = The server can’t be looked at now
setup-look-again = Look again
setup-plan-title = What would be made
setup-plan-lead = Nothing has been changed yet. This is everything that { $app } would add to this server.
setup-rest-title = What is left to do
setup-rest-lead = These steps are still to be done.
setup-refused-title = It can’t be done safely yet
setup-refused-lead = Nothing has been changed. Put this right on the server first, then look again.
setup-steps-title = { $count ->
    [one] 1 step
   *[other] { $count } steps
  }
setup-steps = { $count ->
    [one] 1 step
   *[other] { $count } steps
  }
setup-kept-title = Left as it is, because it is yours
setup-kept = { $what }: { $found }. { $app } would have made it: { $wanted }.
setup-roles = Who may chat
setup-roles-are = People whose role is { $roles }
setup-else = Everything else
setup-else-is = Stays as it is
setup-hash = The plan’s fingerprint
setup-hash-before = Fingerprint before
setup-hash-after = Fingerprint now
setup-backup = Nothing is deleted, but make a backup of the database first: a backup is a backup. If people are writing already, choose a quiet minute.
setup-apply = Set up
setup-apply-rest = Do the rest
setup-working = Setting up …
setup-starting = Starting
setup-progress = { $number ->
    [0] { $of } steps
   *[other] Step { $number } of { $of }
  }
setup-attempt = Attempt { $number } of { $of }
setup-progress-subject = { $subject }: step { $number } of { $of }
setup-working-hint = This takes up to a minute. You can break it off at any time and go on later: what is done stays.
setup-stop = Break off
setup-stopping = Breaking off …
setup-stopped = Broken off. What was done stays, and you can go on at any time.
setup-ready-title = { $host } is ready
setup-ready-lead = Everything was made. People whose role is { $roles } can sign in and talk.
setup-already-title = { $host } is ready already
setup-already-lead = Nothing is to be made or changed. People whose role is { $roles } can sign in and talk.
setup-left = Left to do
setup-ready-hint = Give your people the role { $roles } in Directus, under User Directory. You can come back here at any time and see whether everything is still as it should be.
setup-ready-announce = Done. The server is ready.
setup-go-on = Go on to the chat
setup-addresses-title = How people reach you
setup-addresses-lead = Everybody who may chat sees these. Reports come to you in Directus (the collection chat_reports); with an address people can also write to you.
setup-contact-label = Your contact address
setup-contact-hint = An e-mail address, or a page that starts with https. Blank: none.
setup-terms-label = Address of your terms
setup-terms-hint = A page that starts with https. It is shown before the first message. Blank: none.
setup-addresses-save = Save addresses
setup-addresses-saved = Saved.

## Setting up a server: proving it

setup-prove = Prove that it is private
setup-prove-hint = You can have the server attacked, by people who are made for it and taken away again: can anybody read, forge or delete what isn’t theirs? It takes a few minutes.
setup-prove-again = Prove it again
setup-proving = Attacking the server …
setup-proving-hint = Nothing of anybody else’s is read, changed or deleted. You can break it off at any time; what was made for it is taken away again.
setup-proof-stopped = Broken off, so nothing is proven. What was made for it was taken away again, or is when you prove it next.
setup-proof-failed = So nothing is proven. What was made for it is taken away when you prove it next.
setup-proof-private-title = { $host } is private
setup-proof-private-lead = As far as was tried, nobody could read, forge or delete what isn’t theirs, but for what stands below; and everything worked that should.
setup-proof-leaks-title = { $host } is not private
setup-proof-leaks-lead = Attacks worked. Each stands below, with what it would tell. Set the server up again, and look for rules that were added beside those of { $app }.
setup-proof-unproven-title = Nothing is proven
setup-proof-unproven-lead = No attack worked, but something did not go as it should. It stands below.
setup-proof-attacks = Attacks
setup-proof-attacks-are = { $refused } of { $attacks } refused
setup-proof-worked = Attacks that worked
setup-proof-count = { $count ->
    [one] 1 attack
   *[other] { $count } attacks
  }
setup-proof-allowed = What people need
setup-proof-allowed-are = { $ok } of { $allowed } worked
setup-proof-wrong = { $count ->
    [one] 1 attempt went wrong
   *[other] { $count } attempts went wrong
  }
setup-proof-attempt = Attempt
setup-proof-request = Request
setup-proof-answer = Answer
setup-proof-known = What no rule can refuse
setup-proof-limits = What this can’t prove
setup-proof-left = What is left of it on the server
setup-verdict-leaked = An attack, and it worked
setup-verdict-not_allowed = Should work, and did not
setup-verdict-unclear = The answer says neither

## Setting up a server: what a step is about

setup-subject-messages = Messages
setup-subject-messages-about = Read only by who wrote them and by whom they are for
setup-subject-groups = Groups
setup-subject-groups-about = Read only by who is in them
setup-subject-files = Files
setup-subject-files-about = Read only by who can read the message they came with
setup-subject-reactions = Reactions
setup-subject-reactions-about = Each person’s own, on messages that they can read
setup-subject-reading = Read marks
setup-subject-reading-about = Who has read how far
setup-subject-settings = Settings
setup-subject-settings-about = Each person’s own, read by nobody else
setup-subject-typing = Typing
setup-subject-typing-about = Who is writing just now, and to whom
setup-subject-presence = Presence
setup-subject-presence-about = Who was here when, unless they hide it
setup-subject-blocks = Blocks
setup-subject-blocks-about = Who wants to hear nothing from whom
setup-subject-reports = Reports
setup-subject-reports-about = What people tell you, read by administrators only
setup-subject-people = People
setup-subject-people-about = Names and pictures, for finding each other
setup-subject-access = Who may chat
setup-subject-access-about = The role, and what it allows
setup-subject-record = Version
setup-subject-record-about = Says that everything is there

## Setting up a server: steps

setup-step-make_collection = Make the collection { $collection }
setup-step-end_history = Keep no copies of what { $collection } held before
setup-step-add_field = Add the field { $field } to { $collection }
setup-step-add_relation = Connect { $field } of { $collection } with what it points to
setup-step-set_relation = Correct what { $field } of { $collection } points to
setup-step-add_reverse = List in { $field } of { $collection } what { $from } holds
setup-step-clear_stamp = Stop stamping { $field } of { $collection } while older messages are filled in
setup-step-set_flags = Let the server fill in { $field } of { $collection } again
setup-step-make_role = Make the role { $role }
setup-step-make_folder = Make the folder { $folder } for people’s pictures
setup-step-make_policy = Make the policy { $policy }, which allows nothing at first
setup-step-attach_policy = Give the role { $role } the policy { $policy }
setup-step-add_permission = { $action ->
    [read] Let { $policy } read { $collection }, within its rule
    [create] Let { $policy } add to { $collection }, within its rule
    [update] Let { $policy } change { $collection }, within its rule
   *[delete] Let { $policy } delete from { $collection }, within its rule
  }
setup-step-set_permission = { $action ->
    [read] Correct what { $policy } may read in { $collection }
    [create] Correct what { $policy } may add to { $collection }
    [update] Correct what { $policy } may change in { $collection }
   *[delete] Correct what { $policy } may delete from { $collection }
  }
setup-step-fill_in = Fill in { $field } of older messages from { $from }
setup-step-record_address = { $field ->
    [contact] Write down your contact address: { $address }
   *[other] Write down the address of your terms: { $address }
  }
setup-step-record_version = Write down that version { $version } is there

## Setting up a server: what stands in the way

setup-refusal-not_administrator = This account is no administrator’s. Sign in as somebody whose role has a policy with admin access.
setup-refusal-old_directus = This server runs Directus { $found }. The rules were proven on { $oldest } and later: update it first.
setup-refusal-licence = This server (Directus { $version }) runs without a licence that allows permission rules, and without rules everybody could read everything. Either use Directus 11.17, or get a key and set LICENSE_KEY, with PUBLIC_URL a full address. directus.com/oig has the terms under which a key is free.
setup-refusal-web_sockets_off = WebSockets are off, and messages would not arrive by themselves. Set WEBSOCKETS_ENABLED=true in the server’s settings (and leave WEBSOCKETS_REST_ENABLED on), and start Directus again.
setup-refusal-newer_schema = A newer { $app } has set this server up (version { $found }). Use that one: this one would take away what it doesn’t know.
setup-refusal-foreign_collection = There is a collection { $collection } that is something else: { $because }. Rename or remove it, or give { $app } a Directus of its own.
setup-refusal-needed_field = { $field } insists on a value, and messages that have none could not be stored. Allow it to be empty (in the data model: Schema, Allow NULL).
setup-refusal-dangling_keys = { $rows ->
    [one] 1 row holds a { $field } that points to nothing in { $to } (namely { $example }). Empty that field there, or delete the row, and look again.
   *[other] { $rows } rows hold a { $field } that points to nothing in { $to } (e.g. { $example }). Empty that field there, or delete these rows, and look again.
  }
setup-refusal-pointed_at = { $field } points to { $to }, and Directus would remove that field with it. Remove the field first, or point it elsewhere.
setup-refusal-unknown_role = There is not exactly one role named { $name }, but { $found }. Look under Settings, User Roles.

## Where secrets are kept

vault-title = Where should your keys be kept?
vault-missing = { $platform ->
    [linux] This system offers no keychain that { $app } can use. Installing GNOME Keyring or KWallet and starting { $app } again is the most comfortable way. Until then, choose one of these.
   *[other] The keychain of this system can’t be used just now. Choose one of these.
  }
vault-keychain = This system’s keychain
vault-keychain-about = You stay signed in, and nobody else who uses this device can read your messages.
vault-passphrase = Under a passphrase
vault-passphrase-about = You stay signed in. { $app } asks for the passphrase at every start. If you forget it, what is kept here can’t be opened again, but your messages stay on the server.
vault-session_only = This session only
vault-session_only-about = Nothing is written to this device. Closing { $app } signs you out, and messages that were not sent by then are lost.
passphrase-label = Passphrase
passphrase-hint = At least 8 characters. A few unrelated words are best.
passphrase-show = Show passphrase
passphrase-hide = Hide passphrase

passphrase-old-label = Passphrase until now
passphrase-old-empty = Enter the passphrase that holds until now.
biometrics-empty = Enter the passphrase of this account.
passphrase-new-label = New passphrase
passphrase-again-label = New passphrase, once more
passphrase-differs = The two are not the same. Type it once more.
passphrase-set-title = Set a passphrase
passphrase-set-lead = { $app } will ask for it whenever { $email } is locked on this device, and at every start. If you forget it, what is kept here can’t be opened again, but your messages stay on the server.
passphrase-busy = One moment …
passphrase-set-submit = Set passphrase
passphrase-change-title = Change the passphrase
passphrase-change-lead = From now on only the new one opens { $email } on this device.
passphrase-change-submit = Change passphrase
passphrase-remove-title = Remove the passphrase
passphrase-remove-lead = What is kept of { $email } on this device is opened by this system’s keychain then, and can’t be locked any more.
passphrase-remove-submit = Remove passphrase
cancel = Cancel

## Unlocking, and accounts that can't be opened

unlock-title = Welcome back
unlock-lead = Enter the passphrase that you chose for { $email } on this device.
unlock-submit = Unlock
trouble-title = This account can’t be opened now
trouble-account = { $email } on { $server }
another-account = Use another account
unlock-forgotten = If you have forgotten it, what is kept here can’t be opened any more. You can erase this account from this device and sign in anew.

## A finger or a face, as a second way to what a passphrase locks

biometrics-name = { $kind ->
    [touch_id] Touch ID
    [face_id] Face ID
    [windows_hello] Windows Hello
   *[fingerprint_or_face] fingerprint or face
  }
unlock-biometrics = Unlock with { $name }
unlock-biometrics-busy = Waiting for { $name } …
biometrics-lead = { $kind ->
    [windows_hello] From then on Windows Hello opens { $email } on this device as well, by its PIN too. The passphrase opens it as before.
    [fingerprint_or_face] From then on a finger or a face that this device knows opens { $email } here as well. The passphrase opens it as before.
   *[other] From then on { $name } opens { $email } on this device as well. The passphrase opens it as before.
  }
biometrics-submit = Turn on
settings-biometrics-about = { $kind ->
    [touch_id] Beside the passphrase. A finger that is added to this device turns it off, and so does another passphrase.
    [face_id] Beside the passphrase. Another face on this device turns it off, and so does another passphrase.
    [windows_hello] Beside the passphrase. The PIN of Windows Hello opens it too. Another passphrase turns it off.
   *[other] Beside the passphrase. A finger or a face that is added to this device turns it off, and so does another passphrase.
  }

# Said by the system itself, when it asks for them.
biometrics-title = Unlock { $app }
biometrics-other = Use the passphrase
biometrics-reason = unlock your messages

## Several accounts

accounts = Accounts
accounts-menu = Accounts …
accounts-title = Accounts on this device
accounts-other = Accounts on this device …
account-add = Add an account
account-now = In use now
account-locked = Locked under its passphrase
account-elsewhere = Open in another window
account-ended = Its session has ended
account-trouble = Can’t be opened just now
account-opening = Opening { $name } …

## Erasing an account that can't be opened

erase = Erase this account from this device …
erase-title = Erase this account from this device?
erase-lead = Everything kept here for { $email } on { $server } is erased.
erase-lost-title = Lost for good
erase-lost = Messages that were not sent yet, and drafts: they are on this device only.
erase-kept-title = Not lost
erase-kept = Everything that was sent. It is on the server, and comes back when you sign in again.
erase-confirm = Erase
erase-stay = Keep it
erase-busy = Erasing …
erased = The account was erased from this device. Everything that was sent is still on the server.
erased-untold = The account was erased from this device. Everything that was sent is still on the server, where the old session ends by itself.

## The list

find-people = Find people
menu = Menu
sign-out = Sign out …
signed-in-as = Signed in as
search-conversations = Search people and messages
found-messages = Messages
found-you = You
found-more = Show more
found-none = No message with “{ $query }” among those kept here.
found-back-beginning = Searched back to the beginning.
found-back-instant = Searched back to { $day }. Older messages are on the server.
found-back-nothing = Nothing is kept here yet.
conversations = Conversations
list-empty-title = It’s quiet here
list-empty-lead = Find somebody on your server and say hello.
list-none = No conversation with “{ $query }”.
list-none-people = Look among all people
nobody = Somebody
you-suffix = { $name } (you)
preview-you = You: { $text }
preview-draft = Draft:
unread-count = { $count ->
    [one] 1 unread message
   *[other] { $count } unread messages
  }
yesterday = Yesterday
today = Today

## The connection, in words

connection-connecting = Connecting …
connection-catching_up = Catching up …
connection-live = Connected
connection-polling = Connected, a little slower
connection-waiting = { $seconds ->
    [0] Trying again …
    [one] Trying again in 1 second
   *[other] Trying again in { $seconds } seconds
  }
connection-offline = Offline
connection-sign_in_needed = Signed out by the server
connection-not_provisioned = Chat is not set up
connection-now = Try now

## A conversation

messages-with = Messages with { $name }
back-to-list = Back to the conversations
conversation-none-title = Pick a conversation
conversation-none-lead = Or find somebody new to talk to.
conversation-empty = No messages yet. Send your first message!
conversation-beginning = This is where your conversation with { $name } begins.
conversation-beginning-self = This is the beginning of your notes to yourself.
older-loading = Loading earlier messages …
older-offline = Earlier messages are on the server. They come in when you are online again.
older-failed = Earlier messages could not be loaded.
older-retry = Try again
new-messages-divider = New messages
jump-newest = Jump to the newest message
jump-new = { $count ->
    [one] 1 new message
   *[other] { $count } new messages
  }
you = You
author-line = { $name }:
announce-message = { $name }: { $text }
announce-failed = A message was not sent. { $reason }
state-queued = Waiting to be sent
state-sending = Sending
state-sent = Sent
state-failed = Not sent
no-text = This message has no text that can be shown.
failed-lead = Not sent.
failed-retry = Try again
failed-copy = Copy
failed-discard = Delete
copied = Copied

## Writing

composer-label = Message to { $name }
composer-hint = Type a message
composer-hint-sample = Try it: nothing is sent
composer-hint-offline = Will be sent when you are back online
send = Send

## Terms, before the first message

terms-title = Before you write
terms-lead = { $app } is a program, and { $host } is somebody’s server. Please read this once.
terms-what = Whoever publishes this program runs no server, sees no message, and can’t give or take away accounts.
terms-owner = On this server the rules of its owner hold. Turn to them about messages, people and your account.
terms-private = Messages are not encrypted end to end: whoever runs the server can read what is on it.
terms-not = Don’t threaten, harass or deceive anybody. Don’t abuse children. Don’t spread what is illegal where you or the others are. Don’t get into servers that aren’t yours.
terms-act = You can block a person, and report a person or a message to the owner, from the conversation with them.
terms-as-is = The program is given as it is, without a warranty, as far as the law allows.
terms-owners-own = The owner of this server has terms of their own, which you accept as well:
terms-open = Open the owner’s terms
terms-accept = I accept
terms-decline = Not now
terms-decline-about = Without accepting you can read everything, and write nothing.
terms-accepted = Accepted. You can write now.
terms-needed = To write here, read and accept the terms first.
terms-read = Read the terms

## Blocking somebody

conversation-menu = About { $name }
block = Block …
unblock = Unblock
block-title = Block { $name }?
block-lead = { $name } disappears from your list, and no notice tells you of them. Nothing is deleted: unblocking brings everything back.
block-server = The server refuses what they write to you from now on, and your other devices know. They can tell by the refusal.
block-device = This server has no place for blocks. So it holds on this device only: { $name } can still write to you, and your other devices don’t know of it. You just don’t see it here.
block-unknown = Whether the server can refuse what they write is known once you are connected. Until then it holds on this device.
block-confirm = Block
block-done = { $name } is blocked.
unblock-done = { $name } is not blocked any more.
blocked-note = You have blocked { $name }, so you can’t write to each other here.
blocked-note-device = You have blocked { $name } on this device.

## Reporting to the owner of the server

report = Report …
report-title = Report to the owner
report-lead = Your report goes to the owner of { $host }, and to nobody else. { $name } isn’t told.
report-lead-mail = This server takes no reports by itself, so you write to its owner: an e-mail is prepared, and nothing is sent before you send it.
report-lead-page = This server takes no reports by itself, so you tell its owner on their page: copy the text, and open the page.
report-lead-copy = This server takes no reports by itself, and its owner has left no address. Copy the text, and give it to whoever gave you your account.
report-lead-unknown = What this server does with reports is known once you are connected. Until then you can copy the text.
report-about-label = What is it about?
report-about-person = { $name }, as a person
report-about-message = { $time }: { $text }
report-reason-label = Why?
report-reason-spam = Advertising, or the same again and again
report-reason-harassment = Insults or harassment
report-reason-threats = Threats or violence
report-reason-sexual = Sexual content that nobody asked for
report-reason-children = Harm to children
report-reason-illegal = Something illegal
report-reason-impersonation = They pretend to be somebody else
report-reason-other = Something else
report-reason-account_deletion = My account is to be deleted
report-comment-label = In your own words, if you like
report-copy-label = Add a copy of that message
report-copy-about = Without it the owner is told which message it is, and looks it up.
report-send = Send report
report-mail = Write an e-mail
report-page = Open the owner’s page
report-copy = Copy the text
report-copied = Copied. Nothing has been sent yet.
report-text-label = The text of your report
report-mailed = Your mail program opens with the text. Nothing is sent before you send it there.
report-done-title = Thank you
report-done-lead = Your report is kept here, and goes to the owner of { $host } as soon as you are connected. Only they can read it.
report-done-block = Do you want to block { $name } as well?
report-done-close = No, close
report-subject = Report from { $app }
report-text =
    A report about somebody on { $server }

    From: { $email }
    About: { $name } ({ $person })
    Reason: { $reason }
report-text-message = Message: { $message }
report-text-copy = What it says:
report-text-comment = In my own words:

## Asking for one's account to be deleted

deletion = Ask for my account to be deleted …
deletion-title = Delete your account?
deletion-lead = Accounts on { $host } are made and deleted by its owner, not by { $app }. You can ask them to delete yours, with all that the server holds of you.
deletion-server = Your wish goes to the owner, and to nobody else.
deletion-confirm = Ask the owner
deletion-subject = Please delete my account
deletion-text =
    Please delete my account on { $server }, and what you hold of me.

    E-mail: { $email }
    Account: { $person }
deletion-done-title = The owner is asked
deletion-done-lead = Until they have done it, your account is still there. Everything on this device you can erase now, by signing out.
deletion-done-mail = Once you have sent that e-mail, the owner is asked. Everything on this device you can erase now, by signing out.
deletion-erase = Sign out and erase …
deletion-keep = Keep using it

## Finding people

people-title = Find people
people-search = Search by name
people-none = Nobody by that name is on this server.
people-alone = Nobody else is on this server yet.
close = Close

## Settings

settings-menu = Settings …
settings-title = Settings
settings-account = Account
settings-look = Look
settings-notices = Notices
settings-lock = Lock
settings-device = This device
settings-about = About
settings-safety = People and the owner
settings-contact = The owner’s contact
settings-contact-none = The owner of this server has left no address. Ask whoever gave you your account.
settings-contact-write = Write to them
settings-contact-open = Open it
settings-terms = Terms
settings-terms-accepted = Accepted on { $day }
settings-terms-missing = Not accepted yet
settings-blocked = Blocked people
settings-blocked-none = Nobody is blocked.
settings-blocked-server = The server refuses what they write
settings-blocked-waiting = The server is told as soon as you are connected
settings-blocked-device = On this device only: they can still write to you
settings-blocked-unblock = Unblock { $name }
settings-reports-waiting = { $count ->
    [one] 1 report waits to be sent.
   *[other] { $count } reports wait to be sent.
  }
settings-reports-refused = { $count ->
    [one] 1 report was refused by the server. Tell the owner in another way.
   *[other] { $count } reports were refused by the server. Tell the owner in another way.
  }
settings-deletion-asked = You asked on { $day } for this account to be deleted.
settings-theme-label = Colours
settings-theme-system = System
settings-theme-light = Light
settings-theme-dark = Dark
settings-text-size-label = Size of text
settings-text-size-is = { $size ->
    [100] 100 % (usual)
   *[other] { $size } %
  }
settings-compact-label = More on one screen
settings-compact-about = Leaves less room around things.
settings-notices-label = Tell me about new messages
settings-notices-late = While { $app } is closed it looks for messages about every 15 minutes, when the system lets it, so a notice may be late by that or more. Nothing is sent through anybody’s push service.
settings-notices-denied = This phone’s settings don’t let { $app } show notices. Only there can that be changed.
settings-hide-screen-label = Hide the screen
settings-hide-screen-about = Keeps messages out of screenshots, where the system can, and out of its overview of apps.
settings-show-text-label = Show what was written
settings-show-text-about = Without it a notice only says who wrote. What it shows may be seen on a locked screen.
settings-quiet-label = Quiet hours
settings-quiet-about = Nothing is told then; what came stands in the list.
settings-quiet-from = From
settings-quiet-until = until
settings-lock-about = A passphrase locks this account on this device: without it nobody can read what is kept here, not even with the disk. While it is locked no messages arrive and no notices are shown.
settings-lock-session = This account is kept nowhere on this device, so there is nothing to lock. Closing { $app } signs it out.
settings-lock-after-label = Lock by itself
settings-lock-after-about = Also locked at every start. While it is locked no messages arrive and no notices are shown.
settings-lock-never = Never
settings-lock-minutes = { $minutes ->
    [one] After { $minutes } minute without use
   *[other] After { $minutes } minutes without use
  }
lock-now = Lock now
passphrase-set = Set a passphrase …
passphrase-change = Change passphrase …
passphrase-remove = Remove passphrase …
settings-stored = Kept on this device
settings-depth-label = Fetch by itself
settings-depth-about = How far back messages are kept here for reading offline and for the search. What is kept already stays.
settings-depth-days = { $count ->
    [0] Nothing
    [7] The last week
    [30] The last month
    [90] The last 3 months
    [365] The last year
   *[other] The last { $count } days
  }
settings-depth-messages = { $count ->
    [0] Nothing
   *[other] The last { $count } messages
  }
settings-depth-everything = Everything
settings-login-label = Start at login
settings-login-about = It waits in the tray, where there is one.
settings-tray-label = Go on in the tray when closed
settings-tray-about = Closing the window doesn’t end { $app } then: messages still arrive. To end it, choose Quit in the tray.
settings-tray-none = This desktop shows no tray, so closing the window always ends { $app }.
settings-version = Version { $version }
settings-licences = Licences
settings-diagnostics = Something isn’t right?
settings-diagnostics-about = A file for whoever looks for the fault. Nothing of what was written is in it, and it is sent to nobody.
diagnostics-open = Save diagnostics …
diagnostics-title = Save diagnostics
diagnostics-lead = { $app } writes a file from which what happened here can be told again, step by step. It goes to nobody: you hand it to whom you like.
diagnostics-not = Not in it
diagnostics-not-texts = Messages, drafts, or anything else that was written
diagnostics-not-names = Names, e-mail addresses, the address of your server
diagnostics-not-secrets = Passwords, sessions, keys
diagnostics-in = In it
diagnostics-in-happened = What was done here, what the server answered, what { $app } did then, and when
diagnostics-in-ids = The random ids of messages and people: who can read your server can tell who wrote to whom, and whom you have blocked or reported
diagnostics-in-lengths = How long each text is, and which are the same
diagnostics-in-device = Versions, the kind of system, and settings of this device
diagnostics-place = Save in
diagnostics-place-downloads = Downloads
diagnostics-place-documents = Documents
diagnostics-place-desktop = Desktop
diagnostics-place-app = This app’s own folder
diagnostics-save = Save
diagnostics-writing = Writing …
diagnostics-saved = Saved ({ $size }).
diagnostics-part = It holds the newest part only: more has happened since this account was opened than is kept. Before you try to make it happen again, restart { $app }.
diagnostics-then = It is plain text: open it and see. When you no longer need it, delete it.
update-ask = Look for a newer version
update-asking = Asking …
update-none = This is the newest version.
update-found = Version { $version } is there.
update-how = { $app } fetches it, checks that its publisher signed it, and begins anew. What you typed is kept.
update-take = Install
update-later = Not now
update-fetching = Fetching the newer version …
update-begins = It is in place. { $app } begins anew …

## Links into the app

link-title = This link leads nowhere here
link-server = It is for somebody on { $host }, and nobody is signed in to that server here. Nothing was sent there. If you know and trust that server, add an account on it first.
link-unknown = { $app } doesn’t understand this link, so nothing was done.

## What another app shared

share-title = Share with
share-about = Choose whom it is for. It becomes a draft: nothing is sent before you send it.
share-other = Only text can be shared into { $app } for now. Nothing was taken.
share-signed-out = Nobody is signed in here. Sign in first, and share it again.

## Asking for notices

notify-title = Hear of new messages?
notify-about = { $app } can tell you when somebody has written. Your phone will ask whether it may.
notify-yes = Go on
notify-no = Not now

## Signing out

sign-out-title = Sign out?
sign-out-lead = Everything kept on this device for { $email } is erased. Your messages stay on the server.
sign-out-confirm = Sign out
sign-out-stay = Stay signed in
sign-out-busy = Signing out …
unsent-title = { $count ->
    [one] 1 message is not sent yet
   *[other] { $count } messages are not sent yet
  }
unsent-lead = Signing out erases what is kept on this device, and with it what was not sent.
unsent-wait = Wait until they are sent
unsent-copy = Copy them
unsent-copied = Copied. You can paste them anywhere.
unsent-copy-label = What was not sent
unsent-discard = Discard them and sign out
signed-out = You are signed out, and everything on this device was erased.
signed-out-secrets-left = You are signed out, and your messages on this device were erased. The system’s keychain did not let go of this account’s keys; they are erased when Whinchat starts again with the keychain open.
signed-out-untold = You are signed out, and everything on this device was erased. The server could not be reached; its session ends by itself.

## What a person can do about a problem

action-retry = Try again
action-sign_in = Sign in again
action-change_input = Change it
action-tell_owner = Copy a note for the server’s owner
action-choose_vault = Choose where keys are kept
action-unlock = Enter the passphrase
action-decide_unsent = Decide what happens to them
action-set_up = Set up this server
action-accept_terms = Read the terms
action-none = OK

owner-note = { $app } { $version }: { $problem } ({ $code })
owner-note-copied = The note is copied. Send it to whoever runs the server.

## Notices of new messages

notice-title = { $count ->
    [one] { $name }
   *[other] { $name } ({ $count })
  }
notice-hidden = { $count ->
    [one] New message
   *[other] { $count } new messages
  }
notice-sum-title = While you were away
notice-sum = { $messages ->
    [one] 1 new message
   *[other] { $messages } new messages
  } in { $conversations ->
    [one] 1 conversation
   *[other] { $conversations } conversations
  }
notice-open = Open
notice-reply = Reply
notice-channel = New messages

## The tray, and a second start

already-open = This data folder is open in { $app } already.

tray-tooltip = { $unread ->
    [0] No unread messages
    [one] 1 unread message
   *[other] { $unread } unread messages
  }
tray-open = Open { $app }
tray-quit = Quit { $app }
tray-account = { $name }: { $state ->
    [connecting] connecting
    [catching_up] catching up
    [live] connected
    [polling] connected, a little slower
    [waiting] waiting to try again
    [offline] offline
    [sign_in_needed] signed out by the server
   *[not_provisioned] chat is not set up
  }

## A Mac’s menu

menu-about = About { $app }
menu-services = Services
menu-hide = Hide { $app }
menu-hide-others = Hide Others
menu-show-all = Show All
menu-edit = Edit
menu-undo = Undo
menu-redo = Redo
menu-cut = Cut
menu-copy = Copy
menu-paste = Paste
menu-select-all = Select All
menu-view = View
menu-full-screen = Enter Full Screen
menu-window = Window
menu-minimise = Minimise
menu-zoom = Zoom
menu-close = Close
menu-all-to-front = Bring All to Front

## Problems

error-address_invalid = This doesn’t look like a server’s address. Enter something like chat.example.org.
error-address_insecure = { $host } would be reached without encryption, so { $app } won’t connect. Use an address that starts with https.
error-host_unknown = There is no server named { $host }. Check the spelling, and whether this device is online.
error-host_silent = { $host } doesn’t answer. Check the address and your network, then try again.
error-certificate_untrusted = This device doesn’t trust the certificate of { $host }. Ask the server’s owner to renew it.
error-not_directus = Something answers at { $host }, but it isn’t a Directus. Check the address.
error-server_too_old = This server runs Directus { $version }, which is too old for { $app }. Ask its owner to update it.
error-websockets_off = WebSockets are switched off on { $host }. Ask the server’s owner to switch them on.
error-chat_missing = Chat isn’t set up for you on { $host }. Ask the server’s owner to set it up and to let you in.
error-set_up_needed = Chat isn’t set up on { $host } yet. You run this server, so you can set it up.
error-not_administrator = This account doesn’t administer { $host }. Sign in as somebody who does.
error-set_up_ended = The session for setting up has ended. Sign in again to go on; what was made stays.
error-set_up_changed = The server has changed since that plan was made, so nothing was done. Look at the plan as it is now.
error-set_up_not_safe = { $count ->
    [one] Something on the server stands in the way, so nothing was done. Put it right, then look again.
   *[other] { $count } things on the server stand in the way, so nothing was done. Put them right, then look again.
  }
error-set_up_refused = The server refused a step ({ $status }, { $reason }); its log says why. What was done stays. Put it right there, then go on.
error-owners_address_invalid = { $field ->
    [contact] This is no address that { $app } takes. Enter an e-mail address, or one that starts with https.
   *[other] This is no address that { $app } takes. Enter one that starts with https.
  }
error-password_wrong = E-mail or password is wrong. Check both and try again.
error-code_needed = This account also needs a one-time code. Enter it to go on.
error-code_wrong = This code is wrong or too old. Enter the one that is shown now.
error-suspended = This account is suspended or not active yet. Ask the server’s owner to activate it.
error-too_many_tries = { $seconds ->
    [0] Too many tries. Wait a little, then try again.
    [one] Too many tries. Wait a second, then try again.
   *[other] Too many tries. Wait { $seconds } seconds, then try again.
  }
error-sign_in_needed = Your session has ended. Sign in again; everything on this device is kept.
error-offline = The server is out of reach. Check your network and try again.
error-server_busy = { $seconds ->
    [0] The server is busy. Try again in a moment.
    [one] The server is busy. Try again in a second.
   *[other] The server is busy. Try again in { $seconds } seconds.
  }
error-server_error = The server gave an answer that makes no sense ({ $status }). Tell its owner if it happens again.
error-not_allowed = { $field ->
    [none] The server doesn’t allow this. Ask its owner for permission.
    [receiver_id] The server doesn’t take this to them. They may have blocked you; if you don’t think so, ask its owner.
   *[other] The server doesn’t allow this (it names “{ $field }”). Ask its owner for permission.
  }
error-receiver_gone = This person is no longer on the server, so nothing can be sent to them. You can copy your text.
error-text_too_long = { $limit ->
    [0] This text is longer than the server takes. Shorten it or send it in parts.
   *[other] This text is longer than the server takes ({ $bytes } bytes, { $limit } at most). Shorten it or send it in parts.
  }
error-text_blank = There is no text to send. Write something first.
error-terms_needed = Nothing is sent before you have accepted the terms. Read them first; what you typed is kept.
error-reports_missing = This server takes no reports. Tell its owner in another way.
error-vault_unavailable = The system’s keychain can’t be used or is locked. Unlock it, or choose another way to keep your keys.
error-vault_unreadable = The keychain is there, but it doesn’t give out this account’s keys. Unlock it and try again; nothing was erased.
error-passphrase_needed = This account is locked. Enter its passphrase.
error-passphrase_wrong = That is not the passphrase. Try again.
error-passphrase_short = The passphrase is too short. Use at least 8 characters.
error-biometrics_unavailable = Only the passphrase opens this account just now. Enter it.
error-biometrics_cancelled = That was broken off, so nobody was recognised. Try again, or enter the passphrase.
error-biometrics_refused = You were not recognised. Try again, or enter the passphrase.
error-biometrics_locked_out = There were too many tries, so this device asks for its own code first. Enter the passphrase.
error-biometrics_gone = This device’s fingers or faces have changed, so they don’t open this account any more. Enter the passphrase; in the settings you can turn it on again.
error-account_in_use = This account is open in another window of { $app }. Close that one first.
error-account_unknown = This account is no longer on this device. Sign in to use it again.
error-account_exists = You are signed in to this server on this device already. Go back to use that account.
error-unsent_messages = { $count ->
    [one] 1 message is not sent yet. Decide what happens to it.
   *[other] { $count } messages are not sent yet. Decide what happens to them.
  }
error-message_state = This message has changed in the meantime, so that can’t be done any more. Nothing is lost.
error-unknown = This is no longer here. Go back and look again.
error-disk_full = The disk is full. Free some space and try again.
error-storage_failed = { $kind ->
    [read_only] This device’s disk takes no writes just now, so nothing new can be kept. Make it writable, then try again.
    [locked] Another program holds your messages open. Close it, then try again.
   *[other] Your messages can’t be read from or written to this device’s disk. Check the disk, then try again.
  }
error-storage_rebuilt = { $unsent ->
    [0] What was kept on this device was damaged. It was set aside, and your messages are fetched from the server again.
    [one] What was kept on this device was damaged. It was set aside, and your messages are fetched from the server again. 1 message that was not sent yet has been saved.
   *[other] What was kept on this device was damaged. It was set aside, and your messages are fetched from the server again. { $unsent } messages that were not sent yet have been saved.
  }
error-storage_too_new = What is kept here was written by a newer { $app }. Update { $app } to open it.
error-file_not_saved = { $kind ->
    [full] There is no room left there, so nothing was saved. Make room, or choose another place.
    [denied] { $app } may not write there, so nothing was saved. Choose another place.
    [missing] That folder isn’t there any more, so nothing was saved. Choose another place.
   *[other] The file couldn’t be written, so nothing was saved. Try again, or choose another place.
}
error-update_failed = { $kind ->
    [network] The place where newer versions are kept doesn’t answer. Check your network and try again.
    [signature] What came isn’t signed by this program’s publisher, so it wasn’t used. Nothing has changed. Try again later; if it happens again, tell the publisher.
   *[other] The newer version couldn’t be put in place, so this one stays. Try again, or install it by hand.
}
error-bad_command = { $app } did not understand itself. Start it again; if it happens again, please report it.
