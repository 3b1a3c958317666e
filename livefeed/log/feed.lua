-- Creates, changes or deletes a feed.
--
-- KEYS: log, feed, removed, rejected, items, timeline, desk, due. ARGV: prefix, op, MessagePack of {settings, open, keep, data, only_new}.
-- {"made" | "changed" | "exists" | "deleted" | "nofeed", event or "", last}

local LOG, FEED, REMOVED, REJECTED = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local wanted = cmsgpack.unpack(ARGV[3])
local feed = read_feed(FEED)
local now = now_ms()

if ARGV[2] == 'delete' then
  if not feed or feed.state == 'deleted' then return { 'nofeed', '', feed and feed.last or '0-0' } end
  redis.call('DEL', LOG, REMOVED)
  feed.floor, feed.count, feed.bytes, feed.oldest = feed.last, 0, 0, nil
  save(FEED, feed)
  redis.call('HSET', FEED, 'state', 'deleted')
  redis.call('HINCRBY', FEED, 'revision', 1)
  redis.call('HDEL', FEED, 'settings')
  return { 'deleted', '', feed.last }
end

local answer = 'changed'
if not feed then
  -- Keys left over from a lost hash refer to sequence numbers that will be assigned again.
  redis.call('DEL', REMOVED)
  redis.call('HSET', FEED, 'seq', 0, 'ms', 0, 'floor', '0-0', 'count', 0, 'bytes', 0, 'state', 'new', 'life', 1, 'made', now)
  answer = 'made'
elseif feed.state == 'deleted' then
  redis.call('HINCRBY', FEED, 'life', 1)
  redis.call('HSET', FEED, 'state', 'new', 'made', now)
  answer = 'made'
end
if answer == 'changed' and wanted.only_new then return { 'exists', '', feed.last } end
for name, value in pairs(wanted.keep) do redis.call('HSET', FEED, 'keep_' .. name, value) end
redis.call('HSET', FEED, 'settings', wanted.settings)
redis.call('HINCRBY', FEED, 'revision', 1)

feed = read_feed(FEED)
local state = wanted.open and 'open' or 'closed'
local event = ''
mend(LOG, REMOVED, REJECTED, feed, now)
if feed.state ~= state and (feed.state ~= 'new' or state == 'closed') then
  feed.seq = feed.seq + 1
  feed.ms = math.max(now, feed.ms)
  event = id_of(feed.ms, feed.seq)
  feed.before, feed.last = feed.last, event
  local kind_of_event = state == 'open' and 'live.feed.opened' or 'live.feed.closed'
  add(LOG, feed, kind_of_event, '', '', '', 1, wanted.data)
end
redis.call('HSET', FEED, 'state', state)
trim(LOG, REMOVED, feed, now)
save(FEED, feed)
return { answer, event, feed.last }
