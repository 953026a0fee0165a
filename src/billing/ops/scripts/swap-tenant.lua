-- Puts what was built in the place of a tenant's stream, at one moment: no reader finds it half full.
--
-- KEYS[1]  stream of the tenant
-- KEYS[2]  what was built, a stream with the ids of the log
-- KEYS[3]  sorted set of tenants that hold something
-- KEYS[4]  lock of whoever builds
-- KEYS[5]  how far building has come
-- KEYS[6]  where the old stream is put aside
-- ARGV[1]  everything up to this entry was looked at; what the tenant had after it is taken over
-- ARGV[2]  entries to take over at most
-- ARGV[3]  tenant
-- ARGV[4]  the text of the lock
-- ARGV[5]  entries that were built
-- ARGV[6]  what the tenant had from this entry on is left out
-- reply    integers: entries before, entries now; or twice the same, and nothing was changed: -1 where the lock is
--          another's, -2 where there are more to take over, -3 where what was built is not what was left there
--
-- What was built changes its name: that takes as long for a million entries as for one, and the old stream is freed beside
-- the work of the server, as the last thing: whatever the server refuses by then, the tenant has a whole stream that does not
-- end by itself. Only what is taken over is copied.

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
local found = before and redis.call('XRANGE', stream, '(' .. ARGV[1], '(' .. ARGV[6], 'COUNT', most + 1) or {}
if #found > most then return { -2, -2 } end

for _, entry in ipairs(found) do
  if #entry[2] <= 2 * MOST_FIELDS then
    redis.call('XADD', built, entry[1], unpack(entry[2]))
    entries = entries + 1
  end
end
if entries == 0 then
  redis.call('UNLINK', stream, KEYS[5])
  return { before or 0, 0 }
end
local livesMs = math.max(1, redis.call('PTTL', KEYS[5]))
redis.call('PERSIST', built)
if redis.call('EXISTS', stream) == 1 then
  local aside = redis.pcall('RENAME', stream, KEYS[6])
  if aside.err then
    -- What is not put in place ends by itself.
    redis.call('PEXPIRE', built, livesMs)
    return aside
  end
end
redis.call('RENAME', built, stream)
redis.pcall('ZADD', KEYS[3], 'NX', '0', ARGV[3])
-- It is done, whether this is refused or not; the next rebuild puts its stream in the place of what stays.
redis.pcall('UNLINK', KEYS[5], KEYS[6])
return { before or 0, entries }
