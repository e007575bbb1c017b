-- Keep a new job. Gives {outcome, job id or '', uploads that are not kept…}.
local id, request, expanded, caller, digest, body_hash = unpack(ARGV, 1, 6)
local max_queued, max_attempts, retention_ms, tombstone_ms, idempotency_ms, resend_ms = unpack(ARGV, 7, 12)
local uploads = {unpack(ARGV, 13)}

if digest ~= '' then
  local known = redis.call('HMGET', idempotency_key(digest), 'body_hash', 'job')
  if known[2] and known[2] ~= id then
    return {known[1] == body_hash and 'replayed' or 'conflict', known[2]}
  end
end
if redis.call('EXISTS', job_key(id)) == 1 then
  return {'created', id} -- the same command again: its first answer was lost
end
local missing = {}
for _, upload in ipairs(uploads) do
  if redis.call('EXISTS', upload_key(upload)) == 0 then missing[#missing + 1] = upload end
end
if #missing > 0 then return {'uploads_missing', '', unpack(missing)} end
if redis.call('ZCARD', status_index('queued')) >= tonumber(max_queued) then
  return {'queue_full', ''}
end

redis.call('HSET', job_key(id), 'status', 'queued', 'created_at', now, 'attempt', 0, 'revision', 0,
  'request', request, 'expanded', expanded, 'caller', caller, 'max_attempts', max_attempts,
  'retention_ms', retention_ms, 'tombstone_ms', tombstone_ms, 'resend_ms', resend_ms)
redis.call('ZADD', ALL, 0, id)
redis.call('ZADD', status_index('queued'), 0, id)
redis.call('ZADD', DUE, now + resend_ms, id)
if #uploads > 0 then
  redis.call('HSET', job_key(id), 'uploads', table.concat(uploads, ' '))
  for _, upload in ipairs(uploads) do count_jobs(upload, 1) end
end
if digest ~= '' then
  redis.call('HSET', job_key(id), 'idempotency', digest)
  redis.call('HSET', idempotency_key(digest), 'body_hash', body_hash, 'job', id)
  redis.call('PEXPIRE', idempotency_key(digest), idempotency_ms)
end
announce(id)
return {'created', id}
