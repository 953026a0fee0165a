-- Notes that a session is used, which moves the end of its unused life.
--
-- KEYS[1]   the session
-- KEYS[2]   index of the user's sessions
-- ARGV[1]   id of the session
-- ARGV[2]   longest life unused, milliseconds
-- ARGV[3]   how long it is not noted again, milliseconds
-- reply     1, or 0 where there is no such session
--
-- A session that has ended is not made again. One that the index has lost is put back on it, so that whoever ends the
-- others finds it.

local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
local held = redis.pcall('GET', KEYS[1])
if type(held) ~= 'string' then return 0 end
local head, ends, seen, rest = string.match(held, '^(1|[0-9]+|[0-9]+|([0-9]+)|)([0-9]+)(|.*)$')
if not head then return 0 end
if now - tonumber(seen) < tonumber(ARGV[3]) then return 1 end

local expires = math.min(now + tonumber(ARGV[2]), tonumber(ends))
if expires <= now then
  redis.call('UNLINK', KEYS[1])
  return 0
end
redis.call('SET', KEYS[1], head .. string.format('%.0f', now) .. rest, 'PX', expires - now)
local added = redis.pcall('ZADD', KEYS[2], expires, ARGV[1])
if type(added) == 'table' then
  redis.call('UNLINK', KEYS[2])
  redis.call('ZADD', KEYS[2], expires, ARGV[1])
end
redis.call('PEXPIRE', KEYS[2], math.max(redis.call('PTTL', KEYS[2]), expires - now))
return 1
