-- Take a queued job. Gives {attempt, request}, or nil if there is nothing to take.
local id, worker, lease_ms, token = unpack(ARGV)
local job = redis.call('HMGET', job_key(id), 'status', 'attempt', 'claim_token', 'request')
local status, attempt, claim_token, request = unpack(job)
if status == 'running' and claim_token == token then
  return {attempt, request} -- the same command again: its first answer was lost
end
if status ~= 'queued' then return false end

attempt = redis.call('HINCRBY', job_key(id), 'attempt', 1)
redis.call('HSET', job_key(id), 'worker', worker, 'claim_token', token, 'started_at', now)
move(id, 'queued', 'running')
redis.call('ZADD', DUE, now + lease_ms, id)
announce(id)
return {attempt, request}
