-- Puts what was built in the place of a tenant's stream, at one moment: no reader finds it half full.
--
-- KEYS[1]  stream of the tenant
-- KEYS[2]  what was built, a stream with the ids of the log
-- KEYS[3]  sorted set of tenants that hold something
-- KEYS[4]  lock of whoever builds
-- KEYS[5]  how far building has come
-- ARGV[1]  everything up to this entry was looked at; what the tenant had after it is taken over
-- ARGV[2]  entries to take over at most
-- ARGV[3]  tenant
-- ARGV[4]  the text of the lock
-- ARGV[5]  entries that were built
-- reply    integers: entries before, entries now; or twice the same, and nothing was changed: -1 where the lock is
--          another's, -2 where there are more to take over, -3 where what was built is not what was left there
--
-- What was built changes its name: that takes as long for a million entries as for one, and the old stream is freed beside
-- the work of the server. Only what is taken over is copied.

-- An entry with more is none of ours, and writing it would end the script.
local MOST_FIELDS = 128

local stream, built = KEYS[1], KEYS[2]
local most = tonumber(ARGV[2])
if redis.call('GET', KEYS[4]) ~= ARGV[4] then return { -1, -1 } end

-- Something foreign in the place of a stream has no length.
local function length(key)
  local reply = redis.pcall('XLEN', key)
  if type(reply) == 'number' then return reply end
  if string.find(reply.err, 'WRONGTYPE', 1, true) then return nil end
  return redis.call('XLEN', key)
end

local entries = length(built)
if entries ~= tonumber(ARGV[5]) then return { -3, -3 } end

local before = length(stream)
local found = before and redis.call('XRANGE', stream, '(' .. ARGV[1], '+', 'COUNT', most + 1) or {}
if #found > most then return { -2, -2 } end

for _, entry in ipairs(found) do
  if #entry[2] <= 2 * MOST_FIELDS then
    redis.call('XADD', built, entry[1], unpack(entry[2]))
    entries = entries + 1
  end
end
redis.call('UNLINK', stream, KEYS[5])
if entries > 0 then
  redis.call('RENAME', built, stream)
  redis.call('PERSIST', stream)
  redis.pcall('ZADD', KEYS[3], 'NX', '0', ARGV[3])
end
return { before or 0, entries }
