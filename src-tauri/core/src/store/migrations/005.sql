-- What people may do about each other. Must survive everything: a block and a
-- report are promises like a message, kept here until the server has them, or
-- for good where it has no place for them.
CREATE TABLE block (
  person TEXT    NOT NULL PRIMARY KEY,
  -- The key of the row on the server, the same at every try.
  key    TEXT    NOT NULL,
  -- 0: it was lifted, and the server is still to be told.
  wanted INTEGER NOT NULL CHECK (wanted IN (0, 1)),
  state  TEXT    NOT NULL CHECK (state IN ('waiting', 'told', 'refused')),
  since  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE report (
  number  INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
  id      TEXT    NOT NULL UNIQUE,
  about   TEXT,
  message TEXT,
  reason  TEXT    NOT NULL,
  comment TEXT    NOT NULL,
  -- The reporter's copy of the message, if they chose to add it.
  copy    TEXT,
  state   TEXT    NOT NULL CHECK (state IN ('waiting', 'refused'))
) STRICT;
