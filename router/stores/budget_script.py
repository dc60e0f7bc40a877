"""What Redis does in one step for budgets: read, set aside, charge, forget.

KEYS   1 the index of accounts, 2 the mark of a settled reservation, then for each account its hash and its holds
ARGV   1 mode, 2 id, 3 nano-dollars set aside, 4 cost, 5 ttl, 6 how long marks are kept, 7 the time, empty for that of
       the server's clock, which only tests do without, then for each account: 1 limit, 2 start and 3 stop of the window
       (stop 0 where it rolls), 4 its length, 5 the width of its buckets, 6 its label, 7 alerts as share=nano-dollars,
       spaced. All times in milliseconds.

An account is a hash: `held`, `label`, `b:<start>` for what was spent in a bucket, `n:<share>` for when an alert was
raised. Its holds are a sorted set of `<nano-dollars>:<id>` by the time they run out. A calendar is more than a script
knows, so callers say which window it is; one that is not the present one by the server's clock is answered "again" with
that clock's time. Nothing is written before everything was read and found whole. The answer:

    {status, now, place of the account that refused or 0, {spent, held, spent, held, ...}, {place, share, ...}}
"""

from __future__ import annotations

SCRIPT = """
local mode, id, most, cost = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local ttl, keep = tonumber(ARGV[5]), tonumber(ARGV[6])
local clock = redis.call('TIME')
local now = tonumber(ARGV[7]) or clock[1] * 1000 + math.floor(clock[2] / 1000)
local member = most .. ':' .. id

local function whole(text)
  local number = tonumber(text)
  if not number or number ~= math.floor(number) then
    error({err = 'CORRUPT a budget holds what is no whole number'})
  end
  return number
end

local function plain(number) return string.format('%.0f', number) end

local accounts = {}
for place = 3, #KEYS, 2 do
  local at = 7 + (place - 3) / 2 * 7
  local a = {
    hash = KEYS[place], holds = KEYS[place + 1], limit = tonumber(ARGV[at + 1]), start = tonumber(ARGV[at + 2]),
    stop = tonumber(ARGV[at + 3]), length = tonumber(ARGV[at + 4]), width = tonumber(ARGV[at + 5]),
    label = ARGV[at + 6], alerts = ARGV[at + 7], spent = 0, freed = 0, old = {}, told = {}
  }
  if a.stop > 0 and (now < a.start or now >= a.stop) then return {'again', plain(now), 0, {}, {}} end
  if a.stop == 0 then a.start = now - a.length end
  accounts[#accounts + 1] = a
end

for _, a in ipairs(accounts) do
  local fields = redis.call('HGETALL', a.hash)
  a.held = 0
  for place = 1, #fields, 2 do
    local name, value = fields[place], fields[place + 1]
    local kind, rest = string.sub(name, 1, 2), string.sub(name, 3)
    if kind == 'b:' then
      local from = whole(rest)
      if (a.stop > 0 and from >= a.start) or (a.stop == 0 and from + a.width > a.start) then
        a.spent = a.spent + whole(value)
      else
        a.old[#a.old + 1] = name
      end
    elseif kind == 'n:' then
      a.told[rest] = whole(value)
    elseif name == 'held' then
      a.held = whole(value)
    end
  end
  a.due = redis.call('ZRANGEBYSCORE', a.holds, '-inf', plain(now), 'LIMIT', 0, 1000)
  for _, hold in ipairs(a.due) do a.freed = a.freed + whole(string.match(hold, '^%d+')) end
  a.held = a.held - a.freed
  if a.held < 0 then a.held = 0 end
end

local status, refused, fired = 'ok', 0, {}

if mode == 'reset' then
  for _, a in ipairs(accounts) do
    for _, name in ipairs(redis.call('HKEYS', a.hash)) do
      if string.sub(name, 2, 2) == ':' then redis.call('HDEL', a.hash, name) end
    end
    a.spent = 0
  end
elseif mode ~= 'survey' then
  for _, a in ipairs(accounts) do
    if #a.due > 0 then
      redis.call('HSET', a.hash, 'held', plain(a.held))
      redis.call('ZREM', a.holds, unpack(a.due))
    end
    for _, name in ipairs(a.old) do redis.call('HDEL', a.hash, name) end
  end
end

if mode == 'reserve' and #accounts > 0 and not redis.call('ZSCORE', accounts[1].holds, member) then
  for place, a in ipairs(accounts) do
    if a.spent + a.held + tonumber(most) > a.limit then
      status, refused = 'refused', place
      break
    end
  end
  if refused == 0 then
    for _, a in ipairs(accounts) do
      redis.call('ZADD', a.holds, plain(now + ttl), member)
      a.held = a.held + tonumber(most)
      redis.call('HSET', a.hash, 'held', plain(a.held))
    end
  end
elseif mode == 'settle' and redis.call('SET', KEYS[2], '1', 'NX', 'PX', plain(keep)) then
  for place, a in ipairs(accounts) do
    if redis.call('ZREM', a.holds, member) == 1 then
      a.held = math.max(a.held - tonumber(most), 0)
      redis.call('HSET', a.hash, 'held', plain(a.held))
    end
    local bucket = a.start
    if a.stop == 0 then bucket = now - now % a.width end
    redis.call('HINCRBY', a.hash, 'b:' .. plain(bucket), cost)
    a.spent = a.spent + tonumber(cost)
    for share, bar in string.gmatch(a.alerts, '(%S+)=(%d+)') do
      if a.spent >= tonumber(bar) and (a.told[share] or -1) < a.start then
        redis.call('HSET', a.hash, 'n:' .. share, plain(now))
        fired[#fired + 1] = plain(place)
        fired[#fired + 1] = share
      end
    end
  end
end

if (mode == 'reserve' and refused == 0) or mode == 'settle' then
  for _, a in ipairs(accounts) do
    local idle = math.max(a.stop, now + a.length + a.width) + ttl
    redis.call('HSET', a.hash, 'label', a.label)
    redis.call('PEXPIRE', a.hash, plain(idle - now))
    redis.call('PEXPIRE', a.holds, plain(idle - now))
    redis.pcall('ZADD', KEYS[1], plain(idle), string.sub(a.hash, -32))
  end
  redis.pcall('ZREMRANGEBYSCORE', KEYS[1], '-inf', plain(now))
end

local standings = {}
for _, a in ipairs(accounts) do
  standings[#standings + 1] = plain(a.spent)
  standings[#standings + 1] = plain(a.held)
end
return {status, plain(now), refused, standings, fired}
"""
