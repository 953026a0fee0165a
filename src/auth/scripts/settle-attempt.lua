-- Says what became of an attempt that was counted, or lifts a lock.
--
-- KEYS[1]   the record of an account, a hash (fields: reserve-attempt.lua)
-- ARGV[1]   lift: nothing is left of it; device: a known device was right, which says nothing about strangers;
--           unasked: the password was not looked at, so the attempt does not count; unasked-device: nor this one
-- ARGV[2]   lift: milliseconds for which the empty record stays, so that what is remembered elsewhere, and is being
--           lifted there as well, does not come back; unasked: moment at which the lock ends that the attempt brought
-- reply     1, or 0 where there was no record

local key = KEYS[1]
local held = redis.pcall('HMGET', key, 'failures', 'until', 'device')
local known = not held.err and held[1] ~= false

if ARGV[1] == 'lift' then
  -- What frees memory comes first: a server that is full carries it out.
  redis.call('UNLINK', key)
  redis.call('HSET', key, 'failures', '0', 'until', '0', 'device', '0')
  redis.call('PEXPIRE', key, ARGV[2])
elseif known and ARGV[1] == 'device' then
  redis.call('HSET', key, 'device', '0')
elseif known then
  local field = ARGV[1] == 'unasked' and 'failures' or 'device'
  local count = tonumber(field == 'failures' and held[1] or held[3]) or 0
  redis.call('HSET', key, field, string.format('%.0f', math.max(0, count - 1)))
  if field == 'failures' and held[2] == ARGV[2] then redis.call('HSET', key, 'until', '0') end
end
return known and 1 or 0
