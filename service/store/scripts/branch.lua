-- A job's attempt ends with trials to be made. Gives {'branched', trials…}, {'cancelled'} or {'stale'}.
-- Arguments after the first six: order, title and steps of a trial, again and again.
local id, attempt, token, draft, diagnosis, verdict = unpack(ARGV, 1, 6)
local key = job_key(id)
local ORDERS = 7

local function trials_from(first)
  local answer = {'branched'}
  for number = first, tonumber(redis.call('HGET', key, 'trials') or 0) - 1 do
    answer[#answer + 1] = id .. ':' .. number
  end
  return answer
end

-- Their results are in the draft.
local function forget_contents_of(count)
  for number = 0, count - 1 do redis.call('HDEL', unit_key(id .. ':' .. number), 'order', 'result') end
end

local function add_trial(number, order, title, steps)
  local trial = id .. ':' .. number
  redis.call('HSET', unit_key(trial), 'status', 'queued', 'attempt', 0, 'order', order, 'title', title,
    'step', 0, 'steps', steps)
  redis.call('ZADD', DUE, now + (redis.call('HGET', key, 'resend_ms') or 0), trial)
end

if redis.call('HGET', key, 'branch_token') == token then -- the same command again: its first answer was lost
  return trials_from(tonumber(redis.call('HGET', key, 'round')))
end
local status = held_status(id, attempt)
if not status then return {'stale'} end
if status == 'cancelling' then
  finalise(id, status, 'cancelled')
  return {'cancelled'}
end

local first = tonumber(redis.call('HGET', key, 'trials') or 0)
local count = (#ARGV - ORDERS + 1) / 3
forget_contents_of(first)
for place = 0, count - 1 do
  add_trial(first + place, unpack(ARGV, ORDERS + 3 * place, ORDERS + 3 * place + 2))
end
redis.call('HSET', key, 'branch_token', token, 'draft', draft, 'awaits', 'trials', 'round', first,
  'trials', first + count, 'pending', count, 'fresh', 1, 'diagnosis', diagnosis, 'verdict', verdict)
redis.call('HSETNX', key, 'traced_by', attempt)
redis.call('ZREM', DUE, id)
show_trials(id)
return trials_from(first)
