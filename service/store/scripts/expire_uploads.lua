-- Forget uploads whose time is over, in bounded batches: a script blocks all others.
-- Gives for each the name of its file, or '' if another record still needs it.
local files = {}
for _, upload in ipairs(redis.call('ZRANGEBYSCORE', UPLOADS_EXPIRING, '-inf', now, 'LIMIT', 0, ARGV[1])) do
  files[#files + 1] = remove_upload(upload)
end
return files
