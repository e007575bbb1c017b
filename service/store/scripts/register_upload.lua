-- Keep the record of an upload. Gives {'created' or 'known', upload, values of the fields asked for}.
local kind, content, file, size_bytes, retention_ms, lost = unpack(ARGV, 1, 6)
local upload = kind .. ':' .. content
local key = upload_key(upload)

if lost ~= '' and file_of(content) == lost then
  for _, each in ipairs(UPLOAD_KINDS) do
    local other = upload_key(each .. ':' .. content)
    if redis.call('EXISTS', other) == 1 then redis.call('HSET', other, 'file', file) end
  end
end
if redis.call('EXISTS', key) == 0 then
  local entry = string.format('%015.0f:%s', now, content)
  redis.call('HSET', key, 'kind', kind, 'content', content, 'file', file_of(content) or file, 'offered', file,
    'size_bytes', size_bytes, 'created_at', now, 'entry', entry, 'jobs', 0)
  redis.call('ZADD', upload_index(kind), 0, entry)
end
redis.call('HSET', key, 'retention_ms', retention_ms)
postpone_expiry(upload)

-- what the first execution offered is offered again if its answer was lost
local outcome = redis.call('HGET', key, 'offered') == file and 'created' or 'known'
return {outcome, upload, redis.call('HMGET', key, unpack(ARGV, 7))}
