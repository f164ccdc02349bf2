#!lua flags=no-writes
-- One page of a collection's lines in (score, member) order, cut out of a window, from one moment of the store.
--
-- KEYS  1 lines (zset)  2 segments (zset)
-- ARGV  1 from (score, inclusive)  2 to (score, exclusive)
--       3 'forward' | 'from' (forward, the cursor's own line included) | 'backward'
--       4 cursor's score, '' to begin at the window's edge
--       5 cursor's place among the lines of that score when it was made, 0-based
--       6 first 16 hexadecimal digits of SHA-1 of the cursor's member
--       7 lines at most  8 bytes at most (one line is always given)
-- Returns {first rank of the window, rank after its last line, rank of the first line given, rank among equal scores of
--          the first and of the last line given, member, score, member, score, …}; always in ascending order.
--
-- By rank and not by score alone: many lines may share a score, and a cursor among them is found again by its hash,
-- from the place it had, whatever was added before or after it meanwhile. Lua's own comparison of strings follows the
-- server's locale, which is why members are not compared here.
local lines, segments = KEYS[1], KEYS[2]
local from, to, forward, inclusive = ARGV[1], ARGV[2], ARGV[3] ~= 'backward', ARGV[3] == 'from'
local cursorScore, cursorPlace, cursorHash = ARGV[4], tonumber(ARGV[5]), ARGV[6]
local limit, maxBytes = tonumber(ARGV[7]), tonumber(ARGV[8])

local function below(score) return redis.call('ZCOUNT', lines, '-inf', '(' .. score) end

local function matches(rank)
  local member = redis.call('ZRANGE', lines, rank, rank)[1]
  return member ~= nil and string.sub(redis.sha1hex(member), 1, 16) == cursorHash
end

-- The rank of the cursor's line, or nil when it is gone (retention removes whole seconds).
local function rankOfCursor()
  local first, after = below(cursorScore), redis.call('ZCOUNT', lines, '-inf', cursorScore)
  if after == first then return nil, first end
  local guess = math.min(first + cursorPlace, after - 1)
  for distance = 0, after - first do
    if guess + distance < after and matches(guess + distance) then return guess + distance, first end
    if distance > 0 and guess - distance >= first and matches(guess - distance) then return guess - distance, first end
  end
  return nil, first
end

local low, high = below(from), below(to)
if high < low then high = low end
local start, stop = low, high
if cursorScore ~= '' then
  local rank, first = rankOfCursor()
  if forward then
    start = math.max(low, rank and (inclusive and rank or rank + 1) or first)
  else
    stop = math.min(high, rank or first)
  end
end

local found, bytes, count = {}, 0, 0
local step = 16
while count < limit and start < stop and bytes < maxBytes do
  local want = math.min(step, limit - count)
  local chunk
  if forward then
    chunk = redis.call('ZRANGE', lines, start, math.min(start + want, stop) - 1, 'WITHSCORES')
  else
    chunk = redis.call('ZRANGE', lines, math.max(stop - want, start), stop - 1, 'WITHSCORES')
  end
  local got = #chunk / 2
  if got == 0 then break end
  local first, last, by = 1, got, 1
  if not forward then first, last, by = got, 1, -1 end
  for i = first, last, by do
    local member = chunk[2 * i - 1]
    if count > 0 and bytes + #member > maxBytes then
      bytes = maxBytes
      break
    end
    count = count + 1
    bytes = bytes + #member
    found[count] = { member, chunk[2 * i] }
    if forward then start = start + 1 else stop = stop - 1 end
  end
  -- A chunk is read whole before its bytes are known, and a line may have a mebibyte.
  step = math.min(step * 4, 256)
end

local firstRank = forward and start - count or stop
local result = { low, high, firstRank, 0, 0 }
if count > 0 then
  local head, tail = found[1], found[count]
  if not forward then head, tail = tail, head end
  result[4] = firstRank - below(head[2])
  result[5] = firstRank + count - 1 - below(tail[2])
  local first, last, by = 1, count, 1
  if not forward then first, last, by = count, 1, -1 end
  for i = first, last, by do
    result[#result + 1] = found[i][1]
    result[#result + 1] = found[i][2]
  end
end
return result
