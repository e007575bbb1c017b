-- Keep what a worker says of itself for a while; an empty report is its last.
local worker, report, ttl_ms = ARGV[1], ARGV[2], tonumber(ARGV[3])
if report == '' then
  redis.call('ZREM', WORKERS, worker)
  redis.call('HDEL', WORKER_REPORTS, worker)
  return
end
redis.call('ZADD', WORKERS, now + ttl_ms, worker)
redis.call('HSET', WORKER_REPORTS, worker, report)
for _, key in ipairs({WORKERS, WORKER_REPORTS}) do
  if redis.call('PTTL', key) < ttl_ms then redis.call('PEXPIRE', key, ttl_ms) end
end
