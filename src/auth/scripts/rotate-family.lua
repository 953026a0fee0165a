-- Exchanges a refresh token for its successor, once; or says what else it is. Its MAC was right: we issued it.
--
-- KEYS[1]   the family, a hash: user, session, generation and digest of its newest token, ends, idle (moments),
--           confirmed (1: its newest token has arrived), spent (tokens that were exchanged lately, the last one
--           first, separated by spaces: `generation|moment|digest|sealed successor`); of a family that was revoked for
--           reuse: user, session, ends, reused, told (1: the owner knows)
-- ARGV[1]   generation of the token
-- ARGV[2]   digest of the successor that is offered
-- ARGV[3]   that successor, sealed under the token
-- ARGV[4]   longest life unused, milliseconds
-- ARGV[5]   grace, milliseconds: a token that was spent within it is answered again
-- ARGV[6]   milliseconds for which the last one is, while its successor has not arrived
-- ARGV[7]   how long the family is kept beyond its end, milliseconds
-- ARGV[8…]  digests of the token, under each key of the ring
-- reply     texts: unknown; or expired, user, session; or reused, user, session, 1 where the owner knows; or
--           rotated or replayed, user, session, end, end if unused, generation of the newest token, and of a replay
--           the sealed successor
--
-- Numbers are texts: they are larger than a Lua integer prints. The time is the server's, milliseconds since the epoch.

local MOST_SPENT = 8

local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
local text = function(number) return string.format('%.0f', number) end
local key, presented = KEYS[1], tonumber(ARGV[1])
local grace, lost, kept = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])

local held = redis.pcall('HMGET', key, 'user', 'session', 'ends', 'idle', 'generation', 'digest', 'confirmed', 'spent',
  'reused', 'told')
if held.err or not held[1] or not held[2] then return { 'unknown' } end
local user, session = held[1], held[2]
if held[9] then return { 'reused', user, session, held[10] == '1' and '1' or '0' } end
local ends, idle, generation = tonumber(held[3]), tonumber(held[4]), tonumber(held[5])
local digest, confirmed, spent = held[6], held[7] == '1', held[8]
if not (ends and idle and generation and digest and spent) then return { 'unknown' } end
if now >= ends or now >= idle then return { 'expired', user, session } end

local function isPresented(other)
  for i = 8, #ARGV do
    if ARGV[i] == other then return true end
  end
  return false
end

-- A later generation than the newest was issued before the server lost its last writes (a fail-over, an older file).
-- It is the newest one, and those that the server still knows are spent.
if presented > generation or presented == generation and isPresented(digest) then
  -- The digest that is stored was made with the key of the token's MAC: who knows one knows the other.
  local own = presented == generation and digest or ARGV[8]
  local entries = { text(presented) .. '|' .. text(now) .. '|' .. own .. '|' .. ARGV[3] }
  for entry, at in string.gmatch(spent, '([0-9]+|([0-9]+)|%S+)') do
    if #entries >= MOST_SPENT or now - tonumber(at) > grace then break end
    entries[#entries + 1] = entry
  end
  idle = math.min(now + tonumber(ARGV[4]), ends)
  redis.call('HSET', key, 'generation', text(presented + 1), 'digest', ARGV[2], 'idle', text(idle), 'confirmed', '0',
    'spent', table.concat(entries, ' '))
  redis.call('PEXPIRE', key, text(idle - now + kept))
  return { 'rotated', user, session, text(ends), text(idle), text(presented + 1) }
end

for number, at, other, sealed in string.gmatch(spent, '([0-9]+)|([0-9]+)|([^|%s]+)|(%S+)') do
  if tonumber(number) == presented and isPresented(other) then
    local age = math.max(0, now - tonumber(at))
    local unused = presented == generation - 1 and not confirmed
    if age <= grace or unused and age <= lost then
      return { 'replayed', user, session, text(ends), text(idle), text(generation), sealed }
    end
  end
end

-- Two hold tokens of one family: whose is the right one cannot be told. What frees memory comes first: a server that is
-- full carries it out.
redis.call('UNLINK', key)
redis.call('HSET', key, 'user', user, 'session', session, 'ends', text(ends), 'reused', text(now))
redis.call('PEXPIRE', key, text(ends - now + kept))
return { 'reused', user, session, '0' }
