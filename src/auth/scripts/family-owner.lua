-- Whom a family of refresh tokens belongs to.
--
-- KEYS[1]   the family, a hash (fields: rotate-family.lua)
-- reply     texts: user, session; nothing where there is no such family, or something foreign in its place

local held = redis.pcall('HMGET', KEYS[1], 'user', 'session')
if held.err or not held[1] or not held[2] then return {} end
return { held[1], held[2] }
