-- Counts a login attempt as a failure before it is known to be one, unless the account is locked.
--
-- KEYS[1]   the record of an account, a hash: failures in a row, until (moment at which the lock ends), device (failures
--           in a row of known devices)
-- ARGV[1]   milliseconds after which a record is forgotten
-- ARGV[2]   1: from a known device of the owner, which no lock keeps out
-- ARGV[3]   failures of known devices from which on they are strangers
-- ARGV[4]   failures that are remembered elsewhere; 0: none
-- ARGV[5]   moment at which their lock ends, milliseconds since the epoch
-- ARGV[6]   1: they count beside the record; 0: only where there is no record
-- ARGV[7…]  tiers, ascending, two each: failures, milliseconds of the lock (-1: held)
-- reply     texts: counted, device or locked; failures; moment at which the lock ends (0: none, or held); milliseconds
--           until then
--
-- Numbers are texts: they are larger than a Lua integer prints. The time is the server's, milliseconds since the epoch.
-- An attempt that is locked out changes nothing: it neither counts nor extends the lock nor the life of the record.

local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
local text = function(number) return string.format('%.0f', number) end
local key, life = KEYS[1], tonumber(ARGV[1])

local held = redis.pcall('HMGET', key, 'failures', 'until', 'device')
if held.err then
  redis.call('UNLINK', key)
  held = { false, false, false }
end
local known = held[1] ~= false
local failures, ends, device = tonumber(held[1] or 0) or 0, tonumber(held[2] or 0) or 0, tonumber(held[3] or 0) or 0
if not known or ARGV[6] == '1' then
  failures, ends = math.max(failures, tonumber(ARGV[4])), math.max(ends, tonumber(ARGV[5]))
end

-- @return milliseconds of the lock that so many failures bring; nil: none
local function lockOf(count)
  local lock
  for i = 7, #ARGV, 2 do
    if count >= tonumber(ARGV[i]) then lock = tonumber(ARGV[i + 1]) end
  end
  return lock
end

local function write()
  redis.call('HSET', key, 'failures', text(failures), 'until', text(ends), 'device', text(device))
  redis.call('PEXPIRE', key, text(life))
end

if ARGV[2] == '1' and device < tonumber(ARGV[3]) then
  device = device + 1
  write()
  return { 'device', text(failures), text(ends), '0' }
end

local lock = lockOf(failures)
if lock == -1 then return { 'locked', text(failures), '0', '0' } end
-- Never longer than the tier says, should the server's clock have been set back.
if lock then ends = math.min(ends, now + lock) else ends = 0 end
if ends > now then return { 'locked', text(failures), text(ends), text(ends - now) } end

failures = failures + 1
lock = lockOf(failures)
ends = lock and lock ~= -1 and now + lock or 0
write()
return { 'counted', text(failures), text(ends), '0' }
