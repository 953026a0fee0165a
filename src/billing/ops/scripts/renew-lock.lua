-- Keeps a lock for longer.
--
-- KEYS[1]  lock
-- ARGV[1]  the text that was put there
-- ARGV[2]  life without a renewal, milliseconds
-- reply    1, or 0 where it is not ours any more

if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
