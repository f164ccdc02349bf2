#!lua flags=no-writes
-- The next stretch of a collection's lines in (score, member) order, from one moment of the store.
--
-- KEYS  1 lines (zset)  2 segments (zset)  3 floor (string): the first second that retention has kept
-- ARGV  1 from (score, inclusive)  2 to (score, exclusive)
--       3 lines at most  4 bytes at most (one line is always given)
--       5 score and 6 member of the last line that was given before; neither at the beginning
-- Returns {1 if more lines follow else 0, score of the last line given or '', members, members, …}, each `members` a
--          list as Redis answered it.
--
-- Shaped by what Lua costs here: a table or a concatenation a line takes more time than all else together, scores
-- doubled the answer (measured over a million lines: 2.7 s of Redis, against 1.0 s so).
local lines, segments = KEYS[1], KEYS[2]
local from, to, limit, maxBytes = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local lastScore, lastMember = ARGV[5], ARGV[6]

local FIRST_STEP, LARGEST_STEP = 16, 256

local function below(score) return redis.call('ZCOUNT', lines, '-inf', '(' .. score) end

local start, stop = below(from), below(to)
if lastMember then
  local rank = redis.call('ZRANK', lines, lastMember)
  if not rank then
    -- Only retention removes lines, and says up to where. A line gone otherwise means a store that was emptied or set
    -- back under the reader, who must not take what is left for the rest.
    local floor = redis.call('GET', KEYS[3])
    if not floor or tonumber(lastScore) >= tonumber(floor) then
      return redis.error_reply('GONE the line read last is not there any more, and retention did not remove it')
    end
  end
  -- Retention removes whole seconds, so that nothing of a line's score is left when the line is gone.
  start = math.max(start, rank and rank + 1 or below(lastScore))
end

local result, count, bytes, step = { 0, '' }, 0, 0, FIRST_STEP
local last
while count < limit and start < stop and bytes < maxBytes do
  local chunk = redis.call('ZRANGE', lines, start, math.min(start + step, start + limit - count, stop) - 1)
  local got = #chunk
  if got == 0 then break end
  local kept = 0
  for i = 1, got do
    bytes = bytes + #chunk[i]
    if bytes > maxBytes and count + kept > 0 then break end
    kept = i
  end
  for i = got, kept + 1, -1 do chunk[i] = nil end
  if kept > 0 then
    result[#result + 1] = chunk
    last = chunk[kept]
  end
  count = count + kept
  start = start + kept
  -- A chunk is read whole before its bytes are known, and a line may have a mebibyte: no more than seem to fit.
  local fitting = math.ceil((maxBytes - bytes) * count / math.max(1, bytes))
  step = math.max(1, math.min(step * 4, LARGEST_STEP, fitting))
end
if start < stop then result[1] = 1 end
if last then result[2] = redis.call('ZSCORE', lines, last) end
return result
