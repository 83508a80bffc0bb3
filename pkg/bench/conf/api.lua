-- Asks for the targets of a file, one a line, over and over; with a body, by POST.
local requests, n, i = {}, 0, 0

function init(args)
  wrk.headers["Host"] = args[1]
  wrk.headers["Accept"] = args[3]
  local method, body = "GET", nil
  if args[4] then
    local f = io.open(args[4])
    body = f:read("*a")
    f:close()
    method = "POST"
    wrk.headers["Content-Type"] = "application/json"
  end
  for target in io.lines(args[2]) do
    n = n + 1
    requests[n] = wrk.format(method, target, nil, body)
  end
end

function request()
  i = i % n + 1
  return requests[i]
end
