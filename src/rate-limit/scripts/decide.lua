-- Decides a batch of questions about rate limits, in their order. Each question is about several limits at once,
-- which are spent all or not at all.
--
-- KEYS[2c-1], KEYS[2c]  hashes of generation class c: even generations, odd generations. A field is one limit of one
--                       subject, `g` the number of the generation that the hash holds.
-- KEYS[#KEYS]           version of what operators have set (blocks, overrides); a reset makes a new one, by which other
--                       instances learn that denials which they know of may hold no more
-- ARGV[1]               questions, as bytes: operation (0 spend, 1 peek, 2 refund, 3 charge, 4 reset, 5 raise),
--                       number of limits, then of each limit: its number, the number of the field in its class, the cost (127: see ARGV[2])
-- ARGV[2]               costs of 127 and more in the order of their use, separated by spaces
-- ARGV[3]               number of classes; then of each class: length of a generation in microseconds, characters of a
--                       field, all its fields as one text; then of each limit: class, 0 rate or 1 window,
--                       period in microseconds, capacity
-- reply                 one text of little-endian doubles, all whole numbers: version; fields and keys that held something foreign; then of each question and limit:
--                       rate: microseconds until the limit is full; window: present count, last count, microseconds
--                       since the window began. The first number of a limit is -1 minus itself where its question is denied.
--
-- The time is the server's, so that instances whose clocks differ agree. State: one double (rate: microseconds since
-- the epoch at which the limit is full), or three (window: microseconds since the epoch at which the present window
-- began, present count, last count). A hash gets its TTL in the call that creates it. Twins: ../counting/gcra.ts, ../counting/sliding-window.ts, same vectors.

local byte, sub, pack, decode = string.byte, string.sub, struct.pack, struct.unpack
local floor, max, min = math.floor, math.max, math.min

local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000000 + tonumber(clock[2])
local broken = 0
local news = false
-- How long a version lives on: 90 days, as ../control/redis-ruling-store.ts has it. Whoever reads none reads 0.
local VERSION_LIFE_MS = 7776000000

local function isCount(n) return n >= 0 and n <= 9007199254740991 and n % 1 == 0 end

