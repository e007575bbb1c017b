-- End a trial. Gives 'kept', 'gather' after the last one, 'cancelled' if the job now is, or 'stale'.
local trial, attempt, token, result = unpack(ARGV)
local key, id = unit_key(trial), job_of(trial)
if redis.call('HGET', key, 'finish_token') == token then -- the same command again: its first answer was lost
  return redis.call('HGET', job_key(id), 'awaits') == 'gathering' and 'gather' or 'kept'
end
if not holds_trial(trial, attempt) then return 'stale' end
redis.call('HSET', key, 'finish_token', token)
return end_trial(trial, result, now + (redis.call('HGET', job_key(id), 'resend_ms') or 0))
