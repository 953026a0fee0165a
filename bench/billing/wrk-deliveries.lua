-- Sends signed deliveries from a file, each of them once: whole requests of equal length, one after the other.
-- Arguments: file, bytes of one request. When the file is over, it stays with the last one; the caller sees that there
-- were too few.
local file, size, last

function init(args)
  file = io.open(args[1], 'rb')
  size = tonumber(args[2])
end

function request()
  last = file:read(size) or last
  return last
end
