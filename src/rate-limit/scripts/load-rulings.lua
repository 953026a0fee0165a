-- Reads what operators have set: the version of it, one page of those who are blocked, and which limits are overridden.
--
-- KEYS[1]   version, a whole number
-- KEYS[2]   sorted set: a member is a blocked subject, its score the end of the block in milliseconds since the epoch
-- KEYS[3]   hash: a field says what is overridden and for whom, its value by what
-- ARGV[1]   entries that were read before · ARGV[2] most blocks to read now
-- ARGV[3]   longest block in milliseconds · ARGV[4] most fields of overrides · ARGV[5] most bytes of one text
-- ARGV[6]   moment of the first page; 0: this is it
-- reply     version (0: none); keys and entries that held something foreign; 1 where entries are left to read, else 0;
--           moment of the first page, milliseconds since the epoch; blocks: member and milliseconds left, in turn;
--           overrides, with the first page only: field and value, in turn
--
-- Blocks are read that were in force at the moment of the first page, those that end first in front: what ends meanwhile
-- moves no other to another page, and what others wrote with a later end stands behind. Entries beyond the longest block
-- are removed. The time is the server's. What an entry says is for the caller to judge; here only what could not have
-- been written by change-rulings.lua at all is left out.

local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
local first, page = tonumber(ARGV[1]), tonumber(ARGV[2])
local longest, most_fields, most_bytes = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local since = first > 0 and tonumber(ARGV[6]) or now
local broken = 0

local function whole(number) return string.format('%.0f', number) end

local held = redis.pcall('GET', KEYS[1])
local version = tonumber(held) or 0
-- Foreign, or so large that the caller could not tell it from its neighbour.
if not (version >= 0 and version < 9007199254740992 and version == math.floor(version)) then version = 0 end
if held and version == 0 and first == 0 then broken = broken + 1 end

local blocks, b = {}, 0
if first == 0 then
  local removed = redis.pcall('ZREMRANGEBYSCORE', KEYS[2], '(' .. whole(now + longest), '+inf')
  -- Refused by a server that takes no writes: they are left out all the same.
  if type(removed) == 'number' then broken = broken + removed end
end
-- One more than is asked for tells whether there are more.
local ranked = redis.pcall('ZRANGE', KEYS[2], '(' .. whole(since), whole(since + longest), 'BYSCORE',
  'LIMIT', first, page + 1, 'WITHSCORES')
if ranked.err then broken, ranked = broken + 1, {} end
local rest = #ranked > 2 * page and 1 or 0
for i = 1, math.min(#ranked, 2 * page), 2 do
  local member, left = ranked[i], math.ceil((tonumber(ranked[i + 1]) or 0) - now)
  if #member > most_bytes or left > longest then
    broken = broken + 1
  elseif left > 0 then
    blocks[b + 1], blocks[b + 2] = member, left
    b = b + 2
  end
end

local overrides, o = {}, 0
local count = first == 0 and redis.pcall('HLEN', KEYS[3]) or 0
if type(count) == 'table' or count > most_fields then
  broken = broken + 1
elseif count > 0 then
  local pairs_ = redis.call('HGETALL', KEYS[3])
  for i = 1, #pairs_, 2 do
    if #pairs_[i] > most_bytes or #pairs_[i + 1] > most_bytes then
      broken = broken + 1
    else
      overrides[o + 1], overrides[o + 2] = pairs_[i], pairs_[i + 1]
      o = o + 2
    end
  end
end

return { version, broken, rest, since, blocks, overrides }
