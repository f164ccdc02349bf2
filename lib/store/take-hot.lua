#!lua flags=no-writes
-- The next stretch of a collection's hot lines in (score, member) order; lines of one score come all together.
--
-- KEYS  1 lines (zset)
-- ARGV  1 score after which to begin, '-inf' for the beginning  2 score before which to end
--       3 lines at most  4 bytes at most, a line's own and one for its end; more only for lines of a single score
-- Returns {member, score, member, score, …}
local lines, after, before, limit, maxBytes = KEYS[1], ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local STEP = 256

local start = after == '-inf' and 0 or redis.call('ZCOUNT', lines, '-inf', after)
local stop = redis.call('ZCOUNT', lines, '-inf', '(' .. before)
local taken, count, bytes, isFull = {}, 0, 0, false
-- A chunk is read whole before its bytes are known, and a line may have a mebibyte.
local step = 16
while start + count < stop and count < limit and not isFull do
  local from = start + count
  local chunk = redis.call('ZRANGE', lines, from, math.min(from + step, start + limit, stop) - 1, 'WITHSCORES')
  for i = 1, #chunk, 2 do
    bytes = bytes + #chunk[i] + 1
    if bytes > maxBytes then
      isFull = true
      break
    end
    count = count + 1
    taken[2 * count - 1], taken[2 * count] = chunk[i], chunk[i + 1]
  end
  step = math.min(STEP, step * 4)
end
if start + count >= stop then return taken end

-- More follows: no score is cut in two.
local score = redis.call('ZRANGE', lines, start + count, start + count, 'WITHSCORES')[2]
while count > 0 and taken[2 * count] == score do
  taken[2 * count - 1], taken[2 * count] = nil, nil
  count = count - 1
end
if count > 0 then return taken end
return redis.call('ZRANGEBYSCORE', lines, score, score, 'WITHSCORES')
