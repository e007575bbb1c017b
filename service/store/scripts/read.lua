-- One job. Gives {'job', id, values of the fields asked for}, or {'tombstone', id, {kind, removed_at}}, or nil.
local id = ARGV[1]
if redis.call('EXISTS', job_key(id)) == 1 then
  return {'job', id, redis.call('HMGET', job_key(id), unpack(ARGV, 2))}
end
local tombstone = redis.call('HMGET', tombstone_key(id), 'kind', 'removed_at')
if tombstone[1] then return {'tombstone', id, tombstone} end
return false
