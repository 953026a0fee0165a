-- Removes a bounded number of the log's oldest entries: those past their time, and those beyond the ceiling.
--
-- KEYS[1]  log
-- ARGV[1]  life of an entry, milliseconds
-- ARGV[2]  ceiling, entries
-- ARGV[3]  group whose work is waited for
-- ARGV[4]  entries to remove, about
-- reply    integers: how many were removed; entries that are left; age of the oldest, milliseconds; 1 where the group holds
--          back what should go; 1 where there is more to do
--
-- What the group has not acknowledged stays, and everything where there is no such group. Ages are by the server's clock.

local log, life, ceiling, most = KEYS[1], tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[4])

local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
local cut = string.format('%.0f-0', now - life)

-- Ids are pairs of 64-bit decimals, more than a number of Lua holds.
local function lower(a, b) return #a < #b or (#a == #b and a < b) end
local function before(a, b)
  local aMs, aSeq = string.match(a, '^([0-9]+)%-([0-9]+)$')
  local bMs, bSeq = string.match(b, '^([0-9]+)%-([0-9]+)$')
  if aMs ~= bMs then return lower(aMs, bMs) end
  return lower(aSeq, bSeq)
end

-- What comes before it may go; where nothing is pending it is the last that was delivered, and may go as well.
local function firstNeeded()
  for _, group in ipairs(redis.call('XINFO', 'GROUPS', log)) do
    local facts = {}
    for at = 1, #group, 2 do facts[group[at]] = group[at + 1] end
    if facts['name'] == ARGV[3] then
      local pending = redis.call('XPENDING', log, ARGV[3])
      if pending[2] then return pending[2], true end
      return facts['last-delivered-id'], false
    end
  end
  return '0-0', true
end

local length = redis.call('XLEN', log)
if length == 0 then return { 0, 0, 0, 0, 0 } end
local needed, pending = firstNeeded()

local bound = before(needed, cut) and needed or cut
local removed = redis.call('XTRIM', log, 'MINID', '~', bound, 'LIMIT', most)

local beyond = math.min(length - removed - ceiling, most)
if beyond > 0 then
  -- One by one, since a page of large entries may be more than a script should hold.
  local last, stop
  for _ = 1, beyond + 1 do
    stop = redis.call('XRANGE', log, last and '(' .. last or '-', '+', 'COUNT', 1)[1]
    if not stop or not before(stop[1], needed) then break end
    last = stop[1]
  end
  if stop then removed = removed + redis.call('XTRIM', log, 'MINID', '=', stop[1]) end
end

local left = redis.call('XLEN', log)
local oldest = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
if not oldest then return { removed, left, 0, 0, 0 } end
local age = math.max(0, now - tonumber(string.match(oldest[1], '^[0-9]+')))
local due = left > ceiling or before(oldest[1], cut)
local held = due and (before(needed, oldest[1]) or (pending and needed == oldest[1]))
return { removed, left, age, held and 1 or 0, removed > 0 and 1 or 0 }
