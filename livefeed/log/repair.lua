-- Write operations shared by several scripts: repairing a log that does not match the feed's hash, and trimming.

local function save(name, feed)
  redis.call('HSET', name, 'seq', string.format('%.0f', feed.seq), 'ms', string.format('%.0f', feed.ms), 'floor', feed.floor,
    'count', feed.count, 'bytes', string.format('%.0f', math.max(feed.bytes, 0)))
  if feed.oldest then
    redis.call('HSET', name, 'oldest', string.format('%.0f', feed.oldest))
  else
    redis.call('HDEL', name, 'oldest')
  end
end

local function set_floor(removed, feed, floor)
  feed.floor = floor
  feed.floor_ms, feed.floor_seq = parse(floor)
  redis.call('ZREMRANGEBYSCORE', removed, '-inf', feed.floor_seq)
end

-- Entries above the last event were written by other programs. They are moved away, because the next event could not follow them.
local function move_foreign(log, rejected, feed)
  local moved = 0
  while true do
    local entries = redis.call('XRANGE', log, '(' .. feed.last, '+', 'COUNT', 200)
    for _, entry in ipairs(entries) do
      -- An event of a history that the feed's hash does not know: no kill would find its text.
      local shown = field(entry, 't') == '' and cjson.encode(entry[2]) or ''
      redis.call('XADD', rejected, 'MAXLEN', '~', 10000, '*', 'reason', 'foreign entry in the log', 'id', entry[1], 'entry', shown)
      redis.call('XDEL', log, entry[1])
      moved = moved + 1
    end
    if #entries < 200 then break end
  end
  return moved
end

-- A stream's last id cannot be lowered after a higher entry was deleted: after a foreign entry with a future id the log is copied.
local function copy_without_future(log)
  local copy, below = log .. ':copy', '-'
  redis.call('DEL', copy)
  while true do
    local entries = redis.call('XRANGE', log, below, '+', 'COUNT', 500)
    for _, entry in ipairs(entries) do redis.call('XADD', copy, entry[1], unpack(entry[2])) end
    if #entries < 500 then break end
    below = '(' .. entries[500][1]
  end
  redis.call('DEL', log)
  if redis.call('EXISTS', copy) == 1 then redis.call('RENAME', copy, log) end
end

local function add(log, feed, kind_of_event, id, subject, tags, urgency, data)
  local fields = { 't', kind_of_event, 'i', id, 'u', subject, 'g', tags, 'l', urgency, 'p', feed.before, 'd', data }
  local added = redis.pcall('XADD', log, feed.last, unpack(fields))
  if type(added) == 'table' and added.err then
    copy_without_future(log)
    redis.call('XADD', log, feed.last, unpack(fields))
  end
  feed.count = feed.count + 1
  feed.bytes = feed.bytes + #data
  feed.oldest = feed.oldest or feed.ms
end

-- After DEL, RENAME, a foreign XTRIM or XDEL: positions up to the highest missing number cannot be continued. Its time is unknown,
-- and time 0 matches no cursor: a reader at this position gets a reset that may be unnecessary, but never a silent gap.
local function mend(log, removed, rejected, feed, now)
  local moved = 0
  local found = kind(log)
  if found == 'stream' then
    moved = move_foreign(log, rejected, feed)
  elseif found ~= 'none' then
    redis.call('RENAME', log, ARGV[1] .. 'displaced:' .. now)
  end
  if intact(log, feed) then return moved end
  local hole, first = last_hole(log, removed, feed)
  if hole > feed.floor_seq then set_floor(removed, feed, hole == feed.seq and feed.last or id_of(0, hole)) end
  if kind(log) == 'stream' then
    if first then
      redis.call('XTRIM', log, 'MINID', '=', first)
    else
      redis.call('XTRIM', log, 'MAXLEN', '=', 0)
    end
  end
  local count = first and redis.call('XLEN', log) or 0
  feed.bytes = feed.count > 0 and math.floor(feed.bytes * count / feed.count) or 0
  feed.count = count
  feed.oldest = first and parse(first) or nil
  return moved
end

-- Trims by count, age and bytes; at most 1,000 entries per call, so that a call never blocks Redis for long.
local function trim(log, removed, feed, now)
  local keep = feed.keep
  local over = feed.count - keep.events
  local oldest_kept = now - keep.age * 1000
  if over <= 0 and feed.bytes <= keep.bytes and not (feed.oldest and feed.oldest < oldest_kept) then return 0 end
  local trimmed, floor = 0, nil
  feed.oldest = nil
  while trimmed < 1000 do
    local wanted = trimmed == 0 and math.min(math.max(over, 0) + 1, 100) or 100
    local entries = redis.call('XRANGE', log, floor and ('(' .. floor) or '-', '+', 'COUNT', wanted)
    for _, entry in ipairs(entries) do
      local ms = parse(entry[1])
      if trimmed >= over and feed.bytes <= keep.bytes and ms >= oldest_kept then
        feed.oldest = ms
        break
      end
      floor, trimmed = entry[1], trimmed + 1
      feed.bytes = feed.bytes - #field(entry, 'd')
    end
    if feed.oldest or #entries < wanted then break end
  end
  if floor then
    local ms, seq = parse(floor)
    redis.call('XTRIM', log, 'MINID', '=', id_of(ms, seq + 1))
    feed.count = feed.count - trimmed
    if not feed.oldest and feed.count > 0 then feed.oldest = parse(redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1][1]) end
    set_floor(removed, feed, floor)
  end
  return trimmed
end

-- Drops the oldest items until *keep* are left, at most *most* per call. Their uris are remembered for another 90 days.
local function drop_items(items, timeline, desk, due, keep, most)
  local over = redis.call('ZCARD', items) - keep
  if over <= 0 then return 0 end
  local arrivals = redis.call('ZRANGE', items, 0, math.min(over, most) - 1)
  for _, arrival in ipairs(arrivals) do
    local id = string.sub(arrival, 17)
    local item = redis.call('HMGET', key('item:' .. id), 'member', 'tags', 'uri_key')
    for tag in string.gmatch(item[2] or '', '[^\n]+') do redis.call('ZREM', key('tag:' .. tag), item[1]) end
    if item[1] then
      redis.call('ZREM', timeline, item[1])
      redis.call('ZREM', desk, item[1])
    end
    if item[3] then redis.call('EXPIRE', item[3], 90 * 86400) end
    redis.call('DEL', key('item:' .. id), key('history:' .. id), key('held:' .. id))
    redis.call('ZREM', due, id)
    redis.call('ZREM', items, arrival)
  end
  return #arrivals
end
