-- Ends leases. One that is gone already is no fault, and a key that holds something foreign is left alone.
--
-- KEYS   sorted sets as in acquire-leases.lua, each once
-- ARGV   for each key: number of leases, the leases
-- reply  how many there still were

local removed, at = 0, 1
for _, key in ipairs(KEYS) do
  local count = tonumber(ARGV[at])
  local members = {}
  for m = 1, count do members[m] = ARGV[at + m] end
  at = at + 1 + count
  local done = redis.pcall('ZREM', key, unpack(members))
  if type(done) == 'number' then removed = removed + done end
end
return removed
