-- The first schema. Ids are lower-case uuids as text; instants are UTC milliseconds.
-- What may be dropped and fetched again: message rows with pending = 0, held,
-- set_aside, person. What must survive everything: outbox, message rows with
-- pending = 1, drafts and read marks in conversation.

CREATE TABLE fact (
  name  TEXT NOT NULL PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE person (
  id     TEXT NOT NULL PRIMARY KEY,
  name   TEXT NOT NULL,
  folded TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX person_by_name ON person (folded, id);

-- Order in a conversation is (pending, stamp, id): confirmed rows by the
-- server's stamp, then mine that are pending, whose stamp is their number in
-- the outbox.
CREATE TABLE message (
  id           TEXT    NOT NULL PRIMARY KEY,
  conversation TEXT    NOT NULL,
  sender       TEXT    NOT NULL,
  receiver     TEXT    NOT NULL,
  content      TEXT    NOT NULL,
  pending      INTEGER NOT NULL CHECK (pending IN (0, 1)),
  stamp        INTEGER NOT NULL,
  updated      INTEGER,
  typed        INTEGER
) STRICT;
CREATE INDEX message_in_order ON message (conversation, pending, stamp, id);

CREATE TABLE outbox (
  number       INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  message      TEXT    NOT NULL UNIQUE REFERENCES message (id) ON DELETE CASCADE,
  conversation TEXT    NOT NULL,
  state        TEXT    NOT NULL CHECK (state IN ('queued', 'sending', 'unknown', 'refused')),
  attempts     INTEGER NOT NULL DEFAULT 0,
  problem      TEXT
) STRICT;

-- Maintained in the transaction that changes a message, so that the list never
-- has to look at messages.
CREATE TABLE conversation (
  id           TEXT    NOT NULL PRIMARY KEY,
  person       TEXT    NOT NULL,
  last_message TEXT,
  activity     INTEGER NOT NULL,
  unread       INTEGER NOT NULL DEFAULT 0,
  read_stamp   INTEGER,
  read_id      TEXT,
  draft        TEXT,
  drafted      INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX conversation_by_activity ON conversation (activity, id);

-- What is held without a gap, ends included. The newest range is open: its
-- until_stamp is the largest integer. A from_stamp of the smallest integer
-- means the beginning of the conversation.
CREATE TABLE held (
  conversation TEXT    NOT NULL,
  from_stamp   INTEGER NOT NULL,
  from_id      TEXT    NOT NULL,
  until_stamp  INTEGER NOT NULL,
  until_id     TEXT    NOT NULL,
  PRIMARY KEY (conversation, from_stamp, from_id)
) STRICT, WITHOUT ROWID;

-- Rows that could not be read: which, and what was wrong. Never their content.
CREATE TABLE set_aside (
  id     TEXT    NOT NULL PRIMARY KEY,
  reason TEXT    NOT NULL,
  seen   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
