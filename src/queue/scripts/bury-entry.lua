-- Puts an entry among the dead letters and acknowledges it: both or neither.
--
-- KEYS[1]  the stream
-- KEYS[2]  the stream of dead letters
-- ARGV[1]  consumer group
-- ARGV[2]  consumer that has the entry
-- ARGV[3]  the entry
-- ARGV[4]  deliveries that the consumer knows of; another number: somebody else has it
-- ARGV[5]  why, one word
-- ARGV[6]  dead letters that are kept, about; the oldest leave first
-- reply    1, or 0 where the entry is not the consumer's any more
--
-- A dead letter has the fields `entry`, `group`, `reason` and `deliveries`, and behind them those of the entry. Of an
-- entry with very many fields, which is none of ours, they are left out: their number would end the script.

local MOST_FIELDS = 128

local held = redis.pcall('XPENDING', KEYS[1], ARGV[1], ARGV[3], ARGV[3], 1)
local ours = held[1] and held[1][2] == ARGV[2] and held[1][4] == tonumber(ARGV[4])
if held.err or not ours then return 0 end

local letter = { 'entry', ARGV[3], 'group', ARGV[1], 'reason', ARGV[5], 'deliveries', ARGV[4] }
local found = redis.call('XRANGE', KEYS[1], ARGV[3], ARGV[3])
local fields = found[1] and found[1][2] or {}
if #fields <= 2 * MOST_FIELDS then
  for _, text in ipairs(fields) do letter[#letter + 1] = text end
end
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[6], '*', unpack(letter))
redis.call('XACK', KEYS[1], ARGV[1], ARGV[3])
return 1
