/**
 * The only module that knows Tauri: every command, the stream and the events
 * that the page listens to.
 *
 * Owns: the names of commands and the shape of their arguments, checked
 * against `types/bridge.ts`. Never: state, retries or sentences.
 *
 * Every function answers what the core answers, or throws a {@link Problem}.
 */
import { Channel, invoke as tauriInvoke } from './vendor/tauri-api/core.js';
import { listen } from './vendor/tauri-api/event.js';

/** @typedef {import('./types/bridge').AccountSummary} AccountSummary */
/** @typedef {import('./types/bridge').Anchor} Anchor */
/** @typedef {import('./types/bridge').AppInfo} AppInfo */
/** @typedef {import('./types/bridge').Batch} Batch */
/** @typedef {import('./types/bridge').BiometricsState} BiometricsState */
/** @typedef {import('./types/bridge').Command} Command */
/** @typedef {import('./types/bridge').ConversationPage} ConversationPage */
/** @typedef {import('./types/bridge').Depth} Depth */
/** @typedef {import('./types/bridge').DiagnosticsSaved} DiagnosticsSaved */
/** @typedef {import('./types/bridge').MessageRow} MessageRow */
/** @typedef {import('./types/bridge').Opened} Opened */
/** @typedef {import('./types/bridge').Page} Page */
/** @typedef {import('./types/bridge').PeoplePage} PeoplePage */
/** @typedef {import('./types/bridge').Problem} Problem */
/** @typedef {import('./types/bridge').Safety} Safety */
/** @typedef {import('./types/bridge').SearchPage} SearchPage */
/** @typedef {import('./types/bridge').ServerFound} ServerFound */
/** @typedef {import('./types/bridge').SetUpAddresses} SetUpAddresses */
/** @typedef {import('./types/bridge').SetUpApplied} SetUpApplied */
/** @typedef {import('./types/bridge').SetUpPlan} SetUpPlan */
/** @typedef {import('./types/bridge').SetUpProgress} SetUpProgress */
/** @typedef {import('./types/bridge').SetUpProof} SetUpProof */
/** @typedef {import('./types/bridge').SetUpSignIn} SetUpSignIn */
/** @typedef {import('./types/bridge').SignedOut} SignedOut */
/** @typedef {import('./types/bridge').SignIn} SignIn */
/** @typedef {import('./types/bridge').Unsent} Unsent */

/**
 * What a person chose for this device, as src-tauri/src/settings.rs has it. Quiet hours are minutes after midnight.
 * @typedef {object} Choices
 * @property {'system' | 'light' | 'dark'} theme
 * @property {number} text_size in percent
 * @property {boolean} compact
 * @property {boolean} notices
 * @property {boolean} show_text whether a notice tells what was written
 * @property {{ from: number, until: number } | null} quiet
 * @property {boolean} close_to_tray
 * @property {number | null} lock_after minutes without use
 * @property {boolean} hide_screen on phones
 */
/** @typedef {{ account: string | null, choices: Choices }} Settings as src-tauri/src/settings.rs has them */
/** @typedef {{ place: 'downloads' | 'documents' | 'desktop' | 'app', path: string }} SavePlace as src-tauri/src/diagnostics.rs has it */
/** @typedef {'granted' | 'ask' | 'denied'} Permission whether a phone lets notices be shown, as src-tauri/phone has it */
/** @typedef {{ stored: number, tray: boolean, starts_at_login: boolean | null, updates: boolean, phone: { notices: Permission } | null }} ThisDevice as src-tauri/src/commands.rs has it */
/** @typedef {{ top: number, right: number, bottom: number, left: number, keyboard: number }} Insets in CSS pixels, as src-tauri/phone has them */
/**
 * Where a notice, a link, a shared text or the menu leads, as src-tauri/src/destination.rs has it.
 * @typedef {{ to: 'conversation', account: string, conversation: string } | { to: 'server_unknown', host: string } | { to: 'link_unknown' }
 *   | { to: 'share', text: string } | { to: 'share_other' } | { to: 'settings' } | { to: 'about' }} Destination
 */
/**
 * @typedef {Extract<Command, { args: unknown }>} CommandWithArgs
 */

/**
 * @param {unknown} value
 * @returns {value is Problem}
 */
export function isProblem(value) {
  return typeof value === 'object' && value !== null && 'code' in value && 'action' in value;
}

