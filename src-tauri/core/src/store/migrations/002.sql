-- Search over everything held, and counts that are kept instead of counted.
--
-- message.place is the rowid that orders the index: newest is highest, whatever
-- the order in which history came in. A confirmed row's place is its stamp in
-- 8.192 s, then a number within that; a pending one's is above all of these, by
-- its number in the outbox. Rows of one such span stand in no order among
-- themselves: who reads by place sorts them by (stamp, id).
CREATE TABLE message_placed (
  place        INTEGER NOT NULL PRIMARY KEY,
  id           TEXT    NOT NULL UNIQUE,
  conversation TEXT    NOT NULL,
  sender       TEXT    NOT NULL,
  receiver     TEXT    NOT NULL,
  content      TEXT    NOT NULL,
  pending      INTEGER NOT NULL CHECK (pending IN (0, 1)),
  stamp        INTEGER NOT NULL,
  updated      INTEGER,
  typed        INTEGER
) STRICT;

INSERT INTO message_placed
  (place, id, conversation, sender, receiver, content, pending, stamp, updated, typed)
SELECT
  CASE pending
    WHEN 1 THEN 4611686018427387904 + stamp
    ELSE ((max(min(stamp, 36028797018963968), -36028797018963968) >> 13) << 16)
      + row_number() OVER (PARTITION BY pending, stamp >> 13 ORDER BY stamp, id) - 1
  END,
  id, conversation, sender, receiver, content, pending, stamp, updated, typed
FROM message ORDER BY 1;

-- Foreign keys are off while migrating: the outbox keeps its rows.
DROP TABLE message;
ALTER TABLE message_placed RENAME TO message;
CREATE INDEX message_in_order ON message (conversation, pending, stamp, id);

-- The words of every message. Contentless: the text stands in message alone,
-- and what is gone is marked so without it. `about` holds one word for the
-- conversation and one for the sender, which no text can hold, so that a common
-- word in a small conversation is as quick as a rare one. M* are the vowels of
-- Hindi, Thai and others; Co is where those words of `about` come from.
CREATE VIRTUAL TABLE found USING fts5 (
  words, about,
  content = '', contentless_delete = 1,
  tokenize = "unicode61 remove_diacritics 2 categories 'L* N* M* Co'",
  prefix = '1 2 3'
);

INSERT INTO found (rowid, words, about)
SELECT place, indexed_words(content), indexed_about(conversation, sender)
FROM message ORDER BY place;

-- How many confirmed messages a person wrote in a conversation in a day of the
-- server's stamps: comparing with the server must not cost all that is held.
CREATE TABLE tally (
  conversation TEXT    NOT NULL,
  sender       TEXT    NOT NULL,
  day          INTEGER NOT NULL,
  messages     INTEGER NOT NULL,
  PRIMARY KEY (conversation, sender, day)
) STRICT, WITHOUT ROWID;

INSERT INTO tally (conversation, sender, day, messages)
SELECT conversation, sender, (stamp - ((stamp % 86400000) + 86400000) % 86400000) / 86400000, count(*)
FROM message WHERE pending = 0 GROUP BY 1, 2, 3;

CREATE INDEX conversation_unread ON conversation (unread) WHERE unread > 0;

-- All of it in the transaction that changes the message, whoever changes it.
CREATE TRIGGER message_found AFTER INSERT ON message BEGIN
  INSERT INTO found (rowid, words, about)
  VALUES (new.place, indexed_words(new.content), indexed_about(new.conversation, new.sender));
END;

CREATE TRIGGER message_found_again AFTER UPDATE OF place, content, conversation, sender ON message
WHEN old.place <> new.place OR old.content <> new.content
  OR old.conversation <> new.conversation OR old.sender <> new.sender
BEGIN
  DELETE FROM found WHERE rowid = old.place;
  INSERT INTO found (rowid, words, about)
  VALUES (new.place, indexed_words(new.content), indexed_about(new.conversation, new.sender));
END;

CREATE TRIGGER message_lost AFTER DELETE ON message BEGIN
  DELETE FROM found WHERE rowid = old.place;
END;

CREATE TRIGGER message_counted AFTER INSERT ON message WHEN new.pending = 0 BEGIN
  INSERT INTO tally (conversation, sender, day, messages)
  VALUES (new.conversation, new.sender,
    (new.stamp - ((new.stamp % 86400000) + 86400000) % 86400000) / 86400000, 1)
  ON CONFLICT (conversation, sender, day) DO UPDATE SET messages = messages + 1;
  UPDATE conversation SET unread = unread + 1
  WHERE id = new.conversation
    AND (new.stamp, new.id) > (coalesce(read_stamp, -9223372036854775808), coalesce(read_id, ''))
    AND new.sender <> (SELECT value FROM fact WHERE name = 'me');
END;

CREATE TRIGGER message_uncounted AFTER DELETE ON message WHEN old.pending = 0 BEGIN
  UPDATE tally SET messages = messages - 1
  WHERE conversation = old.conversation AND sender = old.sender
    AND day = (old.stamp - ((old.stamp % 86400000) + 86400000) % 86400000) / 86400000;
  UPDATE conversation SET unread = unread - 1
  WHERE id = old.conversation
    AND (old.stamp, old.id) > (coalesce(read_stamp, -9223372036854775808), coalesce(read_id, ''))
    AND old.sender <> (SELECT value FROM fact WHERE name = 'me');
END;

CREATE TRIGGER message_counted_anew AFTER UPDATE OF pending, stamp, conversation, sender ON message
WHEN old.pending <> new.pending OR old.stamp <> new.stamp
  OR old.conversation <> new.conversation OR old.sender <> new.sender
BEGIN
  UPDATE tally SET messages = messages - 1
  WHERE old.pending = 0 AND conversation = old.conversation AND sender = old.sender
    AND day = (old.stamp - ((old.stamp % 86400000) + 86400000) % 86400000) / 86400000;
  UPDATE conversation SET unread = unread - 1
  WHERE old.pending = 0 AND id = old.conversation
    AND (old.stamp, old.id) > (coalesce(read_stamp, -9223372036854775808), coalesce(read_id, ''))
    AND old.sender <> (SELECT value FROM fact WHERE name = 'me');
  INSERT INTO tally (conversation, sender, day, messages)
  SELECT new.conversation, new.sender,
    (new.stamp - ((new.stamp % 86400000) + 86400000) % 86400000) / 86400000, 1
  WHERE new.pending = 0
  ON CONFLICT (conversation, sender, day) DO UPDATE SET messages = messages + 1;
  UPDATE conversation SET unread = unread + 1
  WHERE new.pending = 0 AND id = new.conversation
    AND (new.stamp, new.id) > (coalesce(read_stamp, -9223372036854775808), coalesce(read_id, ''))
    AND new.sender <> (SELECT value FROM fact WHERE name = 'me');
END;
