"""What Redis does in one step for limits: the rules of :mod:`router.limits.meter`, on the server and by its clock.

KEYS   1 the tier's hash, then for each gauge its hash, its leases, its queue by order, and its queue by when it is due
ARGV   1 mode, 2 id, 3 tokens, 4 rank, 5 order or -1, 6 time left, 7 patience, 8 lease, 9 the day of the turn or -1,
       10 tokens more than taken, 11 how long to leave the tier alone or -1, 12 the time, empty for that of the server's
       clock, which only tests do without, then for each gauge, 0 for none: 1 requests and 2 tokens a minute,
       3 requests and 4 tokens a day, 5 concurrency, 6 burst, 7 the longest queue, 8 whether it is a tier's. Times in
       milliseconds.

The answer: {status, wait, place of the gauge or 0, order, day, pace}, numbers as text.
"""

from __future__ import annotations

from router.limits.meter import DAY, GRACE, HALF, LEAST, LONGEST_POLL, MINUTE, ORDER, POLL, STEP, STEP_TIME

_NAMES = {
    "DAY": DAY, "GRACE": GRACE, "HALF": HALF, "LEAST": LEAST, "LONGEST_POLL": LONGEST_POLL, "MINUTE": MINUTE,
    "ORDER": ORDER, "POLL": POLL, "STEP": STEP, "STEP_TIME": STEP_TIME, "KEPT": 2 * DAY,
}  # fmt: skip

