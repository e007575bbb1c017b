-- In front of every script. Names every key, and holds the steps that several transitions share.
--
-- Keys, each with the prefix NAMESPACE:
--   job:{id}            hash    the job; removed with it
--   trial:{id}:{number} hash    a trial of job {id}, a unit of work of its own; removed once the job is final
--   jobs                zset    ids of all jobs; scores are all 0, so members sort by id, that is by time
--   jobs:{status}       zset    the same, per status
--   due                 zset    unit of work (a job's {id}, a trial's {id}:{number}) -> when the reaper must look
--                               at it: the lease's end if a worker has it, and if it waits for one, the time at
--                               which its message is taken for lost
--   expiring            zset    id of a final job -> when it is to be removed
--   idempotency:{hash}  hash    body_hash and job of an idempotency key; has a time to live, removed with its job
--   tombstone:{id}      hash    kind and removed_at of a removed job; has a time to live
--   reaper              hash    when the reaper looked last
--   workers             zset    live worker -> when its report is to be forgotten; both have a time to live
--   worker_reports      hash    live worker -> which protections its jobs are confined by, as JSON
--   upload:{upload}     hash    the record of a file that was uploaded; removed with it
--   uploads:{kind}      zset    {created_at}:{content} of all uploads of a kind; scores are all 0, so members
--                               sort by time
--   uploads_expiring    zset    upload that no unfinished job uses -> when it is to be removed
-- An {upload} is '{kind}:{content}', where {content} is 'sha256:…'. A job's field `uploads` lists those that it
-- uses, with spaces between them, until it is final. All records of one content name the same file.
-- A running job that no worker has says in its field `awaits` for what it waits: see `trials.lua`.
-- Times are milliseconds since 1970, by Redis's own clock.

local NAMESPACE = 'gradient-clinic:'
local CHANGES = NAMESPACE .. 'changes'
local ALL = NAMESPACE .. 'jobs'
local DUE = NAMESPACE .. 'due'
local EXPIRING = NAMESPACE .. 'expiring'
local REAPER = NAMESPACE .. 'reaper'
local WORKERS = NAMESPACE .. 'workers'
local WORKER_REPORTS = NAMESPACE .. 'worker_reports'
local UPLOADS_EXPIRING = NAMESPACE .. 'uploads_expiring'
local UPLOAD_KINDS = {'checkpoint', 'dataset'}

local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

local function job_key(id) return NAMESPACE .. 'job:' .. id end
local function is_trial(unit) return string.find(unit, ':', 1, true) ~= nil end
local function unit_key(unit) return NAMESPACE .. (is_trial(unit) and 'trial:' or 'job:') .. unit end
local function status_index(status) return NAMESPACE .. 'jobs:' .. status end
local function idempotency_key(digest) return NAMESPACE .. 'idempotency:' .. digest end
local function tombstone_key(id) return NAMESPACE .. 'tombstone:' .. id end
local function upload_key(upload) return NAMESPACE .. 'upload:' .. upload end
local function upload_index(kind) return NAMESPACE .. 'uploads:' .. kind end

local function is_final(status)
  return status == 'succeeded' or status == 'failed' or status == 'cancelled'
end

-- Readers see something new: a new revision, and those who wait are woken.
local function announce(id)
  redis.call('HINCRBY', job_key(id), 'revision', 1)
  redis.call('PUBLISH', CHANGES, id)
end

-- A status and its index change together or not at all.
local function move(id, from, to)
  redis.call('ZREM', status_index(from), id)
  redis.call('ZADD', status_index(to), 0, id)
  redis.call('HSET', job_key(id), 'status', to)
end

-- The upload was sent or used: its time begins anew. It does not run while an unfinished job uses the upload.
local function postpone_expiry(upload)
  local record = redis.call('HMGET', upload_key(upload), 'retention_ms', 'jobs')
  local expires_at = now + record[1]
  redis.call('HSET', upload_key(upload), 'expires_at', expires_at)
  if tonumber(record[2]) > 0 then
    redis.call('ZREM', UPLOADS_EXPIRING, upload)
  else
    redis.call('ZADD', UPLOADS_EXPIRING, expires_at, upload)
  end
end

-- As many unfinished jobs more (or, if negative, fewer) use the upload.
local function count_jobs(upload, change)
  redis.call('HINCRBY', upload_key(upload), 'jobs', change)
  postpone_expiry(upload)
end

-- A job needs its uploads no more. The field goes with the count, so that none is counted off twice.
local function release_uploads(id)
  local uploads = redis.call('HGET', job_key(id), 'uploads')
  if not uploads then return end
  redis.call('HDEL', job_key(id), 'uploads')
  for upload in string.gmatch(uploads, '%S+') do count_jobs(upload, -1) end
