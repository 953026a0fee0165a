-- Ends a claim: the token is used up, or free again for the next one.
--
-- KEYS[1]  tokens of one subject, as in issue-token.lua
-- ARGV[1]  the claim
-- ARGV[2]  `finish`; `release`: as if it had not been claimed; `fail`: free again, and the claim counts as one of those
--          that a token bears
-- ARGV[3…] digests that the token may be kept under, one for each secret of the ring
-- reply    `settled`; `gone` where the token is not there any more; `taken` where another claim has it or had it
--
-- Settling once more is answered as the first time: what is left of a used token says for a minute who used it.

local SPENT_MS = 60000

-- Something foreign in the place of tokens is none. Any other error is raised by asking again: it is no answer.
local function read(digest)
  local held = redis.pcall('HGET', KEYS[1], digest)
  if type(held) == 'table' then
    if not string.find(held.err, 'WRONGTYPE', 1, true) then redis.call('HGET', KEYS[1], digest) end
    return false
  end
  return held
end

local digest, value
for i = 3, #ARGV do
  local held = read(ARGV[i])
  if held then digest, value = ARGV[i], held end
end
local ends, tries, claim, kept = string.match(value or '', '^([0-9]+) [0-9]+ ([0-9]+) (%S+) (%S+)$')
if not ends then return 'gone' end

local spent = 'spent:' .. ARGV[1]
if claim == spent and ARGV[2] == 'finish' then return 'settled' end
if claim ~= ARGV[1] then return 'taken' end

local record
if ARGV[2] == 'finish' then
  local clock = redis.call('TIME')
  local soon = tonumber(clock[1]) * 1000 + SPENT_MS
  record = string.format('%.0f 0 ', soon) .. tries .. ' ' .. spent .. ' -'
  if redis.call('PTTL', KEYS[1]) < SPENT_MS then redis.call('PEXPIRE', KEYS[1], SPENT_MS) end
else
  if ARGV[2] == 'release' then tries = string.format('%.0f', math.max(0, tonumber(tries) - 1)) end
  record = ends .. ' 0 ' .. tries .. ' - ' .. kept
end
redis.call('HSET', KEYS[1], digest, record)
return 'settled'
