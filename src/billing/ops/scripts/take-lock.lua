-- Takes a lock that nobody holds.
--
-- KEYS[1]  lock, a text: `<token> <owner> <since, milliseconds since the epoch>`, and ` done` behind it where its work is
-- ARGV[1]  the text
-- ARGV[2]  life without a renewal, milliseconds
-- reply    text and integer: what is held, ours or another's, and how long it lives without a renewal, milliseconds
--
-- Asked again after a lost answer, it is taken as the first time.

local held = redis.call('GET', KEYS[1])
if held and held ~= ARGV[1] then return { held, redis.call('PTTL', KEYS[1]) } end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return { ARGV[1], tonumber(ARGV[2]) }
