"""The child process that a job runs in, and its limits.

- `process`: the worker's side. Starts the zygote and, from it, one child per job.
- `watch`: follows a child to its end, or brings it about.
- `zygote`: a process with everything imported that does nothing but fork.
- `child`: what happens between the fork and the job's own code.
- `limits`: how much a child may use.
- `confinement`: what it can reach, next to nothing.
- `environment`: which variables it gets.
- `messages`: the only language from a child to the worker, lines of JSON.
"""
