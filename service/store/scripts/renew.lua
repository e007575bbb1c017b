-- Keep a lease. Gives 'held', 'cancel' or 'lost'.
local id, attempt, lease_ms, progress = unpack(ARGV)
if is_trial(id) then return renew_trial(id, attempt, lease_ms, progress) end
local status = held_status(id, attempt)
if not status then return 'lost' end

redis.call('ZADD', DUE, now + lease_ms, id)
if progress ~= '' then -- a bare renewal changes nothing that a reader could see
  redis.call('HSET', job_key(id), 'progress', progress)
  announce(id)
end
return status == 'cancelling' and 'cancel' or 'held'
