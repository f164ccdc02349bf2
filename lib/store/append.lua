#!lua
-- Appends lines of one collection, one source and one UTC day, each exactly once.
--
-- KEYS  1 lines (zset)  2 segments (zset)  3 counts (hash)  4 counts of the day (hash)
--       5 sources (hash)  6 floor (string)  7 arrivals (stream)
-- ARGV  1 source, '' for none
--       2 first and 3 last whole second of the lines
--       4 the descriptors that the caller has read and checked its lines against, LF-separated, '' for none
--       5 the lines: for each  u32 length of the member, little endian | status class, one digit, 0 unknown |
--         score, 17 characters | member
-- Returns
--   {'stored', n}               all n lines are in, counters and arrival entry with them
--   {'members', i, j, …}        nothing written: the lines at these 0-based places stand already, or earlier in the call
--   {'segments', d, …}          nothing written: these descriptors cover the lines' seconds
--   {'floor', second}           nothing written: some lines are older than what retention keeps
--   {'type', key, type}         nothing written: a key holds something else
-- Atomicity: a script's writes are not rolled back, so everything that can fail is looked at before the first write.
local lines, segments, counts, day = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local sources, floorKey, arrivals = KEYS[5], KEYS[6], KEYS[7]
local source, first, last, known, packed = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4], ARGV[5]
local ZADD_PAIRS = 1000
local ARRIVALS_KEPT = 10000

local expected = { 'zset', 'zset', 'hash', 'hash', 'hash', 'string', 'stream' }
for i = 1, 7 do
  local kind = redis.call('TYPE', KEYS[i]).ok
  if kind ~= 'none' and kind ~= expected[i] then return { 'type', KEYS[i], kind } end
end

local floor = redis.call('GET', floorKey)
if floor and first < tonumber(floor) then return { 'floor', floor } end

-- Descriptor: first score ':' last score ':' … ; segments are disjoint, so of those that begin before the lines' first
-- second only the nearest can reach into it.
local covering = redis.call('ZRANGEBYSCORE', segments, first, '(' .. (last + 1))
local before = redis.call('ZREVRANGEBYSCORE', segments, '(' .. first, '-inf', 'LIMIT', 0, 1)[1]
if before and (tonumber(string.match(before, '^[%d.]+:([%d.]+):')) or math.huge) >= first then table.insert(covering, 1, before) end
if table.concat(covering, '\n') ~= known then
  table.insert(covering, 1, 'segments')
  return covering
end

-- A member that came twice in one call would be stored once and counted twice.
local members, pairsOf, classes, n = {}, {}, {}, 0
local seen, standing = {}, { 'members' }
local at, size = 1, #packed
while at <= size do
  local length = struct.unpack('<I4', packed, at)
  local class = string.sub(packed, at + 4, at + 4)
  n = n + 1
  members[n] = string.sub(packed, at + 22, at + 21 + length)
  pairsOf[2 * n - 1] = string.sub(packed, at + 5, at + 21)
  pairsOf[2 * n] = members[n]
  if seen[members[n]] then standing[#standing + 1] = n - 1 end
  seen[members[n]] = true
  classes[class] = (classes[class] or 0) + 1
  at = at + 22 + length
end
if #standing > 1 then return standing end

-- A source's own members cannot stand above the highest second stored from it.
local highest = tonumber(redis.call('HGET', sources, source) or -1)
if first <= highest then
  for from = 1, n, ZADD_PAIRS do
    local scores = redis.call('ZMSCORE', lines, unpack(members, from, math.min(from + ZADD_PAIRS - 1, n)))
    for i = 1, #scores do
      if scores[i] then standing[#standing + 1] = from + i - 2 end
    end
  end
  if #standing > 1 then return standing end
end

for from = 1, 2 * n, 2 * ZADD_PAIRS do
  redis.call('ZADD', lines, unpack(pairsOf, from, math.min(from + 2 * ZADD_PAIRS - 1, 2 * n)))
end
redis.call('HINCRBY', counts, 'hits', n)
if last > tonumber(redis.call('HGET', counts, 'last') or -1) then redis.call('HSET', counts, 'last', last) end
redis.call('HINCRBY', day, 'hits', n)
redis.call('HINCRBY', day, 'h:' .. source, n)
for class, number in pairs(classes) do redis.call('HINCRBY', day, 's:' .. class, number) end
if last > highest then redis.call('HSET', sources, source, last) end
redis.call('XADD', arrivals, 'MAXLEN', '~', ARRIVALS_KEPT, '*', 'first', first, 'last', last, 'lines', n)
return { 'stored', n }
