#!lua flags=allow-oom
-- Puts new segments of one collection in the place of old ones, and takes the lines that went into them out of the hot
-- set or counts them. The bodies stand already, with an expiry.
--
-- KEYS  1 lines (zset)  2 segments (zset)  3 counts (hash)  4 sources (hash)  5 floor (string)  6 arrivals (stream)
--       then the counts of each day in ARGV 11 and after (hash), the new bodies (string), the replaced bodies (string)
-- ARGV  1 origin of the lines: 'hot' they stand in the hot set and leave it, 'backfill' they are new and are counted,
--         'none' there are none, segments are only joined
--       2 first and 3 last whole second of the lines, or of the segments joined
--       4 the descriptors that cover those seconds  5 those of them that are replaced  6 the new descriptors, in the
--         order of their bodies; each LF-separated, '' for none
--       7 a new random word for the index
--       8 the lines: for each  u32 length of the member, little endian | score, 17 characters | member; or '' with
--         backfill, when there are no hot lines of those seconds, among which they could stand
--       9 backfill: for each source  highest second ':' source, blank-separated
--       10 backfill: the number of lines
--       11 and after, backfill: for each day  first second, last second, lines, then field and number, field and
--         number …, blank-separated
-- Returns
--   {'committed'}
--   {'segments'}                nothing written: other descriptors cover the seconds
--   {'members', i, j, …}        nothing written: the lines at these 0-based places are not hot with that score (hot), or
--                               stand in the hot set (backfill)
--   {'hot'}                     nothing written: there are hot lines of those seconds, and the lines were not given
--   {'floor', second}           nothing written: some lines are older than what retention keeps
--   {'bodies'}                  nothing written: a new body is gone
--   {'type', key, type}         nothing written: a key holds something else
-- Atomicity: a script's writes are not rolled back, so everything that can fail is looked at before the first write.
local lines, segments, counts, sources, floorKey, arrivals = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local origin, first, last, known = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), ARGV[4]
local word, packed, highest = ARGV[7], ARGV[8], ARGV[9]
local MEMBERS_A_CALL = 1000
local ARRIVALS_KEPT = 10000
local REPLACED_KEPT_SECONDS = 600
local FIXED_KEYS, DAYS_FROM = 6, 11

local function split(text, pattern)
  local parts = {}
  for part in string.gmatch(text, pattern) do parts[#parts + 1] = part end
  return parts
end
local replaced, new = split(ARGV[5], '[^\n]+'), split(ARGV[6], '[^\n]+')
local days = #ARGV - DAYS_FROM + 1
local newBodies = FIXED_KEYS + days
local replacedBodies = newBodies + #new

local expected = { 'zset', 'zset', 'hash', 'hash', 'string', 'stream' }
for i = 1, newBodies do
  local kind = redis.call('TYPE', KEYS[i]).ok
  local wanted = expected[i] or 'hash'
  if kind ~= 'none' and kind ~= wanted then return { 'type', KEYS[i], kind } end
end

-- A call that was sent twice by a client was done the first time; its caller would take the bodies of a refused one away.
local done = 0
for i = 1, #new do
  if redis.call('ZSCORE', segments, new[i]) then done = done + 1 end
end
if #new > 0 and done == #new then return { 'committed' } end

local floor = redis.call('GET', floorKey)
if origin ~= 'none' and floor and first < tonumber(floor) then return { 'floor', floor } end

-- As in append.lua: segments are disjoint, so of those that begin before the first second only the nearest can reach it.
local covering = redis.call('ZRANGEBYSCORE', segments, first, '(' .. (last + 1))
local before = redis.call('ZREVRANGEBYSCORE', segments, '(' .. first, '-inf', 'LIMIT', 0, 1)[1]
if before and (tonumber(string.match(before, '^[%d.]+:([%d.]+):')) or math.huge) >= first then table.insert(covering, 1, before) end
if table.concat(covering, '\n') ~= known then return { 'segments' } end

-- A hot line stands with the second of its own time, so that nothing but those seconds has to be looked at.
if origin == 'backfill' and packed == '' and redis.call('ZCOUNT', lines, first, '(' .. (last + 1)) > 0 then
  return { 'hot' }
end
local members, scores, n = {}, {}, 0
local at, size = 1, #packed
while at <= size do
  local length = struct.unpack('<I4', packed, at)
  n = n + 1
  scores[n] = string.sub(packed, at + 4, at + 20)
  members[n] = string.sub(packed, at + 21, at + 20 + length)
  at = at + 21 + length
end
local refused = { 'members' }
for from = 1, n, MEMBERS_A_CALL do
  local standing = redis.call('ZMSCORE', lines, unpack(members, from, math.min(from + MEMBERS_A_CALL - 1, n)))
  for i = 1, #standing do
    local place, score = from + i - 1, standing[i]
    local isFree = not score
    if origin == 'hot' then isFree = score and tonumber(score) == tonumber(scores[place]) end
    if not isFree then refused[#refused + 1] = place - 1 end
  end
end
if #refused > 1 then return refused end

for i = 1, #new do
  if redis.call('EXISTS', KEYS[newBodies + i]) == 0 then return { 'bodies' } end
end

for i = 1, #replaced do
  redis.call('ZREM', segments, replaced[i])
  redis.call('EXPIRE', KEYS[replacedBodies + i], REPLACED_KEPT_SECONDS)
end
for i = 1, #new do
  redis.call('ZADD', segments, string.match(new[i], '^[^:]+'), new[i])
  redis.call('PERSIST', KEYS[newBodies + i])
end
if #new > 0 then redis.call('HSET', counts, 'index', word) end
if origin == 'hot' then
  for from = 1, n, MEMBERS_A_CALL do
    redis.call('ZREM', lines, unpack(members, from, math.min(from + MEMBERS_A_CALL - 1, n)))
  end
end
if origin ~= 'backfill' then return { 'committed' } end

-- The counters of new lines, as append.lua keeps them.
redis.call('HINCRBY', counts, 'hits', ARGV[10])
if last > tonumber(redis.call('HGET', counts, 'last') or -1) then redis.call('HSET', counts, 'last', last) end
for second, source in string.gmatch(highest, '(%d+):([^ ]*)') do
  if tonumber(second) > tonumber(redis.call('HGET', sources, source) or -1) then
    redis.call('HSET', sources, source, second)
  end
end
for i = 1, days do
  local words = split(ARGV[DAYS_FROM + i - 1], '[^ ]+')
  for w = 4, #words, 2 do redis.call('HINCRBY', KEYS[FIXED_KEYS + i], words[w], words[w + 1]) end
  redis.call('XADD', arrivals, 'MAXLEN', '~', ARRIVALS_KEPT, '*', 'first', words[1], 'last', words[2], 'lines', words[3])
end
return { 'committed' }
