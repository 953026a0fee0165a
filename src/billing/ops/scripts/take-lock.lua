-- Takes a lock that nobody holds.
--
-- KEYS[1]  lock, a text: `<token> <owner> <since, milliseconds since the epoch>`, and ` done` behind it where its work is
-- ARGV[1]  the text
-- ARGV[2]  life without a renewal, milliseconds
-- reply    text and integer: what is held, ours or another's, and how long it lives without a renewal, milliseconds
--
-- Asked again after a lost answer, it is taken as the first time. Every lock of ours ends, since it is put there with its life
-- in one command: what has no end, or is no text, is none, and whoever waited for it would wait for ever.

local held = redis.pcall('GET', KEYS[1])
if type(held) == 'table' and held.err then
  if not string.find(held.err, 'WRONGTYPE', 1, true) then return held end
  held = nil
end
if held and held ~= ARGV[1] then
  local livesMs = redis.call('PTTL', KEYS[1])
  if livesMs >= 0 then return { held, livesMs } end
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return { ARGV[1], tonumber(ARGV[2]) }
