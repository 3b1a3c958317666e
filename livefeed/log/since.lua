-- Returns the position after which all events appended at or after a time follow. Read-only.
--
-- KEYS: log, feed. ARGV: prefix, time in ms. {"from", position} or {"hole"}, {"deleted"} or {"nofeed"}.

local feed = read_feed(KEYS[2])
if not feed then return { 'nofeed' } end
if feed.state == 'deleted' then return { 'deleted' } end
local time = tonumber(ARGV[2])
if time > feed.ms then return { 'from', feed.last } end
if kind(KEYS[1]) == 'stream' then
  local before = redis.call('XREVRANGE', KEYS[1], id_of(math.max(time - 1, 0), 2 ^ 52), '-', 'COUNT', 1)[1]
  if before and field(before, 't') ~= '' then return { 'from', before[1] } end
end
if feed.floor == '0-0' or (feed.floor_ms > 0 and feed.floor_ms < time) then return { 'from', feed.floor } end
return { 'hole' }
