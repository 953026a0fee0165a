-- Which events were taken already, by the marks that append.lua leaves.
--
-- KEYS     marks of events
-- reply    a text: of each key 1 where there is a mark, 0 where there is none, or something foreign in its place

-- As append.lua: what nobody could read back is no mark.
local MOST = 9007199254740991
local LARGEST_OF_ID = '18446744073709551615'

local function partOfId(digits)
  if digits ~= '0' and not string.find(digits, '^[1-9]') then return false end
  return #digits < #LARGEST_OF_ID or (#digits == #LARGEST_OF_ID and digits <= LARGEST_OF_ID)
end

local function isMark(text)
  local ms, rest, sequence = string.match(text, '^([0-9]+)%-([0-9]+)%.([0-9]+)%.[01]$')
  return ms and partOfId(ms) and partOfId(rest) and tonumber(sequence) <= MOST
end

local said = {}
for at, key in ipairs(KEYS) do
  local mark = redis.pcall('GET', key)
  if type(mark) == 'table' and mark.err and not string.find(mark.err, 'WRONGTYPE', 1, true) then return mark end
  said[at] = type(mark) == 'string' and isMark(mark) and '1' or '0'
end
return table.concat(said)
