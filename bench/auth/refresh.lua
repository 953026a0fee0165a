-- Exchanges refresh tokens: each answer's token is presented by a later request. The tokens of the first requests are
-- the lines of the file that the first argument names; each request comes from a network of its own.
local tokens, first, last, sent = {}, 1, 0, 0

function init(args)
  for line in io.lines(args[1]) do
    last = last + 1
    tokens[last] = line
  end
end

function request()
  local token = tokens[first]
  tokens[first] = nil
  first = first + 1
  sent = sent + 1
  local headers = {
    ['Content-Type'] = 'application/json',
    ['X-Forwarded-For'] = string.format('%d.%d.%d.7', 11 + math.floor(sent / 65536) % 80, math.floor(sent / 256) % 256, sent % 256)
  }
  return wrk.format('POST', '/v1/auth/refresh', headers, '{"refresh_token":"' .. (token or 'none') .. '"}')
end

function response(status, headers, body)
  local token = string.match(body, '"refresh_token":"([^"]+)"')
  if token then
    last = last + 1
    tokens[last] = token
  end
end
