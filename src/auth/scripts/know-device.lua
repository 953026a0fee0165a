-- Whether a user has logged in with a device lately.
--
-- KEYS[1]   the user's devices (remember-device.lua)
-- ARGV[1]   life of a device, milliseconds
-- ARGV[2…]  digests of the device, under each key of the ring
-- reply     1 or 0

local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000 + math.floor(tonumber(clock[2]) / 1000)
for i = 2, #ARGV do
  local last = redis.pcall('ZSCORE', KEYS[1], ARGV[i])
  if type(last) == 'string' and now - tonumber(last) < tonumber(ARGV[1]) then return 1 end
end
return 0
