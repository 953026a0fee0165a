-- Notes that the newest token of a family has arrived: the one before it is answered within the grace only from now on.
--
-- KEYS[1]   the family, a hash (fields: rotate-family.lua)
-- ARGV[1]   generation that has arrived
-- reply     1, or 0 where it is not the newest one any more

local held = redis.pcall('HMGET', KEYS[1], 'generation', 'confirmed')
if held.err or held[1] ~= ARGV[1] then return 0 end
if held[2] ~= '1' then redis.call('HSET', KEYS[1], 'confirmed', '1') end
return 1
