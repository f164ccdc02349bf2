#!lua
-- Appends lines of one collection, one source and one UTC day, each exactly once.
--
-- KEYS  1 lines (zset)  2 segments (zset)  3 counts (hash)  4 counts of the day (hash)
--       5 sources (hash)  6 floor (string)  7 arrivals (stream)
-- ARGV  1 source, '' for none
--       2 first and 3 last whole second of the lines
--       4 the descriptors that the caller has read and checked its lines against, LF-separated, '' for none
--       5 to 10 how many of the lines have status class 0 (unknown), 1, 2, 3, 4, 5
--       11 the lines, as MessagePack: one array of score (17 characters), member, score, member, …
--       12 the lines' status classes, a digit each
-- Returns
--   {'stored', n}               all lines are in, counters and arrival entry with them; n are new, the others came earlier in
--                               the call
--   {'members', i, j, …}        nothing written: the lines at these 0-based places stand already
--   {'segments', d, …}          nothing written: these descriptors cover the lines' seconds
--   {'floor', second}           nothing written: some lines are older than what retention keeps
--   {'type', key, type}         nothing written: a key holds something else
-- Atomicity: a script's writes are not rolled back, so everything that can fail is looked at before the first write.
local lines, segments, counts, day = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local sources, floorKey, arrivals = KEYS[5], KEYS[6], KEYS[7]
local source, first, last, known = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local FIRST_CLASS, LAST_CLASS = 0, 5
local linesOfClass = function(class) return tonumber(ARGV[5 + class]) end
local packed, classes = ARGV[11], ARGV[12]
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

-- Unpacked in one go: cut out of a string line by line they cost Redis as much as storing them.
local scored = cmsgpack.unpack(packed)
local n = #scored / 2

-- A source's own members cannot stand above the highest second stored from it.
local highest = tonumber(redis.call('HGET', sources, source) or -1)
if first <= highest then
  local members, standing = {}, { 'members' }
  for i = 1, n do members[i] = scored[2 * i] end
  for from = 1, n, ZADD_PAIRS do
    local scores = redis.call('ZMSCORE', lines, unpack(members, from, math.min(from + ZADD_PAIRS - 1, n)))
    for i = 1, #scores do
      if scores[i] then standing[#standing + 1] = from + i - 2 end
    end
  end
  if #standing > 1 then return standing end
end

local added = 0
for from = 1, 2 * n, 2 * ZADD_PAIRS do
  -- NX: of a member that comes twice in one call the first score stands.
  added = added + redis.call('ZADD', lines, 'NX', unpack(scored, from, math.min(from + 2 * ZADD_PAIRS - 1, 2 * n)))
end

-- By class, the lines that came earlier in the call: they are stored once and counted once.
local repeated = {}
if added < n then
  local seen = {}
  for i = 1, n do
    local member = scored[2 * i]
    local class = tonumber(string.sub(classes, i, i))
    if seen[member] then repeated[class] = (repeated[class] or 0) + 1 end
    seen[member] = true
  end
end

redis.call('HINCRBY', counts, 'hits', added)
if last > tonumber(redis.call('HGET', counts, 'last') or -1) then redis.call('HSET', counts, 'last', last) end
redis.call('HINCRBY', day, 'hits', added)
redis.call('HINCRBY', day, 'h:' .. source, added)
for class = FIRST_CLASS, LAST_CLASS do
  local number = linesOfClass(class) - (repeated[class] or 0)
  if number > 0 then redis.call('HINCRBY', day, 's:' .. class, number) end
end
if last > highest then redis.call('HSET', sources, source, last) end
redis.call('XADD', arrivals, 'MAXLEN', '~', ARRIVALS_KEPT, '*', 'first', first, 'last', last, 'lines', added)
return { 'stored', added }