/**
 * Whatever was thrown, as a problem that can be shown.
 * @param {unknown} error
 * @returns {Problem}
 */
export function asProblem(error) {
  if (isProblem(error)) return error;
  // The shell itself refuses a command that it doesn't know, with a string.
  return { code: 'bad_command', args: {}, action: 'none' };
}

/**
 * @param {string} command
 * @param {Record<string, unknown>} [args]
 * @returns {Promise<any>}
 */
async function call(command, args) {
  try {
    return await tauriInvoke(command, args);
  } catch (error) {
    throw asProblem(error);
  }
}

/**
 * A command of the bridge, with exactly its arguments.
 * @template {CommandWithArgs['command']} C
 * @param {C} command
 * @param {Extract<CommandWithArgs, { command: C }>['args']} args
 * @returns {Promise<any>}
 */
function ask(command, args) {
  return call(command, { ...args });
}

/** The last of each account's commands that must not overtake each other. @type {Map<string, Promise<unknown>>} */
const turns = new Map();

/**
 * A command that changes what a person wrote. The shell answers commands side
 * by side; these leave one after the other, so that a message never overtakes
 * the one before it, nor an old draft the message that it became.
 * @template {'send' | 'retry' | 'discard' | 'save_draft'} C
 * @param {C} command
 * @param {Extract<CommandWithArgs, { command: C }>['args']} args
 * @returns {Promise<any>}
 */
function inTurn(command, args) {
  const { account } = args;
  const before = turns.get(account) ?? Promise.resolve();
  const asked = before.then(() => call(command, { ...args }));
  turns.set(account, asked.catch(() => {}));
  return asked;
}

/** @returns {Promise<AppInfo>} */
export const appInfo = () => call('app_info');

/** @returns {Promise<AccountSummary[]>} */
export const accounts = () => call('accounts');

/** Made-up conversations to look around in. @returns {Promise<AccountSummary>} */
export const lookAround = () => call('look_around');

/** @param {string} address @returns {Promise<ServerFound>} */
export const discover = (address) => ask('discover', { address });

/** @param {SignIn} request @returns {Promise<AccountSummary>} */
export const signIn = (request) => call('sign_in', { request });

/** @param {string} account @param {string} passphrase @returns {Promise<AccountSummary>} */
export const unlock = (account, passphrase) => call('unlock', { account, passphrase });

/**
 * Puts an account under a passphrase, under another one, or under none.
 * @param {string} account
 * @param {string | null} old the one that holds now
 * @param {string | null} next
 * @returns {Promise<AccountSummary>}
 */
export const setPassphrase = (account, old, next) => call('set_passphrase', { account, old, new: next });

/** Whether the system's biometrics may open a locked account. @param {string} account @returns {Promise<BiometricsState>} */
export const biometrics = (account) => ask('biometrics', { account });

/** Lets them open it from now on; the system may ask its person. @param {string} account @param {string} passphrase @returns {Promise<null>} */
export const keepBiometrics = (account, passphrase) => call('keep_biometrics', { account, passphrase });

/** Lets the system recognise its person, who may take their time. @param {string} account @returns {Promise<AccountSummary>} */
export const unlockByBiometrics = (account) => ask('unlock_by_biometrics', { account });

/** Lets the passphrase alone open it again. @param {string} account @returns {Promise<null>} */
export const forgetBiometrics = (account) => ask('forget_biometrics', { account });

/** Closes every account that has a passphrase. @returns {Promise<null>} */
export const lock = () => call('lock');

/** Somebody uses the app. @returns {Promise<null>} */
export const used = () => call('used');

/** @param {string} account @returns {Promise<Opened>} */
export const open = (account) => ask('open', { account });

/**
 * @param {string} account @param {string} query @param {string | null} after @param {number} limit
 * @returns {Promise<ConversationPage>}
 */
export const conversations = (account, query, after, limit) =>
  ask('conversations', { account, query, after, limit });

/**
 * @param {string} account @param {string} query @param {number} offset @param {number} limit
 * @returns {Promise<PeoplePage>}
 */
export const people = (account, query, offset, limit) => ask('people', { account, query, offset, limit });

/**
 * @param {string} account
 * @param {Omit<Extract<Command, { command: 'search' }>['args'], 'account'>} search
 * @returns {Promise<SearchPage>}
 */
export const search = (account, search) => ask('search', { account, ...search });

/**
 * @param {string} account @param {string} conversation @param {Anchor} anchor @param {number} limit
 * @returns {Promise<Page>}
 */
