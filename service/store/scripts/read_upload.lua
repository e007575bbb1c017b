-- One upload. Gives {upload, values of the fields asked for}, or nil.
local upload = ARGV[1]
if redis.call('EXISTS', upload_key(upload)) == 0 then return false end
return {upload, redis.call('HMGET', upload_key(upload), unpack(ARGV, 2))}
