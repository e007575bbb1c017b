-- Remove final jobs whose time is over, in bounded batches: a script blocks all others. Gives their ids.
local ids = redis.call('ZRANGEBYSCORE', EXPIRING, '-inf', now, 'LIMIT', 0, ARGV[1])
for _, id in ipairs(ids) do remove(id, 'expired') end
return ids
