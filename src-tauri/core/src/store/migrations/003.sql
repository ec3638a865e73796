-- The index of words is written for many rows at once, at the end of a step.
--
-- A statement that fires triggers gets a savepoint, and at every savepoint FTS5
-- writes what it has gathered to its tables: what was indexed row by row became
-- as many small pieces. So the triggers only note which places are to be
-- indexed anew, in the transaction that changes the message, and
-- `store::index` does it. What is noted and not done yet, whoever left it so,
-- is done by the next who asks.
CREATE TABLE unindexed (
  place INTEGER NOT NULL PRIMARY KEY,
  -- Whether the index holds an entry for that place, which must go first. The
  -- first who notes a place knows; who notes it again does not change it.
  stale INTEGER NOT NULL CHECK (stale IN (0, 1))
) STRICT;

DROP TRIGGER message_found;
DROP TRIGGER message_found_again;
DROP TRIGGER message_lost;

CREATE TRIGGER message_came AFTER INSERT ON message BEGIN
  INSERT INTO unindexed (place, stale) VALUES (new.place, 0) ON CONFLICT (place) DO NOTHING;
END;

CREATE TRIGGER message_changed AFTER UPDATE OF place, content, conversation, sender ON message
WHEN old.place <> new.place OR old.content <> new.content
  OR old.conversation <> new.conversation OR old.sender <> new.sender
BEGIN
  INSERT INTO unindexed (place, stale) VALUES (old.place, 1) ON CONFLICT (place) DO NOTHING;
  INSERT INTO unindexed (place, stale) VALUES (new.place, 0) ON CONFLICT (place) DO NOTHING;
END;

CREATE TRIGGER message_went AFTER DELETE ON message BEGIN
  INSERT INTO unindexed (place, stale) VALUES (old.place, 1) ON CONFLICT (place) DO NOTHING;
END;
