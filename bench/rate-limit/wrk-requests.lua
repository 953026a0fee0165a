-- The requests that wrk sends in turn: 10,000 users behind as many addresses. Only who trusts a proxy sees the addresses.
local requests, at = {}, 0

function init()
  for n = 1, 10000 do
    requests[n] = wrk.format('GET', nil, {
      ['X-User'] = 'user-' .. n,
      ['X-Forwarded-For'] = '10.0.' .. math.floor(n / 256) .. '.' .. n % 256
    })
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end
