-- Begins a family of refresh tokens.
--
-- KEYS[1]   the family, a hash (fields: rotate-family.lua)
-- ARGV[1]   user
-- ARGV[2]   session
-- ARGV[3]   digest of its first token, generation 0
-- ARGV[4]   longest life, milliseconds
-- ARGV[5]   longest life unused, milliseconds
-- ARGV[6]   moment at which it ends at the latest, milliseconds since the epoch; 0: none but its longest life
-- ARGV[7]   how long it is kept beyond its end, milliseconds
-- reply     moments as texts: its end, its end if it is not used; nothing where the key is taken
--
-- Numbers are texts: they are larger than a Lua integer prints. The time is the server's.

if redis.call('EXISTS', KEYS[1]) == 1 then return {} end
local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
local text = function(number) return string.format('%.0f', number) end

local ends = now + tonumber(ARGV[4])
local latest = tonumber(ARGV[6])
if latest > 0 then ends = math.min(ends, latest) end
local idle = math.min(now + tonumber(ARGV[5]), ends)
redis.call('HSET', KEYS[1], 'user', ARGV[1], 'session', ARGV[2], 'generation', '0', 'digest', ARGV[3],
  'ends', text(ends), 'idle', text(idle), 'confirmed', '0', 'spent', '')
redis.call('PEXPIRE', KEYS[1], text(math.max(1, idle - now + tonumber(ARGV[7]))))
return { text(ends), text(idle) }
