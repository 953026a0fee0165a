-- Puts what was built in the place of a tenant's stream, at one moment: no reader finds it half full.
--
-- KEYS[1]  stream of the tenant
-- KEYS[2]  what was built, a stream with the ids of the log
-- KEYS[3]  sorted set of tenants that hold something
-- KEYS[4]  lock of whoever builds
-- ARGV[1]  last entry of the log that building has looked at; what the tenant had after it is taken over
-- ARGV[2]  entries at most
-- ARGV[3]  tenant
-- ARGV[4]  the text of the lock
-- reply    integers: entries before, entries now; entries that there would be and -2 where there are too many:
--          nothing was changed; -1 and -1 where the lock is another's
--
-- The server is held up for as long as it copies, so the number is bounded.

local PAGE = 100
-- An entry with more is none of ours, and writing it would end the script when the stream is gone already.
local MOST_FIELDS = 128

local stream, built = KEYS[1], KEYS[2]
if redis.call('GET', KEYS[4]) ~= ARGV[4] then return { -1, -1 } end

local function length(key)
  local reply = redis.pcall('XLEN', key)
  if type(reply) == 'number' then return reply end
  -- Foreign: it is what the stream is rebuilt for.
  if string.find(reply.err, 'WRONGTYPE', 1, true) then return nil end
  return redis.call('XLEN', key)
end

local before = length(stream)
local entries = redis.call('XLEN', built)
local later = {}
for _, entry in ipairs(before and redis.call('XRANGE', stream, '(' .. ARGV[1], '+', 'COUNT', ARGV[2] + 1) or {}) do
  if #entry[2] <= 2 * MOST_FIELDS then later[#later + 1] = entry end
end
if entries + #later > tonumber(ARGV[2]) then return { entries + #later, -2 } end

redis.call('DEL', stream)
local from = '-'
for _ = 1, math.ceil(entries / PAGE) do
  local page = redis.call('XRANGE', built, from, '+', 'COUNT', PAGE)
  for _, entry in ipairs(page) do redis.call('XADD', stream, entry[1], unpack(entry[2])) end
  if #page > 0 then from = '(' .. page[#page][1] end
end
for _, entry in ipairs(later) do redis.call('XADD', stream, entry[1], unpack(entry[2])) end
redis.call('DEL', built)
redis.pcall('ZADD', KEYS[3], 'NX', '0', ARGV[3])
return { before or 0, entries + #later }
