-- Asks for the targets of a file, one a line, over and over.
-- The requests are made before the clock runs.
local requests, n, i = {}, 0, 0

function init(args)
  wrk.headers["Host"] = args[1]
  for target in io.lines(args[2]) do
    n = n + 1
    requests[n] = wrk.format("GET", target)
  end
end

function request()
  i = i % n + 1
  return requests[i]
end
