-- Give up an attempt. Gives 'requeued', 'failed', 'cancelled' or 'stale'.
local id, attempt, reason, counted = unpack(ARGV)
if not held_status(id, attempt) then return 'stale' end
return lose_attempt(id, reason, counted)
