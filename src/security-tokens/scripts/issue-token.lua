-- Keeps a new token of a subject, and ends the oldest ones beyond what may be valid at once.
--
-- KEYS[1]  the tokens of one kind and one subject, a hash: digest of a token → its record
-- ARGV[1]  digest of the new token
-- ARGV[2]  its life, milliseconds
-- ARGV[3]  tokens that may be valid at once
-- ARGV[4]  what is kept with it, sealed, without a blank
-- reply    end of its life, milliseconds since the epoch, as text
--
-- A record is a text: end of life, end of lease (both milliseconds since the epoch; 0: no lease), times it was claimed,
-- who claimed it (`-`: nobody, `spent:<claim>`: it is used up), what is kept. The time is the server's.

local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
local ends = now + tonumber(ARGV[2])
local most = tonumber(ARGV[3])

local held = redis.pcall('HGETALL', KEYS[1])
if held.err then
  -- Something foreign: nothing in it is a token. Any other error is raised by asking again.
  if not string.find(held.err, 'WRONGTYPE', 1, true) then redis.call('HGETALL', KEYS[1]) end
  redis.call('UNLINK', KEYS[1])
  held = {}
end

-- Before anything else is touched: where the server takes no write, nothing has ended.
local text = string.format('%.0f', ends)
redis.call('HSET', KEYS[1], ARGV[1], text .. ' 0 0 - ' .. ARGV[4])

local living, last = {}, ends
for i = 1, #held, 2 do
  local expires, claim = string.match(held[i + 1], '^([0-9]+) [0-9]+ [0-9]+ (%S+) ')
  expires = tonumber(expires or 0)
  if expires <= now then
    redis.call('HDEL', KEYS[1], held[i])
  elseif string.sub(claim, 1, 6) ~= 'spent:' then
    living[#living + 1] = { digest = held[i], ends = expires }
  end
end
table.sort(living, function(a, b) return a.ends < b.ends end)
for i, one in ipairs(living) do
  if i <= #living - most + 1 then redis.call('HDEL', KEYS[1], one.digest)
  else last = math.max(last, one.ends) end
end

redis.call('PEXPIRE', KEYS[1], string.format('%.0f', last - now))
return text
