-- Gives leases a new life. One that is gone is put back whatever the limit: its stream exists, and that Redis forgot
-- it does not end it.
--
-- KEYS   sorted sets as in acquire-leases.lua, each once
-- ARGV   for each key: life of a lease in milliseconds, number of leases, the leases
-- reply  flat integers: keys that held something foreign; then of each key: leases that were put back, leases of
--        others that had run out

local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
local broken = 0
local reply = { 0 }
local at = 1

for i, key in ipairs(KEYS) do
  local life, count = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
  local ends = string.format('%.0f', now + life)
  local members = {}
  for m = 1, count do
    members[2 * m - 1], members[2 * m] = ends, ARGV[at + 1 + m]
  end
  at = at + 2 + count

  local added = redis.pcall('ZADD', key, unpack(members))
  if type(added) == 'table' then
    broken = broken + 1
    redis.call('UNLINK', key)
    added = redis.call('ZADD', key, unpack(members))
  end
  local expired = redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
  redis.call('PEXPIRE', key, life)
  reply[2 * i], reply[2 * i + 1] = added, expired
end

reply[1] = broken
return reply
