-- Loads pages: each time another one, or always the same.
local head, tail, i, same = nil, nil, 0, nil

function init(args)
  head = "GET " .. args[1]
  tail = " HTTP/1.1\r\n" .. args[2] .. "\r\n"
  if args[3] == "same" then same = head .. tail end
end

function request()
  if same then return same end
  i = i + 1
  return head .. i .. tail
end
