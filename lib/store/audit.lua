#!lua flags=allow-oom
-- Adds one entry to a stream of the audit, and removes what is too old or too much. A full Redis takes it as well.
--
-- KEYS  1 the stream
-- ARGV  1 milliseconds that entries are kept  2 entries that are kept at most  3 and on: names and values of the entry
-- Returns the entry's id
-- Both limits let the stream's last node, a hundred entries, stand until all of it is past them; readers leave out what is
-- too old. A stream that gets no entry any more goes as a whole when its newest one is too old.
local stream, keptMs, most = KEYS[1], tonumber(ARGV[1]), ARGV[2]
local time = redis.call('TIME')
local oldestMs = math.max(0, time[1] * 1000 + math.floor(time[2] / 1000) - keptMs)
local id = redis.call('XADD', stream, 'MAXLEN', '~', most, '*', unpack(ARGV, 3))
redis.call('XTRIM', stream, 'MINID', '~', string.format('%.0f', oldestMs))
redis.call('PEXPIRE', stream, ARGV[1])
return id
