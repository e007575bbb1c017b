"""One way of training, measured over seeds and learning rates."""

from workers.remedies.trials.trial import run_trial

__all__ = ["run_trial"]
