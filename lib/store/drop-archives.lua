#!lua flags=allow-oom
-- Gives up all archives whose removal did not happen: from now on it cannot.
--
-- KEYS  1 archiving (hash)
-- Returns {name, where, name, where, …} of what was given up, now or earlier; where: the path, a blank, the folder
-- Atomicity: reading and marking are one step. Were they two, the removal could come between them, and the caller would
-- then delete the only copy of lines that are gone.
local archiving = KEYS[1]
local names = redis.call('HKEYS', archiving)
local dropped = {}
for i = 1, #names do
  local where = string.match(redis.call('HGET', archiving, names[i]), '^%a+ (.*)$') or ''
  redis.call('HSET', archiving, names[i], 'dropped ' .. where)
  dropped[#dropped + 1] = names[i]
  dropped[#dropped + 1] = where
end
return dropped
