-- Takes a token for a while: of any number of claims exactly one has it until it is settled or its lease has run out.
--
-- KEYS[1]  tokens of one subject, as in issue-token.lua
-- ARGV[1]  the claim
-- ARGV[2]  length of a lease, milliseconds
-- ARGV[3]  times that a token may be claimed and not be released (settle-token.lua)
-- ARGV[4…] digests that it may be kept under, one for each secret of the ring
-- reply    two texts and a number: outcome (`claimed`, `busy`, `unknown`), what is kept with the token, milliseconds
--          that the lease goes on
--
-- The same claim asked twice is answered twice: whoever lost an answer asks again and has what it took.

local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
local length = tonumber(ARGV[2])
local unknown = { 'unknown', '', 0 }

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
for i = 4, #ARGV do
  local held = read(ARGV[i])
  if held then digest, value = ARGV[i], held end
end
if not value then return unknown end

local ends, lease, tries, claim, kept = string.match(value, '^([0-9]+) ([0-9]+) ([0-9]+) (%S+) (%S+)$')
if not ends or tonumber(ends) <= now or string.sub(claim, 1, 6) == 'spent:' then return unknown end
lease, tries = tonumber(lease), tonumber(tries)

if lease > now + length then
  -- The server's clock was set back: nobody holds a token for longer than a lease.
  lease = now + length
end
if lease > now then
  if claim == ARGV[1] then return { 'claimed', kept, lease - now } end
  return { 'busy', '', lease - now }
end

if tries >= tonumber(ARGV[3]) then
  redis.call('HDEL', KEYS[1], digest)
  return unknown
end

lease = now + length
redis.call('HSET', KEYS[1], digest, ends .. string.format(' %.0f %.0f ', lease, tries + 1) .. ARGV[1] .. ' ' .. kept)
-- It may end while it is in use, but not be forgotten: whoever finishes must find it.
if redis.call('PTTL', KEYS[1]) < 2 * length then
  redis.call('PEXPIRE', KEYS[1], string.format('%.0f', 2 * length))
end
return { 'claimed', kept, length }
