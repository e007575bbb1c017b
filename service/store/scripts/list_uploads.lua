-- A page of uploads, newest first.
-- Gives {1 if more follow else 0, last entry or '', {{upload, values of the fields asked for}, …}}.
local kind, limit, before = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local newest = before == '' and '+' or '(' .. before
local entries = redis.call('ZREVRANGEBYLEX', upload_index(kind), newest, '-', 'LIMIT', 0, limit + 1)
local rows = {}
for position = 1, math.min(limit, #entries) do
  local upload = kind .. ':' .. string.match(entries[position], '^%d+:(.+)$')
  rows[position] = {upload, redis.call('HMGET', upload_key(upload), unpack(ARGV, 4))}
end
return {#entries > limit and 1 or 0, entries[#rows] or '', rows}
