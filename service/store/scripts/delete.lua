-- Remove a final job. Gives 'deleted', 'not_final' or 'unknown'.
local id = ARGV[1]
local status = redis.call('HGET', job_key(id), 'status')
if not status then return 'unknown' end
if not is_final(status) then return 'not_final' end
remove(id, 'deleted')
return 'deleted'
