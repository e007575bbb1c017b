-- Gives those of the files that no record names. Arguments: a content and a file of it, again and again.
local unnamed = {}
for position = 1, #ARGV, 2 do
  if file_of(ARGV[position]) ~= ARGV[position + 1] then unnamed[#unnamed + 1] = ARGV[position + 1] end
end
return unnamed
