-- Which events were taken already, by the marks that append.lua leaves.
--
-- KEYS     marks of events
-- reply    a text: of each key 1 where there is a mark, 0 where there is none, or something foreign in its place

local said = {}
for at, key in ipairs(KEYS) do
  local mark = redis.pcall('GET', key)
  if type(mark) == 'table' and mark.err and not string.find(mark.err, 'WRONGTYPE', 1, true) then return mark end
  local known = type(mark) == 'string' and string.match(mark, '^[0-9]+%-[0-9]+%.[0-9]+%.[01]$')
  said[at] = known and '1' or '0'
end
return table.concat(said)
