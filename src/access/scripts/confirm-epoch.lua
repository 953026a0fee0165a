-- Takes over an epoch that SQL has told: the mirror grows, and is confirmed as of now.
--
-- KEYS[1]   mirror of the user's epoch: `epoch:when it was confirmed`
-- KEYS[2]   optional: a session that goes on under the new epoch
-- ARGV[1]   epoch that SQL told
-- ARGV[2]   epoch that the mirror had before SQL was asked; 0: unknown
-- reply     the epoch of the mirror afterwards, as a text
--
-- It never shrinks because of an answer that was overtaken. Only where SQL told less than the mirror had before, and has
-- still, SQL itself went back (a restored backup), and the mirror with it.

local clock = redis.call('TIME')
local now = string.format('%.0f', tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000))
local told, before = tonumber(ARGV[1]), tonumber(ARGV[2])
local held = redis.pcall('GET', KEYS[1])
local digits = type(held) == 'string' and string.match(held, '^([0-9]+):[0-9]+$')
-- More digits than an epoch can have: foreign.
local known = digits and #digits <= 15 and tonumber(digits) or 0
local epoch = math.max(told, known)
if told < before and known == before then epoch = told end
local text = string.format('%.0f', epoch)
redis.call('SET', KEYS[1], text .. ':' .. now)

if KEYS[2] then
  local session = redis.pcall('GET', KEYS[2])
  local rest = type(session) == 'string' and string.match(session, '^1|[0-9]+(|.*)$')
  local left = redis.call('PTTL', KEYS[2])
  if rest and left > 0 then redis.call('SET', KEYS[2], '1|' .. text .. rest, 'PX', left) end
end
return text
