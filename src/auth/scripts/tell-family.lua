-- Notes that the owner of a family knows of its reuse.
--
-- KEYS[1]   the family, a hash (fields: rotate-family.lua)
-- reply     1, or 0 where nothing is left of it

local held = redis.pcall('HMGET', KEYS[1], 'reused')
if held.err or not held[1] then return 0 end
redis.call('HSET', KEYS[1], 'told', '1')
return 1
