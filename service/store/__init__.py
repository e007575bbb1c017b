"""What both doors keep: the truth about jobs in Redis, their files on disk.

- `commands`: every transition of a job, as a value (`Command`) that knows its Lua script and
  its answer's type.
- `jobs`: the two stores that execute commands, one for asyncio, one that blocks.
- `artifacts`: files of a job.
- `embedded_redis`: a real, durable Redis server for machines that have none.

The keys in Redis are described, and named, in `scripts/prelude.lua` alone.
"""
