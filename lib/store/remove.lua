#!lua flags=allow-oom
-- Removes the lines of a collection below a floor, hot and sealed, for good.
--
-- KEYS  1 lines (zset)  2 segments (zset)  3 counts (hash)  4 floor (string)  5 removals (stream)  6 archiving (hash)
--       then the body of the rest where there is one (string), the bodies of the segments that go (string)
-- ARGV  1 the new floor: lines of earlier seconds go
--       2 the descriptors of all segments that begin below it, LF-separated, '' for none
--       3 descriptor of the segment that takes the place of the last of them and holds its lines from the floor on, or ''
--       4 a new random word for the index
--       5 where the lines were archived: the name of the archive in `archiving`, else ''
--       6 where they were archived: SHA-1 of the hot members below the floor, in order, LF-separated
--       7 first second removed  8 reason, 'age' or 'budget'  9 days of retention, '' for none  10 now, epoch second
-- Returns
--   {'removed', lines}
--   {'segments'}           nothing removed: other segments begin below the floor
--   {'lines'}              nothing removed: other hot lines stand below the floor than were archived
--   {'archive'}            nothing removed: another run gave the archive up
--   {'nothing'}            nothing removed: no line stands below the floor
--   {'body'}               nothing removed: the body of the rest is gone
--   {'type', key, type}    nothing removed: a key holds something else
-- Atomicity: a script's writes are not rolled back, so everything that can fail is looked at before the first write.
local lines, segments, counts, floorKey, removals, archiving = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local floor, known, rest, word = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local archive, digest = ARGV[5], ARGV[6]
local from, reason, days, now = ARGV[7], ARGV[8], ARGV[9], ARGV[10]
local FIXED_KEYS = 6
local REPLACED_KEPT_SECONDS = 600
local REMOVALS_KEPT = 1000
local DAY_SECONDS = 86400

local expected = { 'zset', 'zset', 'hash', 'string', 'stream', 'hash' }
for i = 1, FIXED_KEYS do
  local kind = redis.call('TYPE', KEYS[i]).ok
  if kind ~= 'none' and kind ~= expected[i] then return { 'type', KEYS[i], kind } end
end

local below = '(' .. floor
local standing = redis.call('ZRANGEBYSCORE', segments, '-inf', below)
if table.concat(standing, '\n') ~= known then return { 'segments' } end
if #standing == 0 and redis.call('ZCOUNT', lines, '-inf', below) == 0 then return { 'nothing' } end

if archive ~= '' then
  local state = redis.call('HGET', archiving, archive)
  if not state or string.sub(state, 1, 5) ~= 'open ' then return { 'archive' } end
  if redis.sha1hex(table.concat(redis.call('ZRANGEBYSCORE', lines, '-inf', below), '\n')) ~= digest then return { 'lines' } end
end
if rest ~= '' and redis.call('EXISTS', KEYS[FIXED_KEYS + 1]) == 0 then return { 'body' } end

local function linesOf(descriptor) return tonumber(string.match(descriptor, '^[^:]+:[^:]+:(%d+):')) end
local removed = redis.call('ZREMRANGEBYSCORE', lines, '-inf', below)
for i = 1, #standing do removed = removed + linesOf(standing[i]) end
redis.call('ZREMRANGEBYSCORE', segments, '-inf', below)
local bodies = FIXED_KEYS
if rest ~= '' then
  removed = removed - linesOf(rest)
  bodies = bodies + 1
  redis.call('ZADD', segments, string.match(rest, '^[^:]+'), rest)
  redis.call('PERSIST', KEYS[bodies])
end
-- Readers that took the index before may still come for them.
for i = bodies + 1, #KEYS do redis.call('EXPIRE', KEYS[i], REPLACED_KEPT_SECONDS) end
if #standing > 0 then redis.call('HSET', counts, 'index', word) end
redis.call('HINCRBY', counts, 'removed', removed)
-- No line was ever removed before, so no day before this one holds any count.
redis.call('HSETNX', counts, 'folded', math.floor(tonumber(from) / DAY_SECONDS) * DAY_SECONDS)
if tonumber(redis.call('GET', floorKey) or -1) < tonumber(floor) then redis.call('SET', floorKey, floor) end
if archive ~= '' then redis.call('HDEL', archiving, archive) end

-- One event a day for what goes on step by step, or the steps would push older events out of the stream.
local total = removed
local last = redis.call('XREVRANGE', removals, '+', '-', 'COUNT', 1)[1]
if last then
  local event = {}
  for i = 1, #last[2], 2 do event[last[2][i]] = last[2][i + 1] end
  local isSameDay = math.floor((tonumber(event.at) or -1) / DAY_SECONDS) == math.floor(tonumber(now) / DAY_SECONDS)
  if isSameDay and event.reason == reason and event.days == days and tonumber(event.lines) and event.from then
    redis.call('XDEL', removals, last[1])
    total = total + tonumber(event.lines)
    from = event.from
  end
end
redis.call('XADD', removals, 'MAXLEN', '~', REMOVALS_KEPT, '*', 'from', from, 'floor', floor, 'lines', total,
  'reason', reason, 'days', days, 'at', now)
return { 'removed', removed }
