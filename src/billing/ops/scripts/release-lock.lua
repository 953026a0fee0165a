-- Gives a lock back.
--
-- KEYS[1]  lock
-- ARGV[1]  the text that was put there
-- reply    1, or 0 where it is not ours any more

if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
