-- Rows that are new are counted and indexed by the store, many at once.
--
-- A trigger counts one row: for a thousand that come together the same few
-- counts were raised a thousand times, each place was noted to be indexed, and
-- each row read again for it. Confirmed messages are only ever added by
-- `store::messages`, which knows all that come, and does it once for them all.
-- What changes or goes, which is seldom, is counted and noted by triggers as
-- before, whoever does it.
DROP TRIGGER message_came;
DROP TRIGGER message_counted;
