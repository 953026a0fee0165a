-- Opens one stream under several limits, or under none of them.
--
-- KEYS      one sorted set per limit: a member is a lease, its score the end of its life in milliseconds since the epoch
-- ARGV[1]   the lease
-- ARGV[2]   life of a lease, milliseconds
-- ARGV[3…]  streams per limit, in the order of the keys
-- reply     flat integers: 1 admitted or 0; keys that held something foreign; then of each key: streams that were open
--           before, leases that had run out, milliseconds until there is room if nobody renews (0: there is room)
--
-- The time is the server's, so that the clocks of instances do not matter. A key has its TTL from the call that
-- creates it, and no member outlives it.

local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
local lease, life = ARGV[1], tonumber(ARGV[2])
local ends = now + life
local admitted, broken = 1, 0
local reply = { 0, 0 }

for i, key in ipairs(KEYS) do
  local expired = redis.pcall('ZREMRANGEBYSCORE', key, '-inf', now)
  if type(expired) == 'table' then
    redis.call('UNLINK', key)
    broken, expired = broken + 1, 0
  end
  -- Further ahead than a lease lives: foreign, or the server's clock was set back. It ends when a new one would.
  local far = redis.call('ZRANGE', key, string.format('(%.0f', ends), '+inf', 'BYSCORE', 'LIMIT', 0, 1000)
  for _, member in ipairs(far) do redis.call('ZADD', key, ends, member) end
  if #far > 0 then redis.call('PEXPIRE', key, life) end

  local streams = tonumber(ARGV[2 + i])
  local open = redis.call('ZCARD', key)
  local wait = 0
  if open >= streams then
    admitted = 0
    -- There may be more than the limit: a stream whose lease was lost is counted again, whatever the limit.
    local last = redis.call('ZRANGE', key, open - streams, open - streams, 'WITHSCORES')
    wait = math.max(1, tonumber(last[2]) - now)
  end
  reply[3 * i], reply[3 * i + 1], reply[3 * i + 2] = open, expired, wait
end

if admitted == 1 then
  for _, key in ipairs(KEYS) do
    redis.call('ZADD', key, ends, lease)
    redis.call('PEXPIRE', key, life)
  end
end
reply[1], reply[2] = admitted, broken
return reply
