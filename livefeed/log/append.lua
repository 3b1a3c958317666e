-- Applies one change to one item atomically: order, sequence number, idempotency, item state, timelines, removal, trimming.
--
-- KEYS: log, feed, removed, rejected, inbox, item, uri, idempotency, timeline, items, desk, due, history, held
-- ARGV[1] is the prefix of the feed's keys, ARGV[2] the change as MessagePack (see Change in changes.py), ARGV[3] the event's data.

local LOG, FEED, REMOVED, REJECTED, INBOX = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local ITEM, URI, IDEMPOTENCY, TIMELINE, ITEMS = KEYS[6], KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local DESK, DUE, HISTORY, HELD = KEYS[11], KEYS[12], KEYS[13], KEYS[14]
local HISTORY_LENGTH = 100

local change = cmsgpack.unpack(ARGV[2])
local data = ARGV[3]

-- A key of the wrong type would abort the script halfway, so all types are checked before the first write. The log is the exception:
-- whatever is in its place, its events are gone, which is reported as a gap.
local function check_kinds()
  -- The inbox only matters for changes that come from it.
  local inbox = change.inbox and 'stream' or kind(INBOX)
  local kinds = { 'hash', 'zset', 'stream', inbox, 'hash', 'hash', 'hash', 'zset', 'zset', 'zset', 'zset', 'list', 'string' }
  for i, expected in ipairs(kinds) do
    local found = kind(KEYS[i + 1])
    if found ~= 'none' and found ~= expected then return KEYS[i + 1] end
  end
end

