-- Charge a bucket for what has happened; what is overdrawn is paid back in time.
-- KEYS  1 the instant at which the bucket is full again (microseconds since 1970)
-- ARGV  1 microseconds for one  2 how many at once  3 how many happened
-- Returns by how many milliseconds the bucket is overdrawn; 0 when all that happened was in time
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local each, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local full = math.max(now, tonumber(redis.call('GET', KEYS[1]) or 0)) + each * tonumber(ARGV[3])
-- a flood is not remembered for longer than it takes to refill the bucket twice
full = math.min(full, now + 2 * each * burst)
redis.call('SET', KEYS[1], string.format('%d', full), 'PX', math.ceil((full - now) / 1000) + 1)
return math.max(0, math.ceil((full - now - each * burst) / 1000))