SCRIPT = (
    "".join(f"local {name} = {value}\n" for name, value in _NAMES.items())
    + """
local mode, id, tokens, rank = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local order, left, patience, lease = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local day, more, pause = tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11])
local clock = redis.call('TIME')
local now = tonumber(ARGV[12]) or clock[1] * 1000 + math.floor(clock[2] / 1000)
local today = math.floor(now / DAY)
local member = id .. ':' .. string.format('%.0f', tokens)
if order < 0 then
  order = rank * ORDER + now * 1000
  if ARGV[12] == '' then order = order + clock[2] % 1000 end
end

local function number(text) return tonumber(text or '0') or 0 end
local function exact(value) return string.format('%.6f', value) end
local function plain(value) return string.format('%.0f', value) end

local tier = redis.call('HMGET', KEYS[1], 'share', 'until')
local stop = number(tier[2])
local pace = math.min((tonumber(tier[1] or '1') or 1) + STEP * math.max(math.floor((now - stop) / STEP_TIME), 0), 1)

local gauges = {}
for place = 2, #KEYS, 4 do
  local at = 12 + (place - 2) / 4 * 8
  local g = {
    hash = KEYS[place], leases = KEYS[place + 1], queue = KEYS[place + 2], due = KEYS[place + 3],
    rpm = tonumber(ARGV[at + 1]), tpm = tonumber(ARGV[at + 2]), rpd = tonumber(ARGV[at + 3]),
    tpd = tonumber(ARGV[at + 4]), concurrency = tonumber(ARGV[at + 5]), burst = tonumber(ARGV[at + 6]),
    longest = tonumber(ARGV[at + 7]), pace = 1
  }
  if ARGV[at + 8] == '1' then g.pace = pace end
  local held = redis.call('HMGET', g.hash, 'r', 't', 'day', 'dr', 'dt')
  g.r, g.t = number(held[1]), number(held[2])
  g.dr, g.dt = 0, 0
  if number(held[3]) == today then g.dr, g.dt = number(held[4]), number(held[5]) end
  gauges[#gauges + 1] = g
end

local function keep(g)
  redis.call('HSET', g.hash, 'r', exact(g.r), 't', exact(g.t))
  redis.call('HSET', g.hash, 'day', plain(today), 'dr', plain(g.dr), 'dt', plain(g.dt))
  redis.call('PEXPIRE', g.hash, KEPT)
end

local function unqueue(g)
  redis.call('ZREM', g.queue, member)
  redis.call('ZREM', g.due, member)
end

if mode == 'leave' then
  for _, g in ipairs(gauges) do
    unqueue(g)
    if day >= 0 and redis.call('ZREM', g.leases, id) == 1 then
      if g.tpm > 0 then g.t = g.t + more * MINUTE / g.tpm end
      if day == today then g.dt = math.max(g.dt + more, 0) end
      keep(g)
    end
  end
  if pause >= 0 then
    if now >= stop then pace = math.max(pace * HALF, LEAST) end
    stop = math.max(stop, now + pause)
    redis.call('HSET', KEYS[1], 'share', exact(pace), 'until', plain(stop))
    redis.call('PEXPIRE', KEYS[1], plain(stop - now + STEP_TIME * (1 / STEP + 1)))
  end
  return {'go', '0', '0', plain(order), plain(today), exact(pace)}
end

local function until_room(even, rate, ahead, own, burst)
  local each = MINUTE / rate
  local wait = math.max(even, now) + (ahead + own) * each - math.max(burst, own * each) - now
  if wait > 0.000001 then return wait end
  return 0
end

local function waits(g)
  redis.call('ZREMRANGEBYSCORE', g.leases, '-inf', plain(now))
  for _, gone in ipairs(redis.call('ZRANGEBYSCORE', g.due, '-inf', plain(now))) do
    redis.call('ZREM', g.queue, gone)
    redis.call('ZREM', g.due, gone)
  end
  local count, before = 0, 0
  local ahead = redis.call('ZRANGEBYSCORE', g.queue, '-inf', plain(order), 'WITHSCORES')
  for place = 1, #ahead, 2 do
    local other = ahead[place]
    if other ~= member and (tonumber(ahead[place + 1]) < order or other < member) then
      count = count + 1
      before = before + number(string.match(other, '%d+$'))
    end
  end
  if g.tpm > 0 and tokens > g.tpm * g.burst / MINUTE then return 0, 'oversize' end
  if g.rpd > 0 and g.dr + 1 > g.rpd then return DAY - now % DAY, 'quota' end
  if g.tpd > 0 and g.dt + tokens > g.tpd then return DAY - now % DAY, 'quota' end
  local wait = 0
  if g.rpm > 0 then wait = math.max(wait, until_room(g.r, g.rpm * g.pace, count, 1, g.burst)) end
  if g.tpm > 0 then wait = math.max(wait, until_room(g.t, g.tpm * g.pace, before, tokens, g.burst)) end
  if g.concurrency > 0 then
    local free = math.max(math.floor(g.concurrency * g.pace), 1) - redis.call('ZCARD', g.leases)
    if count >= free then wait = math.max(wait, math.min(POLL * (count - free + 1), LONGEST_POLL)) end
  end
  return wait, 'wait'
end

local status, wait, culprit = 'go', math.max(stop - now, 0), 0
for place, g in ipairs(gauges) do
  local time, kind = waits(g)
  g.wait = time
  if kind ~= 'wait' then
    status, wait, culprit = kind, time, place
    break
  end
  if time > wait then wait, culprit = time, place end
end
if status == 'go' and wait > 0 then
  status = 'wait'
  if now - math.floor(order % ORDER / 1000) + wait > patience or wait >= left then status = 'late' end
end
if status == 'wait' then
  for place, g in ipairs(gauges) do
    if g.wait > 0 and not redis.call('ZSCORE', g.queue, member) and redis.call('ZCARD', g.queue) >= g.longest then
      status, culprit = 'full', place
      break
    end
  end
end
for _, g in ipairs(gauges) do
  if status == 'wait' and g.wait > 0 then
    redis.call('ZADD', g.queue, plain(order), member)
    redis.call('ZADD', g.due, plain(now + wait + GRACE), member)
    redis.call('PEXPIRE', g.queue, KEPT)
    redis.call('PEXPIRE', g.due, KEPT)
  else
    unqueue(g)
  end
  if status == 'go' then
    if g.rpm > 0 then g.r = math.max(g.r, now) + MINUTE / (g.rpm * g.pace) end
    if g.tpm > 0 then g.t = math.max(g.t, now) + tokens * MINUTE / (g.tpm * g.pace) end
    g.dr, g.dt = g.dr + 1, g.dt + tokens
    redis.call('ZADD', g.leases, plain(now + lease), id)
    redis.call('PEXPIRE', g.leases, KEPT)
    keep(g)
  end
end
return {status, exact(wait), plain(culprit), plain(order), plain(today), exact(pace)}
"""
)
