-- Opens streams, one after the other, each under several limits or under none of them.
--
-- KEYS   one sorted set per limit and subject, each once: a member is a lease, its score the end of its life in
--        milliseconds since the epoch
-- ARGV   of each stream: the lease, life of a lease in milliseconds, number of limits; then of each limit: the number of
--        its key, streams
-- reply  flat integers: keys that held something foreign; of each key: leases that had run out; then of each stream:
--        1 admitted or 0; of each of its limits: streams that were open before, milliseconds until there is room if
--        nobody renews (0: there is room)
--
-- The time is the server's, so that the clocks of instances do not matter. A key has its TTL from the call that
-- creates it, and no member outlives it. All streams of a key have the same life.

local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
local reply = { 0 }
for n = 1, #KEYS do reply[1 + n] = 0 end
-- By the number of a key: how many are open; absent until it was looked at.
local counts, kept = {}, {}

local function look(n, life)
  local key, ends = KEYS[n], now + life
  local expired = redis.pcall('ZREMRANGEBYSCORE', key, '-inf', now)
  if type(expired) == 'table' then
    redis.call('UNLINK', key)
    reply[1], expired = reply[1] + 1, 0
  end
  -- Further ahead than a lease lives: foreign, or the server's clock was set back. It ends when a new one would.
  local far = redis.call('ZRANGE', key, string.format('(%.0f', ends), '+inf', 'BYSCORE', 'LIMIT', 0, 1000)
  for _, member in ipairs(far) do redis.call('ZADD', key, ends, member) end
  if #far > 0 then redis.call('PEXPIRE', key, life) end
  reply[1 + n] = expired
  counts[n] = redis.call('ZCARD', key)
end

local at = 1
while at <= #ARGV do
  local lease, life, limits = ARGV[at], tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
  local first = at + 3
  at = first + 2 * limits
  local place, admitted = #reply + 1, 1
  reply[place] = 0
  for i = first, at - 2, 2 do
    local n, streams = tonumber(ARGV[i]), tonumber(ARGV[i + 1])
    if not counts[n] then look(n, life) end
    local open, wait = counts[n], 0
    if open >= streams then
      admitted = 0
      -- There may be more than the limit: a stream whose lease was lost is counted again, whatever the limit.
      local last = redis.call('ZRANGE', KEYS[n], open - streams, open - streams, 'WITHSCORES')
      wait = math.max(1, tonumber(last[2]) - now)
    end
    reply[#reply + 1] = open
    reply[#reply + 1] = wait
  end
  if admitted == 1 then
    reply[place] = 1
    for i = first, at - 2, 2 do
      local n = tonumber(ARGV[i])
      counts[n] = counts[n] + redis.call('ZADD', KEYS[n], now + life, lease)
      if not kept[n] then
        redis.call('PEXPIRE', KEYS[n], life)
        kept[n] = true
      end
    end
  end
end
return reply
