-- Sends the requests of a file in order, so that building them costs the load generator nothing.
-- args  1 file of whole requests, each ended by a zero byte
--       2 file for the ids of what was answered with 201, or "-"
--       3 mean pause of a connection before each request (ms); 0: none
-- Prints one line: RESULT duration_us requests refused broken wrapped p50_us p99_us
local threads, requests, place = {}, {}, 0

function setup(thread)
  threads[#threads + 1] = thread
end

function init(args)
  local file = assert(io.open(args[1], 'rb'))
  for one in string.gmatch(file:read('*a'), '([^%z]+)%z') do
    requests[#requests + 1] = one
  end
  file:close()
  wrapped = false
  if args[2] ~= '-' then
    local journal = assert(io.open(args[2], 'w'))
    function response(status, _, body)
      if status == 201 then
        journal:write(string.match(body, '"id":%s*"([^"]+)"'), '\n')
      end
    end
  end
  local pause = tonumber(args[3])
  if pause > 0 then
    function delay()
      return math.random(0, 2 * pause)
    end
  end
end

function request()
  place = place + 1
  if place > #requests then
    place, wrapped = 1, true
  end
  return requests[place]
end

function done(summary, latency)
  local again = false
  for _, thread in ipairs(threads) do
    again = again or thread:get('wrapped')
  end
  local lost = summary.errors
  io.write(string.format('RESULT %d %d %d %d %d %d %d\n', summary.duration, summary.requests,
    lost.status, lost.connect + lost.read + lost.write + lost.timeout, again and 1 or 0,
    latency:percentile(50), latency:percentile(99)))
end
