-- Stop a job. Gives 'cancelled', 'cancelling', 'already_final_cancelled', 'finished' or 'unknown'.
local id = ARGV[1]
local status, awaits = unpack(redis.call('HMGET', job_key(id), 'status', 'awaits'))
if not status then return 'unknown' end
if status == 'cancelled' then return 'already_final_cancelled' end
if is_final(status) then return 'finished' end

-- Those that wait for a worker; gives how many have one.
local function remove_waiting_trials()
  for number = 0, tonumber(redis.call('HGET', job_key(id), 'trials')) - 1 do
    local trial = id .. ':' .. number
    if redis.call('HGET', unit_key(trial), 'status') == 'queued' then
      remove_trial(trial)
      redis.call('HINCRBY', job_key(id), 'pending', -1)
    end
  end
  return tonumber(redis.call('HGET', job_key(id), 'pending'))
end

if status == 'cancelling' then return 'cancelling' end
local held = status == 'running' and not awaits
if awaits == 'trials' then held = remove_waiting_trials() > 0 end
if not held then
  if awaits then show_trials(id) end -- none is queued any more
  finalise(id, status, 'cancelled')
  return 'cancelled'
end
move(id, status, 'cancelling')
if awaits then show_trials(id) else announce(id) end
return 'cancelling'
