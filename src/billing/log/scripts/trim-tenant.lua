-- Removes a bounded number of the oldest entries of one tenant's stream, and says when to look again.
--
-- KEYS[1]  sorted set of tenants, by when they are next to be trimmed
-- KEYS[2]  stream of the tenant
-- ARGV     tenant; life of an entry, milliseconds; ceiling, entries; entries to remove, about; pause until the next look,
--          milliseconds
-- reply    integers: how many were removed; 1 where something foreign stands in the place of the stream
--
-- A tenant of which there is more to remove stays due. One without entries is forgotten until it has one again; its stream
-- and its count stay, so that ids and numbers go on.

local tenants, stream = KEYS[1], KEYS[2]
local tenant, life, ceiling, most, pause = ARGV[1], tonumber(ARGV[2]), ARGV[3], ARGV[4], tonumber(ARGV[5])

local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
local cut = string.format('%.0f-0', now - life)

local removed = redis.pcall('XTRIM', stream, 'MINID', '~', cut, 'LIMIT', most)
if type(removed) == 'table' then
  if not string.find(removed.err, 'WRONGTYPE', 1, true) then return removed end
  redis.call('ZADD', tenants, string.format('%.0f', now + pause), tenant)
  return { 0, 1 }
end
-- `~` leaves the first node where it holds something young as well; what is old in it are a hundred entries at most.
if removed == 0 then removed = redis.call('XTRIM', stream, 'MINID', '=', cut) end
removed = removed + redis.call('XTRIM', stream, 'MAXLEN', '~', ceiling, 'LIMIT', most)

if redis.call('XLEN', stream) == 0 then
  redis.call('ZREM', tenants, tenant)
elseif removed == 0 then
  redis.call('ZADD', tenants, string.format('%.0f', now + pause), tenant)
end
return { removed, 0 }
