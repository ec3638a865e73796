// A small honest messenger in memory that stands where Tauri stands, for the
// page's own tests. It owns revisions, pages, the stream and its numbers, the
// way bridge.rs says; tests script its connection, delays and refusals through
// `window.fake`. It runs inside the page, before the page's own modules, and
// reaches nothing outside.
//
// Configured by `window.fakeConfig` (see config() in harness.js).
(() => {
  const config = window.fakeConfig;
  let account = {
    id: 'acc-1', server: 'https://chat.example', email: 'alice@example.com', name: 'Alice Liddell',
    person: 'p-alice', vault: 'keychain', sample: false, problem: null, ...config.account,
  };
  // The other accounts on this device; each has conversations of its own.
  const others = config.others.map(({ conversations: _, ...given }) => ({ vault: 'keychain', sample: false, problem: null, ...given }));
  const first = account;
  const info = { name: 'Whinchat', version: '0.1.0', default_server: '', vaults: ['keychain'], platform: 'linux', ...config.info };
  const people = config.people;
  const state = {
    locked: 0, used: 0, revision: 100, signedIn: config.signedIn, unlocked: account.problem === null, open: [], remembered: config.last, watched: null,
    connection: { state: 'live', retry_at: null, problem: null, ...config.connection },
    stream: null, n: 1, index: 0, conversations: new Map(), clock: config.now, serial: 0, suspended: false,
    tokens: 0,
    // Whether the system's biometrics open what is locked, where it has any.
    biometrics: config.biometrics?.on ?? false,
    choices: { theme: 'system', text_size: 100, compact: false, notices: true, show_text: true, quiet: null, close_to_tray: false, lock_after: null, hide_screen: false, ...config.choices },
    depth: config.depth ?? { to: 'days', count: 90 }, leads: config.leads ?? null,
    // A server that is set up: whether somebody is signed in for it, what it needs, and how far that is.
    setUp: { session: false, stopping: false, done: 0, plan: config.setUp },
    safety: {
      terms_version: 1, accepted: { version: 1, at: config.now - 86_400_000 }, contact: 'mailto:owner@chat.example', owner_terms: null,
      blocks_on_server: true, reports_on_server: true, blocked: [], reports_waiting: 0, reports_refused: 0, deletion_asked: null, ...config.safety,
    },
  };
  /** Every command in order, with its arguments; never passwords. */
  const calls = [];
  /** command -> problems to answer with, one after the other. */
  const refusals = new Map();
  /** command -> waiting resolvers, where it is held. */
  const held = new Map();
  const callbacks = new Map();
  const listeners = new Map();
  let nextCallback = 1;

  const pad = (number) => String(number).padStart(15, '0');
  const confirmedSort = (at, id) => `0${pad(at)}:${id}`;
  const pendingSort = (serial) => `1${pad(serial)}`;
  const problem = (code, action = 'none', args = {}) => ({ code, args, action });
  const nameOf = (id) => people.find((person) => person.id === id)?.name ?? '';

  /** Each account's conversations. */
  const books = new Map([[account.id, state.conversations], ...others.map(({ id }) => [id, new Map()])]);
  const talks = [...config.conversations.map((given) => [account, given]), ...config.others.flatMap(({ id, conversations }) => (conversations ?? []).map((given) => [others.find((one) => one.id === id), given]))];
  for (const [whose, given] of talks) {
    const rows = given.messages.map((message, at) => {
      const id = message.id ?? `${given.person}-m${String(at).padStart(5, '0')}`;
      return {
        id, conversation: `dm:${given.person}`, sender: message.mine ? whose.person : given.person, is_me: Boolean(message.mine),
        text: message.text, at: message.at, state: message.state ?? 'sent', problem: message.problem ?? null,
        sort: message.state && message.state !== 'sent' ? pendingSort((state.serial += 1)) : confirmedSort(message.at, id),
      };
    });
    rows.sort((a, b) => (a.sort < b.sort ? -1 : 1));
    const readAt = rows.length - 1 - (given.unread ?? 0);
    books.get(whose.id).set(`dm:${given.person}`, {
      person: given.person, rows, draft: given.draft ?? null,
      // The first `server` messages are not held until they are fetched.
      heldFrom: given.server ?? 0,
      read: rows[readAt]?.sort ?? null,
    });
  }

  const here = () => [...(state.signedIn ? [first] : []), ...others];

  /** From now on this account is the one that is shown. */
  function use(id) {
    const chosen = here().find((one) => one.id === id);
    if (!chosen) throw problem('account_unknown');
    account = chosen;
    state.conversations = books.get(id);
  }

  function conversation(id) {
    let held = state.conversations.get(id);
    if (!held) {
      held = { person: id.replace(/^dm:/, ''), rows: [], draft: null, heldFrom: 0, read: null };
      state.conversations.set(id, held);
    }
    return held;
  }

  const blocked = (person) => state.safety.blocked.some((one) => one.person === person);

  /** Changes what is known of people and the owner, and tells it. */
  function careful(change, person) {
    state.safety = { ...state.safety, ...change };
    state.revision += 1;
    const id = `dm:${person}`;
    tell([
      ...(person && state.conversations.has(id) ? [{ kind: 'conversation', value: row(id) }, { kind: 'unread', value: unread() }] : []),
      { kind: 'safety', value: state.safety },
    ]);
    return null;
  }

  function row(id) {
    const { person, rows, draft, read } = conversation(id);
    const last = rows.at(-1);
    return {
      id, person, title: nameOf(person),
      last: last ? { text: last.text.replace(/\s+/g, ' ').slice(0, 200), at: last.at, is_me: last.is_me, state: last.state } : null,
      unread: rows.filter((message) => !message.is_me && (read === null || message.sort > read)).length,
      draft, blocked: blocked(person), sort: `${pad(last?.at ?? 0)}:${id}`,
    };
  }

  const list = () => [...state.conversations.keys()].map(row).filter((r) => (r.last || r.draft) && !r.blocked).sort((a, b) => (a.sort < b.sort ? 1 : -1));
  const unread = () => list().reduce((sum, r) => sum + r.unread, 0);
  const listPage = (rows, limit) => ({ revision: state.revision, conversations: rows.slice(0, limit), more: rows.length > limit });

  /** Sends changes down the open stream, as one numbered batch. */
  function tell(changes, { lose = false } = {}) {
    const wanted = changes.filter(
      (change) => !['message', 'message_gone'].includes(change.kind) || change.value.conversation === state.watched,
    );
    if (state.stream === null || wanted.length === 0) return;
    const batch = { account: account.id, n: state.n, revision: state.revision, changes: structuredClone(wanted) };
    state.n += 1;
    if (lose || state.suspended) return;
    const callback = callbacks.get(state.stream);
    const message = { index: state.index, message: batch };
    state.index += 1;
    queueMicrotask(() => callback?.(message));
  }

  function changed(id, message, options) {
    tell([{ kind: 'message', value: message }, { kind: 'conversation', value: row(id) }, { kind: 'unread', value: unread() }], options);
  }

  function order(held) {
    held.rows.sort((a, b) => (a.sort < b.sort ? -1 : a.sort > b.sort ? 1 : 0));
  }

  /** One message goes from queued over sending to sent, or fails. */
  function deliver(id, message, options) {
    const held = conversation(id);
    const set = (patch, kind) => {
      state.revision += 1;
      const at = held.rows.findIndex((r) => r.id === message.id);
      if (at < 0) return;
      held.rows[at] = { ...held.rows[at], ...patch };
      const fresh = held.rows[at];
      order(held);
      changed(id, fresh, kind);
    };
    if (options.to === 'sending') set({ state: 'sending' });
    else if (options.to === 'failed') set({ state: 'failed', problem: options.problem ?? problem('not_allowed', 'tell_owner') });
    else {
      state.clock += 1000;
      set({ state: 'sent', at: state.clock, sort: confirmedSort(state.clock, message.id), problem: null });
    }
  }

  function around(id, held, messageId, limit) {
    const at = held.rows.findIndex((r) => r.id === messageId);
    if (at < 0) throw problem('unknown');
    const alone = at < held.heldFrom;
    const from = alone ? at : Math.max(held.heldFrom, at - Math.floor(limit / 2));
    const until = alone ? at + 1 : from + limit;
    return {
      revision: state.revision, messages: structuredClone(held.rows.slice(from, until)),
      older: alone ? 'server' : from > held.heldFrom ? 'held' : held.heldFrom > 0 ? 'server' : 'beginning',
      newer: alone ? 'server' : until < held.rows.length ? 'held' : 'newest',
      read_until: held.read, conversation: row(id),
    };
  }

  const commands = {
    app_info: () => info,
    accounts: () => here().map((one) => ({ ...one, problem: one === first && state.unlocked ? null : one.problem })),
    settings: () => ({ account: state.remembered, choices: state.choices }),
    choose: ({ choices }) => {
      state.choices = { ...state.choices, ...choices };
      return state.choices;
    },
    this_device: () => ({ stored: 48_350_000, tray: true, starts_at_login: false, phone: null, updates: false, ...config.device }),
    look_for_update: () => {
      if (config.updateProblem) throw config.updateProblem;
      return config.update ?? null;
    },
    take_update: () => {
      if (config.takeProblem) throw config.takeProblem;
      for (const payload of [40, 100]) fake.emit('update', payload);
      return null;
    },
    ask_to_notify: () => config.permission ?? 'granted',
    insets: () => config.insets ?? null,
    hold_back: ({ on }) => {
      state.held = on;
      return null;
    },
    start_at_login: () => null,
    save_places: () => config.places ?? [
      { place: 'downloads', path: '/home/alice/Downloads' },
      { place: 'documents', path: '/home/alice/Documents' },
      { place: 'app', path: '/home/alice/.local/share/app/diagnostics' },
    ],
    save_diagnostics: ({ place }) => ({ path: `/home/alice/${place}/diagnostics-20261126-120000.jsonl`, bytes: 812_000, inputs: 812, from_the_beginning: true, ...config.saved }),
    where_to: () => {
      const to = state.leads;
      state.leads = null;
      return to;
    },
    licences: () => 'MIT License\n\nPermission is hereby granted, free of charge, to any person.\n\n'.repeat(20),
    history_depth: () => state.depth,
    set_history_depth: ({ depth }) => {
      state.depth = depth;
      return null;
    },
    remember_account: ({ account: id }) => {
      state.remembered = id;
      return null;
    },
    look_around: () => {
      Object.assign(account, { server: 'https://sample.invalid', email: '', name: 'You', vault: 'session_only', sample: true });
      state.signedIn = true;
      state.unlocked = true;
      return account;
    },
    discover: ({ address }) => ({ url: `https://${address.replace(/^https?:\/\//, '').replace(/\/.*$/, '').toLowerCase()}`, project: 'Meadow', version: '11.17.4' }),
    sign_in: ({ request }) => {
      if (state.signedIn && request.account === null) {
        const added = { id: `acc-${others.length + 2}`, server: request.server, email: request.email, name: '', person: `p-${request.email}`, vault: request.vault, sample: false, problem: null };
        others.push(added);
        books.set(added.id, new Map());
        return added;
      }
      account.vault = request.vault;
      account.email = request.email;
      account.problem = null;
      state.signedIn = true;
      state.unlocked = true;
      return account;
    },
    set_passphrase: ({ account: id, old, new: next }) => {
      const one = here().find((account) => account.id === id);
      if (one.vault === 'passphrase' && old !== 'correct horse') throw problem('passphrase_wrong', 'unlock');
      one.vault = next === null ? 'keychain' : 'passphrase';
      state.biometrics = false;
      return { ...one, problem: null };
    },
    lock: () => {
      if (first.vault !== 'passphrase') return null;
      state.unlocked = false;
      first.problem = problem('passphrase_needed', 'unlock');
      state.locked += 1;
      fake.emit('session', { event: 'session', value: { account: first.id, state: 'locked' } });
      return null;
    },
    used: () => { state.used += 1; return null; },
    unlock: ({ account: id, passphrase }) => {
      if (passphrase !== 'correct horse') throw problem('passphrase_wrong', 'unlock');
      const one = here().find((given) => given.id === id);
      if (one === first) state.unlocked = true;
      else one.problem = null;
      return { ...one, problem: null };
    },
    biometrics: ({ account: id }) => {
      const under = here().find((given) => given.id === id)?.vault === 'passphrase';
      return { kind: (under && config.biometrics?.kind) || null, on: under && state.biometrics };
    },
    keep_biometrics: ({ passphrase }) => {
      if (passphrase !== 'correct horse') throw problem('passphrase_wrong', 'unlock');
      state.biometrics = true;
      return null;
    },
    unlock_by_biometrics: ({ account: id }) => {
      if (!state.biometrics) throw problem('biometrics_unavailable', 'unlock');
      return commands.unlock({ account: id, passphrase: 'correct horse' });
    },
    forget_biometrics: () => {
      state.biometrics = false;
      return null;
    },
    stream: ({ account: id, channel }) => {
      use(id);
      state.stream = Number(/^__CHANNEL__:(\d+)$/.exec(channel)[1]);
      state.n = 1;
      state.index = 0;
      return null;
    },
    open: ({ account: id }) => {
      use(id);
      const unlocked = account === first && state.unlocked;
      if (account.problem && !unlocked && account.problem.code !== 'sign_in_needed') throw account.problem;
      if (!state.open.includes(id)) state.open.push(id);
      return { account: { ...account, problem: null }, connection: state.connection, list: listPage(list(), 100), unread: unread(), problem: config.notice ?? null };
    },
    conversations: ({ query, after, limit }) =>
      listPage(list().filter((r) => r.title.toLowerCase().includes(query.toLowerCase()) && (after === null || r.sort < after)), limit),
    people: ({ query, offset, limit }) => {
      const found = people.filter((person) => person.name.toLowerCase().includes(query.toLowerCase()));
      return { people: found.slice(offset, offset + limit), more: found.length > offset + limit };
    },
    page: ({ conversation: id, anchor, limit }) => {
      const held = conversation(id);
      if (anchor.at === 'around') return around(id, held, anchor.sort, limit);
      const all = held.rows.slice(held.heldFrom);
      const before = anchor.at === 'before' ? all.filter((r) => r.sort < anchor.sort) : all;
      const messages = anchor.at === 'after' ? all.filter((r) => r.sort > anchor.sort).slice(0, limit) : before.slice(-limit);
      const first = messages[0] ?? (anchor.at === 'before' ? undefined : all[0]);
      const at = first ? held.rows.indexOf(first) : held.heldFrom;
      const last = messages.at(-1);
      return {
        revision: state.revision, messages: structuredClone(messages),
        older: at > held.heldFrom ? 'held' : held.heldFrom > 0 ? 'server' : 'beginning',
        newer: last && held.rows.at(-1).id !== last.id ? 'held' : 'newest',
        read_until: held.read, conversation: row(id),
      };
    },
    fetch_older: ({ conversation: id }) => {
      const held = conversation(id);
      queueMicrotask(() => {
        if (config.fetchProblem) {
          tell([{ kind: 'history', value: { conversation: id, older: 'server', problem: config.fetchProblem } }]);
          return;
        }
        held.heldFrom = Math.max(0, held.heldFrom - 50);
        state.revision += 1;
        tell([{ kind: 'history', value: { conversation: id, older: held.heldFrom > 0 ? 'server' : 'beginning', problem: null } }]);
      });
      return null;
    },
    fetch: ({ conversation: id }) => {
      const held = conversation(id);
      queueMicrotask(() => {
        held.heldFrom = 0;
        state.revision += 1;
        tell([{ kind: 'history', value: { conversation: id, older: 'beginning', problem: null } }]);
      });
      return null;
    },
    search: ({ query, after, limit }) => {
      const low = query.toLowerCase();
      const hits = [...state.conversations.entries()].flatMap(([id, held]) =>
        held.rows.filter((r) => r.text.toLowerCase().includes(low)).map((message) => ({ id, message })));
      hits.sort((a, b) => (a.message.sort < b.message.sort ? 1 : -1));
      const rest = hits.filter(({ message }) => after === null || message.sort < after);
      return {
        revision: state.revision, more: rest.length > limit,
        found: rest.slice(0, limit).map(({ id, message }) => {
          const from = message.text.toLowerCase().indexOf(low);
          return { message, title: nameOf(conversation(id).person), excerpt: { text: message.text, marks: [{ from, until: from + low.length }] } };
        }),
        reach: config.reach ?? { to: 'beginning' }, reaches: [],
      };
    },
    watch: ({ conversation: id }) => {
      state.watched = id;
      return null;
    },
    send: ({ conversation: id, text }) => {
      if (state.safety.accepted?.version !== state.safety.terms_version) throw problem('terms_needed', 'accept_terms', { version: String(state.safety.terms_version) });
      const held = conversation(id);
      state.serial += 1;
      state.revision += 1;
      const serial = state.serial;
      const message = {
        id: `sent-${String(serial).padStart(4, '0')}`, conversation: id, sender: account.person, is_me: true, text: text.trim(),
        at: state.clock, sort: pendingSort(serial), state: 'queued', problem: null,
      };
      held.rows.push(message);
      held.draft = null;
      changed(id, message);
      if (state.connection.state === 'live' && config.deliver) {
        setTimeout(() => {
          deliver(id, message, { to: 'sending' });
          setTimeout(() => deliver(id, message, { to: 'sent' }), 20);
        }, 10);
      }
      return message;
    },
    retry: ({ message: id }) => {
      for (const [conversationId, held] of state.conversations) {
        const message = held.rows.find((r) => r.id === id);
        if (message) setTimeout(() => deliver(conversationId, message, { to: 'sent' }), 10);
      }
      return null;
    },
    discard: ({ message: id }) => {
      for (const [conversationId, held] of state.conversations) {
        const at = held.rows.findIndex((r) => r.id === id);
        if (at < 0) continue;
        held.rows.splice(at, 1);
        state.revision += 1;
        tell([{ kind: 'message_gone', value: { conversation: conversationId, id } }, { kind: 'conversation', value: row(conversationId) }]);
      }
      return null;
    },
    save_draft: ({ conversation: id, text }) => {
      conversation(id).draft = text.trim() === '' ? null : text;
      state.revision += 1;
      tell([{ kind: 'conversation', value: row(id) }]);
      return null;
    },
    mark_read: ({ conversation: id, until }) => {
      conversation(id).read = until;
      state.revision += 1;
      tell([{ kind: 'conversation', value: row(id) }, { kind: 'unread', value: unread() }]);
      return null;
    },
    safety: () => state.safety,
    accept_terms: ({ version }) => careful({ accepted: { version, at: state.clock } }),
    block: ({ person }) => careful({
      blocked: [...state.safety.blocked, { person, name: nameOf(person), since: state.clock, reach: state.safety.blocks_on_server ? 'server' : 'device' }],
    }, person),
    unblock: ({ person }) => careful({ blocked: state.safety.blocked.filter((one) => one.person !== person) }, person),
    report: ({ reason }) => careful(reason === 'account_deletion' ? { deletion_asked: state.clock } : {}),
    reconnect: () => {
      fake.connect({ state: 'live' });
      return null;
    },
    unsent_messages: () => [...state.conversations.values()].flatMap((c) => c.rows.filter((r) => r.is_me && r.state !== 'sent')),
    sign_out: ({ account: id, unsent }) => {
      use(id);
      const waiting = commands.unsent_messages();
      if (unsent === 'ask' && waiting.length > 0) throw problem('unsent_messages', 'decide_unsent', { count: String(waiting.length) });
      if (account === first) state.signedIn = false;
      else others.splice(others.indexOf(account), 1);
      state.open = state.open.filter((one) => one !== id);
      state.stream = null;
      return { server_told: state.connection.state === 'live', secrets_left: config.secretsLeft ?? false };
    },
    close: ({ account: id }) => {
      state.open = state.open.filter((one) => one !== id);
      if (account.id === id) state.stream = null;
      return null;
    },
    set_up_begin: ({ request }) => {
      state.setUp.session = true;
      return { url: request.server, project: 'Meadow', version: '11.17.4' };
    },
    set_up_plan: () => {
      if (!state.setUp.session) throw problem('set_up_ended', 'sign_in');
      return state.setUp.plan;
    },
    set_up_addresses: ({ contact, terms }) => {
      if (!state.setUp.session) throw problem('set_up_ended', 'sign_in');
      if (terms !== '' && !terms.startsWith('https://')) throw problem('owners_address_invalid', 'change_input', { field: 'terms' });
      const mail = contact.includes('@') && !contact.startsWith('mailto:') ? `mailto:${contact}` : contact;
      state.setUp.plan.addresses = { contact: mail === '' ? null : mail, terms: terms === '' ? null : terms };
      return state.setUp.plan.addresses;
    },
    set_up_apply: ({ plan: hash }) => {
      const { setUp } = state;
      if (!setUp.session) throw problem('set_up_ended', 'sign_in');
      if (hash !== setUp.plan.hash) throw problem('set_up_changed', 'retry');
      const stopped = setUp.stopping;
      setUp.plan = { ...setUp.plan, hash: stopped ? `c${hash.slice(1)}` : `b${[...hash].reverse().join('').slice(1)}`, steps: stopped ? setUp.plan.steps.slice(setUp.done) : [] };
      setUp.stopping = false;
      setUp.done = 0;
      return { before: hash, stopped, left: setUp.plan };
    },
    set_up_verify: () => {
      const { setUp } = state;
      if (!setUp.session) throw problem('set_up_ended', 'sign_in');
      const stopped = setUp.stopping;
      setUp.stopping = false;
      return stopped ? null : config.proof;
    },
    set_up_stop: () => {
      for (const command of ['set_up_apply', 'set_up_verify']) {
        state.setUp.stopping ||= held.has(command);
        fake.release(command);
      }
      return null;
    },
    set_up_end: () => {
      state.setUp.session = false;
      return null;
    },
    open_outside: () => null,
    'plugin:event|listen': ({ event, handler }) => {
      listeners.set(event, handler);
      return 1;
    },
    'plugin:event|unlisten': () => null,
  };

  /** What a log of calls may hold: never a password. */
  function logged(args) {
    if (args?.old !== undefined) return { ...args, old: args.old && '(given)', new: args.new && '(given)' };
    if (args?.passphrase !== undefined) return { ...args, passphrase: args.passphrase && '(given)' };
    if (!args || !args.request) return args ?? {};
    const { password, passphrase } = args.request;
    return { request: { ...args.request, password: password ? '(given)' : '', ...(passphrase === undefined ? {} : { passphrase: passphrase ? '(given)' : null }) } };
  }

  window.__TAURI_INTERNALS__ = {
    transformCallback(callback, once) {
      const id = nextCallback;
      nextCallback += 1;
      callbacks.set(id, (value) => {
        if (once) callbacks.delete(id);
        callback(value);
      });
      return id;
    },
    unregisterCallback: (id) => callbacks.delete(id),
    convertFileSrc: (path) => path,
    async invoke(command, given) {
      // The real one sends JSON, in which a channel is written as its id.
      const args = JSON.parse(JSON.stringify(given ?? {}));
      calls.push({ command, args: logged(args) });
      if (config.latency) await new Promise((resolve) => setTimeout(resolve, config.latency));
      if (held.has(command)) await new Promise((resolve) => held.get(command).push(resolve));
      const refusal = refusals.get(command)?.shift();
      if (refusal) throw structuredClone(refusal);
      const run = commands[command];
      if (!run) throw `command ${command} not found`;
      return structuredClone(run(args));
    },
  };
  window.__TAURI_EVENT_PLUGIN_INTERNALS__ = { unregisterListener() {} };

  const fake = {
    calls, state, problem,
    /** The core locks by itself. */
    lock: () => commands.lock(),
    draft: (id) => conversation(id).draft,
    asked: (command) => calls.filter((call) => call.command === command),
    /** The next calls of this command are refused with these. */
    refuse: (command, ...problems) => refusals.set(command, problems),
    hold: (command) => held.set(command, []),
    release: (command) => {
      const waiting = held.get(command) ?? [];
      held.delete(command);
      for (const go of waiting) go();
    },
    connect: (connection) => {
      state.connection = { retry_at: null, problem: null, ...connection };
      tell([{ kind: 'connection', value: state.connection }]);
    },
    /** A notice was pressed, or a link was opened. */
    lead: (to) => {
      state.leads = to;
      fake.emit('lead', null);
    },
    /** Somebody else writes. */
    receive: (id, text, { lose = false, at } = {}) => {
      const heldNow = conversation(id);
      state.clock += 1000;
      state.revision += 1;
      state.serial += 1;
      const when = at ?? state.clock;
      const messageId = `got-${String(state.serial).padStart(4, '0')}`;
      const message = {
        id: messageId, conversation: id, sender: heldNow.person, is_me: false, text, at: when,
        sort: confirmedSort(when, messageId), state: 'sent', problem: null,
      };
      heldNow.rows.push(message);
      order(heldNow);
      changed(id, message, { lose });
      return messageId;
    },
    /** What becomes of a message of mine: sending, sent or failed. */
    move: (messageId, to, why) => {
      for (const [id, heldNow] of state.conversations) {
        const message = heldNow.rows.find((r) => r.id === messageId);
        if (message) deliver(id, message, { to, problem: why });
      }
    },
    /** A batch that repeats what is known, at an old revision. */
    replay: (id, messageId) => {
      const message = conversation(id).rows.find((r) => r.id === messageId);
      const now = state.revision;
      state.revision = 1;
      tell([{ kind: 'message', value: { ...message, text: 'an old revision' } }]);
      state.revision = now;
    },
    echo: (id, messageId) => changed(id, conversation(id).rows.find((r) => r.id === messageId)),
    /** The core says that this step, counted from 1, is about to be done. */
    step: (number) => {
      const { setUp } = state;
      setUp.done = number - 1;
      fake.emit('set_up', { event: 'set_up', value: { number, of: setUp.plan.steps.length, step: setUp.plan.steps[number - 1], trying: null } });
    },
    /** The core says that this attempt of a proof, counted from 1, is about to be made. */
    attempt: (number, of, trying) => fake.emit('set_up', { event: 'set_up', value: { number, of, step: null, trying } }),
    tell, suspend: (value) => { state.suspended = value; },
    emit: (event, payload) => callbacks.get(listeners.get(event))?.({ event, id: 1, payload }),
    setFetchProblem: (value) => { config.fetchProblem = value; },
  };
  window.fake = fake;
})();
