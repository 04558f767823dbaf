-- Look at the line of one opening as one resident meets it, and put them into it when they ask.
-- A resident who is in it keeps their place. The first who looks after the draw draws the seed.
-- KEYS  1 line  2 the part of it that this resident belongs to
-- ARGV  1 now (Unix milliseconds; empty: this server's clock)  2 opens (Unix milliseconds)
--       3 resident  4 "join" or "look"  5 a seed, in case it is to be drawn
--       6 from the opening, or from the first ask, to the draw (milliseconds)
--       7 let through in a second  8 quota of the release
--       9 time in which the line is let through twice as far again (milliseconds)
--       10 how long it is kept after the last ask (milliseconds)
-- Returns {place, now, draws, seed, early, served}; place: 0 not in the line, below 0 the how-manieth
--         to come before the draw
local now = tonumber(ARGV[1])
if not now then
  local time = redis.call('TIME')
  now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
local line = redis.call('HMGET', KEYS[1], 'draws', 'seed', 'early', 'tail')
local draws, seed, early, tail = tonumber(line[1]), line[2] or '', tonumber(line[3] or 0), tonumber(line[4] or 0)
local place = tonumber(redis.call('HGET', KEYS[2], ARGV[3]) or 0)
local join = ARGV[4] == 'join' and place == 0
if not draws then
  draws = math.max(now, tonumber(ARGV[2])) + tonumber(ARGV[6])
  if join then
    redis.call('HSET', KEYS[1], 'draws', draws)
  end
elseif seed == '' and now >= draws then
  seed, tail = ARGV[5], early
  redis.call('HSET', KEYS[1], 'seed', seed, 'tail', tail)
end
-- As fast as is let through, but at first no further than the quota: a phone that asks seldom has
-- the same chance as one that asks all the time. Whoever does not come leaves a voucher to the
-- next, so after each wave the line is let through twice as far.
local served = 0
if seed ~= '' then
  local passed = math.max(0, now - draws)
  local waves = math.min(40, math.floor(passed / tonumber(ARGV[9])))
  served = math.floor(math.min(passed * tonumber(ARGV[7]) / 1000, tonumber(ARGV[8]) * 2 ^ waves))
end
if join then
  if seed == '' then
    early = early + 1
    place = -early
    redis.call('HSET', KEYS[1], 'early', early)
  else
    place = tail + 1
    redis.call('HSET', KEYS[1], 'tail', place)
  end
  redis.call('HSET', KEYS[2], ARGV[3], place)
  redis.call('PEXPIRE', KEYS[1], ARGV[10])
  redis.call('PEXPIRE', KEYS[2], ARGV[10])
end
return {place, now, draws, seed, early, served}
