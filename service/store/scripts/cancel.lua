-- Stop a job. Gives 'cancelled', 'cancelling', 'already_final_cancelled', 'finished' or 'unknown'.
local id = ARGV[1]
local status = redis.call('HGET', job_key(id), 'status')
if not status then return 'unknown' end
if status == 'cancelled' then return 'already_final_cancelled' end
if is_final(status) then return 'finished' end
if status == 'queued' then
  finalise(id, status, 'cancelled')
  return 'cancelled'
end
if status == 'running' then
  move(id, status, 'cancelling')
  announce(id)
end
return 'cancelling'
