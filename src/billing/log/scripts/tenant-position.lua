#!lua flags=no-writes
-- Says how much of a tenant's stream is kept, as of one moment.
--
-- KEYS[1]  stream of the tenant
-- KEYS[2]  hash of sequences
-- ARGV[1]  tenant
-- reply    texts: id and sequence of the oldest entry that is kept, id and sequence of the newest one, the count of the
--          tenant; empty where there is none
--
-- Foreign entries are passed over, a few of them. In the place of a foreign count stands the newest number that is kept.

local FOREIGN_PASSED_OVER = 1000
-- Beyond this, numbers of Lua have gaps.
local MOST = 9007199254740991

local function sequenceOf(entry)
  for at = 1, #entry[2], 2 do
    if entry[2][at] == 's' then
      local sequence = string.match(entry[2][at + 1], '^[1-9][0-9]*$')
      return sequence and tonumber(sequence) <= MOST and sequence
    end
  end
end

local function first(command, from, to)
  for _ = 1, FOREIGN_PASSED_OVER do
    local entry = redis.call(command, KEYS[1], from, to, 'COUNT', 1)[1]
    if not entry then break end
    local sequence = sequenceOf(entry)
    if sequence then return entry[1], sequence end
    from = '(' .. entry[1]
  end
  return '', ''
end

local oldest, oldestSequence = first('XRANGE', '-', '+')
local newest, newestSequence = first('XREVRANGE', '+', '-')
local count = redis.call('HGET', KEYS[2], ARGV[1]) or ''
if count ~= '' and not (string.find(count, '^[0-9]+$') and tonumber(count) < MOST) then count = newestSequence end
return { oldest, oldestSequence, newest, newestSequence, count }
