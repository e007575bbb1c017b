-- End a job. Gives 1, or 0 if the attempt is not the current one.
local id, attempt, token, state, err, diagnosis, verdict = unpack(ARGV)
if redis.call('HGET', job_key(id), 'finish_token') == token then
  return 1 -- the same command again: its first answer was lost
end
local status = held_status(id, attempt)
if not status then return 0 end

redis.call('HSET', job_key(id), 'finish_token', token)
if status == 'cancelling' then
  state = 'cancelled'
else
  local results = {error = err, diagnosis = diagnosis, verdict = verdict}
  for field, value in pairs(results) do
    if value ~= '' then redis.call('HSET', job_key(id), field, value) end
  end
end
finalise(id, status, state)
return 1
