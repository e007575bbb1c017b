-- Forget an upload that no unfinished job uses. Gives {'deleted', file or ''}, {'in_use'} or {'unknown'}.
local upload = ARGV[1]
local jobs = redis.call('HGET', upload_key(upload), 'jobs')
if not jobs then return {'unknown'} end
if tonumber(jobs) > 0 then return {'in_use'} end
return {'deleted', remove_upload(upload)}