export const page = (account, conversation, anchor, limit) =>
  ask('page', { account, conversation, anchor, limit });

/** @param {string} account @param {string} conversation @returns {Promise<null>} */
export const fetchOlder = (account, conversation) => ask('fetch_older', { account, conversation });

/** @param {string} account @param {string} conversation @param {Anchor} anchor @returns {Promise<null>} */
export const fetch = (account, conversation, anchor) => ask('fetch', { account, conversation, anchor });

/** @param {string} account @returns {Promise<Depth>} */
export const historyDepth = (account) => ask('history_depth', { account });

/** @param {string} account @param {Depth} depth @returns {Promise<null>} */
export const setHistoryDepth = (account, depth) => ask('set_history_depth', { account, depth });

/** @param {string} account @param {string | null} conversation @returns {Promise<null>} */
export const watch = (account, conversation) => ask('watch', { account, conversation });

/** @param {string} account @param {string} conversation @param {string} text @returns {Promise<MessageRow>} */
export const send = (account, conversation, text) => inTurn('send', { account, conversation, text });

/** @param {string} account @param {string} message @returns {Promise<null>} */
export const retry = (account, message) => inTurn('retry', { account, message });

/** @param {string} account @param {string} message @returns {Promise<null>} */
export const discard = (account, message) => inTurn('discard', { account, message });

/** @param {string} account @param {string} conversation @param {string} text @returns {Promise<null>} */
export const saveDraft = (account, conversation, text) => inTurn('save_draft', { account, conversation, text });

/** @param {string} account @param {string} conversation @param {string} until @returns {Promise<null>} */
export const markRead = (account, conversation, until) => ask('mark_read', { account, conversation, until });

/** @param {string} account @returns {Promise<Safety>} */
export const safety = (account) => ask('safety', { account });

/** @param {string} account @param {number} version as it was shown @returns {Promise<null>} */
export const acceptTerms = (account, version) => ask('accept_terms', { account, version });

/** @param {string} account @param {string} person @returns {Promise<null>} */
export const block = (account, person) => ask('block', { account, person });

/** @param {string} account @param {string} person @returns {Promise<null>} */
export const unblock = (account, person) => ask('unblock', { account, person });

/**
 * @param {string} account
 * @param {Omit<Extract<Command, { command: 'report' }>['args'], 'account'>} report
 * @returns {Promise<null>}
 */
export const report = (account, report) => ask('report', { account, ...report });

/** @param {string} account @returns {Promise<null>} */
export const reconnect = (account) => ask('reconnect', { account });

/** @param {string} account @returns {Promise<MessageRow[]>} */
export const unsentMessages = (account) => ask('unsent_messages', { account });

/** @param {string} account @param {Unsent} unsent @returns {Promise<SignedOut>} */
export const signOut = (account, unsent) => ask('sign_out', { account, unsent });

/** @param {string} account @returns {Promise<null>} */
export const close = (account) => ask('close', { account });

/**
 * Signs an administrator in to set up a server: a session of its own, in the core's memory only.
 * @param {SetUpSignIn} request
 * @returns {Promise<ServerFound>}
 */
export const setUpBegin = (request) => call('set_up_begin', { request });

/** @returns {Promise<SetUpPlan>} */
export const setUpPlan = () => call('set_up_plan');

/** @param {string} contact @param {string} terms blank takes one away @returns {Promise<SetUpAddresses>} */
export const setUpAddresses = (contact, terms) => ask('set_up_addresses', { contact, terms });

/** @param {string} plan the hash of the plan that was seen @returns {Promise<SetUpApplied>} */
export const setUpApply = (plan) => ask('set_up_apply', { plan });

/** @returns {Promise<SetUpProof | null>} null where it was broken off */
export const setUpVerify = () => call('set_up_verify');

/** @returns {Promise<null>} */
export const setUpStop = () => call('set_up_stop');

/** @returns {Promise<null>} */
export const setUpEnd = () => call('set_up_end');

/**
 * What this device remembers between two starts.
 * @returns {Promise<Settings>}
 */
export const settings = () => call('settings');

/** @param {string} account the one that is used now @returns {Promise<null>} */
export const rememberAccount = (account) => call('remember_account', { account });

/** @param {Choices} choices @returns {Promise<Choices>} as they are kept */
export const choose = (choices) => call('choose', { choices });

