#!lua flags=no-writes
-- What one step of retention may remove, from one moment of the store.
--
-- KEYS  1 lines (zset)  2 segments (zset)
-- ARGV  1 the cut: lines of earlier seconds are to go
--       2 segments, 3 hot lines, 4 bytes of hot lines at most; the lines of the oldest second are taken whatever they are
-- Returns
--   {'found', oldest second, limit, 1 when no line and no segment begins from the limit to the cut,
--    second of the first hot line past the bounds or '', descriptor, …}
--       the limit is the cut or the end of the oldest line's UTC day; the descriptors are of those segments that begin
--       before it, one more than may be taken where there are more
--   {'nothing', oldest second or ''}   no line lies below the cut
--   {'type', key, type}                a key holds something else
local lines, segments = KEYS[1], KEYS[2]
local cut, maxSegments, maxLines, maxBytes = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local DAY_SECONDS = 86400
local CHUNK = 64

for i = 1, 2 do
  local kind = redis.call('TYPE', KEYS[i]).ok
  if kind ~= 'none' and kind ~= 'zset' then return { 'type', KEYS[i], kind } end
end

local function secondOf(score) return math.floor(tonumber(score)) end
local hotOldest = redis.call('ZRANGE', lines, 0, 0, 'WITHSCORES')[2]
local sealedOldest = redis.call('ZRANGE', segments, 0, 0, 'WITHSCORES')[2]
if not hotOldest and not sealedOldest then return { 'nothing', '' } end
local oldest = math.min(secondOf(hotOldest or sealedOldest), secondOf(sealedOldest or hotOldest))
if oldest >= cut then return { 'nothing', oldest } end

local limit = math.min(cut, (math.floor(oldest / DAY_SECONDS) + 1) * DAY_SECONDS)
local later = redis.call('ZCOUNT', lines, limit, '(' .. cut) + redis.call('ZCOUNT', segments, limit, '(' .. cut)

local below = '(' .. limit
local found = redis.call('ZRANGEBYSCORE', segments, '-inf', below, 'LIMIT', 0, maxSegments + 1)
if #found > maxSegments and secondOf(string.match(found[#found], '^[^:]+')) == oldest then
  found = redis.call('ZRANGEBYSCORE', segments, '-inf', '(' .. (oldest + 1))
end

local past = ''
local count, bytes, hot = 0, 0, redis.call('ZCOUNT', lines, '-inf', below)
while count < hot and past == '' do
  local chunk = redis.call('ZRANGE', lines, count, math.min(count + CHUNK, hot) - 1)
  for i = 1, #chunk do
    count = count + 1
    bytes = bytes + #chunk[i]
    if count > maxLines or bytes > maxBytes then
      past = secondOf(redis.call('ZSCORE', lines, chunk[i]))
      break
    end
  end
end

return { 'found', oldest, limit, later == 0 and 1 or 0, past, unpack(found) }
