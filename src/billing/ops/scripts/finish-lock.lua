-- Says in a lock that its work is done, and keeps it for a while: whoever comes later need not do it again.
--
-- KEYS[1]  lock
-- ARGV[1]  the text that was put there
-- ARGV[2]  the text that says it is done
-- ARGV[3]  life, milliseconds
-- reply    1, or 0 where it is not ours any more

if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