/** @returns {Promise<ThisDevice>} */
export const thisDevice = () => call('this_device');
/** Asks whether there is a newer version. @returns {Promise<{ version: string, notes: string } | null>} */
export const lookForUpdate = () => call('look_for_update');
/** Puts the one that was found in this program's place, which then begins anew. @returns {Promise<null>} */
export const takeUpdate = () => call('take_update');

/** Lets a phone's system ask whether notices may be shown. @returns {Promise<Permission>} */
export const askToNotify = () => call('ask_to_notify');

/** @returns {Promise<Insets | null>} what a phone's system draws over the edges */
export const insets = () => call('insets');

/** @param {boolean} on whether going back closes something here @returns {Promise<null>} */
export const holdBack = (on) => call('hold_back', { on });

/** @returns {Promise<SavePlace[]>} where a file of a person's own may be saved, the usual place first */
export const savePlaces = () => call('save_places');

/** @param {string} account @param {SavePlace['place']} place @returns {Promise<DiagnosticsSaved>} */
export const saveDiagnostics = (account, place) => call('save_diagnostics', { account, place });

/** @param {boolean} on whether the program starts at login @returns {Promise<null>} */
export const startAtLogin = (on) => call('start_at_login', { on });

/** @returns {Promise<Destination | null>} where something leads, told once */
export const whereTo = () => call('where_to');

/** @returns {Promise<string>} the terms under which the program may be used */
export const licences = () => call('licences');

/** @param {string} url http or https, or a mail to one address @returns {Promise<null>} */
export const openOutside = (url) => call('open_outside', { url });

/**
 * Opens the account's stream. Tauri's channel keeps the order; whether a batch
 * is missing is for the caller to see, by its number.
 * @param {string} account
 * @param {(batch: Batch) => void} onBatch
 * @returns {Promise<null>}
 */
export function stream(account, onBatch) {
  /** @type {Channel<Batch>} */
  const channel = new Channel(onBatch);
  return call('stream', { account, channel });
}

/**
 * Follows the desktop's choice: `light`, `dark`, or empty where it has none.
 * @param {(theme: string) => void} onTheme
 */
export async function onTheme(onTheme) {
  try {
    await listen('theme', (event) => onTheme(String(event.payload)));
  } catch {
    // Without the event `prefers-color-scheme` and the first choice stand.
  }
}

/**
 * Hears that a notice or a link leads somewhere: {@link whereTo} tells where.
 * @param {() => void} onLead
 */
export async function onLead(onLead) {
  try {
    await listen('lead', () => onLead());
  } catch {
    // Without the event it is asked at the start only.
  }
}

/**
 * Hears how much of a newer version has come, in hundredths.
 * @param {(hundredths: number) => void} onUpdate
 * @returns {Promise<() => void>} what ends it
 */
export async function onUpdate(onUpdate) {
  try {
    return await listen('update', (event) => onUpdate(Number(event.payload)));
  } catch {
    // It comes all the same.
    return () => {};
  }
}

/**
 * Hears that a person went back, on a phone, while this page holds it.
 * @param {() => void} onBack
 */
export async function onBack(onBack) {
  try {
    await listen('back', () => onBack());
  } catch {
    // Without the event going back does nothing while something is open.
  }
}

/**
 * Follows what a phone's system draws over the edges.
 * @param {(insets: Insets) => void} onInsets
 */
export async function onInsets(onInsets) {
  try {
    await listen('insets', (event) => onInsets(/** @type {Insets} */ (event.payload)));
  } catch {
    // Without the event what was asked for first stands.
  }
}

/**
 * Hears that an account was locked: it is closed, and its passphrase is needed.
 * @param {(account: string) => void} onLocked
 */
export async function onLocked(onLocked) {
  try {
    await listen('session', (event) => {
      const { value } = /** @type {{ value: { account: string, state: string } }} */ (event.payload);
      if (value.state === 'locked') onLocked(value.account);
    });
  } catch {
    // Without the event the next thing that is asked for says it.
  }
}

/**
 * Hears of each step of setting up, and of each attempt of a proof, before it is made.
 * @param {(progress: SetUpProgress) => void} onProgress
 * @returns {Promise<() => void>} stops hearing
 */
export async function onSetUp(onProgress) {
  try {
    return await listen('set_up', (event) => onProgress(/** @type {{ value: SetUpProgress }} */ (event.payload).value));
  } catch {
    // Without the event the end is told all the same.
    return () => {};
  }
}
