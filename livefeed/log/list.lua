-- Returns current items, newest first, and the log position of the list. Read-only.
--
-- KEYS: feed, timeline, desk. ARGV: prefix, MessagePack of {limit, tags, urgency, before, desk, scan}.
-- {last, {member, data, desk …}, next member or ""} or {"nofeed"}.

local feed = read_feed(KEYS[1])
if not feed or feed.state == 'deleted' then return { 'nofeed' } end
local query = cmsgpack.unpack(ARGV[2])
local now = now_ms()

local names = {}
for _, tag in ipairs(query.tags or {}) do names[#names + 1] = key('tag:' .. tag) end
if query.desk then
  names = { KEYS[3] }
elseif #names == 0 then
  names = { KEYS[2] }
end

-- Merges the sorted sets, each of which is read in chunks.
local heads = {}
for i, name in ipairs(names) do heads[i] = { name = name, chunk = {}, at = 1, below = query.before and ('(' .. query.before) or '+' } end

local function peek(head)
  if head.at > #head.chunk and not head.done then
    head.chunk = redis.call('ZREVRANGEBYLEX', head.name, head.below, '-', 'LIMIT', 0, query.limit + 1)
    head.at = 1
    if #head.chunk == 0 then head.done = true else head.below = '(' .. head.chunk[#head.chunk] end
  end
  return head.chunk[head.at]
end

local function next_member()
  local newest
  for _, head in ipairs(heads) do
    local member = peek(head)
    if member and (not newest or member > newest) then newest = member end
  end
  for _, head in ipairs(heads) do
    if newest and peek(head) == newest then head.at = head.at + 1 end
  end
  return newest
end

local rows, count, scanned, last_member, more = {}, 0, 0, nil, ''
while true do
  local member = next_member()
  if not member then break end
  if count >= query.limit or scanned >= query.scan then
    more = last_member or ''
    break
  end
  scanned, last_member = scanned + 1, member
  local item = redis.call('HMGET', key('item:' .. string.sub(member, 17)), 'data', 'desk', 'urgency', 'expires', 'state')
  local expires = tonumber(item[4] or '')
  local shown = item[1] and (query.desk or not expires or expires > now)
  if shown and query.urgency then shown = tonumber(item[3]) <= query.urgency end
  if shown then
    count = count + 1
    rows[#rows + 1] = { member, item[1], query.desk and item[2] or '', query.desk and item[5] or '' }
  end
end
return { feed.last, rows, more }
