-- Asks for a new target each time.
local head, tail, i = nil, nil, 0

function init(args)
  head = "GET " .. args[2]
  tail = " HTTP/1.1\r\nHost: " .. args[1] .. "\r\n\r\n"
end

function request()
  i = i + 1
  return head .. i .. tail
end
