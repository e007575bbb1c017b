-- Look after units of work that nobody looks after. Gives the ids whose message must be sent (again).
local resend_ms, lease_ms, batch = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local queues = {unpack(ARGV, 4)}

-- Whether it only needs somebody to take it.
local function waits(id)
  local status, awaits = unpack(redis.call('HMGET', unit_key(id), 'status', 'awaits'))
  return status == 'queued' or awaits == 'gathering'
end

local function queues_are_empty()
  for _, queue in ipairs(queues) do
    if redis.call('LLEN', queue) > 0 then return false end
  end
  return true
end

-- Nobody could renew while Redis was down or the machine slept: give every holder a whole lease again.
-- `grace_until` keeps a reaper that looks rarely from taking its own rhythm for a pause each time.
local function grant_grace_after_a_pause()
  local memory = redis.call('HMGET', REAPER, 'looked_at', 'grace_until')
  local looked_at, grace_until = tonumber(memory[1] or now), tonumber(memory[2] or 0)
  redis.call('HSET', REAPER, 'looked_at', now)
  if now - math.max(looked_at, grace_until) <= lease_ms / 2 then return end

  grace_until = now + lease_ms
  redis.call('HSET', REAPER, 'grace_until', grace_until)
  for _, id in ipairs(redis.call('ZRANGEBYSCORE', DUE, '-inf', '(' .. grace_until)) do
    if not waits(id) then redis.call('ZADD', DUE, grace_until, id) end
  end
end

local function lease_ran_out(id)
  local worker, attempt = unpack(redis.call('HMGET', unit_key(id), 'worker', 'attempt'))
  local lose = is_trial(id) and lose_trial or lose_attempt
  return lose(id, 'worker ' .. worker .. ' stopped renewing its lease in attempt ' .. attempt .. '.', 1)
end

-- The pause before the next message: it doubles as long as messages wait to be read, for then the job's own
-- is probably among them, and starts anew when none waits.
local function next_pause(id, idle)
  if idle then return resend_ms end
  local pause = 2 * tonumber(redis.call('HGET', unit_key(id), 'resend_pause_ms') or resend_ms)
  redis.call('HSET', unit_key(id), 'resend_pause_ms', pause)
  return pause
end

grant_grace_after_a_pause()
local idle = queues_are_empty()
local to_send = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', DUE, '-inf', now, 'LIMIT', 0, batch)) do
  if waits(id) or lease_ran_out(id) == 'requeued' then
    to_send[#to_send + 1] = id
    redis.call('ZADD', DUE, now + next_pause(id, idle), id)
  end
end
return to_send
