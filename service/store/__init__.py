"""What both doors keep: the truth about jobs and uploads in Redis, their files on disk.

- `commands`: every transition of a job, as a value (`Command`) that knows its Lua script and
  its answer's type.
- `upload_commands`: the same for uploads, checkpoints and data sets.
- `jobs`: the two stores that execute commands, one for asyncio, one that blocks.
- `artifacts`: files of jobs, and uploads; `incoming`: a file that is still arriving.
- `embedded_redis`: a real, durable Redis server for machines that have none.

The keys in Redis are described, and named, in `scripts/prelude.lua` alone.
"""
