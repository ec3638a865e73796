/**
 * Screens and dialogs that a start with an account does not show, as one module
 * to be loaded on its own.
 *
 * Owns: which those are. Never: a screen.
 */
export { accountsDialog } from './views/accounts.js';
export { ConversationView } from './views/conversation.js';
export { peopleDialog } from './views/people.js';
export { termsDialog } from './views/safety.js';
export { setUpView } from './views/setup.js';
export { settingsDialog } from './views/settings.js';
export { shareDialog } from './views/share.js';
export { signInView } from './views/signin.js';
export { signOutDialog } from './views/signout.js';
export { troubleView, unlockView } from './views/unlock.js';
