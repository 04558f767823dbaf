-- Read one piece of who was given what, as text: a reply of many small parts is slow to take apart.
-- KEYS  1 who
-- ARGV  1 cursor  2 about how many
-- Returns {next cursor, lines "resident+ordinal value" of those who hold, the same of those who returned}
local found = redis.call('HSCAN', KEYS[1], ARGV[1], 'COUNT', ARGV[2])
local held, returned = {}, {}
for i = 1, #found[2], 2 do
  local lines = string.byte(found[2][i + 1]) == 45 and returned or held -- a minus
  lines[#lines + 1] = found[2][i] .. ' ' .. found[2][i + 1]
end
return {found[1], table.concat(held, '\n'), table.concat(returned, '\n')}
