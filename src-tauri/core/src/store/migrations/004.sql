-- A message's insert needs no journal of its own.
--
-- SQLite keeps one for every statement that changes more than one row and may
-- be given up half-way, and copies each page into it that the statement
-- touches: more than the insert itself costs. Whatever fails here undoes the
-- whole step, so the insert says OR FAIL, which its triggers take over: but an
-- upsert's DO UPDATE does not. So the tally's row is made first, then raised.
DROP TRIGGER message_counted;
CREATE TRIGGER message_counted AFTER INSERT ON message WHEN new.pending = 0 BEGIN
  INSERT INTO tally (conversation, sender, day, messages)
  VALUES (new.conversation, new.sender,
    (new.stamp - ((new.stamp % 86400000) + 86400000) % 86400000) / 86400000, 0)
  ON CONFLICT (conversation, sender, day) DO NOTHING;
  UPDATE tally SET messages = messages + 1
  WHERE conversation = new.conversation AND sender = new.sender
    AND day = (new.stamp - ((new.stamp % 86400000) + 86400000) % 86400000) / 86400000;
  UPDATE conversation SET unread = unread + 1
  WHERE id = new.conversation
    AND (new.stamp, new.id) > (coalesce(read_stamp, -9223372036854775808), coalesce(read_id, ''))
    AND new.sender <> (SELECT value FROM fact WHERE name = 'me');
END;
