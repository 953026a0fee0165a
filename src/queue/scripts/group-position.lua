-- Where a consumer group stands in its stream, all of it at one moment.
--
-- KEYS[1]  the stream
-- ARGV[1]  consumer group
-- ARGV[2]  entries to count at most where the server does not know the lag
-- reply    now in milliseconds since the epoch, entries of the stream, entries that the group was not given yet, entries
--          that it was given and has not settled; then four ids, each empty where there is none: oldest of the stream,
--          last that was given, oldest not settled, oldest not given
--
-- The server does not know the lag behind a deleted entry, nor that of a group which began in the middle. Then what lies
-- behind the last that was given is counted.

local PAGE = 100

local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)

local function facts(row)
  local found = {}
  for i = 1, #row, 2 do found[row[i]] = row[i + 1] end
  return found
end

local function first(from)
  local found = redis.call('XRANGE', KEYS[1], from, '+', 'COUNT', 1)
  return found[1] and found[1][1] or ''
end

local function count(from, most)
  local counted, at = 0, from
  while counted < most do
    local page = redis.call('XRANGE', KEYS[1], '(' .. at, '+', 'COUNT', PAGE)
    counted = counted + #page
    if #page < PAGE then break end
    at = page[#page][1]
  end
  return counted
end

local length = redis.call('XLEN', KEYS[1])
local groups = redis.pcall('XINFO', 'GROUPS', KEYS[1])
local group
if not groups.err then
  for _, row in ipairs(groups) do
    local found = facts(row)
    if found.name == ARGV[1] then group = found end
  end
end
local oldest = first('-')
if not group then return { now, length, length, 0, oldest, '', '', oldest } end

local given = group['last-delivered-id']
local waiting = first('(' .. given)
local lag = 0
if waiting ~= '' then lag = tonumber(group.lag or nil) or count(given, tonumber(ARGV[2])) end
-- Entries that were trimmed before they were given still count in the server's lag.
if lag > length then lag = length end
local pending = redis.call('XPENDING', KEYS[1], ARGV[1])
return { now, length, lag, pending[1], oldest, given, pending[2] or '', waiting }
