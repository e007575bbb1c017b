-- What the live workers say of themselves; the others are forgotten.
for _, worker in ipairs(redis.call('ZRANGEBYSCORE', WORKERS, '-inf', now)) do
  redis.call('ZREM', WORKERS, worker)
  redis.call('HDEL', WORKER_REPORTS, worker)
end
return redis.call('HVALS', WORKER_REPORTS)
