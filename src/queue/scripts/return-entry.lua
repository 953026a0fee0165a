-- Lets an entry be claimed again: at once, or after a while.
--
-- KEYS[1]  the stream
-- ARGV[1]  consumer group
-- ARGV[2]  consumer that has the entry
-- ARGV[3]  the entry
-- ARGV[4]  deliveries that the consumer knows of; another number: somebody else has it
-- ARGV[5]  consumer that it is put aside for
-- ARGV[6]  milliseconds that it counts as left alone from now on
-- ARGV[7]  deliveries that it counts from now on
-- reply    1, or 0 where the entry is not the consumer's any more

local held = redis.pcall('XPENDING', KEYS[1], ARGV[1], ARGV[3], ARGV[3], 1)
local ours = held[1] and held[1][2] == ARGV[2] and held[1][4] == tonumber(ARGV[4])
if held.err or not ours then return 0 end
local options = { 'IDLE', ARGV[6], 'RETRYCOUNT', ARGV[7], 'JUSTID' }
redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[5], 0, ARGV[3], unpack(options))
return 1
