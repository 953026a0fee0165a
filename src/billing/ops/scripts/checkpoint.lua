-- Writes down how far a backfill has come, as long as it is the one that holds the lock.
--
-- KEYS[1]  lock
-- KEYS[2]  hash: `head` is up to where everything was fetched, `run` the backfill that was begun last
-- KEYS[3]  record of the backfill
-- ARGV[1]  the text of the lock
-- ARGV[2]  life of the lock without a renewal, milliseconds
-- ARGV[3]  id of the backfill
-- ARGV[4]  its record
-- ARGV[5]  life of the record, seconds
-- ARGV[6]  the head; empty where the backfill does not move it
-- reply    1, or 0 where the lock is another's: nothing was written
--
-- Whoever was frozen and woke up after its lock went to another one does not overwrite what that one wrote.

if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
redis.call('HSET', KEYS[2], 'run', ARGV[3])
if ARGV[6] ~= '' then redis.call('HSET', KEYS[2], 'head', ARGV[6]) end
redis.call('SET', KEYS[3], ARGV[4], 'EX', ARGV[5])
return 1
