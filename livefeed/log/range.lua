-- Continues a position exactly, or returns the reason why that is impossible. Read-only.
--
-- KEYS: log, feed, removed. ARGV: prefix, position, how many entries.
-- {"page", entries, removed ids among them}, {"hole", reason [, first missing, last missing]}, {"deleted"} or {"nofeed"}.

local LOG, FEED, REMOVED = KEYS[1], KEYS[2], KEYS[3]
local position, most = ARGV[2], tonumber(ARGV[3])
local position_ms, position_seq = parse(position)

local feed = read_feed(FEED)
if not feed then return { 'nofeed' } end
if feed.state == 'deleted' then return { 'deleted' } end
local is_log = kind(LOG) == 'stream'

local function entry_at(id)
  local entry = is_log and redis.call('XRANGE', LOG, id, id)[1]
  return entry and field(entry, 't') ~= ''
end

local function is_good()
  if position == feed.last or position == feed.floor then return true end
  if position_seq <= feed.floor_seq or position_seq > feed.seq then return false end
  return entry_at(position) or redis.call('ZSCORE', REMOVED, position) ~= false
end

-- Whether the number belongs to another event, so that the position is from another branch of history. Ids and numbers increase
-- together, so the neighbouring entries determine this.
local function is_other_branch()
  if position_seq >= feed.seq then return true end
  if position_seq == feed.floor_seq then return feed.floor_ms > 0 end
  if position_seq < feed.floor_seq then return false end
  if redis.call('ZCOUNT', REMOVED, position_seq, position_seq) > 0 then return true end
  if not is_log then return false end
  -- There may be foreign entries above the last event.
  local top = position_ms > feed.ms and feed.last or position
  local before = redis.call('XREVRANGE', LOG, top, '-', 'COUNT', 1)[1]
  local after = redis.call('XRANGE', LOG, position, feed.last, 'COUNT', 1)[1]
  local _, seq_before = parse(before and before[1] or '0-0')
  local _, seq_after = parse(after and after[1] or '0-0')
  return (before and seq_before >= position_seq) or (after and seq_after <= position_seq) or false
end

local function missing(from)
  local hole = last_hole(LOG, REMOVED, feed)
  if hole < from then return { 'hole', 'trimmed' } end
  return { 'hole', 'trimmed', from, hole }
end

if not is_good() then
  if is_other_branch() then return { 'hole', 'lost' } end
  return missing(position_seq + 1)
end

local entries, removed, expected = {}, {}, position_seq + 1
local found = {}
if is_log and position ~= feed.last then
  found = redis.call('XRANGE', LOG, '(' .. position, feed.last, 'COUNT', most)
end
for _, entry in ipairs(found) do
  local _, seq = parse(entry[1])
  -- In a log that was deleted and refilled by another program, a number may match by chance.
  local is_ours = field(entry, 't') ~= ''
  if not is_ours or seq < expected or not all_removed(REMOVED, expected, seq - 1) then
    if #entries == 0 then return missing(expected) end
    return { 'page', entries, removed }
  end
  if seq > expected then
    for _, id in ipairs(redis.call('ZRANGEBYSCORE', REMOVED, expected, seq - 1)) do removed[#removed + 1] = id end
  end
  entries[#entries + 1] = entry
  expected = seq + 1
end
if #found < most and expected <= feed.seq then
  if not all_removed(REMOVED, expected, feed.seq) then
    if #entries == 0 then return missing(expected) end
    return { 'page', entries, removed }
  end
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', REMOVED, expected, feed.seq)) do removed[#removed + 1] = id end
end
return { 'page', entries, removed }
