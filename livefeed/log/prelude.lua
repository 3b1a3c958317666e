-- Shared by all scripts. The feed's hash describes the expected state of its log:
--   seq, ms    number and time of the last event; together its id
--   floor      id of the last trimmed event, "0-0" initially, "0-<seq>" if its time is unknown
--   count      entries in the log
--   bytes      size of their items
--   oldest     time of the first entry, absent if there is none
--   state      open, closed or deleted
--   life       how often a feed of this name was created: idempotency records of earlier lives do not count
--   keep_*     retention: events, age (s), bytes, items
--
-- An entry of the log is one event, and its id is the event's cursor:
--   t, d       type of the event, and its data as JSON
--   i, u       id and URI of the item
--   g, l       all tags that the item ever had, one per line, and its lowest urgency ever
--   p          id of the previous event: with it, a tail sees that no event is missing in between

local function key(name) return ARGV[1] .. name end

local function parse(id)
  local ms, seq = string.match(id, '^(%d+)-(%d+)$')
  return tonumber(ms), tonumber(seq)
end

-- By default, Lua formats large numbers as 1.79e+12.
local function id_of(ms, seq) return string.format('%.0f-%.0f', ms, seq) end

local function now_ms()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end

local function kind(name) return redis.call('TYPE', name).ok end

local function field(entry, name)
  local fields = entry[2]
  for i = 1, #fields, 2 do
    if fields[i] == name then return fields[i + 1] end
  end
  return ''
end

local function read_feed(name)
  local values = redis.call('HMGET', name, 'seq', 'ms', 'floor', 'count', 'bytes', 'oldest', 'state', 'life',
    'keep_events', 'keep_age', 'keep_bytes', 'keep_items')
  if not values[1] then return nil end
  local feed = {
    seq = tonumber(values[1]), ms = tonumber(values[2]), floor = values[3],
    count = tonumber(values[4]), bytes = tonumber(values[5]), oldest = tonumber(values[6] or ''), state = values[7], life = values[8],
    keep = { events = tonumber(values[9]), age = tonumber(values[10]), bytes = tonumber(values[11]), items = tonumber(values[12]) },
  }
  feed.last = id_of(feed.ms, feed.seq)
  feed.floor_ms, feed.floor_seq = parse(feed.floor)
  return feed
end

-- Whether every number in [from, to] was removed by a hold or cancel.
local function all_removed(removed, from, to)
  return to < from or redis.call('ZCOUNT', removed, from, to) == to - from + 1
end

-- Whether the log matches the feed's hash: the number of entries, and the last event as the last of them. Entries above the last
-- event are foreign and do not count.
local function intact(log, feed)
  local log_kind = kind(log)
  if log_kind ~= 'stream' then return log_kind == 'none' and feed.count == 0 end
  local top = redis.call('XREVRANGE', log, feed.last, '-', 'COUNT', 1)[1]
  if feed.count == 0 or not top then return feed.count == 0 and not top end
  local above = #redis.call('XRANGE', log, '(' .. feed.last, '+', 'COUNT', 1000)
  return top[1] == feed.last and above < 1000 and redis.call('XLEN', log) - above == feed.count
end

-- The highest number in (below, from] that was not removed.
local function highest_missing(removed, below, from)
  while from > below + 1 and redis.call('ZCOUNT', removed, from, from) > 0 do from = from - 1 end
  return from
end

-- The highest number up to the last event's that is neither an entry nor removed (the floor's if nothing is missing), and the
-- id of the first entry after it.
local function last_hole(log, removed, feed)
  if intact(log, feed) then return feed.floor_seq end
  local expected, first = feed.seq, nil
  local more = kind(log) == 'stream'
  -- The limit of 20,000 entries bounds the time for which one damaged log can block Redis; older entries are reported as lost.
  for _ = 1, more and 100 or 0 do
    local entries = redis.call('XREVRANGE', log, first and ('(' .. first) or feed.last, '-', 'COUNT', 200)
    for _, entry in ipairs(entries) do
      local _, seq = parse(entry[1])
      -- Numbers alone could belong to another history: the top entry must be this feed's last event.
      if not first and entry[1] ~= feed.last then return expected, nil end
      if seq > expected then return expected, first end
      if not all_removed(removed, seq + 1, expected) then return highest_missing(removed, seq, expected), first end
      if seq <= feed.floor_seq then return feed.floor_seq, first end
      expected, first = seq - 1, entry[1]
    end
    if #entries < 200 then break end
  end
  if all_removed(removed, feed.floor_seq + 1, expected) then return feed.floor_seq, first end
  return highest_missing(removed, feed.floor_seq, expected), first
end
