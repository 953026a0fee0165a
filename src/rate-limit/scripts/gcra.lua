-- Spends several limits together or none of them (GCRA: one virtual time per key instead of counters).
--
-- KEYS[i]         state of limit i: its theoretical arrival time (TAT), microseconds since the epoch
-- ARGV[3i-2..3i]  of limit i: microseconds per unit, burst in units, cost in units
-- reply           flat integers: 1 or 0 for all limits together; then of each limit: units left,
--                 microseconds until it is full again, microseconds until the cost fits (0: it fits now,
--                 -1: it never will, the cost exceeds the burst)
--
-- The time is the server's, so that instances whose clocks differ agree. All numbers are integers below 2^53
-- and leave with %.0f: one of the engines rounds what a script hands to redis.call to 14 digits.
-- Twin: ../gcra.ts. Both run the same vectors.

local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000000 + tonumber(clock[2])

local allowed = 1
local limits = {}
local pending = {} -- a key that stands in one call twice is charged twice

for i, key in ipairs(KEYS) do
  local interval = tonumber(ARGV[3 * i - 2])
  local burst = tonumber(ARGV[3 * i - 1])
  local cost = tonumber(ARGV[3 * i])
  local capacity = interval * burst

  -- Never further ahead than a spent burst: a server whose clock was set back must not lock anybody out.
  local stored = pending[key] or tonumber(redis.call('GET', key) or '') or now
  local tat = math.min(math.max(stored, now), now + capacity)
  local spent = tat + interval * cost
  local wait = math.max(spent - capacity - now, 0)
  if cost > burst then wait = -1 end
  if wait ~= 0 then allowed = 0 end

  pending[key] = spent
  limits[i] = { interval = interval, capacity = capacity, tat = tat, spent = spent, wait = wait }
end

local reply = { allowed }
for i, limit in ipairs(limits) do
  local tat = limit.tat
  if allowed == 1 then
    tat = limit.spent
    -- A TAT in the past says nothing, so the key may go then; SET writes value and TTL as one. A little later,
    -- because not every engine stops the clock while a script runs: it must not go between TIME and GET.
    local ttl = math.ceil((tat - now) / 1000) + 100
    redis.call('SET', KEYS[i], string.format('%.0f', tat), 'PX', string.format('%.0f', ttl))
  end
  reply[#reply + 1] = math.floor((now + limit.capacity - tat) / limit.interval)
  reply[#reply + 1] = tat - now
  reply[#reply + 1] = limit.wait
end
return reply
