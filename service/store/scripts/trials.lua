-- After the prelude, in front of every script: the steps of trials that several transitions share.
--
-- A job that has trials made is `running`, but no worker has it; its field `awaits` is
--   'trials'      while they are made; `pending` counts those of the present round that are not done
--   'gathering'   from then on, until a worker claims the job with their results
-- Its trials are numbered from 0 through all rounds: `trials` counts them, the present round's begin at `round`.
-- `draft` is what the round began with. Each gathering takes an attempt's number, the fencing token, without
-- being another attempt at the job: `gatherings` counts those to be taken off what readers see; `fresh` is set
-- until the round's first one. `traced_by` is the attempt that left the trace.
-- A trial's hash has `status` ('queued', 'running', 'done'), `order`, `title`, `step`, `steps`, then `result`.

local SHOW_MS = 500 -- steps of trials are shown as often as this at most

local function job_of(trial) return string.match(trial, '^[^:]*') end

-- The trials' state becomes the job's progress.
local function show_trials(id)
  local shown, done, all = {}, 0, 0
  for number = 0, tonumber(redis.call('HGET', job_key(id), 'trials')) - 1 do
    local trial = redis.call('HMGET', unit_key(id .. ':' .. number), 'title', 'status', 'step', 'steps')
    if trial[2] then -- of a job that is being cancelled, some are gone
      local step, steps = tonumber(trial[3]), tonumber(trial[4])
      shown[#shown + 1] = {remedy = trial[1], status = trial[2], step = step, steps = steps}
      done, all = done + step, all + steps
    end
  end
  local progress = {phase = 'trying', step = done, steps = all, loss = cjson.null, trials = shown}
  local text = string.gsub(cjson.encode(progress), '"trials":{}', '"trials":[]') -- no list, to cjson, if empty
  redis.call('HSET', job_key(id), 'progress', text, 'shown_at', now)
  redis.call('HDEL', job_key(id), 'unshown')
  announce(id)
end

-- A trial of the present round needs no worker any more. Gives 'kept'; after the last one 'gather', or
-- 'cancelled' if the job was to be. At `due`, the message that says so is lost.
local function trial_ended(id, due)
  local pending = redis.call('HINCRBY', job_key(id), 'pending', -1)
  local status = redis.call('HGET', job_key(id), 'status')
  show_trials(id)
  if pending == 0 and status == 'cancelling' then
    finalise(id, status, 'cancelled')
    return 'cancelled'
  end
  if pending > 0 then return 'kept' end
  await_gathering(id, due)
  return 'gather'
end

local function remove_trial(trial)
  redis.call('DEL', unit_key(trial))
  redis.call('ZREM', DUE, trial)
end

local function end_trial(trial, result, due)
  local key, id = unit_key(trial), job_of(trial)
  if redis.call('HGET', job_key(id), 'status') == 'cancelling' then
    remove_trial(trial)
  else
    redis.call('HSET', key, 'status', 'done', 'result', result, 'step', redis.call('HGET', key, 'steps'))
    redis.call('ZREM', DUE, trial)
  end
  return trial_ended(id, due)
end

-- Whether `attempt` is the trial's current one and a worker still has it.
local function holds_trial(trial, attempt)
  local unit = redis.call('HMGET', unit_key(trial), 'status', 'attempt')
  return unit[1] == 'running' and unit[2] == attempt
end

-- As `lose_attempt`, of a trial: what it costs is this trial at most, never the job.
local function lose_trial(trial, reason, counted)
  local key, id = unit_key(trial), job_of(trial)
  local job = redis.call('HMGET', job_key(id), 'status', 'max_attempts')
  if job[1] == 'cancelling' then
    end_trial(trial, '', now)
    return 'cancelled'
  end
  local lost = redis.call('HINCRBY', key, 'lost', counted)
  if lost >= tonumber(job[2]) then
    end_trial(trial, cjson.encode({kind = 'failed', reason = given_up(lost, reason)}), now)
    return 'failed'
  end
  redis.call('HSET', key, 'status', 'queued', 'step', 0)
  redis.call('HDEL', key, 'resend_pause_ms')
  redis.call('ZADD', DUE, now, trial)
  show_trials(id)
  return 'requeued'
end

local function claim_trial(trial, worker, lease_ms, token)
  local key = unit_key(trial)
  local status, claim_token, order = unpack(redis.call('HMGET', key, 'status', 'claim_token', 'order'))
  if status == 'running' and claim_token == token then
    return {redis.call('HGET', key, 'attempt'), order, 'trial'}
  end
  if status ~= 'queued' then return false end
  local attempt = redis.call('HINCRBY', key, 'attempt', 1)
  redis.call('HSET', key, 'status', 'running', 'worker', worker, 'claim_token', token)
  redis.call('ZADD', DUE, now + lease_ms, trial)
  show_trials(job_of(trial))
  return {attempt, order, 'trial'}
end

local function renew_trial(trial, attempt, lease_ms, progress)
  if not holds_trial(trial, attempt) then return 'lost' end
  local id = job_of(trial)
  redis.call('ZADD', DUE, now + lease_ms, trial)
  if progress ~= '' then
    redis.call('HSET', unit_key(trial), 'step', cjson.decode(progress).step)
    redis.call('HSET', job_key(id), 'unshown', 1)
  end
  local job = redis.call('HMGET', job_key(id), 'status', 'unshown', 'shown_at')
  if job[2] and now - tonumber(job[3]) >= SHOW_MS then show_trials(id) end -- by a later renewal, if not by this
  return job[1] == 'cancelling' and 'cancel' or 'held'
end
