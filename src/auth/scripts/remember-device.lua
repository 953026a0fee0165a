-- Notes that the owner has logged in with a device.
--
-- KEYS[1]   the user's devices, a sorted set: digests by their last login, milliseconds since the epoch
-- ARGV[1]   life of a device, milliseconds
-- ARGV[2]   most devices of one user; the oldest ones go
-- ARGV[3]   digest of a new device
-- ARGV[4…]  digests of the device that was presented, under each key of the ring; none where none was
-- reply     1: the presented one is known, and goes on; 0: the new one is remembered
--
-- The time is the server's. A device that was forgotten is not taken back: a copy of its token would be known again.

local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
local key, life, most = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2])

-- Whether the presented device is still known; a read, so that a server that is full refuses the first write below.
local known = false
for i = 4, #ARGV do
  local last = redis.pcall('ZSCORE', key, ARGV[i])
  if type(last) == 'string' and now - tonumber(last) < life then known = true end
end

local digest = known and ARGV[4] or ARGV[3]
local added = redis.pcall('ZADD', key, string.format('%.0f', now), digest)
if type(added) == 'table' then
  if not string.find(added.err, 'WRONGTYPE', 1, true) then return added end
  redis.call('UNLINK', key)
  redis.call('ZADD', key, string.format('%.0f', now), digest)
end
for i = 4, #ARGV do
  if ARGV[i] ~= digest then redis.call('ZREM', key, ARGV[i]) end
end
redis.call('ZREMRANGEBYSCORE', key, '-inf', string.format('%.0f', now - life))
local over = redis.call('ZCARD', key) - most
if over > 0 then
  for _, old in ipairs(redis.call('ZRANGE', key, 0, over - 1)) do redis.call('ZREM', key, old) end
end
redis.call('PEXPIRE', key, ARGV[1])
return known and 1 or 0
