-- Gives those of the ids of which no job is kept.
local unknown = {}
for _, id in ipairs(ARGV) do
  if redis.call('EXISTS', job_key(id)) == 0 then unknown[#unknown + 1] = id end
end
return unknown
