-- Take a unit of work that waits. Gives {attempt, request, 'job'}, {attempt, order, 'trial'}, or of a job whose
-- trials are made {attempt, request, 'gathering', draft, order, result, order, result…}; nil if there is nothing
-- to take.
local id, worker, lease_ms, token = unpack(ARGV)
if is_trial(id) then return claim_trial(id, worker, lease_ms, token) end
local key = job_key(id)
local job = redis.call('HMGET', key, 'status', 'attempt', 'claim_token', 'request', 'awaits', 'draft')
local status, attempt, claim_token, request, awaits, draft = unpack(job)

local function answer()
  if not draft then return {attempt, request, 'job'} end
  local told = {attempt, request, 'gathering', draft}
  local first, trials = unpack(redis.call('HMGET', key, 'round', 'trials'))
  for number = tonumber(first), trials - 1 do
    local made = redis.call('HMGET', unit_key(id .. ':' .. number), 'order', 'result')
    told[#told + 1], told[#told + 2] = made[1], made[2]
  end
  return told
end

if status == 'running' and not awaits and claim_token == token then
  return answer() -- the same command again: its first answer was lost
end
if status ~= 'queued' and awaits ~= 'gathering' then return false end

attempt = redis.call('HINCRBY', key, 'attempt', 1)
redis.call('HSET', key, 'worker', worker, 'claim_token', token)
redis.call('ZADD', DUE, now + lease_ms, id)
if status == 'queued' then
  redis.call('HSET', key, 'started_at', now)
  move(id, 'queued', 'running')
else
  redis.call('HDEL', key, 'awaits')
  if redis.call('HDEL', key, 'fresh') == 1 then redis.call('HINCRBY', key, 'gatherings', 1) end
end
announce(id)
return answer()