-- Puts the stored value of field x into its class. What this script cannot have written counts as none: another shape,
-- not a number, or a moment that no state of these generations has (or the server's clock was set back by as much).
local function take(one, x, value)
  local length = one.length
  if #value == 8 then
    local ahead = decode('<d', value) - now
    if not (ahead <= 2 * length and ahead >= -3 * length and ahead % 1 == 0) then broken = broken + 1
    elseif ahead > 0 then one.full[x] = ahead end
  elseif #value == 24 then
    local start, current, previous = decode('<ddd', value)
    local age = now - start
    -- No limit grants more than a unit per microsecond, so no count is above the length of its generation.
    if age >= -length and age <= 3 * length and age % 1 == 0 and isCount(current) and isCount(previous)
      and current <= length and previous <= length then
      one.window[x], one.current[x], one.previous[x] = min(start, now), current, previous
      if age < 0 then one.dirty[x] = 2 end
    else
      broken = broken + 1
    end
  else
    broken = broken + 1
  end
end

local classes = {}
local at = 4
for c = 1, tonumber(ARGV[3]) do
  local length, width, text = tonumber(ARGV[at]), tonumber(ARGV[at + 1]), ARGV[at + 2]
  at = at + 3
  local count = #text / width
  local generation = floor(now / length)
  local parity = generation % 2
  local full = {}
  local one = {
    key = KEYS[2 * c - 1 + parity], lastKey = KEYS[2 * c - parity],
    marker = string.format('%.0f', generation), endsAt = (generation + 2) * length, length = length, count = count,
    full = full, window = {}, current = {}, previous = {}, dirty = {}, moved = {}
  }
  classes[c] = one

  local names, a = { 'g' }, 1
  for i = 2, count + 1 do
    names[i] = sub(text, a, a + width - 1)
    a = a + width
  end
  one.names = names

  local held = redis.pcall('HMGET', one.key, unpack(names))
  if held[1] ~= one.marker then
    -- Nothing yet, the generation before the last, or something foreign.
    one.fresh = true
    one.foreign = held[1] ~= string.format('%.0f', generation - 2)
    held = {}
  end
  local missing, m
  for x = 1, count do
    local value = held[x + 1]
    if value then
      if #value == 8 then
        -- As `take` does; nearly every value comes this way.
        local ahead = decode('<d', value) - now
        if not (ahead <= 2 * length and ahead >= -3 * length and ahead % 1 == 0) then broken = broken + 1
        elseif ahead > 0 then full[x] = ahead end
      else
        take(one, x, value)
      end
    else
      if not missing then missing, m = { 'g' }, 1 end
      m = m + 1
      missing[m] = names[x + 1]
      missing[-m] = x
    end
  end
  if missing then
    local last = redis.pcall('HMGET', one.lastKey, unpack(missing))
    if last[1] == string.format('%.0f', generation - 1) then
      for i = 2, m do
        if last[i] then
          local x = missing[-i]
          take(one, x, last[i])
          one.moved[x] = true
        end
      end
    elseif last.err then
      broken = broken + redis.call('UNLINK', one.lastKey)
    end
  end
end

-- By number of the limit.
local class, full, dirty, isWindow, period, capacity = {}, {}, {}, {}, {}, {}
local limits = 0
while ARGV[at] do
  limits = limits + 1
  local one = classes[tonumber(ARGV[at])]
  class[limits], full[limits], dirty[limits] = one, one.full, one.dirty
  isWindow[limits] = ARGV[at + 1] == '1'
  period[limits], capacity[limits] = tonumber(ARGV[at + 2]), tonumber(ARGV[at + 3])
  at = at + 4
end

-- The counts of a window limit as they are now. A window begins with the first unit after a rest, else where the one
-- before it ended; what was the present window may be the last one by now.
local function turn(one, x, length)
  local start, current, previous = one.window[x] or 0, one.current[x] or 0, one.previous[x] or 0
  local elapsed = now - start
  if elapsed >= 2 * length or current == 0 and (elapsed >= length or previous == 0) then
    start, current, previous = now, 0, 0
  elseif elapsed >= length then
    start, current, previous = start + length, 0, current
  end
  one.window[x], one.current[x], one.previous[x] = start, current, previous
  return current, previous, now - start
end

-- What the limits of a question held before it: microseconds, or the present count of a window.
local before = {}

-- Both apply an operation to field x of limit l and say whether the cost fits. Spending by rate stands below instead.
local function onRate(operation, l, x, cost)
  local ahead, most, price = full[l][x] or 0, capacity[l], period[l] * cost
  if ahead > most then
    ahead, full[l][x], dirty[l][x] = most, most, 1
  end
  if operation == 1 then return ahead + price <= most end
  if operation == 2 then full[l][x] = max(0, ahead - price)
  elseif operation == 3 then full[l][x] = min(most, ahead + price)
  elseif operation == 5 then full[l][x] = max(ahead, min(most, price))
  else full[l][x], news = 0, true end
  return true
end

-- The limit stands k-th in its question.
local function onWindow(operation, k, l, x, cost)
  local one, most, length = class[l], capacity[l], period[l]
  local current, previous, elapsed = turn(one, x, length)
  before[k] = current
  if operation < 2 then
    if current + previous * (length - elapsed) / length + cost > most then return false end
    if operation == 0 then one.current[x] = current + cost end
  elseif operation == 2 then
    one.current[x] = max(0, current - cost)
    one.previous[x] = max(0, previous + min(0, current - cost))
  elseif operation == 3 then
    one.current[x] = min(most, current + cost)
  elseif operation == 5 then
    local lacking = math.ceil(cost - (current + previous * (length - elapsed) / length))
    one.current[x] = min(most, current + max(0, lacking))
  else
    one.current[x], one.previous[x], news = 0, 0, true
  end
  return true
end

local costs, cursor = {}, 0
for cost in string.gmatch(ARGV[2], '[0-9]+') do costs[#costs + 1] = tonumber(cost) end

local stored = redis.pcall('GET', KEYS[#KEYS])
local version = tonumber(stored)
if not (version and isCount(version)) then
  version = 0
  if stored then broken = broken + 1 end
end
local reply = { version, 0 }
local size = 2
local questions = { byte(ARGV[1], 1, -1) }
local q, last = 1, #questions
while q <= last do
  local operation, n = questions[q], questions[q + 1]
  local fits = true
  local p = q + 2
  for k = 1, n do
    local l, x, cost = questions[p], questions[p + 1], questions[p + 2]
    p = p + 3
    if cost == 127 then
      cursor = cursor + 1
      cost = costs[cursor]
    end
    if isWindow[l] then
      if not onWindow(operation, k, l, x, cost) then fits = false end
    elseif operation == 0 then
      -- Nearly every question; a function call would be a fifth of its price.
      local states, most = full[l], capacity[l]
      local ahead = states[x] or 0
      if ahead > most then
        -- The clock was set back, or the limit lowered. Kept so, it would deny for longer than a limit takes to fill.
        ahead, dirty[l][x] = most, 1
      end
      before[k] = ahead
      ahead = ahead + period[l] * cost
      if ahead > most then fits = false else states[x] = ahead end
    elseif not onRate(operation, l, x, cost) then
      fits = false
    end
  end
  if not fits and operation == 0 then
    -- Backwards, so that a field that stands in one question twice ends with what it began with.
    for k = n, 1, -1 do
      local l, x = questions[q + 3 * k - 1], questions[q + 3 * k]
      if isWindow[l] then class[l].current[x] = before[k] else full[l][x] = before[k] end
    end
  end
  local writes = fits and operation ~= 1
  p = q + 2
  for k = 1, n do
    local l, x = questions[p], questions[p + 1]
    p = p + 3
    size = size + 1
    if isWindow[l] then
      local one = class[l]
      if writes then one.dirty[x] = 2 end
      reply[size] = fits and one.current[x] or -1 - one.current[x]
      reply[size + 1] = one.previous[x]
      reply[size + 2] = now - one.window[x]
      size = size + 2
    else
      if writes then dirty[l][x] = 1 end
      reply[size] = fits and (full[l][x] or 0) or -1 - min(full[l][x] or 0, capacity[l])
    end
  end
  q = p
end

for _, one in ipairs(classes) do
  local writes, w, moved = {}, 0, {}
  for x = 1, one.count do
    local kind = one.dirty[x]
    if kind then
      local name = one.names[x + 1]
      writes[w + 1] = name
      if kind == 1 and one.window[x] or kind == 2 and one.full[x] then broken = broken + 1 end
      if kind == 1 then
        writes[w + 2] = pack('<d', now + one.full[x])
      else
        writes[w + 2] = pack('<ddd', one.window[x], one.current[x], one.previous[x])
      end
      w = w + 2
      if one.moved[x] then moved[#moved + 1] = name end
    end
  end
  if w > 0 then
    if one.fresh then
      if redis.call('UNLINK', one.key) == 1 and one.foreign then broken = broken + 1 end
      writes[w + 1], writes[w + 2] = 'g', one.marker
    end
    redis.call('HSET', one.key, unpack(writes))
    if one.fresh then
      redis.call('PEXPIRE', one.key, string.format('%.0f', math.ceil((one.endsAt - now) / 1000) + 100))
    end
    -- A subject is kept once, not in two generations.
    if #moved > 0 then redis.call('HDEL', one.lastKey, unpack(moved)) end
  end
end
if news then
  -- Another one than before, also where the server has lost it; as change-rulings.lua makes it.
  reply[1] = (version < now or version >= now + 86400000000) and now or version + 1
  redis.call('SET', KEYS[#KEYS], string.format('%.0f', reply[1]), 'PX', VERSION_LIFE_MS)
end
reply[2] = broken
-- As text: the server and the client handle one value instead of a hundred.
return pack('<' .. string.rep('d', size), unpack(reply))
