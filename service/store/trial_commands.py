"""A job's trials: units of work that are claimed, renewed and released as jobs are.

    job:    running ──branch──▶ running, and no worker has it ──last trial done──▶ waits for a worker
                                   ▲                                                      │
                                   └──branch── running ◀──claim (with draft and results)──┘
    trial:  queued ──claim──▶ running ──finish_trial──▶ done
               ▲                 │  (no attempt left: done, as one that failed)
               └─release, reap───┘

Trials are no jobs: they are in no list, count against no quota and end with their job.
"""

import secrets
from collections.abc import Sequence

from service.store import decoding
from service.store.command import Argument, Command, load_script
from service.store.records import Branching, NewRound, TrialEnd

TRIALS_SUFFIX = ".trials"
"""Trials have queues of their own beside those of jobs, so that a new job does not wait behind them."""


def branch(job_id: str, attempt: int, round_: NewRound) -> Command[Branching]:
    """End an attempt at a job with a round of trials; who claims the job after them gets its draft back.

    One script, so that no job has half a round, and none is held by a worker that waits for others. A job can
    go through several rounds; the orders and results of a round are kept until the next one, whose draft must
    hold what is still needed of them.
    """
    if not round_.trials:
        raise ValueError("a round has at least one trial")
    told = (round_.draft_json, round_.diagnosis_json, round_.verdict)
    args: list[Argument] = [job_id, attempt, secrets.token_hex(8), *told]
    for trial in round_.trials:
        args += (trial.order_json, trial.title, trial.steps)
    return Command(load_script("branch"), tuple(args), decoding.branching)


def finish_trial(unit: str, attempt: int, result_json: str) -> Command[TrialEnd]:
    """Keep a trial's result.

    `gather`: it was the last one, and the job's message must be sent: it waits for somebody to go on with the
    results. `cancelled`: it was the last one that ran of a job that was to be cancelled. `stale`: this
    attempt is not the current one any more, or the trial is gone: nothing was written.
    """
    args = (unit, attempt, secrets.token_hex(8), result_json)
    return Command(load_script("finish_trial"), args, decoding.word)


def is_trial(unit: str) -> bool:
    """Whether a unit of work is a trial; else it is a job."""
    return ":" in unit


def job_of(unit: str) -> str:
    """The job that a unit of work is a part of, or is."""
    return unit.partition(":")[0]


def number_of(trial: str) -> str:
    """Which of its job's trials it is, from 0."""
    return trial.partition(":")[2]


def queue_of(unit: str, jobs_queue: str) -> str:
    """The queue for a unit's message, of a job whose own messages go to `jobs_queue`."""
    return jobs_queue + TRIALS_SUFFIX if is_trial(unit) else jobs_queue


def queues_beside(jobs_queues: Sequence[str]) -> tuple[str, ...]:
    """Each queue of jobs, and its trials'."""
    return tuple(name for queue in jobs_queues for name in (queue, queue + TRIALS_SUFFIX))