end

-- The file that holds a content, or nil if no record names one.
local function file_of(content)
  for _, kind in ipairs(UPLOAD_KINDS) do
    local file = redis.call('HGET', upload_key(kind .. ':' .. content), 'file')
    if file then return file end
  end
  return nil
end

-- Forget an upload. Gives the name of its file, or '' if a record of another kind still needs it.
local function remove_upload(upload)
  local record = redis.call('HMGET', upload_key(upload), 'kind', 'content', 'file', 'entry')
  local kind, content, file, entry = unpack(record)
  redis.call('DEL', upload_key(upload))
  redis.call('ZREM', upload_index(kind), entry)
  redis.call('ZREM', UPLOADS_EXPIRING, upload)
  return file_of(content) and '' or file
end

-- A job needs no trials any more: its diagnosis tells of them, or there is none.
local function remove_trials(id)
  for number = 0, tonumber(redis.call('HGET', job_key(id), 'trials') or 0) - 1 do
    local trial = id .. ':' .. number
    redis.call('DEL', unit_key(trial))
    redis.call('ZREM', DUE, trial)
  end
  redis.call('HDEL', job_key(id), 'trials', 'pending', 'draft', 'awaits')
end

local function finalise(id, from, to)
  move(id, from, to)
  release_uploads(id)
  remove_trials(id)
  local expires_at = now + redis.call('HGET', job_key(id), 'retention_ms')
  redis.call('HSET', job_key(id), 'finished_at', now, 'expires_at', expires_at)
  redis.call('ZREM', DUE, id)
  redis.call('ZADD', EXPIRING, expires_at, id)
  announce(id)
end

-- A running job that no worker has waits for one to gather its trials' results; at `due`, its message is lost.
local function await_gathering(id, due)
  redis.call('HSET', job_key(id), 'awaits', 'gathering')
  redis.call('HDEL', job_key(id), 'resend_pause_ms')
  redis.call('ZADD', DUE, due, id)
  announce(id)
end

-- The job's status if `attempt` is its current one and a worker still has it, else nil.
local function held_status(id, attempt)
  local job = redis.call('HMGET', job_key(id), 'status', 'attempt', 'awaits')
  if job[3] then return nil end
  if (job[1] == 'running' or job[1] == 'cancelling') and job[2] == attempt then return job[1] end
  return nil
end

local function given_up(lost, reason)
  return 'Given up after ' .. lost .. (lost == 1 and ' attempt' or ' attempts')
    .. ' that lost their worker. The last: ' .. reason
end

-- The current attempt came to nothing: once more, or give up and say why. Gives what became of the job.
-- `counted` is 1 if the attempt counts against the job, 0 if it is beyond suspicion. Who was to gather trials
-- loses only that: the trials stay made.
local function lose_attempt(id, reason, counted)
  local job = redis.call('HMGET', job_key(id), 'status', 'max_attempts', 'draft')
  local status, max_attempts, draft = job[1], tonumber(job[2]), job[3]
  if status == 'cancelling' then
    finalise(id, status, 'cancelled')
    return 'cancelled'
  end
  local lost = redis.call('HINCRBY', job_key(id), 'lost', counted)
  if lost >= max_attempts then
    local err = cjson.encode({code = 'worker_lost', detail = given_up(lost, reason), retryable = true})
    redis.call('HSET', job_key(id), 'error', err)
    finalise(id, status, 'failed')
    return 'failed'
  end
  if draft then
    await_gathering(id, now)
    return 'requeued'
  end
  move(id, status, 'queued')
  redis.call('HDEL', job_key(id), 'progress', 'resend_pause_ms')
  redis.call('ZADD', DUE, now, id)
  announce(id)
  return 'requeued'
end

-- Forget a final job and all that hangs on it; leave a tombstone.
local function remove(id, kind)
  local job = redis.call('HMGET', job_key(id), 'status', 'tombstone_ms', 'idempotency')
  local digest = job[3]
  if digest and redis.call('HGET', idempotency_key(digest), 'job') == id then
    redis.call('DEL', idempotency_key(digest))
  end
  release_uploads(id) -- only a job that an earlier version of this script ended still has some
  redis.call('DEL', job_key(id))
  redis.call('ZREM', ALL, id)
  redis.call('ZREM', status_index(job[1]), id)
  redis.call('ZREM', EXPIRING, id)
  redis.call('HSET', tombstone_key(id), 'kind', kind, 'removed_at', now)
  redis.call('PEXPIRE', tombstone_key(id), job[2])
  redis.call('PUBLISH', CHANGES, id)
end
