-- Begins a session, unless every session of its epoch has ended already.
--
-- KEYS[1]   index of the user's sessions, a sorted set: ids by the end of their life
-- KEYS[2]   the session
-- KEYS[3]   mirror of the user's epoch: `epoch:when it was confirmed`
-- ARGV[1]   id of the session
-- ARGV[2]   epoch that SQL told the caller
-- ARGV[3]   longest life, milliseconds
-- ARGV[4]   longest life unused, milliseconds
-- ARGV[5]   most sessions of one user
-- ARGV[6]   family
-- ARGV[7]   methods, separated by commas
-- ARGV[8]   sealed client
-- reply     epoch of the mirror; and where it is not larger than the caller's: moment it began, moment it ends at the
--           latest, then the ids of sessions that were too many (the caller deletes them, they are off the index)
--
-- Numbers are texts: they are larger than a Lua integer prints. The time is the server's, in milliseconds, so that the
-- clocks of instances do not matter.

local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
local text = function(number) return string.format('%.0f', number) end
local index, session, mirror = KEYS[1], KEYS[2], KEYS[3]
local epoch, life, idle, most = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])

local held = redis.pcall('GET', mirror)
local digits = type(held) == 'string' and string.match(held, '^([0-9]+):[0-9]+$')
-- More digits than an epoch can have: foreign.
local known = digits and #digits <= 15 and tonumber(digits) or 0
if known > epoch then return { text(known) } end
redis.call('SET', mirror, text(epoch) .. ':' .. text(now))

local ends = now + life
local expires = math.min(now + idle, ends)
local fields = { '1', text(epoch), text(now), text(ends), text(now), ARGV[6], ARGV[7], ARGV[8] }
redis.call('SET', session, table.concat(fields, '|'), 'PX', expires - now)

local purged = redis.pcall('ZREMRANGEBYSCORE', index, '-inf', now)
if type(purged) == 'table' then redis.call('UNLINK', index) end
redis.call('ZADD', index, expires, ARGV[1])
redis.call('PEXPIRE', index, math.max(redis.call('PTTL', index), life))

local reply = { text(epoch), text(now), text(ends) }
local over = redis.call('ZCARD', index) - most
if over > 0 then
  for _, id in ipairs(redis.call('ZRANGE', index, 0, over - 1)) do
    redis.call('ZREM', index, id)
    reply[#reply + 1] = id
  end
end
return reply
