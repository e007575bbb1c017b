-- A page of jobs, newest first. Gives {1 if more follow else 0, {{id, values of the fields asked for}, …}}.
local status, limit, before = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local index = status == '' and ALL or status_index(status)
local newest = before == '' and '+' or '(' .. before
local ids = redis.call('ZREVRANGEBYLEX', index, newest, '-', 'LIMIT', 0, limit + 1)
local rows = {}
for position = 1, math.min(limit, #ids) do
  rows[position] = {ids[position], redis.call('HMGET', job_key(ids[position]), unpack(ARGV, 4))}
end
return {#ids > limit and 1 or 0, rows}
