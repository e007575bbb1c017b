-- Give up an attempt. Gives 'requeued', 'failed', 'cancelled' or 'stale'.
local id, attempt, reason, counted = unpack(ARGV)
if is_trial(id) then
  return holds_trial(id, attempt) and lose_trial(id, reason, counted) or 'stale'
end
if not held_status(id, attempt) then return 'stale' end
return lose_attempt(id, reason, counted)
