#!lua flags=no-writes
-- The hot part of one page of a collection's lines in (score, member) order, cut out of a window, and the segment index,
-- both from one moment of the store: a line that is sealed meanwhile is found in the one or in the other.
--
-- KEYS  1 lines (zset)  2 segments (zset)  3 counts (hash)
-- ARGV  1 from (score, inclusive)  2 to (score, exclusive)
--       3 'forward' | 'from' (forward, the cursor's own line included) | 'backward'
--       4 cursor's score, '' to begin at the window's edge
--       5 cursor's place among the lines of that score when it was made, 0-based
--       6 first 16 hexadecimal digits of SHA-1 of the cursor's member, '' where its line is known to be gone
--       7 lines at most  8 bytes at most (one line is always given)
--       9 word of the segment index that the caller has
-- Returns {word of the index, its members or nil where the caller has them, first hot rank of the window, hot rank after
--          its last line, hot rank of the first line given, 1 if more follow in the direction read else 0,
--          how many hot lines of its score stand before the first line given, 1 if the cursor's line is hot else 0,
--          the cursor's member where it is hot, member, score, member, score, …}; always in ascending order.
-- Where the cursor's line is not hot, forward begins with the first line of its score and backward ends with the last, since
-- it may be sealed; where it is gone both meet before the first.
--
-- By rank and not by score alone: many lines may share a score, and a cursor among them is found again by its hash,
-- from the place it had, whatever was added before or after it meanwhile. One that is gone would be looked for among all
-- of them; past some thousands it is taken for gone. Lua's own comparison of strings follows the
-- server's locale, which is why members are not compared here.
local lines, segments, counts = KEYS[1], KEYS[2], KEYS[3]
local from, to, forward, inclusive = ARGV[1], ARGV[2], ARGV[3] ~= 'backward', ARGV[3] == 'from'
local cursorScore, cursorPlace, cursorHash = ARGV[4], tonumber(ARGV[5]), ARGV[6]
local limit, maxBytes, knownWord = tonumber(ARGV[7]), tonumber(ARGV[8]), ARGV[9]
-- Some 10 ms of the server's time.
local MAX_LOOKED, MAX_LOOKED_BYTES = 8192, 8 * 1024 * 1024

local function below(score) return redis.call('ZCOUNT', lines, '-inf', '(' .. score) end

-- Looks among ranks [from, to) for the cursor's line.
local function findAmong(from, to)
  if from >= to then return nil, '', 0 end
  local bytes = 0
  for i, member in ipairs(redis.call('ZRANGE', lines, from, to - 1)) do
    if string.sub(redis.sha1hex(member), 1, 16) == cursorHash then return from + i - 1, member, bytes end
    bytes = bytes + #member
  end
  return nil, '', bytes
end

-- The rank and member of the cursor's line, or nil when it is not hot or not to be found; the first rank of its score and
-- the one after. From the place it had outwards, in growing chunks to both sides.
local function findCursor()
  local first, after = below(cursorScore), redis.call('ZCOUNT', lines, '-inf', cursorScore)
  if cursorHash == '' then return nil, '', first, first end
  local ahead = math.max(first, math.min(first + cursorPlace, after - 1))
  local back, looked, bytes, step = ahead, 0, 0, 1
  while looked < MAX_LOOKED and bytes < MAX_LOOKED_BYTES and (ahead < after or back > first) do
    local aheadTo, backFrom = math.min(ahead + step, after), math.max(back - step, first)
    local rank, member, some = findAmong(ahead, aheadTo)
    if rank then return rank, member, first, after end
    bytes = bytes + some
    rank, member, some = findAmong(backFrom, back)
    if rank then return rank, member, first, after end
    bytes = bytes + some
    looked = looked + (aheadTo - ahead) + (back - backFrom)
    ahead, back, step = aheadTo, backFrom, math.min(step * 4, 64)
  end
  return nil, '', first, after
end

-- A hash of another type has no index: what would write one refuses such a collection.
local word = redis.pcall('HGET', counts, 'index')
if type(word) ~= 'string' then word = '' end

local low, high = below(from), below(to)
if high < low then high = low end
local start, stop, isHot, cursorMember = low, high, 0, ''
if cursorScore ~= '' then
  local rank, member, first, after = findCursor()
  if rank then isHot, cursorMember = 1, member end
  if forward then
    start = math.max(low, rank and (inclusive and rank or rank + 1) or first)
  else
    stop = math.min(high, rank or after)
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

local index = false
if word ~= knownWord then index = redis.call('ZRANGE', segments, 0, -1) end
local firstRank = forward and start - count or stop
local firstGiven = found[forward and 1 or count]
local place = firstGiven and firstRank - below(firstGiven[2]) or 0
local result = { word, index, low, high, firstRank, start < stop and 1 or 0, place, isHot, cursorMember }
local first, last, by = 1, count, 1
if not forward then first, last, by = count, 1, -1 end
for i = first, last, by do
  result[#result + 1] = found[i][1]
  result[#result + 1] = found[i][2]
end
return result