local function split(text)
  local parts, seen = {}, {}
  for part in string.gmatch(text or '', '[^\n]+') do
    if not seen[part] then
      seen[part] = true
      parts[#parts + 1] = part
    end
  end
  return parts
end

local wrong = check_kinds()
if wrong then return { 'wrongtype', wrong } end
local feed = read_feed(FEED)
if not feed then return { 'nofeed' } end
if feed.state == 'deleted' then return { 'nofeed' } end
if change.inbox then
  local first = redis.call('XRANGE', INBOX, '-', '+', 'COUNT', 1)[1]
  if not first or first[1] ~= change.inbox then return { 'moved' } end
end

local now = now_ms()

-- A repeated uri or key gets the first answer again. The repeat performs a write, so that a WAIT after it is meaningful.
local function repeated(name)
  local record = redis.call('HMGET', name, 'first', 'first_event', 'last', 'last_event', 'id', 'life')
  if not record[5] or record[6] ~= feed.life then return nil end
  local event
  if change.digest == record[1] and not change.update then event = record[2] end
  if change.digest == record[3] then event = record[4] end
  if not event then
    -- Only the uri of an item that aged out is left: an update creates it again.
    if change.update and redis.call('EXISTS', key('item:' .. record[5])) == 0 then return nil end
    return { 'exists', record[5] }
  end
  redis.call('HSET', name, 'repeated', now)
  if change.inbox then redis.call('XDEL', INBOX, change.inbox) end
  return { 'repeat', record[5], event }
end

if change.key then
  local answer = repeated(IDEMPOTENCY)
  if answer then return answer end
end
if change.new then
  local answer = repeated(URI)
  if answer then return answer end
end

local values = redis.call('HMGET', ITEM, 'version', 'state', 'data', 'desk', 'member', 'tags', 'ever', 'lowest', 'entries', 'first', 'arrival')
local item = {
  version = tonumber(values[1] or 0), state = values[2], data = values[3] or '', desk = values[4] or '', member = values[5],
  tags = values[6] or '', ever = values[7] or '', lowest = tonumber(values[8] or 9), entries = values[9] or '', first = values[10],
  arrival = values[11],
}
if item.version ~= change.expects then return { 'conflict', item.version } end
if feed.state == 'closed' and change.new then return { 'closed' } end

for _, tags in ipairs({ item.tags, change.tags }) do
  for _, tag in ipairs(split(tags)) do
    local found = kind(key('tag:' .. tag))
    if found ~= 'none' and found ~= 'zset' then return { 'wrongtype', key('tag:' .. tag) } end
  end
end

-- From here on, all changes are applied.
local foreign = mend(LOG, REMOVED, REJECTED, feed, now)

local event = ''
if change.type then
  feed.seq = feed.seq + 1
  feed.ms = math.max(now, feed.ms)
  event = id_of(feed.ms, feed.seq)
  feed.before, feed.last = feed.last, event
end

local ever = table.concat(split(item.ever .. '\n' .. change.tags), '\n')
local lowest = math.min(item.lowest, change.urgency)
-- Versions that were never published do not extend the tags that filters match.
if not change.type then ever, lowest = item.ever, item.lowest end

local function remove_entries()
  for _, id in ipairs(split(item.entries)) do
    local _, seq = parse(id)
    if seq > feed.floor_seq then
      local entry = redis.call('XRANGE', LOG, id, id)[1]
      if entry then
        redis.call('XDEL', LOG, id)
        redis.call('ZADD', REMOVED, seq, id)
        feed.count = feed.count - 1
        feed.bytes = feed.bytes - #field(entry, 'd')
      end
    end
  end
  item.entries = ''
end

if change.erase then
  remove_entries()
  redis.call('DEL', HISTORY)
  if change.erase == 'hold' then
    redis.call('SET', HELD, cmsgpack.pack({ data = item.data, desk = item.desk, version = item.version }))
  end
elseif item.version > 0 and item.state ~= 'withheld' and item.data ~= '' then
  redis.call('LPUSH', HISTORY, item.data)
  redis.call('LTRIM', HISTORY, 0, HISTORY_LENGTH - 1)
end
if change.erase ~= 'hold' then redis.call('DEL', HELD) end

if change.type then
  add(LOG, feed, change.type, change.id, change.subject, ever, lowest, data)
end

local function retag(before, after, member)
  for _, tag in ipairs(split(before)) do redis.call('ZREM', key('tag:' .. tag), item.member) end
  if member then
    for _, tag in ipairs(split(after)) do redis.call('ZADD', key('tag:' .. tag), 0, member) end
  end
end

if item.member then redis.call('ZREM', TIMELINE, item.member) end
retag(item.tags, change.tags, change.listed and change.member)
if change.listed then redis.call('ZADD', TIMELINE, 0, change.member) end
if item.member then redis.call('ZREM', DESK, item.member) end
redis.call('ZADD', DESK, 0, change.member)
local arrival = item.arrival or (string.format('%015.0f', now) .. ':' .. change.id)
redis.call('ZADD', ITEMS, 0, arrival)
if change.due then redis.call('ZADD', DUE, change.due, change.id) else redis.call('ZREM', DUE, change.id) end

local entries = {}
for _, id in ipairs(split(item.entries)) do
  local _, seq = parse(id)
  if seq > feed.floor_seq then entries[#entries + 1] = id end
end
if change.type then entries[#entries + 1] = event end
redis.call('HSET', ITEM, 'version', change.version, 'state', change.state, 'data', data, 'desk', change.desk, 'member', change.member,
  'tags', change.listed and change.tags or '', 'ever', ever, 'lowest', lowest, 'entries', table.concat(entries, '\n'), 'uri', change.subject,
  'urgency', change.urgency, 'expires', change.expires or '', 'arrival', arrival, 'uri_key', URI,
  'first', (item.first and item.first ~= '') and item.first or event)

-- The record contains digests and ids, never the item: a repeat must not return killed text.
local function remember(name, ttl)
  local record = redis.call('HMGET', name, 'id', 'life')
  if record[1] ~= change.id or record[2] ~= feed.life then
    redis.call('HSET', name, 'first', change.digest, 'first_event', event, 'id', change.id, 'life', feed.life)
    redis.call('PERSIST', name)
  end
  redis.call('HSET', name, 'last', change.digest, 'last_event', event)
  if ttl then redis.call('PEXPIRE', name, ttl) end
end

if change.digest then
  remember(URI)
  if change.key then remember(IDEMPOTENCY, 86400000) end
end
-- A draft is published: a repeat of the request that created it gets the event that published it.
if change.type and redis.call('HGET', URI, 'first_event') == '' then
  redis.call('HSET', URI, 'first_event', event)
  if redis.call('HGET', URI, 'last_event') == '' then redis.call('HSET', URI, 'last_event', event) end
end

trim(LOG, REMOVED, feed, now)
drop_items(ITEMS, TIMELINE, DESK, DUE, feed.keep.items, 10)
save(FEED, feed)
if change.inbox then redis.call('XDEL', INBOX, change.inbox) end
return { 'appended', event, foreign }
